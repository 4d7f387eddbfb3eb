"""The table of a sweep → its page: figures over what varies, every case, and why the failed ones failed.

The axis with most numbers becomes the abscissa and each combination of the others a line; weather years become the
median and a bar from P10 to P90. The page tells nothing of when or how fast, so equal inputs make an equal page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from sim.report import charts as fig
from sim.report import units as u
from sim.report.cells import Cell, Head, Table, label, number, text_head
from sim.report.compare import PALETTE, Show
from sim.report.page import FACTORS, fill_template
from sim.report.units import Both, same
from sim.report.words import WORDS, word

SWEEP_FILE = "sweep.html"
SEED = "weather.seed"
MOST_LINES = 12
SYMBOLS = ("circle", "square", "diamond")
"""One marker per round through the palette, so that no two lines look alike."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure that is drawn: its word, column, factor to ``unit``, and how the table writes it."""

    key: str
    column: str
    unit: str
    factor: float
    show: Show


METRICS = (
    Metric("rate_total", "curtailment.total.rate", "percent", 100.0, u.percent),
    Metric("rate_pv", "curtailment.pv.rate", "percent", 100.0, u.percent),
    Metric("rate_wind", "curtailment.wind.rate", "percent", 100.0, u.percent),
    Metric("kind_curtailed", "curtailment.total.gwh", "energy", 1.0, u.energy),
    Metric("kind_pv", "energy_gwh.generation.pv", "energy", 1.0, u.energy),
    Metric("kind_wind", "energy_gwh.generation.wind", "energy", 1.0, u.energy),
    Metric("cost_operating", "cost.operating_cny", "money", 1.0, u.money),
    Metric("co2_total", "emissions.co2_t", "mass", 1.0, u.mass),
    Metric(
        "eens",
        "reliability.eens_mwh",
        "energy",
        1e-3,
        lambda value: u.energy(None if value is None else value / 1e3),
    ),
    Metric("loading_max", "network.loading.max", "percent", 100.0, u.percent),
)


def write_sweep_page(frame: pd.DataFrame, info: Mapping[str, Any], path: Path, lang: str) -> None:
    """Write the page of a sweep from its table and ``sweep.json``; ``lang`` is what it opens in."""
    path.write_text(render_sweep(frame, info, lang), encoding="utf-8")


def render_sweep(frame: pd.DataFrame, info: Mapping[str, Any], lang: str) -> str:
    """Return the page as text."""
    done = frame[frame["status"] == "done"]
    layout = _lay_out(done, info)
    figures = {f"sweep_{metric.key}": _figure(done, metric, layout) for metric in METRICS} if len(done) else {}
    title = Both(info["title_zh"], info["title_en"])
    data = {
        "title": {"zh": title.zh, "en": title.en},
        "words": {key: list(value) for key, value in WORDS.items()},
        "factors": FACTORS,
        "loading_steps": [],
        "figures": figures,
    }
    tables = (_axes_table(info), _cases_table(frame, info), _failures_table(frame, info))
    context = {
        "title": title,
        "description": info["description"],
        "sections": ["overview", "sweep_figures", "sweep_cases"]
        + (["sweep_failures"] if len(done) < len(frame) else []),
        "figures": figures,
        "facts": _facts(frame, info),
        "notes": _notes(layout),
        "tables": {table.name: table for table in tables},
    }
    return fill_template("sweep.html.j2", lang, data, context)


# --- what is drawn over what ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Layout:
    """Keys of the abscissa, keys that make lines, lines drawn, how many there are, whether years make a spread."""

    over: tuple[str, ...]
    by: tuple[str, ...]
    lines: tuple[tuple[Any, ...], ...]
    count: int
    years: bool


def _lay_out(done: pd.DataFrame, info: Mapping[str, Any]) -> _Layout:
    axes = [tuple(axis["keys"]) for axis in info["axes"] if len(axis["rows"]) > 1]
    years = (SEED,) in axes
    others = [keys for keys in axes if keys != (SEED,)]
    over = max(others, key=lambda keys: _levels(done, keys), default=(SEED,) if years else ())
    by = tuple(key for keys in others if keys != over for key in keys)
    lines = list(dict.fromkeys(_tuples(done, by)))
    return _Layout(over, by, tuple(lines[:MOST_LINES]), len(lines), years and over != (SEED,))


def _levels(done: pd.DataFrame, keys: Sequence[str]) -> int:
    """Return how well keys suit an abscissa: the number of values of a single numeric key, else none."""
    numeric = len(keys) == 1 and pd.api.types.is_numeric_dtype(done[keys[0]])
    return int(done[keys[0]].nunique()) if numeric else 0


def _tuples(frame: pd.DataFrame, keys: Sequence[str]) -> list[tuple[Any, ...]]:
    return list(zip(*(frame[key].tolist() for key in keys), strict=True)) if keys else [()] * len(frame)


def _figure(done: pd.DataFrame, metric: Metric, layout: _Layout) -> fig.Spec:
    values = done[metric.column] * metric.factor
    here = _tuples(done, layout.by)
    traces = [
        _line(values[[line == wanted for line in here]], done, metric, layout, position)
        for position, wanted in enumerate(layout.lines)
    ]
    names = same(", ".join(layout.over) or "–")
    axis: fig.Spec = {"title": {"text": fig.in_both(names)}}
    if len(layout.over) != 1 or layout.over == (SEED,):
        axis |= {"type": "category", "automargin": True}
    return fig.figure(traces, 340, xaxis=axis, yaxis=fig.axis(f"axis_{metric.unit}", rangemode="tozero"))


def _line(values: pd.Series[float], done: pd.DataFrame, metric: Metric, layout: _Layout, position: int) -> fig.Spec:
    """Return one line: the median of the weather years over the abscissa, with a bar from P10 to P90."""
    places = _tuples(done.loc[values.index], layout.over)
    groups = values.groupby(pd.Series(places, index=values.index), sort=False)
    middle, low, high = (groups.quantile(share) for share in (0.5, 0.1, 0.9))
    order = sorted(middle.index) if len(layout.over) == 1 else list(dict.fromkeys(places))
    colour = PALETTE[position % len(PALETTE)]
    trace = {
        "type": "scatter",
        "mode": "lines+markers" if len(layout.over) == 1 else "markers",
        "name": fig.in_both(same(_named(layout.by, layout.lines[position]) or "base")),
        "x": [place[0] if len(place) == 1 else _named(layout.over, place) for place in order],
        "y": fig.quantity(middle[order], metric.unit),
        "line": {"color": colour, "width": 2},
        "marker": {"symbol": SYMBOLS[position // len(PALETTE) % len(SYMBOLS)], "size": 7, "color": colour},
    }
    if layout.years:
        above, below = high[order] - middle[order], middle[order] - low[order]
        trace["error_y"] = {
            "type": "data",
            "array": fig.quantity(above, metric.unit),
            "arrayminus": fig.quantity(below, metric.unit),
        }
    return trace


def _named(keys: Iterable[str], values: Iterable[Any]) -> str:
    return ", ".join(f"{key} = {_written(value)}" for key, value in zip(keys, values, strict=True))


def _written(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


# --- what is said -----------------------------------------------------------------------------------------------


def _facts(frame: pd.DataFrame, info: Mapping[str, Any]) -> list[tuple[Both, Both]]:
    years = next((len(axis["rows"]) for axis in info["axes"] if tuple(axis["keys"]) == (SEED,)), 1)
    return [
        (word("sweep_base"), same(info["base"])),
        (word("sweep_count"), same(len(frame))),
        (word("sweep_failed"), same(int((frame["status"] == "failed").sum()))),
        (word("sweep_years"), same(years)),
    ]


def _notes(layout: _Layout) -> list[Both]:
    notes = [word("sweep_band")] if layout.years else []
    if layout.count > len(layout.lines):
        notes.append(word("sweep_lines_left_out", shown=same(len(layout.lines)), all=same(layout.count)))
    return notes


def _axes_table(info: Mapping[str, Any]) -> Table:
    rows = tuple(
        (label(", ".join(axis["keys"])), label("; ".join(", ".join(map(_written, row)) for row in axis["rows"])))
        for axis in info["axes"]
    )
    return Table("sweep_axes", (text_head("sweep_axis"), text_head("sweep_values")), rows)


def _keys(info: Mapping[str, Any]) -> list[str]:
    return [key for axis in info["axes"] for key in axis["keys"]]


def _cases_table(frame: pd.DataFrame, info: Mapping[str, Any]) -> Table:
    keys = _keys(info)
    heads = (
        Head(word("sweep_case")),
        *(Head(same(key)) for key in keys),
        *(Head(word(metric.key)) for metric in METRICS),
        text_head("sweep_run"),
    )
    return Table("sweep_cases", heads, tuple(_case_row(row, keys) for _, row in frame.iterrows()), search=True)


def _case_row(row: pd.Series[Any], keys: Sequence[str]) -> tuple[Cell, ...]:
    figures = [_known(row.get(metric.column)) for metric in METRICS]
    return (
        number(str(row["case"]), int(row["case"])),
        *(_value_cell(row[key]) for key in keys),
        *(number(metric.show(value), value) for metric, value in zip(METRICS, figures, strict=True)),
        label(row["run"] or word("sweep_failed"), "" if row["run"] else "bad"),
    )


def _known(value: Any) -> float | None:
    return None if value is None or pd.isna(value) else float(value)


def _value_cell(value: Any) -> Cell:
    return label(value) if isinstance(value, str) else number(_written(value), float(value))


def _failures_table(frame: pd.DataFrame, info: Mapping[str, Any]) -> Table:
    keys = _keys(info)
    failed = frame[frame["status"] == "failed"]
    heads = (Head(word("sweep_case")), *(Head(same(key)) for key in keys), text_head("sweep_message"))
    rows = tuple(
        (
            number(str(row["case"]), int(row["case"])),
            *(_value_cell(row[key]) for key in keys),
            label(row["message"]),
        )
        for _, row in failed.iterrows()
    )
    return Table("sweep_failures", heads, rows)
