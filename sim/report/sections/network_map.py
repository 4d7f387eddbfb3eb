"""The map: buses and branches by their coordinates, coloured by what the reader chooses."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from scenarios.records import Floats
from sim.report.charts import (
    Spec,
    figure,
    in_both,
    rounded,
)
from sim.report.content import OUTSIDE, Content

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
LOADING_STEPS = ((0.0, "#9aa7b1"), (0.5, "#4a8fc0"), (0.8, "#e69f00"), (1.0, "#c63d00"))
"""Where a colour of the map begins (fraction of the rating)."""


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


def is_assumed(content: Content, branch: str) -> bool:
    """Whether a branch, or its conductor, is an assumption of the tables."""
    return str(content.static["branches"][branch].get("confidence", "assumed")) == "assumed"


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
        "name": in_both(content.branch_name(key)),
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
    names = [in_both(content.bus_name(key)) for key in keys]
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
                "name": in_both(content.branch_name(key)),
                "kv": content.branch_kv(key),
                "confidence": content.static["branches"][key].get("confidence", "assumed"),
                **{part: by_branch[key][part] for part in ("max", "p99", "mean", "overloaded_hours")},
            }
            for key in content.loading.columns
        ],
        "buses": [
            {
                "id": key,
                "name": in_both(content.bus_name(key)),
                "kv": content.static["buses"][key]["vn_kv"],
                "low": content.static["buses"][key]["low_pu"],
                "high": content.static["buses"][key]["high_pu"],
                "confidence": content.static["buses"][key].get("confidence", "assumed"),
                **{part: by_bus.get(key, {}).get(part) for part in ("min_pu", "max_pu", "low_hours", "high_hours")},
            }
            for key in content.voltage.columns
        ],
    }


def legend() -> list[dict[str, Any]]:
    """Return the colours of the map with the loading that each stands for."""
    starts = [start for start, _ in LOADING_STEPS]
    ends = [*starts[1:], None]
    texts = [
        f"> {start:.0%}" if end is None else f"{start:.0%}–{end:.0%}"
        for start, end in zip(starts, ends, strict=True)
    ]
    return [{"colour": colour, "text": text} for (_, colour), text in zip(LOADING_STEPS, texts, strict=True)]
