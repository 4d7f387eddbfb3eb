"""A dispatch and loss factors → the same energy from coal and hydro, from where it costs least with its losses.

Whichever solver made the dispatch: what coal and hydro give together in a step stays, and so does what each hydro
plant gives in a day. Who gives it, and when, follows

    minimise  Σ c · coal + worth · loss(p),      loss(p) = λ · (p − p₀) + ½ · (p − p₀)ᵀ · B · (p − p₀)

in every day, with λ at the powers p₀ of the last AC flow and ``worth`` the price of a MWh in the step. Where no
limit holds a plant, its cost with penalty, c + worth · λ(p), equals that of all others: the coordination equations
(Kirchmayer 1958). Because λ grows with the power, nothing flips from one plant to another. Steps whose rows of the
network the new shares would pass stay as they were, and so do steps without a solved flow or with power to spare.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from scenarios import jitcache  # noqa: F401  (before the kernels)
from scenarios.records import Bools, Floats, Ints, axes, record
from sim.dispatch.columns import knee_pu
from sim.dispatch.limits import NetworkLimits, flow_mw
from sim.dispatch.model import DispatchCase, DispatchResult
from sim.dispatch.rows import ramp_limits_mw
from sim.dispatch.unfold import cost_parts
from sim.losses.kernels import Plants, exchange

ROW_DUST_MW = 1e-6
"""What new shares load a row above its limit by less than this is rounding."""


@record
class LossFactors:
    """Loss factors of the coal plants, then of the hydro plants, at given powers.

    ``factor`` is MW of loss per MW at ``at_mw``, ``bend`` its growth per MW. Steps not ``known`` have none.
    """

    plants: tuple[str, ...]
    known: Bools = axes("hours", dtype=bool)
    at_mw: Floats = axes("hours", "plants")
    factor: Floats = axes("hours", "plants")
    bend: Floats = axes("plants", "columns")


def shared_by_losses(
    case: DispatchCase, limits: NetworkLimits, result: DispatchResult, factors: LossFactors
) -> DispatchResult:
    """Return the result with other shares of coal and hydro, and its cost; ``loss_mw`` stays what it was."""
    given = np.hstack([result.coal_mw, result.hydro_mw])
    worth = np.where(factors.known, np.maximum(result.price_cny_per_mwh, 0.0), 0.0)
    plants, held = _plants(case, result, factors, worth), worth <= 0.0
    flow, reach = flow_mw(limits, case, result), np.hstack([limits.coal, limits.hydros])
    now, days = given.copy(), np.arange(len(case.day_hours))
    while len(days):
        _exchange(_still(plants, held), now, case.time.day, days)
        moved = flow + (now - given) @ reach.T
        passed = np.maximum(moved - np.maximum(limits.high_mw, flow), np.minimum(limits.low_mw, flow) - moved)
        over = (passed > ROW_DUST_MW).any(axis=1)
        held, days = held | over, np.unique(case.time.day[over])
    count = len(case.coal)
    shared = replace(result, coal_mw=now[:, :count], hydro_mw=now[:, count:])
    return replace(shared, cost_cny=cost_parts(case, shared, dict(result.cost_cny)["starts"]))


def _plants(case: DispatchCase, result: DispatchResult, factors: LossFactors, worth: Floats) -> Plants:
    """Return what the plants may give and what that costs, at the powers of the result."""
    given = np.hstack([result.coal_mw, result.hydro_mw])
    fuel = np.append(case.coal_cost, np.zeros(len(case.hydros)))
    coal, hydro = _coal_room(case, result), _hydro_room(case, result)
    least, knee, most = (np.ascontiguousarray(np.hstack(pair)) for pair in zip(coal, hydro, strict=True))
    part_load = case.part_load
    return Plants(
        least=least,
        knee=knee,
        most=most,
        above=np.zeros(len(case.coal)) if part_load is None else part_load.upper_cost - case.coal_cost,
        bend=factors.bend.copy(),
        worth=worth,
        given=given,
        cost=fuel + worth[:, None] * (factors.factor + (given - factors.at_mw) @ factors.bend),
    )


def _coal_room(case: DispatchCase, result: DispatchResult) -> tuple[Floats, Floats, Floats]:
    """Return least, knee and most power of coal [hours × coal], MW.

    With ramps a plant leaves its path by no more than half of what they allow in either of its two changes.
    """
    most = result.coal_units_on * case.coal_unit_mw
    least, knee = np.minimum(most * case.coal_minimum_pu, result.coal_mw), most * knee_pu(case)
    if case.rules.ramps:
        change = np.diff(result.coal_mw, axis=0, prepend=0.0)
        rise, fall = ramp_limits_mw(case, result.coal_units_on)
        spare = np.maximum(np.minimum(rise - change, fall + change), 0.0) / 2.0
        spare[:-1] = np.minimum(spare[:-1], spare[1:])
        least, most = np.maximum(least, result.coal_mw - spare), np.minimum(most, result.coal_mw + spare)
    return least, np.clip(knee, least, most), most


def _hydro_room(case: DispatchCase, result: DispatchResult) -> tuple[Floats, Floats, Floats]:
    """Return the same of hydro; where only coal provides reserve, hydro stays as it is."""
    rules, given = case.rules, result.hydro_mw
    if (rules.reserve_up or rules.reserve_down) and "hydro" not in rules.reserve_by:
        return given, given, given
    most = np.maximum(case.hydro_capacity_mw, given)
    return np.minimum(case.hydro_minimum_mw[case.time.day], given), most, most


def _still(plants: Plants, held: Bools) -> Plants:
    """Return the plants with all of them held where they are in some steps."""
    still = {
        name: np.where(held[:, None], plants.given, getattr(plants, name)) for name in ("least", "knee", "most")
    }
    return plants._replace(given=plants.given.copy(), cost=plants.cost.copy(), **still)


def _exchange(plants: Plants, now: Floats, day: Ints, days: Ints) -> None:
    """Write the best shares of some days into ``now`` [hours × plants]."""
    for begin, end in np.searchsorted(day, np.stack([days, days + 1], axis=1)).tolist():
        exchange(begin, end, plants)
        now[begin:end] = plants.given[begin:end]
