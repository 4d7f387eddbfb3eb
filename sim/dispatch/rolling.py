"""Case → its rolling windows; a long axis in parts that are walked side by side, where many rows of a network bind.

Contents of storages meet again and again: at the corners of what the programme allows they are full, empty, or as
the day asks. So a part may begin some days early, as in the compiled walk (``parts``), and the walk from before
goes on into it until both leave equal contents at a midnight. Whether and where an axis is cut depends on the case
and its limits alone, not on the number of threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, Self, TypeVar

import numpy as np

from grid.threads import take_turns
from scenarios.records import Floats
from sim.dispatch.commitment import Commitment
from sim.dispatch.limits import NetworkLimits
from sim.dispatch.model import DispatchCase
from sim.dispatch.parts import EARLY_DAYS, PART_DAYS, Part
from sim.dispatch.stack import supply
from sim.dispatch.wires import near_rows

MANY_ROWS = 20
"""Rows near their limits in a plain dispatch from which on an axis is walked in parts.

With few rows a year takes two seconds, and is walked in one go.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """Steps ``begin … end − 1`` are optimised, those before ``kept`` are kept.

    ``last_mwh`` [storages], if given, are contents that the last step must leave, ``last_account_mwh`` [channels]
    what channels must by then have sent beyond their contract, if that is balanced: at least, or ``exactly``.
    """

    begin: int
    kept: int
    end: int
    last_mwh: Floats | None = None
    exactly: bool = False
    last_account_mwh: Floats | None = None


class Rolling(Protocol):
    """A walk over windows (``exact.Walk``)."""

    def take(self, window: Window) -> None:
        """Optimise a window, keep its first part and carry the state to the next one."""

    def meets(self, other: Self, step: int) -> bool:
        """Whether both leave the same state before a step, up to which this walk has come."""

    def join(self, other: Self, step: int) -> None:
        """Go on from a step as another walk did."""


AnyWalk = TypeVar("AnyWalk", bound=Rolling)


def windows(case: DispatchCase, first: int = 0, stop: int | None = None) -> Iterator[Window]:
    """Yield the rolling windows of a case from step ``first`` to ``stop``; the last one keeps all its steps."""
    step_h, steps = case.time.step_h, len(case.time) if stop is None else stop
    kept = max(round(case.step_window_h / step_h), 1)
    length = max(round(case.look_ahead_h / step_h), kept)
    for begin in range(first, steps, kept):
        end = min(begin + length, steps)
        yield Window(begin, end if end == steps else begin + kept, end)
        if end == steps:
            return


def parts_of(case: DispatchCase, units: Commitment, limits: NetworkLimits) -> tuple[Part, ...]:
    """Return the parts of the axis: one, unless many rows come near their limits.

    One also where more than contents crosses a midnight: load on call, accounts, ramps; where storages hold
    reserve, whose directions are looked for in view of the whole axis; and where windows cut days.
    """
    steps, days = len(case.time), len(case.day_hours)
    count = max(days // PART_DAYS, 1)
    if count == 1 or not only_contents_pass(case):
        return (Part(0, 0, steps),)
    begins = np.array([window.begin for window in windows(case)])
    if len(near_rows(case, supply(case, units), limits)) < MANY_ROWS:
        return (Part(0, 0, steps),)
    place = [round(len(begins) * number / count) for number in range(count)]
    seams = begins[place].tolist()
    early = [int(np.searchsorted(begins, seam - EARLY_DAYS * steps // days)) for seam in seams]
    return tuple(
        Part(int(begins[first]), seam, stop)
        for first, seam, stop in zip(early, seams, [*seams[1:], steps], strict=True)
    )


def only_contents_pass(case: DispatchCase) -> bool:
    """Whether windows begin at midnights, and only contents of storages go from one to the next."""
    rules = case.rules
    lasting = bool(case.calls) or rules.export_balance != "none" or rules.export_ramp_mw_per_h is not None
    midnights = np.flatnonzero(np.diff(case.time.day, prepend=-1))
    at_midnights = np.isin([window.begin for window in windows(case)], midnights).all()
    return bool(at_midnights) and not (lasting or rules.ramps or rules.storage_holds_reserve)


def blocks_of(case: DispatchCase) -> int:
    """Return of how many blocks, as long as what is kept of it, a window can be made: of whole days; else 1."""
    first = next(windows(case))
    length, kept = first.end - first.begin, first.kept - first.begin
    return length // kept if length % kept == 0 and only_contents_pass(case) else 1


def walked(case: DispatchCase, parts: Sequence[Part], new: Callable[[], AnyWalk], threads: int) -> AnyWalk:
    """Return a walk that went through all windows of an axis; ``new`` makes one that stands before any step."""
    walks = [new() for _ in parts]

    def work(waiting: Iterator[int]) -> None:
        for number in waiting:
            for window in _begun_in(case, parts[number].begin, parts[number].stop):
                walks[number].take(window)

    take_turns(work, range(len(parts)), threads)
    whole = walks[0]
    for other, part in zip(walks[1:], parts[1:], strict=True):
        for window in _begun_in(case, part.seam, part.stop):
            if whole.meets(other, window.begin):
                whole.join(other, window.begin)
                break
            whole.take(window)
    return whole


def _begun_in(case: DispatchCase, first: int, stop: int) -> Iterator[Window]:
    return (window for window in windows(case, first) if window.begin < stop)
