"""Capacity credit: where it is known beforehand, and that it lies within its interval."""

from __future__ import annotations

import numpy as np
import pytest
from adequacy_cases import storages, system, wavy_load

from scenarios.errors import ScenarioError
from sim.progress import Stages
from sim.reliability.adequacy import Plan
from sim.reliability.convolution import exact
from sim.reliability.credit import Goal, capacity_credit, interval_95
from sim.reliability.system import AdequacySystem, replaced

QUIET = Stages(quiet=True)
PLAN = Plan(years=400, seed=2)
ANY_RISK = Goal("eue", target_lolh=1e-9)


def risky(**changes: object) -> AdequacySystem:
    return system([20, 20, 20, 15, 6], wavy_load(480, 45, 8), [100, 100, 100, 100, np.inf], 12, **changes)


def test_a_perfect_unit_is_worth_its_capacity() -> None:
    """Firm capacity is constant load it carries: both credits of a unit that never fails are its 6 MW."""
    found = capacity_credit(risky(), "G4", ["G4"], PLAN, ANY_RISK, QUIET)
    assert found.capacity_mw == 6
    assert found.elcc_mw.value == pytest.approx(6, abs=0.01)
    assert found.efc_mw.value == pytest.approx(6, abs=0.01)
    assert found.elcc_mw.standard_error == pytest.approx(0, abs=0.01)


def test_a_plant_that_is_never_there_is_worth_nothing() -> None:
    dark = risky(renewables=("V",), renewable_capacity_mw=np.array([10.0]), renewable_mw=np.zeros((1, 480, 1)))
    found = capacity_credit(dark, "V", ["V"], PLAN, ANY_RISK, QUIET)
    assert found.elcc_mw.value == pytest.approx(0, abs=0.01)
    assert found.efc_mw.value == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("measure", ["eue", "lolh"])
def test_a_unit_that_fails_has_the_credit_of_the_exact_method(measure: str) -> None:
    """The load at which the exact risk with the unit equals that without it lies within three standard errors."""
    s = risky()
    found = capacity_credit(s, "G3", ["G3"], Plan(4000, 5), Goal(measure, 1e-9), QUIET)  # type: ignore[arg-type]

    def risk(of: AdequacySystem, more_mw: float) -> float:
        known = exact(replaced(of, load_mw=of.load_mw + more_mw))
        return known.eue_mwh if measure == "eue" else known.lolh_h

    at, error = found.elcc_mw.value, found.elcc_mw.standard_error
    assert 0 < error < 0.5
    wanted = risk(s.without(["G3"]), 0.0)
    assert risk(s, at - 3 * error) <= wanted <= risk(s, at + 3 * error)
    low, high = interval_95(found.elcc_mw)
    assert high - low == pytest.approx(3.92 * error)


def test_a_system_without_risk_is_loaded_first() -> None:
    calm = replaced(risky(), load_mw=risky().load_mw - 25)
    found = capacity_credit(calm, "G3", ["G3"], PLAN, Goal("eue", 2.4), QUIET)
    assert found.added_load_mw > 10
    assert 0 < found.elcc_mw.value < 15


def test_storage_has_a_credit_below_its_power() -> None:
    s = risky(**storages(((5, 10),), 0.9), measures=("storage",))
    found = capacity_credit(s, "storage", ["S0"], PLAN, ANY_RISK, QUIET)
    assert 0 < found.elcc_mw.value < 5


def test_without_leaves_the_rest_as_it_was() -> None:
    s = risky(renewables=("V", "W"), renewable_capacity_mw=np.ones(2), renewable_mw=np.ones((1, 480, 2)))
    rest = s.without(["G1", "V"])
    assert rest.units == ("G0", "G2", "G3", "G4")
    assert rest.renewables == ("W",)
    assert list(rest.capacity_mw) == [20, 20, 15, 6]
    assert rest.renewable_mw.shape == (1, 480, 1)


def test_a_target_out_of_reach_is_an_error() -> None:
    with pytest.raises(ScenarioError, match="credit_lolh"):
        capacity_credit(risky(), "G3", ["G3"], PLAN, Goal("eue", 1000.0), QUIET)
