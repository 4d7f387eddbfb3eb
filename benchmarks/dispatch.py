"""A year of dispatch by ``lp`` and ``fast``, and PyPSA's windows beside it: ``python -m benchmarks dispatch``.

PyPSA may live in an environment of its own (the extra ``bench``): ``--pypsa-python`` or the variable
``WUMENG_PYPSA_PYTHON`` names its interpreter. Some windows of 48 h are built and solved by both with the same
network, units and prices; their objectives must agree, and PyPSA's year is its mean window times the windows of the
year. Both are times of the processor.

``lp``, ``fast`` on one thread and on two solve one year in turns; the least elapsed time of each counts, which
neighbours on the machine disturb least. ``--ratings 0.5`` scales all limits of the network: where many rows bind,
``lp`` has two threads too. ``--years 1000`` lets ``fast`` solve so many sampled years (load, wind, PV
drawn anew by the day), two at a time.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks import dispatch_peer
from grid.compile import compile_net
from grid.model import GridModel
from grid.network import build_net
from profiles.generate import generate
from profiles.weather import make_weather
from scenarios.load import load_scenario
from scenarios.schema import Scenario
from sim.dispatch import fast, lp
from sim.dispatch.commitment import commit
from sim.dispatch.limits import NetworkLimits, network_limits
from sim.dispatch.model import START_CONTENT, DispatchCase
from sim.dispatch.programme import programme
from sim.dispatch.rolling import parts_of
from sim.dispatch.span import cut
from sim.fleet import build_case

AGREE = 1e-6


def main(arguments: list[str]) -> int:
    """Print seconds of a year, and the ratio to PyPSA where it can be had; 1 when objectives disagree."""
    options = _options(arguments)
    scenario = load_scenario("plan-2025", options.set)
    model = compile_net(build_net(scenario))
    case = build_case(scenario, generate(scenario, make_weather(scenario)))
    limits = network_limits(scenario, model, case)
    limits = replace(limits, low_mw=options.ratings * limits.low_mw, high_mw=options.ratings * limits.high_mw)
    fast.solve(case, limits)
    work: dict[str, Callable[[], object]] = {
        "lp": lambda: lp.solve(case, limits),
        "fast, one thread": lambda: fast.solve(case, limits, threads=1),
        "fast, two threads": lambda: fast.solve(case, limits, threads=2),
    }
    if len(parts_of(case, commit(case), limits)) > 1:
        work["lp, two threads"] = lambda: lp.solve(case, limits, threads=2)
    times = _in_turns(work, options.rounds)
    exact_s, exact_cpu_s = times["lp"]
    print(f"{len(case.time)} steps, {len(limits.rows)} rows; the least of {options.rounds} runs of each, in turns:")
    for name, (elapsed_s, cpu_s) in times.items():
        ratio = exact_s / elapsed_s
        print(
            f"  {name:18} {elapsed_s:.3f} s elapsed, {cpu_s:.3f} s of processors; lp takes {ratio:.1f} times that"
        )
    if options.years:
        print(_sampled(case, limits, options.years))
    if options.pypsa_python is None:
        print("PyPSA: no interpreter is named (--pypsa-python), no comparison")
        return 0
    return _beside_pypsa(scenario, model, case, limits, options, exact_cpu_s)


def _sampled(case: DispatchCase, limits: NetworkLimits, years: int) -> str:
    """Solve sampled years on two threads and say how long that took; all is elapsed time, drawing included."""

    def solve(seed: int) -> float:
        draw = np.random.default_rng(seed)
        days = int(case.time.day[-1]) + 1
        load, weather = (draw.lognormal(0.0, spread, days)[case.time.day, None] for spread in (0.02, 0.15))
        sampled = replace(case, load_mw=case.load_mw * load, available_mw=case.available_mw * weather)
        return fast.solve(sampled, limits).total_cost_cny

    began = time.perf_counter()
    with ThreadPoolExecutor(2) as pool:
        costs = list(pool.map(solve, range(years)))
    seconds = time.perf_counter() - began
    spread = np.percentile(costs, [10, 50, 90]) / 1e9
    return (
        f"{years} sampled years on two threads: {seconds:.0f} s, {seconds / years:.3f} s each; cost "
        + "P10 {:.2f}, P50 {:.2f}, P90 {:.2f} billion CNY".format(*spread)
    )


def _beside_pypsa(
    scenario: Scenario,
    model: GridModel,
    case: DispatchCase,
    limits: NetworkLimits,
    options: argparse.Namespace,
    exact_s: float,
) -> int:
    days = int(case.time.day[-1]) + 1
    seconds, worst = [], 0.0
    for first in np.linspace(0, days - 2, options.windows).astype(int):
        part = replace(cut(case, int(first), 2), look_ahead_h=48, step_window_h=48)
        own = lp.solve_rolling(part, limits).window_cost_cny.sum()
        answer = _by_pypsa(scenario, model, part, limits, options.pypsa_python)
        seconds.append(answer["seconds"])
        worst = max(worst, abs(answer["objective"] / own - 1.0))
    year_s = float(np.mean(seconds)) * days
    print(f"PyPSA {answer['pypsa']}: {np.mean(seconds):.2f} s a window, {year_s:.0f} s for {days} windows")
    print(f"that is {year_s / exact_s:.0f} times lp")
    print(f"objectives of {len(seconds)} windows differ by at most {worst:.1e}")
    return int(worst > AGREE)


def _by_pypsa(
    scenario: Scenario, model: GridModel, case: DispatchCase, limits: NetworkLimits, python: str
) -> dict[str, float]:
    plan = programme(case, commit(case).units_on, limits, START_CONTENT * case.storage_energy_mwh)
    place = {bus: number for number, bus in enumerate(model.buses)}
    tables = scenario.tables
    stands = [(row.plant_id, row.bus_id) for row in scenario.plants]
    stands += [(row.storage_id, row.bus_id) for row in scenario.storages]
    stands += [(row.load_id, row.bus_id) for row in tables.loads]
    stands += [(row.channel_id, row.bus_id) for row in tables.exports]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "case.npz"
        dispatch_peer.write_case(path, plan, model, {name: place[bus] for name, bus in stands if bus in place})
        call = [python, str(Path(dispatch_peer.__file__)), str(path)]
        done = subprocess.run(call, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _in_turns(work: dict[str, Callable[[], object]], rounds: int) -> dict[str, tuple[float, float]]:
    """Do every work in turns, round after round; return the least seconds elapsed, and of processors."""
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in work}
    for _ in range(rounds):
        for name, do in work.items():
            began = time.perf_counter(), time.process_time()
            do()
            times[name].append((time.perf_counter() - began[0], time.process_time() - began[1]))
    return {name: (min(one[0] for one in runs), min(one[1] for one in runs)) for name, runs in times.items()}


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks dispatch", description=__doc__)
    parser.add_argument("--windows", type=int, default=3, help="windows that PyPSA solves")
    parser.add_argument("--rounds", type=int, default=9, help="runs of each, of which the quickest counts")
    parser.add_argument("--ratings", type=float, default=1.0, help="factor on all limits of the network")
    parser.add_argument("--years", type=int, default=0, help="sampled years that fast solves on two threads")
    parser.add_argument("--set", action="append", default=[], help="KEY=VALUE of the scenario")
    parser.add_argument(
        "--pypsa-python", default=os.environ.get("WUMENG_PYPSA_PYTHON"), help="interpreter with PyPSA"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
