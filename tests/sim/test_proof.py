"""Every optimum of the exact dispatch is proven by its duals; one that is not is looked for anew, or refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from dispatch_cases import make_case, random_case
from lp_cases import make_limits, random_limits
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from scenarios.errors import InvariantError
from scenarios.records import Floats
from sim.dispatch import window, wires
from sim.dispatch.commitment import commit
from sim.dispatch.lp import solve, solve_rolling
from sim.dispatch.stack import supply
from sim.dispatch.window import WindowModel

Sides = tuple[Floats, Floats]


def bound_cny(model: WindowModel) -> float:
    """Return what no point of a programme can cost less than, by the duals of its optimum.

    Lagrange: min c·x ≥ Σ y · (its side of the row) + Σ (c − Aᵀy) · (its bound of the column), for any y.
    """
    programme, solution = model._highs.getLp(), model._highs.getSolution()
    form, columns = programme.a_matrix_, np.array(programme.col_cost_)
    kind = sparse.csc_matrix if "Colwise" in str(form.format_) else sparse.csr_matrix
    shape = (programme.num_row_, programme.num_col_)
    matrix = kind((np.array(form.value_), np.array(form.index_), np.array(form.start_)), shape=shape)
    dual = np.array(solution.row_dual)
    sides = cheapest(dual, np.array(programme.row_lower_), np.array(programme.row_upper_))
    reduced = columns - matrix.T @ dual
    return sides + cheapest(reduced, np.array(programme.col_lower_), np.array(programme.col_upper_))


def cheapest(price: Floats, lower: Floats, upper: Floats) -> float:
    """Return the least of Σ price · value between bounds; prices of 10⁻⁷ and less are 0."""
    used = np.abs(price) > 1e-7
    return float(np.where(price > 0.0, lower, upper)[used] @ price[used])


@pytest.fixture
def gaps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Collect by how much of its cost each solution exceeds what its own duals allow."""
    found: list[float] = []
    solved = WindowModel._best

    def proven(model: WindowModel, lower: Floats, upper: Floats, right: Sides) -> Floats:
        values = solved(model, lower, upper, right)
        cost = float(model._highs.getInfo().objective_function_value)
        found.append((cost - bound_cny(model)) / max(abs(cost), 1.0))
        return values

    monkeypatch.setattr(WindowModel, "_best", proven)
    return found


@pytest.mark.parametrize("tightness", [0.4, 0.7, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_duals_prove_every_solution(gaps: list[float], seed: int, tightness: float):
    case = random_case(seed, days=12)
    limits = random_limits(case, seed, tightness=tightness)
    gaps.clear()
    run = solve_rolling(case, limits)
    assert len(gaps) == run.solves
    assert_allclose(gaps, 0.0, atol=1e-9)


def test_a_solution_that_is_not_proven_is_looked_for_from_no_basis(monkeypatch: pytest.MonkeyPatch):
    case = random_case(2, days=6)
    limits = random_limits(case, 2, tightness=0.7)
    straight = solve_rolling(case, limits)
    proven, doubted = WindowModel._proven, doubts()
    monkeypatch.setattr(WindowModel, "_proven", lambda model: not next(doubted) and proven(model))
    anew = solve_rolling(case, limits)
    assert (straight.restarts, anew.restarts) == (0, anew.solves)
    # Windows may end at another of equal optima, and the next one begin with another content.
    assert_allclose(anew.window_cost_cny[0], straight.window_cost_cny[0], rtol=1e-9)
    assert_allclose(anew.result.total_cost_cny, straight.result.total_cost_cny, rtol=1e-4)
    assert anew.iterations > straight.iterations


def doubts() -> Iterator[bool]:
    """Yield true and false in turns: every solution is doubted once."""
    while True:
        yield True
        yield False


def test_a_solution_that_cannot_be_proven_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(window, "DUALITY", -1.0)
    with pytest.raises(InvariantError, match="HiGHS says Optimal; primal and dual cost differ by"):
        solve(random_case(0, days=2))


def test_rows_are_expected_where_a_plain_dispatch_is_above_them_again_and_again():
    # A line for 40 MW takes all wind: 60 MW in the first ten hours of a day, 30 MW in the others, for 20 days.
    hour = np.arange(480) % 24
    wind = np.where(hour < 10, 60.0, 30.0)
    case = make_case(np.full(480, 100.0), available_mw=wind, coal_unit_mw=[200.0])
    limits, stack = make_limits(case, 40.0, renewables=[1.0]), supply(case, commit(case))
    expected = wires.often_over(case, stack, limits, 24)
    assert_array_equal(expected[:, 0], np.arange(24) < 10)
    # Once is not often: 60 MW on one day of the 20 only.
    rare = replace(case, available_mw=np.where(np.arange(480) < 24, wind, 30.0)[:, None])
    assert not wires.often_over(rare, supply(rare, commit(rare)), limits, 24).any()


def test_rows_that_are_expected_change_no_cost(monkeypatch: pytest.MonkeyPatch):
    case = random_case(4, days=20)
    limits = random_limits(case, 4, tightness=0.5)
    assert wires.often_over(case, supply(case, commit(case)), limits, 24).any()
    expected = solve_rolling(case, limits)
    monkeypatch.setattr(wires, "OFTEN", 10**6)
    found = solve_rolling(case, limits)
    assert_allclose(expected.window_cost_cny[0], found.window_cost_cny[0], rtol=1e-9)
    assert_allclose(expected.result.total_cost_cny, found.result.total_cost_cny, rtol=1e-5)
    assert expected.solves < found.solves
