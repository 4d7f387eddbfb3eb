"""Jobs and executors: one bad job never stops the others, and nobody is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from sweep_works import obey, threads, times_begun

from scenarios.errors import ScenarioError, SimulationError
from scenarios.load import load_scenario
from scenarios.processors import processors
from sim.absorption.sweep_jobs import DIED, Ending, Job, finish_all
from sim.absorption.sweep_pool import Pool, local_pool, make_pool

ROOT = Path(__file__).parents[3]
TINY = load_scenario("tiny")


def ends(jobs: list[Job], pool: Pool, work=obey) -> dict[str, Ending]:
    """How each job ended; no job may end twice."""
    found: dict[str, Ending] = {}

    def heard(job: Job, ending: Ending) -> None:
        assert job.key not in found
        found[job.key] = ending

    finish_all(jobs, pool, heard, work)
    return found


def jobs_of(folder: Path, *keys: str) -> list[Job]:
    return [Job(key, TINY, folder) for key in keys]


def thread_pool(slots: int) -> Pool:
    @contextmanager
    def open_pool() -> Iterator[Executor]:
        with ThreadPoolExecutor(slots) as executor:
            yield executor

    return Pool(open_pool, slots, "threads")


def test_any_executor_will_do_and_a_job_that_raises_is_only_its_own_failure(tmp_path: Path):
    found = ends(jobs_of(tmp_path, "a", "raise", "b", "c"), thread_pool(2))
    assert found["raise"] == Ending(error="RuntimeError: as told")
    assert {key: ending.error for key, ending in found.items() if key != "raise"} == {"a": "", "b": "", "c": ""}


def test_a_job_that_kills_its_process_is_recorded_and_its_neighbours_are_not(tmp_path: Path):
    jobs = jobs_of(tmp_path, "slow-1", "die", "slow-2", "a", "b", "slow-3")
    found = ends(jobs, local_pool(2))
    assert set(found) == {job.key for job in jobs}
    assert found["die"] == Ending(error=DIED)
    assert all(not ending.error for key, ending in found.items() if key != "die")
    begun = {job.key: times_begun(job) for job in jobs}
    assert begun["die"] == 2  # among others, then alone
    assert all(1 <= times <= 2 for times in begun.values())


def test_processes_share_the_processors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("WUMENG_THREADS", "NUMBA_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    most = processors()
    found = ends(jobs_of(tmp_path, "a"), local_pool(2 * most), threads)
    assert found["a"].folder == "1"


def test_a_lost_scheduler_is_an_error_that_says_what_to_do(tmp_path: Path):
    class Lost(Executor):
        def submit(self, work, /, *arguments, **named):
            future: Future[Ending] = Future()
            future.cancel()
            future.set_running_or_notify_cancel()
            with pytest.raises(CancelledError):
                future.result()
            return future

    @contextmanager
    def open_pool() -> Iterator[Executor]:
        yield Lost()

    with pytest.raises(SimulationError, match="finished cases are kept"):
        ends(jobs_of(tmp_path, "a"), Pool(open_pool, 1, "lost"))


SCRIPT = """
import sys
from pathlib import Path
sys.path.insert(0, {here!r})
from sweep_works import parent
from scenarios.load import load_scenario
from sim.absorption.sweep_jobs import Job, finish_all
from sim.absorption.sweep_pool import local_pool
if __name__ == "__main__":
    finish_all([Job("a", load_scenario("tiny"), Path({out!r}))], local_pool(1), print, parent)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_processes_end_with_a_parent_that_is_killed(tmp_path: Path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(here=str(Path(__file__).parent), out=str(tmp_path)))
    parent = subprocess.Popen([sys.executable, str(script)], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
    number = int(waited_for(lambda: (tmp_path / "process").is_file() and (tmp_path / "process").read_text()))
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert waited_for(lambda: not is_running(number))


def is_running(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{number}/status")  # a dead process that nobody has collected is dead
    return not (status.exists() and "Z (zombie)" in status.read_text())


def waited_for(condition, limit_s: float = 600.0):
    """What the condition is once it holds; fails after a time that no machine needs."""
    started = time.monotonic()
    while not (found := condition()):
        assert time.monotonic() - started < limit_s
        time.sleep(0.05)
    return found


@pytest.mark.parametrize(
    ("executor", "jobs", "message"),
    [
        ("dusk://a:1", None, "write local or dask://host:port"),
        ("dask:8786", None, "write local or dask://host:port"),
        ("dask://127.0.0.1:8786", 2, "does not apply to a Dask cluster"),
    ],
)
def test_an_executor_that_is_not_known_is_refused(executor: str, jobs: int | None, message: str):
    with pytest.raises(ScenarioError, match=message):
        make_pool(executor, jobs, str)
