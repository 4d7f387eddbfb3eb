"""The security section of the page: the study beside the run, or the command that makes it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from sample_run import OVERLOADED, write_sample

from scenarios.errors import DataError
from sim.reliability.security_files import SECURITY_FILE
from sim.report.content import Content
from sim.report.findings import findings
from sim.report.page import render, write_report
from sim.report.sections import all_figures, all_tables
from sim.runs import read_run


def rates(**changes: Any) -> dict[str, Any]:
    failed_by = dict.fromkeys(
        ("overload", "low_voltage", "high_voltage", "load_lost", "generation_lost", "unsolved"), 0.0
    )
    return {
        "elements": 4.0, "pairs": 288.0, "pairs_failed": 3.0, "hour_element": 0.98765, "element": 0.75,
        "hour": 0.9583, "failed_by": failed_by | {"overload": 3.0}, **changes,
    }  # fmt: skip


def loss(name: str, kind: str, hours_failed: float, **changes: Any) -> dict[str, Any]:
    hours = dict.fromkeys(
        ("overload", "low_voltage", "high_voltage", "load_lost", "generation_lost", "unsolved"), 0.0
    )
    return {
        "name": name, "name_zh": f"甲<站>{name}", "name_en": f"<Station> {name}", "kind": kind, "elements": [name],
        "of": 2, "confidence": "assumed", "hours_judged": 72.0, "hours_failed": hours_failed,
        "hours": hours | {"overload": hours_failed}, "worst_time": "2025-04-11T13:00:00+08:00",
        "loading": {"loading": 1.2345, "time": "2025-04-11T13:00:00+08:00", "branch": OVERLOADED},
        "low": {"vm_pu": 0.9876, "time": "2025-04-11T13:00:00+08:00", "bus": "WN220"}, "high": None,
        "overloads": [{"branch": OVERLOADED, "hours": hours_failed, "loading": 1.2345}], "dark": [],
        "load_lost_mw": 0.0, "generation_lost_mw": 0.0,
        "relief": {"total_mw": 61.0, "lowered_mw": 61.0, "cut_mw": 0.0, "left_mw": 0.0}, **changes,
    }  # fmt: skip


def study(towers: bool = True) -> dict[str, Any]:
    fine: dict[str, Any] = {"worst_time": None, "relief": None, "overloads": []}
    losses = [loss("X 1/2", "line", 3.0), loss("Y", "trafo", 0.0, **fine)]
    pair = loss("Z", "tower", 72.0, dark=["WN220"], load_lost_mw=180.0, loading=None, relief=None, overloads=[])
    return {
        "format": 1, "scenario": "sample", "hours": 72.0, "hours_unsolved": 1.0,
        "limits": {
            "voltage_500": {"low_pu": 0.9, "high_pu": 1.1}, "voltage_220": {"low_pu": 0.95, "high_pu": 1.1},
            "trafo_emergency": 1.3, "unit_mw": 300.0, "generation_may_island": True,
        },
        "base": loss("N-0", "line", 0.0, **fine),
        "n1": rates() | {"by_kind": {kind: rates() for kind in ("line", "trafo", "unit")}},
        "n2": rates() if towers else None, "by_month": {"2025-04": 3.0}, "losses": [*losses, pair],
    }  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_sample(tmp_path / "sample")


def section(page: str) -> str:
    found = re.search(r'<section id="security">.*?</section>', page, re.DOTALL)
    assert found
    return found.group()


def test_without_a_study_the_section_names_the_command(folder: Path) -> None:
    content = Content(read_run(folder))
    shown = section(render(content, "en"))
    assert f"python simulate.py secure {content.info['scenario']}" in shown
    assert "<table" not in shown


def test_the_study_is_shown(folder: Path) -> None:
    (folder / SECURITY_FILE).write_text(json.dumps(study()))
    shown = section(write_report(folder, "zh").read_text(encoding="utf-8"))
    for value in ("98.8%", "75.0%", "95.8%", "2025-04-11 13:00", "123.45", "0.9876"):
        assert value in shown, value
    assert "甲&lt;站&gt;X 1/2" in shown and "&lt;Station&gt; X 1/2" in shown
    assert "甲<站>" not in shown
    assert "simulate.py secure" not in shown


def test_tables_rank_what_fails_single_losses_and_towers_apart(folder: Path) -> None:
    (folder / SECURITY_FILE).write_text(json.dumps(study()))
    content = Content(read_run(folder))
    tables = all_tables(content)
    assert [row[1].text.en for row in tables["security_losses"].rows] == ["X 1/2"]
    assert [row[1].text.en for row in tables["security_towers"].rows] == ["Z"]
    assert [(row[3].text.en, row[4].sort) for row in tables["security_overloads"].rows] == [(OVERLOADED, 3.0)]
    assert [(row[1].text.en, row[4].sort) for row in tables["security_islands"].rows] == [("Z", 180.0)]
    bars = all_figures(content)["security_losses"]["data"][0]
    assert bars["x"] == [3.0]
    assert all_figures(content)["security_months"]["data"][0]["y"] == [3.0]


def test_failing_losses_are_among_the_findings(folder: Path) -> None:
    assert not [found for found in findings(Content(read_run(folder))) if found.section == "security"]
    (folder / SECURITY_FILE).write_text(json.dumps(study()))
    (found,) = (found for found in findings(Content(read_run(folder))) if found.section == "security")
    assert found.level == "bad"
    assert found.text.en == "Single losses that the grid does not stand (N-1): 1; most often <Station> X 1/2 (3 h)."


def test_a_study_that_cannot_be_read_is_named(folder: Path) -> None:
    (folder / SECURITY_FILE).write_text("{")
    with pytest.raises(DataError, match=SECURITY_FILE):
        write_report(folder)
