"""A dispatch that breaks rules which couple its steps → the same with those days dispatched anew, exactly.

The compiled walk knows neither ramps nor what scarcity owes to a balance of export, and it moves one channel at a
time. Days in which it breaks such a rule, or in which a network tears channels apart, are dispatched again by the
exact programme: stretches of days in the same rolling windows, with the units that run, from the state that the day
before leaves to the contents, and the energy sent, that the walk left at the end. All other days stay as they are.
Where a stretch meets the next day too fast, that day joins it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from scenarios.records import Bools
from sim.dispatch.commitment import Commitment
from sim.dispatch.limits import NetworkLimits
from sim.dispatch.model import DispatchCase, DispatchResult
from sim.dispatch.paced import paced
from sim.dispatch.programme import programme
from sim.dispatch.rolling import windows
from sim.dispatch.service import DUST_MW, coal_ramp_excess_mw, export_ramp_excess_mw
from sim.dispatch.span import emptied, since
from sim.dispatch.stack import balanced
from sim.dispatch.state import State, first_state, state_at
from sim.dispatch.unfold import cost_parts, spliced

if TYPE_CHECKING:
    from sim.dispatch.exact import Walk

MOST_DAYS = 0.8
"""Where more of the days than this are to be dispatched anew, all are: one walk instead of many stretches."""

DAYS_BACK = 2
"""Days before a new one that are dispatched again with it: as many as a window of the exact programme sees."""


def with_rules_kept(
    case: DispatchCase, limits: NetworkLimits, result: DispatchResult, torn: Bools, start: State | None = None
) -> DispatchResult:
    """Return a result with rules that couple steps kept as well as is worth it; ``days_anew`` says where.

    Days that are ``torn`` [days] are dispatched anew in any case. Steps before ``start``, if given, are empty.
    """
    rules = case.rules
    if not (rules.ramps or rules.export_ramp_mw_per_h is not None or balanced(case)):
        return result
    start = start or first_state(case)
    result = _after(result, start)
    walked = _paced(case, limits, result, start) if rules.ramps else result
    days = np.zeros(len(case.hydro_budget_mwh), dtype=bool)
    now, exact = walked, None
    mine = np.arange(len(days)) >= case.time.day[start.step]
    while (breach := (torn | _days_in_breach(case, now, start)) & mine & ~days).any():
        breach |= mine & _spends_the_year(case, walked, start)
        days |= breach
        if days[mine].mean() > MOST_DAYS:
            days, breach = mine, mine
        exact = exact or _exact_walk(case, limits, result, start)
        now = _dispatched_anew(exact, walked, now, tuple(_spans(days, breach)), start)
    starts = dict(result.cost_cny)["starts"]
    now = emptied(now, start.step) if start.step else now
    cost = cost_since(case, now, starts, start)
    return replace(now, cost_cny=cost, days_anew=tuple(np.flatnonzero(days).tolist()))


def cost_since(
    case: DispatchCase, result: DispatchResult, starts_cny: float, start: State
) -> tuple[tuple[str, float], ...]:
    """Return what a result costs by part from ``start`` on, CNY."""
    step = start.step
    if not step:
        return cost_parts(case, result, starts_cny)
    part, day = since(case, step), case.time.day[step]
    water = part.hydro_budget_mwh.copy()
    least = case.hydro_minimum_mw[day]
    passed_h = case.day_hours[day] - part.day_hours[0]
    water[0] = np.maximum(water[0] - least * passed_h - start.released_mwh, least * part.day_hours[0])
    return cost_parts(replace(part, hydro_budget_mwh=water), since(result, step), starts_cny)


def _after(result: DispatchResult, start: State) -> DispatchResult:
    """Return a result with the powers and contents of the step before the start, from which the rest follows."""
    if not start.step:
        return result
    before = {"coal_mw": start.coal_mw, "export_mw": start.export_mw, "stored_mwh": start.stored_mwh}
    arrays = {name: getattr(result, name).copy() for name in before}
    for name, values in before.items():
        arrays[name][start.step - 1] = values
    return replace(result, **arrays)


def _paced(case: DispatchCase, limits: NetworkLimits, result: DispatchResult, start: State) -> DispatchResult:
    """Return a result with coal within its ramps from the step before the start on, which stays as it is."""
    if not start.step:
        return paced(case, limits, result)
    before = start.step - 1
    part = paced(since(case, before), limits, since(result, before))
    coal = result.coal_mw.copy()
    coal[start.step :] = part.coal_mw[1:]
    return replace(result, coal_mw=coal)


def _spends_the_year(case: DispatchCase, result: DispatchResult, start: State) -> bool:
    """Whether the energy that may be shed in the year is used up: then no day can be dispatched by itself."""
    called = start.called_mwh + result.called_mw.sum(axis=0) * case.time.step_h
    return bool((called > case.calls.mwh_per_year - DUST_MW).any())


def _days_in_breach(case: DispatchCase, result: DispatchResult, start: State) -> Bools:
    """Return the days that must be dispatched anew [days]: a change that is too fast concerns both its steps."""
    day, found = case.time.day, np.zeros(len(case.hydro_budget_mwh), dtype=bool)
    mine = np.arange(len(day)) >= start.step
    fast = export_ramp_excess_mw(case, result).any(axis=1)
    if case.rules.ramps:
        fast |= coal_ramp_excess_mw(case, result).any(axis=1)
    step = np.flatnonzero(fast & mine)
    found[day[step]] = found[day[np.maximum(step - 1, 0)]] = True
    if balanced(case):
        short = result.unserved_mw.sum(axis=1) + np.maximum(case.export_low_mw - result.export_mw, 0.0).sum(axis=1)
        found[day[mine & (short > DUST_MW)]] = True
    return found


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of days ``first … stop − 1``; those from ``begin`` on are to be dispatched again."""

    first: int
    begin: int
    stop: int


def _spans(days: Bools, new: Bools) -> Iterator[Span]:
    """Yield the stretches of ``days`` with ``new`` ones in them; days far before these stay as they are."""
    edges = np.flatnonzero(np.diff(days, prepend=False, append=False))
    for first, stop in edges.reshape(-1, 2).tolist():
        found = np.flatnonzero(new[first:stop])
        if len(found):
            yield Span(first, first + max(int(found[0]) - DAYS_BACK, 0), stop)


def _exact_walk(case: DispatchCase, limits: NetworkLimits, result: DispatchResult, start: State) -> Walk:
    from sim.dispatch.exact import Walk  # noqa: PLC0415  (loads HiGHS)

    # Storages that were equally full all along may be one.
    paths = [path.tobytes() for path in (result.stored_mwh / case.storage_energy_mwh).round(9).T]
    alike = np.array([float(paths.index(path)) for path in paths])
    plan = programme(case, result.coal_units_on, limits, alike * case.storage_energy_mwh)
    return Walk(plan, start, result)


def _dispatched_anew(
    exact: Walk, walked: DispatchResult, now: DispatchResult, spans: Sequence[Span], start: State
) -> DispatchResult:
    """Return ``now`` with stretches of days dispatched again, each to the end that the compiled walk gave it.

    The end of the axis is free.
    """
    case = exact.plan.case
    step_mwh = now.called_mw * case.time.step_h
    called = step_mwh.sum(axis=0) + start.called_mwh
    for span in spans:
        edges = np.searchsorted(case.time.day, [span.first, span.begin, span.stop])
        first, begin, stop = np.maximum(edges, start.step).tolist()
        # What was cut below the band is not owed: the walk pays for it at once.
        sent_mw = np.maximum(walked.export_mw, case.export_low_mw) - case.export_mw
        sent = sent_mw[first:stop].sum(axis=0) * case.time.step_h
        account = state_at(case, now, first, start).account_mwh + sent
        # Of the energies of the year, the stretch has what all other days leave.
        others = called - step_mwh[begin:stop].sum(axis=0)
        exact.enter(replace(state_at(case, now, begin, start), called_mwh=others))
        for window in windows(case, begin, stop):
            ends = replace(window, last_mwh=walked.stored_mwh[stop - 1], exactly=True, last_account_mwh=account)
            exact.take(ends if window.end == stop < len(case.time) else window)
        called = exact.called_mwh
    units = Commitment(now.coal_units_on, now.coal_starts, np.zeros_like(now.coal_starts))
    days = np.concatenate([np.arange(span.begin, span.stop) for span in spans])
    steps = np.isin(case.time.day, days) & (np.arange(len(case.time)) >= start.step)
    return spliced(now, exact.finished(units, steps).result, steps, days)
