"""Scenario → system: rates, maintenance, and that the node holds what the dispatch of the same year holds."""

from __future__ import annotations

import json
import subprocess
import sys
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from profiles.generate import generate
from profiles.weather import make_weather, write_csv
from scenarios.errors import DataError, ScenarioError
from scenarios.load import load_scenario
from scenarios.schema import Scenario
from scenarios.tables import ReliabilityRate
from sim.fleet import build_case
from sim.progress import Stages
from sim.reliability.adequacy import Plan
from sim.reliability.arrays import in_service_mw, one_row
from sim.reliability.build import regional_system, system_of, weather_scenarios
from sim.reliability.outages import mean_up_h, plan_maintenance, rates_by_technology, unavailability_of
from sim.reliability.study import answer, findings_as_json, members, published_question, regional_question
from sim.reliability.system import AdequacySystem
from sim.report.adequacy import render_adequacy

ROOT = Path(__file__).parents[3]
QUIET = Stages(quiet=True)


def rate(**changes: object) -> ReliabilityRate:
    values = {
        "component": "steam", "failure_rate": 4.0, "failure_rate_unit": "per unit and year", "repair_h": 73.0,
        "technologies": "a b", "source": "hand-made example", "confidence": "assumed",
    }  # fmt: skip
    return ReliabilityRate.model_validate(values | changes)


def test_mean_time_to_failure_by_hand() -> None:
    """U = 0.2 with 10 h of repair: up 40 h. Without U: 4 · 73 / 8760 = 1/30, so up 29 · 73 h."""
    assert mean_up_h(rate(unavailability=0.2, repair_h=10)) == pytest.approx(40)
    assert unavailability_of(rate()) == pytest.approx(1 / 30)
    assert mean_up_h(rate()) == pytest.approx(29 * 73)
    assert mean_up_h(rate(failure_rate=0)) == float("inf")


def test_every_technology_has_exactly_one_rate() -> None:
    with pytest.raises(DataError) as caught:
        rates_by_technology([rate(), rate(component="other", technologies="b")], ["a", "b", "c"])
    assert [problem.what for problem in caught.value.problems] == [
        'technology "b" is named by 2 rows',
        'technology "c" is named by 0 rows',
    ]


def test_maintenance_goes_where_the_need_is_least() -> None:
    """Need 9 5 5 9 2 9: the 6 MW unit (2 days) goes to days 1–2 (most 5). Those then stand at 11, 11.

    The 1 MW unit (1 day) goes to day 4.
    """
    need = np.array([9.0, 5, 5, 9, 2, 9])
    start = plan_maintenance(np.array([1.0, 6.0]), np.array([1, 2]), need)
    assert list(start) == [4, 1]


@pytest.fixture(scope="module")
def tiny() -> Scenario:
    return load_scenario("tiny", ["adequacy.weather_years=2"])


@pytest.fixture(scope="module")
def region(tiny: Scenario) -> AdequacySystem:
    cases = [build_case(year, generate(year, make_weather(year))) for year in weather_scenarios(tiny)]
    return system_of(tiny, cases, ["1", "2"])


def test_the_region_is_the_fleet_of_the_dispatch(tiny: Scenario, region: AdequacySystem) -> None:
    first = weather_scenarios(tiny)[0]
    case = build_case(first, generate(first, make_weather(first)))
    coal = case.coal_units @ case.coal_unit_mw
    assert in_service_mw(region, one_row(region), 1 + len(region.hydros))[0] == pytest.approx(
        [coal, *case.hydro_capacity_mw]
    )
    assert region.load_mw[0] == pytest.approx(case.load_mw.sum(axis=1) * 1.02)
    assert region.capacity_of(["W1", "B1"]) == 600
    assert not np.array_equal(region.renewable_mw[0], region.renewable_mw[1])
    assert len(region.units) == case.coal_units.sum() + sum(p.units for p in tiny.plants_of("hydro"))


def test_hydro_units_belong_to_their_plant(region: AdequacySystem) -> None:
    for plant, place in zip(region.unit_plant, region.unit_hydro, strict=True):
        assert (plant in region.hydros) == (place >= 0)
        if place >= 0:
            assert region.hydros[place] == plant


def test_a_whole_year_has_its_maintenance() -> None:
    year = load_scenario("plan-2025")
    case = build_case(year, generate(year, make_weather(year)))
    days = (system_of(year, [case], ["1"]).out_to - system_of(year, [case], ["1"]).out_from) // 24
    assert sorted(set(days.tolist())) == [16, 19, 27]
    calm = load_scenario("plan-2025", ["adequacy.maintenance=false"])
    none = system_of(calm, [case], ["1"])
    assert (none.out_to == none.out_from).all()


def test_weather_files_give_one_weather_year(tiny: Scenario) -> None:
    filed = load_scenario("tiny", ['weather.sites.weining.file="some.csv"'])
    assert weather_scenarios(filed) == [filed]
    assert [year.settings.weather.seed for year in weather_scenarios(tiny)] == [1, 2]


def test_weather_years_from_files(tmp_path: Path) -> None:
    """Two years written by the synthetic generator and read again are the two weather years, in the order given."""
    base = ["time.hours=48"]
    for seed in (3, 8):
        made = load_scenario("tiny", [*base, f"weather.seed={seed}"])
        write_csv(make_weather(made), "weining", tmp_path / f"{seed}.csv")
    files = [tmp_path / "8.csv", tmp_path / "3.csv"]
    listed = ", ".join(f'"{file}"' for file in files)
    years = load_scenario("tiny", [*base, f"adequacy.weather_files=[{listed}]"])
    found = regional_system(years, QUIET)
    assert found.weathers == ("8.csv", "3.csv")
    first = load_scenario("tiny", [*base, f'weather.sites.weining.file="{files[0]}"'])
    alone = build_case(first, generate(first, make_weather(first)))
    assert np.array_equal(found.renewable_mw[0], alone.available_mw)
    assert not np.array_equal(found.renewable_mw[0], found.renewable_mw[1])


def test_groups_and_plants_are_known_by_name(tiny: Scenario) -> None:
    question = regional_question(tiny, QUIET)
    assert members(question, "W1") == ("W1",)
    assert set(members(question, "wind")) == {plant.plant_id for plant in tiny.plants_of("wind")}
    with pytest.raises(ScenarioError, match="did you mean"):
        members(question, "wnd")


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_table_says_estimates_errors_and_exact_values(lang: str) -> None:
    findings = answer(published_question("rts79"), Plan(years=64), ["U12_b15_1"], QUIET)
    text = StringIO()
    render_adequacy(findings, lang, Console(file=text, width=100))
    shown = text.getvalue()
    for word in ("LOLE", "LOLH", "EUE", "NEUE", "LOLF", "9.394175", "1,176.298", "ELCC", "EFC"):
        assert word in shown
    assert max(map(len, shown.splitlines())) <= 100
    told = json.loads(json.dumps(findings_as_json(findings)))
    assert told["exact"]["lolh_h"] == pytest.approx(9.394175, abs=1e-6)
    assert told["simulation"]["years"] == 64
    assert told["credits"][0]["capacity_mw"] == 12


def test_a_region_without_shortage_says_so(tiny: Scenario) -> None:
    findings = answer(regional_question(tiny, QUIET), Plan(years=32), [], QUIET)
    text = StringIO()
    render_adequacy(findings, "en", Console(file=text, width=100))
    assert "0 of 32 years were short" in text.getvalue()
    assert "Outage rates that are not published" in text.getvalue()


def test_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "simulate.py", "adequacy", "rts79", "--years", "32", "--json", "--quiet", "--seed", "3"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    told = json.loads(done.stdout)
    assert (told["system"], told["seed"], told["simulation"]["years"]) == ("rts79", 3, 32)
    refused = subprocess.run(
        [sys.executable, "simulate.py", "adequacy", "rts79", "--set", "load.peak_mw=1"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert refused.returncode == 2
    assert "published system" in refused.stderr
