"""The search for the first capacity that breaks a criterion, on curves whose crossings are known."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import pytest

from sim.absorption.crossing import Crossing, Probe, crossing_near, first_crossing

GRID = [0.0, 1000.0, 2000.0, 3000.0, 4000.0, 5000.0]


class Curve:
    """A curve that remembers what was asked of it."""

    def __init__(self, function: Callable[[float], float]) -> None:
        self.function = function
        self.asked: list[float] = []

    def __call__(self, capacities_mw: Sequence[float]) -> list[float]:
        self.asked += capacities_mw
        return [self.function(mw) for mw in capacities_mw]


def step_at(edge_mw: float) -> Callable[[float], float]:
    return lambda mw: -1.0 if mw < edge_mw else 1.0


RISING = {
    "line": lambda mw: (mw - 3333) / 3333,
    "bent up": lambda mw: (mw / 3333) ** 4 - 1,
    "bent down": lambda mw: 1 - math.sqrt(3333 / max(mw, 1.0)),
    "flat, then a wall": lambda mw: 1e-6 * (mw - 3333) if mw < 3333 else 5.0,
    "high, then slow": lambda mw: -5.0 if mw < 3333 else 1e-6 * (mw - 3332),
}


@pytest.mark.parametrize("name", RISING)
def test_the_crossing_is_found_to_the_resolution_in_few_years(name: str):
    curve = Curve(RISING[name])
    found = first_crossing(curve, GRID, 10.0)
    assert (found.status, found.holds_mw, found.breaks_mw) == ("found", 3330.0, 3340.0)
    assert found.returns_mw == ()
    # 6 samples, then at least a factor of two per round of two points: 1000 → 10 MW in at most 7 rounds.
    assert len(curve.asked) == len(set(curve.asked)) <= 6 + 2 * 7


@pytest.mark.parametrize("edge_mw", [1.0, 9.0, 10.0, 11.0, 990.0, 999.0, 1000.5, 4999.0])
def test_a_step_is_found_wherever_it_is(edge_mw: float):
    found = first_crossing(Curve(step_at(edge_mw)), GRID, 10.0)
    assert found.holds_mw is not None
    assert found.breaks_mw is not None
    assert found.holds_mw < edge_mw <= found.breaks_mw
    assert found.breaks_mw - found.holds_mw <= 10.0


def test_an_interval_that_is_no_multiple_of_the_resolution_is_narrowed_too():
    found = first_crossing(Curve(step_at(77.0)), [0.0, 25.0, 95.0], 10.0)
    assert (found.holds_mw, found.breaks_mw) == (75.0, 85.0)
    last = first_crossing(Curve(step_at(93.0)), [0.0, 25.0, 92.0, 95.0], 10.0)
    assert (last.holds_mw, last.breaks_mw) == (92.0, 95.0)


def test_a_curve_that_comes_back_is_noticed_and_the_first_crossing_is_the_answer():
    # Breaks between 1500 and 2500 MW, holds again until 4200 MW: a search by halves would land at 4200.
    curve = Curve(lambda mw: 1.0 if 1500 <= mw <= 2500 or mw > 4200 else -1.0)
    found = first_crossing(curve, GRID, 10.0)
    assert (found.holds_mw, found.breaks_mw) == (1490.0, 1500.0)
    assert found.returns_mw == (3000.0,)
    assert found.crossings[0] == Crossing(1490.0, 1500.0, up=True)
    assert [crossing.up for crossing in found.crossings] == [True, False, True]


def test_no_capacity_holds():
    found = first_crossing(Curve(lambda mw: 1.0), GRID, 10.0)
    assert (found.status, found.holds_mw, found.breaks_mw) == ("none", None, 0.0)


def test_every_capacity_holds():
    found = first_crossing(Curve(lambda mw: -1.0), GRID, 10.0)
    assert (found.status, found.holds_mw, found.breaks_mw) == ("beyond", 5000.0, None)


def test_exactly_at_the_limit_still_holds():
    # excess(2000) = 0 is allowed; 2010 is not.
    found = first_crossing(Curve(lambda mw: (mw - 2000) / 2000), GRID, 10.0)
    assert (found.holds_mw, found.breaks_mw) == (2000.0, 2010.0)


@pytest.mark.parametrize("guess_mw", [0.0, 1700.0, 3330.0, 4999.0, 9000.0])
def test_from_any_guess_the_same_crossing(guess_mw: float):
    curve = Curve(RISING["line"])
    found = crossing_near(curve, GRID, guess_mw, 10.0)
    assert (found.status, found.holds_mw, found.breaks_mw) == ("found", 3330.0, 3340.0)


@pytest.mark.parametrize(
    ("function", "status", "holds_mw"),
    [(lambda mw: 1.0, "none", None), (lambda mw: -1.0, "beyond", 5000.0)],
)
def test_from_a_guess_to_either_end(function: Callable[[float], float], status: str, holds_mw: float | None):
    found = crossing_near(Curve(function), GRID, 2500.0, 10.0)
    assert (found.status, found.holds_mw) == (status, holds_mw)


def test_a_good_guess_saves_years():
    probes: list[Probe] = [Curve(RISING["line"]), Curve(RISING["line"])]
    first_crossing(probes[0], GRID, 10.0)
    crossing_near(probes[1], GRID, 3330.0, 10.0)
    assert len(probes[1].asked) < len(probes[0].asked)  # type: ignore[attr-defined]
