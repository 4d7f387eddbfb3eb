"""What each command does, in terms of the stages: the layer between the command line and the pipeline."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console

from grid.checks import require_sound
from grid.compile import compile_net
from grid.network import build_net
from grid.reference import solve as solve_by_pandapower
from profiles.generate import generate
from profiles.inspect import inspect_weather
from profiles.intake import write_csv
from profiles.weather import make_weather
from scenarios.errors import InvariantError, Problem, ScenarioError
from scenarios.schema import Scenario
from scenarios.timeaxis import CST
from sim.injections import hours_of
from sim.losses import flow_options
from sim.operation import operate
from sim.pipeline import RunOptions, run
from sim.progress import Stages
from sim.report.compare import rich_table, write_comparison
from sim.report.inputs import draw_weather, print_inspection, print_network, print_snapshot
from sim.report.page import write_report
from sim.report.terminal import render
from sim.report.workbook import write_workbook
from sim.runs import read_run
from sim.verify import verify


def run_and_show(scenario: Scenario, options: RunOptions, lang: str, *, quiet: bool, as_json: bool) -> None:
    """Run, then print the figures (or the metrics as JSON) and where the report is."""
    settings, axis = scenario.settings, scenario.time
    stages = Stages(quiet=quiet)
    span = f"{axis.steps} × {axis.step_h:g} h from {axis.start:%F}"
    stages.say(f"[bold]{settings.title_zh} · {settings.title_en}[/bold], {span}")
    folder = run(scenario, options, stages)
    record = read_run(folder)
    if as_json:
        sys.stdout.write(json.dumps(record.metrics, ensure_ascii=False, indent=1) + "\n")
        return
    console = Console(highlight=False)
    render(record.metrics, record.info, lang=lang, console=console)
    console.print(where_to_look(folder), soft_wrap=True)


def where_to_look(folder: Path) -> str:
    """Return the sentence that says where the results are."""
    page = folder / "report.html"
    return f"报告 Report: {page.resolve()}" if page.is_file() else f"结果 Results: {folder.resolve()}"


def pages_in(lang: str) -> Callable[[Path], None]:
    """Return the function that writes page and workbook of a run folder into it, opening in ``lang``."""

    def write(folder: Path) -> None:
        write_report(folder, lang=lang)
        write_workbook(folder)

    return write


def rebuild_report(folder: Path, lang: str) -> Path:
    """Build page and workbook of a finished run again and return the page's path."""
    read_run(folder)
    pages_in(lang)(folder)
    return folder / "report.html"


def compare_runs(folders: Sequence[Path], page: Path, lang: str) -> None:
    """Print what differs between runs and write the page that shows it."""
    comparison = write_comparison(folders, page, lang)
    console = Console(highlight=False)
    console.print(rich_table(comparison, lang))
    console.print(f"对比 Comparison: {page.resolve()}", soft_wrap=True)


def show_verification(folder: Path) -> None:
    """Derive every figure again and say how many agree; raises ``InvariantError`` with those that do not."""
    findings = verify(folder)
    wrong = [item for item in findings if not item.ok]
    if wrong:
        raise InvariantError(
            Problem(item.figure, f"stored {item.stored}, derived again {item.rederived}", "repeat the run")
            for item in wrong
        )
    Console(highlight=False).print(
        f"{len(findings)} figures and laws of {folder.name} agree with its hourly files."
    )


def check_inputs(scenario: Scenario) -> None:
    """Validate tables, network and weather of a scenario and say what was found; raises what is wrong."""
    report = require_sound(scenario)
    weather = make_weather(scenario)
    console = Console(highlight=False)
    print_network(report, "zh", console)
    print_inspection(inspect_weather(scenario, weather), "zh", console)
    console.print("输入有效 All inputs are valid.")


def write_weather(scenario: Scenario, folder: Path) -> None:
    """Write the weather of every site of a scenario as CSV."""
    weather = make_weather(scenario)
    folder.mkdir(parents=True, exist_ok=True)
    for site in weather.sites:
        write_csv(weather, site, folder / f"{site}.csv")
        Console(highlight=False).print(f"{folder / site}.csv: {len(weather.time)} rows", soft_wrap=True)


def inspect(scenario: Scenario, picture: Path, lang: str) -> None:
    """Print the monthly values and findings of the weather and draw them into a page."""
    inspection = inspect_weather(scenario, make_weather(scenario))
    console = Console(highlight=False)
    print_inspection(inspection, lang, console)
    draw_weather(inspection, picture, lang)
    console.print(f"图 Picture: {picture.resolve()}", soft_wrap=True)


def show_network(scenario: Scenario, lang: str) -> None:
    """Print what of the network is published, derived and assumed, and what was changed or left out."""
    print_network(require_sound(scenario), lang, Console(highlight=False))


def show_flow(scenario: Scenario, at: str) -> None:
    """Dispatch the day of ``at`` and print the power flow of that hour beside pandapower's."""
    hour = _hour(scenario, at)
    net = build_net(scenario)
    model = compile_net(net)
    operation = operate(scenario, generate(scenario, make_weather(scenario)), model, Stages(quiet=True))
    one = hours_of(operation.injections, np.array([hour]))
    options = flow_options(scenario)
    reference = solve_by_pandapower(net, model, one, options)
    stamp = scenario.time.starts()[hour]
    print_snapshot(model, operation.flow, hour, reference, f"{stamp:%F %H:%M}", Console(highlight=False))


def day_of(at: str) -> str:
    """Return the date of an hour such as ``2025-01-15T19``; raises ``ScenarioError`` when it is none."""
    try:
        return f"{pd.Timestamp(at):%F}"
    except ValueError:
        raise ScenarioError(
            Problem(f"--at {at}", "is not a date with an hour", "for example 2025-01-15T19")
        ) from None


def _hour(scenario: Scenario, at: str) -> int:
    """Return the position of an hour on an axis that starts on its day."""
    since = pd.Timestamp(at).tz_localize(CST) - scenario.time.start
    return int(since / pd.Timedelta(hours=scenario.time.step_h))
