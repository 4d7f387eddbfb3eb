"""What people see of a relief: sentences, table, bars, page and files, in both languages."""

import json
import re

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from sim.absorption.relief import Relief, Step, relief_as_json
from sim.report import relief as shown
from simulate import app

STEPS = (
    Step("coal_minimum", "", "", "", "", (), 28_000.0, 10_500_000.0, 0.0),
    Step("storage", "WUSA220", "乌撒变220kV母线", "Wusa 220", "", (), 2_800.0, 690_000.0, 0.0),
    Step("rating", "T-WUSA-1", "乌撒–乌撒220", "Wusa – Wusa 220", "published", (), 480.0, 46_000.0, 0.0),
    Step("project", "2026", "2026年：A, B", "2026: A, B", "", ("A", "B"), -3.0, -2_700.0, 0.0),
)


@pytest.fixture
def relief():
    return Relief("plan-2025", 336.0, 280_000.0, 2_800_000.0, 3.0e8, STEPS, 29)


def test_the_best_step_is_said_with_its_share(relief):
    base, best = shown.sentences(relief)
    assert base.en == "Base: 280 GWh curtailed (10.0 % of what was available) in 336 h."
    assert best.en == (
        "Most by one step: coal minimum −5 points, which recovers 28.0 GWh (10.0 % of the curtailment) "
        "and saves CNY 10.5 million."
    )
    assert "多消纳 0.280亿千瓦时" in best.zh
    assert "1,050万元" in best.zh


def test_nothing_curtailed_is_said(relief):
    none = Relief("plan-2025", 336.0, 0.0, 0.0, 3.0e8, STEPS[:1], 0)
    assert shown.sentences(none)[1].en == "Nothing is curtailed: there is nothing to recover."


def test_candidates_that_were_not_tried_are_counted(relief):
    assert any("29" in remark.zh for remark in shown.remarks(relief))


def test_table_and_bars_hold_the_figures(relief):
    table = shown.relief_table(relief)
    assert [row[3].sort for row in table.rows] == [28.0, 2.8, 0.48, -0.003]
    assert [row[3].text.en for row in table.rows] == ["28,000", "2,800", "480", "−3"]
    assert table.rows[2][2].text.zh == "公开资料"
    (bars,) = shown.relief_bars(relief)["data"]
    assert bars["x"]["v"][::-1] == pytest.approx([28.0, 2.8, 0.48, -0.003])
    assert bars["y"][-2]["zh"] == "储能：乌撒变220kV母线"


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_page_is_whole_and_loads_nothing(relief, lang):
    page = shown.relief_page(relief, lang)
    assert f'data-lang="{lang}"' in page
    assert not re.search(r"<(?:script|link|img|iframe)[^>]*\s(?:src|href)=\"(?!data:)", page)
    assert "28,000" in page


def test_the_terminal_prints_every_step(relief, capsys):
    shown.render_relief(relief, "en", Console(width=200))
    text = capsys.readouterr().out
    assert all(name in text for name in ("Wusa 220", "Wusa – Wusa 220", "28,000", "published"))


def test_figures_are_json(relief):
    again = json.loads(json.dumps(relief_as_json(relief), allow_nan=False))
    assert np.isclose(again["steps"][0]["recovered_mwh"], 28_000.0)
    assert again["steps"][3]["parts"] == ["A", "B"]


def test_the_command_writes_page_and_figures_and_prints_json(tmp_path):
    asked = ["absorb", "tiny", "--relief", "--most", "1", "--hours", "24", "--start", "2025-03-08"]
    quiet = ["--set", "dispatch.solver=lp", "--out", str(tmp_path), "--json", "--quiet"]
    said = CliRunner().invoke(app, [*asked, *quiet])
    assert said.exit_code == 0, said.output
    figures = json.loads(said.stdout)
    (folder,) = tmp_path.iterdir()
    assert {path.name for path in folder.iterdir()} == {"relief.html", "relief.json"}
    assert json.loads((folder / "relief.json").read_text(encoding="utf-8")) == figures
    kinds = [step["kind"] for step in figures["steps"]]
    assert {"storage", "flexible_load", "project", "coal_minimum", "demand_response", "export_band"} <= set(kinds)
    assert figures["hours"] == 24.0
    # On a day with curtailment, coal that can go lower takes in more of it, and that saves fuel.
    lower = figures["steps"][kinds.index("coal_minimum")]
    assert 0.0 < lower["recovered_mwh"] <= figures["curtailed_mwh"]
    assert lower["saved_cny"] > 0.0
