"""Sweep → run folders and one table: what is finished is kept, the rest is computed by any executor.

    cases ──run hash──► finished before? ──no──► jobs ──executor──► run folders
                              └──yes─────────────────────────────────► │ table ► sweep-<name>-<hash8>/

A case is recognised by the hash of its run, so a sweep that was killed, or whose file was extended, goes on where
it stopped. The table is read back from the run folders: it does not depend on who computed what, when or where.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scenarios.errors import DataError, Problem
from scenarios.jitcache import FOLDER, is_cold
from scenarios.sweep import Case, Sweep
from sim.absorption.sweep_jobs import Ending, Job, finish_all
from sim.absorption.sweep_pool import Pool
from sim.absorption.sweep_progress import CaseProgress
from sim.absorption.sweep_table import Result, write_sweep
from sim.runs import finished_run, run_folder, run_hash


@dataclass(frozen=True, slots=True)
class SweepOptions:
    """Where a sweep is kept, the language of run reports (``pages``) and of its page; none changes a figure."""

    out_dir: Path = Path("runs")
    pages: str | None = None
    lang: str = "zh"


@dataclass(frozen=True, slots=True)
class Finished:
    """A finished sweep: its folder, and how each case ended in the order of the table."""

    folder: Path
    results: tuple[Result, ...]

    @property
    def failed(self) -> tuple[Result, ...]:
        """The cases that have no run."""
        return tuple(result for result in self.results if result.error)


def sweep(plan: Sweep, options: SweepOptions, pool: Pool, progress: CaseProgress) -> Finished:
    """Compute what is missing of a sweep and write its table; failed cases are in it with their message.

    Raises ``SimulationError`` when the executor is lost, and ``KeyboardInterrupt``; finished cases are then kept.
    """
    out_dir = options.out_dir.resolve()
    keys = _keys(plan.cases)
    jobs = _missing(plan.cases, keys, out_dir, options.pages)
    of_key: dict[str, list[Case]] = {job.key: [] for job in jobs}
    for case, key in zip(plan.cases, keys, strict=True):
        of_key.get(key, []).append(case)
    errors: dict[str, str] = {}

    def heard(job: Job, ending: Ending) -> None:
        error = ending.error or _not_there(job, ending)
        errors.update({job.key: error} if error else {})
        for case in of_key[job.key]:
            progress.ended(case.label, error)

    with progress.cases(len(keys), len(keys) - sum(map(len, of_key.values()))):
        first = 1 if is_cold(FOLDER) else 0  # one process compiles the kernels, the others then find them
        finish_all(jobs[:first], pool, heard)
        finish_all(jobs[first:], pool, heard)
    results = tuple(_result(case, key, errors) for case, key in zip(plan.cases, keys, strict=True))
    return Finished(write_sweep(plan, results, out_dir, options.lang), results)


def _keys(cases: Sequence[Case]) -> list[str]:
    """Return the run hash of every case; raises ``DataError`` with all weather files that cannot be read."""
    keys: list[str] = []
    problems: list[Problem] = []
    for case in cases:
        try:
            keys.append(run_hash(case.scenario))
        except DataError as error:
            problems += error.problems
    if problems:
        raise DataError(dict.fromkeys(problems))
    return keys


def _missing(cases: Sequence[Case], keys: Sequence[str], out_dir: Path, pages: str | None) -> list[Job]:
    """Return one job per run that is not finished; cases with equal inputs share a run."""
    jobs = {
        key: Job(key, case.scenario, out_dir, pages)
        for case, key in zip(cases, keys, strict=True)
        if finished_run(out_dir, case.scenario, key) is None
    }
    return list(jobs.values())


def _not_there(job: Job, ending: Ending) -> str:
    """Return why a job that is said to be finished has no run here, or nothing when it has one."""
    wanted = run_folder(job.out_dir, job.scenario, job.key)
    if ending.folder != wanted.name:
        return (
            f"the worker wrote {ending.folder}, not {wanted.name}: its program, libraries or weather files differ"
        )
    if finished_run(job.out_dir, job.scenario, job.key) is None:
        return f"a worker finished it, but {wanted} is not seen here: workers must write to the same file system"
    return ""


def _result(case: Case, key: str, errors: Mapping[str, str]) -> Result:
    run = f"{case.scenario.settings.name}-{key}"
    return Result(case, key, "", errors[key]) if key in errors else Result(case, key, run, "")
