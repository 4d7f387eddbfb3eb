"""Who moves energy between steps → who runs: the rest of every step is read off its supply stack.

Within a segment all parts are used in the same proportion: wind and PV plants by what they have available, coal
plants of equal cost by what they can give, channels by their room, loads by what they ask.
"""

from __future__ import annotations

import numpy as np

from scenarios.errors import InvariantError
from scenarios.records import Floats, axes, record
from sim.dispatch.commitment import Commitment, start_cost_cny
from sim.dispatch.model import TOLERANCE_MW, DispatchCase, DispatchResult
from sim.dispatch.stack import Role, Supply, coal_minimum_mw, coal_upper_mw


@record
class Schedule:
    """What couples the steps: hydro above its must-run, storage, and moved load. Powers in MW, all ≥ 0."""

    hydro_mw: Floats = axes("hours", "hydros")
    charge_mw: Floats = axes("hours", "storages")
    discharge_mw: Floats = axes("hours", "storages")
    stored_mwh: Floats = axes("hours", "storages")
    shift_up_mw: Floats = axes("hours")
    shift_down_mw: Floats = axes("hours")


def settle(case: DispatchCase, commitment: Commitment, stack: Supply, schedule: Schedule) -> DispatchResult:
    """Return the full result of a schedule. Raises ``InvariantError`` when a stack cannot balance its step."""
    net = _net_mw(stack, schedule)
    used = _used_mw(stack, net)
    unserved, relief = _not_served(case, schedule, used)
    split = _by_load(case)
    must_run = case.hydro_minimum_mw[case.time.day] * _part(used, stack, Role.HYDRO_MINIMUM)[:, None]
    hydro = must_run + schedule.hydro_mw
    draft = {
        "coal_mw": _coal_mw(case, commitment, stack, used),
        "hydro_mw": hydro,
        "hydro_spilled_mwh": np.maximum(case.hydro_budget_mwh - _daily_mwh(case, hydro), 0.0),
        "renewable_mw": case.available_mw * _part(used, stack, Role.RENEWABLES)[:, None],
        "shed_mw": split * used[Role.SHED][:, None],
        "shift_up_mw": split * schedule.shift_up_mw[:, None],
        "shift_down_mw": split * schedule.shift_down_mw[:, None],
        "unserved_mw": split * unserved[:, None],
        "export_mw": _export_mw(case, stack, used),
        "loss_mw": case.loss_mw - relief,
        "below_minimum_mw": _width(stack, Role.COAL_MINIMUM) - used[Role.COAL_MINIMUM],
        "price_cny_per_mwh": _marginal_price(stack, net),
    }
    return DispatchResult(
        time=case.time,
        coal=case.coal,
        hydros=case.hydros,
        renewables=case.renewables,
        storages=case.storages,
        loads=case.loads,
        channels=case.channels,
        coal_units_on=commitment.units_on,
        coal_starts=commitment.starts,
        charge_mw=schedule.charge_mw,
        discharge_mw=schedule.discharge_mw,
        stored_mwh=schedule.stored_mwh,
        cost_cny=operating_cost(case, draft, schedule, start_cost_cny(case, commitment)),
        **draft,
    )


def operating_cost(
    case: DispatchCase, draft: dict[str, Floats], schedule: Schedule, starts_cny: float
) -> tuple[tuple[str, float], ...]:
    """Return the operating cost by part, CNY: MWh × the prices of the case."""
    export = draft["export_mw"]
    low = case.export_low_mw
    energy_price = {
        "storage": (schedule.charge_mw + schedule.discharge_mw, case.price_storage),
        "shed": (draft["shed_mw"], case.price_shed),
        "shift": (schedule.shift_up_mw + schedule.shift_down_mw, case.price_shift),
        "unserved": (draft["unserved_mw"], case.price_unserved),
        "export_up": (np.maximum(export - case.export_mw, 0.0), case.price_export_up),
        "export_down": (np.maximum(case.export_mw - np.maximum(export, low), 0.0), case.price_export_down),
        "export_cut": (np.maximum(low - export, 0.0), case.price_export_cut),
        "curtailment": (case.available_mw - draft["renewable_mw"], case.price_curtailed),
    }
    coal = float((draft["coal_mw"] @ case.coal_cost).sum()) * case.time.step_h
    parts = [("coal", coal), ("starts", starts_cny)]
    parts += [(name, float(mw.sum()) * case.time.step_h * price) for name, (mw, price) in energy_price.items()]
    return (*parts, ("ranking", _ranking_cost(case, draft, schedule)))


def _ranking_cost(case: DispatchCase, draft: dict[str, Floats], schedule: Schedule) -> float:
    """Prices that no invoice shows and that only rank the last ways out, CNY."""
    must_run = draft["hydro_mw"] - schedule.hydro_mw
    spared = case.hydro_minimum_mw * case.day_hours[:, None] - _daily_mwh(case, must_run)
    free = (case.hydro_budget_mwh - case.hydro_minimum_mw * case.day_hours[:, None]).sum()
    spilled = free - schedule.hydro_mw.sum() * case.time.step_h
    below = draft["below_minimum_mw"].sum() * case.time.step_h
    relief = (case.loss_mw - draft["loss_mw"]).sum() * case.time.step_h
    return float(
        spilled * case.price_spilled
        + spared.sum() * case.price_hydro_minimum
        + below * case.price_below_minimum
        + relief * case.price_loss_relief
    )


def _net_mw(stack: Supply, schedule: Schedule) -> Floats:
    """Return what the stack has to supply after stores and free hydro, MW [hours]."""
    stores = schedule.charge_mw.sum(axis=1) - schedule.discharge_mw.sum(axis=1)
    shift = schedule.shift_up_mw - schedule.shift_down_mw
    return np.asarray(stack.asked_mw + stores + shift - schedule.hydro_mw.sum(axis=1))


def _used_mw(stack: Supply, net_mw: Floats) -> dict[Role | int, Floats]:
    """Return what of each segment is used; coal segments under their number in the stack, others by role."""
    used: dict[Role | int, Floats] = {}
    floor = np.zeros(len(net_mw))
    for number, segment in enumerate(stack.segments):
        key = number if segment.role is Role.COAL else segment.role
        used[key] = np.clip(net_mw - floor, 0.0, segment.width_mw)
        floor = stack.top_mw[:, number]
    left = np.abs(net_mw - np.sum(list(used.values()), axis=0))
    if left.max() > TOLERANCE_MW:
        worst = int(left.argmax())
        raise InvariantError(f"dispatch: step {worst} is out of balance by {left[worst]:.3g} MW")
    return used


def _width(stack: Supply, role: Role) -> Floats:
    return next(segment.width_mw for segment in stack.segments if segment.role is role)


def _part(used: dict[Role | int, Floats], stack: Supply, role: Role) -> Floats:
    return _share(used[role], _width(stack, role))


def _share(part: Floats, whole: Floats) -> Floats:
    """Return part / whole, 0 where the whole is nothing."""
    return np.asarray(np.divide(part, whole, out=np.zeros_like(whole), where=whole > 0.0))


def _by_load(case: DispatchCase) -> Floats:
    """Return each load's share of the load of the step [hours × loads]."""
    total = case.load_mw.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(case.load_mw, total, out=np.zeros_like(case.load_mw), where=total > 0.0))


def _coal_mw(case: DispatchCase, commitment: Commitment, stack: Supply, used: dict[Role | int, Floats]) -> Floats:
    coal = coal_minimum_mw(case, commitment) * _part(used, stack, Role.COAL_MINIMUM)[:, None]
    upper = coal_upper_mw(case, commitment)
    for number, segment in enumerate(stack.segments):
        if segment.role is Role.COAL:
            plants = list(segment.plants)
            coal[:, plants] += upper[:, plants] * _share(used[number], segment.width_mw)[:, None]
    return coal


def _export_mw(case: DispatchCase, stack: Supply, used: dict[Role | int, Floats]) -> Floats:
    up = (case.export_high_mw - case.export_mw) * (1.0 - _part(used, stack, Role.EXPORT_UP))[:, None]
    down = (case.export_mw - case.export_low_mw) * _part(used, stack, Role.EXPORT_DOWN)[:, None]
    cut = case.export_low_mw * _part(used, stack, Role.EXPORT_CUT)[:, None]
    return np.maximum(case.export_mw + up - down - cut, 0.0)


def _not_served(case: DispatchCase, schedule: Schedule, used: dict[Role | int, Floats]) -> tuple[Floats, Floats]:
    """Return unserved load and losses that do not arise, MW [hours].

    Load that was moved away or shed cannot go unserved as well; with nobody left to serve, losses vanish.
    """
    missing = used[Role.UNSERVED] + used[Role.LOSS_RELIEF]
    asked = case.load_mw.sum(axis=1) + schedule.shift_up_mw - schedule.shift_down_mw - used[Role.SHED]
    unserved = np.clip(np.minimum(missing, asked), 0.0, None)
    return unserved, np.maximum(missing - unserved, 0.0)


def _daily_mwh(case: DispatchCase, power_mw: Floats) -> Floats:
    first = np.flatnonzero(np.diff(case.time.day, prepend=-1))
    return np.asarray(np.add.reduceat(power_mw, first, axis=0)) * case.time.step_h


def _marginal_price(stack: Supply, net_mw: Floats) -> Floats:
    """Return the price of the segment that would serve one more MWh, CNY/MWh [hours]."""
    room = stack.top_mw - net_mw[:, None] > TOLERANCE_MW
    place = np.where(room.any(axis=1), room.argmax(axis=1), len(stack.price) - 1)
    return np.asarray(stack.price[place])
