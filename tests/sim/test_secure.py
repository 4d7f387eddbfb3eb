"""From a run folder to the study and its files, and what the command prints."""

from __future__ import annotations

import csv
import json
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from tiny_outcome import outcome
from typer.testing import CliRunner

from scenarios.errors import DataError
from sim.metrics import summarise
from sim.reliability.security_files import LOSSES_FILE, OVERLOADS_FILE, SECURITY_FILE, read_security
from sim.reliability.security_operation import operation_of
from sim.report.security import headline, render_security
from sim.runs import read_run, write_run
from simulate import app

RUNNER = CliRunner()
SHORT = ["secure", "tiny", "--hours", "24", "--no-report", "--quiet"]
WEAK = ["--set", "security.trafo_emergency=1", "--set", "security.voltage_220={low_pu=0.9, high_pu=1.04}"]


@pytest.fixture(scope="module")
def studied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of 24 hours in which upper voltage limits are so tight that losses fail."""
    out = tmp_path_factory.mktemp("runs")
    result = RUNNER.invoke(app, [*SHORT, *WEAK, "--n2-towers", "--out", str(out), "--json"])
    assert result.exit_code == 0, result.stderr
    (folder,) = out.iterdir()
    assert json.loads(result.stdout) == read_security(folder)
    return folder


@pytest.fixture(scope="module")
def record(studied: Path) -> dict:
    found = read_security(studied)
    assert found is not None
    return found


def test_the_operation_is_what_the_power_flow_was_given(tmp_path: Path) -> None:
    """The injections of the hand-made year come back from its voltages; its unsolved hour is NaN."""
    year = outcome()
    folder = write_run(year, summarise(year), tmp_path, "0" * 8)
    operation = operation_of(read_run(folder), year.scenario, year.model)
    assert operation.solved.tolist() == [True, True, True, False]
    np.testing.assert_allclose(operation.injections.p_mw[:3], year.injections.p_mw[:3], atol=1e-9)
    np.testing.assert_allclose(operation.injections.q_mvar[:3], year.injections.q_mvar[:3], atol=1e-9)
    assert np.isnan(operation.injections.p_mw[3]).all()


def test_what_is_taken_at_buses_is_load_served_and_export(tmp_path: Path) -> None:
    """Hour 2: 3 MW unserved, 1 MW shed and 2 MW moved away are not taken; 19 MW are sent out at A500."""
    year = outcome()
    folder = write_run(year, summarise(year), tmp_path, "0" * 8)
    operation = operation_of(read_run(folder), year.scenario, year.model)
    assert operation.taken_mw[2, 0] == pytest.approx(19.0)
    load_mw = year.case.load_mw[2].sum()
    assert operation.taken_mw[2].sum() == pytest.approx(load_mw - 3 - 1 - 2 + 19)


def test_units_on_line_come_from_the_plants_file(tmp_path: Path) -> None:
    year = outcome()
    folder = write_run(year, summarise(year), tmp_path, "0" * 8)
    operation = operation_of(read_run(folder), year.scenario, year.model)
    coal, hydro = (operation.plants.index(name) for name in ("C1", "H1"))
    assert operation.units_on[:, coal].tolist() == year.dispatch.coal_units_on[:, 0].tolist()
    assert (operation.units_on[:, hydro] > 0).tolist() == (year.dispatch.hydro_mw[:, 0] > 0).tolist()


def test_counts_add_up(record: dict) -> None:
    single = [row for row in record["losses"] if row["kind"] != "tower"]
    assert record["n1"]["elements"] == sum(row["of"] for row in single)
    lines = [row for row in single if row["kind"] in ("line", "trafo")]
    assert all(row["hours_judged"] == 24.0 for row in lines)
    failed = sum(row["hours_failed"] * row["of"] for row in lines)
    by_kind = record["n1"]["by_kind"]
    assert failed == by_kind["line"]["pairs_failed"] + by_kind["trafo"]["pairs_failed"] > 0
    assert record["n1"]["hour_element"] == pytest.approx(1 - record["n1"]["pairs_failed"] / record["n1"]["pairs"])
    assert sum(record["by_month"].values()) == pytest.approx(24 * (1 - record["n1"]["hour"]))


def test_losses_are_ranked(record: dict) -> None:
    hours = [row["hours_failed"] for row in record["losses"]]
    assert hours == sorted(hours, reverse=True)
    assert all((row["worst_time"] is None) == (row["hours_failed"] == 0) for row in record["losses"])


def test_lists_say_the_same_as_the_json(studied: Path, record: dict) -> None:
    with (studied / LOSSES_FILE).open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == [row["name"] for row in record["losses"]]
    assert [float(row["hours_failed"]) for row in rows] == [row["hours_failed"] for row in record["losses"]]
    assert [row["name_zh"] for row in rows] == [row["name_zh"] for row in record["losses"]]
    with (studied / OVERLOADS_FILE).open(encoding="utf-8-sig", newline="") as file:
        overloads = list(csv.DictReader(file))
    assert len(overloads) == sum(len(row["overloads"]) for row in record["losses"])


def test_a_study_is_reused_and_towers_are_added_when_asked_for(tmp_path: Path) -> None:
    first = RUNNER.invoke(app, [*SHORT, "--out", str(tmp_path), "--json"])
    assert first.exit_code == 0, first.stderr
    (folder,) = tmp_path.iterdir()
    stamp = (folder / SECURITY_FILE).stat().st_mtime_ns
    again = RUNNER.invoke(app, [*SHORT, "--out", str(tmp_path), "--json"])
    assert again.stdout == first.stdout
    assert (folder / SECURITY_FILE).stat().st_mtime_ns == stamp
    more = RUNNER.invoke(app, [*SHORT, "--out", str(tmp_path), "--json", "--n2-towers"])
    assert json.loads(more.stdout)["n2"] is not None
    without = [row for row in json.loads(more.stdout)["losses"] if row["kind"] != "tower"]
    assert without == json.loads(first.stdout)["losses"]
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_terminal_says_the_rates_and_the_worst_loss(record: dict, lang: str) -> None:
    text = StringIO()
    render_security(record, lang, Console(file=text, width=100))
    shown = text.getvalue()
    worst = record["losses"][0]
    assert worst["name"] in shown
    assert worst[f"name_{lang}"].split("–")[0] in shown.replace("\n", "")
    assert max(len(row) for row in shown.splitlines()) <= 100
    assert {"zh": "N-1通过率", "en": "N-1 passed"}[lang] in shown


def test_what_spoils_the_verdict_comes_first(record: dict) -> None:
    spoiled = json.loads(json.dumps(record)) | {"hours_unsolved": 3.0}
    spoiled["base"]["hours_failed"] = 2.0
    spoiled["n1"]["failed_by"]["unsolved"] = 7.0
    text = " ".join(line.en for _, line in headline(spoiled))
    assert "3 h were not judged" in text
    assert "broken in 2 h" in text
    assert "in 7 element-hours" in text


@pytest.mark.parametrize("text", ["not json", "[]", '{"format": 99}'])
def test_a_bad_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / SECURITY_FILE).write_text(text)
    with pytest.raises(DataError, match="secure --force"):
        read_security(tmp_path)


def test_no_file_is_no_study(tmp_path: Path) -> None:
    assert read_security(tmp_path) is None


def test_a_tower_of_one_circuit_is_refused(tmp_path: Path) -> None:
    made = RUNNER.invoke(app, ["template", str(tmp_path / "new")])
    assert made.exit_code == 0
    table = tmp_path / "new" / "example" / "tables" / "common_towers.csv"
    header = table.read_text(encoding="utf-8").splitlines()[0]
    table.write_text(
        f"{header}\nT1,WUSA500-JHH500,WUSA500-JHH500,,,x,assumed,\nT2,nowhere,MC220-SX220,,,x,assumed,\n"
    )
    result = RUNNER.invoke(app, ["show", str(tmp_path / "new" / "example" / "scenario.toml")])
    assert result.exit_code == 3
    assert "WUSA500-JHH500 has one circuit only" in result.stderr
    assert '"nowhere" is not in lines.csv' in result.stderr


def test_a_scenario_without_tower_table_runs_without_towers(tmp_path: Path) -> None:
    made = RUNNER.invoke(app, ["template", str(tmp_path / "new")])
    assert made.exit_code == 0
    (tmp_path / "new" / "example" / "tables" / "common_towers.csv").unlink()
    result = RUNNER.invoke(app, ["show", str(tmp_path / "new" / "example" / "scenario.toml")])
    assert result.exit_code == 0, result.stderr
