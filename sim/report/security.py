"""A security study (as kept in ``security.json``) → what an engineer reads at a glance in the terminal.

Pass rates first, then the losses that the grid does not stand, the worst first, then what is cut off.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sim.report import units as u
from sim.report.units import Both, percent, same

MAX_WIDTH = 110
TOP = 15
KINDS = {
    "line": Both("线路（每回）", "lines, each circuit"),
    "trafo": Both("主变（每台）", "transformers, each unit"),
    "unit": Both("大机组（每台）", "large generating units"),
    "tower": Both("同塔双回（N-2）", "common towers (N-2)"),
}
CAUSES = {
    "overload": Both("过载", "overload"),
    "low_voltage": Both("低电压", "low voltage"),
    "high_voltage": Both("高电压", "high voltage"),
    "load_lost": Both("失去负荷或外送", "load or export cut off"),
    "generation_lost": Both("失去电源", "generation cut off"),
    "unsolved": Both("潮流无解", "no solution"),
}
CONFIDENCE = {
    "published": Both("公布", "published"),
    "derived": Both("推算", "derived"),
    "assumed": Both("假设", "assumed"),
}

Row = Mapping[str, Any]


class _Page:
    """A console with a language."""

    def __init__(self, console: Console, lang: str) -> None:
        self.console, self.lang, self.width = console, lang, min(console.width, MAX_WIDTH)

    def say(self, line: Both, mark: str = "") -> None:
        self.console.print(mark + escape(line.of(self.lang)), width=self.width, highlight=False)

    def table(
        self, title: Both, heads: Iterable[Both], rows: Iterable[Iterable[Both]], texts: tuple[int, ...] = (0,)
    ) -> None:
        """Print a table, nothing when it has no rows; ``texts`` are the columns that are words, not numbers."""
        body = list(rows)
        if not body:
            return
        box = SIMPLE_HEAD if self.console.is_terminal else None
        table = Table(title=title.of(self.lang), title_justify="left", box=box, pad_edge=False)
        for number, head in enumerate(heads):
            table.add_column(head.of(self.lang), justify="left" if number in texts else "right", overflow="fold")
        for row in body:
            table.add_row(*(escape(cell.of(self.lang)) for cell in row))
        self.console.print()
        self.console.print(table, width=self.width, highlight=False)


def render_security(record: Row, lang: str, console: Console) -> None:
    """Print a study; ``lang`` is ``zh`` or ``en``."""
    page = _Page(console, lang)
    for mark, line in headline(record):
        page.say(line, {"bad": "[bold red]✗[/] ", "warn": "[yellow]![/] ", "good": "[green]✓[/] "}[mark])
    page.table(*_rates(record))
    for rows, of in ((critical_losses(record), Both("N-1", "N-1")), (critical_towers(record), Both("N-2", "N-2"))):
        shown = rows[:TOP]
        count = Both(f"（前 {len(shown)} / {len(rows)}）", f" (first {len(shown)} of {len(rows)})")
        title = Both(f"不满足{of.zh}的故障{count.zh}", f"{of.en} losses that the grid does not stand{count.en}")
        page.table(title, _CRITICAL_HEADS, map(_critical, shown), texts=(0, 2, 3))
    islands = [row for row in record["losses"] if row["dark"]]
    title = Both("解列（断开部分失电）", "Losses that split the grid: what goes dark")
    page.table(title, _ISLAND_HEADS, map(_island, islands[:TOP]), texts=(0, 1))
    page.console.print()
    for note in notes(record):
        page.say(note)


def headline(record: Row) -> list[tuple[str, Both]]:
    """Return what must be known first: (``bad``, ``warn`` or ``good``, text)."""
    return [_pass_line(record["n1"]), *_spoiled_lines(record), *_evidence_lines(record)]


def _pass_line(n1: Row) -> tuple[str, Both]:
    pairs, elements, hours = (percent(n1[key]) for key in ("hour_element", "element", "hour"))
    chinese = f"N-1通过率：元件×小时 {pairs.zh}，元件（全部小时） {elements.zh}，小时（全部元件） {hours.zh}"
    english = f"N-1 passed: {pairs.en} of element-hours, {elements.en} of elements (at all hours), "
    english += f"{hours.en} of hours (by all elements)"
    return "good" if n1["pairs_failed"] == 0 else "bad", Both(chinese, english)


def _spoiled_lines(record: Row) -> Iterator[tuple[str, Both]]:
    """Yield what limits the meaning of the rates."""
    if record["base"]["hours_failed"] > 0:
        time = u.hours(record["base"]["hours_failed"])
        english = f"even with nothing out, post-fault limits are broken in {time.en}; most losses fail then too"
        yield "bad", Both(f"无故障时已有 {time.zh} 越过事故后限值，此时多数故障也不通过", english)
    if record["hours_unsolved"] > 0:
        time = u.hours(record["hours_unsolved"])
        english = f"{time.en} were not judged: the base case has no solution"
        yield "bad", Both(f"{time.zh} 无法判定：基态潮流无解", english)
    unsolved = u.fixed(record["n1"]["failed_by"]["unsolved"])
    if unsolved != "0":
        english = f"no solution after the loss in {unsolved} element-hours"
        yield "bad", Both(f"故障后潮流无解 {unsolved} 元件·小时", english)


def _evidence_lines(record: Row) -> Iterator[tuple[str, Both]]:
    failing = critical_losses(record)
    unsure = sum(row["confidence"] != "published" for row in failing)
    if unsure:
        chinese = f"{len(failing)} 个不满足的故障中 {unsure} 个为推算或假设的元件，结论取决于这些假设"
        english = f"{unsure} of {len(failing)} failing losses are of elements that are derived or assumed"
        yield "warn", Both(chinese, english)


def critical_losses(record: Row) -> list[Row]:
    """Return the single losses that fail at least once, the worst first."""
    return [row for row in record["losses"] if row["hours_failed"] > 0 and row["kind"] != "tower"]


def critical_towers(record: Row) -> list[Row]:
    """Return the losses of common towers that fail at least once, the worst first."""
    return [row for row in record["losses"] if row["hours_failed"] > 0 and row["kind"] == "tower"]


def _rates(record: Row) -> tuple[Both, list[Both], list[list[Both]]]:
    parts = {**record["n1"]["by_kind"], **({"tower": record["n2"]} if record["n2"] else {})}
    rows = [
        [
            KINDS[kind],
            same(u.fixed(rates["elements"])),
            percent(rates["hour_element"]),
            percent(rates["element"]),
            same(u.fixed(rates["pairs_failed"])),
        ]
        for kind, rates in parts.items()
    ]
    heads = [
        Both("故障", "loss of"), Both("元件数", "elements"), Both("通过率（元件×小时）", "passed, element-hours"),
        Both("通过率（元件）", "passed, elements"), Both("不通过 元件·小时", "failed element-hours"),
    ]  # fmt: skip
    return Both("N-1 通过率", "N-1 pass rates"), heads, rows


_CRITICAL_HEADS = (
    Both("故障元件（资料）", "loss (evidence)"), Both("小时", "h"), Both("原因", "why"), Both("最严重", "worst"),
    Both("需调整 MW", "relief MW"),
)  # fmt: skip
_ISLAND_HEADS = (
    Both("故障元件", "loss"), Both("失电母线", "dark buses"), Both("负荷与外送 MW", "load, export MW"),
    Both("电源 MW", "generation MW"),
)  # fmt: skip


def name_of(row: Row) -> Both:
    """Return the id and the name of a loss."""
    return Both(f"{row['name']} {row['name_zh']}", f"{row['name']} {row['name_en']}")


def _critical(row: Row) -> Iterator[Both]:
    name, evidence = name_of(row), CONFIDENCE[row["confidence"]]
    yield Both(f"{name.zh}（{evidence.zh}）", f"{name.en} ({evidence.en})")
    yield same(u.fixed(row["hours_failed"]))
    yield causes_of(row)
    yield worst_of(row)
    yield relief_of(row)


def causes_of(row: Row) -> Both:
    """Return what is broken, with its hours where they differ from those in which the loss fails."""
    parts = []
    for what, hours in row["hours"].items():
        if hours > 0:
            name, time = CAUSES[what], u.hours(hours)
            whole = hours == row["hours_failed"]
            parts.append(name if whole else Both(f"{name.zh} {time.zh}", f"{name.en} {time.en}"))
    return Both("；".join(part.zh for part in parts), "; ".join(part.en for part in parts))


def worst_of(row: Row) -> Both:
    """Return the largest loading with its element and hour when something is overloaded, else the first hour."""
    loading = row["loading"]
    if loading is not None and loading["loading"] > 1.0:
        others = len(row["overloads"]) - 1
        more = Both(f"等{others + 1}个", f" and {others} more") if others else same("")
        value, stamp = percent(loading["loading"]), u.moment(loading["time"])
        chinese = f"{loading['branch']} {value.zh}{more.zh}，{stamp}"
        return Both(chinese, f"{loading['branch']} {value.en}{more.en}, {stamp}")
    return same(u.moment(row["worst_time"]))


def relief_of(row: Row) -> Both:
    """Return the MW of relief; what no relief ends stands behind it."""
    relief = row["relief"]
    if relief is None:
        return same(u.NONE)
    total = u.fixed(relief["total_mw"])
    if relief["left_mw"] < 0.5:
        return same(total)
    left = u.fixed(relief["left_mw"])
    return Both(f"{total}（仍余{left}）", f"{total} ({left} left)")


def _island(row: Row) -> Iterator[Both]:
    yield name_of(row)
    yield same(" ".join(row["dark"]))
    yield same(u.fixed(row["load_lost_mw"]))
    yield same(u.fixed(row["generation_lost_mw"]))


def notes(record: Row) -> Iterator[Both]:
    """Return how the figures are to be read."""
    limits = record["limits"]
    bands = [f"{limits[key]['low_pu']:g}–{limits[key]['high_pu']:g}" for key in ("voltage_500", "voltage_220")]
    yield Both(
        f"事故后限值：导线事故限流（line_types.csv），主变 {limits['trafo_emergency']:g} 倍额定，"
        f"500千伏 {bands[0]}，220千伏 {bands[1]}（标幺）",
        f"Post-fault limits: emergency currents of line_types.csv, transformers {limits['trafo_emergency']:g} × "
        f"rating, {bands[0]} pu at 500 kV, {bands[1]} pu at 220 kV",
    )
    yield Both(
        "机组跳闸的缺额由外部电网各边界节点按权重承担；需调整MW为最大过载时刻、按直流灵敏度的最小降出力或切负荷量，为估算值",
        "A lost unit is replaced at the boundary nodes by their weights. Relief: least MW of generation lowered or "
        "load cut in the hour of the largest loading, by DC sensitivities (an estimate)",
    )
    if limits["generation_may_island"]:
        yield Both(
            "仅失去电源（无负荷）不计为不通过", "Cutting off generation alone is no failure and is counted apart"
        )
