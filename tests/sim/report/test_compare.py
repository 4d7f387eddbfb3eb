"""Comparing runs: differences by hand, the largest first; waterfalls that arrive where the other run is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import pytest
from sample_run import write_sample
from test_page import filled

from scenarios.errors import DataError, ScenarioError
from sim.report.compare import Comparison, _contents, _figures, compare, rich_table, write_comparison


def doctored(folder: Path, copy: Path) -> Path:
    """Return a copy of a run in which PV curtailment of Weining grew by 2 GWh and coal cost fell by 10 m CNY."""
    shutil.copytree(folder, copy)
    info = json.loads((copy / "run.json").read_text(encoding="utf-8"))
    info["run_hash"] = "ffff0000"
    info["settings"]["scale"]["pv"] = 1.5
    metrics = info["metrics"]
    metrics["curtailment"]["total"]["gwh"] += 2.0
    metrics["curtailment"]["by_county"]["威宁"]["total"]["gwh"] += 2.0
    metrics["curtailment"]["pv"]["rate"] += 0.01
    metrics["cost"]["parts_cny"]["coal"] -= 1e7
    metrics["cost"]["total_cny"] = sum(metrics["cost"]["parts_cny"].values())
    (copy / "run.json").write_text(json.dumps(info), encoding="utf-8")
    return copy


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    home = tmp_path_factory.mktemp("runs")
    first = write_sample(home / "first", days=3)
    return [first, doctored(first, home / "second")]


@pytest.fixture(scope="module")
def found(pair: list[Path]) -> Comparison:
    return compare(pair)


def test_differences_by_hand(found: Comparison) -> None:
    rows = {row.figure.key: row for row in found.rows}
    assert rows["kind_curtailed"].changes[0] == pytest.approx(2.0)
    assert rows["kind_curtailed"].change_text(0).en == "+2.00 GWh"
    assert rows["rate_pv"].change_text(0).zh == "+1.0个百分点"  # 0.01 = 1 percentage point
    assert rows["cost_total"].changes[0] == pytest.approx(-1e7)
    assert rows["cost_total"].change_text(0).en == "CNY −10.0 m"
    assert rows["kind_wind"].changes == (0.0,)
    assert rows["kind_wind"].largest == 0.0


def test_differing_figures_come_largest_first(found: Comparison) -> None:
    sizes = [row.largest for row in found.differing]
    assert sizes == sorted(sizes, reverse=True)
    assert "kind_wind" not in {row.figure.key for row in found.differing}
    assert found.differing[0].figure.key in {"rate_pv", "kind_curtailed"}


@pytest.mark.parametrize(("lang", "wanted"), [("zh", "+200万千瓦时"), ("en", "+2.00 GWh")])
def test_terminal_table_shows_what_differs(found: Comparison, lang: str, wanted: str) -> None:
    table = rich_table(found, lang)
    assert table.row_count == len(found.differing)
    assert wanted in list(table.columns[-1].cells)


def test_settings_that_differ(found: Comparison) -> None:
    assert found.settings == (("scale.pv", ("1.0", "1.5")),)


def test_waterfalls_arrive_at_the_other_run(pair: list[Path], found: Comparison) -> None:
    contents = _contents(pair)
    figures = _figures(contents, found)
    for name, wanted in (
        ("compare_curtailment_1", contents[1].metrics["curtailment"]["total"]["gwh"]),
        ("compare_cost_1", contents[1].metrics["cost"]["total_cny"]),
    ):
        trace = figures[name]["data"][0]
        assert sum(trace["y"]["v"]) == pytest.approx(wanted, rel=1e-5), name
        assert trace["measure"][0] == "absolute" and trace["measure"][-1] == "total"


def test_page_says_differences_first(pair: list[Path], tmp_path: Path) -> None:
    path = tmp_path / "compare.html"
    write_comparison(pair, path, lang="en")
    page = path.read_text(encoding="utf-8")
    assert "Curtailed: A" in page
    assert page.index("Curtailed: A") < page.index('class="plot"')
    assert "scale.pv" in page


def test_figures_are_valid_plotly(pair: list[Path], found: Comparison) -> None:
    for spec in _figures(_contents(pair), found).values():
        go.Figure(filled({"data": spec["data"], "layout": spec["layout"]}, "en"))


def test_a_run_compared_with_itself_or_alone_is_refused(pair: list[Path]) -> None:
    for folders in ([pair[0]], [pair[0], pair[0]], []):
        with pytest.raises(ScenarioError, match="two or more"):
            compare(folders)


def test_no_run_folder_is_refused(pair: list[Path], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a run folder"):
        compare([pair[0], tmp_path])


def test_equal_runs_have_no_difference(pair: list[Path], tmp_path: Path) -> None:
    copy = shutil.copytree(pair[0], tmp_path / "copy")
    write_comparison([pair[0], copy], tmp_path / "compare.html")
    page = (tmp_path / "compare.html").read_text(encoding="utf-8")
    assert "没有变化。" in page and 'id="fig-compare_cost_1"' not in page
    same: Any = compare([pair[0], copy])
    assert same.differing == () and same.settings == ()
