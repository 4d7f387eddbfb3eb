"""Findings about absorption capacity → sentences as a planner writes them, and tables for terminal and page.

Every sentence and table is in both languages. What is assumed of the network stands beside the answer, not in a
footnote; what makes an answer doubtful (a curve that is not monotone, years without a limit) is said as a warning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table as RichTable

from sim.absorption.capacity import LAST_MW, Answer
from sim.absorption.criteria import broken
from sim.absorption.study import Findings, full_load_hours
from sim.report import units as u
from sim.report.cells import (
    Cell,
    Head,
    Table,
    hours_head,
    label,
    number,
    plain,
    power,
    rate,
    small_energy,
    small_energy_head,
    text_head,
    unit_head,
)
from sim.report.units import Both, same
from sim.report.words import word

DIGITS = 4
MENTIONED = 0.05
"""Causes with a smaller share of the curtailment are left out of the sentence; the table has them all."""
ROWS_SHOWN = 12
HOURS_OF_A_YEAR = 8760


def megawatts(value_mw: float) -> Both:
    """Return a capacity with enough digits for the resolution of a search."""
    return Both(f"{_trimmed(value_mw / 10)}万千瓦", f"{_trimmed(value_mw)} MW")


def _trimmed(value: float) -> str:
    """Return a number with four digits and no zeros at the end of its decimals."""
    text = u.significant(value, DIGITS)
    return text.rstrip("0").rstrip(".") if "." in text else text


def joined(parts: list[Both], zh: str = "，", en: str = ", ") -> Both:
    """Return texts one after the other."""
    return Both(zh.join(part.zh for part in parts), en.join(part.en for part in parts))


def title_of(findings: Findings, item: Answer) -> Both:
    """Return the name of an answer's site."""
    site = findings.study.sites[item.site]
    return Both(site.title_zh, site.title_en)


def study_title(findings: Findings) -> Both:
    """Return the title of the study."""
    names = [title_of(findings, item) for item in findings.answers]
    return word("absorb_title", sites=joined(names, "、", ", "))


def answer_sentence(findings: Findings, item: Answer) -> Both:
    """Return the answer as one sentence."""
    tech = findings.study.tech
    gaps = {
        "site": title_of(findings, item),
        "tech": word(f"absorb_tech_{tech}"),
        "rate": word(f"absorb_rate_{tech}"),
        "limit": Both(*_limit_texts(findings)),
        "capacity": megawatts(item.capacity_mw),
        "spread": _spread_text(item),
        "reason": reason_text(item),
    }
    return word(f"absorb_{item.found.status}", **gaps)


def _limit_texts(findings: Findings) -> tuple[str, str]:
    percent = f"{100 * findings.study.scenario.settings.absorption.limit:g}"
    return f"{percent}%", f"{percent} %"


def _spread_text(item: Answer) -> Both:
    if item.spread is None:
        return same("")
    low, _, high = item.spread.quantiles_mw
    years = same(len(item.spread.seeds))
    low_text = Both(_trimmed(low / 10), _trimmed(low))
    return word("absorb_spread", low=low_text, high=megawatts(high), years=years)


def reason_text(item: Answer) -> Both:
    """Return which criteria break one step above the answer, and why there is curtailment."""
    names = joined([word(f"criterion_{name.key}") for name in item.beyond], "、", " and ")
    if item.reason is None or "curtailment" not in broken(item.beyond):
        return names
    shares = sorted(item.reason.shares, key=lambda pair: -pair[1])
    parts = [
        Both(f"{cause.zh} {share.zh}", f"{share.en} {cause.en}")
        for key, value in shares
        if value >= MENTIONED
        for cause, share in [(word(f"absorb_cause_{key}"), same(f"{100 * value:.0f} %"))]
    ]
    if item.reason.rows and any(key in {"network", "security"} and value >= MENTIONED for key, value in shares):
        row = item.reason.rows[0]
        known = word(f"confidence_{row.confidence}")
        parts.append(word("absorb_row", row=same(row.row), confidence=known))
    inside = joined(parts)
    return Both(f"{names.zh}（{inside.zh}）", f"{names.en} ({inside.en})") if parts else names


def more_sentences(findings: Findings, item: Answer) -> Iterator[Both]:
    """Yield what the answer means in energy, and how it compares with what stands."""
    if item.at is None:
        return
    own = item.at.sites[item.site]
    gaps = {
        "energy": u.energy(own.accepted_gwh),
        "hours": u.hours(_whole(full_load_hours(item))),
        "last": megawatts(LAST_MW),
        "marginal": u.percent(item.marginal_rate),
    }
    yield word("absorb_energy", **gaps)


def _whole(value: float | None) -> float | None:
    return None if value is None else float(round(value))


def warnings(findings: Findings) -> list[Both]:
    """Return what makes an answer doubtful."""
    found = [text for item in findings.answers for text in _doubts(findings, item)]
    hours = findings.study.scenario.time.hours
    if hours < HOURS_OF_A_YEAR:
        found.insert(0, word("absorb_part_of_year", hours=u.hours(hours)))
    if findings.frontier is not None and findings.frontier.returns:
        found.append(word("absorb_frontier_returns"))
    return found


def _doubts(findings: Findings, item: Answer) -> Iterator[Both]:
    site = title_of(findings, item)
    if item.found.returns_mw:
        yield word("absorb_not_monotone", site=site, capacity=_list_of_mw(item.found.returns_mw))
    if item.falling_mw:
        tech_rate = word(f"absorb_rate_{findings.study.tech}")
        yield word("absorb_rate_falls", site=site, capacity=_list_of_mw(item.falling_mw), rate=tech_rate)
    if item.spread is not None and item.spread.open_years:
        yield word("absorb_open_years", years=same(item.spread.open_years))


def _list_of_mw(values: tuple[float, ...]) -> Both:
    return joined([megawatts(value) for value in values], "、", ", ")


def reminder(findings: Findings) -> Both:
    """Return how much of the network is assumed."""
    return word("absorb_reminder", share=same(f"{100 * findings.assumed_share:.0f} %"))


# --- tables -----------------------------------------------------------------------------------------------------


def all_tables(findings: Findings) -> dict[str, Table]:
    """Return every table by name; one without rows is there and empty."""
    makers = (answers_table, causes_table, rows_table, spread_table, frontier_table, years_table)
    return {table.name: table for table in (make(findings) for make in makers)}


def answers_table(findings: Findings) -> Table:
    """One column per site: present, answer, energy, rates, what breaks."""
    heads = (text_head("figure"), *(Head(title_of(findings, item)) for item in findings.answers))
    columns = [_answer_cells(findings, item) for item in findings.answers]
    rows = tuple((label(word(name)), *(column[name] for column in columns)) for name in columns[0])
    return Table("absorb_answers", heads, rows)


def _answer_cells(findings: Findings, item: Answer) -> dict[str, Cell]:
    own = None if item.at is None else item.at.sites[item.site]
    names = joined([word(f"criterion_{name}") for name in broken(item.beyond)], "、", ", ")
    hours = full_load_hours(item)
    return {
        "absorb_present": _capacity(findings.study.sites[item.site].capacity_mw),
        "absorb_capacity": _capacity(None if item.at is None else item.capacity_mw),
        "absorb_breaks": _capacity(item.found.breaks_mw),
        "absorb_delivered": number(*_both(u.energy, None if own is None else own.accepted_gwh)),
        "absorb_full_load": number(*_both(u.hours, _whole(hours))),
        "absorb_rate": number(*_both(u.percent, None if item.at is None else item.at.tech.rate)),
        "absorb_own_rate": number(*_both(u.percent, None if own is None else own.rate)),
        "absorb_marginal": number(*_both(u.percent, item.marginal_rate)),
        "absorb_criterion": number(names, None),
    }


def _capacity(value_mw: float | None) -> Cell:
    return number(same(u.NONE) if value_mw is None else megawatts(value_mw), value_mw)


def _both(show: Callable[[float | None], Both], value: float | None) -> tuple[Both, float | None]:
    return show(value), value


def causes_table(findings: Findings) -> Table:
    """Curtailment of the technology at each answer by cause."""
    rows = tuple(
        (
            label(title_of(findings, item)),
            label(word(f"absorb_cause_{cause}")),
            number(*_both(u.energy, gwh)),
            rate(shares.get(cause)),
        )
        for item in findings.answers
        if item.reason is not None
        for shares in [dict(item.reason.shares)]
        for cause, gwh in item.reason.causes_gwh
    )
    heads = (text_head("absorb_site"), text_head("absorb_cause"), Head(word("absorb_caused")))
    return Table("absorb_causes", (*heads, unit_head("absorb_share", "%")), rows)


def rows_table(findings: Findings) -> Table:
    """Branches and sections that bound at each answer."""
    rows = tuple(
        (
            label(title_of(findings, item)),
            label(row.row),
            label(word(f"confidence_{row.confidence}"), "warn" if row.confidence == "assumed" else ""),
            plain(row.hours),
            small_energy(row.mwh / 1000.0),
        )
        for item in findings.answers
        if item.reason is not None
        for row in item.reason.rows[:ROWS_SHOWN]
    )
    texts = (text_head("absorb_site"), text_head("absorb_element"), text_head("absorb_known"))
    heads = (*texts, hours_head("absorb_bound_hours"), small_energy_head("absorb_caused"))
    return Table("absorb_rows", heads, rows)


def spread_table(findings: Findings) -> Table:
    """Capacity of each site in each weather year, with the quantiles at the foot."""
    spreads = [item.spread for item in findings.answers if item.spread is not None]
    heads = (text_head("absorb_seed"), *(Head(title_of(findings, a), _MW) for a in findings.answers))
    if not spreads:
        return Table("absorb_spread", heads, ())
    rows = tuple(
        (label(str(seed)), *(power(spread.capacity_mw[k]) for spread in spreads))
        for k, seed in enumerate(spreads[0].seeds)
    )
    foot = tuple(
        (label(name), *(power(spread.quantiles_mw[k]) for spread in spreads))
        for k, name in enumerate(("P10", "P50", "P90"))
    )
    return Table("absorb_spread", heads, rows, foot)


_MW = Both("万千瓦", "MW")


def frontier_table(findings: Findings) -> Table:
    """Points of the frontier: both capacities."""
    heads = tuple(Head(title_of(findings, item), _MW) for item in findings.answers)
    line = () if findings.frontier is None else findings.frontier.line
    return Table("absorb_frontier", heads, tuple((power(first), power(second)) for first, second in line))


def years_table(findings: Findings) -> Table:
    """Every simulated year of the scenario's own weather."""
    points = {point.sizes_mw: point for item in findings.answers for point in item.points}
    if findings.frontier is not None:
        points |= {point.sizes_mw: point for point in findings.frontier.points}
    heads = (
        *(Head(title_of(findings, item), _MW) for item in findings.answers),
        unit_head("absorb_rate", "%"),
        unit_head("absorb_loading", "%"),
        hours_head("absorb_overloaded"),
        unit_head("absorb_voltage", "%"),
        small_energy_head("absorb_unserved"),
    )
    rows = tuple(
        (
            *(power(size) for size in sizes),
            rate(points[sizes].tech.rate),
            number(u.fixed(100 * points[sizes].security.loading_max, 1), points[sizes].security.loading_max),
            plain(points[sizes].security.overloaded_h),
            rate(points[sizes].security.voltage_outside),
            small_energy(points[sizes].security.unserved_mwh / 1000.0),
        )
        for sizes in sorted(points)
    )
    return Table("absorb_years", heads, rows, search=True)


# --- terminal ---------------------------------------------------------------------------------------------------

SHOWN = ("absorb_answers", "absorb_causes", "absorb_rows", "absorb_frontier")


def render_absorption(findings: Findings, lang: str, console: Console) -> None:
    """Print answers, warnings, tables and the reminder; ``lang`` is ``zh`` or ``en``."""
    for item in findings.answers:
        _say(console, answer_sentence(findings, item), lang, "bold")
        for sentence in more_sentences(findings, item):
            _say(console, sentence, lang)
        if item.spread is None:
            _say(console, word("absorb_no_spread"), lang, "dim")
    for warning in warnings(findings):
        _say(console, _marked(warning), lang, "yellow")
    tables = all_tables(findings)
    for name in SHOWN:
        if tables[name].rows:
            console.print(_rich(tables[name], lang, console))
    _say(console, _marked(reminder(findings)), lang, "yellow")


def _marked(warning: Both) -> Both:
    return Both(f"! {warning.zh}", f"! {warning.en}")


def _say(console: Console, text: Both, lang: str, style: str = "") -> None:
    console.print(escape(text.of(lang)), style=style or None, highlight=False, soft_wrap=True)


def _rich(table: Table, lang: str, console: Console) -> RichTable:
    box = SIMPLE_HEAD if console.is_terminal else None
    made = RichTable(title=table.caption.of(lang), title_justify="left", box=box, pad_edge=False)
    for head in table.heads:
        unit = f" {head.unit.of(lang)}" if head.unit.en else ""
        made.add_column(head.text.of(lang) + unit, justify="right" if head.number else "left", overflow="fold")
    for row in (*table.rows, *table.foot):
        made.add_row(*(escape(cell.text.of(lang)) for cell in row))
    return made
