"""The whole chain on three days: a run folder, the same again, verification, and what an interruption leaves."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from scenarios.processors import THREADS_VARIABLE, count_of
from sim.runs import read_run
from simulate import app

ROOT = Path(__file__).parent.parent
runner = CliRunner()


@pytest.fixture(scope="module")
def tiny_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of `wumeng run tiny`."""
    out = tmp_path_factory.mktemp("runs")
    result = runner.invoke(app, ["run", "tiny", "--out", str(out)])
    assert result.exit_code == 0, result.stderr
    (folder,) = out.iterdir()
    return folder


def test_a_run_leaves_what_it_promises(tiny_run: Path):
    names = {path.name for path in tiny_run.iterdir()}
    assert names == {
        "run.json",
        "report.html",
        "summary.xlsx",
        *(f"hourly_{part}.parquet" for part in ("system", "plants", "branches", "buses")),
    }
    assert tiny_run.name.startswith("tiny-")
    assert len(tiny_run.name) == len("tiny-") + 8


def test_every_hour_is_solved_and_energy_balances(tiny_run: Path):
    metrics = read_run(tiny_run).metrics
    assert metrics["network"]["hours_solved"] == 72
    assert metrics["network"]["hours_failed"] == 0
    system = read_run(tiny_run).hourly("system")
    assert len(system) == 72


def test_metrics_have_exactly_the_promised_keys(tiny_run: Path):
    assert list(read_run(tiny_run).metrics) == [
        "energy_gwh",
        "curtailment",
        "utilisation",
        "storage",
        "demand_response",
        "network",
        "reliability",
        "emissions",
        "cost",
        "plan",
    ]


def test_the_same_inputs_reuse_the_folder_and_json_is_alone_on_standard_output(tiny_run: Path):
    before = (tiny_run / "run.json").stat().st_mtime_ns
    result = runner.invoke(app, ["run", "tiny", "--out", str(tiny_run.parent), "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout) == read_run(tiny_run).metrics
    assert (tiny_run / "run.json").stat().st_mtime_ns == before


def test_threads_change_no_figure(tiny_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(THREADS_VARIABLE, "2")
    result = runner.invoke(app, ["run", "tiny", "--out", str(tmp_path), "--jobs", "1", "--no-report"])
    assert result.exit_code == 0, result.stderr
    assert count_of(0) == 1
    (folder,) = tmp_path.iterdir()
    assert folder.name == tiny_run.name
    for part in ("system", "plants", "branches", "buses"):
        name = f"hourly_{part}.parquet"
        assert (folder / name).read_bytes() == (tiny_run / name).read_bytes()


def test_another_seed_is_another_folder_with_other_figures(tiny_run: Path, tmp_path: Path):
    result = runner.invoke(app, ["run", "tiny", "--seed", "2", "--out", str(tmp_path), "--no-report", "--quiet"])
    assert result.exit_code == 0
    (folder,) = tmp_path.iterdir()
    assert folder.name != tiny_run.name
    assert read_run(folder).metrics["energy_gwh"] != read_run(tiny_run).metrics["energy_gwh"]
    assert not (folder / "report.html").exists()


def test_a_run_verifies_and_a_planted_change_does_not(tiny_run: Path, tmp_path: Path):
    assert runner.invoke(app, ["verify", str(tiny_run)]).exit_code == 0
    spoilt = tmp_path / tiny_run.name
    spoilt.mkdir()
    for path in tiny_run.iterdir():
        (spoilt / path.name).write_bytes(path.read_bytes())
    info = json.loads((spoilt / "run.json").read_text(encoding="utf-8"))
    info["metrics"]["curtailment"]["pv"]["gwh"] += 1.0
    (spoilt / "run.json").write_text(json.dumps(info), encoding="utf-8")
    result = runner.invoke(app, ["verify", str(spoilt)])
    assert result.exit_code == 70
    assert "curtailment.pv.gwh" in result.stderr


def test_the_report_can_be_rebuilt_from_the_folder_alone(tiny_run: Path):
    page = tiny_run / "report.html"
    page.unlink()
    result = runner.invoke(app, ["report", str(tiny_run)])
    assert result.exit_code == 0, result.stderr
    assert page.is_file()


def test_pandapower_hour_by_hour_gives_the_same_figures(tiny_run: Path, tmp_path: Path):
    arguments = ["run", "tiny", "--hours", "24", "--no-report", "--quiet", "--json"]
    fast = json.loads(runner.invoke(app, [*arguments, "--out", str(tmp_path / "a")]).stdout)
    slow = json.loads(runner.invoke(app, [*arguments, "--flow", "pandapower", "--out", str(tmp_path / "b")]).stdout)
    assert slow["network"]["hours_solved"] == 24
    assert slow["network"]["losses"]["gwh"] == pytest.approx(fast["network"]["losses"]["gwh"], rel=1e-9)


def with_interrupts() -> None:
    """Let a child process hear Ctrl-C even where a background shell told its children to ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for a single process")
def test_an_interrupted_run_leaves_nothing_that_looks_finished(tmp_path: Path):
    """Ctrl-C in the middle of the work: exit code 130 and no folder (the year takes long enough to hit)."""
    command = [sys.executable, "-u", "simulate.py", "run", "--out", str(tmp_path / "runs")]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=with_interrupts,  # noqa: PLW1509  the child is alone in its thread
    )
    assert process.stderr is not None
    process.stderr.readline()  # the headline: the work has begun
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, message = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "Interrupted" in message
    assert not list((tmp_path / "runs").glob("[!.]*")) if (tmp_path / "runs").exists() else True


def test_blocks_on_call_are_in_every_file_of_a_run(tmp_path: Path):
    # A block that is cheaper than coal is called for all its hours: 2 h of its power on each of three days.
    shutil.copytree(ROOT / "scenarios" / "bijie", tmp_path / "tables")
    names = "block_id,name_en,name_zh,share,price_cny_per_mwh,hours_per_day,hours_per_year,source,confidence"
    rows = "B1,Smelters,铝厂,0.02,50,2,,an example,assumed\nB2,Cement,水泥厂,0.01,5000,4,40,an example,assumed"
    (tmp_path / "tables" / "shed_blocks.csv").write_text(f"{names}\n{rows}\n", encoding="utf-8")
    scenario = tmp_path / "called.toml"
    scenario.write_text('extends = "tiny"\nname = "called"\ntables = "tables"\n')
    done = runner.invoke(app, ["run", str(scenario), "--out", str(tmp_path / "runs"), "--quiet"])
    assert done.exit_code == 0, done.stderr
    (folder,) = (tmp_path / "runs").iterdir()
    run = read_run(folder)
    use, power_mw = run.metrics["demand_response"]["blocks"], run.static["shed_blocks"]["B1"]["power_mw"]
    assert use["B1"]["gwh"] == pytest.approx(3 * 2.0 * power_mw / 1000.0, rel=1e-6)
    assert use["B2"] == {"gwh": 0.0, "hours": 0, "max_mw": 0.0}
    assert run.metrics["demand_response"]["shed_gwh"] == pytest.approx(use["B1"]["gwh"])
    assert run.metrics["cost"]["parts_cny"]["shed"] == pytest.approx(50.0 * 1000.0 * use["B1"]["gwh"])
    assert "铝厂" in (folder / "report.html").read_text(encoding="utf-8")
    checked = runner.invoke(app, ["verify", str(folder)])
    assert checked.exit_code == 0, checked.stdout


def test_a_flexible_load_is_in_every_file_of_a_run(tmp_path: Path):
    # 200 MW for 6 of 24 h on three days: 3.6 GWh, at a bus that otherwise only collects PV.
    shutil.copytree(ROOT / "scenarios" / "bijie", tmp_path / "tables")
    row = "E1,Electrolyser,电解槽,HL220,威宁,200,10,6,900,0.9,an example,assumed"
    names = "flexible_id,name_en,name_zh,bus_id,county,power_mw,minimum_mw,target_h_per_day,missed_cny_per_mwh"
    (tmp_path / "tables" / "flexible_loads.csv").write_text(f"{names},power_factor,source,confidence\n{row}\n")
    scenario = tmp_path / "electrolyser.toml"
    scenario.write_text('extends = "tiny"\nname = "electrolyser"\ntables = "tables"\n')
    done = runner.invoke(app, ["run", str(scenario), "--out", str(tmp_path / "runs"), "--quiet"])
    assert done.exit_code == 0, done.stderr
    (folder,) = (tmp_path / "runs").iterdir()
    run = read_run(folder)
    use = run.metrics["demand_response"]["flexible"]["E1"]
    assert use["target_gwh"] == pytest.approx(3.6)
    assert use["gwh"] == pytest.approx(3.6 + use["beyond_gwh"] - use["missed_gwh"])
    taken = run.quantity("plants", "consumption_mw")["E1"]
    assert taken.min() >= 10.0 - 1e-6
    assert (run.quantity("buses", "flexible_mw")["HL220"] == taken).all()
    assert run.metrics["network"]["hours_solved"] == 72
    assert "电解槽" in (folder / "report.html").read_text(encoding="utf-8")
    checked = runner.invoke(app, ["verify", str(folder)])
    assert checked.exit_code == 0, checked.stdout
