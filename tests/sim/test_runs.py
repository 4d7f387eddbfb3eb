"""Run folders: what the name depends on, what is written and read back, and what is left when writing fails."""

import json
import os
import platform
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tiny_outcome import VOLTAGES, outcome, scenario

from scenarios.errors import DataError, SimulationError
from scenarios.load import load_scenario
from sim import runs
from sim.metrics import summarise
from sim.runs import finished_run, read_run, run_folder, run_hash, weather_fingerprints, write_run

ROOT = Path(__file__).parents[2]
KEY = "0123abcd"


@pytest.fixture(scope="module")
def metrics():
    return summarise(outcome())


@pytest.fixture
def folder(tmp_path, metrics):
    return write_run(outcome(), metrics, tmp_path, KEY)


# the name


def test_the_hash_is_eight_hex_digits_and_stable():
    first = run_hash(scenario())
    assert first == run_hash(scenario())
    assert len(first) == 8
    assert set(first) <= set("0123456789abcdef")


def test_the_hash_sees_every_kind_of_input():
    base = run_hash(load_scenario("tiny"), {}, "code")
    table = load_scenario("tiny")
    plants = (table.tables.plants[0].model_copy(update={"unit_mw": 301.0}), *table.tables.plants[1:])
    other_table = table.model_copy(update={"tables": table.tables.model_copy(update={"plants": plants})})
    others = [
        run_hash(load_scenario("tiny", ["weather.seed=2"]), {}, "code"),
        run_hash(load_scenario("tiny", ["coal.minimum_pu=0.3"]), {}, "code"),
        run_hash(other_table, {}, "code"),
        run_hash(load_scenario("tiny"), {"weining": "abc"}, "code"),
        run_hash(load_scenario("tiny"), {}, "other code"),
    ]
    assert len({base, *others}) == 6


def test_the_hash_sees_a_weather_file_by_its_bytes_not_by_its_place(tmp_path):
    hashes = []
    for name, text in (("a.csv", "same"), ("b.csv", "same"), ("c.csv", "other")):
        (tmp_path / name).write_text(text)
        hashes.append(run_hash(load_scenario("tiny", [f'weather.sites.weining.file="{tmp_path / name}"'])))
    assert hashes[0] == hashes[1] != hashes[2]
    assert hashes[0] != run_hash(load_scenario("tiny"))


def test_a_weather_file_that_is_not_there_is_named(tmp_path):
    missing = load_scenario("tiny", [f'weather.sites.weining.file="{tmp_path / "no.epw"}"'])
    with pytest.raises(DataError, match=r"weather.sites.weining.file: .*no.epw cannot be read"):
        weather_fingerprints(missing)


# writing and reading


def test_a_run_is_found_again(folder, tmp_path):
    assert folder == run_folder(tmp_path, outcome().scenario, KEY)
    assert folder.name == f"three-buses-{KEY}"
    assert finished_run(tmp_path, outcome().scenario, KEY) == folder
    assert finished_run(tmp_path, outcome().scenario, "ffffffff") is None
    assert {path.name for path in tmp_path.iterdir()} == {folder.name}


def test_a_folder_that_lacks_a_file_is_not_a_run(folder, tmp_path):
    (folder / "hourly_buses.parquet").unlink()
    assert finished_run(tmp_path, outcome().scenario, KEY) is None
    with pytest.raises(DataError, match=r"hourly_buses\.parquet is missing"):
        read_run(folder)


def test_round_trip_of_the_figures(folder, metrics):
    assert read_run(folder).metrics == json.loads(json.dumps(metrics))


def test_round_trip_of_the_hours_bit_by_bit(folder):
    run, of = read_run(folder), outcome()
    assert list(run.hourly("system").index) == list(of.case.time.starts())
    np.testing.assert_array_equal(run.quantity("buses", "vm_pu").to_numpy(), VOLTAGES)
    np.testing.assert_array_equal(run.quantity("branches", "from_mw").to_numpy(), of.flow.p_from_mw)
    np.testing.assert_array_equal(run.quantity("plants", "available_mw").to_numpy(), of.case.available_mw)
    assert list(run.quantity("plants", "generation_mw").columns) == ["C1", "H1", "W1", "V1"]
    assert run.quantity("plants", "spilled_mw").to_numpy().sum() == pytest.approx(10.0)  # 10 MWh spread over 4 h


def test_any_program_reads_index_and_units(folder):
    frame = pd.read_parquet(folder / "hourly_system.parquet")
    assert frame.index.name == "time"
    assert frame.index[0].isoformat() == "2025-04-10T00:00:00+08:00"
    units = read_run(folder).units("system")
    assert units["coal_mw"] == "MW"
    assert units["price_cny_per_mwh"] == "CNY/MWh"
    assert units["stored_mwh"] == "MWh"
    assert read_run(folder).units("buses")["A500 vm_pu"] == "pu"


def test_run_json_says_where_everything_comes_from(folder):
    info = read_run(folder).info
    assert info["seed"] == 1
    assert set(info["hashes"]) == {"settings", "tables", "weather", "code"}
    assert info["timings_s"] == {"dispatch": 0.1, "flow": 0.2}
    assert info["provenance"]["weather_repairs"][0]["values"] == 74
    assert info["network"]["evidence"][0]["published_share"] == pytest.approx(0.25)
    assert info["versions"]["numpy"] == np.__version__
    static = info["static"]
    assert static["plants"]["V1"]["county"] == "赫章"
    assert static["buses"]["C220"]["shunt_mw_at_1_pu"] == pytest.approx(0.1)
    assert static["branches"]["T"]["kind"] == "trafo"


def test_the_report_is_written_before_the_folder_gets_its_name(tmp_path, metrics):
    seen = []

    def finish(partial: Path) -> None:
        seen.append(finished_run(tmp_path, outcome().scenario, KEY))
        assert read_run(partial).metrics["energy_gwh"]["hours"] == 4
        (partial / "report.html").write_text("page")

    folder = write_run(outcome(), metrics, tmp_path, KEY, finish)
    assert seen == [None]
    assert (folder / "report.html").read_text() == "page"


def test_writing_again_replaces_the_folder(folder, tmp_path, metrics):
    (folder / "stale.txt").write_text("old")
    assert write_run(outcome(), metrics, tmp_path, KEY) == folder
    assert not (folder / "stale.txt").exists()
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]


# what a failure leaves


@pytest.mark.parametrize("failure", [RuntimeError, KeyboardInterrupt])
def test_an_interruption_between_files_leaves_nothing(tmp_path, metrics, monkeypatch, failure):
    written = []
    original = runs._write_hourly

    def write_two(path, *rest):
        if len(written) == 2:
            raise failure
        original(path, *rest)
        written.append(path)

    monkeypatch.setattr(runs, "_write_hourly", write_two)
    with pytest.raises(failure):
        write_run(outcome(), metrics, tmp_path, KEY)
    assert len(written) == 2
    assert list(tmp_path.iterdir()) == []


def test_a_failure_keeps_the_older_run(folder, tmp_path, metrics):
    def finish(_partial: Path) -> None:
        raise ValueError("the page could not be made")

    with pytest.raises(ValueError, match="page"):
        write_run(outcome(), metrics, tmp_path, KEY, finish)
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]
    assert read_run(folder).metrics["energy_gwh"]["hours"] == 4


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, "tests/sim")
from tiny_outcome import outcome
from sim.metrics import summarise
from sim.runs import write_run
kill = lambda _: os.kill(os.getpid(), signal.SIGKILL)
write_run(outcome(), summarise(outcome()), Path(sys.argv[1]), sys.argv[2], kill)
"""


def test_a_killed_run_leaves_nothing_that_looks_finished_and_the_next_cleans_up(tmp_path, metrics):
    command = [sys.executable, "-c", KILLED, str(tmp_path), KEY]
    killed = subprocess.run(command, cwd=ROOT, timeout=120, check=False)
    assert killed.returncode == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(f".partial-three-buses-{KEY}@")
    assert finished_run(tmp_path, outcome().scenario, KEY) is None
    folder = write_run(outcome(), metrics, tmp_path, KEY)
    assert list(tmp_path.iterdir()) == [folder]


def test_a_run_that_somebody_else_is_writing_is_left_alone(tmp_path, metrics):
    ours = tmp_path / f".partial-three-buses-{KEY}@{platform.node()}@{os.getppid()}"
    elsewhere = tmp_path / f".partial-three-buses-{KEY}@another-host@1"
    abandoned = tmp_path / f".partial-three-buses-{KEY}@third-host@1"
    for partial in (ours, elsewhere, abandoned):
        partial.mkdir()
    os.utime(abandoned, (0, 0))
    write_run(outcome(), metrics, tmp_path, KEY)
    assert ours.exists()
    assert elsewhere.exists()
    assert not abandoned.exists()


def test_a_disk_that_refuses_is_told(tmp_path, metrics):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with pytest.raises(SimulationError, match=r"cannot be written .* choose another folder with --out"):
        write_run(outcome(), metrics, blocked, KEY)


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "is not JSON"), ('{"format": 99}', "format 99, wanted 3")],
)
def test_a_bad_run_json_is_named(folder, text, message):
    (folder / "run.json").write_text(text)
    with pytest.raises(DataError, match=message):
        read_run(folder)


def test_a_folder_that_is_no_run_is_named(tmp_path):
    with pytest.raises(DataError, match="is not a run folder"):
        read_run(tmp_path / "nothing")


def test_a_damaged_hourly_file_is_named(folder):
    (folder / "hourly_system.parquet").write_bytes(b"PAR1 but no more")
    with pytest.raises(DataError, match=r"hourly_system\.parquet: cannot be read"):
        read_run(folder).hourly("system")
