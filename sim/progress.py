"""Tells people how far work has come: a live line on a terminal, plain lines in a log; times each stage."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn


class Stages:
    """Announces stages one after the other and remembers how long each took (``timings_s``).

    ``quiet`` says nothing at all. All of it goes to standard error; standard output stays clean for ``--json``.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self.timings_s: dict[str, float] = {}
        self._console = Console(stderr=True, quiet=quiet)
        self._live: tuple[Progress, TaskID] | None = None

    def say(self, text: str) -> None:
        """Print one line."""
        self._console.print(text, highlight=False, soft_wrap=True)

    @contextmanager
    def stage(self, name: str, what: str) -> Iterator[None]:
        """Show ``what`` while the block runs, and add its duration to ``timings_s[name]``."""
        started = time.perf_counter()
        try:
            with self._shown(what):
                yield
        finally:
            spent = time.perf_counter() - started
            self.timings_s[name] = self.timings_s.get(name, 0.0) + spent
        self.say(f"  [green]✓[/green] {what} [dim]{spent:.1f} s[/dim]")

    def tick(self, done: int, total: int) -> None:
        """Show how much of the running stage is done."""
        if self._live is not None:
            bar, task = self._live
            bar.update(task, completed=done, total=total)
        elif total and done * 10 // total != (done - 1) * 10 // total:
            self.say(f"    {done} of {total}")

    @contextmanager
    def _shown(self, what: str) -> Iterator[None]:
        if not self._console.is_terminal or self._console.quiet:
            yield
            return
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self._console, transient=True) as bar:
            self._live = (bar, bar.add_task(what, total=None))
            try:
                yield
            finally:
                self._live = None
