"""The command ``absorb``: sentences a planner can copy, a page that is complete, files that can be read again."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from absorption_cases import day, study_of, sunny_day
from rich.console import Console
from typer.testing import CliRunner

from sim.absorb import FIGURES, PAGE, YEARS, study_folder, write_findings
from sim.absorption.capacity import Answer, Book, Spread, find_capacity
from sim.absorption.frontier import trace
from sim.absorption.study import Findings, Question
from sim.progress import Stages
from sim.report.absorption import (
    all_tables,
    answer_sentence,
    more_sentences,
    reminder,
    render_absorption,
    warnings,
)
from sim.report.absorption_page import all_figures
from simulate import app

QUIET = Stages(quiet=True)


@pytest.fixture(scope="module")
def findings() -> Findings:
    """Both sites of the sunny day by hand, with a frontier and the spread of three years."""
    study = study_of(day(), "weining", "hezhang")
    book = Book(study, sunny_day(study))
    answers = tuple(_spread(find_capacity(book, site, QUIET)) for site in (0, 1))
    line = trace(book, [0.0, 60.0, 120.0], [0.0, 60.0, 120.0], QUIET)
    return Findings(Question(("weining", "hezhang")), study, answers, line)


def _spread(found: Answer) -> Answer:
    return replace(found, spread=Spread((1, 2, 3), (80.0, 85.0, 100.0), 0))


def test_the_answer_as_a_planner_writes_it(findings: Findings):
    # V2 stands at 20 MW: 100 / 0.95 − 20 = 85.26 MW at V1. P10 = 80 + 0.2 · 5, P90 = 85 + 0.8 · 15.
    said = answer_sentence(findings, findings.answers[0])
    assert said.zh == (
        "威宁基地在弃光率≤5%条件下可接纳光伏 8.5万千瓦（P10–P90：8.1–9.7万千瓦，3 个气象年），"
        "约束因素：弃电率上限（供大于求 100 %）。"
    )
    assert said.en == (
        "Weining base can hold 85 MW of PV with PV curtailment ≤ 5 % (P10–P90 81–97 MW, 3 weather years); "
        "limited by the curtailment limit (100 % surplus over what load, export and storage take)."
    )


def test_what_the_answer_delivers(findings: Findings):
    (said,) = more_sentences(findings, findings.answers[0])
    # 105 MW offer 840 MWh, 100 · 8 are taken, V1's part of the 40 MWh left over is the dispatch's choice.
    assert re.search(r"delivers \d+ MWh, [78] h at full load", said.en)
    assert "利用小时" in said.zh


def test_how_much_of_the_network_is_assumed_is_said_first_and_last(findings: Findings):
    assert "100 %" in reminder(findings).en
    console = Console(width=110, record=True, file=io.StringIO())
    render_absorption(findings, "zh", console)
    text = console.export_text()
    assert text.startswith("威宁基地在弃光率≤5%")
    assert "100 % 为假设数据" in text.splitlines()[-1]
    assert "! 场景只含 24小时" in text


def test_doubts_are_said(findings: Findings):
    one = findings.answers[0]
    doubtful = replace(one.found, samples=((0.0, -1.0), (50.0, 1.0), (60.0, -1.0)))
    spread = Spread((1,), (200.0,), 1)
    shaken = replace(findings, answers=(replace(one, found=doubtful, spread=spread), findings.answers[1]))
    said = " ".join(text.en for text in warnings(shaken))
    assert "does not behave monotonically: at 60 MW everything holds again" in said
    assert "In 1 weather years no limit was reached" in said
    assert "monotonically" not in " ".join(text.en for text in warnings(findings))


def test_without_an_answer_the_sentence_says_so(findings: Findings):
    one = findings.answers[0]
    none = replace(one, found=replace(one.found, status="none", holds_mw=None), at=None, reason=None)
    assert "即使装机为零也不满足" in answer_sentence(findings, none).zh
    beyond = replace(one, found=replace(one.found, status="beyond", breaks_mw=None), beyond=())
    assert "keeps PV curtailment ≤ 5 % and security in the whole range" in answer_sentence(findings, beyond).en


def test_tables_and_figures_are_complete(findings: Findings):
    tables = all_tables(findings)
    assert all(table.rows for name, table in tables.items() if name != "absorb_rows")
    for table in tables.values():
        assert all(len(row) == len(table.heads) for row in (*table.rows, *table.foot))
    figures = all_figures(findings)
    assert set(figures) == {"absorb_curve_0", "absorb_curve_1", "absorb_frontier"}
    contour = figures["absorb_frontier"]["data"][0]
    # z is [second × first]: 120 MW at V1 and 0 at V2 curtail (120 − 100) / 120.
    assert contour["z"][0][2] == pytest.approx(100 * 20 / 120, abs=1e-4)
    assert len(contour["z"]) == len(contour["y"]["v"])


def test_files_can_be_read_again(findings: Findings, tmp_path: Path):
    write_findings(findings, tmp_path, "en")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([PAGE, FIGURES, YEARS])
    stored = json.loads((tmp_path / FIGURES).read_text(encoding="utf-8"))
    assert stored["sites"][0]["capacity_mw"] == 85.0
    assert stored["assumed_share_of_network_km"] == 1.0
    with (tmp_path / YEARS).open(encoding="utf-8-sig", newline="") as file:
        years = list(csv.DictReader(file))
    assert {"weining_mw", "hezhang_mw", "rate", "overloaded_h"} <= set(years[0])
    assert len(years) == len({(row["weining_mw"], row["hezhang_mw"]) for row in years})
    page = (tmp_path / PAGE).read_text(encoding="utf-8")
    assert 'data-lang="en"' in page
    assert "http://" not in re.sub(r"http://www\.w3\.org/\S*", "", page.split("<script", maxsplit=1)[0])
    for text in ("威宁基地在弃光率≤5%", "Weining base can hold 85 MW"):
        assert text in page


def test_the_same_question_has_the_same_folder():
    scenario = day()
    one = study_folder(scenario, Question(("weining",), jobs=1), Path("runs"))
    assert one == study_folder(scenario, Question(("weining",), jobs=7), Path("runs"))
    assert one != study_folder(scenario, Question(("hezhang",)), Path("runs"))
    assert one != study_folder(day(limit=0.1), Question(("weining",)), Path("runs"))


# --- the command line ---


def absorb(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["absorb", "tiny", *arguments])


def test_all_wrong_sites_are_named_at_once():
    result = absorb("--site", "wening", "--site", "LINE9")
    assert result.exit_code == 2
    assert 'did you mean "weining"?' in result.output
    assert "LINE9" in result.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--site", "W1"), "use --technology wind"),
        (("--site", "weining", "--site", "V1"), "shares V1 with --site weining"),
        (("--site", "W21", "--technology", "wind"), "not in service in 2025"),
        (("--site", "A", "--site", "B", "--site", "C"), "3 sites were named"),
        (("--technology", "tidal"), "known are pv and wind"),
        (("--site", "YAXI500"), "is in no county of the region"),
        (("--limit", "1.5"), "absorption.limit"),
    ],
)
def test_what_cannot_be_asked_is_explained(arguments: tuple[str, ...], said: str):
    result = absorb(*arguments)
    assert result.exit_code == 2, result.output
    assert said in " ".join(result.output.split())


def test_a_bus_without_pv_gets_a_new_plant(tmp_path: Path):
    result = absorb(
        "--site", "LSH220", "--json", "--quiet", "--out", str(tmp_path),
        "--set", "absorption.resolution_mw=200", "--set", "absorption.samples=3", "--hours", "24",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    (site,) = json.loads(result.stdout)["sites"]
    assert (site["present_mw"], site["shares"]) == (0.0, {"new-pv-LSH220": 1.0})
    assert site["years"][0]["sizes_mw"] == [0.0]
    assert site["years"][0]["sites"][0]["available_gwh"] == 0.0
    assert site["years"][1]["sites"][0]["available_gwh"] > 0.0
    (folder,) = tmp_path.iterdir()
    assert sorted(path.name for path in folder.iterdir()) == sorted([PAGE, FIGURES, YEARS])
