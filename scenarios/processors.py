"""How many threads work takes that leaves the choice: as many as were allowed, else as there are processors.

Imports nothing heavy: a new process asks this before it loads any library that counts processors itself.
"""

from __future__ import annotations

import os

from scenarios.errors import Problem, ScenarioError

THREADS_VARIABLE = "WUMENG_THREADS"
"""Variable of the environment that allows this process, and those that it starts, so many threads."""


def allow_threads(jobs: int | None) -> None:
    """Let this process, and those that it starts, take so many threads; ``None``: as was allowed before.

    Raises ``ScenarioError`` when what is allowed is no number of threads: now rather than in the middle of work.
    """
    if jobs is not None:
        os.environ[THREADS_VARIABLE] = str(jobs)
    count_of(0)


def count_of(threads: int) -> int:
    """Return how many threads are meant; 0: as many as were allowed, else as there are processors.

    Raises ``ScenarioError`` when what was allowed is no number of threads.
    """
    allowed = os.environ.get(THREADS_VARIABLE, "")
    if allowed and not (allowed.isdecimal() and int(allowed)):
        cure = "set it to a whole number from 1 up, or not at all"
        raise ScenarioError(Problem(THREADS_VARIABLE, f'"{allowed}" is no number of threads', cure))
    return threads or int(allowed or processors())


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
