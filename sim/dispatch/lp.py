"""The ``lp`` solver: case → result by an exact rolling linear programme in HiGHS, the twin of ``fast``.

The windows, the running units and all prices are those of ``fast``. The programme of a window (``window``,
``ring``) is built once; from window to window only bounds and right-hand sides change, and the last basis is kept
(dual simplex, no presolve). ``exact`` walks over the windows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from scenarios.records import Floats, Ints
from sim.dispatch.commitment import Commitment, commit
from sim.dispatch.exact import LpRun, Walk
from sim.dispatch.limits import NetworkLimits, no_limits
from sim.dispatch.model import DispatchCase, DispatchResult
from sim.dispatch.programme import near, programme
from sim.dispatch.rolling import Window, parts_of, walked, windows
from sim.dispatch.stack import supply
from sim.dispatch.state import State, first_state, state_at
from sim.dispatch.unfold import cost_parts, spliced
from sim.dispatch.wires import often_over

__all__ = ["LpRun", "follow", "redispatch", "solve", "solve_rolling", "solve_whole"]


def solve(
    case: DispatchCase, limits: NetworkLimits | None = None, units: Commitment | None = None, threads: int = 1
) -> DispatchResult:
    """Return who runs when, with ``units`` running; without them the rule of ``fast`` commits.

    ``threads`` (0: as many as processors) change no bit; they are used where many rows bind.
    Raises ``InvariantError`` when HiGHS finds no optimum.
    """
    return solve_rolling(case, limits, units=units, threads=threads).result


def solve_rolling(
    case: DispatchCase,
    limits: NetworkLimits | None = None,
    start: State | None = None,
    units: Commitment | None = None,
    threads: int = 1,
) -> LpRun:
    """Return the same with the figures of the solution; overloads have a price and are reported.

    From ``start`` on, if given: a seam between days that another run went through. Steps before it stay empty.
    """
    units, limits = units or commit(case), limits or no_limits(case)
    if start is not None:
        return _walked(case, units, limits, start, windows(case, start.step))
    state = first_state(case)
    plan = programme(case, units.units_on, limits, state.stored_mwh)
    parts = parts_of(case, units, limits)
    over = often_over(case, supply(case, units), limits, next(windows(case)).kept)

    def new() -> Walk:
        walk = Walk(plan, state)
        walk.expect(over)
        return walk

    return walked(case, parts, new, threads).finished(units)


def solve_whole(
    case: DispatchCase,
    commitment: Commitment,
    first: State,
    last: State | None = None,
    limits: NetworkLimits | None = None,
    hint: DispatchResult | None = None,
) -> LpRun:
    """Return the optimum over the whole axis at once, between given contents of the storages.

    No dispatch with the same units, the same state before, at least the contents of ``last`` after and the same
    energy sent can cost less. Contents that are left have no value of their own here. ``hint`` is such a dispatch:
    where storages hold reserve, it helps to find their directions.
    """
    case = replace(case, rules=replace(case.rules, storage_end_cny_per_mwh=0.0))
    steps = len(case.time)
    ends = (None, None) if last is None else (last.stored_mwh, last.account_mwh)
    whole = Window(0, steps, steps, ends[0], last_account_mwh=ends[1])
    return _walked(case, commitment, limits, first, (whole,), hint)


def follow(case: DispatchCase, result: DispatchResult, limits: NetworkLimits) -> DispatchResult:
    """Return a result for a case whose losses differ a little, near to the one before.

    Units, water, storages, moved and flexible loads stay as they were; what a step decides by itself follows the
    losses. So the equal optima of two cases do not lie far apart.
    """
    units = Commitment(result.coal_units_on, result.coal_starts, np.zeros_like(result.coal_starts))
    walk = Walk(near(programme(case, units.units_on, limits, None), result), first_state(case), result)
    for day in range(len(case.day_hours)):
        begin, end = np.searchsorted(case.time.day, [day, day + 1]).tolist()
        walk.take(Window(begin, end, end))
    anew = replace(walk.finished(units).result, days_anew=result.days_anew)
    return replace(anew, cost_cny=cost_parts(case, anew, dict(result.cost_cny)["starts"]))


def redispatch(
    case: DispatchCase, result: DispatchResult, limits: NetworkLimits, cap_mw: Floats, days: Ints
) -> DispatchResult:
    """Return a result with some ``days`` dispatched anew, exactly, within rows tightened to ``cap_mw``.

    ``cap_mw`` [hours × rows] may be infinite. Units run as they did, and every day begins and ends with the
    contents of storages that it had, so that the other days stay as they are.
    """
    units = Commitment(result.coal_units_on, result.coal_starts, np.zeros_like(result.coal_starts))
    plan = programme(case, units.units_on, limits, None, cap_mw)
    walk = Walk(plan, first_state(case), result)
    step_mwh = result.called_mw * case.time.step_h
    called = step_mwh.sum(axis=0)
    for day in days:
        begin, end = np.searchsorted(case.time.day, [day, day + 1])
        sent = state_at(case, result, int(end)).account_mwh
        # Of the energies of the year, the day has what all other days leave.
        others = called - step_mwh[begin:end].sum(axis=0)
        # What the AC flow shows is mended the day before: in time for any notice.
        walk.enter(replace(state_at(case, result, int(begin)), called_mwh=others, announced_mw=None))
        walk.take(Window(int(begin), int(end), int(end), result.stored_mwh[end - 1], True, sent))
        called = walk.called_mwh
    anew = walk.finished(units).result
    merged = spliced(result, anew, np.isin(case.time.day, days), days)
    return replace(merged, cost_cny=cost_parts(case, merged, dict(result.cost_cny)["starts"]))


def _walked(
    case: DispatchCase,
    commitment: Commitment,
    limits: NetworkLimits | None,
    first: State,
    spans: Iterable[Window],
    hint: DispatchResult | None = None,
) -> LpRun:
    walk = Walk(programme(case, commitment.units_on, limits or no_limits(case), first.stored_mwh), first, hint)
    for window in spans:
        walk.take(window)
    return walk.finished(commitment)
