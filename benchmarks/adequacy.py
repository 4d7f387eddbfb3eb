"""Speed and truth of adequacy: RTS-79 against exact values and assetra, the plan as one node and with its network.

    python -m benchmarks adequacy [--years 1000] [--assetra /path/to/venv/bin/python]

assetra (PyPI) wants other versions of our libraries, so it runs in a Python of its own, on the same units and
hours: ``python -m venv V && V/bin/pip install assetra``. The best of some rounds counts; compilation is left out.
Wall time is what a user waits; CPU time is told beside it, since a busy machine stretches the former.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numba
import numpy as np

from scenarios.load import load_scenario
from sim.progress import Stages
from sim.reliability import kernels
from sim.reliability.adequacy import Plan
from sim.reliability.build import regional_system
from sim.reliability.convolution import exact
from sim.reliability.credit import Goal, capacity_credit
from sim.reliability.estimates import mean_of
from sim.reliability.networked import Networked
from sim.reliability.published import published_system
from sim.reliability.sampling import Prepared, prepared, sample, use_threads
from sim.reliability.system import AdequacySystem, replaced

ROOT = Path(__file__).parent.parent
ROUNDS = 3
PEER_YEARS = 100
QUIET = Stages(quiet=True)


class Timing(NamedTuple):
    """Seconds of the best round."""

    wall_s: float
    cpu_s: float


def main(arguments: list[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks adequacy", description=__doc__.splitlines()[0])
    parser.add_argument("--years", type=int, default=1000)
    parser.add_argument("--assetra", metavar="PYTHON", help="a Python that has assetra")
    given = parser.parse_args(arguments)
    rts79(2 * given.years, given.assetra)
    plan(given.years)
    return 0


def rts79(years: int, peer: str | None) -> None:
    """Compare the published system with its exact values, and with assetra per sampled year."""
    system = published_system("rts79")
    ready, truth = prepared(system), exact(system)
    done = sample(ready, 1, 0, years)
    print(f"RTS-79, {years} years, one node")
    for name, column, value in (("LOLH", kernels.LOLH, truth.lolh_h), ("EUE", kernels.EUE, truth.eue_mwh)):
        found = mean_of(done.column(column))
        off = (found.value - value) / found.standard_error
        print(f"  {name} {found.value:.3f} ± {found.standard_error:.3f}   exact {value:.4f}   {off:+.2f} errors")
    ours = best(lambda: sample(ready, 1, 0, years))
    tell(f"wumeng, {numba.get_num_threads()} threads", ours, years)
    use_threads(1)
    alone = best(lambda: sample(ready, 1, 0, years))
    use_threads(None)
    tell("wumeng, 1 thread", alone, years)
    if peer is None:
        print("  assetra: not measured (--assetra PYTHON)")
        return
    told = measured_peer(peer, system)
    theirs = min(told["seconds"]) / PEER_YEARS
    risk = f"LOLH {told['lolh_h']:.3f}, EUE {told['eue_mwh']:.1f}"
    print(f"  assetra, {PEER_YEARS} years: {theirs * 1e3:.1f} ms per year; {risk}")
    times, times_alone = theirs / ours.wall_s * years, theirs / alone.wall_s * years
    print(f"  per sampled year {times:.0f} × as fast as assetra ({times_alone:.0f} × on one thread)")


def measured_peer(python: str, system: AdequacySystem) -> dict[str, Any]:
    """Return what assetra needs and finds on the units and hours of a system."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "system.npz"
        np.savez(
            path, capacity_mw=system.capacity_mw, unavailability=system.unavailability, load_mw=system.load_mw[0]
        )
        done = subprocess.run(
            [python, "-m", "benchmarks.adequacy_peer", str(path), str(PEER_YEARS), str(ROUNDS)],
            cwd=ROOT, check=True, capture_output=True, text=True,
        )  # fmt: skip
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def plan(years: int) -> None:
    """Time the plan as one node and with its network, also under a load at which much goes unserved; and ELCC."""
    scenario = load_scenario("plan-2025", ["adequacy.level=network"])
    system = regional_system(scenario, QUIET)
    node = replaced(system, network=None)
    print(f"plan-2025, {years} years, {len(system.weathers)} weather years")
    for name, studied in (("one node", node), ("network", system)):
        show(name, prepared(studied), years)
    for factor in (1.6, 2.0):
        show(f"network, load × {factor:g}", prepared(replaced(system, load_mw=system.load_mw * factor)), years)
    wind = scenario.plants_of("wind")
    started = time.perf_counter()
    credit = capacity_credit(node, "wind", [plant.plant_id for plant in wind], Plan(years), Goal(), QUIET)
    spent = time.perf_counter() - started
    both = (("ELCC", credit.elcc_mw), ("EFC", credit.efc_mw))
    print(f"  capacity credit of wind ({credit.capacity_mw:.0f} MW): {spent:.1f} s", end="; ")
    print(", ".join(f"{name} {mw.value:.0f} ± {mw.standard_error:.0f} MW" for name, mw in both))


def show(name: str, ready: Prepared | Networked, years: int) -> None:
    """Time a study with all threads and with one, and say how many steps needed the programme."""
    done = sample(ready, 1, 0, 16)
    timing = best(lambda: sample(ready, 1, 0, years), 1)
    tell(name, timing, years)
    use_threads(1)
    alone = best(lambda: sample(ready, 1, 0, years // 4), 1)
    use_threads(None)
    speed_up = alone.wall_s * 4 / timing.wall_s
    solved = "" if done.where is None else f"; {done.where.programmes / 16:.1f} programmes a year"
    print(f"    {numba.get_num_threads()} threads are {speed_up:.2f} × one{solved}")


def best(run: Callable[[], object], rounds: int = ROUNDS) -> Timing:
    """Return the best of some rounds."""
    found = []
    for _ in range(rounds):
        wall, cpu = time.perf_counter(), sum(os.times()[:2])
        run()
        found.append(Timing(time.perf_counter() - wall, sum(os.times()[:2]) - cpu))
    return min(found)


def tell(name: str, timing: Timing, years: int) -> None:
    """Print a timing and what it is per year."""
    per_year = timing.wall_s / years * 1e3
    print(f"  {name}: {timing.wall_s:.2f} s ({timing.cpu_s:.2f} s CPU), {per_year:.2f} ms per year")
