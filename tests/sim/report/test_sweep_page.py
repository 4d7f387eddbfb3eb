"""The page of a sweep: what is drawn over what, medians and spreads by hand, every case and failure in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import pytest
from test_page import filled

from sim.report.sweep import METRICS, MOST_LINES, _figure, _lay_out, render_sweep, write_sweep_page

SEEDS = (1, 2, 3)
PV, COAL = (1.0, 2.0), (0.5, 0.3)
RATE = METRICS[0]


def info_of(*axes: tuple[tuple[str, ...], list[tuple[Any, ...]]]) -> dict[str, Any]:
    return {
        "title_en": "More PV",
        "title_zh": "更多光伏",
        "description": "",
        "base": "tiny",
        "axes": [{"keys": list(keys), "rows": rows} for keys, rows in axes],
    }


def frame_of(rows: list[dict[str, Any]]) -> pd.DataFrame:
    plain = {"status": "done", "run": "tiny-0a1b2c3d", "message": ""} | {metric.column: 0.5 for metric in METRICS}
    return pd.DataFrame([plain | {"case": number} | row for number, row in enumerate(rows, start=1)])


@pytest.fixture
def grid() -> tuple[pd.DataFrame, dict[str, Any]]:
    """PV × coal minimum × three years; the rate is pv / 10 + coal / 100 + seed / 1000. One case failed."""
    rows = [
        {
            "scale.pv": pv,
            "coal.minimum_pu": coal,
            "weather.seed": seed,
            "curtailment.total.rate": pv / 10 + coal / 100 + seed / 1000,
        }
        for pv in PV
        for coal in COAL
        for seed in SEEDS
    ]
    frame = frame_of(rows)
    frame.loc[frame["case"] == 12, ["status", "run", "message"]] = ["failed", "", "<b>out of luck</b>"]
    frame.loc[frame["case"] == 12, [metric.column for metric in METRICS]] = float("nan")
    axes = [(key,) for key in PV], [(key,) for key in COAL], [(key,) for key in SEEDS]
    keys = (("scale.pv",), ("coal.minimum_pu",), ("weather.seed",))
    return frame, info_of(*zip(keys, axes, strict=True))


def test_lines_are_medians_and_bars_reach_from_p10_to_p90(grid: tuple[pd.DataFrame, dict[str, Any]]):
    """At pv = 1 and coal = 0.5 the years give 10.6, 10.7, 10.8 %: P10 = 10.62, P90 = 10.78 (linear between).

    At pv = 2 and coal = 0.3 the third year failed: 20.4 and 20.5 % are left, median 20.45 %.
    """
    frame, info = grid
    done = frame[frame["status"] == "done"]
    layout = _lay_out(done, info)
    assert (layout.over, layout.by, layout.years) == (("scale.pv",), ("coal.minimum_pu",), True)
    high, low = _figure(done, RATE, layout)["data"]
    assert (high["name"]["en"], low["name"]["en"]) == ("coal.minimum_pu = 0.5", "coal.minimum_pu = 0.3")
    assert high["x"] == low["x"] == [1.0, 2.0]
    assert high["y"]["v"] == pytest.approx([10.7, 20.7])
    assert low["y"]["v"] == pytest.approx([10.5, 20.45])
    assert high["error_y"]["array"]["v"][0] == pytest.approx(0.08)
    assert high["error_y"]["arrayminus"]["v"][0] == pytest.approx(0.08)


def test_weather_years_alone_are_points_and_no_axis_at_all_is_one_point():
    rows = [{"weather.seed": seed, "curtailment.total.rate": seed / 100} for seed in (3, 1, 2)]
    years = info_of((("weather.seed",), [(3,), (1,), (2,)]))
    frame = frame_of(rows)
    (trace,) = _figure(frame, RATE, _lay_out(frame, years))["data"]
    assert (trace["x"], trace["y"]["v"]) == ([1, 2, 3], pytest.approx([1.0, 2.0, 3.0]))
    assert "error_y" not in trace
    (trace,) = _figure(frame[:1], RATE, _lay_out(frame[:1], info_of()))["data"]
    assert trace["y"]["v"] == pytest.approx([3.0])


def test_a_list_is_an_axis_of_names_in_the_order_of_the_file():
    rows = [{"scale.wind": wind, "export.band": band} for wind, band in ((1.2, 0.2), (1.0, 0.1))]
    info = info_of((("scale.wind", "export.band"), [(1.2, 0.2), (1.0, 0.1)]))
    frame = frame_of(rows)
    (trace,) = _figure(frame, RATE, _lay_out(frame, info))["data"]
    assert trace["x"] == ["scale.wind = 1.2, export.band = 0.2", "scale.wind = 1, export.band = 0.1"]


def test_too_many_lines_are_left_out_and_that_is_said():
    many = [{"scale.pv": pv, "scale.load": load / 10} for pv in range(40) for load in range(MOST_LINES + 1)]
    info = info_of(
        (("scale.pv",), [(pv,) for pv in range(40)]),
        (("scale.load",), [(load / 10,) for load in range(MOST_LINES + 1)]),
    )
    frame = frame_of(many)
    layout = _lay_out(frame, info)
    assert (len(layout.lines), layout.count) == (MOST_LINES, MOST_LINES + 1)
    assert f"the first {MOST_LINES} of {MOST_LINES + 1} lines" in render_sweep(frame, info, "en")


def test_figures_are_valid_plotly(grid: tuple[pd.DataFrame, dict[str, Any]]):
    frame, info = grid
    done = frame[frame["status"] == "done"]
    for metric in METRICS:
        spec = _figure(done, metric, _lay_out(done, info))
        for lang in ("zh", "en"):
            go.Figure(filled({"data": spec["data"], "layout": spec["layout"]}, lang))


def test_the_page_has_every_case_and_why_one_failed(grid: tuple[pd.DataFrame, dict[str, Any]], tmp_path: Path):
    frame, info = grid
    write_sweep_page(frame, info, tmp_path / "sweep.html", "zh")
    page = (tmp_path / "sweep.html").read_text(encoding="utf-8")
    assert page.count(">tiny-0a1b2c3d<") == 11
    assert "&lt;b&gt;out of luck&lt;/b&gt;" in page and "<b>out of luck" not in page
    assert "更多光伏" in page and "More PV" in page
    assert page == render_sweep(frame, info, "zh")


def test_a_sweep_of_failures_only_has_a_page_without_figures(grid: tuple[pd.DataFrame, dict[str, Any]]):
    frame, info = grid
    page = render_sweep(frame.assign(status="failed", run="", message="no luck"), info, "en")
    assert "No case succeeded" in page
    assert 'class="plot"' not in page
