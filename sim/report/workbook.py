"""A run folder → ``summary.xlsx``: the tables that an engineer pastes into a report.

Numbers are numbers, units stand in the heads (MW and GWh, and 亿千瓦时 where reports use them), heads are in both
languages, the head row and the first column stay in sight. A text that begins like a formula stays a text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter

from sim.report.content import SOURCES, TECHS, USES, Content
from sim.report.phrases import PLAN, reason_text
from sim.report.units import Both
from sim.report.words import word
from sim.runs import read_run

WORKBOOK_FILE = "summary.xlsx"
GWH_PER_YI_KWH = 100.0
HEAD_FILL = PatternFill("solid", fgColor="DCE6F0")
RULE = Border(bottom=Side(style="thin", color="9AA7B1"))
FORMATS = {
    "text": "@",
    "count": "#,##0",
    "energy": "#,##0.00",
    "power": "#,##0.0",
    "share": "0.00%",
    "pu": "0.0000",
    "any": "General",
}
WIDEST = 46.0
NARROWEST = 11.0

Value = str | float | int | None


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a sheet: its head in both languages, its unit, and how its numbers are written."""

    head: Both
    unit: str = ""
    kind: str = "text"

    @property
    def title(self) -> str:
        """The head as it stands in the sheet."""
        names = self.head.zh if self.head.zh == self.head.en else f"{self.head.zh}\n{self.head.en}"
        return f"{names}\n({self.unit})" if self.unit else names


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet: its title, its columns and its rows of plain values."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]


def write_workbook(folder: Path) -> Path:
    """Write ``summary.xlsx`` into a run folder and return its path; raises ``DataError`` for no run folder."""
    content = Content(read_run(folder))
    makers: tuple[Callable[[Content], Sheet], ...] = (
        balance, months, curtailment, causes, loading, voltage, indicators
    )  # fmt: skip
    return save(folder / WORKBOOK_FILE, [make(content) for make in makers])


def save(path: Path, sheets: Iterable[Sheet]) -> Path:
    """Write sheets as a workbook and return its path."""
    book = Workbook(write_only=True)
    for sheet in sheets:
        _write_sheet(book, sheet)
    book.save(path)
    return path


def _write_sheet(book: Workbook, sheet: Sheet) -> None:
    page = book.create_sheet(sheet.title)
    page.freeze_panes = "B2"
    page.sheet_view.zoomScale = 110
    for position, width in enumerate(_widths(sheet), start=1):
        page.column_dimensions[get_column_letter(position)].width = width
    page.auto_filter.ref = f"A1:{get_column_letter(len(sheet.columns))}{len(sheet.rows) + 1}"
    page.row_dimensions[1].height = 48
    page.append([_head(page, column) for column in sheet.columns])
    for row in sheet.rows:
        page.append([_cell(page, value, column) for value, column in zip(row, sheet.columns, strict=True)])


def _widths(sheet: Sheet) -> list[float]:
    """Return widths that fit the longest text of each column; Chinese characters take two places."""
    widths = []
    for position, column in enumerate(sheet.columns):
        texts = column.title.split("\n") + [row[position] for row in sheet.rows if isinstance(row[position], str)]
        longest = max(sum(2 if ord(char) > 0x2E7F else 1 for char in str(text)) for text in texts)
        widths.append(min(WIDEST, max(NARROWEST, longest + 2.0)))
    return widths


def _head(page: Any, column: Column) -> WriteOnlyCell:
    cell = WriteOnlyCell(page, column.title)
    cell.font, cell.fill, cell.border = Font(bold=True), HEAD_FILL, RULE
    cell.alignment = Alignment(wrap_text=True, vertical="center", horizontal="center")
    return cell


def _cell(page: Any, value: Value, column: Column) -> WriteOnlyCell:
    cell = WriteOnlyCell(page, ILLEGAL_CHARACTERS_RE.sub("", value) if isinstance(value, str) else value)
    if isinstance(value, str):
        cell.data_type = "s"
        cell.alignment = Alignment(vertical="top")
    else:
        cell.number_format = FORMATS[column.kind]
    return cell


def _both(text: Both) -> str:
    return text.zh if text.zh == text.en else f"{text.zh} {text.en}"


def _text(key: str) -> Column:
    return Column(word(key))


# --- sheets -----------------------------------------------------------------------------------------------------


def balance(content: Content) -> Sheet:
    """Return sources and uses of the whole period; both sums are equal."""
    totals = content.monthly_gwh.sum()
    columns = (
        _text("side"), _text("what"), Column(word("energy"), "GWh", "energy"),
        Column(word("energy"), "亿千瓦时", "energy"), Column(word("share"), "%", "share"),
    )  # fmt: skip
    rows: list[tuple[Value, ...]] = []
    for side, kinds in (("sources", SOURCES), ("uses", USES)):
        whole = float(totals[list(kinds)].sum())
        parts = [(f"kind_{kind}", float(totals[kind])) for kind in kinds] + [("sum", whole)]
        for key, value in parts:
            share = value / whole if whole else None
            rows.append((_both(word(side)), _both(word(key)), value, value / GWH_PER_YI_KWH, share))
    return Sheet("平衡表", columns, tuple(rows))


def months(content: Content) -> Sheet:
    """Energy by month and kind, GWh, with the sum of the period."""
    monthly = content.monthly_gwh
    available = content.monthly_available_gwh
    table = monthly.assign(**{f"{tech}_available": available[f"{tech}_available_mw"] for tech in ("pv", "wind")})
    table.loc["合计 Sum"] = table.sum()
    heads = {f"{tech}_available": word(f"available_{tech}") for tech in ("pv", "wind")}
    columns = [Column(heads.get(str(kind)) or word(f"kind_{kind}"), "GWh", "energy") for kind in table.columns]
    rows: list[tuple[Value, ...]] = [(str(month), *map(float, row)) for month, row in table.iterrows()]
    return Sheet("月度电量", (_text("month"), *columns), tuple(rows))


def curtailment(content: Content) -> Sheet:
    """Available, accepted and curtailed energy: total, technologies, counties, plants."""
    columns = (
        _text("level"), _text("name"), _text("technology"), Column(word("capacity"), "MW", "power"),
        Column(word("available"), "GWh", "energy"), Column(word("accepted"), "GWh", "energy"),
        Column(word("curtailed"), "GWh", "energy"), Column(word("curtailment_rate"), "%", "share"),
        Column(word("full_load_hours"), "h", "count"),
    )  # fmt: skip
    return Sheet("弃电统计", columns, (*_region_rows(content), *_county_rows(content), *_plant_rows(content)))


def _absorption(
    names: Sequence[Both], capacity_mw: float, part: Mapping[str, Any], hours: float | None
) -> tuple[Value, ...]:
    accepted = part["available_gwh"] - part["gwh"]
    return (*map(_both, names), capacity_mw, part["available_gwh"], accepted, part["gwh"], part["rate"], hours)


def _region_rows(content: Content) -> list[tuple[Value, ...]]:
    parts, hours = content.metrics["curtailment"], content.metrics["utilisation"]["full_load_hours"]["by_tech"]
    return [
        _absorption(
            (word("region"), word("region"), word("sum" if tech == "total" else f"kind_{tech}")),
            content.capacity_mw("pv", "wind") if tech == "total" else content.capacity_mw(tech),
            parts[tech],
            hours.get(tech),
        )
        for tech in ("total", "pv", "wind")
    ]


def _county_rows(content: Content) -> list[tuple[Value, ...]]:
    hours = content.metrics["utilisation"]["full_load_hours"]["by_county"]
    return [
        _absorption(
            (word("county"), content.county_name(county), word(f"kind_{tech}")),
            content.capacity_mw(tech, county=county),
            parts[tech],
            hours[county][tech],
        )
        for county, parts in content.metrics["curtailment"]["by_county"].items()
        for tech in ("pv", "wind")
        if content.capacity_mw(tech, county=county) > 0
    ]


def _plant_rows(content: Content) -> list[tuple[Value, ...]]:
    hours = content.metrics["utilisation"]["full_load_hours"]["by_plant"]
    plants = content.static["plants"]
    return [
        _absorption(
            (word("plant"), content.name_of(plants[name], name), word(f"kind_{plants[name]['tech']}")),
            plants[name]["capacity_mw"],
            part,
            hours[name],
        )
        for name, part in content.metrics["curtailment"]["by_plant"].items()
    ]


def causes(content: Content) -> Sheet:
    """Curtailed energy by cause: the region, technologies, months, counties, plants."""
    lost = content.metrics["curtailment"]
    operated = [cause for cause, part in lost["by_cause"].items() if part["operated"]]
    parts, plants = lost["causes"], content.static["plants"]
    groups: list[tuple[str, Both, Mapping[str, float]]] = [
        ("region", word("sum"), {cause: lost["by_cause"][cause]["gwh"] for cause in operated}),
        *(("technology", word(f"kind_{tech}"), part) for tech, part in parts["by_tech"].items()),
        *(("month", Both(month, month), part) for month, part in parts["by_month"].items()),
        *(("county", content.county_name(county), part) for county, part in parts["by_county"].items()),
        *(("plant", content.name_of(plants[name], name), part) for name, part in parts["by_plant"].items()),
    ]
    columns = (
        _text("level"), _text("name"), Column(word("curtailed"), "GWh", "energy"),
        *(Column(word(f"cause_{cause}"), "GWh", "energy") for cause in operated),
    )  # fmt: skip
    rows = [
        (_both(word(level)), _both(name), sum(part.values()), *(part[cause] for cause in operated))
        for level, name, part in groups
    ]
    return Sheet("弃电原因", columns, tuple(rows))


def loading(content: Content) -> Sheet:
    """Lines and transformers, the most loaded first."""
    columns = (
        _text("id"), _text("element"), Column(word("voltage_level"), "kV", "count"), _text("confidence"),
        Column(word("loading_max"), "%", "share"), Column(word("loading_p99"), "%", "share"),
        Column(word("loading_mean"), "%", "share"), Column(word("overloaded_hours"), "h", "count"),
        _text("time_of_max"),
    )  # fmt: skip
    by_branch = content.metrics["network"]["loading"]["by_branch"]
    rows = []
    for name in sorted(by_branch, key=lambda key: -(by_branch[key]["max"] or 0.0)):
        figures = by_branch[name]
        confidence = content.static["branches"][name].get("confidence", "assumed")
        known = (figures["max"], figures["p99"], figures["mean"], figures["overloaded_hours"])
        time = (figures["time_of_max"] or "")[:16].replace("T", " ")
        title = _both(content.branch_name(name))
        rows.append((name, title, content.branch_kv(name), _both(word(f"confidence_{confidence}")), *known, time))
    return Sheet("设备重载", columns, tuple(rows))


def voltage(content: Content) -> Sheet:
    """Return the voltage of every bus that is judged."""
    columns = (
        _text("id"), _text("bus"), Column(word("voltage_level"), "kV", "count"), _text("county"),
        Column(word("lower_limit"), "pu", "pu"), Column(word("upper_limit"), "pu", "pu"),
        Column(word("voltage_min"), "pu", "pu"), Column(word("voltage_max"), "pu", "pu"),
        Column(word("too_low"), "h", "count"), Column(word("too_high"), "h", "count"),
        Column(word("compliance"), "%", "share"),
    )  # fmt: skip
    rows = []
    for name, figures in content.metrics["network"]["voltage"]["by_bus"].items():
        bus = content.static["buses"][name]
        place = (_both(content.bus_name(name)), bus["vn_kv"], _both(content.county_name(bus.get("county", ""))))
        values = (figures[key] for key in ("min_pu", "max_pu", "low_hours", "high_hours", "rate"))
        rows.append((name, *place, bus["low_pu"], bus["high_pu"], *values))
    return Sheet("电压", columns, tuple(rows))


def indicators(content: Content) -> Sheet:
    """Headline figures of the run, then every plan target."""
    columns = (
        _text("what"), Column(word("value"), "", "any"), _text("unit"), Column(word("plan_target"), "", "any"),
        _text("plan_verdict"), _text("plan_reason"), _text("source"),
    )  # fmt: skip
    rows: list[tuple[Value, ...]] = [
        (name, value, unit, None, None, None, None) for name, value, unit in _headline(content)
    ]
    verdicts = {True: "plan_met", False: "plan_missed", None: "plan_not_judged"}
    for row in content.metrics["plan"]:
        name = f"{PLAN.get(row['key'], row['wording'])} {row['quantity']} ({row['region']})"
        quote = f"{row['source']}：{row['wording']}"
        verdict, reason = _both(word(verdicts[row["met"]])), _both(reason_text(row["reason"]))
        rows.append((name, row["value"], row["unit"], row["target"], verdict, reason, quote))
    return Sheet("指标", columns, tuple(rows))


def _headline(content: Content) -> list[tuple[str, Value, str]]:
    metrics = content.metrics
    energy, parts, network = metrics["energy_gwh"], metrics["curtailment"], metrics["network"]
    generation = [(f"kind_{tech}", energy["generation"][tech], "GWh") for tech in TECHS]
    figures: list[tuple[str, Value, str]] = [
        *generation,
        ("kind_load", energy["load"], "GWh"),
        ("kind_export", energy["export"], "GWh"),
        ("tile_absorbed", parts["total"]["available_gwh"] - parts["total"]["gwh"], "GWh"),
        ("kind_curtailed", parts["total"]["gwh"], "GWh"),
        ("rate_pv", parts["pv"]["rate"], "1"),
        ("rate_wind", parts["wind"]["rate"], "1"),
        ("tile_unserved", metrics["reliability"]["eens_mwh"], "MWh"),
        ("hours_solved", network["hours_solved"], "h"),
        ("hours_failed", network["hours_failed"], "h"),
        ("tile_loading", network["loading"]["max"], "1"),
        ("tile_voltage", network["voltage"]["rate"], "1"),
        ("losses_gwh", network["losses"]["gwh"], "GWh"),
        ("cost_operating", metrics["cost"]["operating_cny"], "CNY"),
        ("cost_total", metrics["cost"]["total_cny"], "CNY"),
        ("co2_total", metrics["emissions"]["co2_t"], "t"),
    ]
    return [(_both(word(key)), value, unit) for key, value, unit in figures]
