"""A dispatch → how far it is from the exact optimum: the certificate that every run carries.

Sampled weeks, one a season, are solved again by ``lp`` in one piece: with the same running units, from the contents
of the storages before the week to at least those after it. The dispatch itself is a feasible solution of that
programme, so its cost cannot be lower, and the gap bounds what any better dispatch of the week could have saved,
the dispatch's limited look-ahead included. (Where storages had to be kept from charging and discharging at once, as
where they hold reserve, that programme is no longer exact, and the gap may be negative.)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from scenarios.errors import InvariantError
from scenarios.schema import Scenario
from scenarios.timeaxis import TimeAxis
from sim.dispatch.commitment import Commitment
from sim.dispatch.limits import NetworkLimits, no_limits, overload_mw
from sim.dispatch.lp import LpRun, solve_rolling, solve_whole
from sim.dispatch.model import DispatchCase, DispatchResult
from sim.dispatch.rows import price_overload
from sim.dispatch.service import export_forgiven_mwh
from sim.dispatch.span import cut, steps_of
from sim.dispatch.state import State, state_at
from sim.dispatch.unfold import cost_parts

WEEK_DAYS = 7

SEASONS = {"winter": (12, 1, 2), "spring": (3, 4, 5), "summer": (6, 7, 8), "autumn": (9, 10, 11)}

WHOLE = "all"
"""Name of the sample that covers the whole axis."""

ROUNDING = 1e-6
"""Relative cost by which an exact optimum may seem dearer than a feasible solution."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A span that was solved twice: by the dispatch under test and exactly.

    Costs in CNY are of operation without starts (the units are the same) and with the price of overloads of network
    rows; ``curtailed`` and ``available`` energies of wind and PV in MWh.
    """

    name: str
    first_step: int
    steps: int
    cost_cny: float
    exact_cost_cny: float
    curtailed_mwh: float
    exact_curtailed_mwh: float
    available_mwh: float

    @property
    def cost_gap(self) -> float:
        """Cost above the optimum, as a share of it."""
        return (self.cost_cny - self.exact_cost_cny) / max(abs(self.exact_cost_cny), 1.0)

    @property
    def curtailment_gap(self) -> float:
        """Energy curtailed beyond the optimum, as a share of what was available."""
        return (self.curtailed_mwh - self.exact_curtailed_mwh) / max(self.available_mwh, 1.0)


@dataclass(frozen=True, slots=True)
class Certificate:
    """The samples with their gaps; ``whole``: one sample, the entire axis solved by the rolling lp."""

    samples: tuple[Sample, ...]
    whole: bool

    @property
    def worst_cost_gap(self) -> float:
        """Largest gap in cost of any sample, as a share."""
        return max(sample.cost_gap for sample in self.samples)

    @property
    def cost_gap(self) -> float:
        """Gap in cost of all samples together, as a share."""
        exact = sum(sample.exact_cost_cny for sample in self.samples)
        return (sum(sample.cost_cny for sample in self.samples) - exact) / max(abs(exact), 1.0)

    @property
    def curtailment_gap(self) -> float:
        """Energy curtailed beyond the optimum in all samples, as a share of what was available."""
        more = sum(sample.curtailed_mwh - sample.exact_curtailed_mwh for sample in self.samples)
        return more / max(sum(sample.available_mwh for sample in self.samples), 1.0)


def certificate_for(
    scenario: Scenario, case: DispatchCase, result: DispatchResult, limits: NetworkLimits
) -> Certificate | None:
    """Return the certificate that the scenario asks for; none for ``lp``, which is the measure itself."""
    settings = scenario.settings.dispatch
    if settings.certify == "none" or settings.solver == "lp":
        return None
    if settings.certify == "full":
        return certify_whole(case, result, limits)
    return certify(case, result, limits, seed=settings.certify_seed)


def certify(
    case: DispatchCase,
    result: DispatchResult,
    limits: NetworkLimits | None = None,
    weeks: int = 4,
    seed: int = 0,
) -> Certificate:
    """Return the certificate of a result from ``weeks`` sampled weeks, spread over the seasons by ``seed``.

    An axis shorter than a week is one sample. Raises ``InvariantError`` when an optimum costs more than the result.
    """
    spans = tuple(sampled_weeks(case.time, weeks, seed)) or ((WHOLE, 0, int(case.time.day[-1]) + 1),)
    return Certificate(tuple(_sample(case, result, limits or no_limits(case), span) for span in spans), whole=False)


def certify_whole(case: DispatchCase, result: DispatchResult, limits: NetworkLimits | None = None) -> Certificate:
    """Return the certificate against the rolling lp over the whole axis.

    Both look ahead equally far, so the gap shows the method alone; it may be slightly negative where a worse window
    happened to leave a better state.
    """
    limits = limits or no_limits(case)
    return Certificate((_compared(case, result, solve_rolling(case, limits), limits),), whole=True)


def sampled_weeks(time: TimeAxis, weeks: int, seed: int) -> Iterator[tuple[str, int, int]]:
    """Yield name, first day and number of days of sampled weeks that lie whole on the axis, by season."""
    days, counts = np.unique(time.day, return_counts=True)
    whole = counts == time.steps_per_day
    month = time.month[np.searchsorted(time.day, days)]
    fits = np.array([whole[d : d + WEEK_DAYS].sum() == WEEK_DAYS for d in days])
    for number, (season, months) in enumerate(SEASONS.items()):
        wanted = weeks // len(SEASONS) + (number < weeks % len(SEASONS))
        possible = days[fits & np.isin(month, months)]
        draw = np.random.default_rng((seed, number))
        chosen = draw.choice(possible, min(wanted, len(possible)), replace=False)
        yield from ((season, int(day), WEEK_DAYS) for day in np.sort(chosen))


def certificate_sentence(certificate: Certificate | None) -> str:
    """Return the result of the certificate for a log; empty without one."""
    if certificate is None:
        return ""
    everything = certificate.samples[0].name == WHOLE
    what = "all steps" if everything else f"{len(certificate.samples)} sampled weeks"
    return (
        f"Against the exact optimum of {what}: cost {certificate.cost_gap:+.4%}, at worst "
        f"{certificate.worst_cost_gap:+.4%}; curtailed {certificate.curtailment_gap:+.4%} of what was available. "
        "与精确解之差。"
    )


def operating_cost_cny(case: DispatchCase, result: DispatchResult, limits: NetworkLimits) -> float:
    """Return what a result costs in operation, overloads at their price included and starts left out, CNY."""
    overload_mwh = float(overload_mw(limits, case, result).sum()) * case.time.step_h
    return sum(value for _, value in cost_parts(case, result, 0.0)) + overload_mwh * price_overload(case)


def _week_cost_cny(case: DispatchCase, result: DispatchResult, limits: NetworkLimits, before: State) -> float:
    """Return the same for a week that begins in a state: what channels have sent before counts in their balance."""
    counted, since = export_forgiven_mwh(case, result), export_forgiven_mwh(case, result, None, before.account_mwh)
    return operating_cost_cny(case, result, limits) + float((since - counted).sum()) * case.price_export_cut


def _sample(
    case: DispatchCase, result: DispatchResult, limits: NetworkLimits, span: tuple[str, int, int]
) -> Sample:
    """Solve a span (name, first day, days) exactly, and compare."""
    name, first_day, days = span
    begin = steps_of(case.time, first_day, days).start
    part, given = cut(case, first_day, days), cut(result, first_day, days)
    before = replace(state_at(case, result, begin), step=0)
    # Starts are left out: the units are the same on both sides.
    no_starts = np.zeros_like(given.coal_units_on)
    units = Commitment(given.coal_units_on, no_starts, no_starts)
    sent = before.account_mwh + (given.export_mw - part.export_mw).sum(axis=0) * part.time.step_h
    after = replace(before, stored_mwh=given.stored_mwh[-1], account_mwh=sent)
    run = solve_whole(part, units, before, after, limits, given)
    costs = [_week_cost_cny(part, item, limits, before) for item in (given, run.result)]
    sample = replace(
        _compared(part, given, run, limits), name=name, first_step=begin, cost_cny=costs[0], exact_cost_cny=costs[1]
    )
    if not run.one_way_windows and sample.exact_cost_cny > sample.cost_cny + ROUNDING * abs(sample.cost_cny):
        raise InvariantError(f"certificate: the exact optimum of {name} costs more than the dispatch")
    return sample


def _compared(case: DispatchCase, result: DispatchResult, run: LpRun, limits: NetworkLimits) -> Sample:
    """Return the two solutions of the case side by side."""
    available = float(case.available_mw.sum()) * case.time.step_h
    used, exactly_used = (float(r.renewable_mw.sum()) * case.time.step_h for r in (result, run.result))
    return Sample(
        name=WHOLE,
        first_step=0,
        steps=len(case.time),
        cost_cny=operating_cost_cny(case, result, limits),
        exact_cost_cny=operating_cost_cny(case, run.result, limits),
        curtailed_mwh=available - used,
        exact_curtailed_mwh=available - exactly_used,
        available_mwh=available,
    )
