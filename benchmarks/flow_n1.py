"""Every branch out in every hour: ours beside lightsim2grid's sweep over the same outages.

    python -m benchmarks n1 [--cases bijie case118] [--hours 8760] [--rounds 5]

lightsim2grid's ``ScenarioSweepCPP`` (Newton, KLU, two threads) solves a slice of the hours, and its time per flow
is what is compared. It leaves out outages that split the grid; ours solves what remains of them, too.
"""

from __future__ import annotations

import argparse
import time
from importlib.util import find_spec
from typing import Any

import numpy as np
import pandapower as pp

from benchmarks.flow_cases import PLAIN, Case, load_rows, make_case
from benchmarks.flow_peers import MAX_ITERATIONS, TOLERANCE_PU
from grid.contingency import Contingencies, n1
from grid.summary import take
from scenarios.records import Ints

SWEEP_HOURS = 16


def main(arguments: list[str]) -> int:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks n1", description=__doc__.splitlines()[0])
    parser.add_argument("--cases", nargs="+", default=["bijie", "case118"])
    parser.add_argument("--hours", type=int, default=8760)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args(arguments)
    print("| case | engine | flows | seconds | µs per flow | ratio | unsolved | max abs(Δ least V) pu |")
    print("|---|---|---|---|---|---|---|---|")
    for name in given.cases:
        measure(make_case(name, given.hours), given.rounds)
    return 0


def measure(case: Case, rounds: int) -> None:
    """Interleave both and print a row for each."""
    table = n1(case.model, take(case.injections, slice(0, SWEEP_HOURS)), PLAIN)
    sound = np.flatnonzero(~table.splits)
    theirs = Sweep(case, sound) if find_spec("lightsim2grid") else None
    ours_s, theirs_s = [], []
    for _ in range(rounds):
        began = time.perf_counter()
        whole = n1(case.model, case.injections, PLAIN)
        ours_s.append(time.perf_counter() - began)
        if theirs:
            theirs_s.append(theirs.run())
    flows = len(table.outages) * len(case.injections.p_mw)
    seconds = float(np.median(ours_s))
    _row(case.name, "wumeng n1", flows, seconds, f"1 | {whole.hours_unsolved.sum()} | –")
    if theirs:
        their_flows, their_seconds = SWEEP_HOURS * len(sound), float(np.median(theirs_s))
        ratio = (their_seconds / their_flows) / (seconds / flows)
        end = f"{ratio:.1f} | {theirs.unsolved} | {theirs.apart(table):.0e}"
        _row(case.name, "lightsim2grid ScenarioSweep, 2 threads", their_flows, their_seconds, end)


def _row(case: str, engine: str, flows: int, seconds: float, end: str) -> None:
    print(f"| {case} | {engine} | {flows:,} | {seconds:.2f} | {1e6 * seconds / flows:.2f} | {end} |", flush=True)


class Sweep:
    """lightsim2grid's sweep over (hour, outage); outages are numbered as our branches: lines, then trafos."""

    def __init__(self, case: Case, outages: Ints) -> None:
        from lightsim2grid.network import init_from_pandapower  # noqa: PLC0415 - an optional peer

        pp.runpp(case.net, lightsim2grid=False)
        self.grid = init_from_pandapower(case.net, pp_orig_file="pandapower_v3")
        self.case, self.outages, self.unsolved = case, outages, 0
        self.tolerance = TOLERANCE_PU * case.model.sn_mva
        start = np.ones(len(case.net.bus), dtype=np.complex128)
        self.start = self.grid.ac_pf(start, MAX_ITERATIONS, self.tolerance)
        self.sweep: Any = None

    def run(self) -> float:
        """Solve the slice; return the seconds of the sweep itself."""
        import lightsim2grid.lightsim2grid_cpp as cpp  # noqa: PLC0415 - an optional peer

        hour = np.repeat(np.arange(SWEEP_HOURS), len(self.outages))
        outage = np.tile(self.outages, SWEEP_HOURS)
        rows, lines = np.array(load_rows(self.case)), len(self.case.net.line)
        out = np.zeros((len(hour), len(self.case.model.branches)), dtype=bool)
        out[np.arange(len(hour)), outage] = True
        sweep = cpp.ScenarioSweepCPP(self.grid)
        sweep.change_algorithm(cpp.AlgorithmType.NRSing_KLU)
        sweep.nb_thread = 2
        for name, values in (("p", self.case.injections.p_mw), ("q", self.case.injections.q_mvar)):
            drawn = np.where(rows >= 0, -values[:SWEEP_HOURS][:, rows], 0.0)
            getattr(sweep, f"modify_load_{name}")(np.ascontiguousarray(drawn[hour]))
        sweep.modify_gen_p(np.zeros((len(hour), len(self.grid.get_generators()))))
        sweep.set_contingency_lines(np.ascontiguousarray(out[:, :lines]))
        if out.shape[1] > lines:
            sweep.set_contingency_trafos(np.ascontiguousarray(out[:, lines:]))
        sweep.init_from_n_powerflow = True
        began = time.perf_counter()
        sweep.compute(self.start, MAX_ITERATIONS, self.tolerance)
        seconds = time.perf_counter() - began
        self.sweep, self.unsolved = sweep, len(hour) - sweep.nb_converged()
        return seconds

    def apart(self, table: Contingencies) -> float:
        """Largest difference of the least voltage of an outage that both solved in all hours of the slice."""
        v = np.abs(np.asarray(self.sweep.get_voltages())[:, : len(self.case.model.buses)])
        good = np.asarray(self.sweep.converged_mask()).reshape(SWEEP_HOURS, -1).all(axis=0)
        least = v.reshape(SWEEP_HOURS, len(self.outages), -1).min(axis=(0, 2))
        both = good & (table.hours_unsolved[self.outages] == 0)
        return float(np.abs(least - table.v_min_pu[self.outages])[both].max(initial=0.0))
