"""What the command ``secure`` does: the operation of the year, all losses in all hours, findings as tables or JSON.

run folder of the same inputs (made if it is not there) → losses × hours → security.json and lists beside run.json
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from grid.checks import check_network
from grid.compile import compile_net
from grid.network import build_net
from scenarios.schema import Scenario
from sim.commands import pages_in, where_to_look
from sim.losses import flow_options
from sim.pipeline import RunOptions, run
from sim.progress import Stages
from sim.reliability.security import study_security
from sim.reliability.security_files import LOSSES_FILE, Json, read_security, write_security
from sim.reliability.security_operation import operation_of
from sim.reliability.security_outages import Situation, losses_of
from sim.reliability.security_record import as_json
from sim.report.page import REPORT_FILE
from sim.report.security import render_security
from sim.runs import read_run


@dataclass(frozen=True, slots=True)
class SecureOptions:
    """How the study is made and shown: with common towers, anew, on so many threads, with or without the page."""

    out_dir: Path = Path("runs")
    towers: bool = False
    force: bool = False
    jobs: int | None = None
    report: bool = True
    lang: str = "zh"
    quiet: bool = False
    as_json: bool = False


def secure_and_show(scenario: Scenario, options: SecureOptions) -> None:
    """Study the security of a scenario, keep it in its run folder, and print it."""
    stages = Stages(quiet=options.quiet)
    finish = pages_in(options.lang) if options.report else None
    folder = run(scenario, RunOptions(out_dir=options.out_dir, jobs=options.jobs, finish=finish), stages)
    record = None if options.force else read_security(folder)
    if record is None or (options.towers and record["n2"] is None):
        record = secure(scenario, folder, options, stages)
        write_security(folder, record)
        _rebuild_page(folder, options, stages)
    else:
        stages.say("  The same losses were studied before; reusing the results (--force repeats the study).")
    if options.as_json:
        sys.stdout.write(json.dumps(record, ensure_ascii=False, indent=1) + "\n")
        return
    console = Console(highlight=False)
    render_security(record, options.lang, console)
    console.print(f"清单 Lists: {(folder / LOSSES_FILE).resolve()}", soft_wrap=True)
    console.print(where_to_look(folder), soft_wrap=True)


def secure(scenario: Scenario, folder: Path, options: SecureOptions, stages: Stages) -> Json:
    """Return the study of the operation that a run folder holds, as plain types."""
    with stages.stage("operation", "Operation of the year, from its run folder · 读取全年运行方式"):
        elements = check_network(scenario).elements
        model = compile_net(build_net(scenario))
        situation = Situation(scenario, elements, model, operation_of(read_run(folder), scenario, model))
    losses = losses_of(situation, towers=options.towers)
    what = f"{len(losses)} losses × {len(situation.operation.time)} steps, AC · N-1逐时交流校核"
    with stages.stage("security", what):
        study = study_security(
            situation, losses, flow_options(scenario), lambda done: stages.tick(done, len(losses))
        )
    return as_json(study, situation, towers=options.towers)


def _rebuild_page(folder: Path, options: SecureOptions, stages: Stages) -> None:
    """Show the findings on the page of the run, where it has one."""
    if options.report and (folder / REPORT_FILE).is_file():
        with stages.stage("report", "Report · 更新报告"):
            pages_in(options.lang)(folder)
