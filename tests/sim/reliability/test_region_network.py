"""Scenario → network: who stands where, rates by length, ice; then the command, its tables and its file."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from profiles.weather import make_weather
from scenarios.errors import DataError, ScenarioError
from scenarios.load import load_scenario
from scenarios.schema import Scenario
from sim.progress import Stages
from sim.reliability.adequacy import Plan
from sim.reliability.adequacy_files import ADEQUACY_FILE, write_adequacy
from sim.reliability.build import regional_system, weather_scenarios
from sim.reliability.build_network import branch_rates
from sim.reliability.network import Network
from sim.reliability.networked import circuits_of
from sim.reliability.study import Findings, answer, findings_as_json, regional_question
from sim.reliability.system import AdequacySystem
from sim.report.adequacy import render_adequacy
from simulate import app

QUIET = Stages(quiet=True)
SETS = ["adequacy.level=network", "adequacy.weather_years=2"]


@pytest.fixture(scope="module")
def tiny() -> Scenario:
    return load_scenario("tiny", SETS)


@pytest.fixture(scope="module")
def region(tiny: Scenario) -> AdequacySystem:
    return regional_system(tiny, QUIET)


@pytest.fixture(scope="module")
def network(region: AdequacySystem) -> Network:
    assert region.network is not None
    return region.network


@pytest.fixture(scope="module")
def stressed() -> Findings:
    """Return a study with so much load that the network leaves some of it unserved."""
    scenario = load_scenario("tiny", [*SETS[:1], "adequacy.weather_years=1", "scale.load=5"])
    return answer(regional_question(scenario, QUIET), Plan(years=48), [], QUIET)


def test_everything_stands_at_its_bus(tiny: Scenario, region: AdequacySystem, network: Network) -> None:
    place = {name: bus for bus, name in enumerate(network.buses)}
    for plant in tiny.plants:
        assert network.bus_of[plant.plant_id] == place[plant.bus_id]
    assert set(region.plants) <= set(network.bus_of)
    assert [network.buses[bus] for bus in network.demand_bus] == [
        *dict.fromkeys(load.bus_id for load in tiny.tables.loads), *(row.bus_id for row in tiny.tables.exports)
    ]  # fmt: skip
    assert network.load_share.sum(axis=2) == pytest.approx(1)
    assert network.export_share.sum(axis=1) == pytest.approx(1)
    assert network.counties[-1].en == "export"
    assert {label.en for label in network.counties} >= {"Weining", "Hezhang"}


def test_lines_fail_by_length_and_circuit(tiny: Scenario, network: Network) -> None:
    """0.1 outages per 100 km and year of 15 h: a circuit of 93.1 km is out 0.0931 · 15 / 8760 of the time."""
    at = [label.name for label in network.branches].index("WUSA500-LPS500")
    assert network.circuits[at] == 2
    share = network.mean_down_h[at] / (network.mean_up_h[at] + network.mean_down_h[at])
    assert share == pytest.approx(0.1 * 0.931 * 15 / 8760)
    circuits = circuits_of(network)
    assert len(circuits.key) == network.circuits.sum() == len(set(circuits.key.tolist()))
    trafo = [label.name for label in network.branches].index("T-GUIYANG")
    assert network.circuits[trafo] == 3
    assert network.mean_down_h[trafo] == 225
    assert {row.component for row in branch_rates(tiny)} == {"line 500 kV", "line 220 kV", "transformer"}


def test_the_rates_that_are_assumed_are_named(region: AdequacySystem) -> None:
    assert "line 220 kV (assumed)" in region.assumed
    assert "transformer (assumed)" in region.assumed
    assert "line failures in ice × 10 (assumed)" in region.assumed


def test_a_missing_rate_is_an_error() -> None:
    full = load_scenario("tiny", SETS)
    rows = tuple(row for row in full.tables.reliability if row.component != "line 220 kV")
    poor = Scenario(settings=full.settings, tables=full.tables.model_copy(update={"reliability": rows}))
    with pytest.raises(DataError, match='"line 220 kV" has no row'):
        regional_system(poor, QUIET)


def test_lines_age_faster_in_ice_at_either_end() -> None:
    """A line ages by the factor when a site at one of its ends is iced in January; transformers never do."""
    january = ["time.start=2025-01-05", "time.hours=480", "adequacy.weather_years=1", "adequacy.icing_factor=7"]
    winter = load_scenario("tiny", [*SETS[:1], *january])
    network = regional_system(winter, QUIET).network
    assert network is not None
    iced = np.stack([make_weather(year).iced for year in weather_scenarios(winter)])
    names = [label.name for label in network.branches]
    weining, hezhang = (list(winter.settings.weather.sites).index(site) for site in ("weining", "hezhang"))
    for name, sites in (
        ("WUSA220-WN220", [weining]),
        ("SX220-DF220", [hezhang]),
        ("MBDS220-HZ220", [weining, hezhang]),
    ):
        ageing = network.ageing[:, :, network.zone[names.index(name)]]
        assert np.array_equal(ageing, np.where(iced[:, :, sites].any(axis=2), 7.0, 1.0))
    assert iced.any()
    assert (network.ageing[:, :, network.zone[names.index("T-SX")]] == 1).all()


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_tables_say_where(stressed: Findings, lang: str) -> None:
    text = StringIO()
    render_adequacy(stressed, lang, Console(file=text, width=100))
    shown = text.getvalue()
    words = {
        "zh": ("单节点", "分县区", "输电层面等效值", "7.45", "99.915"),
        "en": ("one node", "By county", "Jinsha"),
    }
    for word in words[lang]:
        assert word in shown
    assert max(map(len, shown.splitlines())) <= 100


def test_the_numbers_as_json(stressed: Findings) -> None:
    told = json.loads(json.dumps(findings_as_json(stressed)))
    simulation = told["simulation"]
    assert told["level"] == "network"
    assert simulation["eue_mwh"]["value"] > told["one_node"]["eue_mwh"]["value"]
    where = simulation["by_place"]
    for part in ("buses", "counties"):
        assert sum(row["eue_mwh"]["value"] for row in where[part]) == pytest.approx(simulation["eue_mwh"]["value"])
    assert where["limiting_branches"]
    assert told["plan_targets"]["supply_reliability"]["value"] == 99.915
    # EUE / mean load, by hand: the hours of the span in which the mean load would be off altogether.
    demand_mwh = stressed.question.system.demand_mwh
    bulk = simulation["bulk_equivalent"]
    assert bulk["outage_h"]["value"] == pytest.approx(simulation["eue_mwh"]["value"] / (demand_mwh / 72))
    assert bulk["reliability_percent"] == pytest.approx(100 - 100 * simulation["eue_mwh"]["value"] / demand_mwh)
    assert "not" in bulk["note"]


def test_the_command_keeps_its_findings(tmp_path: Path) -> None:
    """A level given on the command line; what goes to standard output is what the file holds."""
    given = ["--level", "network", "--years", "16", "--json", "--quiet", "--set", "adequacy.weather_years=1"]
    done = CliRunner().invoke(app, ["adequacy", "tiny", *given, "--out", str(tmp_path / "new")])
    assert done.exit_code == 0
    assert json.loads(done.stdout)["level"] == "network"
    assert (tmp_path / "new" / ADEQUACY_FILE).read_text(encoding="utf-8") == done.stdout
    assert [path.name for path in (tmp_path / "new").iterdir()] == [ADEQUACY_FILE]


def test_a_folder_that_cannot_be_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ScenarioError, match="cannot be written"):
        write_adequacy(tmp_path / "file", "{}")
