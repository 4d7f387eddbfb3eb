"""A year, the base year beside it, and the scenario's tolerances → which criterion breaks, and by how much.

Curtailment has a limit of its own. Security is judged against the base case in the same weather: what is already
wrong there is no fault of the new capacity, but it must not get worse beyond a stated tolerance.
"""

from __future__ import annotations

from dataclasses import dataclass

from scenarios.settings import Absorption
from sim.absorption.annual import Point

LEAST_SCALE = 1e-3
"""Excess is counted relative to what is allowed, or to this where nothing is."""


@dataclass(frozen=True, slots=True)
class Criterion:
    """One thing that must hold: its name, what a year has of it, and the most that is allowed."""

    key: str
    value: float
    allowed: float

    @property
    def broken(self) -> bool:
        """Whether more than allowed is there."""
        return self.value > self.allowed

    @property
    def excess(self) -> float:
        """How far it is beyond (> 0) or within (≤ 0) what is allowed, relative to that."""
        return (self.value - self.allowed) / max(self.allowed, LEAST_SCALE)


def criteria(point: Point, base: Point, rules: Absorption, loading_limit: float) -> tuple[Criterion, ...]:
    """Return all criteria of a year, curtailment first; ``loading_limit`` is where an element is overloaded."""
    now, before = point.security, base.security
    return (
        Criterion("curtailment", curtailment_rate(point, rules), rules.limit),
        Criterion("unserved_mwh", now.unserved_mwh, before.unserved_mwh + rules.unserved_tolerance_mwh),
        Criterion("unsolved_h", now.unsolved_h, before.unsolved_h),
        Criterion("overloaded_h", now.overloaded_h, before.overloaded_h + rules.overloaded_tolerance_h),
        Criterion("loading_max", now.loading_max, max(before.loading_max, loading_limit) + rules.loading_tolerance),
        Criterion("voltage_outside", now.voltage_outside, before.voltage_outside + rules.voltage_tolerance),
    )


def curtailment_rate(point: Point, rules: Absorption) -> float:
    """Return the rate that the limit is about: of the technology in the region, or the worst of the sites."""
    if rules.account == "region":
        return point.tech.rate
    return max(site.rate for site in point.sites)


def excess(found: tuple[Criterion, ...]) -> float:
    """Return the excess of the worst criterion that is broken; of curtailment (≤ 0) when all hold.

    Only curtailment rises steadily with capacity, so only its distance to the limit tells how far the limit is.
    """
    return max((item.excess for item in found if item.broken), default=found[0].excess)


def broken(found: tuple[Criterion, ...]) -> tuple[str, ...]:
    """Return the names of the criteria that do not hold."""
    return tuple(item.key for item in found if item.broken)
