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
from sim.dispatch.service import DUST_MW, coal_ramp_excess_mw, export_ramp_excess_mw
from sim.dispatch.stack import balanced
from sim.dispatch.state import first_state, state_at
from sim.dispatch.unfold import cost_parts

if TYPE_CHECKING:
    from sim.dispatch.lp import Walk

MOST_DAYS = 0.8
"""Where more of the days than this are to be dispatched anew, all are: one walk instead of many stretches."""

DAYS_BACK = 2
"""Days before a new one that are dispatched again with it: as many as a window of the exact programme sees."""


def with_rules_kept(
    case: DispatchCase, limits: NetworkLimits, result: DispatchResult, torn: Bools
) -> DispatchResult:
    """Return a result with rules that couple steps kept as well as is worth it; ``days_anew`` says where.

    Days that are ``torn`` [days] are dispatched anew in any case.
    """
    rules = case.rules
    if not (rules.ramps or rules.export_ramp_mw_per_h is not None or balanced(case)):
        return result
    walked = paced(case, limits, result) if rules.ramps else result
    days = np.zeros(len(case.hydro_budget_mwh), dtype=bool)
    now, exact = walked, None
    while (breach := (torn | _days_in_breach(case, now)) & ~days).any():
        breach |= _spends_the_year(case, walked)
        days |= breach
        if days.mean() > MOST_DAYS:
            days[:] = breach[:] = True
        exact = exact or _exact_walk(case, limits, result)
        now = _dispatched_anew(exact, walked, now, tuple(_spans(days, breach)))
    starts = dict(result.cost_cny)["starts"]
    return replace(now, cost_cny=cost_parts(case, now, starts), days_anew=tuple(np.flatnonzero(days).tolist()))


def _spends_the_year(case: DispatchCase, result: DispatchResult) -> bool:
    """Whether the energy that may be shed in the year is used up: then no day can be dispatched by itself."""
    most = case.rules.shed_mwh_per_year
    return most is not None and float(result.shed_mw.sum()) * case.time.step_h > most - DUST_MW


def _days_in_breach(case: DispatchCase, result: DispatchResult) -> Bools:
    """Return the days that must be dispatched anew [days]: a change that is too fast concerns both its steps."""
    day, found = case.time.day, np.zeros(len(case.hydro_budget_mwh), dtype=bool)
    fast = export_ramp_excess_mw(case, result).any(axis=1)
    if case.rules.ramps:
        fast |= coal_ramp_excess_mw(case, result).any(axis=1)
    step = np.flatnonzero(fast)
    found[day[step]] = found[day[np.maximum(step - 1, 0)]] = True
    if balanced(case):
        short = result.unserved_mw.sum(axis=1) + np.maximum(case.export_low_mw - result.export_mw, 0.0).sum(axis=1)
        found[day[short > DUST_MW]] = True
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


def _exact_walk(case: DispatchCase, limits: NetworkLimits, result: DispatchResult) -> Walk:
    from sim.dispatch import lp  # noqa: PLC0415  (loads HiGHS)

    # Storages that were equally full all along may be one.
    paths = [path.tobytes() for path in (result.stored_mwh / case.storage_energy_mwh).round(9).T]
    alike = np.array([float(paths.index(path)) for path in paths])
    return lp.Walk(
        programme(case, result.coal_units_on, limits, alike * case.storage_energy_mwh), first_state(case)
    )


def _dispatched_anew(
    exact: Walk, walked: DispatchResult, now: DispatchResult, spans: Sequence[Span]
) -> DispatchResult:
    """Return ``now`` with stretches of days dispatched again, each to the end that the compiled walk gave it.

    The end of the axis is free.
    """
    from sim.dispatch import lp  # noqa: PLC0415  (loads HiGHS)

    case = exact.plan.case
    step_mwh = now.shed_mw.sum(axis=1) * case.time.step_h
    called = float(step_mwh.sum())
    for span in spans:
        first, begin, stop = np.searchsorted(case.time.day, [span.first, span.begin, span.stop]).tolist()
        # What was cut below the band is not owed: the walk pays for it at once.
        sent_mw = np.maximum(walked.export_mw, case.export_low_mw) - case.export_mw
        sent = sent_mw[first:stop].sum(axis=0) * case.time.step_h
        account = state_at(case, now, first).account_mwh + sent
        # Of the energies of the year, the stretch has what all other days leave.
        others = called - float(step_mwh[begin:stop].sum())
        exact.enter(replace(state_at(case, now, begin), called_mwh=others))
        for window in lp.windows(case, begin, stop):
            ends = replace(window, last_mwh=walked.stored_mwh[stop - 1], exactly=True, last_account_mwh=account)
            exact.take(ends if window.end == stop < len(case.time) else window)
        called = exact.called_mwh
    units = Commitment(now.coal_units_on, now.coal_starts, np.zeros_like(now.coal_starts))
    days = np.concatenate([np.arange(span.begin, span.stop) for span in spans])
    steps = np.isin(case.time.day, days)
    return lp.spliced(now, exact.finished(units, steps).result, steps, days)
