"""Dispatch explorer: any week, and the worst ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sim.report import units as u
from sim.report.cells import (
    Head,
    Table,
    label,
    number,
    text_head,
)
from sim.report.charts import (
    COLOURS,
    Spec,
    axis,
    figure,
    text,
)
from sim.report.content import SOURCES, TECHS, Content
from sim.report.section import Section
from sim.report.units import Both, same
from sim.report.words import word

HOURS_OF_WEEK = 168
HOURS_BEFORE = 72


WORST_UNITS: dict[str, Callable[[float | None], Both]] = {
    "mw": u.power,
    "loading": u.percent,
    "vm_pu": lambda value: same(f"{u.fixed(value, 4)} pu"),
}


def worst_hours(content: Content) -> Table:
    """Return the hours that an engineer looks at first."""
    rows = []
    for key, found in content.metrics["network"]["worst_hours"].items():
        if found is None or found.get("mw") == 0:
            continue
        unit = next(name for name in WORST_UNITS if name in found)
        where = content.element_name(found["name"]) if "name" in found else same("")
        value = number(WORST_UNITS[unit](found[unit]), None)
        rows.append((label(word(f"worst_{key}")), label(u.moment(found["time"])), value, label(where)))
    heads = (text_head("worst"), text_head("time"), Head(word("value")), text_head("element"))
    return Table("worst_hours", heads, tuple(rows))


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


def _worst(content: Content) -> list[dict[str, Any]]:
    """Return the hours of interest that exist and say something (unserved load only when there is some)."""
    found = content.metrics["network"]["worst_hours"]
    return [
        {"name": word(f"worst_{key}"), "hour": content.hour_of(item["time"])}
        for key, item in found.items()
        if item is not None and item.get("mw", 1.0) > 0
    ]


def first_week(content: Content) -> int:
    """Return the first hour of the week around the highest curtailment, at a midnight."""
    worst = content.metrics["network"]["worst_hours"]["highest_curtailment"]
    hour = 0 if worst is None else content.hour_of(worst["time"]) - HOURS_BEFORE
    last = max(0, len(content.system) - HOURS_OF_WEEK)
    return max(0, min(last, hour // 24 * 24))


def _context(content: Content) -> dict[str, Any]:
    return {"worst": _worst(content), "first_week": first_week(content), "last_week": last_week(content)}


def last_week(content: Content) -> int:
    """Return the first hour of the last week."""
    return max(0, len(content.system) - HOURS_OF_WEEK)


SECTION = Section("dispatch", tables=(worst_hours,), figures={"week": week}, context=_context)
