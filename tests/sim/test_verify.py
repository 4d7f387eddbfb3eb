"""Verification: a sound folder agrees in every figure; a single changed cell or figure does not go unnoticed."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tiny_outcome import outcome

from scenarios.errors import DataError
from sim.metrics import summarise
from sim.runs import file_fingerprint, write_run
from sim.verify import _exempt, _leaves, agree, verify
from sim.verify_causes import CAUSES

ROW_NUMBERS = ("limit_mw", "forward", "hours", "curtailing_hours", "gwh")


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    return write_run(outcome(), summarise(outcome()), tmp_path_factory.mktemp("sound"), "0123abcd")


@pytest.fixture
def folder(sound, tmp_path):
    return shutil.copytree(sound, tmp_path / sound.name)


def wrong(folder: Path) -> set[str]:
    return {finding.figure for finding in verify(folder) if not finding.ok}


def edit_cell(folder: Path, name: str, column: str, hour: int, change: float) -> None:
    """Change one cell and make the fingerprint in run.json fit again, so that only the figures can tell."""
    path = folder / f"hourly_{name}.parquet"
    frame = pd.read_parquet(path)
    frame.iloc[hour, frame.columns.get_loc(column)] += change
    frame.to_parquet(path)
    info = json.loads((folder / "run.json").read_text())
    info["files"][path.name]["sha256"] = file_fingerprint(folder, path.name)
    (folder / "run.json").write_text(json.dumps(info))


@pytest.mark.parametrize("step_h", [1.0, 0.5])
def test_a_sound_folder_agrees_in_every_figure(tmp_path, step_h):
    findings = verify(write_run(outcome(step_h), summarise(outcome(step_h)), tmp_path, "0123abcd"))
    assert [finding for finding in findings if not finding.ok] == []
    assert len(findings) > 250


def test_a_finding_is_figure_stored_rederived_ok(folder):
    by_name = {finding.figure: finding for finding in verify(folder)}
    figure, stored, rederived, ok = by_name["curtailment.pv.gwh"]
    assert (figure, ok) == ("curtailment.pv.gwh", True)
    assert stored == pytest.approx(0.010)
    assert rederived == pytest.approx(0.010)


@pytest.mark.parametrize(
    ("name", "column", "change", "figure"),
    [
        ("plants", "V1 generation_mw", 0.1, "curtailment.pv.gwh"),
        ("plants", "C1 generation_mw", 0.1, "emissions.co2_t"),
        ("plants", "X export_mw", 0.1, "law: system file = sum of the plants' file"),
        ("plants", "S1 stored_mwh", 0.1, "law: content of storage"),
        ("plants", "S1 charge_mw", 0.1, "storage.charge_gwh"),
        ("plants", "H1 spilled_mw", 0.1, "energy_gwh.hydro_spilled"),
        ("plants", "C1 starts_count", 1, "utilisation.starts_by_plant.C1"),
        ("system", "load_mw", 0.1, "law: balance of the dispatch"),
        ("system", "unserved_mw", 0.1, "reliability.eens_mwh"),
        ("system", "price_cny_per_mwh", 1.0, "cost.mean_price_cny_per_mwh"),
        ("system", "ac_loss_mw", 0.1, "network.balance.flows_max_residual_mw"),
        ("system", "flow_status", 2, "network.hours_solved"),
        ("branches", "L from_mw", 0.1, "law: Kirchhoff's law at every bus"),
        ("branches", "T to_mw", 0.1, "network.losses.gwh"),
        ("branches", "L loading_fraction", 1.0, "network.loading.by_branch.L.max"),
        ("buses", "C220 vm_pu", 0.2, "network.voltage.by_bus.C220.max_pu"),
        ("buses", "B220 injection_mw", 0.1, "law: Kirchhoff's law at every bus"),
        ("buses", "A500 slack_mw", 0.1, "network.slack.net_gwh"),
        ("buses", "C220 load_mw", 0.1, "energy_gwh.by_county.赫章.load"),
    ],
)
def test_a_planted_change_of_one_cell_is_found(folder, name, column, change, figure):
    edit_cell(folder, name, column, 1, change)
    assert figure in wrong(folder)


def test_a_changed_byte_breaks_the_fingerprint_even_where_no_figure_depends_on_it(folder):
    path = folder / "hourly_buses.parquet"
    frame = pd.read_parquet(path)
    frame.iloc[1, frame.columns.get_loc("B220 va_deg")] += 1e-9
    frame.to_parquet(path)
    assert wrong(folder) == {"files.hourly_buses.parquet.sha256"}


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (("curtailment", "pv", "gwh"), 0.0101),
        (("energy_gwh", "by_month", "2025-04", "load"), 1.0),
        (("network", "worst_hours", "lowest_voltage", "name"), "B220"),
        (("network", "worst_hours", "highest_curtailment", "time"), "2025-04-10T00:00:00+08:00"),
        (("network", "by_status", "not_converged", "hours"), 0),
        (("utilisation", "full_load_hours", "by_plant", "W1"), 2.1),
        (("reliability", "unserved_hours"), 0),
        (("cost", "parts_cny", "coal"), 1.0),
        (("curtailment", "by_county", "威宁", "pv", "rate"), 0.0),
    ],
)
def test_a_changed_figure_is_found(folder, keys, value):
    info = json.loads((folder / "run.json").read_text())
    place = info["metrics"]
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    (folder / "run.json").write_text(json.dumps(info))
    assert ".".join(keys) in wrong(folder)


def test_causes_that_do_not_add_up_are_found(folder):
    info = json.loads((folder / "run.json").read_text())
    info["metrics"]["curtailment"]["by_cause"]["surplus"]["gwh"] += 0.001
    (folder / "run.json").write_text(json.dumps(info))
    assert wrong(folder) == {
        "curtailment.by_cause.surplus.gwh",
        "law: causes add up to the total in run.json",
    }


def test_a_binding_row_that_is_given_too_much_is_found(folder):
    info = json.loads((folder / "run.json").read_text())
    info["metrics"]["curtailment"]["causes"]["rows"][0]["gwh"] += 1e-8
    (folder / "run.json").write_text(json.dumps(info))
    assert wrong(folder) == {"law: binding rows add up to their cause"}


def test_a_share_of_a_cause_that_changed_in_one_hour_is_found(folder):
    edit_cell(folder, "plants", "V1 curtailed_network_mw", 1, 1e-4)
    found = wrong(folder)
    assert "law: causes add up to the curtailment of every hour and plant" in found
    assert "law: causes of the system file = sum of the plants' file" in found


def test_a_negative_share_is_found_although_the_sum_agrees(folder):
    edit_cell(folder, "plants", "V1 curtailed_network_mw", 1, -2.0)
    edit_cell(folder, "plants", "V1 curtailed_surplus_mw", 1, 2.0)
    found = wrong(folder)
    assert "law: no share of a cause is negative" in found
    assert "law: causes add up to the curtailment of the period" not in found


def test_a_changed_verdict_on_a_target_is_found(folder):
    info = json.loads((folder / "run.json").read_text())
    row = next(row for row in info["metrics"]["plan"] if row["met"] is False)
    row["met"] = True
    (folder / "run.json").write_text(json.dumps(info))
    assert wrong(folder) == {f"plan.{row['key']}.met"}


def test_a_figure_nobody_can_derive_is_not_ok(folder):
    info = json.loads((folder / "run.json").read_text())
    info["metrics"]["network"]["invented_mw"] = 1.0
    (folder / "run.json").write_text(json.dumps(info))
    assert wrong(folder) == {"network.invented_mw"}


def test_numbers_that_are_not_derived_again_are_a_short_known_list(folder):
    metrics = json.loads((folder / "run.json").read_text())["metrics"]
    numbers = {name for name, value in _leaves("", metrics | {"plan": {}}) if isinstance(value, (int, float))}
    assert {name for name in numbers if _exempt(name)} == {
        "energy_gwh.balance.tolerance_mw",
        "network.balance.schedule_tolerance_mw",
        "network.balance.ac_tolerance_mw",
        "network.loss_rounds",
        "network.messages_left_out",
        "network.loading.limit",
        *(f"network.voltage.limits_pu.{level}.{end}" for level in ("500", "220") for end in ("low", "high")),
        "cost.parts_cny.starts",
        "cost.parts_cny.ranking",
        *(f"curtailment.by_cause.{cause}.increase_gwh" for cause in CAUSES),
        *(f"curtailment.causes.rows.0.{key}" for key in ROW_NUMBERS),
    }


def test_agreement_is_within_the_stated_tolerance():
    assert agree(60_000.0, 60_000.0 * (1 + 1e-10))
    assert not agree(60_000.0, 60_000.0 * (1 + 1e-8))
    assert agree(0.0, 1e-7)
    assert not agree(0.0, 1e-5)
    assert agree(None, None)
    assert not agree(None, 0.0)
    assert not agree(1.0, np.nan)


def test_a_folder_that_is_no_run_is_an_error(tmp_path):
    with pytest.raises(DataError):
        verify(tmp_path)
