"""Tells how far a sweep is: cases done, failed and remaining, and the time left; a bar, or plain lines in a log."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn


class CaseProgress:
    """Counts cases as they end and says so on standard error; ``quiet`` says nothing.

    The time left is the time that the cases of this sitting took, each, times those that remain.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._console = Console(stderr=True, quiet=quiet)
        self._bar: Progress | None = None
        self._started = 0.0
        self.total = self.kept = self.done = self.failed = 0

    def say(self, text: str) -> None:
        """Print one line."""
        self._console.print(text, highlight=False, soft_wrap=True)

    @contextmanager
    def cases(self, total: int, kept: int) -> Iterator[None]:
        """Show the progress of ``total`` cases, ``kept`` of them finished before, while the block runs."""
        self.total, self.kept, self._started = total, kept, time.monotonic()
        if not self._console.is_terminal or self._console.quiet:
            yield
            return
        columns = (BarColumn(), TextColumn("{task.description}"))
        with Progress(*columns, console=self._console, transient=True) as bar:
            bar.add_task(self.summary, total=total, completed=kept)
            self._bar = bar
            try:
                yield
            finally:
                self._bar = None

    def ended(self, label: str, error: str = "") -> None:
        """Count a case; a failed one is always told, a good one only in a log."""
        self.done += not error
        self.failed += bool(error)
        if error:
            self.say(f"  [red]✗[/red] {escape(label)}: {escape(error.splitlines()[0])}")
        if self._bar is not None:
            done = self.kept + self.done + self.failed
            self._bar.update(self._bar.task_ids[0], completed=done, description=self.summary)
        elif not error:
            self.say(f"  [green]✓[/green] {escape(label)} [dim]· {self.summary}[/dim]")

    @property
    def remaining(self) -> int:
        """Cases that have not ended."""
        return self.total - self.kept - self.done - self.failed

    @property
    def summary(self) -> str:
        """Where the sweep is: ``12 done, 1 failed, 27 remaining, 3 min left · 完成12 失败1 剩余27``."""
        done = self.kept + self.done
        english = f"{done} done, {self.failed} failed, {self.remaining} remaining"
        return f"{english}, {self._time_left()} · 完成{done} 失败{self.failed} 剩余{self.remaining}"

    def _time_left(self) -> str:
        ended = self.done + self.failed
        if not ended:
            return "time left unknown"
        return f"{duration((time.monotonic() - self._started) / ended * self.remaining)} left"


def duration(seconds: float) -> str:
    """Return a duration as people say it: ``40 s``, ``12 min``, ``3.5 h``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
