"""What the command ``sweep`` does: plan, computation with its progress, and what came of it."""

from __future__ import annotations

from rich.console import Console

from scenarios.errors import Problem, SimulationError
from scenarios.jitcache import FOLDER, is_cold
from scenarios.sweep import Sweep
from sim.absorption.sweep import Finished, SweepOptions, sweep
from sim.absorption.sweep_pool import Pool
from sim.absorption.sweep_progress import CaseProgress

MOST_FAILURES_TOLD = 20


def sweep_and_show(plan: Sweep, options: SweepOptions, pool: Pool, *, quiet: bool) -> None:
    """Carry a sweep out and say where its table is; raises ``SimulationError`` when cases failed."""
    progress = CaseProgress(quiet=quiet)
    progress.say(f"[bold]{plan.title_zh} · {plan.title_en}[/bold], {len(plan.cases)} cases, {pool.where}")
    if is_cold(FOLDER):
        progress.say("  First run: compiling the kernels takes some minutes, once. 首次运行需编译计算内核。")
    try:
        finished = sweep(plan, options, pool, progress)
    except KeyboardInterrupt:
        done = progress.kept + progress.done
        raise KeyboardInterrupt(
            f"{done} of {len(plan.cases)} cases are finished and kept; the same command goes on from there"
        ) from None
    Console(highlight=False).print(_where_to_look(finished, progress), soft_wrap=True)
    _require_all(finished)


def _where_to_look(finished: Finished, progress: CaseProgress) -> str:
    count, failed = len(finished.results), len(finished.failed)
    return (
        f"算例 Cases: {count}，完成 done {count - failed}（此前已完成 kept {progress.kept}），"
        f"失败 failed {failed}\n"
        f"表格 Table: {(finished.folder / 'cases.csv').resolve()}\n"
        f"页面 Page: {(finished.folder / 'sweep.html').resolve()}"
    )


def _require_all(finished: Finished) -> None:
    failed = finished.failed
    if failed:
        told = [
            Problem(f"case {result.case.number} ({result.case.label})", result.error)
            for result in failed[:MOST_FAILURES_TOLD]
        ]
        more = f"{len(failed)} of {len(finished.results)} cases failed; the others are in the table"
        raise SimulationError([*told, Problem("in all", more)])
