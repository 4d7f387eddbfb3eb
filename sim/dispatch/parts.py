"""A year of windows → parts that are walked side by side, and joined where their contents meet.

Storages of a system are full or empty again and again, and what was before is then forgotten. So a part may begin
some days early in the usual starting state: by its first own day its contents are those of the walk that comes from
before. That is looked at: where contents differ by more than ``MEET_MWH``, the walk from before goes on into the
part until they meet, to its end if need be. Where parts begin depends on the axis alone, so equal cases give equal
bits whatever the number of threads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from grid.threads import take_turns
from sim.dispatch.walk import Plan, Walk

PART_DAYS = 150
"""Days that a part has at least; a shorter axis is one part."""

EARLY_DAYS = 4
"""Days that a part begins early, rounded up to whole windows."""

MEET_MWH = 1e-9
"""Contents of a kind of storage that differ by no more than this are equal."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part is walked from ``begin`` on, and counts from ``seam`` to ``stop``."""

    begin: int
    seam: int
    stop: int


@dataclass(frozen=True, slots=True, eq=False)
class Left:
    """What a walk left before a step, and the number of the part whose walk it was."""

    part: int
    plan: Plan


class Parts:
    """The walks over the parts of an axis, what they leave at some steps, and where they were joined."""

    def __init__(self, walk: Walk, keep: Sequence[int]) -> None:
        """Let ``walk`` be the one that begins; keep what is left before some steps, where windows begin."""
        self.walk = walk
        self._keep = sorted(keep)
        self._left: dict[tuple[int, int], Plan] = {}
        self._owners: list[tuple[int, int]] = []

    def go(self, threads: int, first: int = 0, number: int | None = None) -> dict[int, Left]:
        """Walk from step ``first`` to the end of the axis; return what was left on the way.

        ``number`` is the part whose walk stood there; none: the one that the step lies in. ``threads`` (0:
        processors) change no bit. Raises ``ValueError`` when something is to be kept where no window begins.
        """
        parts = parts_of(self.walk, first)
        self._check(first)
        if number is None:
            number = max(k for k, part in enumerate(parts) if part.seam <= first)
        walks = {k: self.walk.twin() for k in range(number + 1, len(parts)) if parts[k].stop > first}

        def work(waiting: Iterator[int]) -> None:
            for k in waiting:
                if k == number:
                    self._go(k, self.walk, first, parts[k].stop)
                else:
                    walks[k].begin_early(parts[k].begin)
                    self._go(k, walks[k], parts[k].begin, parts[k].stop)

        take_turns(work, [number, *walks], threads)
        self._owners = [(first, number)]
        self._join(walks, parts, max(first, parts[number].stop))
        return {step: self._left_at(step) for step in self._keep}

    def _check(self, first: int) -> None:
        steps, kept = len(self.walk.clock.day), self.walk.clock.kept_steps
        wrong = [step for step in self._keep if not first <= step < steps or (step - first) % kept]
        if wrong:
            raise ValueError(f"no window begins at step {wrong}: one does at {first}, and then every {kept} steps")

    def _go(self, number: int, walk: Walk, first: int, stop: int) -> None:
        """Let the walk of a part go, with halts where something is kept."""
        halts = [step for step in self._keep if first <= step < stop]
        begin = first
        for step in halts:
            walk.go(begin, step)
            self._left[number, step] = walk.plan(step)
            begin = step
        walk.go(begin, stop)

    def _join(self, walks: dict[int, Walk], parts: Sequence[Part], at: int) -> None:
        """Join the other walks to the first one, which has come as far as step ``at``."""
        kept = self.walk.clock.kept_steps
        for number, other in walks.items():
            stop = parts[number].stop
            while at < stop and not _met(self.walk, other, at):
                self._go(self._owners[-1][1], self.walk, at, min(at + kept, stop))
                at += kept
            if at < stop:
                self.walk.join(other, at)
                self._owners.append((at, number))
                at = stop

    def _left_at(self, step: int) -> Left:
        number = next(number for since, number in reversed(self._owners) if since <= step)
        return Left(number, self._left[number, step])


def parts_of(walk: Walk, first: int = 0) -> tuple[Part, ...]:
    """Return the parts of the axis, for windows that begin at ``first`` and then step by step.

    One, where something lasts longer than storages do (energies of the year, accounts), and where windows cut days.
    """
    clock, stores = walk.clock, walk.stores
    steps, kept = len(clock.day), clock.kept_steps
    count = max((len(clock.first_step) - 1) // PART_DAYS, 1)
    begins = np.arange(0, steps, kept)
    lasting = len(stores.keep) > stores.accounts or bool(np.isfinite(walk.water.pool_mwh).any())
    if count == 1 or lasting or first % kept or not np.isin(begins, clock.first_step).all():
        return (Part(0, 0, steps),)
    seams = [round(len(begins) * number / count) * kept for number in range(count)]
    early = -(-EARLY_DAYS * round(24.0 / clock.step_h) // kept) * kept
    stops = [*seams[1:], steps]
    return tuple(Part(max(seam - early, 0), seam, stop) for seam, stop in zip(seams, stops, strict=True))


def _met(walk: Walk, other: Walk, step: int) -> bool:
    """Whether two walks leave the same contents before a step."""
    return bool((np.abs(walk.level_mwh(step) - other.level_mwh(step)) <= MEET_MWH).all())
