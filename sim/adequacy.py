"""What the command ``adequacy`` does: system, sampling, findings, printed as tables or JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace

from rich.console import Console

from scenarios.schema import Scenario
from sim.progress import Stages
from sim.reliability.adequacy import Plan
from sim.reliability.sampling import use_threads
from sim.reliability.study import answer, findings_as_json, published_question, regional_question
from sim.report.adequacy import render_adequacy


@dataclass(frozen=True, slots=True)
class Output:
    """How the findings are shown."""

    lang: str = "zh"
    quiet: bool = False
    as_json: bool = False


def assess_and_show(
    chosen: Scenario | str, plan: Plan, elcc: Iterable[str], output: Output, jobs: int | None = None
) -> None:
    """Assess a scenario, with its own seed, or a published system by its name, and print the findings."""
    use_threads(jobs)
    stages = Stages(quiet=output.quiet)
    if isinstance(chosen, str):
        question = published_question(chosen)
    else:
        question = regional_question(chosen, stages)
        plan = replace(plan, seed=chosen.settings.adequacy.seed)
    findings = answer(question, plan, elcc, stages)
    if output.as_json:
        sys.stdout.write(json.dumps(findings_as_json(findings), ensure_ascii=False, indent=1) + "\n")
        return
    render_adequacy(findings, output.lang, Console(highlight=False))
