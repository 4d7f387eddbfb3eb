"""Work in portions → threads that take one portion after the other, so that none waits for the slowest.

Kernels release the interpreter lock. Which thread does what changes no result: every hour is written by one only.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TypeVar

from scenarios.processors import count_of
from scenarios.records import Ints

Task = TypeVar("Task")


def take_turns(work: Callable[[Iterator[Task]], None], tasks: Sequence[Task], threads: int) -> None:
    """Call ``work`` in as many threads as there are (0: processors); all draw from one iterator over ``tasks``.

    The calling thread is one of them: were it to wait, a new thread would often be put beside another one on the
    same processor, and stay there for longer than most work takes.
    """
    waiting = iter(tasks)  # of a sequence: the interpreter lock lets one thread at a time have the next
    count = min(count_of(threads), len(tasks))
    if count <= 1:
        work(waiting)
        return
    pool = _helpers(os.getpid(), count - 1)
    others = [pool.submit(work, waiting) for _ in range(count - 1)]
    try:
        work(waiting)
    finally:
        begun = [other for other in others if not other.cancel()]  # busy elsewhere: not needed any more
    for other in begun:
        other.result()


@lru_cache(maxsize=4)
def _helpers(process: int, count: int) -> ThreadPoolExecutor:
    """Return threads that wait for work, of this process: those of another one do not survive its fork."""
    return ThreadPoolExecutor(count, f"helper of {process}")


def portions(items: Ints, size: int) -> list[Ints]:
    """Cut items into portions of ``size``; the last one is what is left."""
    return [items[first : first + size] for first in range(0, len(items), size)]
