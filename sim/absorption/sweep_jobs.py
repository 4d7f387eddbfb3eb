"""Jobs → how each of them ended, by any executor; no failure of one stops the others.

A job is a pure function of its inputs: scenario in, run folder out. An executor whose process dies breaks as a
whole: the jobs that were under way then are tried once more, each alone, so that the one that kills its process is
recorded and its neighbours are not; all the others go on in a new executor.
"""

from __future__ import annotations

import threading
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Future, wait
from dataclasses import dataclass
from pathlib import Path

from scenarios.errors import Problem, SimulationError, WumengError
from scenarios.schema import Scenario
from sim.absorption.sweep_pool import Pool

DIED = "the process that computed it died twice, the second time with nothing beside it; perhaps memory ran out"
PATIENCE_S = 1.0
"""How long to wait at a time; without a limit Ctrl-C goes unheard on Windows."""
ROOT = Path(__file__).resolve().parents[2]
_one_at_a_time = threading.Lock()
"""A worker with several threads still computes one case at a time: the libraries are not made for more."""


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """What a worker needs: run hash, scenario, the folder for run folders, the language of report pages, if any."""

    key: str
    scenario: Scenario
    out_dir: Path
    pages: str | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """How a job ended: the name of its run folder, or why there is none."""

    folder: str = ""
    error: str = ""


Heard = Callable[[Job, Ending], None]
Work = Callable[[Job], Ending]


def run_job(job: Job) -> Ending:
    """Compute a job here and now; every failure becomes the ending's ``error``."""
    # Loaded where it is needed: a parent that only hands out jobs does without the libraries that compute.
    from sim.pipeline import RunOptions, run  # noqa: PLC0415
    from sim.progress import Stages  # noqa: PLC0415

    with _one_at_a_time:
        try:
            options = RunOptions(job.out_dir, finish=_pages(job.pages))
            return Ending(folder=run(job.scenario, options, Stages(quiet=True)).name)
        except WumengError as error:
            return Ending(error=str(error))
        except Exception as error:  # a fault of the program in one case must not hide the others
            return Ending(error=_fault(error))


def _pages(lang: str | None) -> Callable[[Path], None] | None:
    if lang is None:
        return None
    from sim.commands import pages_in  # noqa: PLC0415  the page's libraries load only where a page is made

    return pages_in(lang)


def _fault(error: Exception) -> str:
    """Return an unexpected error with the place in our code that it comes from, the same on every machine."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(ROOT / "sim")] or frames
    place = f"{Path(ours[-1].filename).name} line {ours[-1].lineno}" if ours else "unknown place"
    return f"fault of the program: {type(error).__name__}: {error} ({place})"


def finish_all(jobs: Sequence[Job], pool: Pool, heard: Heard, work: Work = run_job) -> None:
    """Do the work of all jobs and tell ``heard`` how each ended, in the order in which they end.

    Raises ``SimulationError`` when the executor itself is lost; what is finished then stays finished.
    """
    left = deque(jobs)
    while left:
        for suspect in _until_broken(left, pool, heard, work):
            if _until_broken(deque([suspect]), pool, heard, work):
                heard(suspect, Ending(error=DIED))


def _until_broken(left: deque[Job], pool: Pool, heard: Heard, work: Work) -> list[Job]:
    """Work ``left`` off; when the executor breaks, return the jobs that were under way."""
    with pool.open() as executor:
        flying: dict[Future[Ending], Job] = {}
        while left or flying:
            try:
                while left and len(flying) < pool.slots:
                    flying[executor.submit(work, left[0])] = left[0]
                    left.popleft()
            except BrokenExecutor:
                return list(flying.values())
            ended, _ = wait(flying, timeout=PATIENCE_S, return_when=FIRST_COMPLETED)
            if any(isinstance(_failure(future), BrokenExecutor) for future in ended):
                return _tell_finished(flying, heard)
            for future in ended:
                heard(flying.pop(future), _ending(future))
    return []


def _tell_finished(flying: dict[Future[Ending], Job], heard: Heard) -> list[Job]:
    """Tell what still ended well in an executor that broke, and return the jobs that did not end."""
    lost = []
    for future, job in flying.items():
        if future.done() and not isinstance(_failure(future), BrokenExecutor):
            heard(job, _ending(future))
        else:
            lost.append(job)
    return lost


def _failure(future: Future[Ending]) -> BaseException | None:
    try:
        return future.exception()
    except CancelledError as error:
        cure = "start it again and repeat the command; finished cases are kept"
        raise SimulationError(Problem("the scheduler", "took the cases back or was lost", cure)) from error


def _ending(future: Future[Ending]) -> Ending:
    """Return how a job ended; an executor may fail a job itself, for example after its workers died too often."""
    failure = _failure(future)
    return future.result() if failure is None else Ending(error=f"{type(failure).__name__}: {failure}")
