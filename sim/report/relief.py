"""What would help → sentences, a ranked table for terminal and page, and a bar chart, in both languages."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table as RichTable

from scenarios.timeaxis import CST
from sim.absorption.relief import Relief, Step
from sim.report import units as u
from sim.report.cells import (
    Cell,
    Head,
    Table,
    label,
    number,
    rate,
    small_energy,
    small_energy_head,
    text_head,
    unit_head,
)
from sim.report.charts import ACCENT, COLOURS, Spec, axis, figure, in_both, quantity
from sim.report.page import FACTORS, fill_template
from sim.report.units import Both, same
from sim.report.words import WORDS, word

CNY_PER_WAN, CNY_PER_MILLION = 1e4, 1e6
MWH_PER_GWH = 1000.0
BARS = 24
PLACES_IN_TERMINAL = 3
"""Places of one kind of measure that the terminal lists."""
SERVED_DUST_MWH = 0.5
BAR_HEIGHT, CHART_MARGIN = 26, 120
KIND_COLOURS = {
    "storage": COLOURS["discharge"],
    "flexible_load": COLOURS["export"],
    "rating": COLOURS["hydro"],
    "project": COLOURS["wind"],
    "coal_minimum": COLOURS["coal"],
    "demand_response": COLOURS["shift_down"],
    "export_band": COLOURS["curtailed"],
}


def sentences(relief: Relief) -> list[Both]:
    """Return what the base loses and what helps most."""
    lost = relief.curtailed_mwh
    share = lost / relief.available_mwh if relief.available_mwh > 0 else None
    gaps = {"lost": u.energy(lost / MWH_PER_GWH), "rate": u.percent(share), "hours": u.hours(relief.hours)}
    if not relief.steps or lost <= 0:
        return [word("relief_base", **gaps), word("relief_nothing")]
    best = relief.steps[0]
    helps = word(
        "relief_best",
        measure=measure_name(best),
        recovered=u.energy(best.recovered_mwh / MWH_PER_GWH),
        share=u.percent(best.recovered_mwh / lost),
        saved=_money(best.saved_cny),
    )
    return [word("relief_base", **gaps), helps]


def remarks(relief: Relief) -> list[Both]:
    """Return how to read the figures, and what was not tried."""
    found = [word("relief_note"), word("relief_assumed")]
    if relief.left_out:
        found.append(word("relief_left_out", count=same(relief.left_out)))
    return found


def measure_name(step: Step) -> Both:
    """Return a step in words, with its place where it has one."""
    name = word(f"relief_{step.kind}")
    return word("relief_at", measure=name, place=Both(step.place_zh, step.place_en)) if step.place else name


def short_name(step: Step) -> Both:
    """Return a step in few words, for places where many stand together."""
    name = word(f"relief_short_{step.kind}")
    return word("relief_at", measure=name, place=Both(step.place_zh, step.place_en)) if step.place else name


def _money(value_cny: float) -> Both:
    chinese, english = u.significant(value_cny / CNY_PER_WAN), u.significant(value_cny / CNY_PER_MILLION)
    return Both(f"{chinese}万元", f"CNY {english} million")


def relief_table(relief: Relief) -> Table:
    """Return all steps, those that recover most first; load served stands there when a step changes it."""
    heads = (
        text_head("relief_measure"), text_head("relief_place"), text_head("confidence"),
        small_energy_head("relief_recovered"), unit_head("relief_share", "%"),
        Head(word("relief_saved"), Both("万元", "CNY million")), small_energy_head("relief_served"),
    )  # fmt: skip
    shown = len(heads) if any(abs(step.served_mwh) > SERVED_DUST_MWH for step in relief.steps) else -1
    rows = tuple(_cells(relief, step)[:shown] for step in relief.steps)
    return Table("relief", heads[:shown], rows, search=True)


def _cells(relief: Relief, step: Step) -> tuple[Cell, ...]:
    known = word(f"confidence_{step.confidence}") if step.confidence else same("")
    saved = Both(u.fixed(step.saved_cny / CNY_PER_WAN, 0), u.fixed(step.saved_cny / CNY_PER_MILLION, 2))
    return (
        label(word(f"relief_short_{step.kind}")),
        label(Both(step.place_zh, step.place_en)),
        label(known, step.confidence),
        small_energy(step.recovered_mwh / MWH_PER_GWH),
        rate(step.recovered_mwh / relief.curtailed_mwh if relief.curtailed_mwh > 0 else None),
        number(saved, step.saved_cny),
        small_energy(step.served_mwh / MWH_PER_GWH),
    )


def relief_bars(relief: Relief) -> Spec:
    """Return the energy recovered by each step, the largest on top."""
    shown = relief.steps[:BARS][::-1]
    trace = {
        "type": "bar",
        "orientation": "h",
        "x": quantity((step.recovered_mwh / MWH_PER_GWH for step in shown), "energy"),
        "y": [in_both(short_name(step)) for step in shown],
        "marker": {"color": [KIND_COLOURS.get(step.kind, ACCENT) for step in shown]},
        "hovertemplate": {"t": "hover_relief"},
    }
    wide = {"type": "category", "automargin": True}
    return figure([trace], CHART_MARGIN + BAR_HEIGHT * len(shown), xaxis=axis("axis_energy"), yaxis=wide)


def render_relief(relief: Relief, lang: str, console: Console) -> None:
    """Print sentences, table and remarks; ``lang`` is ``zh`` or ``en``."""
    for sentence in sentences(relief):
        console.print(escape(sentence.of(lang)), style="bold", soft_wrap=True)
    console.print(_rich(relief, lang, console))
    for remark in (word("relief_more", count=same(len(relief.steps))), *remarks(relief)):
        console.print(escape(remark.of(lang)), style="dim", soft_wrap=True)


def _rich(relief: Relief, lang: str, console: Console) -> RichTable:
    """Return the table for a terminal: a measure and its place share a column."""
    table, box = relief_table(relief), SIMPLE_HEAD if console.is_terminal else None
    made = RichTable(title=table.caption.of(lang), title_justify="left", box=box, pad_edge=False)
    for head in (table.heads[0], *table.heads[2:6]):
        unit = f" {head.unit.of(lang)}" if head.unit.en else ""
        made.add_column(head.text.of(lang) + unit, justify="right" if head.number else "left", overflow="fold")
    listed: Counter[str] = Counter()
    for step, row in zip(relief.steps, table.rows, strict=True):
        listed[step.kind] += 1
        if listed[step.kind] <= PLACES_IN_TERMINAL:
            texts = (short_name(step), *(cell.text for cell in row[2:6]))
            made.add_row(*(escape(text.of(lang)) for text in texts))
    return made


def relief_page(relief: Relief, lang: str) -> str:
    """Return the page as text; ``lang`` is what it opens in."""
    title = word("relief_title", scenario=same(relief.scenario))
    figures = {"relief": relief_bars(relief)}
    data = {
        "title": {"zh": title.zh, "en": title.en},
        "words": {key: list(value) for key, value in WORDS.items()},
        "factors": FACTORS,
        "loading_steps": [],
        "figures": figures,
    }
    context = {
        "title": title,
        "created": datetime.now(CST).isoformat(timespec="seconds"),
        "sections": ["relief"],
        "figures": figures,
        "tables": {"relief": relief_table(relief)},
        "sentences": sentences(relief),
        "remarks": remarks(relief),
    }
    return fill_template("relief.html.j2", lang, data, context)
