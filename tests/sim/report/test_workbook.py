"""The workbook: numbers are numbers and those of run.json, heads in both languages, nothing becomes a formula."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sample_run import NASTY, write_sample

from sim.report.units import Both, same
from sim.report.workbook import Column, Sheet, save, write_workbook

SHEETS = ["平衡表", "月度电量", "弃电统计", "弃电原因", "设备重载", "电压", "指标"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sample(tmp_path_factory.mktemp("runs") / "sample", days=40, nasty=True)


@pytest.fixture(scope="module")
def book(folder: Path) -> Any:
    return openpyxl.load_workbook(write_workbook(folder))


@pytest.fixture(scope="module")
def metrics(folder: Path) -> Any:
    return json.loads((folder / "run.json").read_text(encoding="utf-8"))["metrics"]


def rows(sheet: Any) -> list[tuple[Any, ...]]:
    return list(sheet.iter_rows(min_row=2, values_only=True))


def test_sheets_are_there_frozen_and_headed_in_both_languages(book: Any) -> None:
    assert book.sheetnames == SHEETS
    for sheet in book:
        assert sheet.freeze_panes == "B2"
        heads = [cell.value for cell in sheet[1]]
        assert any("\n" in head for head in heads)
        assert sheet.auto_filter.ref.startswith("A1:")


def test_balance_adds_up_and_is_that_of_the_run(book: Any, metrics: Any) -> None:
    table = rows(book["平衡表"])
    sums = [row for row in table if row[1] == "合计 Sum"]
    assert sums[0][2] == pytest.approx(sums[1][2], rel=1e-9)  # sources = uses
    coal = next(row for row in table if row[1] == "煤电 Coal")
    assert coal[2] == pytest.approx(metrics["energy_gwh"]["generation"]["coal"], rel=1e-9)
    assert coal[3] == pytest.approx(coal[2] / 100)  # 1 亿千瓦时 = 100 GWh


def test_months_add_up(book: Any, metrics: Any) -> None:
    table = rows(book["月度电量"])
    heads = [cell.value for cell in book["月度电量"][1]]
    pv = next(k for k, head in enumerate(heads) if head.startswith("光伏\n"))
    assert [row[0] for row in table] == ["2025-01", "2025-02", "合计 Sum"]
    assert table[-1][pv] == pytest.approx(table[0][pv] + table[1][pv])
    assert table[0][pv] == pytest.approx(metrics["energy_gwh"]["by_month"]["2025-01"]["pv"], rel=1e-9)


def test_curtailment_and_elements_are_those_of_the_run(book: Any, metrics: Any) -> None:
    total = rows(book["弃电统计"])[0]
    assert total[6] == metrics["curtailment"]["total"]["gwh"]
    loading = rows(book["设备重载"])
    assert loading[0][4] == max(row["max"] for row in metrics["network"]["loading"]["by_branch"].values())
    assert [row[4] for row in loading] == sorted((row[4] for row in loading), reverse=True)
    voltage = {row[0]: row for row in rows(book["电压"])}
    assert voltage["WN220"][8] == metrics["network"]["voltage"]["by_bus"]["WN220"]["low_hours"]


def test_causes_add_up_on_every_level(book: Any, metrics: Any) -> None:
    total = metrics["curtailment"]["total"]["gwh"]
    by_level: dict[str, float] = {}
    for level, _, whole, *parts in rows(book["弃电原因"]):
        assert sum(parts) == pytest.approx(whole)
        by_level[level] = by_level.get(level, 0.0) + whole
    assert len(by_level) == 5
    assert list(by_level.values()) == pytest.approx([total] * 5)


def test_indicators_hold_every_plan_target(book: Any, metrics: Any) -> None:
    table = rows(book["指标"])
    assert sum(row[4] is not None for row in table) == len(metrics["plan"])
    unserved = next(row for row in table if row[0].startswith("失负荷电量"))
    assert unserved[1:3] == (42, "MWh")


def test_numbers_are_numbers(book: Any) -> None:
    for title, first in (("平衡表", 2), ("月度电量", 1), ("设备重载", 4), ("电压", 4)):
        for row in rows(book[title]):
            values = [value for value in row[first : first + 2] if value is not None]
            assert all(isinstance(value, int | float) for value in values), (title, row)


def test_a_text_like_a_formula_stays_text(tmp_path: Path) -> None:
    sheet = Sheet("名称", (Column(Both("名称", "Name")), Column(same("n"), "h", "count")), (("=1+1\x07", 2),))
    page = openpyxl.load_workbook(save(tmp_path / "book.xlsx", [sheet]))["名称"]
    assert (page["A2"].value, page["A2"].data_type) == ("=1+1", "s")
    assert page["B1"].value == "n\n(h)"


def test_strange_names_survive(book: Any) -> None:
    assert any(NASTY in str(value) for row in rows(book["设备重载"]) for value in row)
