"""Metrics and ``run.json`` → what an engineer reads at a glance in the terminal: first what is wrong, then figures.

Names are Chinese beside English, units 万千瓦 and 亿千瓦时 in Chinese, MW and GWh in English. On a pipe the
tables are plain and at most 100 columns wide.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sim.report import units as u
from sim.report.phrases import PLAN, reason_text
from sim.report.units import Both, percent
from sim.report.words import word

Info = Mapping[str, Any]

MAX_WIDTH = 100
TOP = 10
NEGLIGIBLE_MWH = 0.5
TECHS = {
    "coal": Both("煤电", "coal"),
    "hydro": Both("水电", "hydro"),
    "wind": Both("风电", "wind"),
    "pv": Both("光伏", "PV"),
}
SOURCES = {
    "discharge": Both("储能放电", "storage out"),
    "unserved": Both("失负荷", "unserved"),
    "shed": Both("需求响应削减", "load shed"),
    "shift_down": Both("负荷移出", "load moved away"),
}
USES = {
    "load": Both("负荷", "load"),
    "flexible": Both("灵活负荷", "flexible loads"),
    "shift_up": Both("负荷移入", "load moved here"),
    "export": Both("外送", "sent out"),
    "charge": Both("储能充电", "storage in"),
    "loss": Both("网损", "losses"),
}
WORST = {
    "highest_curtailment": Both("弃电最大", "highest curtailment"),
    "highest_residual_load": Both("净负荷最大", "highest residual load"),
    "highest_unserved": Both("失负荷最大", "highest unserved load"),
    "highest_loading": Both("负载率最高", "highest loading"),
    "lowest_voltage": Both("电压最低", "lowest voltage"),
    "highest_voltage": Both("电压最高", "highest voltage"),
    "largest_loss": Both("网损最大", "largest loss"),
}
EVIDENCE = {
    "circuit km": Both("线路回路公里", "circuit km of lines"),
    "MVA": Both("主变容量", "MVA of transformers"),
}
"""Which rows of the network's evidence tell most."""
MARKS = {"bad": "[bold red]✗[/]", "warn": "[yellow]![/]", "good": "[green]✓[/]"}


class _Page:
    """A console with a language; ``say`` and ``table`` print in it."""

    def __init__(self, console: Console, lang: str, info: Info) -> None:
        self.console, self.lang, self.static = console, lang, info["static"]
        self.width = min(console.width, MAX_WIDTH)

    def text(self, value: Both | str) -> str:
        return escape(value if isinstance(value, str) else value.of(self.lang))

    def say(self, line: str) -> None:
        self.console.print(line, width=self.width, highlight=False)

    def name(self, group: str, key: str) -> str:
        """Return id, Chinese and English name of an element, each once."""
        row = self.static[group].get(key, {})
        parts = dict.fromkeys(part for part in (key, row.get("name_zh"), row.get("name_en")) if part)
        return escape(" ".join(parts))

    def table(
        self,
        title: Both,
        heads: Iterable[Both],
        rows: Iterable[Iterable[Both | str]],
        texts: tuple[int, ...] = (0,),
    ) -> None:
        """Print a table, nothing when it has no rows; ``texts`` are the columns that are words, not numbers."""
        body = [tuple(row) for row in rows]
        if not body:
            return
        box = SIMPLE_HEAD if self.console.is_terminal else None
        table = Table(title=self.text(title), title_justify="left", box=box, pad_edge=False)
        for number, head in enumerate(heads):
            table.add_column(self.text(head), justify="left" if number in texts else "right", overflow="fold")
        for row in body:
            table.add_row(*(self.text(cell) for cell in row))
        self.say("")
        self.console.print(table, width=self.width, highlight=False)


def render(metrics: Info, run_json: Info, lang: str = "zh", console: Console | None = None) -> None:
    """Print the figures of a run; ``lang`` is ``zh`` or ``en``."""
    page = _Page(console or Console(), lang, run_json)
    for level, line in headline(metrics, run_json):
        page.say(f"{MARKS[level]} {page.text(line)}")
    _generation(page, metrics)
    _causes(page, metrics["curtailment"]["by_cause"])
    _balance(page, metrics["energy_gwh"])
    _overloads(page, metrics["network"]["loading"])
    _voltages(page, metrics["network"]["voltage"])
    _worst_hours(page, metrics["network"]["worst_hours"])
    _plan(page, metrics["plan"])


def headline(metrics: Info, run_json: Info) -> list[tuple[str, Both]]:
    """Return what must be known before any figure, the gravest first: (``bad``, ``warn`` or ``good``, text)."""
    lines = [
        *_flow_lines(metrics),
        *_supply_lines(metrics),
        *_dispatch_lines(run_json.get("dispatch", {})),
        *_data_lines(metrics, run_json),
        _summary(metrics),
    ]
    order = {level: place for place, level in enumerate(MARKS)}
    return sorted(lines, key=lambda line: order[line[0]])


def _flow_lines(metrics: Info) -> Iterator[tuple[str, Both]]:
    network = metrics["network"]
    failed, solved = u.hours(network["hours_failed"]), u.hours(network["hours_solved"])
    if network["hours_failed"] > 0:
        english = f"no power-flow solution in {failed.en} ({solved.en} solved)"
        yield "bad", Both(f"潮流未收敛 {failed.zh}（收敛 {solved.zh}）", english)
    else:
        yield "good", Both(f"潮流全部收敛（{solved.zh}）", f"power flow solved in all {solved.en}")
    if network["loading"]["overloaded_branches"] > 0:
        yield "bad", _overload_line(network["loading"])
    if network["voltage"]["hours_with_violation"] > 0:
        yield "bad", _voltage_line(network["voltage"])


def _overload_line(loading: Info) -> Both:
    count, time, most = (
        loading["overloaded_branches"],
        u.hours(loading["overloaded_hours"]),
        percent(loading["max"]).en,
    )
    english = f"{count} element{'s' * (count > 1)} overloaded in {time.en}, up to {most}"
    return Both(f"{count} 个元件过载，共 {time.zh}，最高 {most}", english)


def _voltage_line(voltage: Info) -> Both:
    time = u.hours(voltage["hours_with_violation"])
    low, high = u.hours(voltage["low_element_hours"]), u.hours(voltage["high_element_hours"])
    return Both(
        f"电压越限 {time.zh}（母线·小时：偏低 {low.zh}，偏高 {high.zh}）",
        f"voltages outside limits in {time.en} (bus hours: {low.en} low, {high.en} high)",
    )


def _supply_lines(metrics: Info) -> Iterator[tuple[str, Both]]:
    reliability = metrics["reliability"]
    if reliability["eens_mwh"] > NEGLIGIBLE_MWH:
        energy, time = u.energy(reliability["eens_mwh"] / 1000), u.hours(reliability["unserved_hours"])
        yield "bad", Both(f"失负荷 {energy.zh}，{time.zh}", f"{energy.en} not served in {time.en}")
    if reliability["coal_below_minimum_mwh"] > NEGLIGIBLE_MWH:
        energy = u.energy(reliability["coal_below_minimum_mwh"] / 1000)
        time = u.hours(reliability["coal_below_minimum_hours"])
        yield (
            "bad",
            Both(
                f"煤电低于技术最小出力 {time.zh}，缺额 {energy.zh}",
                f"coal below its technical minimum in {time.en}, by {energy.en}",
            ),
        )


def _dispatch_lines(dispatch: Info) -> Iterator[tuple[str, Both]]:
    """Say what the dispatch overloads by its own reckoning, and how far it is from the exact optimum."""
    over = [row for row in dispatch.get("rows_at_limit", ()) if row["hours_above"] > 0]
    if over:
        energy, count = u.energy(sum(row["above_mwh"] for row in over) / 1000), len(over)
        english = f"the dispatch plans {count} network row{'s' * (count > 1)} above the limit, by {energy.en}"
        yield "bad", Both(f"调度计划中 {count} 个断面或支路越限，电量 {energy.zh}", english)
    if dispatch.get("days_anew"):
        days = dispatch["days_anew"]
        yield (
            "good",
            Both(
                f"因跨时段规则由精确解重排 {days} 天",
                f"{days} days dispatched anew, exactly, for rules that couple hours",
            ),
        )
    certificate = dispatch.get("certificate")
    if certificate:
        cost, curtailed = f"{certificate['cost_gap']:z.4%}", f"{certificate['curtailment_gap']:z.4%}"
        count = len(certificate["samples"])
        everything = certificate["samples"][0]["name"] == "all"
        what = Both("全时段", "the whole span") if everything else Both(f"{count} 周", f"{count} weeks")
        english = f"cost {cost} above the exact optimum of {what.en}, curtailed {curtailed} of what was available"
        yield "good", Both(f"与精确解（{what.zh}）相比：成本高 {cost}，弃电多可用电量的 {curtailed}", english)


def _data_lines(metrics: Info, run_json: Info) -> Iterator[tuple[str, Both]]:
    repairs = run_json["provenance"]["weather_repairs"]
    if repairs:
        count, values = len(repairs), u.fixed(sum(row["values"] for row in repairs))
        yield (
            "warn",
            Both(f"气象数据修复 {count} 项（{values} 个值）", f"{count} weather repairs ({values} values)"),
        )
    yield from (("warn", _evidence_line(row)) for row in run_json["network"]["evidence"] if _is_shown(row))
    changes = len(run_json["network"]["sizing_changes"])
    if changes:
        english = f"{changes} assumed lines were enlarged by the sizing rule"
        yield "warn", Both(f"按规则放大了 {changes} 条假设线路", english)


def _is_shown(row: Info) -> bool:
    """Whether the row of evidence is one of those that tell most: kilometres of lines and MVA of transformers."""
    return row["what"] in EVIDENCE and row["published"] + row["derived"] + row["assumed"] > 0


def _evidence_line(row: Info) -> Both:
    total = row["published"] + row["derived"] + row["assumed"]
    known, derived, assumed = (percent(row[key] / total).en for key in ("published", "derived", "assumed"))
    what = EVIDENCE[row["what"]]
    return Both(
        f"{what.zh}：公布 {known}，推算 {derived}，假设 {assumed}",
        f"{what.en}: {known} published, {derived} derived, {assumed} assumed",
    )


def _summary(metrics: Info) -> tuple[str, Both]:
    total = metrics["curtailment"]["total"]
    used, lost = u.energy(total["available_gwh"] - total["gwh"]), percent(total["rate"]).en
    losses = metrics["network"]["losses"]
    loss, share = u.energy(losses["gwh"]), percent(losses["share_of_generation"]).en
    return "good", Both(
        f"新能源消纳 {used.zh}，弃电率 {lost}；网损 {loss.zh}（{share}）",
        f"{used.en} of wind and PV absorbed, {lost} curtailed; losses {loss.en} ({share})",
    )


def _generation(page: _Page, metrics: Info) -> None:
    heads = (
        Both("电源", "source"),
        Both("装机 万千瓦", "capacity MW"),
        Both("电量 亿kWh", "energy GWh"),
        Both("利用小时", "full-load h"),
        Both("弃电 亿kWh", "curtailed GWh"),
        Both("弃电率", "curtailed"),
        Both("利用率", "utilised"),
    )
    page.table(Both("发电与消纳", "Generation and absorption"), heads, _generation_rows(page, metrics))


def _generation_rows(page: _Page, metrics: Info) -> Iterator[tuple[Both | str, ...]]:
    energy, hours = metrics["energy_gwh"]["generation"], metrics["utilisation"]["full_load_hours"]["by_tech"]
    for tech, name in TECHS.items():
        plants = page.static["plants"].values()
        capacity_mw = sum(plant["capacity_mw"] for plant in plants if plant["tech"] == tech)
        lost = metrics["curtailment"].get(tech, {})
        used = metrics["utilisation"]["all_causes"].get(tech)
        yield (
            name,
            u.power_cell(capacity_mw),
            u.energy_cell(energy[tech]),
            u.fixed(hours[tech]),
            u.energy_cell(lost["gwh"]) if lost else "",
            percent(lost["rate"]) if lost else "",
            percent(used) if lost else "",
        )


def _causes(page: _Page, by_cause: Info) -> None:
    """Print the causes of curtailment, the largest first; nothing when nothing was curtailed."""
    there = sorted((cause for cause in by_cause if by_cause[cause]["gwh"] > 0), key=lambda c: -by_cause[c]["gwh"])
    parts = [
        (word(f"cause_{cause}"), u.energy(by_cause[cause]["gwh"]), percent(by_cause[cause]["share"]))
        for cause in there
    ]
    if parts:
        chinese = "，".join(f"{name.zh} {energy.zh}（{share.zh}）" for name, energy, share in parts)
        english = "; ".join(f"{name.en} {energy.en} ({share.en})" for name, energy, share in parts)
        page.say("\n" + page.text(Both(f"弃电原因：{chinese}", f"Curtailed because of: {english}")))


def _balance(page: _Page, energy: Info) -> None:
    sources = [(name, energy["generation"][tech]) for tech, name in TECHS.items()]
    sources += [(name, energy[key]) for key, name in SOURCES.items()]
    uses = [(name, energy[key]) for key, name in USES.items()]
    given, taken = sum(value for _, value in sources), sum(value for _, value in uses)
    uses += [(Both("", ""), None)] * (len(sources) - len(uses))
    rows = [
        (a, u.energy_cell(x), b, u.energy_cell(y) if y is not None else "")
        for (a, x), (b, y) in zip(sources, uses, strict=True)
    ]
    total = Both("合计", "total")
    heads = (Both("供", "from"), Both("亿kWh", "GWh"), Both("用", "to"), Both("亿kWh", "GWh"))
    rows.append((total, u.energy_cell(given), total, u.energy_cell(taken)))
    page.table(Both("电量平衡", "Energy balance"), heads, rows, texts=(0, 2))


def _overloads(page: _Page, loading: Info) -> None:
    over = {name: row for name, row in loading["by_branch"].items() if row["overloaded_hours"] > 0}
    first = sorted(over, key=lambda name: (-over[name]["overloaded_hours"], -over[name]["max"]))[:TOP]
    heads = (
        Both("过载元件（资料）", "overloaded element (evidence)"),
        Both("小时", "hours"),
        Both("最高", "highest"),
        Both("p99", "p99"),
    )
    rows = (
        (
            _branch(page, name),
            u.fixed(over[name]["overloaded_hours"]),
            percent(over[name]["max"]),
            percent(over[name]["p99"]),
        )
        for name in first
    )
    page.table(
        Both(f"过载（前 {len(first)} / {len(over)}）", f"Overloads (first {len(first)} of {len(over)})"),
        heads,
        rows,
    )


def _branch(page: _Page, name: str) -> str:
    row = page.static["branches"].get(name, {})
    ends = [page.static["buses"].get(row.get(end), {}) for end in ("from", "to")]
    chinese = "–".join(str(end.get("name_zh", "")) for end in ends if end.get("name_zh"))
    return f"{name} {chinese} ({row.get('confidence', '?')})"


def _voltages(page: _Page, voltage: Info) -> None:
    outside = {n: row for n, row in voltage["by_bus"].items() if row["low_hours"] + row["high_hours"] > 0}
    first = sorted(outside, key=lambda name: outside[name]["rate"])[:TOP]
    heads = (
        Both("母线", "bus"),
        Both("合格率", "compliance"),
        Both("偏低 小时", "low h"),
        Both("偏高 小时", "high h"),
        Both("最低 pu", "min pu"),
        Both("最高 pu", "max pu"),
    )
    rows = (
        (
            page.name("buses", name),
            percent(outside[name]["rate"]),
            u.fixed(outside[name]["low_hours"]),
            u.fixed(outside[name]["high_hours"]),
            u.fixed(outside[name]["min_pu"], 4),
            u.fixed(outside[name]["max_pu"], 4),
        )
        for name in first
    )
    page.say("")
    page.say(page.text(_compliance(voltage)))
    page.table(
        Both(
            f"电压越限母线（前 {len(first)} / {len(outside)}）",
            f"Buses outside limits (first {len(first)} of {len(outside)})",
        ),
        heads,
        rows,
    )


def _compliance(voltage: Info) -> Both:
    """Return the rates of all buses, weighted by load, and below and above the limits."""
    rate, weighted, low, high = (
        percent(voltage[key]).en for key in ("rate", "load_weighted_rate", "low_rate", "high_rate")
    )
    return Both(
        f"电压合格率 {rate}（按负荷加权 {weighted}），越下限 {low}，越上限 {high}",
        f"Voltage compliance {rate} ({weighted} weighted by load); below the limits {low}, above {high}",
    )


def _worst_hours(page: _Page, worst: Info) -> None:
    rows = [
        (WORST[key], u.moment(found["time"]), _worst_value(found), _worst_place(page, key, found))
        for key, found in worst.items()
        if found is not None and not (key == "highest_unserved" and found["mw"] <= 0)
    ]
    heads = (Both("最严重时刻", "worst hours"), Both("时刻", "time"), Both("数值", "value"), Both("位置", "where"))
    page.table(Both("值得先看的时刻", "Hours to look at first"), heads, rows, texts=(0, 1, 3))


def _worst_value(found: Info) -> Both | str:
    if "mw" in found:
        return u.power(found["mw"])
    return percent(found["loading"]) if "loading" in found else f"{found['vm_pu']:.4f} pu"


def _worst_place(page: _Page, key: str, found: Info) -> str:
    name = found.get("name", "")
    return _branch(page, name) if key == "highest_loading" else (page.name("buses", name) if name else "")


def _plan(page: _Page, plan: list[dict[str, Any]]) -> None:
    judged = [row for row in plan if row["met"] is not None]
    met = sum(row["met"] for row in judged)
    others = len(plan) - len(judged)
    page.say("")
    page.say(
        page.text(
            Both(
                f"规划目标：可判定 {len(judged)} 项，达成 {met} 项；另 {others} 项本模拟不能判定",
                f"Plan targets: {met} of {len(judged)} met; {others} more cannot be judged by this simulation",
            )
        )
    )
    heads = (Both("目标", "target"), Both("模拟值", "value"), Both("规划值", "planned"), Both("", ""))
    rows = ((_target(row), *_target_values(row)) for row in sorted(judged, key=lambda row: bool(row["met"])))
    page.table(Both("规划对照", "Plan against simulation"), heads, rows)


def _target(row: Info) -> Both:
    reason = reason_text(row["reason"]) if row["reason"] and not row["met"] else Both("", "")
    note = Both(f"（{reason.zh}）" if reason.zh else "", f" ({reason.en})" if reason.en else "")
    return Both(f"{PLAN.get(row['key'], row['wording'])}{note.zh}", f"{row['quantity']}{note.en}")


def _target_values(row: Info) -> tuple[str, str, str]:
    unit = "" if row["unit"] in ("count", "station", "project", "circuit", "unit") else f" {row['unit']}"
    return f"{_plain(row['value'])}{unit}", f"{_plain(row['target'])}{unit}", "✓" if row["met"] else "✗"


def _plain(value: float) -> str:
    """Return five significant digits without zeros at the end: 60, 99.915, 13,030."""
    text = u.significant(value, 5)
    return text.rstrip("0").rstrip(".") if "." in text else text
