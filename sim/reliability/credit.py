"""Capacity credit of plants: how much load they carry (ELCC), how much firm capacity they equal (EFC).

    ELCC  constant load x that the system *with* the plants carries at the risk of the system without them:
          risk(with, load + x) = risk(without, load)
    EFC   firm capacity x that gives the system *without* the plants the risk of the system with them:
          risk(without, firm x) = risk(with)

(Garver 1966, IEEE Trans. PAS-85; NREL PRAS documentation.) Both sides are sampled with the same outages and weather
(common random numbers), so the difference of annual figures has a small spread. The solution is found by bisection;
its standard error is s/√N of the annual differences there, divided by the slope of risk over MW (delta method).
A system with less risk than ``target_lolh`` first gets constant load until it has this many hours of shortage:
where nothing ever fails, no plant has a measurable credit.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal

import numpy as np

from scenarios.errors import Problem, ScenarioError
from scenarios.records import Floats
from sim.progress import Stages
from sim.reliability import kernels
from sim.reliability.adequacy import Plan
from sim.reliability.estimates import Estimate, mean_of
from sim.reliability.sampling import prepared, sample
from sim.reliability.system import AdequacySystem

COLUMN = {"eue": kernels.EUE, "lolh": kernels.LOLH}
FIRST_SHARE = 16
"""The search begins at this part of the capacity, and doubles."""

STEPS = 9
"""Halvings of the bracket: a credit is found to 1/1024 of the capacity or better."""

SLOPE_SHARE = 0.02
"""Distance to either side, as a share of the bracket, over which the slope of risk is taken."""

Z_95 = 1.96


@dataclass(frozen=True, slots=True)
class Goal:
    """What a credit keeps: ``measure`` of risk, and the hours of shortage to which load is added first."""

    measure: Literal["eue", "lolh"] = "eue"
    target_lolh: float = 2.4


@dataclass(frozen=True, slots=True)
class Credit:
    """Credits of a group of plants in MW; ``added_load_mw`` is what was added to the load to reach the target."""

    group: str
    capacity_mw: float
    measure: str
    years: int
    added_load_mw: float
    elcc_mw: Estimate
    efc_mw: Estimate


def interval_95(estimate: Estimate) -> tuple[float, float]:
    """Return the 95 % interval of a credit, MW."""
    half = Z_95 * estimate.standard_error
    return estimate.value - half, estimate.value + half


class Risk:
    """Annual risk of a system as a function of firm MW added; each value is sampled once."""

    def __init__(self, system: AdequacySystem, plan: Plan, stages: Stages) -> None:
        self._ready, self._plan, self._stages = prepared(system), plan, stages
        self._known: dict[float, Floats] = {}

    def annual(self, firm_mw: float, column: int) -> Floats:
        """Return an annual figure [years] with ``firm_mw`` more supply; negative: with more constant load."""
        if firm_mw not in self._known:
            done = sample(self._ready, self._plan.seed, 0, self._plan.years, firm_mw)
            self._known[firm_mw] = done.figures
            self._stages.say(f"    {firm_mw:+.1f} MW: LOLH {done.column(kernels.LOLH).mean():.3f} h")
        return np.asarray(self._known[firm_mw][:, column])


def capacity_credit(
    system: AdequacySystem, group: str, plants: Collection[str], plan: Plan, goal: Goal, stages: Stages
) -> Credit:
    """Return ELCC and EFC of some plants of a system; raises ``ScenarioError`` when risk cannot be reached."""
    column, capacity = COLUMN[goal.measure], system.capacity_of(plants)
    whole, rest = Risk(system, plan, stages), Risk(system.without(plants), plan, stages)
    added = load_for(whole, goal.target_lolh, _most_mw(system))
    wanted, reached = rest.annual(-added, column), whole.annual(-added, column)
    elcc = crossing(lambda mw: whole.annual(-added - mw, column) - wanted, capacity)
    efc = crossing(lambda mw: reached - rest.annual(mw - added, column), capacity)
    return Credit(group, capacity, goal.measure, plan.years, added, elcc, efc)


def load_for(risk: Risk, target_lolh: float, most_mw: float) -> float:
    """Return the constant load, MW, that brings a system to ``target_lolh``; 0 when it has as much risk already."""

    def gap(load_mw: float) -> float:
        return float(risk.annual(-load_mw, kernels.LOLH).mean()) - target_lolh

    if gap(0.0) >= 0:
        return 0.0
    bracket = _bracket(gap, most_mw)
    if bracket is None:
        what = f"a system that is short for less than {target_lolh:g} h even with {most_mw:.0f} MW more load"
        raise ScenarioError(Problem("adequacy.credit_lolh", what, "lower credit_lolh or simulate more hours"))
    return _bisected(gap, *bracket)[1]


def crossing(difference: Callable[[float], Floats], most_mw: float) -> Estimate:
    """Return where the mean of annual differences, rising with MW, crosses zero, and its standard error, MW."""

    def gap(mw: float) -> float:
        return float(difference(mw).mean())

    most_mw = max(most_mw, 1e-9)
    bracket = (0.0, 0.0) if gap(0.0) >= 0 else _bracket(gap, most_mw) or (most_mw, most_mw)
    at = sum(bracket) / 2 if bracket[0] == bracket[1] else sum(_bisected(gap, *bracket)) / 2
    reach = SLOPE_SHARE * most_mw
    slope = (gap(at + reach) - gap(at - reach)) / (2 * reach)
    error = mean_of(difference(at)).standard_error
    return Estimate(at, error / slope if slope > 0 else float("nan"))


def _bracket(gap: Callable[[float], float], most_mw: float) -> tuple[float, float] | None:
    """Return a bracket of the zero of a rising function by doubling, ``None`` when it lies beyond ``most_mw``.

    It begins low, because years with much shortage take longest to simulate.
    """
    low, high = 0.0, most_mw / FIRST_SHARE
    while gap(high) < 0:
        if high >= most_mw:
            return None
        low, high = high, min(2 * high, most_mw)
    return low, high


def _bisected(gap: Callable[[float], float], low: float, high: float) -> tuple[float, float]:
    """Return a bracket around the zero of a rising function after ``STEPS`` halvings: below, at or above."""
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if gap(middle) < 0 else (low, middle)
    return low, high


def _most_mw(system: AdequacySystem) -> float:
    return float(system.capacity_mw.sum() + system.renewable_capacity_mw.sum() + system.storage_power_mw.sum())
