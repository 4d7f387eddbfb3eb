"""What the terminal shows: what is wrong comes first, in both languages, plain and narrow on a pipe."""

import io
import json
import unicodedata

import pytest
from rich.console import Console
from tiny_outcome import outcome

from sim.metrics import summarise
from sim.report.terminal import headline, render
from sim.runs import run_info


@pytest.fixture(scope="module")
def run():
    metrics = json.loads(json.dumps(summarise(outcome())))
    return metrics, json.loads(json.dumps(run_info(outcome(), metrics, "0123abcd")))


def shown(run, lang, **how):
    metrics, info = run
    out = io.StringIO()
    render(metrics, info, lang=lang, console=Console(file=out, **how))
    return out.getvalue()


def test_what_is_wrong_comes_first(run):
    levels = [level for level, _ in headline(*run)]
    assert levels == sorted(levels, key=("bad", "warn", "good").index)
    texts = " | ".join(text.en for level, text in headline(*run) if level == "bad")
    for wrong in (
        "no power-flow solution in 1 h (3 h solved)",
        "2 elements overloaded in 1 h, up to 122",
        "voltages outside limits in 1 h (bus hours: 1 h low, 0 h high)",
        "3.00 MWh not served in 1 h",
        "coal below its technical minimum in 1 h, by 7.00 MWh",
    ):
        assert wrong in texts


def test_repairs_are_told(run):
    assert any("1 weather repairs (74 values)" in text.en for level, text in headline(*run) if level == "warn")


def test_a_sound_run_has_nothing_bad(run):
    metrics, info = json.loads(json.dumps(run))
    metrics["network"] |= {"hours_failed": 0, "hours_solved": 4}
    metrics["network"]["loading"]["overloaded_branches"] = 0
    metrics["network"]["voltage"]["hours_with_violation"] = 0
    metrics["reliability"] |= {"eens_mwh": 0.0, "coal_below_minimum_mwh": 0.0}
    assert "bad" not in {level for level, _ in headline(metrics, info)}
    assert any("power flow solved in all 4 h" in text.en for _, text in headline(metrics, info))


def test_the_network_that_is_assumed_is_told(run):
    metrics, info = json.loads(json.dumps(run))
    info["network"]["evidence"] = [{"what": "circuit km", "published": 15.0, "derived": 15.0, "assumed": 30.0}]
    info["network"]["sizing_changes"] = [{}, {}]
    texts = [text.en for level, text in headline(metrics, info) if level == "warn"]
    assert "circuit km of lines: 25.0 % published, 25.0 % derived, 50.0 % assumed" in texts
    assert "2 assumed lines were enlarged by the sizing rule" in texts


def test_the_certificate_and_planned_overloads_are_told(run):
    metrics, info = json.loads(json.dumps(run))
    row = {"row": "L", "hours_at_limit": 3.0, "hours_above": 2.0, "above_mwh": 50.0, "worst_mw": 30.0}
    info["dispatch"]["rows_at_limit"] = [row, row | {"hours_above": 0.0, "above_mwh": 0.0}]
    lines = {text.en: level for level, text in headline(metrics, info)}
    # 101 against 100 CNY, 15 against 14 of 145 MWh available.
    told = "cost 1.0000% above the exact optimum of the whole span, curtailed 0.6897% of what was available"
    assert lines[told] == "good"
    assert lines["the dispatch plans 1 network row above the limit, by 50.0 MWh"] == "bad"


def test_figures_in_english(run):
    text = shown(run, "en", width=100)
    assert "25.0 %" in text  # PV: 10 of 40 MWh curtailed
    assert "L 乙站–丙站 (assumed)" in text
    assert "C220 丙站 Station C220" in text
    assert "66.7 %" in text  # C220 outside its limits in one of three hours
    assert "2025-04-10 02:00" in text
    assert "Plan targets: 1 of" in text
    assert "wind capacity" in text


def test_figures_in_chinese(run):
    text = shown(run, "zh", width=100)
    for words in ("潮流未收敛 1小时", "失负荷 0.300万千瓦时", "电压合格率", "规划目标", "万千瓦", "风电"):
        assert words in text


def test_causes_are_told_the_largest_first(run):
    text = " ".join(shown(run, "en", width=200).split())
    assert (
        "Curtailed because of: inflexible coal 8.00 MWh (53.3 %); surplus 6.00 MWh (40.0 %); "
        "network limits 1.00 MWh (6.67 %)"
    ) in text
    assert "弃电原因：调节能力不足" in shown(run, "zh", width=200)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_pipe_gets_plain_narrow_lines(run, lang):
    text = shown(run, lang, width=200)
    assert not set(text) & set("─│┌┐└┘━┃╭╮╰╯\x1b")
    assert max(map(columns, text.splitlines())) <= 100


def columns(line: str) -> int:
    """Return the width of a line on a terminal: Chinese characters take two columns."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in line.rstrip())
