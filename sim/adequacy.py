"""What the command ``adequacy`` does: system, sampling, findings, printed as tables or JSON, kept as a file."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from scenarios.jitcache import FOLDER, is_cold
from scenarios.processors import allow_threads
from scenarios.schema import Scenario
from sim.progress import Stages
from sim.reliability.adequacy import Plan
from sim.reliability.adequacy_files import as_text, write_adequacy
from sim.reliability.sampling import use_threads
from sim.reliability.study import answer, findings_as_json, published_question, regional_question
from sim.report.adequacy import render_adequacy


@dataclass(frozen=True, slots=True)
class Output:
    """How the findings are shown; ``folder`` also gets them as ``adequacy.json``."""

    lang: str = "zh"
    quiet: bool = False
    as_json: bool = False
    folder: Path | None = None


def assess_and_show(
    chosen: Scenario | str, plan: Plan, elcc: Iterable[str], output: Output, jobs: int | None = None
) -> None:
    """Assess a scenario, with its own seed, or a published system by its name, and print the findings."""
    allow_threads(jobs)
    use_threads(jobs)
    stages = Stages(quiet=output.quiet)
    if isinstance(chosen, str):
        question = published_question(chosen)
    else:
        _say_if_cold(chosen.settings.adequacy.level, stages)
        question = regional_question(chosen, stages)
        plan = replace(plan, seed=chosen.settings.adequacy.seed)
    findings = answer(question, plan, elcc, stages)
    text = as_text(findings_as_json(findings))
    if output.folder is not None:
        stages.say(f"  {write_adequacy(output.folder, text)}")
    if output.as_json:
        sys.stdout.write(text)
        return
    render_adequacy(findings, output.lang, Console(highlight=False))


def _say_if_cold(level: str, stages: Stages) -> None:
    if is_cold(FOLDER, "kernels_network.walk_years" if level == "network" else "kernels.walk_years"):
        stages.say("  First study: compiling the kernels takes a minute or two, once. 首次评估需编译计算内核。")
