"""The ``fast`` solver: case and limits → result in one compiled walk over rolling windows.

Commitment first; then the supply stack of every step; then stores, moved load and hydro are coordinated by exchange
between steps (``kernels``), in view of the rows of the network that bind; then every step is read off its stack, or
off its own small programme where rows bind. Storages of one kind (efficiencies, self-discharge, hours of storage,
and the same place in the network) act as one and share by power.

Only rows that come near their limits are looked at on the way. Whether all others keep to theirs is checked in the
end; where not, the walk is done again in view of them.

A year is walked in parts, side by side (``parts``), and a run may begin where another one left off (``Saved``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from scenarios import jitcache  # noqa: F401  (before numba)
from scenarios.errors import InvariantError
from scenarios.records import Bools, Floats, Ints, axes, record
from sim.dispatch.anew import cost_since, with_rules_kept
from sim.dispatch.commitment import Commitment, commit, start_cost_cny
from sim.dispatch.kernels_state import Network, Stack, Stores
from sim.dispatch.limits import NetworkLimits, broken_rows, no_limits
from sim.dispatch.memory import keep_freed_memory
from sim.dispatch.model import DispatchCase, DispatchResult
from sim.dispatch.parts import Left, Parts
from sim.dispatch.reserve import reserve_rows
from sim.dispatch.settle import Behind, Schedule, settle
from sim.dispatch.span import emptied, since, units_since
from sim.dispatch.stack import Supply, supply
from sim.dispatch.state import State, state_at
from sim.dispatch.stores import Kinds, accounts, kinds_of, level_of, storage_kinds, stores_of, torn_days
from sim.dispatch.walk import Walk, walk_of
from sim.dispatch.wires import Bounds, Resources, bounds_of, near_rows, shared_behind

SAME_MWH = 1e-6
"""Contents that differ by no more than this need no dispatch anew."""

MOST_WALKS = 10


@record
class Saved:
    """What a run left before a step: the ``state`` there, and what makes the rest of the axis go on bit by bit.

    ``rows`` of the network in view of which the dispatch was done, the ``kind`` of each storage, and what the walk
    had planned for the steps it had looked at (``Left``).
    """

    state: State
    rows: tuple[str, ...]
    kind: Ints = axes("storages", dtype=int)
    left: Left


@dataclass(frozen=True, slots=True, eq=False)
class FastRun:
    """A result, and what it left before the steps at which that was to be kept, in their order."""

    result: DispatchResult
    saved: tuple[Saved, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """A case with its units, its stacks, and the rows that its dispatch is done in view of.

    It begins at a ``start`` (none: the first step), keeps what it leaves before some steps, and has ``threads``.
    """

    case: DispatchCase
    commitment: Commitment
    stack: Supply
    limits: NetworkLimits
    start: State | Saved | None
    keep: tuple[int, ...]
    threads: int

    @property
    def state(self) -> State | None:
        """The state that it begins in, if one is given."""
        return self.start.state if isinstance(self.start, Saved) else self.start

    @property
    def first(self) -> int:
        """The step that it begins with."""
        return 0 if self.state is None else self.state.step


@dataclass(frozen=True, slots=True, eq=False)
class Walked:
    """A dispatch, the days [days] that are better left to ``lp``, the kinds of storages, and what was kept."""

    result: DispatchResult
    torn: Bools
    kinds: Kinds
    left: dict[int, Left]


def solve(case: DispatchCase, limits: NetworkLimits | None = None, threads: int = 1) -> DispatchResult:
    """Return who runs when. Deterministic; ``threads`` (0: as many as processors) change no bit of it.

    Raises ``InvariantError`` when a step cannot be balanced.
    """
    return solve_rolling(case, limits, threads=threads).result


def solve_rolling(
    case: DispatchCase,
    limits: NetworkLimits | None = None,
    start: State | Saved | None = None,
    keep: Sequence[int] = (),
    threads: int = 1,
) -> FastRun:
    """Return the same, and what it leaves before the steps of ``keep``, where windows begin.

    From ``start`` on, if given: what another run has ``Saved``, or any ``State``. Steps before it stay empty and
    cost nothing. From ``Saved`` the run is the tail of that other run, bit by bit. (Where a rule that is kept after
    the walk changed days on both sides of the seam, it keeps to the rule from the powers of the state on.)

    Raises ``ValueError`` for a step at which no window begins, or a saved state of another case.
    """
    keep_freed_memory()
    limits = limits or no_limits(case)
    commitment = commit(case)
    task = Task(case, commitment, supply(case, commitment), limits, start, tuple(sorted(keep)), threads)
    rows = _first_rows(task)
    for _ in range(MOST_WALKS):
        walked = walk_through(replace(task, limits=limits.only(rows.tolist())))
        missed = broken_rows(limits, *_from(task, walked.result), threads)
        if np.isin(missed, rows).all():
            result = with_rules_kept(case, limits, walked.result, walked.torn, task.state)
            return FastRun(result, tuple(_saved(task, limits.only(rows.tolist()), walked, result)))
        rows = np.union1d(rows, missed)
    raise InvariantError(f"dispatch: rows are still missing after {MOST_WALKS} walks")


def _first_rows(task: Task) -> Ints:
    """Return the rows that the first walk sees: those near their limits, or those that a saved walk saw."""
    if isinstance(task.start, Saved):
        place = {name: number for number, name in enumerate(task.limits.rows)}
        if unknown := [name for name in task.start.rows if name not in place]:
            raise ValueError(f"the saved state is one of other limits: {', '.join(unknown)}")
        return np.array([place[name] for name in task.start.rows], dtype=np.int64)
    return near_rows(task.case, task.stack, task.limits)


def _from(task: Task, result: DispatchResult) -> tuple[DispatchCase, DispatchResult]:
    """Return the part of case and result that is dispatched."""
    step = task.first
    return (since(task.case, step), since(result, step)) if step else (task.case, result)


def _saved(task: Task, seen: NetworkLimits, walked: Walked, result: DispatchResult) -> Iterator[Saved]:
    for step in task.keep:
        state = state_at(task.case, result, step, task.state)
        yield Saved(state, seen.rows, walked.kinds.kind, walked.left[step])


def walk_through(task: Task) -> Walked:
    """Return the dispatch in view of the rows of a task."""
    case, kinds = task.case, _kinds(task)
    order = np.argsort(-case.hydro_capacity_mw, kind="stable")
    resources = Resources(order, len(case.flexibles) + len(case.calls), kinds.first, accounts(case))
    reserve = reserve_rows(case, task.commitment, task.stack, resources.stores, resources.count)
    bounds = bounds_of(case, task.stack, task.limits, resources, tuple(reserve))
    walk = walk_of(case, task.stack, bounds, stores_of(case, kinds, resources.moved), order, task.threads)
    part = _begin(task, walk, kinds, order)
    left = Parts(walk, task.keep).go(task.threads, task.first, part)
    behind = _behind(task, walk.stack, walk.network, bounds)
    schedule = _schedule(task, walk, kinds, order)
    result = settle(case, task.commitment, task.stack, schedule, behind)
    torn = torn_days(case, walk.stack, walk.stores, result)
    if task.state is not None:
        result = _tail(task, task.state, result)
        torn[case.time.day[task.first]] |= not _stands(task, walk, kinds)
    return Walked(result, torn, kinds, left)


def _kinds(task: Task) -> Kinds:
    if isinstance(task.start, Saved):
        return kinds_of(task.case, task.start.kind)
    return storage_kinds(task.case, task.limits, None if task.start is None else task.start.stored_mwh)


def _begin(task: Task, walk: Walk, kinds: Kinds, order: Ints) -> int | None:
    """Let a walk stand where the task begins; return the part whose walk stood there, if it is known."""
    if isinstance(task.start, Saved):
        walk.take_up(task.first, task.start.left.plan)
        return task.start.left.part
    if task.start is not None:
        state = task.start
        walk.begin_at(state.step, level_of(task.case, kinds, state))
        given = [state.released_mwh[order], state.without_mwh, state.today_mwh]
        walk.have_given(state.step, np.concatenate(given), state.called_mwh)
        if state.announced_mw is not None:
            walk.announced(state.step, state.announced_mw)
    return None


def _stands(task: Task, walk: Walk, kinds: Kinds) -> bool:
    """Whether a walk began with the contents of the state: it did not where days around were dispatched anew."""
    state = task.state
    return state is None or np.allclose(
        walk.level_mwh(state.step), level_of(task.case, kinds, state), rtol=0.0, atol=SAME_MWH
    )


def _tail(task: Task, state: State, result: DispatchResult) -> DispatchResult:
    """Return a result with the steps before the state empty, and costs from there on.

    Of the day in which it begins, what was released before is not spilled. (What flexible loads took before does
    not count in its cost: the rest of the day is like a day.)
    """
    case, step = task.case, state.step
    day = case.time.day[step]
    passed_h = (step - int(np.searchsorted(case.time.day, day))) * case.time.step_h
    before = case.hydro_minimum_mw[day] * passed_h + state.released_mwh
    spilled = result.hydro_spilled_mwh.copy()
    spilled[day] = np.maximum(spilled[day] - before, 0.0)
    result = emptied(replace(result, hydro_spilled_mwh=spilled), step)
    starts = start_cost_cny(case, units_since(task.commitment, step))
    return replace(result, cost_cny=cost_since(case, result, starts, state))


def _schedule(task: Task, walk: Walk, kinds: Kinds, order: Ints) -> Schedule:
    """Return what a walk found."""
    case, stores = task.case, walk.stores
    given = np.maximum(walk.water.flow_mw.T, 0.0)
    plants, flexibles = len(case.hydros), len(case.flexibles)
    hydro = np.empty((len(case.time), plants))
    hydro[:, order] = given[:, :plants]
    return Schedule(
        hydro_mw=hydro,
        charge_mw=_split(stores.charge_mw, kinds),
        discharge_mw=_split(stores.discharge_mw, kinds),
        stored_mwh=np.maximum(_split(stores.level_mwh, kinds), 0.0),
        shift_up_mw=stores.charge_mw[0].copy(),
        shift_down_mw=stores.discharge_mw[0].copy(),
        sent_mw=_sent_mw(task, stores),
        without_mw=given[:, plants : plants + flexibles],
        called_mw=given[:, plants + flexibles :],
    )


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


def _split(by_kind: Floats, kinds: Kinds) -> Floats:
    """Return [hours × storages] from [1 + kinds × hours], whose first row is not a storage."""
    return np.ascontiguousarray((by_kind[1:][kinds.kind] * kinds.share[:, None]).T)
