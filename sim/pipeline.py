"""Scenario → run folder: the picture of the whole program.

    weather → profiles → dispatch ⇄ power flow → metrics → run folder and report

Each stage is one function from frozen records to a frozen record; nothing is written back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from grid.checks import check_network
from grid.compile import compile_net
from grid.network import build_net
from profiles.generate import generate
from profiles.weather import make_weather
from scenarios.errors import PowerFlowError, Problem
from scenarios.jitcache import FOLDER, is_cold
from scenarios.processors import allow_threads
from scenarios.schema import Scenario
from sim.absorption.causes import Causes, Operated, separate
from sim.checks import require_sound
from sim.dispatch import dispatch
from sim.dispatch.certificate import certificate_for
from sim.metrics import summarise
from sim.operation import Operation, operate, reference_flow
from sim.outcome import Outcome
from sim.progress import Stages
from sim.runs import finished_run, run_hash, write_run


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a run is made and kept; none of it changes a figure.

    ``jobs`` are threads (none: as many as are allowed); ``finish`` adds files (the report) to the new folder.
    """

    out_dir: Path = Path("runs")
    force: bool = False
    strict: bool = False
    jobs: int | None = None
    finish: Callable[[Path], None] | None = None


def run(scenario: Scenario, options: RunOptions, stages: Stages) -> Path:
    """Simulate a scenario and return its run folder; a finished folder of the same inputs is reused.

    Raises ``WumengError`` subclasses; then no folder of this run exists that looks finished.
    """
    allow_threads(options.jobs)
    key = run_hash(scenario)
    kept = None if options.force else finished_run(options.out_dir, scenario, key)
    if kept is not None:
        stages.say("  The same inputs were simulated before; reusing the results (--force repeats the run).")
        return kept
    outcome = simulate(scenario, stages)
    if options.strict:
        require_every_hour(outcome)
    with stages.stage("metrics", "Metrics · 指标统计"):
        metrics = summarise(outcome)
    with stages.stage("write", "Run folder and report · 结果与报告"):
        return write_run(outcome, metrics, options.out_dir, key, options.finish)


def simulate(scenario: Scenario, stages: Stages) -> Outcome:
    """Return the simulated time axis of a scenario as records."""
    if is_cold(FOLDER):
        stages.say("  First run: compiling the kernels takes some minutes, once. 首次运行需编译计算内核。")
    with stages.stage("network", "Network: tables, checks, pandapower net · 网架"):
        network = check_network(scenario)
        net = build_net(scenario)
        model = compile_net(net)
    with stages.stage("weather", "Weather · 气象"):
        weather = make_weather(scenario)
    with stages.stage("generation", "PV, wind, hydro, load, export · 出力、负荷与外送"):
        profiles = generate(scenario, weather)
    operation = operate(scenario, profiles, model, stages)
    if scenario.settings.grid.flow == "pandapower":
        operation = reference_flow(net, model, operation, scenario, stages)
    with stages.stage("checks", "Independent checks · 独立校核"):
        require_sound(operation.case, operation.result, operation.limits)
    with stages.stage("certificate", "Weeks solved again exactly · 抽样周精确校核"):
        certificate = certificate_for(scenario, *operation.planned, operation.limits)
    return Outcome(
        scenario=scenario,
        weather=weather,
        profiles=profiles,
        network=network,
        model=model,
        case=operation.case,
        limits=operation.limits,
        dispatch=operation.result,
        injections=operation.injections,
        flow=operation.flow,
        causes=causes_of(scenario, operation, stages),
        loss_rounds=operation.rounds,
        certificate=certificate,
        correction=operation.correction,
        saving=operation.saving,
        timings_s=tuple(stages.timings_s.items()),
    )


def causes_of(scenario: Scenario, operation: Operation, stages: Stages) -> Causes:
    """Return why the operation curtailed wind and PV: the same period dispatched again with fewer limits."""
    with stages.stage("causes", "Causes of curtailment: dispatch with fewer limits · 弃电归因"):
        corrected = operation.correction is not None
        operated = Operated(operation.case, operation.result, operation.limits, corrected)
        return separate(operated, partial(dispatch, scenario))


def require_every_hour(outcome: Outcome) -> None:
    """Raise ``PowerFlowError`` when an hour was not solved (``--strict``)."""
    stamps = outcome.case.time.starts()
    unsolved = np.flatnonzero(~outcome.flow.solved)
    messages = dict(outcome.flow.messages)
    if unsolved.size:
        raise PowerFlowError(
            [Problem(str(stamps[hour]), messages.get(int(hour), "not solved")) for hour in unsolved[:20]]
            + [Problem("in all", f"{unsolved.size} of {len(stamps)} steps were not solved")]
        )
