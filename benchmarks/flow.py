"""Speed of the batched flow against other programs: same injections, same tolerance, voltages compared.

    python -m benchmarks flow [--cases case118 bijie …] [--hours 8760] [--rounds 5]

All engines solve the same hours to a mismatch of 1e-8 pu. They take turns (one round of each, then the next). A
turn lasts at least a second, so that quick engines solve the hours again and again in it. The median of all runs
counts; that of the first runs of the turns, which find the caches as another engine left them, stands beside it.
Compilation and the building of models are left out. Slow programs solve a slice of the hours, scaled to all of
them. How the cases were made equal: ``benchmarks.flow_cases``.
"""

from __future__ import annotations

import argparse
import os
import time
from typing import NamedTuple

import numpy as np

from benchmarks.flow_cases import PLAIN, Case, make_case
from benchmarks.flow_peers import Engine, peers
from grid.flow import FlowOptions, solve, solve_voltages
from grid.model import Complexes
from scenarios.records import Floats

CASES = ("bijie", "case118", "case_illinois200", "case300", "case1354pegase")
OURS = "wumeng, voltages"
TURN_SECONDS = 1.0
"""A turn of an engine lasts at least so long: of what takes milliseconds, one run alone says little."""


def main(arguments: list[str]) -> int:
    """Measure all cases and print one table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks flow", description=__doc__.splitlines()[0])
    parser.add_argument("--cases", nargs="+", default=CASES)
    parser.add_argument("--hours", type=int, default=8760)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args(arguments)
    print(f"milliseconds for {given.hours} hours; {os.cpu_count()} processors; medians over {given.rounds} rounds")
    print(
        "| case | engine | ms | slower than ours | first run of a turn, ms | processor ms | max abs(ΔV) pu | runs |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for name in given.cases:
        measure(make_case(name, given.hours), given.rounds)
    print(MADE_EQUAL)
    return 0


MADE_EQUAL = """
How they were made comparable: generators hold voltage without limits, for all engines; all that is injected at a
bus is one load; one angle reference; no parallel circuits, nor transformers with other ratings than their buses or
with a magnetising branch. power-grid-model has no buses that hold voltage, and gets the reactive power that they
turned out to need. "With limits and shared slack" has no peer: its voltages rightly differ. With "2 threads" the
year is shared between two; "scaled" is the time of as many slices as make the year.
More: docs/how-to/benchmarks.md"""


class Times(NamedTuple):
    """Seconds of an engine's runs, scaled to all hours: by the clock, of the first of each turn, of processors."""

    wall: list[float]
    first: list[float]
    used: list[float]


def measure(case: Case, rounds: int) -> None:
    """Interleave the engines of one case and print a row for each."""
    engines = [*ours(case), *peers(case)]
    found = {engine.name: np.abs(engine.run()) for engine in engines}
    times = {engine.name: Times([], [], []) for engine in engines}
    for _ in range(rounds):
        for engine in engines:
            take_turn(engine, len(case.injections.p_mw) / engine.hours, times[engine.name])
    least = float(np.median(times[OURS].wall))
    for engine in engines:
        wall, first, used = (float(np.median(values)) for values in times[engine.name])
        print(
            f"| {case.name} | {engine.name} | {1e3 * wall:,.1f} | {wall / least:,.1f} | {1e3 * first:,.1f} | "
            f"{1e3 * used:,.1f} | {_apart(engine.name, found)} | {len(times[engine.name].wall)} |",
            flush=True,
        )


def take_turn(engine: Engine, scale: float, times: Times) -> None:
    """Run an engine until its turn is over, at least once."""
    over, before = time.perf_counter() + TURN_SECONDS, len(times.wall)
    while len(times.wall) == before or time.perf_counter() < over:
        began, began_used = time.perf_counter(), time.process_time()
        engine.run()
        times.wall.append((time.perf_counter() - began) * scale)
        times.used.append((time.process_time() - began_used) * scale)
    times.first.append(times.wall[before])


def _apart(name: str, first: dict[str, Floats]) -> str:
    """Largest difference in voltage, and how many hours the other did not solve or solved otherwise."""
    if "limits" in name:
        return "rightly other"
    v = first[name]
    gap = np.abs(v - first[OURS][: len(v)]).max(axis=1)
    near = gap < 1e-4
    most = f"{gap[near].max():.0e}" if near.any() else "–"
    return most if near.all() else f"{most} ({np.count_nonzero(~near)} hours not solved or on another branch)"


def ours(case: Case) -> list[Engine]:
    """Voltages only (what the others return), everything, and everything with limits and shared slack."""

    def full(options: FlowOptions) -> Complexes:
        return solve(case.model, case.injections, options).vm_pu.astype(np.complex128)

    hours = len(case.injections.p_mw)
    return [
        Engine(OURS, lambda: solve_voltages(case.model, case.injections, PLAIN).v_pu, hours),
        Engine("wumeng, voltages and all branch flows", lambda: full(PLAIN), hours),
        Engine("wumeng, with limits and shared slack, voltages", lambda: _limited(case), hours),
        Engine("wumeng, with limits and shared slack, all flows", lambda: full(FlowOptions()), hours),
    ]


def _limited(case: Case) -> Complexes:
    """Solve with reactive limits and distributed slack; these voltages rightly differ from the others'."""
    return solve_voltages(case.model, case.injections, FlowOptions()).v_pu
