"""All profiles together: order does not matter by a bit, names are the tables', leap years and parts of years."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import numpy as np
import pytest
from weather_cases import scenario, weather

from profiles.generate import generate
from profiles.records import Profiles
from scenarios.errors import ScenarioError
from scenarios.records import Floats
from scenarios.schema import Scenario
from scenarios.tables import Plant

SPRING = ("time.start=2025-04-10", "time.hours=72")


@cache
def profiles(*overrides: str) -> Profiles:
    return generate(scenario(*overrides), weather(*overrides))


def with_plants(case: Scenario, plants: Iterable[Plant]) -> Scenario:
    return Scenario(settings=case.settings, tables=case.tables.model_copy(update={"plants": tuple(plants)}))


def columns(result: Profiles, names: tuple[str, ...]) -> Floats:
    return result.available_mw[:, [result.renewables.index(name) for name in names]]


def test_names_are_those_of_the_tables_in_their_order() -> None:
    case, made = scenario(*SPRING), profiles(*SPRING)
    assert made.renewables == tuple(plant.plant_id for plant in case.plants if plant.tech in ("wind", "pv"))
    assert made.loads == tuple(load.load_id for load in case.tables.loads)
    assert made.available_mw.shape == (72, len(made.renewables))
    assert made.hydro_budget_mwh.shape == (3, len(made.hydros))
    assert all(en and zh for en, zh in made.notes)
    assert made.notes[-1][0].endswith("dispersion.wind_sigma_ms is 1.45.")


def test_permuted_plants_give_permuted_results_bit_for_bit() -> None:
    case, made = scenario(*SPRING), profiles(*SPRING)
    shuffled = np.random.default_rng(5).permutation(len(case.tables.plants))
    again = generate(with_plants(case, [case.tables.plants[i] for i in shuffled]), weather(*SPRING))
    assert again.renewables != made.renewables
    assert np.array_equal(columns(again, made.renewables), made.available_mw)
    assert again.clipped_gwh[[again.renewables.index(n) for n in made.renewables]] == pytest.approx(
        made.clipped_gwh
    )
    hydro = [again.hydros.index(name) for name in made.hydros]
    assert np.array_equal(again.hydro_budget_mwh[:, hydro], made.hydro_budget_mwh)


def test_a_plant_taken_out_changes_no_other() -> None:
    case, made = scenario(*SPRING), profiles(*SPRING)
    fewer = generate(
        with_plants(case, [p for p in case.tables.plants if p.plant_id not in ("V3", "W2")]), weather(*SPRING)
    )
    assert len(fewer.renewables) == len(made.renewables) - 2
    assert np.array_equal(columns(made, fewer.renewables), fewer.available_mw)


def test_the_same_seed_gives_the_same_and_another_another() -> None:
    assert np.array_equal(
        generate(scenario(*SPRING), weather(*SPRING)).available_mw, profiles(*SPRING).available_mw
    )
    assert not np.array_equal(profiles(*SPRING, "weather.seed=2").available_mw, profiles(*SPRING).available_mw)


def test_scale_multiplies_and_zero_removes() -> None:
    double = profiles(*SPRING, "scale.pv=2", "scale.wind=0")
    pv = tuple(plant.plant_id for plant in scenario(*SPRING).plants_of("pv"))
    assert double.renewables == pv
    assert double.available_mw == pytest.approx(2 * columns(profiles(*SPRING), pv))


def test_a_leap_year_has_its_day() -> None:
    made = profiles("time.year=2024", "time.start=2024-02-28", "time.hours=72")
    assert len(made.time) == 72
    assert made.hydro_budget_mwh.shape[0] == 3
    assert np.isfinite(made.available_mw).all()
    assert made.available_mw[24:48].sum() > 0  # 29 February


def test_hours_cut_from_a_day_work() -> None:
    made = profiles("time.start=2025-04-10", "time.hours=1")
    assert made.available_mw.shape[0] == 1
    assert np.isfinite(made.available_mw).all()
    assert made.hydro_budget_mwh[0] * 72 / 3 == pytest.approx(profiles(*SPRING).hydro_budget_mwh[0])


def test_a_county_without_weather_is_named_with_a_cure() -> None:
    case = scenario(*SPRING)
    counties = tuple(
        row.model_copy(update={"weather_site": "weinin"}) if row.county == "威宁" else row
        for row in case.tables.counties
    )
    broken = Scenario(settings=case.settings, tables=case.tables.model_copy(update={"counties": counties}))
    with pytest.raises(ScenarioError) as error:
        generate(broken, weather(*SPRING))
    assert [problem.place for problem in error.value.problems] == ["counties.csv (威宁)"]
    assert error.value.problems[0].cure == 'did you mean "weining"?'


def test_weather_of_other_hours_is_refused() -> None:
    with pytest.raises(ScenarioError, match="covers other hours"):
        generate(scenario(*SPRING), weather())


def test_the_year_of_the_plan_is_plausible() -> None:
    made = profiles()
    load, export = made.load_mw.sum(axis=1), made.export_mw.sum(axis=1)
    assert 16.0 < load.sum() / 1e6 < 17.0  # TWh, as derived from the plan (60 TWh generated, 40 TWh sent out)
    assert 2900 < load.max() < 3200
    assert made.time.month[load.argmax()] in (12, 1)
    assert export.sum() / 1e6 == pytest.approx(40.0)
    ramps = np.abs(np.diff(made.available_mw.sum(axis=1)))
    # A single pair of masts gives 2.3 GW (99th percentile) and 3.8–4.8 GW (largest) for the same 12 GW.
    assert np.percentile(ramps, 99) < 1700
    assert ramps.max() < 3000
