"""The batched flow against ``pandapower.runpp`` over varied hours of published cases.

    python -m benchmarks agreement [--hours 100]

Both solve the tabled injections times 0.75 … 1.0, with 3 % noise at each bus, and of Bijie hours all over the
default year; without limits and with one slack per reference. Prints a Markdown table: largest differences over all
hours, buses and cases.
"""

from __future__ import annotations

import argparse
import warnings
from typing import Any

import numpy as np
import pandapower.networks as pn

from benchmarks.flow_cases import PLAIN
from grid import reference
from grid.compile import compile_net, tabled_injections
from grid.flow import solve
from grid.model import GridModel, Injections
from grid.network import build_net
from grid.summary import take
from scenarios.load import load_scenario
from sim.pipeline import simulate
from sim.progress import Stages

CASES = (
    "bijie",
    "case9",
    "case14",
    "case30",
    "case39",
    "case57",
    "case118",
    "case_illinois200",
    "case300",
    "case1354pegase",
    "case2869pegase",
)


def main(arguments: list[str]) -> int:
    """Compare all cases and print a row for each."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks agreement", description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=int, default=100)
    parser.add_argument("--cases", nargs="+", default=CASES)
    given = parser.parse_args(arguments)
    print("| case | hours solved by both | max abs(ΔV) pu | max abs(Δθ) ° | max mismatch pu | left to Newton |")
    print("|---|---|---|---|---|---|")
    for name in given.cases:
        print(compare(name, given.hours), flush=True)
    return 0


def compare(name: str, hours: int) -> str:
    """Return the row of one case."""
    net, model, injections = _bijie(hours) if name == "bijie" else _stored(name, hours)
    ours, theirs = solve(model, injections, PLAIN), reference.solve(net, model, injections, PLAIN)
    both = ours.solved & theirs.solved
    voltage = np.abs(ours.vm_pu - theirs.vm_pu)[both].max()
    angle = np.abs(ours.va_deg - theirs.va_deg)[both].max()
    left = np.nanmax(reference.mismatch(model, injections, ours))
    return f"| {name} | {both.sum()} of {hours} | {voltage:.1e} | {angle:.1e} | {left:.1e} | {ours.newton_hours} |"


def _stored(name: str, hours: int) -> tuple[Any, GridModel, Injections]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # stored networks carry columns of older pandas
        net = getattr(pn, name)()
    model = compile_net(net)
    return net, model, varied(net, model, hours)


def _bijie(hours: int) -> tuple[Any, GridModel, Injections]:
    scenario = load_scenario()
    outcome = simulate(scenario, Stages(quiet=True))
    steps = np.linspace(0, len(outcome.injections.p_mw) - 1, hours).astype(np.int64)
    net = build_net(scenario)
    return net, compile_net(net), take(outcome.injections, steps)


def varied(net: object, model: GridModel, hours: int) -> Injections:
    """Return the tabled injections, scaled hour by hour and bus by bus (seeded)."""
    base = tabled_injections(net, model)
    rng = np.random.default_rng(1)
    level = rng.uniform(0.75, 1.0, (hours, 1))
    each = 1 + 0.03 * rng.standard_normal((hours, len(model.buses)))
    return model.injections(base.p_mw * level * each, base.q_mvar * level * each)
