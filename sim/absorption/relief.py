"""A scenario → what would help: each measure's standard step, dispatched for the whole period, ranked.

    scenario ──operate──► base ──measures──► trials ──dispatch──► Relief

Every step is a real dispatch with the network's limits and the losses of the base, not a product of duals: the
first MWh of a measure is worth more than its last, and a step at one bus may only move the bottleneck.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from grid.checks import check_network
from grid.compile import compile_net
from grid.network import build_net
from profiles.generate import generate
from profiles.weather import make_weather
from scenarios.schema import Scenario
from sim.absorption.causes import Solver, curtailed
from sim.absorption.measures import Base, Measure, candidate_buses, candidate_rows, measures
from sim.absorption.places import place_of
from sim.dispatch import dispatch
from sim.dispatch.model import DispatchCase, DispatchResult
from sim.metrics import PENALTIES
from sim.operation import operate
from sim.progress import Stages

MOST_PLACES = 12
"""Buses, and rows of the network, that are tried at most."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one standard step brings over the period; negative where it does harm.

    ``confidence`` is what is known of the line or section that is strengthened, else empty.
    ``recovered_mwh`` is wind and PV no longer curtailed, ``saved_cny`` operating cost without penalty prices,
    ``served_mwh`` load no longer unserved.
    """

    kind: str
    place: str
    place_zh: str
    place_en: str
    confidence: str
    parts: tuple[str, ...]
    recovered_mwh: float
    saved_cny: float
    served_mwh: float


@dataclass(frozen=True, slots=True)
class Relief:
    """The steps, those that recover most first, and the base they are compared with.

    ``left_out`` counts buses and rows that were candidates and were not tried.
    """

    scenario: str
    hours: float
    curtailed_mwh: float
    available_mwh: float
    cost_cny: float
    steps: tuple[Step, ...]
    left_out: int


def relieve(scenario: Scenario, stages: Stages, most: int = MOST_PLACES) -> Relief:
    """Return what each measure's step brings over the scenario's period, by the scenario's dispatch solver.

    ``most`` bounds the buses and the rows that are tried. Raises ``WumengError`` subclasses as a run does.
    """
    base = base_of(scenario, stages)
    return relief_of(base, partial(dispatch, scenario), most, stages)


def base_of(scenario: Scenario, stages: Stages) -> Base:
    """Return the operation of a scenario, dispatch and AC power flow alternated as in a run."""
    with stages.stage("inputs", "Network, weather, generation · 网架、气象与出力"):
        check_network(scenario)
        model = compile_net(build_net(scenario))
        profiles = generate(scenario, make_weather(scenario))
    operation = operate(scenario, profiles, model, stages)
    return Base(scenario, profiles, model, operation.case, operation.limits, operation.result)


def relief_of(base: Base, solve: Solver, most: int, stages: Stages) -> Relief:
    """Return the relief of a base operation that ``solve`` made without correction."""
    chosen = measures(base, most)
    tried: list[Step] = []
    with stages.stage("relief", f"{len(chosen)} measures, each dispatched anew · 措施逐项复算"):
        start = _outcome(base.case, solve(base.case, base.limits))
        for number, measure in enumerate(chosen, start=1):
            tried.append(_step(base, measure, start, solve))
            stages.tick(number, len(chosen))
    places = (candidate_buses(base), candidate_rows(base))
    return Relief(
        scenario=base.scenario.settings.name,
        hours=float(base.case.time.hours),
        curtailed_mwh=start.curtailed_mwh,
        available_mwh=float(base.case.available_mw.sum()) * base.case.time.step_h,
        cost_cny=start.cost_cny,
        steps=tuple(sorted(tried, key=lambda step: (-step.recovered_mwh, step.kind, step.place))),
        left_out=sum(max(len(names) - most, 0) for names in places),
    )


@dataclass(frozen=True, slots=True)
class _Sums:
    curtailed_mwh: float
    cost_cny: float
    unserved_mwh: float


def _step(base: Base, measure: Measure, start: _Sums, solve: Solver) -> Step:
    trial, place = measure.trial(base), place_of(base.scenario, measure)
    end = _outcome(trial.case, solve(trial.case, trial.limits))
    return Step(
        kind=measure.kind,
        place=measure.place,
        place_zh=place.zh,
        place_en=place.en,
        confidence=place.confidence,
        parts=measure.parts,
        recovered_mwh=start.curtailed_mwh - end.curtailed_mwh,
        saved_cny=start.cost_cny - end.cost_cny,
        served_mwh=start.unserved_mwh - end.unserved_mwh,
    )


def _outcome(case: DispatchCase, result: DispatchResult) -> _Sums:
    return _Sums(
        curtailed_mwh=float(curtailed(case, result).sum()) * case.time.step_h,
        cost_cny=sum(value for name, value in result.cost_cny if name not in PENALTIES),
        unserved_mwh=float(result.unserved_mw.sum()) * case.time.step_h,
    )


def relief_as_json(relief: Relief) -> dict[str, Any]:
    """Return a relief as plain types."""
    return asdict(relief)
