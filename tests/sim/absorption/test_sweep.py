"""A sweep interrupted, killed and finished, by threads, processes or a Dask cluster: the same bytes every time.

The cases are days of a corner of the network (``small_system``). ``WUMENG_SWEEP_SEEDS`` makes more of them.
"""

from __future__ import annotations

import importlib.util
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pandas as pd
import pytest
from small_system import write_small_system
from test_sweep_jobs import thread_pool, waited_for
from typer.testing import CliRunner

from scenarios.errors import DataError, SimulationError
from scenarios.sweep import load_sweep
from sim.absorption.sweep import Finished, SweepOptions, sweep
from sim.absorption.sweep_pool import make_pool
from sim.absorption.sweep_progress import CaseProgress, duration
from sim.absorption.sweep_table import region_figures
from sim.runs import code_version, read_run
from simulate import app

ROOT = Path(__file__).parents[3]
SEEDS = int(os.environ.get("WUMENG_SWEEP_SEEDS", "2"))
CASES = 6 * SEEDS
FAILING = 2 * SEEDS
SWEEP = """
title_en = "A corner"
title_zh = "一角"
base = "small.toml"

[list]  # there is no such turbine as the last, which the wind model finds out: these cases fail
"scale.pv" = [1, 8, 2]
"wind.fleet" = [
    [{ turbine = "N131/3000", share = 1.0, hub_height_m = 100 }],
    [{ turbine = "N131/3000", share = 1.0, hub_height_m = 90 }],
    [{ turbine = "N131/3001", share = 1.0, hub_height_m = 100 }],
]

[grid]
"scale.storage" = [1, 3]

[weather]
"""
FILES = ("cases.csv", "cases.parquet", "sweep.html", "sweep.json")
needs_dask = pytest.mark.skipif(importlib.util.find_spec("distributed") is None, reason="needs the extra cluster")
needs_kill = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small")
    write_small_system(folder)
    path = folder / "corner.toml"
    path.write_text(f"{SWEEP}years = {SEEDS}\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def reference(plan: Path, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """The sweep by one thread of this process."""
    options = SweepOptions(tmp_path_factory.mktemp("reference"))
    return sweep(load_sweep(plan), options, thread_pool(1), CaseProgress(quiet=True))


def same_bytes(folder: Path, reference: Finished) -> None:
    assert folder.name == reference.folder.name
    assert {path.name for path in folder.iterdir()} == set(FILES)
    for name in FILES:
        assert (folder / name).read_bytes() == (reference.folder / name).read_bytes(), name


def runs_in(out: Path) -> dict[str, int]:
    """Finished run folders and when each was written."""
    return {path.parent.name: path.stat().st_mtime_ns for path in out.glob("small-*/run.json")}


@pytest.fixture
def start(plan: Path, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start the command with its run folders in ``tmp_path``; what still runs at the end of the test is ended."""
    with ExitStack() as stack:

        def started(*more: str) -> subprocess.Popen[str]:
            command = [sys.executable, "simulate.py", "sweep", str(plan), "--out", str(tmp_path), *more]
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                text=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509  alone in its thread
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield started


# the table


def test_the_table_says_for_every_case_what_its_run_says(plan: Path, reference: Finished):
    frame = pd.read_parquet(reference.folder / "cases.parquet")
    cases = load_sweep(plan).cases
    assert frame["case"].tolist() == list(range(1, CASES + 1))
    assert frame["scale.pv"].tolist() == [case.values["scale.pv"] for case in cases]
    for row, case in zip(frame.to_dict("records"), cases, strict=True):
        if row["status"] == "failed":
            continue
        record = read_run(reference.folder.parent / row["run"])
        assert record.info["settings"] == case.scenario.settings.model_dump(mode="json")
        assert row["curtailment.pv.gwh"] == record.metrics["curtailment"]["pv"]["gwh"]
        assert row["cost.operating_cny"] == record.metrics["cost"]["operating_cny"]
        assert row["network.loading.max"] == record.metrics["network"]["loading"]["max"]


def test_the_csv_says_the_same_and_spreadsheets_take_it_for_utf_8(reference: Finished):
    table = pd.read_parquet(reference.folder / "cases.parquet")
    text = pd.read_csv(reference.folder / "cases.csv", keep_default_na=False, na_values={}, dtype=str)
    assert list(text.columns) == list(table.columns)
    shown = pd.read_csv(reference.folder / "cases.csv", float_precision="round_trip")
    pd.testing.assert_frame_equal(
        shown.drop(columns=["run", "message"]), table.drop(columns=["run", "message"]), check_exact=True
    )
    assert (reference.folder / "cases.csv").read_bytes().startswith(b"\xef\xbb\xbf")


def test_cases_that_fail_are_recorded_and_the_others_are_there(reference: Finished):
    frame = pd.read_csv(reference.folder / "cases.csv", keep_default_na=False)
    failed, done = (frame[frame["status"] == status] for status in ("failed", "done"))
    assert len(failed) == len(reference.failed) == FAILING
    assert all("N131/3001" in value for value in failed["wind.fleet"])
    assert all('"N131/3001" has no power curve' in message for message in failed["message"])
    assert not any("N131/3001" in value for value in done["wind.fleet"])
    assert all(done["run"] != "") and all(done["message"] == "")


def test_more_pv_is_more_curtailed_and_years_differ(reference: Finished):
    frame = pd.read_parquet(reference.folder / "cases.parquet")
    done = frame[frame["status"] == "done"]
    mean = done.groupby("scale.pv")["curtailment.pv.gwh"].mean()
    assert mean[8] > mean[1]
    assert done.groupby("weather.seed")["curtailment.pv.available_gwh"].sum().nunique() == SEEDS


def test_figures_of_the_region_are_taken_and_those_of_its_parts_are_not():
    metrics = {
        "curtailment": {"pv": {"gwh": 1, "rate": None}, "by_cause": {"surplus": {"gwh": 1}}, "by_plant": {"V1": 1}},
        "network": {"worst_hours": {"mw": 3}, "note": "text", "solved": True},
    }
    found = dict(region_figures(metrics))
    assert list(found) == ["curtailment.pv.gwh", "curtailment.pv.rate", "curtailment.by_cause.surplus.gwh"]
    assert found["curtailment.pv.rate"] != found["curtailment.pv.rate"]  # none is not a number


def test_finished_cases_are_skipped_and_failed_ones_tried_again(plan: Path, reference: Finished):
    out = reference.folder.parent
    before = runs_in(out)
    progress = CaseProgress(quiet=True)
    again = sweep(load_sweep(plan), SweepOptions(out), thread_pool(1), progress)
    assert (progress.kept, progress.done, progress.failed) == (CASES - FAILING, 0, FAILING)
    assert runs_in(out) == before
    assert again.folder == reference.folder


def test_weather_files_that_are_not_there_are_all_named_before_anything_is_computed(tmp_path: Path):
    path = tmp_path / "lost.toml"
    path.write_text('base = "tiny"\n[grid]\n"weather.sites.weining.file" = ["a.epw", "b.epw"]\n', encoding="utf-8")
    with pytest.raises(DataError) as failure:
        sweep(load_sweep(path), SweepOptions(tmp_path), thread_pool(1), CaseProgress(quiet=True))
    assert [name in str(failure.value) for name in ("a.epw", "b.epw")] == [True, True]


# the command


@pytest.mark.parametrize("arguments", [["tinyy"], ["tiny", "--executor", "dusk://a:1"], ["tiny", "--lang", "fr"]])
def test_a_mistake_of_the_user_has_exit_code_2_and_computes_nothing(arguments: list[str], tmp_path: Path):
    result = CliRunner().invoke(app, ["sweep", *arguments, "--out", str(tmp_path / "runs")])
    assert result.exit_code == 2, result.stderr
    assert not (tmp_path / "runs").exists()


@needs_kill
def test_interrupted_killed_and_finished(start, reference: Finished, tmp_path: Path):
    """Ctrl-C, then SIGKILL, then to the end: nothing is repeated and the bytes are those of one go."""
    process = start("--jobs", "1")
    waited_for(lambda: len(runs_in(tmp_path)) >= CASES // 6)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=600)
    assert process.returncode == 130
    assert re.search(rf"Interrupted; \d+ of {CASES} cases are finished and kept", said)
    interrupted = runs_in(tmp_path)

    process = start("--jobs", "2")
    waited_for(lambda: len(runs_in(tmp_path)) >= len(interrupted) + 2)
    process.kill()
    process.communicate(timeout=600)
    killed = runs_in(tmp_path)
    assert len(killed) < CASES - FAILING
    assert interrupted.items() <= killed.items()

    process = start("--jobs", "2")
    _, log = process.communicate(timeout=600)
    assert process.returncode == 1  # because some cases failed
    assert f"{FAILING} of {CASES} cases failed" in log
    assert (log.count("✓"), log.count("✗")) == (CASES - FAILING - len(killed), FAILING)
    (folder,) = tmp_path.glob("sweep-*")
    same_bytes(folder, reference)
    assert killed.items() <= runs_in(tmp_path).items()


@needs_dask
@needs_kill
def test_a_dask_cluster_gives_the_same_though_a_worker_is_killed(start, reference: Finished, tmp_path: Path):
    with cluster(workers=2) as (address, workers):
        process = start("--executor", f"dask://{address}")
        waited_for(lambda: len(runs_in(tmp_path)) >= 2)
        workers[0].kill()
        _, log = process.communicate(timeout=600)
    assert process.returncode == 1, log  # because some cases failed
    assert f"{FAILING} of {CASES} cases failed" in log
    (folder,) = tmp_path.glob("sweep-*")
    same_bytes(folder, reference)


@contextmanager
def cluster(workers: int) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler and so many workers, each a process of its own, on the loopback."""
    address = f"127.0.0.1:{free_port()}"
    dask = [sys.executable, "-m", "dask"]
    host, port = address.split(":")
    scheduler = [*dask, "scheduler", "--host", host, "--port", port, "--no-dashboard"]
    worker = [
        *dask,
        "worker",
        f"tcp://{address}",
        "--host",
        host,
        "--nthreads",
        "1",
        "--no-dashboard",
        "--no-nanny",
    ]
    with ExitStack() as stack:
        processes = []
        for command in (scheduler, *[worker] * workers):
            process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            stack.callback(end, process)
            processes.append(process)
        waited_for(lambda: answers(host, int(port)))
        time.sleep(2)  # the workers report themselves; one that is late is no fault
        yield address, processes[1:]


def end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(host: str, port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((host, port)) == 0


@needs_dask
@needs_kill
def test_a_lost_scheduler_ends_the_command_and_keeps_what_is_finished(start, tmp_path: Path):
    with cluster(workers=1) as (address, _):
        process = start("--executor", f"dask://{address}")
        waited_for(lambda: runs_in(tmp_path))
    _, log = process.communicate(timeout=600)
    assert process.returncode == 1
    assert "finished cases are kept" in log
    assert runs_in(tmp_path)


@needs_dask
@needs_kill
def test_workers_with_another_program_are_refused_before_the_work():
    """What the workers are asked here has another answer in each process, or is in a file that they have not."""
    with cluster(workers=1) as (address, _):
        with pytest.raises(SimulationError, match="has another version of the program"):
            make_pool(f"dask://{address}", None, os.getpid)
        with pytest.raises(SimulationError, match="a worker cannot load the program"):
            make_pool(f"dask://{address}", None, free_port)


@needs_dask
def test_no_scheduler_is_an_error_that_says_how_to_start_one(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sim.absorption.sweep_pool.SCHEDULER_TIMEOUT_S", 1)
    with pytest.raises(SimulationError, match=r"no scheduler answers .*dask scheduler"):
        make_pool(f"dask://127.0.0.1:{free_port()}", None, code_version)


# progress


def test_progress_counts_and_estimates(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    clock = iter([0.0, 60.0, 120.0, 120.0])
    monkeypatch.setattr("sim.absorption.sweep_progress.time.monotonic", lambda: next(clock))
    progress = CaseProgress()
    with progress.cases(total=10, kept=2):
        progress.ended("first")  # 1 ended in 60 s, 7 remain: 7 min
        progress.ended("second", "it broke\nin two lines")
        progress.ended("third")  # 3 ended in 120 s, 5 remain: 200 s
    said = capsys.readouterr().err
    assert "first · 3 done, 0 failed, 7 remaining, 7 min left" in said
    assert "✗ second: it broke\n" in said
    assert "third · 4 done, 1 failed, 5 remaining, 3 min left" in said


def test_durations_as_people_say_them():
    assert [duration(seconds) for seconds in (40, 89.6, 720, 12600)] == ["40 s", "90 s", "12 min", "3.5 h"]
