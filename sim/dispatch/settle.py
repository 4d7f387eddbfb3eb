"""Who moves energy between steps → who runs: the rest of every step is read off its supply stack.

Within a segment all parts are used in the same proportion: wind and PV plants by what they have available, coal
plants of equal cost by what they can give, channels by their room, loads by what they ask. Steps behind wires that
bind have their own solution (``Behind``), which stands in place of the stack.
"""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np

from scenarios.errors import InvariantError
from scenarios.records import Floats, Ints, axes, record
from sim.dispatch.columns import load_share
from sim.dispatch.commitment import Commitment, start_cost_cny
from sim.dispatch.model import TOLERANCE_MW, DispatchCase, DispatchResult
from sim.dispatch.service import coal_cost_cny, missed_cost
from sim.dispatch.stack import Role, Segment, Supply, row_sums, share_of

Given = dict[str, Floats]
"""What is used of everything that has the same part in the result (``PARTS``), MW [hours × things]."""

PARTS = {
    Role.COAL_MINIMUM: "coal",
    Role.HYDRO_MINIMUM: "must-run",
    Role.RENEWABLES: "renewables",
    Role.EXPORT_UP: "not sent",
    Role.COAL: "coal",
    Role.COAL_TOP: "coal",
    Role.EXPORT_DOWN: "not sent",
    Role.SHED: "shed",
    Role.EXPORT_CUT: "not sent",
    Role.FLEXIBLE_CUT: "cut",
    Role.UNSERVED: "unserved",
    Role.LOSS_RELIEF: "relief",
}


@record
class Schedule:
    """What couples the steps: hydro above its must-run, storage, moved load, what flexible loads do without, calls.

    ``called_mw`` is load that is shed on call, by block. ``sent_mw`` is what channels send unless the stack
    asks them to send less. Powers in MW, all ≥ 0.
    """

    hydro_mw: Floats = axes("hours", "hydros")
    charge_mw: Floats = axes("hours", "storages")
    discharge_mw: Floats = axes("hours", "storages")
    stored_mwh: Floats = axes("hours", "storages")
    shift_up_mw: Floats = axes("hours")
    shift_down_mw: Floats = axes("hours")
    sent_mw: Floats = axes("hours", "channels")
    without_mw: Floats = axes("hours", "flexibles")
    called_mw: Floats = axes("hours", "calls")


@record
class Behind:
    """The steps behind wires that bind: what is used of every column of supply, MW, and the price there.

    ``share`` says whose load is moved or called, in every step: flows must not depend on it in any other way.
    """

    step: Ints = axes("seen", dtype=int)
    used_mw: Floats = axes("seen", "columns")
    price_cny_per_mwh: Floats = axes("seen")
    share: Floats = axes("loads")


def settle(
    case: DispatchCase,
    commitment: Commitment,
    stack: Supply,
    schedule: Schedule,
    behind: Behind | None = None,
) -> DispatchResult:
    """Return the full result of a schedule. Raises ``InvariantError`` when a stack cannot balance its step."""
    net = _net_mw(stack, schedule)
    price = _marginal_price(stack, net)
    given, below = _given_mw(case, stack, net, behind)
    moved = load_share(case) if behind is None else np.broadcast_to(behind.share, case.load_mw.shape)
    if behind is not None:
        price[behind.step] = behind.price_cny_per_mwh
    if schedule.called_mw.any():
        given["shed"] = given["shed"] + moved * schedule.called_mw.sum(axis=1, keepdims=True)
    up, down = moved * schedule.shift_up_mw[:, None], moved * schedule.shift_down_mw[:, None]
    unserved, relief = _not_served(case.load_mw, up, down, given)
    hydro = given["must-run"] + schedule.hydro_mw
    draft = {
        "coal_mw": given["coal"],
        "hydro_mw": hydro,
        "hydro_spilled_mwh": np.maximum(case.hydro_budget_mwh - _daily_mwh(case, hydro), 0.0),
        "renewable_mw": given["renewables"],
        "shed_mw": given["shed"],
        "shift_up_mw": up,
        "shift_down_mw": down,
        "unserved_mw": unserved,
        "export_mw": np.maximum(schedule.sent_mw - given["not sent"], 0.0),
        "flexible_mw": _flexible_mw(case, schedule, given),
        "called_mw": schedule.called_mw,
        "loss_mw": np.maximum(case.loss_mw - relief[:, 0], 0.0),
        "below_minimum_mw": below,
        "price_cny_per_mwh": price,
    }
    result = DispatchResult(
        time=case.time,
        coal=case.coal,
        hydros=case.hydros,
        renewables=case.renewables,
        storages=case.storages,
        loads=case.loads,
        channels=case.channels,
        flexibles=case.flexibles,
        calls=case.calls.names,
        coal_units_on=commitment.units_on,
        coal_starts=commitment.starts,
        charge_mw=schedule.charge_mw,
        discharge_mw=schedule.discharge_mw,
        stored_mwh=schedule.stored_mwh,
        cost_cny=(),
        days_anew=(),
        **draft,
    )
    return replace(result, cost_cny=cost_parts(case, result, schedule, start_cost_cny(case, commitment)))


def cost_parts(
    case: DispatchCase, result: DispatchResult, schedule: Schedule, starts_cny: float
) -> tuple[tuple[str, float], ...]:
    """Return the operating cost of a result by part, CNY, with what it misses of the rules."""
    powers = {item.name: getattr(result, item.name) for item in fields(result) if item.name.endswith("_mw")}
    plain = dict(operating_cost(case, powers, schedule, starts_cny))
    return tuple((plain | {"coal": coal_cost_cny(case, result)} | dict(missed_cost(case, result))).items())


def operating_cost(
    case: DispatchCase, draft: dict[str, Floats], schedule: Schedule, starts_cny: float
) -> tuple[tuple[str, float], ...]:
    """Return the operating cost by part, CNY: MWh × the prices of the case."""
    export = draft["export_mw"]
    low = case.export_low_mw
    energy_price = {
        "storage": (schedule.charge_mw + schedule.discharge_mw, case.price_storage),
        "shed": (draft["shed_mw"].sum() - schedule.called_mw.sum(), case.price_shed),
        "shift": (schedule.shift_up_mw + schedule.shift_down_mw, case.price_shift),
        "unserved": (draft["unserved_mw"], case.price_unserved),
        "export_up": (np.maximum(export - case.export_mw, 0.0), case.price_export_up),
        "export_down": (np.maximum(case.export_mw - np.maximum(export, low), 0.0), case.price_export_down),
        "export_cut": (np.maximum(low - export, 0.0), case.price_export_cut),
        "curtailment": (case.available_mw.sum() - draft["renewable_mw"].sum(), case.price_curtailed),
    }
    coal = float((draft["coal_mw"] @ case.coal_cost).sum()) * case.time.step_h
    parts = [("coal", coal), ("starts", starts_cny)]
    parts += [(name, float(mw.sum()) * case.time.step_h * price) for name, (mw, price) in energy_price.items()]
    on_call = float((schedule.called_mw @ case.calls.price_cny_per_mwh).sum()) * case.time.step_h
    plain = dict(parts)
    return (*(plain | {"shed": plain["shed"] + on_call}).items(), ("ranking", _ranking_cost(case, draft, schedule)))


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
    stores = row_sums(schedule.charge_mw) - row_sums(schedule.discharge_mw)
    shift = schedule.shift_up_mw - schedule.shift_down_mw
    sent = row_sums(schedule.sent_mw - stack.sent_mw)
    given = row_sums(schedule.hydro_mw) + row_sums(schedule.without_mw) + row_sums(schedule.called_mw)
    return np.asarray(stack.asked_mw + stores + shift + sent - given)


def _given_mw(case: DispatchCase, stack: Supply, net_mw: Floats, behind: Behind | None) -> tuple[Given, Floats]:
    """Return what is used of everything, and what coal gives below its minimum [hours], MW.

    Raises ``InvariantError`` where that is not what is asked.
    """
    given, below = _nothing(case), np.zeros(len(net_mw))
    used = stack.used_mw(net_mw)
    total, share = used.sum(axis=0), share_of(used, stack.width_mw)
    for number, segment in enumerate(stack.segments):
        if share[number].any():
            _use(segment, share[number, :, None], given)
        if segment.role is Role.COAL_MINIMUM:
            below += stack.width_mw[number] - used[number]
    if behind is not None:
        _take_behind(stack, behind, given, total, below)
    left = np.abs(net_mw - total)
    if left.max() > TOLERANCE_MW:
        worst = int(left.argmax())
        raise InvariantError(f"dispatch: step {worst} is out of balance by {left[worst]:.3g} MW")
    return given, below


def _use(segment: Segment, share: Floats, given: Given) -> None:
    """Add what is used of a segment; ``share`` of it [hours × 1]."""
    part = PARTS[segment.role]
    if len(segment.things) == given[part].shape[1] and not given[part].flags.writeable:
        given[part] = segment.part_mw * share  # the first and all of it: many times quicker
    else:
        given[part] = _own(given[part])
        given[part][:, segment.things] += segment.part_mw * share


def _own(array: Floats) -> Floats:
    """Return an array that may be written: that of nothing may not."""
    return array if array.flags.writeable else np.zeros(array.shape)


def _take_behind(stack: Supply, behind: Behind, given: Given, total_mw: Floats, below_mw: Floats) -> None:
    """Write the same for steps behind wires in place of what the stack says."""
    total_mw[behind.step] = behind.used_mw.sum(axis=1)
    below_mw[behind.step] = 0.0
    for values in given.values():
        if values.flags.writeable:
            values[behind.step] = 0.0
    column = 0
    for segment in stack.segments:
        used, part = behind.used_mw[:, column : column + len(segment.things)], PARTS[segment.role]
        if used.any():
            given[part] = _own(given[part])
            given[part][np.ix_(behind.step, segment.things)] += used
        if segment.role is Role.COAL_MINIMUM:
            below_mw[behind.step] += np.maximum(segment.part_mw[behind.step] - used, 0.0).sum(axis=1)
        column += len(segment.things)


def _nothing(case: DispatchCase) -> Given:
    """Return arrays of zeros for all parts, that need no memory and cannot be written."""
    things = {
        "coal": case.coal,
        "must-run": case.hydros,
        "renewables": case.renewables,
        "not sent": case.channels,
        "shed": case.loads,
        "cut": case.flexibles,
        "unserved": case.loads,
        "relief": ("losses",),
    }
    return {part: np.broadcast_to(0.0, (len(case.time), len(names))) for part, names in things.items()}


def _flexible_mw(case: DispatchCase, schedule: Schedule, given: Given) -> Floats:
    """Return what flexible loads take [hours × flexibles], MW."""
    return np.maximum(case.flexible.power_mw - schedule.without_mw - given["cut"], 0.0)


def _not_served(load_mw: Floats, up_mw: Floats, down_mw: Floats, given: Given) -> tuple[Floats, Floats]:
    """Return unserved load [hours × loads] and losses that do not arise [hours × 1], MW.

    Load that was moved away (``down_mw``; ``up_mw`` comes from elsewhere) or shed cannot go unserved as well. Then
    others take its place, and with nobody left to serve, losses vanish.
    """
    missing, relief = given["unserved"], given["relief"]
    if not (missing.any() or relief.any()):
        return missing, relief
    left = np.maximum(load_mw + up_mw - down_mw - given["shed"], 0.0)
    unserved = np.minimum(missing, left)
    excess = (missing - unserved).sum(axis=1, keepdims=True) + relief
    room = left - unserved
    more = room * share_of(excess, room.sum(axis=1, keepdims=True)).clip(max=1.0)
    return unserved + more, excess - more.sum(axis=1, keepdims=True)


def _daily_mwh(case: DispatchCase, power_mw: Floats) -> Floats:
    first = np.flatnonzero(np.diff(case.time.day, prepend=-1))
    return np.asarray(np.add.reduceat(power_mw, first, axis=0)) * case.time.step_h


def _marginal_price(stack: Supply, net_mw: Floats) -> Floats:
    """Return the price of the segment that would serve one more MWh, CNY/MWh [hours]."""
    full = np.count_nonzero(stack.top_mw - net_mw <= TOLERANCE_MW, axis=0)
    return np.asarray(stack.price[np.minimum(full, len(stack.price) - 1)])
