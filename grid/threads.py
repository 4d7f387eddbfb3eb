"""Work in portions → threads that take one portion after the other, so that none waits for the slowest.

Kernels release the interpreter lock. Which thread does what changes no result: every hour is written by one only.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import lru_cache
from threading import Barrier, get_native_id
from typing import NamedTuple, TypeVar

from scenarios.processors import count_of
from scenarios.records import Ints

Task = TypeVar("Task")


def take_turns(
    work: Callable[[Iterator[Task]], None], tasks: Sequence[Task], threads: int, brief: bool = False
) -> None:
    """Call ``work`` in as many threads as there are (0: processors); all draw from one iterator over ``tasks``.

    The calling thread is one of them: were it to wait, a new thread would often be put beside another one on the
    same processor, and stay there for longer than most work takes. ``brief`` work, of milliseconds and compiled,
    is given processors apart.
    """
    waiting = iter(tasks)  # of a sequence: the interpreter lock lets one thread at a time have the next
    count = min(count_of(threads), len(tasks))
    if count <= 1:
        work(waiting)
        return
    helpers = _helpers(os.getpid(), count - 1)
    with _apart(helpers if brief else None):
        others = [helpers.pool.submit(work, waiting) for _ in range(count - 1)]
        try:
            work(waiting)
        finally:
            begun = [other for other in others if not other.cancel()]  # busy elsewhere: not needed any more
        for other in begun:
            other.result()


def each_once(work: Callable[[], None], portions: int, threads: int) -> None:
    """Call brief ``work``, which itself takes portion after portion until none is left, once in each thread.

    A call of a kernel costs a tenth of a millisecond under the interpreter lock, so there is one for each thread.
    """

    def work_once(callers: Iterator[int]) -> None:
        for _ in callers:
            work()

    take_turns(work_once, range(min(count_of(threads), portions)), threads, brief=True)


class _Helpers(NamedTuple):
    """Threads that wait for work, and their numbers in the system."""

    pool: ThreadPoolExecutor
    numbers: tuple[int, ...]


@lru_cache(maxsize=4)
def _helpers(process: int, count: int) -> _Helpers:
    """Return helpers of this process: those of another one do not survive its fork."""
    pool, all_there = ThreadPoolExecutor(count, f"helper of {process}"), Barrier(count)

    def begin(_: int) -> int:
        all_there.wait()
        return get_native_id()

    return _Helpers(pool, tuple(pool.map(begin, range(count))))


@contextmanager
def _apart(helpers: _Helpers | None) -> Iterator[None]:
    """Keep the calling thread on its processor meanwhile and the helpers on others, where the system can (Linux).

    A thread that wakes is often put beside a busy one, and both then take turns on one processor for longer than
    brief work takes, while another processor has nothing to do.
    """
    own, allowed = _own_processor(), _allowed()
    others = allowed - {own}
    if helpers is None or not others or others == allowed:
        yield
        return
    with suppress(OSError):  # a system may forbid it: then it decides alone
        os.sched_setaffinity(0, {own})
        for number in helpers.numbers:
            os.sched_setaffinity(number, others)
    try:
        yield
    finally:  # helpers do longer work as well, and ask how many processors there are
        with suppress(OSError):
            for number in (0, *helpers.numbers):
                os.sched_setaffinity(number, allowed)


def _allowed() -> set[int]:
    """Return the processors that the calling thread may use; none where the system does not tell."""
    return os.sched_getaffinity(0) if hasattr(os, "sched_setaffinity") else set()


def _own_processor() -> int:
    """Return the processor that the calling thread runs on; −1 where the system does not tell."""
    ask = _question()
    return int(ask()) if ask else -1


@lru_cache(maxsize=1)
def _question() -> Callable[[], int] | None:
    """Return what the C library has in place of ``os.sched_getcpu``, which comes with a later Python."""
    return getattr(ctypes.CDLL(None), "sched_getcpu", None) if hasattr(os, "sched_setaffinity") else None


def portions(items: Ints, size: int) -> list[Ints]:
    """Cut items into portions of ``size``; the last one is what is left."""
    return [items[first : first + size] for first in range(0, len(items), size)]
