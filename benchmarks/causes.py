"""Curtailment by cause over whole years: the ladder, whether its laws hold, and what it costs.

    python -m benchmarks causes [--solver lp] [--security n1] [--hours 8760]

Two cases, the plan and twice its PV. Laws: shares add up to the curtailment of the operation; none is negative;
without rating limits the network has no share; with a copper plate and fully flexible coal only surplus remains;
more load never raises the surplus. A broken law makes the exit code 1. Times are wall clock, once, of this machine.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from scenarios.load import load_scenario
from sim.absorption.causes import CAUSES, Causes, Operated, Solver, curtailed, flexible, separate
from sim.absorption.measures import Base
from sim.absorption.relief import base_of
from sim.dispatch import dispatch
from sim.progress import Stages

CASES = {"plan-2025": (), "plan-2025, PV × 2": ("scale.pv=2",)}
EXACT_MWH = 1e-6
MORE_LOAD = 1.02


def main(arguments: list[str]) -> int:
    """Print the ladder and the laws of both cases; return the exit code."""
    given = _given(arguments)
    sound = True
    for name, sets in CASES.items():
        options = (
            f"dispatch.solver={given.solver}",
            f"dispatch.security={given.security}",
            f"time.hours={given.hours}",
        )
        scenario = load_scenario("plan-2025", [*sets, *options])
        base = base_of(scenario, Stages(quiet=True))
        sound &= _report(name, base, partial(dispatch, scenario))
    return 0 if sound else 1


def _given(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks causes", description=__doc__.splitlines()[0])
    parser.add_argument("--solver", default="fast", choices=("fast", "lp"))
    parser.add_argument("--security", default="none", choices=("none", "n1"))
    parser.add_argument("--hours", type=int, default=8760)
    return parser.parse_args(arguments)


def _report(name: str, base: Base, solve: Solver) -> bool:
    started = time.perf_counter()
    causes = separate(_operated(base, solve), solve)
    spent = time.perf_counter() - started
    print(
        f"\n{name}: {base.case.time.hours:g} h, {len(base.limits.rows)} rows, operation and causes in {spent:.1f} s"
    )
    increases = np.diff(causes.rung_mwh, prepend=0.0)
    for cause, increase in zip(causes.causes, increases, strict=True):
        print(f"  {cause:12} {_mwh(causes, cause):14,.1f} MWh   increase {increase:14,.1f} MWh")
    laws = list(_laws(base, solve, causes))
    for law, breach in laws:
        print(f"  {'ok ' if breach <= EXACT_MWH else 'NOT'} {law}: {breach:.2e} MWh")
    return all(breach <= EXACT_MWH for _, breach in laws)


def _operated(base: Base, solve: Solver) -> Operated:
    return Operated(base.case, solve(base.case, base.limits), base.limits)


def _mwh(causes: Causes, cause: str) -> float:
    return float(causes.of(cause).sum()) * causes.time.step_h


def _laws(base: Base, solve: Solver, causes: Causes) -> Iterator[tuple[str, float]]:
    """Yield each law and by how much it is broken, MWh."""
    lost = curtailed(base.case, solve(base.case, base.limits))
    apart = causes.share_mw.sum(axis=0) - lost
    yield "shares add up in every hour and plant", float(np.abs(apart).max())
    yield "shares add up over the period", abs(float(apart.sum())) * causes.time.step_h
    yield "no share is negative", abs(float(causes.share_mw.min(initial=0.0)))
    free = replace(base.limits, low_mw=base.limits.low_mw - 1e6, high_mw=base.limits.high_mw + 1e6)
    unlimited = separate(_operated(replace(base, limits=free), solve), solve)
    yield "no network share without rating limits", _mwh(unlimited, "network") + _mwh(unlimited, "security")
    ideal = flexible(base.case)
    alone = separate(Operated(ideal, solve(ideal, None)), solve)
    yield "copper plate and flexible coal leave only surplus", sum(_mwh(alone, cause) for cause in CAUSES[1:])
    more = replace(base, case=replace(base.case, load_mw=MORE_LOAD * base.case.load_mw))
    raised = _mwh(separate(_operated(more, solve), solve), "surplus") - _mwh(causes, "surplus")
    yield "more load does not raise the surplus", max(raised, 0.0)
