"""Several run folders → what differs between them: a page of the house, and the same as plain rows.

The first run is the base; every other is held against it. Differences come first, the largest relative one on top,
then the settings that explain them, then waterfalls of curtailment and cost, then duration curves over each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table as RichTable

from scenarios.errors import Problem, ScenarioError
from sim.report import charts as fig
from sim.report import units as u
from sim.report.cells import Cell, Head, Table, label, number, text_head
from sim.report.content import SOURCES, Content
from sim.report.page import FACTORS, fill_template
from sim.report.sections.facts import flat
from sim.report.units import Both, same
from sim.report.words import WORDS, word
from sim.runs import read_run

COMPARE_FILE = "compare.html"
SECTIONS = ("differences", "changes", "curves", "all_figures")
NOTEWORTHY = 0.001
"""Relative difference from which a figure counts as different."""
MOST_FINDINGS = 8
NEGLIGIBLE = 1e-6
"""Share of the whole below which a step of a waterfall is rounding."""
PALETTE = tuple(fig.COLOURS[kind] for kind in ("hydro", "pv", "export", "discharge", "curtailed", "wind", "coal"))

Show = Callable[[float | None], Both]


def points(share: float | None) -> Both:
    """Return a difference of shares in percentage points."""
    if share is None:
        return same(u.NONE)
    text = u.significant(100 * share, 2)
    return Both(f"{text}个百分点", f"{text} points")


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of ``metrics`` that is compared: its word, where it stands, how it and a difference are written."""

    key: str
    path: str
    show: Show
    show_change: Show | None = None

    def of(self, metrics: Mapping[str, Any]) -> float | None:
        """Return the figure of a run; ``None`` when the run has none."""
        value: Any = metrics
        for part in self.path.split("."):
            value = value[part]
        return None if value is None else float(value)


FIGURES = (
    Figure("kind_coal", "energy_gwh.generation.coal", u.energy),
    Figure("kind_hydro", "energy_gwh.generation.hydro", u.energy),
    Figure("kind_wind", "energy_gwh.generation.wind", u.energy),
    Figure("kind_pv", "energy_gwh.generation.pv", u.energy),
    Figure("kind_load", "energy_gwh.load", u.energy),
    Figure("kind_export", "energy_gwh.export", u.energy),
    Figure("kind_curtailed", "curtailment.total.gwh", u.energy),
    Figure("rate_pv", "curtailment.pv.rate", u.percent, points),
    Figure("rate_wind", "curtailment.wind.rate", u.percent, points),
    Figure("eens", "reliability.eens_mwh", lambda value: u.energy(None if value is None else value / 1000)),
    Figure("unserved_hours", "reliability.unserved_hours", u.hours),
    Figure("discharged", "storage.discharge_gwh", u.energy),
    Figure("loading_max", "network.loading.max", u.percent, points),
    Figure("overloaded_hours", "network.loading.overloaded_hours", u.hours),
    Figure("voltage_rate", "network.voltage.rate", u.percent, points),
    Figure("losses_gwh", "network.losses.gwh", u.energy),
    Figure("hours_failed", "network.hours_failed", u.hours),
    Figure("cost_operating", "cost.operating_cny", u.money),
    Figure("cost_total", "cost.total_cny", u.money),
    Figure("co2_total", "emissions.co2_t", u.mass),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of all runs: values in the order of the runs, and the differences of the others from the first."""

    figure: Figure
    values: tuple[float | None, ...]

    @property
    def name(self) -> Both:
        """The figure's name."""
        return word(self.figure.key)

    @property
    def changes(self) -> tuple[float | None, ...]:
        """Value of each other run − value of the first."""
        base = self.values[0]
        return tuple(None if base is None or other is None else other - base for other in self.values[1:])

    @property
    def largest(self) -> float:
        """Largest difference relative to the larger of the two values: 0 equal, 1 something from nothing."""
        return max((_relative(self.values[0], other) for other in self.values[1:]), default=0.0)

    def change_text(self, position: int) -> Both:
        """Return the difference of an other run with its sign."""
        change = self.changes[position]
        text = (self.figure.show_change or self.figure.show)(change)
        return text if change is None or change <= 0 else Both(_plus(text.zh), _plus(text.en))


def _plus(text: str) -> str:
    """Return an amount with a plus sign before its number: ``CNY 1.2 m`` → ``CNY +1.2 m``."""
    place = next((k for k, char in enumerate(text) if char.isdigit()), 0)
    return f"{text[:place]}+{text[place:]}"


def _relative(base: float | None, other: float | None) -> float:
    if base is None or other is None:
        return 0.0 if base is other else 1.0
    scale = max(abs(base), abs(other))
    return abs(other - base) / scale if scale > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs: the runs by letter and name, every compared figure, and the settings that differ."""

    runs: tuple[Both, ...]
    rows: tuple[Row, ...]
    settings: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def differing(self) -> tuple[Row, ...]:
        """The figures that differ, the largest relative difference first."""
        found = [row for row in self.rows if row.largest > NOTEWORTHY]
        return tuple(sorted(found, key=lambda row: -row.largest))


def compare(folders: Sequence[Path]) -> Comparison:
    """Return what differs between runs; raises ``ScenarioError`` for fewer than two, ``DataError`` for no run."""
    return _comparison(_contents(folders))


def write_comparison(folders: Sequence[Path], path: Path, lang: str = "zh") -> Comparison:
    """Write the page that compares runs to ``path`` and return what it says."""
    contents = _contents(folders)
    comparison = _comparison(contents)
    path.write_text(_render(contents, comparison, lang), encoding="utf-8")
    return comparison


def rich_table(comparison: Comparison, lang: str) -> RichTable:
    """Return the figures that differ as a table for the terminal; without differences it has no rows."""
    table = RichTable(word("figure").of(lang), *(name.of(lang) for name in comparison.runs), box=None)
    for name in comparison.runs[1:]:
        table.add_column(f"{name.of(lang)[0]} − A")
    for column in table.columns[1:]:
        column.justify = "right"
    for row in comparison.differing:
        values = (row.figure.show(value).of(lang) for value in row.values)
        changes = (row.change_text(position).of(lang) for position in range(len(row.changes)))
        table.add_row(row.name.of(lang), *values, *changes)
    return table


def _contents(folders: Sequence[Path]) -> list[Content]:
    places = [folder.resolve() for folder in folders]
    if len(set(places)) < 2 or len(set(places)) < len(places):
        problem = Problem("compare", f"{len(set(places))} different run folders", "name two or more, each once")
        raise ScenarioError(problem)
    return [Content(read_run(folder)) for folder in folders]


def _comparison(contents: Sequence[Content]) -> Comparison:
    rows = tuple(Row(figure, tuple(figure.of(content.metrics) for content in contents)) for figure in FIGURES)
    return Comparison(tuple(_run_name(k, content) for k, content in enumerate(contents)), rows, _settings(contents))


def _run_name(position: int, content: Content) -> Both:
    letter, info = chr(ord("A") + position), content.info
    return same(f"{letter} {info['scenario']}-{info['run_hash']}")


def _settings(contents: Sequence[Content]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the settings whose values are not the same in all runs."""
    leaves = [{key: str(value) for key, value in flat(content.info["settings"])} for content in contents]
    keys = list(dict.fromkeys(key for leaf in leaves for key in leaf))
    found = [(key, tuple(leaf.get(key, u.NONE) for leaf in leaves)) for key in keys]
    return tuple((key, values) for key, values in found if len(set(values)) > 1)


# --- the page ---------------------------------------------------------------------------------------------------


def _render(contents: Sequence[Content], comparison: Comparison, lang: str) -> str:
    figures = _figures(contents, comparison)
    title = word("compare_title", count=same(len(contents)))
    data = {
        "title": {"zh": title.zh, "en": title.en},
        "words": {key: list(value) for key, value in WORDS.items()},
        "factors": FACTORS,
        "loading_steps": [],
        "figures": figures,
    }
    context = {
        "title": title,
        "created": max(content.info["created"] for content in contents),
        "sections": SECTIONS,
        "figures": figures,
        "runs": [_identity(name, content) for name, content in zip(comparison.runs, contents, strict=True)],
        "differences": [_sentence(comparison, row) for row in comparison.differing[:MOST_FINDINGS]],
        "warnings": _warnings(contents),
        "tables": {table.name: table for table in (_figures_table(comparison), _settings_table(comparison))},
    }
    return fill_template("compare.html.j2", lang, data, context)


def _identity(name: Both, content: Content) -> tuple[Both, Both]:
    info = content.info
    return name, Both(
        f"{info['title_zh']}（{content.record.folder.name}）", f"{info['title_en']} ({content.record.folder.name})"
    )


def _sentence(comparison: Comparison, row: Row) -> Both:
    """Return one figure of all runs as a line: ``PV: A 105 GWh; B 98 GWh (−7 GWh)``."""
    parts = [_valued(name, row, k) for k, name in enumerate(comparison.runs)]
    zh, en = "；".join(part.zh for part in parts), "; ".join(part.en for part in parts)
    return Both(f"{row.name.zh}：{zh}", f"{row.name.en}: {en}")


def _valued(name: Both, row: Row, position: int) -> Both:
    letter, value = name.en[0], row.figure.show(row.values[position])
    if position == 0:
        return Both(f"{letter} {value.zh}", f"{letter} {value.en}")
    change = row.change_text(position - 1)
    return Both(f"{letter} {value.zh}（{change.zh}）", f"{letter} {value.en} ({change.en})")


def _warnings(contents: Sequence[Content]) -> list[Both]:
    """Return why these runs may not compare."""
    found = []
    if len({content.metrics["energy_gwh"]["hours"] for content in contents}) > 1:
        found.append(word("compare_hours_differ"))
    if any(content.metrics["network"]["hours_failed"] for content in contents):
        found.append(word("compare_hours_failed"))
    if len({content.info["hashes"]["code"] for content in contents}) > 1:
        found.append(word("compare_code_differs"))
    return found


def _figures_table(comparison: Comparison) -> Table:
    others = [Head(Both(f"{name.zh[0]} − A", f"{name.en[0]} − A")) for name in comparison.runs[1:]]
    heads = (text_head("figure"), *(Head(name) for name in comparison.runs), *others)
    rows = tuple(
        (
            label(row.name),
            *(number(row.figure.show(value), value) for value in row.values),
            *(_change_cell(row, position) for position in range(len(row.changes))),
        )
        for row in comparison.rows
    )
    return Table("compared", heads, rows, search=True)


def _change_cell(row: Row, position: int) -> Cell:
    change = row.changes[position]
    differs = change is not None and _relative(row.values[0], row.values[position + 1]) > NOTEWORTHY
    return number(row.change_text(position), change, "warn" if differs else "quiet")


def _settings_table(comparison: Comparison) -> Table:
    rows = tuple((label(key), *(label(value) for value in values)) for key, values in comparison.settings)
    heads = (text_head("setting"), *(Head(name, number=False) for name in comparison.runs))
    return Table("settings_differ", heads, rows)


# --- its figures ------------------------------------------------------------------------------------------------


def _figures(contents: Sequence[Content], comparison: Comparison) -> dict[str, Any]:
    names = [fig.in_both(name) for name in comparison.runs]
    figures: dict[str, Any] = {
        "compare_energy": _energy_bars(contents, names),
        "compare_curtailed": _overlaid(contents, names, "curtailed", "power"),
        "compare_residual": _overlaid(contents, names, "residual_load", "power"),
        "compare_price": _overlaid(contents, names, "price_cny_per_mwh", "price"),
        "compare_loading": _loading(contents, names),
    }
    for position in range(1, len(contents)):
        pair = (contents[0], contents[position])
        ends = (names[0], names[position])
        figures[f"compare_curtailment_{position}"] = _curtailment_waterfall(pair, ends)
        figures[f"compare_cost_{position}"] = _cost_waterfall(pair, ends)
    return figures


def _energy_bars(contents: Sequence[Content], names: Sequence[fig.Spec]) -> fig.Spec:
    totals = [content.monthly_gwh.sum() for content in contents]
    traces = [
        fig.bars(kind, list(names), fig.quantity((float(total[kind]) for total in totals), "energy"), "energy")
        for kind in SOURCES
        if any(total[kind] for total in totals)
    ]
    return fig.figure(traces, 380, barmode="stack", xaxis={"type": "category"}, yaxis=fig.axis("axis_energy"))


def _overlaid(contents: Sequence[Content], names: Sequence[fig.Spec], kind: str, unit: str) -> fig.Spec:
    traces = [
        fig.curve(
            name,
            fig.quantity(fig.duration(content.system[kind]), unit),
            PALETTE[k % len(PALETTE)],
            f"duration_{unit}",
        )
        for k, (content, name) in enumerate(zip(contents, names, strict=True))
    ]
    return fig.figure(traces, 320, xaxis=fig.axis("axis_share_of_hours"), yaxis=fig.axis(f"axis_{unit}"))


def _loading(contents: Sequence[Content], names: Sequence[fig.Spec]) -> fig.Spec:
    """Duration curves of the loading of the most loaded element of each hour."""
    traces = [
        fig.curve(
            name,
            fig.quantity(fig.duration(100 * content.loading.max(axis=1))),
            PALETTE[k % len(PALETTE)],
            "duration_percent",
        )
        for k, (content, name) in enumerate(zip(contents, names, strict=True))
    ]
    return fig.figure(traces, 320, xaxis=fig.axis("axis_share_of_hours"), yaxis=fig.axis("axis_loading"))


def _waterfall(
    steps: Sequence[tuple[fig.Spec, float]], ends: tuple[fig.Spec, fig.Spec], start: float, unit: str
) -> fig.Spec:
    """Return the way from the first run's value to the other's, one step per part that changed."""
    least = NEGLIGIBLE * max([abs(start), *(abs(value) for _, value in steps)])
    moved = [(name, value) for name, value in steps if abs(value) > least]
    trace = {
        "type": "waterfall",
        "x": [ends[0], *(name for name, _ in moved), ends[1]],
        "y": fig.quantity([start, *(value for _, value in moved), 0.0], unit),
        "measure": ["absolute", *("relative" for _ in moved), "total"],
        "increasing": {"marker": {"color": fig.COLOURS["curtailed"]}},
        "decreasing": {"marker": {"color": fig.COLOURS["export"]}},
        "totals": {"marker": {"color": fig.COLOURS["hydro"]}},
        "connector": {"line": {"width": 1, "color": {"c": "rule"}}},
        "showlegend": False,
    }
    category = {"type": "category", "automargin": True}
    return fig.figure([trace], 380, xaxis=category, yaxis=fig.axis(f"axis_{unit}"))


def _curtailment_waterfall(pair: tuple[Content, Content], ends: tuple[fig.Spec, fig.Spec]) -> fig.Spec:
    parts = [content.metrics["curtailment"]["by_county"] for content in pair]
    steps = []
    for county in dict.fromkeys(key for part in parts for key in part):
        change = sum(
            sign * part.get(county, _NOTHING)["total"]["gwh"] for sign, part in zip((-1, 1), parts, strict=True)
        )
        steps.append((fig.in_both(pair[0].county_name(county)), change))
    start = pair[0].metrics["curtailment"]["total"]["gwh"]
    return _waterfall(steps, ends, start, "energy")


_NOTHING = {"total": {"gwh": 0.0}}


def _cost_waterfall(pair: tuple[Content, Content], ends: tuple[fig.Spec, fig.Spec]) -> fig.Spec:
    costs = [content.metrics["cost"]["parts_cny"] for content in pair]
    keys = dict.fromkeys(key for part in costs for key in part)
    steps = [(fig.text(f"cost_{key}"), costs[1].get(key, 0.0) - costs[0].get(key, 0.0)) for key in keys]
    return _waterfall(steps, ends, pair[0].metrics["cost"]["total_cny"], "money")
