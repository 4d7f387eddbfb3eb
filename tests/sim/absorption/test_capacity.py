"""Capacity of a site and the frontier of two: by hand on three buses, and by a second path on the real tables."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from absorption_cases import LOAD_MW, branch_limits, day, lines_of, study_of, sunny_day

from grid.checks import check_network
from scenarios.load import load_scenario
from sim.absorption.annual import Companion, Study, at_sizes, evaluate, prepare, weather_year
from sim.absorption.capacity import Answer, Book, ceiling_mw, find_capacity, spread_over_years
from sim.absorption.criteria import criteria
from sim.absorption.frontier import trace
from sim.absorption.study import Question, answer, as_json, full_load_hours, rows
from sim.metrics import summarise
from sim.pipeline import simulate
from sim.progress import Stages

QUIET = Stages(quiet=True)


def book_of(study: Study, jobs: int = 1) -> Book:
    return Book(study, sunny_day(study), jobs)


@pytest.fixture(scope="module")
def surplus() -> Answer:
    """V1 alone beside the load; V2 has nothing."""
    study = study_of(without_v2(), "weining")
    return find_capacity(book_of(study), 0, QUIET)


def without_v2() -> Any:
    scenario = day()
    plants = tuple(row for row in scenario.tables.plants if row.plant_id != "V2")
    tables = scenario.tables.model_copy(update={"plants": plants})
    return type(scenario)(settings=scenario.settings, tables=tables)


def test_surplus_over_a_flat_load(surplus: Answer):
    # Curtailed share (C − 100) / C ≤ 0.05  ⇔  C ≤ 100 / 0.95 = 105.26 MW.
    assert (surplus.found.status, surplus.capacity_mw, surplus.found.breaks_mw) == ("found", 105.0, 106.0)
    assert surplus.at is not None
    assert surplus.at.tech.rate == pytest.approx(5 / 105, abs=1e-7)
    assert surplus.at.tech.available_gwh == pytest.approx(105 * 8 / 1000)
    assert surplus.at.sites[0].accepted_gwh == pytest.approx(100 * 8 / 1000, abs=1e-7)
    # 100 MW · 8 h of 105 MW.
    assert full_load_hours(surplus) == pytest.approx(800 / 105, abs=1e-4)
    assert [item.key for item in surplus.beyond] == ["curtailment"]
    assert surplus.found.returns_mw == ()
    assert surplus.falling_mw == ()


def test_marginal_rate_of_the_last_100_mw(surplus: Answer):
    # From 5 to 105 MW 100 MW · 8 h more are available, of which 5 MW · 8 h are curtailed.
    assert surplus.marginal_rate == pytest.approx(0.05, abs=1e-7)


def test_surplus_is_named_as_the_cause(surplus: Answer):
    assert surplus.reason is not None
    shares = dict(surplus.reason.shares)
    assert shares["surplus"] == pytest.approx(1.0, abs=1e-6)
    assert shares["network"] == pytest.approx(0.0, abs=1e-6)


def test_a_line_that_is_too_small():
    # V2 behind L2 of 60 MW, V1 gone: (C − 60) / C ≤ 0.05  ⇔  C ≤ 63.16 MW, though the load takes 100 MW.
    scenario = day(line_mw=60.0)
    plants = tuple(row for row in scenario.tables.plants if row.plant_id != "V1")
    tables = scenario.tables.model_copy(update={"plants": plants})
    study = study_of(type(scenario)(settings=scenario.settings, tables=tables), "V2")
    found = find_capacity(book_of(study), 0, QUIET)
    assert (found.capacity_mw, found.found.breaks_mw) == (63.0, 64.0)
    assert found.reason is not None
    assert dict(found.reason.shares)["network"] == pytest.approx(1.0, abs=1e-4)
    (row,) = found.reason.rows
    # L2 binds in the 8 hours of sun; 3 MW · 8 h stay behind it; the line is an assumption and is called one.
    assert (row.row, row.hours, row.confidence) == ("L2", 8.0, "assumed")
    assert row.mwh == pytest.approx(24.0, abs=1e-3)


def test_a_site_that_already_stands_too_high_is_searched_downwards():
    # V1 stands at 40, V2 at 20; with a limit of 5 % and 58 MW on L1's side nothing breaks, so V2 is given 150 MW:
    # (V1 + 150 − 100) / (V1 + 150) = 90 / 190 at present; even V1 = 0 leaves 50 / 150 > 5 %.
    scenario = day()
    plants = tuple(
        row.model_copy(update={"unit_mw": 150.0}) if row.plant_id == "V2" else row for row in scenario.tables.plants
    )
    grown = type(scenario)(settings=scenario.settings, tables=scenario.tables.model_copy(update={"plants": plants}))
    none = find_capacity(book_of(study_of(grown, "V1")), 0, QUIET)
    assert (none.found.status, none.capacity_mw, none.at) == ("none", 0.0, None)
    # V2 itself can come down to 65 MW: V1 40 + 65 = 105.
    down = find_capacity(book_of(study_of(grown, "V2")), 0, QUIET)
    assert (down.found.status, down.capacity_mw, down.found.breaks_mw) == ("found", 65.0, 66.0)


def test_the_ceiling_is_above_every_answer():
    study = study_of(without_v2(), "V1")
    ceiling = ceiling_mw(study, sunny_day(study), 0)
    # 1.1 · 100 MW (losses) = 110 taken at most: (C − 110) / C > 5 % from 115.8 MW; steps of 10 · 1 MW from 40.
    assert ceiling == 120.0


def test_the_limit_may_be_about_the_sites():
    # V1 = 40 MW at the load, V2 behind 60 MW: region (y − 60) / (40 + y), site (y − 60) / y.
    region = find_capacity(book_of(study_of(day(line_mw=60.0), "V2")), 0, QUIET)
    sites = find_capacity(book_of(study_of(day(line_mw=60.0, account="sites"), "V2")), 0, QUIET)
    # Up to y = 60 all is taken (40 + 60 = 100). y − 60 ≤ 0.05 (40 + y) ⇔ y ≤ 65.26; the dispatch chooses whom it
    # curtails of V1 and V2 once 100 MW are there, so the site's own rate is between 0 and all of it.
    assert region.capacity_mw == 65.0
    assert 60.0 < sites.capacity_mw <= 65.0


# --- the frontier ---


def test_frontier_of_two_sites_by_hand():
    study = study_of(day(), "weining", "hezhang")
    first, second = [0.0, 30.0, 60.0, 90.0, 120.0], [0.0, 20.0, 40.0, 80.0, 110.0]
    found = trace(book_of(study), first, second, QUIET)
    total = np.add.outer(first, second)
    by_hand = np.where(total > LOAD_MW, (total - LOAD_MW) / np.maximum(total, 1.0), 0.0)
    np.testing.assert_allclose(found.rate, by_hand, atol=1e-7)
    np.testing.assert_array_equal(found.excess > 0, by_hand > 0.05)
    assert not found.returns
    # Excess is rate / 0.05 − 1. Of 60 MW at V1: −1 at y = 40 (all taken), 40 / 140 / 0.05 − 1 = 4.714 at y = 80,
    # so the straight line is zero at 40 + 40 / 5.714 = 47.0 (the curve itself at 45.26).
    assert dict(found.line)[60.0] == pytest.approx(47.0, abs=1e-4)
    # Of y = 20: −1 at x = 60 and (90: 10 / 110 / 0.05 − 1 = 0.8182) zero at 60 + 30 / 1.8182 = 76.5.
    assert (pytest.approx(76.5, abs=1e-4), 20.0) in found.line
    assert len(found.line) == 8
    assert [x for x, _ in found.line] == sorted(x for x, _ in found.line)


def test_exchanged_sites_give_the_mirrored_frontier():
    first, second = [0.0, 45.0, 70.0, 100.0], [0.0, 30.0, 65.0, 120.0]
    one = trace(book_of(study_of(day(60.0), "weining", "hezhang")), first, second, QUIET)
    other = trace(book_of(study_of(day(60.0), "hezhang", "weining")), second, first, QUIET)
    np.testing.assert_array_equal(one.rate, other.rate.T)
    np.testing.assert_array_equal(one.excess, other.excess.T)
    assert one.mirrored == other.line


# --- what must hold for any study ---


@pytest.fixture(scope="module")
def tiny() -> Study:
    return prepare(load_scenario("tiny"), ["weining", "hezhang"])


@pytest.fixture(scope="module")
def alone() -> dict[str, Any]:
    return as_json(answer(three_days(), Question(("weining",), weather_years=2, jobs=1), QUIET))


def three_days() -> Any:
    return load_scenario("tiny", ["absorption.resolution_mw=50", "absorption.samples=5"])


def test_any_number_of_workers_gives_the_same(alone: dict[str, Any]):
    together = as_json(answer(three_days(), Question(("weining",), weather_years=2, jobs=3), QUIET))
    assert json.dumps(together, sort_keys=True) == json.dumps(alone, sort_keys=True)


def test_weather_years_are_drawn_and_differ(alone: dict[str, Any]):
    spread = alone["sites"][0]["spread"]
    assert list(spread["by_seed_mw"]) == ["1", "2"]
    assert spread["p10_mw"] <= spread["p50_mw"] <= spread["p90_mw"]


def test_a_drawn_year_has_a_weather_of_its_own(tiny: Study):
    years = [weather_year(tiny, seed).profiles.available_mw for seed in (1, 2, 1)]
    assert not np.allclose(years[0], years[1])
    np.testing.assert_array_equal(years[0], years[2])


def test_the_capacity_found_is_what_a_run_says():
    """The region's PV as one site against ``scale.pv`` of an ordinary run: two ways to the same year."""
    scenario = load_scenario("tiny", ["absorption.resolution_mw=200", "absorption.samples=5"])
    study = prepare(scenario, ["bijie"])
    book = Book(study, weather_year(study))
    found = find_capacity(book, 0, QUIET)
    present = study.sites[0].capacity_mw
    assert found.at is not None
    at = found.capacity_mw / present
    outcome = simulate(load_scenario("tiny", [f"scale.pv={at!r}"]), QUIET)
    metrics = summarise(outcome)
    assert metrics["curtailment"]["pv"]["rate"] == pytest.approx(found.at.tech.rate, abs=1e-9)
    assert metrics["curtailment"]["pv"]["available_gwh"] == pytest.approx(found.at.tech.available_gwh, rel=1e-9)
    assert metrics["network"]["loading"]["max"] == pytest.approx(found.at.security.loading_max, rel=1e-6)
    assert metrics["network"]["hours_failed"] == found.at.security.unsolved_h


def test_growth_leaves_the_lines_as_they_are(tiny: Study):
    """The sizing rule would widen the assumed lines of a grown Weining; the study keeps those of today."""
    scenario = load_scenario("tiny")
    today = check_network(scenario).elements.lines
    grown, _ = at_sizes(tiny, weather_year(tiny), [3 * tiny.sites[0].capacity_mw, tiny.sites[1].capacity_mw])
    assert [(row.line_id, row.line_type, row.circuits) for row in lines_of(grown)] == [
        (row.line_id, row.line_type, row.circuits) for row in today
    ]
    np.testing.assert_array_equal(branch_limits(grown), tiny.model.limit_from_ka)
    resized = grown.settings.grid.model_copy(update={"size_assumed_elements": True})
    would = type(grown)(
        settings=grown.settings.model_copy(update={"grid": resized}),
        tables=grown.tables.model_copy(update={"lines": scenario.tables.lines}),
    )
    assert check_network(would).sizing_changes != check_network(scenario).sizing_changes


def test_multipliers_are_part_of_what_stands(tiny: Study):
    study = prepare(load_scenario("tiny", ["scale.pv=0.5"]), ["weining", "hezhang"])
    assert study.base_mw == (1650.0, 450.0)
    point = evaluate(study, weather_year(study), study.base_mw)
    double = evaluate(tiny, weather_year(tiny), tiny.base_mw)
    assert point.tech.available_gwh == pytest.approx(double.tech.available_gwh / 2, rel=1e-12)


def test_storage_comes_with_growth():
    study = study_of(day(), "weining", "hezhang", companion=Companion(0.1, 4.0))
    battery = load_scenario("plan-2025").tables.storages[0]
    tables = study.scenario.tables.model_copy(update={"storages": (battery.model_copy(update={"bus_id": "B220"}),)})
    scenario = type(study.scenario)(settings=study.scenario.settings, tables=tables)
    study = study_of(scenario, "weining", "hezhang", companion=Companion(0.1, 4.0))
    grown, _ = at_sizes(study, sunny_day(study), [140.0, 10.0])
    # 0.1 · (140 − 40) = 10 MW · 4 h beside V1; V2 shrank from 20 to 10 MW and brings nothing.
    added = grown.storages[1:]
    assert [(row.storage_id, row.bus_id, row.power_mw, row.energy_mwh) for row in added] == [
        ("with-V1", "B220", pytest.approx(10.0), pytest.approx(40.0))
    ]


def test_security_is_held_against_the_base_of_the_same_weather(surplus: Answer):
    rules = day().settings.absorption
    base = surplus.base
    worse = {
        "unserved_mwh": 1.5,
        "unsolved_h": 1.0,
        "overloaded_h": 2.0,
        "loading_max": 1.02,
        "voltage_outside": 0.002,
    }
    for name, value in worse.items():
        security = type(base.security)(
            **{k: getattr(base.security, k) for k in base.security.__dataclass_fields__} | {name: value}
        )
        point = type(base)(**{k: getattr(base, k) for k in base.__dataclass_fields__} | {"security": security})
        broken = [item.key for item in criteria(point, base, rules, 1.0) if item.broken]
        assert broken == [name]
        assert [item.key for item in criteria(point, point, rules, 1.0) if item.broken] == []


def test_every_simulated_year_is_a_row(surplus: Answer):
    question = Question(("weining", "hezhang"), frontier_points=2)
    scenario = load_scenario("tiny", ["absorption.resolution_mw=500", "absorption.samples=3"])
    findings = answer(scenario, question, QUIET)
    table = rows(findings)
    sizes = [(row["weining_mw"], row["hezhang_mw"]) for row in table]
    assert sizes == sorted(set(sizes))
    assert (3300.0, 900.0) in sizes
    assert all(np.isfinite(row["rate"]) for row in table)
    json.dumps(as_json(findings), allow_nan=False)


def test_spread_of_a_year_with_another_answer_walks_to_it(surplus: Answer, monkeypatch: pytest.MonkeyPatch):
    """A weather year with half the sun: (C / 2 − 100) / (C / 2) ≤ 0.05 ⇔ C ≤ 210.5 MW, twice the usual answer."""
    study = study_of(without_v2(), "weining")

    def dim(given: Study, seed: int) -> Any:
        year = sunny_day(given)
        factor = {1: 1.0, 2: 0.5}[seed]
        profiles = type(year.profiles)(
            **{k: getattr(year.profiles, k) for k in year.profiles.__dataclass_fields__}
            | {"available_mw": year.profiles.available_mw * factor}
        )
        return type(year)(str(seed), year.scenario, profiles)

    monkeypatch.setattr("sim.absorption.capacity.weather_year", dim)
    wide = type(surplus)(
        **{k: getattr(surplus, k) for k in surplus.__dataclass_fields__}
        | {"found": type(surplus.found)("found", 105.0, 106.0, (*surplus.found.samples, (300.0, 5.0)))}
    )
    spread = spread_over_years(study, wide, [1, 2], 1, QUIET)
    assert spread.capacity_mw == (105.0, 210.0)
    # Linear between two sorted years: 105 + 0.1 · 105, + 0.5 · 105, + 0.9 · 105.
    assert spread.quantiles_mw == pytest.approx((115.5, 157.5, 199.5))
    assert spread.open_years == 0
