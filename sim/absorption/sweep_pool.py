"""Where cases are computed: processes of this machine, or the workers of a Dask cluster.

Both are a ``concurrent.futures.Executor``; whoever has a third kind makes a ``Pool`` of it. Local processes are
started afresh (spawn), share the processors instead of each taking all of them, leave Ctrl-C to their parent and
end with it, even when it is killed. This module imports nothing heavy, because it is the first that a new process
loads; it is the only one that knows Dask.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from scenarios.errors import Problem, ScenarioError, SimulationError
from scenarios.processors import THREADS_VARIABLE, count_of

THREAD_VARIABLES = (
    THREADS_VARIABLE,
    "NUMBA_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
)
SCHEDULER_TIMEOUT_S = 10
WORKER_TIMEOUT_S = 60
LEAST_DASK_SLOTS = 64
"""Cases handed to a cluster at a time; more workers may join later, so it is more than there are threads."""


@dataclass(frozen=True, slots=True)
class Pool:
    """A way to get an executor, how many cases it is given at a time, and what it is called."""

    open: Callable[[], AbstractContextManager[Executor]]
    slots: int
    where: str


def make_pool(executor: str, jobs: int | None, identity: Callable[[], str]) -> Pool:
    """Return the pool that ``--executor`` and ``--jobs`` ask for.

    ``identity`` tells versions of the program apart; a cluster whose workers answer otherwise is refused. Raises
    ``ScenarioError`` for an executor that is not known, ``SimulationError`` for a cluster that cannot be used.
    """
    if executor == "local":
        return local_pool(count_of(jobs or 0))
    address = urlsplit(executor)
    if address.scheme != "dask" or not address.netloc:
        cure = "write local or dask://host:port"
        raise ScenarioError(Problem(f'--executor "{executor}"', "is not known", cure))
    if jobs is not None:
        cure = "start so many workers, or leave --jobs out"
        raise ScenarioError(Problem("--jobs", "does not apply to a Dask cluster", cure))
    return dask_pool(f"tcp://{address.netloc}", identity)


# --- local processes


def local_pool(jobs: int) -> Pool:
    """Return a pool of so many processes of this machine."""
    return Pool(partial(_processes, jobs), jobs, f"{jobs} local process{'es' if jobs > 1 else ''}")


@contextmanager
def _processes(jobs: int) -> Iterator[Executor]:
    """Give an executor; when the block fails or is interrupted, its processes are ended at once."""
    others = multiprocessing.active_children()
    threads = max(1, count_of(0) // jobs)
    context = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(jobs, mp_context=context, initializer=begin_worker, initargs=(threads,))
    try:
        yield executor
    except BaseException:
        executor.shutdown(wait=False, cancel_futures=True)
        for process in multiprocessing.active_children():
            if process not in others:
                process.terminate()
        raise
    executor.shutdown()


def begin_worker(threads: int) -> None:
    """Prepare a new process, before it loads any library that counts processors."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in THREAD_VARIABLES:
        os.environ.setdefault(name, str(threads))
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Wait until the parent is gone, then end: what it would have done with the result nobody can."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


# --- Dask


def dask_pool(address: str, identity: Callable[[], str]) -> Pool:
    """Return the pool of a running Dask cluster after asking every worker which program it has.

    Raises ``SimulationError`` when no scheduler answers, no worker comes, or a worker has other code.
    """
    with _client(address) as client:
        _wait_for_workers(client, address)
        _require_same_program(client, address, identity)
        threads = sum(client.nthreads().values())
    where = f"Dask {address}, {threads} worker thread{'s' if threads > 1 else ''}"
    return Pool(partial(_cluster, address), max(LEAST_DASK_SLOTS, 2 * threads), where)


@contextmanager
def _cluster(address: str) -> Iterator[Executor]:
    with _client(address) as client:
        yield client.get_executor()


@contextmanager
def _client(address: str) -> Iterator[Any]:
    """Give a connection to a scheduler; leaving it takes back what has not begun."""
    try:
        from distributed import Client  # noqa: PLC0415  an optional extra
    except ModuleNotFoundError:
        cure = "pip install 'wumeng[cluster]', or the package distributed"
        raise ScenarioError(Problem("--executor dask://", "Dask is not installed", cure)) from None
    try:
        client = Client(address, timeout=SCHEDULER_TIMEOUT_S, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, TimeoutError) as error:
        cure = "start one with `dask scheduler`, or check host and port"
        raise SimulationError(Problem(address, f"no scheduler answers ({error})", cure)) from None
    try:
        yield client
    finally:
        client.close()  # type: ignore[no-untyped-call]


def _wait_for_workers(client: Any, address: str) -> None:
    try:
        client.wait_for_workers(1, timeout=WORKER_TIMEOUT_S)
    except TimeoutError:
        cure = f"start some with `dask worker {address} --nthreads 1`"
        raise SimulationError(Problem(address, f"no worker came within {WORKER_TIMEOUT_S} s", cure)) from None


def _require_same_program(client: Any, address: str, identity: Callable[[], str]) -> None:
    cure = "install the same version of wumeng and its libraries on every worker"
    try:
        found: dict[str, str] = client.run(identity)
    except Exception as error:  # Dask passes on what a worker met as a bare Exception
        raise SimulationError(Problem(address, f"a worker cannot load the program ({error})", cure)) from None
    ours = identity()
    others = [worker for worker, theirs in found.items() if theirs != ours]
    if others:
        raise SimulationError(
            Problem(worker, "has another version of the program or its libraries", cure) for worker in others
        )
