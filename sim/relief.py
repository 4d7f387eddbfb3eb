"""What ``absorb --relief`` does: every measure's step, a ranked table, a page with a bar chart, JSON."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

from rich.console import Console

from scenarios.errors import Problem, SimulationError
from scenarios.schema import Scenario
from sim.absorption.relief import MOST_PLACES, relief_as_json, relieve
from sim.progress import Stages
from sim.report.relief import relief_page, render_relief
from sim.runs import run_hash

PAGE, FIGURES = "relief.html", "relief.json"


def relieve_and_show(
    scenario: Scenario,
    out_dir: Path,
    lang: str = "zh",
    *,
    most: int = MOST_PLACES,
    quiet: bool = False,
    as_json: bool = False,
) -> None:
    """Try every measure, write page and JSON, and print the ranking; of buses and of rows at most ``most``."""
    stages = Stages(quiet=quiet)
    settings = scenario.settings
    stages.say(f"[bold]{settings.title_zh} · {settings.title_en}[/bold]")
    relief = relieve(scenario, stages, most)
    figures = json.dumps(relief_as_json(relief), ensure_ascii=False, indent=1, allow_nan=False)
    folder = relief_folder(scenario, most, out_dir)
    _write(folder, {FIGURES: figures, PAGE: relief_page(relief, lang)})
    if as_json:
        sys.stdout.write(figures + "\n")
        return
    console = Console(highlight=False)
    render_relief(relief, lang, console)
    console.print(f"图页 Page: {(folder / PAGE).resolve()}", soft_wrap=True)


def relief_folder(scenario: Scenario, most: int, out_dir: Path) -> Path:
    """Return the folder of the study: the same inputs and the same bound have the same folder."""
    key = hashlib.sha256(f"{run_hash(scenario)} {most}".encode()).hexdigest()[:8]
    return out_dir / f"relief-{scenario.settings.name}-{key}"


def _write(folder: Path, texts: dict[str, str]) -> None:
    """Write files beside their names and rename them, so that no half file bears a name."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            partial = folder / f".partial-{name}"
            partial.write_text(text, encoding="utf-8")
            partial.replace(folder / name)
    except OSError as error:
        problem = Problem(str(folder), f"cannot be written ({error})", "choose another folder with --out")
        raise SimulationError(problem) from error
