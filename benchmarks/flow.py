"""Speed of the batched flow against other programs: same injections, same tolerance, voltages compared.

    python -m benchmarks flow [--cases case118 case_illinois200] [--hours 8760] [--rounds 5]

All engines solve the same hours to a mismatch of 1e-8 pu. Engines take turns (one round of each, then the next
round), and the median of the rounds counts; compilation and the building of models are left out. An engine that is
not installed is named and skipped. The pandapower twin runs a slice of the hours and is scaled to all of them.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pandapower as pp
import pandapower.networks as pn
import pandapower.toolbox

from grid import kernels, lanes, reference
from grid.compile import compile_net, tabled_injections
from grid.factor import plan_of
from grid.flow import (
    SQUARE_SHARE,
    FlowOptions,
    empty_found,
    flat_start,
    given_rows,
    in_threads,
    solve,
    run,
    prepared,
)
from grid.model import Complexes, GridModel, Injections
from grid.summary import take

PLAIN = FlowOptions(enforce_q_limits=False, distributed_slack=False)
SLICE_HOURS = 24


class Case(NamedTuple):
    """One network with a year of injections, and the net that the others start from."""

    net: Any
    model: GridModel
    injections: Injections


class Engine(NamedTuple):
    """``run`` solves all hours and returns voltages [hours × buses]; ``scale`` turns its time into all hours."""

    name: str
    run: Callable[[], Complexes]
    scale: float = 1.0


def main(arguments: list[str]) -> int:
    """Measure and print one table per case."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks flow", description=__doc__.splitlines()[0])
    parser.add_argument("--cases", nargs="+", default=["case30", "case118", "case_illinois200"])
    parser.add_argument("--hours", type=int, default=8760)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args(arguments)
    for name in given.cases:
        measure(name, make_case(name, given.hours), given.rounds)
    return 0


def make_case(name: str, hours: int) -> Case:
    """Return a stored network with daily and weekly load shapes, and 3 % noise at each bus (seeded)."""
    net = getattr(pn, name)()
    pp.toolbox.create_continuous_bus_index(net, start=0)
    base = tabled_injections(net, compile_net(net))
    _only_loads(net)
    model = replace(compile_net(net), typical_mva=base.p_mw[0] + 1j * base.q_mvar[0])
    rng = np.random.default_rng(7)
    hour = np.arange(hours)
    level = 0.85 + 0.1 * np.cos(2 * np.pi * (hour - 19) / 24) + 0.04 * np.cos(2 * np.pi * hour / 8760)
    shape = level[:, None] * (1 + 0.03 * rng.standard_normal((hours, len(model.buses))))
    return Case(net, model, model.injections(base.p_mw * shape, base.q_mvar * shape))


def _only_loads(net: Any) -> None:
    """Leave one load per bus and generators that only hold voltage, so that one array says all injections."""
    for kind in ("load", "sgen"):
        net[kind] = net[kind].iloc[0:0]
    net.gen = net.gen[net.gen.in_service]
    net.gen["p_mw"] = 0.0
    for bus in net.bus.index:
        pp.create_load(net, bus, 0.0, 0.0)


def measure(name: str, case: Case, rounds: int) -> None:
    """Interleave the engines, print median milliseconds and the largest difference in voltage."""
    engines = [*ours(case), *lightsim(case), judge(case)]
    hours = len(case.injections.p_mw)
    first = {engine.name: engine.run() for engine in engines}
    times: dict[str, list[float]] = {engine.name: [] for engine in engines}
    for _ in range(rounds):
        for engine in engines:
            began = time.perf_counter()
            engine.run()
            times[engine.name].append((time.perf_counter() - began) * engine.scale)
    truth = first["wumeng, voltages"]
    print(f"\n{name}: {hours} hours, {len(case.model.buses)} buses, {os.cpu_count()} processors, {rounds} rounds")
    for engine in engines:
        seconds = float(np.median(times[engine.name]))
        v = first[engine.name]
        apart = np.nanmax(np.abs(np.abs(v) - np.abs(truth[: len(v)])))
        print(f"  {engine.name:45s} {1e3 * seconds:10.1f} ms   max |ΔV| {apart:.1e} pu")


def ours(case: Case) -> list[Engine]:
    """Voltages only (what the others return), everything, and everything with limits and shared slack."""
    return [
        Engine("wumeng, voltages", lambda: voltages(case)),
        Engine("wumeng, solve", lambda: polar(case, PLAIN)),
        Engine("wumeng, solve, limits and distributed slack", lambda: polar(case, FlowOptions())),
    ]


def voltages(case: Case) -> Complexes:
    """Run the lanes alone."""
    model = case.model
    plan = plan_of(model, False)
    start = start_of(model, False) if model.typical_mva is not None else flat_start(model, plan)
    found = empty_found(model, len(case.injections.p_mw))
    rules = kernels.Rules(SQUARE_SHARE * PLAIN.tolerance_pu, PLAIN.max_iterations, False, False)
    given, rows = given_rows(model, plan, case.injections), np.flatnonzero(plan.control >= 0)
    in_threads(
        lambda part: lanes.solve_lanes(plan.pattern, given, rows, start, rules, part, found),
        np.arange(len(found.how)),
        0,
    )
    return found.v_pu


def polar(case: Case, options: FlowOptions) -> Complexes:
    """Run the public ``solve``; only magnitudes are compared, with limits they may rightly differ."""
    return solve(case.model, case.injections, options).vm_pu.astype(np.complex128)


def judge(case: Case) -> Engine:
    """``pandapower.runpp`` hour by hour on a slice."""
    part = take(case.injections, slice(0, SLICE_HOURS))

    def run() -> Complexes:
        return reference.solve(case.net, case.model, part, PLAIN).vm_pu.astype(np.complex128)

    scale = len(case.injections.p_mw) / len(part.p_mw)
    return Engine(f"grid.reference, runpp ({SLICE_HOURS} hours, scaled)", run, scale)


def lightsim(case: Case) -> list[Engine]:
    """lightsim2grid's time series: Newton with KLU, and its chord variant, the year split over two threads."""
    try:
        import lightsim2grid.lightsim2grid_cpp as cpp  # noqa: PLC0415 - an optional peer
        from lightsim2grid.network import init_from_pandapower  # noqa: PLC0415
    except ImportError:
        print("lightsim2grid is not installed: skipped (pip install lightsim2grid==1.2.0)")
        return []
    pp.runpp(case.net, lightsim2grid=False)
    grid = init_from_pandapower(case.net, pp_orig_file="pandapower_v3")
    p_mw, q_mvar = -case.injections.p_mw, -case.injections.q_mvar
    machines = np.zeros((len(p_mw), len(grid.get_generators())))
    static = np.zeros((len(p_mw), 0))
    start = grid.ac_pf(np.ones(len(case.net.bus), dtype=np.complex128), 30, 1e-6)

    def half(algorithm: Any, hours: slice) -> Complexes:
        series = cpp.TimeSeriesCPP(grid)
        series.change_algorithm(algorithm)
        # its tolerance is in MVA: 1e-6 on 100 MVA is 1e-8 pu
        series.compute_Vs(machines[hours], static[hours], p_mw[hours], q_mvar[hours], start, 30, 1e-6)
        return np.asarray(series.get_voltages())[:, : len(case.model.buses)]

    def split(algorithm: Any) -> Complexes:
        middle = len(case.injections.p_mw) // 2
        with ThreadPoolExecutor(2) as pool:
            parts = pool.map(lambda hours: half(algorithm, hours), (slice(0, middle), slice(middle, None)))
        return np.vstack(list(parts))

    newton = cpp.AlgorithmType.NRSing_KLU
    return [Engine("lightsim2grid, Newton (KLU), two threads", lambda: split(newton))]
