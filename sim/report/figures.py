"""A run → the figures of the page as plotly specifications, and the hourly values they draw from.

A figure is a plotly ``{"data": …, "layout": …}`` in which some values are left open, because they depend on what
the reader chooses; the page fills them in:

    {"t": key}                      a text of ``words`` in the reader's language
    {"zh": …, "en": …}              a name in the reader's language
    {"v": numbers, "q": quantity}   numbers in the unit of the language (``q``: power, energy, money, or none)
    {"s": kind, "q": …}             an hourly series within the chosen week
    {"day": kind, "q": …}           an hourly series as [hour of day × day]; "chosen": by the reader
    {"c": name}                     a colour of the theme
    {"wide": …, "narrow": …}        a text that depends on the width of the screen
    {"line": k} / {"bus": …}        what the map shows of branch k / of all buses in the chosen hour or statistic

Hourly values are stored once, as small integers between their extremes (``pack``), which keeps a year below 3 MB.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from scenarios.records import Floats
from sim.report.content import OUTSIDE, SOURCES, TECHS, USES, Content
from sim.report.phrases import PLAN
from sim.report.units import Both

Spec = dict[str, Any]

# Okabe & Ito (2008) where they fit, all apart from each other for readers with colour-blindness.
COLOURS = {
    "coal": "#787878",
    "hydro": "#0072B2",
    "wind": "#56B4E9",
    "pv": "#E69F00",
    "discharge": "#CC79A7",
    "charge": "#CC79A7",
    "shed": "#F0E442",
    "shift_down": "#B5A642",
    "shift_up": "#B5A642",
    "unserved": "#882255",
    "curtailed": "#D55E00",
    "load": "#444C5C",
    "export": "#009E73",
    "loss": "#B9B9B9",
}
ACCENT = {"c": "accent"}
"""The colour of what is not one of the kinds: readable on both themes."""
SERIES = (
    *SOURCES,
    *USES,
    "uses",
    "wind_available",
    "pv_available",
    "curtailed",
    "residual_load",
    "stored_mwh",
    "price_cny_per_mwh",
)
HEAT_CHOICES = ("pv", "wind", "curtailed", "residual_load", "load", "export", "coal", "price_cny_per_mwh")
"""Kinds that the hour × day picture offers."""
QUANTILES = 241
STEPS_16_BIT, STEPS_8_BIT = 65534, 254
MAP_POINTS = 9
"""Points along a line on the map, so that it can be met with the mouse anywhere."""
MARGIN_DEG = 0.15
"""Margin around the region on the map, degrees."""
APART_DEG = 0.03
"""Distance at which two levels of one station are drawn apart, degrees."""
ASIDE_DEG = 0.016
"""Distance between parallel branches on the map, degrees."""
LABEL_DEG = (0.35, 0.15)
"""Width and height that a name takes on the map, degrees."""
TOP_BRANCHES = 8


# --- values -----------------------------------------------------------------------------------------------------


def pack(values: Floats, steps: int) -> Spec:
    """Return values [hours × things] as base64 of small integers: value = low + step × code, the top code is NaN.

    Things follow each other, each with all its hours. The error is at most half a step: (high − low) / steps / 2.
    """
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
    step = (high - low) / steps or 1.0
    kind: type[np.unsignedinteger[Any]] = np.uint16 if steps > STEPS_8_BIT else np.uint8
    with np.errstate(invalid="ignore"):
        codes = np.where(np.isfinite(values), np.round((values - low) / step), steps + 1).astype(kind)
    text = base64.b64encode(np.ascontiguousarray(codes.T).tobytes()).decode("ascii")
    return {"low": low, "step": step, "bits": 8 * codes.itemsize, "hours": values.shape[0], "codes": text}


def hourly_store(content: Content) -> Spec:
    """Return the hourly values of the page: system series, loadings and voltages, with their time axis."""
    system = content.system
    frame = system.assign(uses=system[list(USES)].sum(axis=1))
    series = {kind: pack(frame[[kind]].to_numpy(dtype=float), STEPS_16_BIT) for kind in SERIES}
    return {
        "start": system.index[0].strftime("%Y-%m-%dT%H:%M"),
        "hours": len(system),
        "series": series,
        "loading": pack(content.loading.to_numpy(dtype=float), STEPS_8_BIT),
        "voltage": pack(content.voltage.to_numpy(dtype=float), STEPS_8_BIT),
    }


def rounded(values: Iterable[float], digits: int = 6) -> list[float | None]:
    """Return numbers with so many significant digits; what is not finite is ``None``."""
    return [float(f"{value:.{digits}g}") if math.isfinite(value) else None for value in values]


def quantity(values: Iterable[float], unit: str = "none") -> Spec:
    """Return numbers that the page shows in the unit of the reader's language."""
    return {"v": rounded(values), "q": unit}


def duration(values: pd.Series[float]) -> list[float]:
    """Return a duration curve: quantiles from the highest to the lowest value, without the hours that failed."""
    known = values.to_numpy(dtype=float)
    known = known[np.isfinite(known)]
    if known.size == 0:
        return []
    return [float(value) for value in np.quantile(known, np.linspace(1.0, 0.0, QUANTILES))]


def exceeded_percent() -> list[float | None]:
    """Return the abscissa of duration curves: share of the hours, %."""
    return rounded(np.linspace(0.0, 100.0, QUANTILES), 4)


# --- parts of figures -------------------------------------------------------------------------------------------


def text(key: str) -> Spec:
    """Return a text of the page's words."""
    return {"t": key}


def name(both: Both) -> Spec:
    """Return a name in both languages."""
    return {"zh": both.zh, "en": both.en}


def axis(title: str, **more: Any) -> Spec:
    """Return an axis with a title from the words."""
    return {"title": {"text": text(title)}, **more}


def figure(data: list[Spec], height: int = 340, needs: Sequence[str] = (), **layout: Any) -> Spec:
    """Return a figure; ``needs`` names the reader's choices after which it is drawn again."""
    return {"data": data, "layout": {"height": height, **layout}, "needs": list(needs)}


def bars(kind: str, x: Any, y: Any, unit: str, **more: Any) -> Spec:
    """Return the bars of one kind, in its colour."""
    return {
        "type": "bar",
        "name": text(f"kind_{kind}"),
        "x": x,
        "y": y,
        "marker": {"color": COLOURS[kind]},
        "hovertemplate": text(f"hover_{unit}"),
        **more,
    }


def curve(title: Spec, y: Any, colour: Any, unit: str, **more: Any) -> Spec:
    """Return a line over share of the hours (or over ``x`` given)."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": title,
        "x": exceeded_percent(),
        "y": y,
        "line": {"color": colour, "width": 2, **more.pop("line", {})},
        "hovertemplate": text(f"hover_{unit}"),
        **more,
    }


def heat(z: Spec, unit: str, needs: Sequence[str], height: int = 300) -> Spec:
    """Return a picture hour of day × day."""
    trace = {
        "type": "heatmap",
        "x": {"days": True},
        "y": list(range(24)),
        "z": z,
        "colorscale": "Cividis",
        "colorbar": {"thickness": 12, "outlinewidth": 0, "title": {"text": text(f"unit_{unit}"), "side": "top"}},
        "hovertemplate": text(f"hover_heat_{unit}"),
    }
    hours = {"tickvals": [0, 6, 12, 18, 23], "autorange": True}
    dates = {"type": "date", "tickformat": text("format_month")}
    return figure([trace], height, needs, xaxis=dates, yaxis=axis("axis_hour", **hours))


# --- the figures ------------------------------------------------------------------------------------------------


def all_figures(content: Content) -> dict[str, Spec]:
    """Return every figure of the page by name."""
    return {
        "balance": monthly_balance(content),
        "week": week(content),
        "absorbed": monthly_absorption(content),
        "renewables_duration": renewables_duration(content),
        "residual_duration": residual_duration(content),
        "heat": heat({"day": "chosen", "q": "chosen"}, "chosen", ("heat",)),
        "county_curtailment": county_curtailment(content),
        "storage_day": storage_day(content),
        "storage_month": storage_month(content),
        "map": network_map(content),
        "element_heat": heat({"day": "element", "q": "none"}, "element", ("element",), 260),
        "element_duration": element_duration(),
        "loading_duration": loading_duration(content),
        "voltage_500": voltage_range(content, 500.0),
        "voltage_220": voltage_range(content, 220.0),
        "plan": plan_ratio(content),
        "cost": cost_parts(content),
        "price_duration": price_duration(content),
    }


def monthly_balance(content: Content) -> Spec:
    """Return sources and uses of every month, two stacks side by side."""
    monthly = content.monthly_gwh
    traces = []
    for group, kinds in (("sources", SOURCES), ("uses", USES)):
        for kind in kinds:
            if monthly[kind].abs().sum() > 0:
                y = quantity(monthly[kind], "energy")
                traces.append(bars(kind, list(monthly.index), y, "energy", offsetgroup=group))
    return figure(traces, 400, barmode="stack", xaxis={"type": "category"}, yaxis=axis("axis_energy"))


def week(content: Content) -> Spec:
    """Return the chosen week: generation as a stack up to what is used, above it curtailment; storage below."""
    sources = [kind for kind in SOURCES if kind in TECHS or content.monthly_gwh[kind].sum() > 0]
    stack = [_area(kind) for kind in sources] + [_area("curtailed", fillpattern={"shape": "/", "size": 5})]
    lines = [
        _step("load", {"s": "load", "q": "power"}, {"c": "text"}),
        _step("export", _weekly("export"), COLOURS["export"]),
    ]
    lines.append(_step("uses", _weekly("uses"), {"c": "text"}, dash="dot"))
    store = [
        _step("discharge", _weekly("discharge"), COLOURS["discharge"], axis="y2", fill="tozeroy", showlegend=False),
        _step(
            "charge",
            _weekly("charge") | {"sign": -1},
            COLOURS["charge"],
            axis="y2",
            fill="tozeroy",
            showlegend=False,
        ),
        _step("stored", {"s": "stored_mwh", "q": "content"}, {"c": "text"}, axis="y3", dash="dash", unit="content"),
    ]
    return figure(
        stack + lines + store,
        520,
        ("week",),
        xaxis={"type": "date", "tickformat": text("format_day"), "dtick": 86_400_000, "anchor": "y2"},
        yaxis=axis("axis_power", domain=[0.34, 1.0], rangemode="tozero"),
        yaxis2=axis("axis_storage", domain=[0.0, 0.25], zeroline=True),
        yaxis3=axis(
            "axis_content",
            overlaying="y2",
            side="right",
            rangemode="tozero",
            showgrid=False,
            tickmode="auto",
            nticks=4,
        ),
        hovermode="x unified",
    )


def _weekly(kind: str) -> Spec:
    return {"s": kind, "q": "power"}


def _area(kind: str, **more: Any) -> Spec:
    return {
        "type": "scatter",
        "mode": "lines",
        "stackgroup": "sources",
        "name": text(f"kind_{kind}"),
        "x": {"hours": True},
        "y": _weekly(kind),
        "line": {"width": 0, "color": COLOURS[kind], "shape": "hv"},
        "fillcolor": COLOURS[kind],
        "hovertemplate": text("hover_unified_power"),
        **more,
    }


def _step(
    kind: str, y: Spec, colour: Any, axis: str = "y", dash: str = "solid", unit: str = "power", **more: Any
) -> Spec:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": text(f"kind_{kind}"),
        "x": {"hours": True},
        "y": y,
        "yaxis": axis,
        "line": {"width": 1.8, "color": colour, "shape": "hv", "dash": dash},
        "hovertemplate": text(f"hover_unified_{unit}"),
        **more,
    }


def monthly_absorption(content: Content) -> Spec:
    """Return accepted and curtailed PV and wind of every month."""
    accepted, available = content.monthly_gwh, content.monthly_available_gwh
    months = list(accepted.index)
    traces = []
    for tech in ("pv", "wind"):
        curtailed = available[f"{tech}_available_mw"] - accepted[tech]
        lost = quantity(curtailed.clip(lower=0), "energy")
        traces.append(bars(tech, months, quantity(accepted[tech], "energy"), "energy", offsetgroup=tech))
        pattern = {
            "color": COLOURS[tech],
            "pattern": {"shape": "/", "bgcolor": "rgba(128,128,128,0.15)", "size": 5},
        }
        title = text(f"curtailed_{tech}")
        traces.append(bars(tech, months, lost, "energy", offsetgroup=tech) | {"name": title, "marker": pattern})
    return figure(traces, 340, barmode="stack", xaxis={"type": "category"}, yaxis=axis("axis_energy"))


def renewables_duration(content: Content) -> Spec:
    """Duration curves of available and accepted PV and wind, and of what was curtailed."""
    system = content.system
    traces = []
    for tech in ("pv", "wind"):
        offered = quantity(duration(system[f"{tech}_available"]), "power")
        accepted = quantity(duration(system[tech]), "power")
        traces.append(
            curve(text(f"available_{tech}"), offered, COLOURS[tech], "duration_power", line={"dash": "dot"})
        )
        traces.append(curve(text(f"kind_{tech}"), accepted, COLOURS[tech], "duration_power"))
    lost = quantity(duration(system["curtailed"]), "power")
    traces.append(curve(text("kind_curtailed"), lost, COLOURS["curtailed"], "duration_power"))
    return figure(traces, xaxis=axis("axis_share_of_hours"), yaxis=axis("axis_power"))


def residual_duration(content: Content) -> Spec:
    """Duration curves of demand and of what remains of it for coal, hydro and storage."""
    system = content.system
    demand = quantity(duration(system["load"] + system["export"]), "power")
    residual = quantity(duration(system["residual_load"]), "power")
    traces = [
        curve(text("load_and_export"), demand, {"c": "text"}, "duration_power"),
        curve(text("kind_residual_load"), residual, ACCENT, "duration_power"),
    ]
    return figure(traces, xaxis=axis("axis_share_of_hours"), yaxis=axis("axis_power", zeroline=True))


def county_curtailment(content: Content) -> Spec:
    """Curtailed energy by county and technology."""
    parts = content.metrics["curtailment"]["by_county"]
    order = sorted(
        (c for c in parts if parts[c]["total"]["available_gwh"] > 0), key=lambda c: parts[c]["total"]["gwh"]
    )
    names = [name(content.county_name(county)) for county in order]
    traces = [
        bars(tech, quantity((parts[c][tech]["gwh"] for c in order), "energy"), names, "energy_h", orientation="h")
        for tech in ("pv", "wind")
    ]
    return figure(traces, 320, barmode="stack", xaxis=axis("axis_energy"), yaxis={"type": "category"})


def storage_day(content: Content) -> Spec:
    """Mean charge and discharge by hour of day."""
    system = content.system
    means = system[["charge", "discharge"]].groupby(system.index.hour).mean()  # type: ignore[attr-defined]
    hours = [int(hour) for hour in means.index]
    traces = [
        bars("discharge", hours, quantity(means["discharge"], "power"), "power"),
        bars("charge", hours, quantity(-means["charge"], "power"), "power")
        | {"marker": {"color": COLOURS["charge"], "pattern": {"shape": "/", "size": 5}}},
    ]
    return figure(traces, 300, barmode="relative", xaxis=axis("axis_hour", dtick=3), yaxis=axis("axis_power"))


def storage_month(content: Content) -> Spec:
    """Charged and discharged energy by month."""
    monthly = content.monthly_gwh
    months = list(monthly.index)
    traces = [
        bars("discharge", months, quantity(monthly["discharge"], "energy"), "energy"),
        bars("charge", months, quantity(-monthly["charge"], "energy"), "energy")
        | {"marker": {"color": COLOURS["charge"], "pattern": {"shape": "/", "size": 5}}},
    ]
    return figure(traces, 300, barmode="relative", xaxis={"type": "category"}, yaxis=axis("axis_energy"))


def loading_duration(content: Content) -> Spec:
    """Duration curves of the most loaded elements; assumed ones are dashed."""
    by_branch = content.metrics["network"]["loading"]["by_branch"]
    worst = sorted(by_branch, key=lambda key: -(by_branch[key]["max"] or 0.0))[:TOP_BRANCHES]
    palette = [COLOURS[k] for k in ("curtailed", "hydro", "pv", "export", "discharge", "wind", "unserved", "coal")]
    traces = [
        curve(
            name(content.branch_name(key)),
            quantity(100 * value for value in duration(content.loading[key])),
            palette[position],
            "duration_percent",
            line={"dash": "dash" if is_assumed(content, key) else "solid"},
        )
        for position, key in enumerate(worst)
    ]
    return figure(traces, 460, xaxis=axis("axis_share_of_hours"), yaxis=axis("axis_loading", rangemode="tozero"))


def is_assumed(content: Content, branch: str) -> bool:
    """Whether a branch, or its conductor, is an assumption of the tables."""
    return str(content.static["branches"][branch].get("confidence", "assumed")) == "assumed"


def element_duration() -> Spec:
    """Return the duration curve of the element that the reader chose on the map."""
    trace = curve(text("chosen_element"), {"element": "duration"}, ACCENT, "duration_element")
    trace["x"] = {"element": "exceeded"}
    return figure([trace], 260, ("element",), xaxis=axis("axis_share_of_hours"), yaxis=axis("axis_element"))


def voltage_range(content: Content, level_kv: float) -> Spec:
    """Return the range of voltages at every bus of a level: extremes, quartiles and median, with the limits."""
    buses = {
        key: bus
        for key, bus in content.static["buses"].items()
        if bus["monitored"] and bus["vn_kv"] == level_kv and content.voltage[key].notna().any()
    }
    spread = {
        key: np.nanquantile(content.voltage[key].to_numpy(dtype=float), [0, 0.25, 0.5, 0.75, 1]) for key in buses
    }
    order = sorted(buses, key=lambda key: float(spread[key][2]))
    table: npt.NDArray[np.float64] = np.array([spread[key] for key in order]).reshape(len(order), 5)
    trace = {
        "type": "box",
        "orientation": "h",
        "y": [name(content.bus_name(key)) for key in order],
        "marker": {"color": ACCENT},
        "line": {"width": 1},
        "showlegend": False,
        **{
            part: rounded(table[:, column], 5)
            for column, part in enumerate(("lowerfence", "q1", "median", "q3", "upperfence"))
        },
    }
    limits = sorted({value for bus in buses.values() for value in (bus["low_pu"], bus["high_pu"])})
    return figure(
        [trace],
        110 + 17 * len(order),
        xaxis=axis("axis_voltage"),
        yaxis={"type": "category", "automargin": True, "tickfont": {"size": 11}},
        shapes=[_limit(value) for value in limits],
    )


def _limit(value: float) -> Spec:
    line = {"color": COLOURS["curtailed"], "width": 1.5, "dash": "dash"}
    return {"type": "line", "x0": value, "x1": value, "yref": "paper", "y0": 0, "y1": 1, "line": line}


def plan_ratio(content: Content) -> Spec:
    """Return simulated value as a share of the target, for every target that was judged and has a number."""
    rows = [
        row
        for row in content.metrics["plan"]
        if row["met"] is not None and row["target"] and row["bound"] != "named"
    ]
    rows.sort(key=lambda row: row["value"] / row["target"])
    colours = [COLOURS["export"] if row["met"] else COLOURS["curtailed"] for row in rows]
    trace = {
        "type": "bar",
        "orientation": "h",
        "x": rounded((100 * row["value"] / row["target"] for row in rows), 4),
        "y": [{"zh": PLAN.get(row["key"], row["wording"]), "en": row["quantity"]} for row in rows],
        "marker": {"color": colours},
        "hovertemplate": "%{x:.1f} %<extra></extra>",
        "showlegend": False,
    }
    line = {"color": {"c": "text"}, "width": 1.5, "dash": "dot"}
    target = {"type": "line", "x0": 100, "x1": 100, "yref": "paper", "y0": 0, "y1": 1, "line": line}
    labels = {"type": "category", "automargin": True, "tickfont": {"size": 11}}
    return figure(
        [trace],
        90 + 26 * len(rows),
        xaxis=axis("axis_of_target", rangemode="tozero"),
        yaxis=labels,
        shapes=[target],
    )


def cost_parts(content: Content) -> Spec:
    """Return the parts of the cost."""
    parts = {key: value for key, value in content.metrics["cost"]["parts_cny"].items() if abs(value) >= 1.0}
    order = sorted(parts, key=lambda key: abs(parts[key]))
    trace = {
        "type": "bar",
        "orientation": "h",
        "x": quantity((parts[key] for key in order), "money"),
        "y": [text(f"cost_{key}") for key in order],
        "marker": {"color": ACCENT},
        "hovertemplate": text("hover_money"),
        "showlegend": False,
    }
    labels = {"type": "category", "automargin": True}
    return figure([trace], 300, xaxis=axis("axis_money"), yaxis=labels)


def price_duration(content: Content) -> Spec:
    """Duration curve of the marginal price."""
    price = quantity(duration(content.system["price_cny_per_mwh"]))
    trace = curve(text("kind_price_cny_per_mwh"), price, ACCENT, "duration_price", showlegend=False)
    return figure([trace], 300, xaxis=axis("axis_share_of_hours"), yaxis=axis("axis_price"))


# --- the map ----------------------------------------------------------------------------------------------------


def network_map(content: Content) -> Spec:
    """Buses and lines by coordinates; width and colour by loading, dashed where the line is assumed."""
    places = bus_places(content)
    lines = [_map_line(content, key, k, places) for k, key in _least_loaded_first(content)]
    x_to_y = 1 / math.cos(math.radians(27.0))
    plain = {"showgrid": False, "zeroline": False, "showticklabels": False, "ticks": ""}
    longitudes, latitudes = _home(content, places)
    return figure(
        [*lines, _map_buses(content, places)],
        620,
        ("map",),
        xaxis={**plain, "range": longitudes},
        yaxis={**plain, "range": latitudes, "scaleanchor": "x", "scaleratio": x_to_y},
        showlegend=False,
        hovermode="closest",
        dragmode="pan",
        margin={"l": 4, "r": 4, "t": 4, "b": 4},
    )


def bus_places(content: Content) -> dict[str, tuple[float, float]]:
    """Return where each bus is drawn (longitude, latitude); levels of one station are drawn apart.

    A bus without coordinates is drawn in the middle of the others.
    """
    buses = {key: content.static["buses"][key] for key in content.voltage.columns}
    known = [(bus["lon"], bus["lat"]) for bus in buses.values() if "lon" in bus and "lat" in bus]
    middle = np.mean(known or [(0.0, 0.0)], axis=0)
    places: dict[str, tuple[float, float]] = {}
    taken: set[tuple[float, float]] = set()
    for key, bus in buses.items():
        place = (float(bus.get("lon", middle[0])), float(bus.get("lat", middle[1])))
        while (round(place[0], 3), round(place[1], 3)) in taken:
            place = (place[0] + APART_DEG, place[1] - APART_DEG)
        taken.add((round(place[0], 3), round(place[1], 3)))
        places[key] = place
    return places


def _least_loaded_first(content: Content) -> list[tuple[int, str]]:
    """Return the branches with their positions in the order of drawing: what is loaded most lies on top."""
    by_branch = content.metrics["network"]["loading"]["by_branch"]
    return sorted(enumerate(content.loading.columns), key=lambda item: by_branch[item[1]]["max"] or 0.0)


def _home(content: Content, places: dict[str, tuple[float, float]]) -> tuple[list[float], list[float]]:
    """Return the longitudes and latitudes that the map opens with: those of the region, with a margin."""
    inside = [place for key, place in places.items() if content.static["buses"][key].get("county") != OUTSIDE]
    corners = np.array(inside or list(places.values()))
    low, high = corners.min(axis=0) - MARGIN_DEG, corners.max(axis=0) + MARGIN_DEG
    return rounded([low[0], high[0]]), rounded([low[1], high[1]])  # type: ignore[return-value]


def _map_line(content: Content, key: str, position: int, places: dict[str, tuple[float, float]]) -> Spec:
    row = content.static["branches"][key]
    start, end = np.array(places[row["from"]]), np.array(places[row["to"]])
    points = start + np.linspace(0.0, 1.0, MAP_POINTS)[:, None] * (end - start)
    points[1:-1] += _aside(content, key, end - start)
    return {
        "type": "scatter",
        "mode": "lines",
        "x": rounded(points[:, 0], 7),
        "y": rounded(points[:, 1], 7),
        "line": {"line": position, "dash": "dash" if is_assumed(content, key) else "solid"},
        "customdata": [f"branch:{position}"] * MAP_POINTS,
        "name": name(content.branch_name(key)),
        "hovertemplate": {"line_hover": position},
    }


def _aside(content: Content, key: str, way: Floats) -> Floats:
    """Return by how much a branch is drawn beside its straight way, degrees, so that parallel ones are apart."""
    twins = content.parallel(key)
    across = np.array([-way[1], way[0]]) / (np.hypot(*way) or 1.0)
    return np.asarray(ASIDE_DEG * (twins.index(key) - (len(twins) - 1) / 2) * across)


def _map_buses(content: Content, places: dict[str, tuple[float, float]]) -> Spec:
    keys = list(content.voltage.columns)
    buses = [content.static["buses"][key] for key in keys]
    high = [bus["vn_kv"] >= 400 for bus in buses]
    names = [name(content.bus_name(key)) for key in keys]
    return {
        "type": "scatter",
        "mode": {"wide": "markers+text", "narrow": "markers"},
        "x": [places[key][0] for key in keys],
        "y": [places[key][1] for key in keys],
        "text": [title if is_high else "" for title, is_high in zip(names, high, strict=True)],
        "textposition": _label_sides(content, places),
        "textfont": {"size": 11, "color": {"c": "text"}},
        "marker": {
            "size": [11 if is_high else 7 for is_high in high],
            "symbol": ["square" if is_high else "circle" for is_high in high],
            "color": {"bus": "colour"},
            "line": {"color": {"c": "paper"}, "width": 1.5},
        },
        "customdata": [f"bus:{k}" for k in range(len(keys))],
        "hovertext": {"bus": "hover"},
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _label_sides(content: Content, places: dict[str, tuple[float, float]]) -> list[str]:
    """Return on which side of each bus its name stands: below where a name to the north would be met."""
    high = [key for key in places if content.static["buses"][key]["vn_kv"] >= 400]
    sides = dict.fromkeys(places, "top center")
    for key in sorted(high, key=lambda name: places[name][1]):
        x, y = places[key]
        others = [places[other] for other in high if other != key]
        if any(abs(x - east) < LABEL_DEG[0] and 0 <= north - y < LABEL_DEG[1] for east, north in others):
            sides[key] = "bottom center"
    return list(sides.values())


def map_elements(content: Content) -> Spec:
    """Return what the map says about each branch and each bus, in the order of the hourly values."""
    by_branch = content.metrics["network"]["loading"]["by_branch"]
    by_bus = content.metrics["network"]["voltage"]["by_bus"]
    return {
        "branches": [
            {
                "id": key,
                "name": name(content.branch_name(key)),
                "kv": content.branch_kv(key),
                "confidence": content.static["branches"][key].get("confidence", "assumed"),
                **{part: by_branch[key][part] for part in ("max", "p99", "mean", "overloaded_hours")},
            }
            for key in content.loading.columns
        ],
        "buses": [
            {
                "id": key,
                "name": name(content.bus_name(key)),
                "kv": content.static["buses"][key]["vn_kv"],
                "low": content.static["buses"][key]["low_pu"],
                "high": content.static["buses"][key]["high_pu"],
                "confidence": content.static["buses"][key].get("confidence", "assumed"),
                **{part: by_bus.get(key, {}).get(part) for part in ("min_pu", "max_pu", "low_hours", "high_hours")},
            }
            for key in content.voltage.columns
        ],
    }
