"""Scenario → run folder: the picture of the whole program.

    weather → profiles → dispatch ⇄ power flow → metrics → run folder and report

Each stage is one function from frozen records to a frozen record; nothing is written back.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grid.checks import check_network
from grid.compile import compile_net
from grid.network import build_net
from profiles.generate import generate
from profiles.weather import make_weather
from scenarios.errors import PowerFlowError
from scenarios.schema import Scenario
from sim.checks import require_sound
from sim.metrics import summarise
from sim.operation import operate, reference_flow
from sim.outcome import Outcome
from sim.progress import Stages
from sim.runs import finished_run, run_hash, write_run


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a run is carried out and kept; none of it changes a result."""

    out_dir: Path = Path("runs")
    force: bool = False
    report: bool = True
    lang: str = "zh"
    strict: bool = False


def run(scenario: Scenario, options: RunOptions, stages: Stages) -> Path:
    """Simulate a scenario and return its run folder; a finished folder of the same inputs is reused.

    Raises ``WumengError`` subclasses; then no folder of this run exists that looks finished.
    """
    key = run_hash(scenario)
    kept = None if options.force else finished_run(options.out_dir, scenario, key)
    if kept is not None:
        stages.say(f"  These inputs were simulated before; the results are reused (--force repeats the run): {kept}")
        return kept
    outcome = simulate(scenario, stages)
    if options.strict:
        require_every_hour(outcome)
    with stages.stage("metrics", "Metrics · 指标统计"):
        metrics = summarise(outcome)
    with stages.stage("write", "Run folder · 写出结果"):
        return write_run(outcome, metrics, options, key)
