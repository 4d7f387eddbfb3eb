"""Numbers → plotly specifications of figures, and the hourly values that they draw from.

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
import pandas as pd

from scenarios.records import Floats
from sim.report.content import SOURCES, USES, Content
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
    "flexible": "#6A4C93",
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
QUANTILES = 241
STEPS_16_BIT, STEPS_8_BIT = 65534, 254


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


def text(key: str) -> Spec:
    """Return a text of the page's words."""
    return {"t": key}


def in_both(both: Both) -> Spec:
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
