"""Case, running units and limits → the rows of the linear programme that join it only where they are violated.

A family is rows of one sort over the columns of a step: network rows, reserve, load that cannot be lost twice; or,
coupled with the step before, ramps of plants and channels:

    low ≤ base + Σ reach · x            ≤ high        every step
    low ≤ the same − that of the step before ≤ high   coupled

A soft family may be exceeded at its price; a hard one never is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from scenarios.records import Floats, Ints
from sim.dispatch.columns import Kind, moved_share
from sim.dispatch.limits import NetworkLimits
from sim.dispatch.model import DispatchCase

FLOW_DUST = 1e-9
"""Sensitivities below this are rounding of the inverse, not physics."""

COAL_KINDS = ("coal_low", "coal_up", "coal_top")
EXPORT_KINDS = {"export_up": 1.0, "export_down": -1.0, "export_cut": -1.0}


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """Rows of one sort: coefficients [rows × columns], limits [hours × rows] in MW; see the module's picture.

    ``fixed`` [hours × rows] is the base. For the network it is a product of ``withdrawn`` [hours × things] and
    ``fixed`` [things × rows], since thousands of rows over a year would fill the memory. ``price`` CNY/MWh: soft.
    """

    name: str
    reach: Floats
    fixed: Floats
    low_mw: Floats
    high_mw: Floats
    price: float | None = None
    coupled: bool = False
    withdrawn: Floats | None = None

    @property
    def count(self) -> int:
        """Number of rows."""
        return len(self.reach)

    def base_mw(self, steps: slice) -> Floats:
        """Return what the rows carry before any column acts [steps × rows], MW."""
        return self.fixed[steps] if self.withdrawn is None else self.withdrawn[steps] @ self.fixed


def price_overload(case: DispatchCase) -> float:
    """Return the price of a MWh above the limit of a row: load is cut for it only where half of it helps."""
    return 2.0 * case.price_unserved


def families_of(
    case: DispatchCase,
    units_on: Ints,
    limits: NetworkLimits,
    kinds: Sequence[Kind],
    at: Mapping[str, slice],
    cap_mw: Floats | None,
) -> Iterator[Family]:
    """Yield all families, coupled ones last; ``cap_mw`` [hours × rows] tightens rows of the network."""
    width = sum(len(kind.price) for kind in kinds)
    yield _network(case, limits, kinds, cap_mw)
    if case.rules.reserve_up:
        yield _reserve_up(case, units_on, width, at)
    if case.rules.reserve_down:
        yield _reserve_down(case, units_on, width, at)
    yield _lost_load(case, bool(limits.rows), width, at)
    if case.rules.ramps:
        yield _coal_ramps(case, units_on, width, at)
    if case.rules.export_ramp_mw_per_h is not None:
        yield _export_ramps(case, case.rules.export_ramp_mw_per_h, width, at)


def _network(case: DispatchCase, limits: NetworkLimits, kinds: Sequence[Kind], cap_mw: Floats | None) -> Family:
    reach = np.hstack([kind.sign * kind.reach for kind in kinds])
    reach[np.abs(reach) < FLOW_DUST] = 0.0
    shape = (len(case.time), len(limits.rows))
    low, high = np.broadcast_to(limits.low_mw, shape), np.broadcast_to(limits.high_mw, shape)
    if cap_mw is not None:
        low, high = np.maximum(low, -cap_mw), np.minimum(high, cap_mw)
    flexible = np.tile(case.flexible.power_mw, (len(case.time), 1))
    withdrawn = np.hstack([case.load_mw, flexible, case.export_mw, case.loss_mw[:, None]])
    per_mw = -np.hstack([limits.loads, limits.flexibles, limits.channels, limits.loss[:, None]]).T
    return Family("network", reach, per_mw, low, high, price_overload(case), withdrawn=withdrawn)


def _lost_load(case: DispatchCase, by_load: bool, width: int, at: Mapping[str, slice]) -> Family:
    """Lose no load twice (unserved and moved away): each by itself, on a copper plate all together."""
    count = len(case.loads)
    sets = np.eye(count) if by_load else np.ones((1, count))
    share = (sets @ moved_share(case))[:, None]
    reach = np.zeros((len(sets), width))
    reach[:, at["unserved"]] = sets
    reach[:, at["shed"]] = sets
    if "called" in at:
        reach[:, at["called"]] = share
    reach[:, at["shift_down"]], reach[:, at["shift_up"]] = share, -share
    shape = (len(case.time), len(sets))
    low, high = np.broadcast_to(-np.inf, shape), np.broadcast_to(0.0, shape)
    return Family("lost load", reach, -(case.load_mw @ sets.T), low, high)


def _reserve_up(case: DispatchCase, units_on: Ints, width: int, at: Mapping[str, slice]) -> Family:
    """Load what runs only so far that the reserve is left; charging that can stop counts as reserve."""
    reach = np.zeros((1, width))
    _mark(reach, at, COAL_KINDS, 1.0)
    capacity = units_on @ case.coal_unit_mw
    if "hydro" in case.rules.reserve_by:
        _mark(reach, at, ("must_run", "water"), 1.0)
        capacity = capacity + case.hydro_capacity_mw.sum()
    if "storage" in case.rules.reserve_by:
        _mark(reach, at, ("charge",), -1.0)
    most = (capacity - reserve_up_mw(case, units_on))[:, None]
    return _soft(case, "reserve up", reach, np.full_like(most, -np.inf), most)


def _reserve_down(case: DispatchCase, units_on: Ints, width: int, at: Mapping[str, slice]) -> Family:
    """Have enough that can be reduced: coal above its minimum, free water, discharge, wind and PV in use."""
    reach = np.zeros((1, width))
    _mark(reach, at, COAL_KINDS, 1.0)
    least = units_on @ (case.coal_unit_mw * case.coal_minimum_pu) + reserve_down_mw(case)
    for provider, kind in (("hydro", "water"), ("storage", "discharge"), ("renewables", "renewables")):
        if provider in case.rules.reserve_by:
            _mark(reach, at, (kind,), 1.0)
    return _soft(case, "reserve down", reach, least[:, None], np.full((len(least), 1), np.inf))


def _soft(case: DispatchCase, name: str, reach: Floats, low: Floats, high: Floats) -> Family:
    return Family(name, reach, np.zeros_like(low), low, high, case.rules.price_reserve)


def reserve_up_mw(case: DispatchCase, units_on: Ints) -> Floats:
    """Return the reserve asked upwards [hours], MW."""
    rules = case.rules
    asked = rules.reserve_up_load * case.load_mw.sum(axis=1)
    asked = asked + rules.reserve_up_renewables * case.available_mw.sum(axis=1)
    if rules.reserve_largest_unit and len(case.coal):
        asked = asked + np.where(units_on > 0, case.coal_unit_mw, 0.0).max(axis=1)
    return np.asarray(asked)


def reserve_down_mw(case: DispatchCase) -> Floats:
    """Return the reserve asked downwards [hours], MW."""
    rules = case.rules
    asked = rules.reserve_down_load * case.load_mw.sum(axis=1)
    return np.asarray(asked + rules.reserve_down_renewables * case.available_mw.sum(axis=1))


def _coal_ramps(case: DispatchCase, units_on: Ints, width: int, at: Mapping[str, slice]) -> Family:
    reach = np.zeros((len(case.coal), width))
    for kind in COAL_KINDS:
        if kind in at:
            reach[:, at[kind]] = np.eye(len(case.coal))
    up, down = ramp_limits_mw(case, units_on)
    return Family("coal ramp", reach, np.zeros_like(up), -down, up, case.price_ramp, coupled=True)


def ramp_limits_mw(case: DispatchCase, units_on: Ints) -> tuple[Floats, Floats]:
    """Return how much each plant may rise and fall from the step before [hours × coal], MW; free at the first.

    Units that run in both steps keep to their ramp; one that starts or stops may do so with its whole capacity.
    """
    both = np.minimum(units_on[1:], units_on[:-1])
    change = np.diff(units_on, axis=0)
    steady = both * (case.coal_unit_mw * np.minimum(case.coal_ramp_pu_per_h * case.time.step_h, 1.0))
    free = np.full((1, len(case.coal)), np.inf)
    up = steady + np.maximum(change, 0) * case.coal_unit_mw
    down = steady + np.maximum(-change, 0) * case.coal_unit_mw
    return np.vstack([free, up]), np.vstack([free, down])


def _export_ramps(case: DispatchCase, ramp_mw_per_h: float, width: int, at: Mapping[str, slice]) -> Family:
    reach = np.zeros((len(case.channels), width))
    for kind, sign in EXPORT_KINDS.items():
        reach[:, at[kind]] = sign * np.eye(len(case.channels))
    most = export_ramp_limit_mw(case, ramp_mw_per_h)
    return Family("export ramp", reach, case.export_mw, -most, most, case.price_ramp, coupled=True)


def export_ramp_limit_mw(case: DispatchCase, ramp_mw_per_h: float) -> Floats:
    """Return how much each channel may change from the step before [hours × channels], MW; free at the first."""
    own = np.abs(np.diff(case.export_mw, axis=0))
    free = np.full((1, len(case.channels)), np.inf)
    return np.vstack([free, np.maximum(own, ramp_mw_per_h * case.time.step_h)])


def _mark(reach: Floats, at: Mapping[str, slice], kinds: Sequence[str], value: float) -> None:
    for kind in kinds:
        if kind in at:
            reach[:, at[kind]] = value
