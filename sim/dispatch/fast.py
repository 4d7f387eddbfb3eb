"""The ``fast`` solver: case and limits → result in one compiled walk over rolling windows.

Commitment first; then the supply stack of every step; then stores, moved load and hydro are coordinated by exchange
between steps (``kernels``), in view of the rows of the network that bind; then every step is read off its stack, or
off its own small programme where rows bind. Storages of one kind (efficiencies, self-discharge, hours of storage,
and the same place in the network) act as one and share by power.

Only rows that come near their limits are looked at on the way. Whether all others keep to theirs is checked in the
end; where not, the walk is done again in view of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scenarios import jitcache  # noqa: F401  (before numba)
from scenarios.errors import InvariantError
from scenarios.records import Bools, Floats, Ints
from sim.dispatch.anew import with_rules_kept
from sim.dispatch.columns import called_day_mw, called_mw
from sim.dispatch.commitment import Commitment, commit
from sim.dispatch.kernels import coordinate
from sim.dispatch.kernels_state import LAYERS, Clock, Network, Search, Stack, Stores, Water
from sim.dispatch.limits import NetworkLimits, broken_rows, no_limits
from sim.dispatch.model import DispatchCase, DispatchResult
from sim.dispatch.reserve import reserve_rows
from sim.dispatch.settle import Behind, Schedule, settle
from sim.dispatch.stack import Supply, supply
from sim.dispatch.stores import Kinds, accounts, storage_kinds, stores_of, torn_days
from sim.dispatch.wires import Bounds, Resources, bounds_of, near_rows, network_of, shared_behind

MOST_WALKS = 10


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """A case with its units, its stacks, and the rows that its dispatch is done in view of."""

    case: DispatchCase
    commitment: Commitment
    stack: Supply
    limits: NetworkLimits


def solve(case: DispatchCase, limits: NetworkLimits | None = None) -> DispatchResult:
    """Return who runs when. Deterministic; no threads. Raises ``InvariantError`` when a step cannot be balanced."""
    commitment = commit(case)
    stack = supply(case, commitment)
    limits = limits or no_limits(case)
    rows = near_rows(case, stack, limits)
    for _ in range(MOST_WALKS):
        result, torn = walked(Task(case, commitment, stack, limits.only(rows.tolist())))
        missed = broken_rows(limits, case, result)
        if np.isin(missed, rows).all():
            return with_rules_kept(case, limits, result, torn)
        rows = np.union1d(rows, missed)
    raise InvariantError(f"dispatch: rows are still missing after {MOST_WALKS} walks")


def walked(task: Task) -> tuple[DispatchResult, Bools]:
    """Return the dispatch in view of the rows of a task, and the days that are better left to ``lp``."""
    case, kinds = task.case, storage_kinds(task.case, task.limits)
    order = np.argsort(-case.hydro_capacity_mw, kind="stable")
    resources = Resources(order, len(case.flexibles) + case.rules.shed_is_budgeted, kinds.first, accounts(case))
    reserve = reserve_rows(case, task.commitment, task.stack, resources.stores, resources.count)
    bounds = bounds_of(case, task.stack, task.limits, resources, tuple(reserve))
    stores = stores_of(case, kinds, resources.moved)
    water = _water(case, order, at_places=len(bounds.columns) > 0)
    stack = _stack(task, bounds)
    network = network_of(case, task.stack, bounds, stack)
    clock = _clock(case)
    coordinate(np.zeros(4, np.int64), search_for(stores, water, clock), network, stack, stores, water, clock)
    given = np.maximum(water.flow_mw.T, 0.0)
    plants, flexibles = len(case.hydros), len(case.flexibles)
    hydro = np.empty((len(case.time), plants))
    hydro[:, order] = given[:, :plants]
    schedule = Schedule(
        hydro_mw=hydro,
        charge_mw=_split(stores.charge_mw, kinds),
        discharge_mw=_split(stores.discharge_mw, kinds),
        stored_mwh=np.maximum(_split(stores.level_mwh, kinds), 0.0),
        shift_up_mw=stores.charge_mw[0].copy(),
        shift_down_mw=stores.discharge_mw[0].copy(),
        sent_mw=_sent_mw(task, stores),
        without_mw=given[:, plants : plants + flexibles],
        called_mw=given[:, plants + flexibles :].sum(axis=1),
    )
    result = settle(case, task.commitment, task.stack, schedule, _behind(task, stack, network, bounds))
    return result, torn_days(case, stack, stores, result)


def _sent_mw(task: Task, stores: Stores) -> Floats:
    """Return what channels send before the stack asks them to send less [hours × channels], MW."""
    more = stores.charge_mw[stores.accounts :] - stores.discharge_mw[stores.accounts :]
    return task.stack.sent_mw + more.T if len(more) else task.stack.sent_mw


def _behind(task: Task, stack: Stack, network: Network, bounds: Bounds) -> Behind | None:
    """Return the steps behind rows that bind; None without any rows."""
    if not len(bounds.columns):
        return None
    seen = np.flatnonzero(stack.seen)
    return Behind(
        step=seen,
        used_mw=shared_behind(network.wires, task.stack, seen),
        price_cny_per_mwh=stack.up_price[network.wires.moved][seen],
        share=bounds.moved_share,
    )


def _stack(task: Task, bounds: Bounds) -> Stack:
    steps, resources = len(task.stack.asked_mw), bounds.own.shape[2]
    lines = resources if len(bounds.columns) else 1
    prices, rooms = np.zeros((2, lines, steps)), np.zeros((2, lines, steps))
    return Stack(
        price=task.stack.price,
        top_mw=np.ascontiguousarray(task.stack.top_mw),
        line=np.arange(resources) if lines > 1 else np.zeros(resources, np.int64),
        net_mw=task.stack.asked_mw.copy(),
        place=np.zeros(steps, np.int64),
        up_price=prices[0],
        up_room_mw=rooms[0],
        down_price=prices[1],
        down_room_mw=rooms[1],
        injected_mw=np.zeros((steps, resources)),
        seen=np.zeros(steps, np.bool_),
        checked=np.zeros(steps, np.bool_),
        stale=np.zeros((resources, steps), np.bool_),
    )


def _water(case: DispatchCase, order: Ints, at_places: bool) -> Water:
    """Return hydro above its must-run, the largest plant first; what flexible loads can spare; load on call."""
    loads, steps = case.flexible, (1, len(case.time))
    parts = [_hydro(case, order)]
    spare = np.repeat((loads.power_mw - loads.target_mw)[:, None], len(case.day_hours), axis=1)
    parts.append(
        (spare, np.tile(loads.free_mw[:, None], steps), -loads.value_cny_per_mwh, loads.missed_cny_per_mwh)
    )
    if case.rules.shed_is_budgeted:
        price, never = np.array([-case.price_shed]), np.array([np.inf])
        parts.append((called_day_mw(case)[None, :], called_mw(case, at_places)[None, :], price, never))
    mean, most, spill, short = (np.ascontiguousarray(np.concatenate(part)) for part in zip(*parts, strict=True))
    pool = np.full(len(mean), np.inf)
    if case.rules.shed_mwh_per_year is not None:
        pool[-1] = case.rules.shed_mwh_per_year
    return Water(
        mean_mw=mean,
        most_mw=most,
        spill_price=spill,
        short_price=short,
        flow_mw=np.zeros_like(most),
        spare_mwh=np.zeros_like(mean),
        pool_mwh=pool,
    )


def _hydro(case: DispatchCase, order: Ints) -> tuple[Floats, Floats, Floats, Floats]:
    """Return mean, most, price of spilling and of releasing too much, as ``Water`` has them."""
    minimum, count = case.hydro_minimum_mw, len(case.hydros)
    mean = np.maximum(case.hydro_budget_mwh / case.day_hours[:, None] - minimum, 0.0)
    most = np.maximum(case.hydro_capacity_mw - minimum, 0.0)[case.time.day]
    return mean[:, order].T, most[:, order].T, np.full(count, case.price_spilled), np.full(count, np.inf)


def search_for(stores: Stores, water: Water, clock: Clock) -> Search:
    """Return room to look for chains in one window."""
    steps, plants, count = clock.window_steps, len(water.flow_mw), len(stores.keep)
    labels, rates = np.zeros((2, LAYERS + 1, steps), np.int64), np.zeros((3, count, steps))
    return Search(
        cost=np.zeros((LAYERS + 1, steps)),
        by=labels[0],
        source=labels[1],
        tired=np.zeros(steps, np.bool_),
        hops=np.zeros((LAYERS + 1, 3), np.int64),
        flow=np.zeros((plants, steps)),
        spare=np.zeros(plants),
        fill=rates[0],
        draw=rates[1],
        level=rates[2],
    )


def _clock(case: DispatchCase) -> Clock:
    day = case.time.day
    kept = max(round(case.step_window_h / case.time.step_h), 1)
    return Clock(
        day=day,
        first_step=np.append(np.flatnonzero(np.diff(day, prepend=-1)), len(day)),
        step_h=float(case.time.step_h),
        window_steps=max(round(case.look_ahead_h / case.time.step_h), kept),
        kept_steps=kept,
    )


def _split(by_kind: Floats, kinds: Kinds) -> Floats:
    """Return [hours × storages] from [1 + kinds × hours], whose first row is not a storage."""
    return np.ascontiguousarray((by_kind[1:][kinds.kind] * kinds.share[:, None]).T)
