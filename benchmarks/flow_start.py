"""How long the first solve of a new process takes, imports left out: kernels come from the cache on disk.

    python -m benchmarks start [--cases case9 case118 …] [--rounds 5]

Each round is a process of its own, after one that is not counted and fills the cache. The first call loads kernels
and works out the grid's plan and base points; the second is what a call costs from then on.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time

import numpy as np

from benchmarks.flow_cases import PLAIN, make_case
from grid.flow import solve_voltages

CASES = ("case9", "case118", "case300", "case1354pegase")
HOURS = 24


def main(arguments: list[str]) -> int:
    """Print one table; with ``--child`` measure one case in this process."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks start", description=__doc__.splitlines()[0])
    parser.add_argument("--cases", nargs="+", default=CASES)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.child:
        print(*first_and_second(given.child))
        return 0
    print(f"medians of {given.rounds} new processes, seconds for {HOURS} hours, voltages")
    print("| case | first solve | second solve |")
    print("|---|---|---|")
    for name in given.cases:
        seconds = [new_process(name) for _ in range(given.rounds + 1)][1:]
        first, second = np.median(seconds, axis=0)
        print(f"| {name} | {first:.3f} | {second:.4f} |", flush=True)
    return 0


def new_process(name: str) -> tuple[float, float]:
    """Seconds of the first and the second solve of a process of its own."""
    command = [sys.executable, "-m", "benchmarks", "start", "--child", name]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    first, second = map(float, done.stdout.split("\n")[-2].split())
    return first, second


def first_and_second(name: str) -> tuple[float, float]:
    """Seconds of the first and the second solve of this process."""
    case = make_case(name, HOURS)
    seconds = []
    for _ in range(2):
        began = time.perf_counter()
        solve_voltages(case.model, case.injections, PLAIN)
        seconds.append(time.perf_counter() - began)
    return seconds[0], seconds[1]
