"""The adequacy section of the page: the study kept beside the run, or the command that makes it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from sample_run import OVERLOADED, write_sample

from scenarios.errors import DataError
from sim.reliability.adequacy_files import ADEQUACY_FILE, as_text, write_adequacy
from sim.report.content import Content
from sim.report.page import render, write_report
from sim.report.sections import all_tables
from sim.runs import read_run


def estimate(value: float, error: float | None = 0.5) -> dict[str, float | None]:
    return {"value": value, "standard_error": error}


def place(name: str, eue: float) -> dict[str, Any]:
    labels = {"name": name, "name_zh": f"甲<县>{name}", "name_en": f"<County> {name}"}
    return {**labels, "eue_mwh": estimate(eue), "lolh_h": estimate(eue / 10)}


def study(short: int = 40, **changes: Any) -> dict[str, Any]:
    names = ("lole_days", "lolh_h", "eue_mwh", "neue_ppm", "lolf", "duration_h", "storage_mwh", "export_cut_mwh")
    values = {name: estimate(10.0 + number) for number, name in enumerate(names)}
    where = {
        "buses": [place("B1", 3), place("B2", 9), place("B3", 0)], "counties": [place("C1", 12)],
        "limiting_branches": [{"name": OVERLOADED, "hours_with_shortage": estimate(2.5)}],
    }  # fmt: skip
    simulation = {
        "years": 1000, "years_with_shortage": short, "share_of_years_upper_bound_95": None if short else 0.003,
        **values, "by_place": where,
        "bulk_equivalent": {"note": "", "outage_h": estimate(0.0042), "reliability_percent": 99.99876},
    }  # fmt: skip
    credit: dict[str, Any] = {"group": "wind", "capacity_mw": 6000.0}
    credit |= {
        key: estimate(mw) | {"interval_95": [mw - 9, mw + 9]} for key, mw in (("elcc_mw", 800), ("efc_mw", 850))
    }
    return {
        "system": "sample", "level": "network", "hours": 8760.0, "weather_years": 5, "seed": 1,
        "measures": ["storage", "export"], "rates_not_published": ["line 220 kV (assumed)"], "exact": None,
        "simulation": simulation, "one_node": simulation | {"eue_mwh": estimate(7.0)}, "credits": [credit],
        "plan_targets": {"supply_reliability": {"value": 99.915, "unit": "%", "source": "plan"}}, **changes,
    }  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_sample(tmp_path / "sample")


def section(page: str) -> str:
    found = re.search(r'<section id="adequacy">.*?</section>', page, re.DOTALL)
    assert found
    return found.group()


def test_without_a_study_the_section_names_the_command(folder: Path) -> None:
    content = Content(read_run(folder))
    shown = section(render(content, "en"))
    assert f"python simulate.py adequacy {content.info['scenario']}" in shown
    assert "<table" not in shown


def test_the_study_is_shown(folder: Path) -> None:
    write_adequacy(folder, as_text(study()))
    shown = section(write_report(folder, "zh").read_text(encoding="utf-8"))
    for value in ("40 / 1000", "99.99876%", "0.00420 h", "99.915%", "line 220 kV (assumed)", "ELCC", "2.500"):
        assert value in shown, value
    assert "甲&lt;县&gt;C1" in shown
    assert "甲<县>" not in shown
    assert "0.00300" not in shown


def test_the_tables_hold_the_numbers(folder: Path) -> None:
    write_adequacy(folder, as_text(study()))
    tables = all_tables(Content(read_run(folder)))
    eue = next(row for row in tables["adequacy_indices"].rows if "EUE" in row[0].text.en)
    assert [cell.sort for cell in eue[1:]] == [12.0, 0.5, 7.0]
    assert len(tables["adequacy_indices"].rows) == 8
    assert [row[0].text.en for row in tables["adequacy_buses"].rows] == ["<County> B2", "<County> B1"]
    assert [cell.sort for cell in tables["adequacy_credits"].rows[0][1:]] == [6000.0, 800.0, 791.0, 809.0]


def test_nothing_seen_has_a_bound_and_one_node_no_places(folder: Path) -> None:
    calm = study(short=0, level="copper", one_node=None, exact={"eue_mwh": 0.25}, credits=[])
    calm["simulation"]["by_place"] = None
    write_adequacy(folder, as_text(calm))
    content = Content(read_run(folder))
    shown = section(render(content, "en"))
    assert "0 of 1000 years were short" in shown
    assert "0.00300" in shown
    eue = next(row for row in all_tables(content)["adequacy_indices"].rows if "EUE" in row[0].text.en)
    assert eue[3].sort == 0.25


@pytest.mark.parametrize("text", ["{", '{"format": 99}'])
def test_a_study_that_cannot_be_read_is_named(folder: Path, text: str) -> None:
    (folder / ADEQUACY_FILE).write_text(text)
    with pytest.raises(DataError, match=ADEQUACY_FILE):
        write_report(folder)
