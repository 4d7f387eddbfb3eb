"""Findings about adequacy → the tables that a planner reads in the terminal, in Chinese or English.

Every simulated figure stands beside its standard error, and beside the exact value where there is one. What was
never seen is said with its upper bound, not as 0 ± 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sim.reliability.adequacy import Adequacy
from sim.reliability.convolution import Exact
from sim.reliability.credit import Credit, interval_95
from sim.reliability.estimates import Estimate
from sim.reliability.places import ByPlace, PlaceRisk
from sim.reliability.study import CUSTOMER_TARGETS, Findings
from sim.report.units import NONE, Both, fixed, same, significant

MAX_WIDTH = 100
MOST_ROWS = 10
CLOCK_SPAN = 3
"""Clock hours in a column of the table of risk by month."""

MEASURES = {
    "storage": Both("储能放电", "storage"),
    "response": Both("需求响应", "demand response"),
    "export": Both("削减外送", "reduced export"),
}
RISKS = {"eue": Both("失负荷电量", "energy unserved"), "lolh": Both("失负荷小时", "hours of shortage")}


class _Page:
    """A console with a language."""

    def __init__(self, console: Console, lang: str) -> None:
        self.console, self.lang, self.width = console, lang, min(console.width, MAX_WIDTH)

    def say(self, line: Both) -> None:
        self.console.print(escape(line.of(self.lang)), width=self.width, highlight=False)

    def table(self, title: Both, heads: Iterable[Both], rows: Iterable[Iterable[Both]]) -> None:
        box = SIMPLE_HEAD if self.console.is_terminal else None
        table = Table(title=title.of(self.lang), title_justify="left", box=box, pad_edge=False)
        for number, head in enumerate(heads):
            table.add_column(head.of(self.lang), justify="right" if number else "left", overflow="fold")
        for row in rows:
            table.add_row(*(escape(cell.of(self.lang)) for cell in row))
        self.console.print()
        self.console.print(table, width=self.width, highlight=False)


def render_adequacy(findings: Findings, lang: str, console: Console) -> None:
    """Print all findings; ``lang`` is ``zh`` or ``en``."""
    page, system = _Page(console, lang), findings.question.system
    page.say(Both(findings.question.title_zh, findings.question.title_en))
    page.say(_scope(findings))
    if system.measures:
        names = [MEASURES[name] for name in system.measures]
        order = Both(" → ".join(n.zh for n in names), " → ".join(n.en for n in names))
        page.say(Both(f"失负荷之前依次动用：{order.zh}", f"Used before load goes unserved: {order.en}"))
    if system.assumed:
        rates = ", ".join(system.assumed)
        page.say(Both(f"! 停运参数并非公开值：{rates}", f"! Outage rates that are not published: {rates}"))
    if findings.adequacy.share_of_years_bound is not None:
        page.say(_nothing_seen(findings.adequacy))
    page.table(*_indices(findings))
    if findings.question.targets:
        page.table(*_bulk(findings))
    if findings.adequacy.years_short:
        page.table(*_risk_by_month(findings.adequacy))
        _show_places(page, findings.adequacy.by_place)
    if findings.credits:
        page.table(*_credits(findings.credits))
        for line in _credit_notes(findings.credits):
            page.say(line)


def _show_places(page: _Page, found: ByPlace | None) -> None:
    if found is None:
        return
    page.table(*_by_county(found))
    page.table(*_by_bus(found))
    if found.binding:
        page.table(*_binding(found))


def _scope(findings: Findings) -> Both:
    adequacy, system = findings.adequacy, findings.question.system
    hours, weathers = f"{system.time.hours:g}", len(system.weathers)
    level = Both("单节点", "one node") if system.network is None else Both("含网络约束", "with its network")
    return Both(
        f"{level.zh}，序贯蒙特卡洛 {adequacy.years} 年（每年 {hours} 小时，气象年 {weathers} 个，"
        f"种子 {findings.plan.seed}），其中 {adequacy.years_short} 年出现失负荷",
        f"Sequential simulation, {level.en}: {adequacy.years} years of {hours} h ({weathers} weather years, seed "
        f"{findings.plan.seed}); load went unserved in {adequacy.years_short} of them",
    )


def _nothing_seen(adequacy: Adequacy) -> Both:
    bound = significant(adequacy.share_of_years_bound)
    return Both(
        f"{adequacy.years} 年中 0 年出现失负荷：以 95 % 置信度，出现失负荷的年份占比低于 {bound}（3/N 法则）",
        f"0 of {adequacy.years} years were short: with 95 % confidence, less than {bound} of years (rule of three)",
    )


def _indices(findings: Findings) -> tuple[Both, list[Both], list[list[Both]]]:
    a, known, node = findings.adequacy, findings.exact, findings.one_node
    beside = _Beside(known, node)
    rows = [
        _row(Both("LOLE 失负荷天数，d", "LOLE, days with shortage"), a.lole_days, beside.of("lole_days")),
        _row(Both("LOLH 失负荷小时，h", "LOLH, h"), a.lolh_h, beside.of("lolh_h")),
        _row(Both("EUE 失负荷电量，MWh", "EUE, MWh"), a.eue_mwh, beside.of("eue_mwh")),
        _row(Both("NEUE，百万分之", "NEUE, ppm of demand"), a.neue_ppm, beside.of("neue_ppm")),
        _row(Both("LOLF 失负荷次数", "LOLF, spells"), a.lolf, beside.of("lolf")),
        _row(Both("平均持续时间，h", "mean duration, h"), a.duration_h, beside.of("duration_h")),
    ]
    if known is not None:
        rows.append(_row(Both("LOLE（日最大负荷），d", "LOLE of daily peaks, d"), None, known.lole_daily_peak))
    used = {
        "storage": (Both("储能补供电量，MWh", "energy from storage, MWh"), "storage_mwh"),
        "response": (Both("需求响应电量，MWh", "demand response, MWh"), "response_mwh"),
        "export": (Both("削减外送电量，MWh", "export not delivered, MWh"), "export_cut_mwh"),
    }
    for name in findings.question.system.measures:
        title, figure = used[name]
        rows.append(_row(title, getattr(a, figure), beside.of(figure)))
    heads = [same(""), Both("估计值", "estimate"), Both("标准误差", "std. error"), beside.head]
    return Both("充裕性指标（每年）", "Adequacy per year"), heads, rows


@dataclass(frozen=True, slots=True)
class _Beside:
    """What stands beside the estimates: exact values, or at network level the same years as one node."""

    known: Exact | None
    node: Adequacy | None

    @property
    def head(self) -> Both:
        return Both("解析值", "exact") if self.node is None else Both("单节点", "one node")

    def of(self, name: str) -> float | None:
        if self.node is not None:
            estimate = getattr(self.node, name)
            return None if estimate is None else estimate.value
        return getattr(self.known, name, None)


def _row(name: Both, estimate: Estimate | None, exact: float | None) -> list[Both]:
    value = same(NONE if estimate is None else significant(estimate.value, 4))
    known = estimate is not None and estimate.value != 0 and math.isfinite(estimate.standard_error)
    error = same(significant(estimate.standard_error, 2) if estimate is not None and known else NONE)
    return [name, value, error, same(significant(exact, 7))]


def _by_county(found: ByPlace) -> tuple[Both, list[Both], list[list[Both]]]:
    title = Both("分县区（每年）", "By county, per year")
    return title, _PLACE_HEADS, [_place(risk) for risk in found.counties if risk.eue_mwh.value > 0]


def _by_bus(found: ByPlace) -> tuple[Both, list[Both], list[list[Both]]]:
    title = Both(
        f"失负荷最多的母线（每年，至多 {MOST_ROWS} 个）", f"Buses with most unserved energy, at most {MOST_ROWS}"
    )
    worst = sorted(found.demands, key=lambda risk: -risk.eue_mwh.value)[:MOST_ROWS]
    return title, _PLACE_HEADS, [_place(risk) for risk in worst if risk.eue_mwh.value > 0]


_PLACE_HEADS = [same(""), Both("EUE，MWh", "EUE, MWh"), same("±"), Both("LOLH，h", "LOLH, h"), same("±")]


def _place(risk: PlaceRisk) -> list[Both]:
    numbers = (risk.eue_mwh.value, risk.eue_mwh.standard_error, risk.lolh_h.value, risk.lolh_h.standard_error)
    return [Both(risk.label.zh, risk.label.en), *(same(significant(number, 3)) for number in numbers)]


def _binding(found: ByPlace) -> tuple[Both, list[Both], list[list[Both]]]:
    title = Both("失负荷时起限制作用的支路，h/年", "Branches that limit while load goes unserved, h a year")
    rows = [
        [
            same(item.label.name),
            same(significant(item.hours.value)),
            same(significant(item.hours.standard_error, 2)),
        ]
        for item in found.binding[:MOST_ROWS]
    ]
    return title, [same(""), same("h"), same("±")], rows


def _bulk(findings: Findings) -> tuple[Both, list[Both], list[list[Both]]]:
    """Return the transmission-level equivalents of the two customer figures, beside the plan's."""
    a, targets = findings.adequacy, findings.question.targets
    title = Both(
        "输电层面等效值（EUE/平均负荷，不是用户口径；仅供与规划值并列）",
        "Transmission-level equivalents (EUE / mean load; not customer figures), beside the plan's",
    )
    pairs = (
        (Both("供电可靠率（等效），%", "supply reliability (equivalent), %"), a.bulk_reliability_percent, "≥"),
        (Both("平均停电时间（等效），h", "outage time (equivalent), h"), a.bulk_outage_h, "≤"),
    )
    rows = []
    for (name, estimate, bound), key in zip(pairs, CUSTOMER_TARGETS, strict=True):
        wanted = targets[key].value if key in targets else None
        told = same(NONE) if wanted is None else same(f"{bound} {wanted:g}")
        error = significant(estimate.standard_error, 2) if a.years_short else NONE
        rows.append([name, same(f"{estimate.value:.7g}"), same(error), told])
    return (
        title,
        [same(""), Both("估计值", "estimate"), same("±"), Both("规划（用户口径）", "plan (customers)")],
        rows,
    )


def _risk_by_month(adequacy: Adequacy) -> tuple[Both, list[Both], list[list[Both]]]:
    """Return the probability of shortage by month and spans of clock hours, in per mille."""
    spans = range(0, 24, CLOCK_SPAN)
    heads = [Both("月", "month"), *(same(f"{hour}–{hour + CLOCK_SPAN}") for hour in spans)]
    rows = [
        [same(month + 1), *(same(fixed(1e3 * float(row[h : h + CLOCK_SPAN].mean()), 2)) for h in spans)]
        for month, row in enumerate(adequacy.lolp)
    ]
    return Both("失负荷概率 LOLP，‰（月 × 时刻）", "LOLP by month and clock hour, per mille"), heads, rows


def _credits(credits: Iterable[Credit]) -> tuple[Both, list[Both], list[list[Both]]]:
    rows = []
    for credit in credits:
        for name, estimate in (("ELCC", credit.elcc_mw), ("EFC", credit.efc_mw)):
            low, high = interval_95(estimate)
            share = fixed(100 * estimate.value / credit.capacity_mw, 1) if credit.capacity_mw > 0 else NONE
            mw = (fixed(credit.capacity_mw), fixed(estimate.value, 1), f"{fixed(low, 1)} … {fixed(high, 1)}")
            rows.append([same(f"{credit.group} {name}"), *map(same, mw), same(share)])
    heads = [same(""), Both("装机，MW", "capacity, MW"), Both("可信容量，MW", "credit, MW")]
    heads += [Both("95 % 区间", "95 % interval"), Both("占装机 %", "% of capacity")]
    return Both("容量可信度", "Capacity credit"), heads, rows


def _credit_notes(credits: tuple[Credit, ...]) -> Iterable[Both]:
    first = credits[0]
    risk = RISKS[first.measure]
    yield Both(f"保持不变的风险：{risk.zh}", f"Risk that is kept: {risk.en}")
    if first.added_load_mw > 0:
        added = fixed(first.added_load_mw)
        yield Both(
            f"原系统风险过低，先增加恒定负荷 {added} MW 使其达到目标失负荷小时，再求容量可信度",
            f"The system has too little risk to measure a credit: {added} MW of constant load was added first",
        )
