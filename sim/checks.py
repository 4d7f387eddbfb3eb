"""Case and result → what the result breaks: the laws of the operating model, checked apart from every solver.

Nothing here knows how a result came about; it is plain numpy on the two records. ``require_sound`` runs after every
dispatch: a result that breaks a law is our own fault and stops the run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scenarios.errors import InvariantError, Problem
from scenarios.records import Bools, Floats, Ints
from sim.dispatch.limits import NetworkLimits, flow_mw, no_limits
from sim.dispatch.model import START_CONTENT, DispatchCase, DispatchResult

TOLERANCE = 1e-6
"""MW or MWh by which a law may be missed by rounding."""

TOLERANCE_CONTENT_MWH = 1e-4
"""Contents and daily sums add up hundreds of rounded powers."""

BINDING_MW = 0.02
"""A row of the network this close to its limit binds."""

SENT_SO_LITTLE_MW = 1e-3
"""Load below this counts as nobody served."""


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken law: how often, by how much at worst (MW, MWh or units), and at which index that was."""

    law: str
    count: int
    worst: float
    where: tuple[int, ...]

    def __str__(self) -> str:
        """Return the sentence for the error message."""
        return f"{self.count} times, at worst by {self.worst:.6g} at index {self.where}"


def require_sound(case: DispatchCase, result: DispatchResult, limits: NetworkLimits | None = None) -> None:
    """Raise ``InvariantError`` with all broken laws of a result, or return when there are none.

    ``limits`` is what the dispatch was told of the network: behind a limit that binds, coal may have to go below
    its minimum while wind blows elsewhere.
    """
    found = violations(case, result, limits)
    if found:
        raise InvariantError(Problem(f"dispatch: {item.law}", str(item)) for item in found)


def violations(
    case: DispatchCase, result: DispatchResult, limits: NetworkLimits | None = None
) -> tuple[Violation, ...]:
    """Return every law that the result breaks; empty for a sound one."""
    supply = (_signs, _balance, _coal, _units, _hydro, _renewables, _storage)
    laws = (*supply, _shift, _demand, _flexible, _exports, _accounts)
    broken = [item for law in laws for item in law(case, result)]
    return (*broken, *_last_ways_out(case, result, limits or no_limits(case)))


def ramp_exceedances(case: DispatchCase, result: DispatchResult) -> Ints:
    """Return in how many steps each coal plant moved faster than its ramp limit [coal].

    Unless the rules ask for it, ramps are not enforced: 1–1.5 % a minute hardly binds between hours. Units that
    start or stop are allowed their whole capacity.
    """
    per_step = case.coal_ramp_pu_per_h * case.time.step_h * case.coal_unit_mw
    on = result.coal_units_on
    units = np.maximum(np.minimum(on[1:], on[:-1]), 0)
    switched = np.abs(np.diff(on, axis=0)) * case.coal_unit_mw
    excess = np.abs(np.diff(result.coal_mw, axis=0)) - units * per_step - switched
    return np.asarray((excess > TOLERANCE).sum(axis=0), dtype=np.int64)


def balance_mw(case: DispatchCase, result: DispatchResult) -> Floats:
    """Return supply − demand of every step, MW [hours]; zero in a sound result."""
    given = (result.coal_mw, result.hydro_mw, result.renewable_mw, result.discharge_mw)
    spared = (result.unserved_mw, result.shed_mw, result.shift_down_mw)
    taken = (case.load_mw, result.flexible_mw, result.shift_up_mw, result.export_mw, result.charge_mw)
    supply = sum(part.sum(axis=1) for part in given + spared)
    return np.asarray(supply - sum(part.sum(axis=1) for part in taken) - result.loss_mw)


def _broken(law: str, excess: npt.NDArray[np.generic], tolerance: float = TOLERANCE) -> Iterator[Violation]:
    """Yield a violation when some entry of ``excess`` is above the tolerance, or is not a number."""
    values = np.asarray(excess, dtype=np.float64)
    bad = ~(values <= tolerance)
    if bad.any():
        values = np.where(np.isnan(values), np.inf, values)
        where = np.unravel_index(int(values.argmax()), values.shape)
        yield Violation(law, int(bad.sum()), float(values.max()), tuple(int(i) for i in where))


def _signs(case: DispatchCase, result: DispatchResult) -> Iterator[Violation]:
    for name in result.__dataclass_fields__:
        values = getattr(result, name)
        if isinstance(values, np.ndarray) and name != "price_cny_per_mwh":
            yield from _broken(f"{name} is negative or not finite", -values, 0.0)
    yield from _broken("a price is not finite", ~np.isfinite(result.price_cny_per_mwh))


def _balance(case: DispatchCase, result: DispatchResult) -> Iterator[Violation]:
    yield from _broken("supply and demand differ", np.abs(balance_mw(case, result)))
    yield from _broken("losses above the estimate", result.loss_mw - case.loss_mw)
    served = case.load_mw + result.shift_up_mw - result.shift_down_mw - result.shed_mw - result.unserved_mw
    somebody = served.sum(axis=1) > SENT_SO_LITTLE_MW
    yield from _broken("losses cut although load is served", np.where(somebody, case.loss_mw - result.loss_mw, 0.0))


def _coal(case: DispatchCase, result: DispatchResult) -> Iterator[Violation]:
    capacity = result.coal_units_on * case.coal_unit_mw
    missing = np.maximum(capacity * case.coal_minimum_pu - result.coal_mw, 0.0).sum(axis=1)
    yield from _broken("coal above the running capacity", result.coal_mw - capacity)
    yield from _broken("coal below minimum is not what is reported", np.abs(missing - result.below_minimum_mw))


def _last_ways_out(case: DispatchCase, result: DispatchResult, limits: NetworkLimits) -> Iterator[Violation]:
    """Find coal below its minimum, or hydro below its must-run, in steps that had dearer power to give up first.

    Steps in which a row of the network binds are left out: what is given up first depends on where it stands. So
    are cases with rules (ramps, reserve, balance of export), which may hold the others where they are.
    """
    free = ~_binding_steps(case, result, limits) & (not case.rules.hold_others)
    used = np.where(free, result.renewable_mw.sum(axis=1), 0.0)
    others = used + np.where(free, result.hydro_mw.sum(axis=1), 0.0)
    forced = result.below_minimum_mw > TOLERANCE
    yield from _broken("coal below minimum while wind, PV or hydro generate", np.where(forced, others, 0.0))
    short = case.hydro_minimum_mw[case.time.day] - result.hydro_mw
    generating = (used > TOLERANCE)[:, None]
    yield from _broken("hydro below must-run while wind or PV generate", np.where(generating, short, 0.0))


def _binding_steps(case: DispatchCase, result: DispatchResult, limits: NetworkLimits) -> Bools:
    """Return in which steps some row of the network is at its limit, or above it [hours]."""
    flow = flow_mw(limits, case, result)
    near = (flow > limits.high_mw - BINDING_MW) | (flow < limits.low_mw + BINDING_MW)
    return np.asarray(near.any(axis=1))


def _units(case: DispatchCase, result: DispatchResult) -> Iterator[Violation]:
    on = result.coal_units_on
    yield from _broken("more units on than there are", on - case.coal_units)
    yield from _broken("a unit that must run is off", case.coal_must_run_units[case.time.day] - on)
    stops = result.coal_starts[1:] - np.diff(on, axis=0)
    yield from _broken("units and starts do not add up", -stops)
    starts = np.vstack([np.zeros_like(on[:1]), result.coal_starts[1:]])
    stops = np.vstack([np.zeros_like(on[:1]), np.maximum(stops, 0)])
    for plant in range(len(case.coal)):
        recent = _recent(starts[:, plant], case.coal_min_up_h[plant], case.time.step_h)
        yield from _broken(f"minimum up time of {case.coal[plant]}", recent - on[:, plant])
        recent = _recent(stops[:, plant], case.coal_min_down_h[plant], case.time.step_h)
        off = case.coal_units[plant] - on[:, plant]
        yield from _broken(f"minimum down time of {case.coal[plant]}", recent - off)


def _recent(events: Ints, hours: float, step_h: float) -> Ints:
    """Return the number of events in the last ``hours`` up to each step; they bind the units that had them."""
    steps = int(np.ceil(hours / step_h - 1e-9))
    total = np.concatenate([np.zeros(steps, np.int64), np.cumsum(events)])
    return np.asarray(total[steps:] - total[: len(events)])


def _hydro(case: DispatchCase, result: DispatchResult) -> Iterator[Violation]:
    yield from _broken("hydro above capacity", result.hydro_mw - case.hydro_capacity_mw)
    released = np.zeros_like(case.hydro_budget_mwh)
    np.add.at(released, case.time.day, result.hydro_mw * case.time.step_h)
    left = case.hydro_budget_mwh - released
    yield from _broken("hydro above the day's budget", -left, TOLERANCE_CONTENT_MWH)
    yield from _broken(
        "spilled water is not what is left", np.abs(left - result.hydro_spilled_mwh), TOLERANCE_CONTENT_MWH
    )


def _renewables(case: DispatchCase, result: DispatchResult) -> Iterator[Violation]:
    yield from _broken("wind or PV above what is available", result.renewable_mw - case.available_mw)


def _storage(case: DispatchCase, result: DispatchResult) -> Iterator[Violation]:
    charge, discharge, stored = result.charge_mw, result.discharge_mw, result.stored_mwh
    yield from _broken("charge above power", charge - case.storage_power_mw)
    yield from _broken("discharge above power", discharge - case.storage_power_mw)
    yield from _broken("charge and discharge at once", np.minimum(charge, discharge), 0.0)
    yield from _broken("content above capacity", stored - case.storage_energy_mwh, TOLERANCE_CONTENT_MWH)
    before = np.vstack([START_CONTENT * case.storage_energy_mwh[None, :], stored[:-1]])
    kept = before * (1.0 - case.storage_self_discharge_per_h) ** case.time.step_h
    change = charge * case.storage_charge_efficiency - discharge / case.storage_discharge_efficiency
    gap = np.abs(kept + change * case.time.step_h - stored)
    yield from _broken("content does not follow from charge and discharge", gap, TOLERANCE_CONTENT_MWH)


def _shift(case: DispatchCase, result: DispatchResult) -> Iterator[Violation]:
    up, down = result.shift_up_mw.sum(axis=1), result.shift_down_mw.sum(axis=1)
    yield from _broken("more load moved in than allowed", up - case.shift_limit_mw)
    yield from _broken("more load moved out than allowed", down - case.shift_limit_mw)
    yield from _broken("load moved in and out at once", np.minimum(up, down), 0.0)
    owed = np.cumsum(case.shift_efficiency * up - down) * case.time.step_h
    yield from _broken("more energy owed than allowed", np.abs(owed) - case.shift_energy_mwh, TOLERANCE_CONTENT_MWH)
    last = np.flatnonzero(np.diff(case.time.day, append=-1))
    yield from _broken("moved load is not paid back by midnight", np.abs(owed[last]), TOLERANCE_CONTENT_MWH)


def _demand(case: DispatchCase, result: DispatchResult) -> Iterator[Violation]:
    yield from _broken("more load shed than allowed", result.shed_mw.sum(axis=1) - case.sheddable_mw)
    plain = result.shed_mw.sum(axis=1) - result.called_mw.sum(axis=1)
    yield from _broken("more load shed than allowed without a call", plain - case.shed_limit_mw)
    yield from _broken("a block on call above its power", result.called_mw - case.call_limit_mw)
    yield from _broken("load called but not shed", -plain)
    less = result.shed_mw + result.unserved_mw + result.shift_down_mw - result.shift_up_mw
    yield from _broken("more load lost than there is", less - case.load_mw)


def _flexible(case: DispatchCase, result: DispatchResult) -> Iterator[Violation]:
    """Flexible loads keep to their power, and what they cost is what they miss and take beyond their targets."""
    loads, days = case.flexible, len(case.hydro_budget_mwh)
    yield from _broken("a flexible load above its power", result.flexible_mw - loads.power_mw)
    if not loads.names:
        return
    below = np.maximum(loads.minimum_mw - result.flexible_mw, 0.0)
    cost = float(below.sum()) * case.time.step_h * 0.97 * case.price_unserved
    for k in range(len(loads.names)):
        powers = result.flexible_mw[:, k] + below[:, k] - loads.target_mw[k]
        more = np.bincount(case.time.day, powers, days) * case.time.step_h
        cost += float(np.maximum(-more, 0.0).sum() * loads.missed_cny_per_mwh[k])
        cost -= float(np.maximum(more, 0.0).sum() * loads.value_cny_per_mwh[k])
    gap = np.array([abs(dict(result.cost_cny).get("flexible", np.nan) - cost)])
    yield from _broken("the cost of flexible loads is not what they take", gap, 1e-6 * abs(cost) + 100.0)


def _exports(case: DispatchCase, result: DispatchResult) -> Iterator[Violation]:
    yield from _broken("export above its band", result.export_mw - case.export_high_mw)


def _accounts(case: DispatchCase, result: DispatchResult) -> Iterator[Violation]:
    """Energies that the rules bound: what channels send beyond their contract, and load shed on call."""
    rules, step_h = case.rules, case.time.step_h
    for k, called_mw in enumerate(result.called_mw.T):
        shed = np.bincount(case.time.day, called_mw, len(case.hydro_budget_mwh)) * step_h
        most = case.calls.power_mw[k] * case.calls.hours_per_day[k]
        yield from _broken("more load called in a day than allowed", shed - most, 1e-3)
        over = np.array([shed.sum() - case.calls.mwh_per_year[k]])
        yield from _broken("more load called in the year than allowed", over, 1e-2)
    if rules.export_balance == "none":
        return
    account = np.cumsum(result.export_mw - case.export_mw, axis=0) * step_h
    daily = rules.export_balance == "day"
    checked = np.diff(case.time.day, append=-1) != 0 if daily else np.full(len(account), True)
    mean_mw = case.export_mw.mean(axis=0) if case.export_mean_mw is None else case.export_mean_mw
    bound = rules.export_tolerance * (24.0 if daily else 8760.0 / 12.0) * mean_mw
    # Scarcity may keep a channel from sending what it owes; that is priced and counted, not forbidden.
    excess = account[checked] - bound
    yield from _broken("more exported than the contract's balance allows", excess, TOLERANCE_CONTENT_MWH)
