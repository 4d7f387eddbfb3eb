"""Findings about adequacy → the tables that a planner reads in the terminal, in Chinese or English.

Every simulated figure stands beside its standard error, and beside the exact value where there is one. What was
never seen is said with its upper bound, not as 0 ± 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sim.reliability.adequacy import Adequacy, Estimate
from sim.reliability.credit import Credit, interval_95
from sim.reliability.study import Findings
from sim.report.units import NONE, Both, fixed, same, significant

MAX_WIDTH = 100
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
    if findings.adequacy.years_short:
        page.table(*_risk_by_month(findings.adequacy))
    if findings.credits:
        page.table(*_credits(findings.credits))
        for line in _credit_notes(findings.credits):
            page.say(line)


def _scope(findings: Findings) -> Both:
    adequacy, system = findings.adequacy, findings.question.system
    hours, weathers = f"{system.time.hours:g}", len(system.weathers)
    return Both(
        f"序贯蒙特卡洛 {adequacy.years} 年（每年 {hours} 小时，气象年 {weathers} 个，种子 {findings.plan.seed}），"
        f"其中 {adequacy.years_short} 年出现失负荷",
        f"Sequential simulation of {adequacy.years} years of {hours} h ({weathers} weather years, seed "
        f"{findings.plan.seed}); load went unserved in {adequacy.years_short} of them",
    )


def _nothing_seen(adequacy: Adequacy) -> Both:
    bound = significant(adequacy.share_of_years_bound)
    return Both(
        f"{adequacy.years} 年中 0 年出现失负荷：以 95 % 置信度，出现失负荷的年份占比低于 {bound}（3/N 法则）",
        f"0 of {adequacy.years} years were short: with 95 % confidence, less than {bound} of years (rule of three)",
    )


def _indices(findings: Findings) -> tuple[Both, list[Both], list[list[Both]]]:
    a, known = findings.adequacy, findings.exact
    exact = (
        (None, None, None, None)
        if known is None
        else (known.lolh_h, known.eue_mwh, known.lolf, known.lole_daily_peak)
    )
    rows = [
        _row(Both("LOLE 失负荷天数，d", "LOLE, days with shortage"), a.lole_days, None),
        _row(Both("LOLH 失负荷小时，h", "LOLH, h"), a.lolh_h, exact[0]),
        _row(Both("EUE 失负荷电量，MWh", "EUE, MWh"), a.eue_mwh, exact[1]),
        _row(Both("NEUE，百万分之", "NEUE, ppm of demand"), a.neue_ppm, None),
        _row(Both("LOLF 失负荷次数", "LOLF, spells"), a.lolf, exact[2]),
        _row(Both("平均持续时间，h", "mean duration, h"), a.duration_h, None),
    ]
    if exact[3] is not None:
        rows.append(_row(Both("LOLE（日最大负荷），d", "LOLE of daily peaks, d"), None, exact[3]))
    used = {
        "storage": (Both("储能补供电量，MWh", "energy from storage, MWh"), a.storage_mwh),
        "response": (Both("需求响应电量，MWh", "demand response, MWh"), a.response_mwh),
        "export": (Both("削减外送电量，MWh", "export not delivered, MWh"), a.export_cut_mwh),
    }
    rows += [_row(*used[name], None) for name in findings.question.system.measures]
    title = Both("充裕性指标（每年）", "Adequacy per year")
    return (
        title,
        [same(""), Both("估计值", "estimate"), Both("标准误差", "std. error"), Both("解析值", "exact")],
        rows,
    )


def _row(name: Both, estimate: Estimate | None, exact: float | None) -> list[Both]:
    value = same(NONE if estimate is None else significant(estimate.value, 4))
    known = estimate is not None and estimate.value != 0 and math.isfinite(estimate.standard_error)
    error = same(significant(estimate.standard_error, 2) if estimate is not None and known else NONE)
    return [name, value, error, same(significant(exact, 7))]


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
