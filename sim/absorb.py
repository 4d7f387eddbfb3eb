"""What the command ``absorb`` does: study, search, findings as tables, page, JSON and CSV."""

from __future__ import annotations

import csv
import hashlib
import json
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from rich.console import Console

from scenarios.errors import Problem, SimulationError
from scenarios.processors import count_of
from scenarios.schema import Scenario
from sim.absorption.study import Findings, Question, answer, as_json, rows
from sim.progress import Stages
from sim.report.absorption import render_absorption
from sim.report.absorption_page import absorption_page
from sim.runs import run_hash

PAGE, FIGURES, YEARS = "absorption.html", "absorption.json", "absorption.csv"


@dataclass(frozen=True, slots=True)
class Output:
    """Where findings go and how they are shown."""

    out_dir: Path = Path("runs")
    lang: str = "zh"
    quiet: bool = False
    as_json: bool = False


def absorb_and_show(scenario: Scenario, question: Question, output: Output, jobs: int | None = None) -> None:
    """Answer the question, write page, JSON and CSV, and print the findings."""
    stages = Stages(quiet=output.quiet)
    settings = scenario.settings
    stages.say(f"[bold]{settings.title_zh} · {settings.title_en}[/bold]: {', '.join(question.sites)}")
    findings = answer(scenario, replace(question, jobs=count_of(jobs or 0)), stages)
    folder = study_folder(scenario, question, output.out_dir)
    with stages.stage("write", "Page, JSON and CSV · 结果与图页"):
        write_findings(findings, folder, output.lang)
    if output.as_json:
        sys.stdout.write(json.dumps(as_json(findings), ensure_ascii=False, indent=1) + "\n")
        return
    console = Console(highlight=False)
    render_absorption(findings, output.lang, console)
    console.print(f"图页 Page: {(folder / PAGE).resolve()}", soft_wrap=True)


def study_folder(scenario: Scenario, question: Question, out_dir: Path) -> Path:
    """Return the folder of a question: the same inputs and the same question have the same folder."""
    asked = {name: value for name, value in asdict(question).items() if name != "jobs"}
    key = hashlib.sha256(f"{run_hash(scenario)} {json.dumps(asked, sort_keys=True)}".encode()).hexdigest()[:8]
    return out_dir / f"absorb-{scenario.settings.name}-{key}"


def write_findings(findings: Findings, folder: Path, lang: str) -> None:
    """Write page, JSON and CSV into a folder; raises ``SimulationError`` when the disk refuses."""
    texts = {
        FIGURES: json.dumps(as_json(findings), ensure_ascii=False, indent=1, allow_nan=False),
        PAGE: absorption_page(findings, lang),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            _write_whole(folder / name, text)
        _write_years(findings, folder / YEARS)
    except OSError as error:
        problem = Problem(str(folder), f"cannot be written ({error})", "choose another folder with --out")
        raise SimulationError(problem) from error


def _write_whole(path: Path, text: str) -> None:
    """Write a file beside its name and rename it, so that no half file bears the name."""
    partial = path.with_name(f".partial-{path.name}")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def _write_years(findings: Findings, path: Path) -> None:
    table = rows(findings)
    partial = path.with_name(f".partial-{path.name}")
    with partial.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(table[0]))
        writer.writeheader()
        writer.writerows(table)
    partial.replace(path)
