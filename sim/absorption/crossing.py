"""A curve that can only be sampled → the largest value below which everything holds, without trusting the curve.

The curve is the excess of the worst criterion over the capacity of a site: ≤ 0 where all hold. It need not be
monotone. So it is sampled on a grid first; every change between holding and not holding is a crossing and is
reported; the answer is the *first* one, below which every sampled capacity holds. That crossing is then narrowed
to the resolution: two points per round, placed around where the line between the ends meets zero and never far
from the middle, so that neither a bent nor a stepped curve can stop it. What is tried depends on the curve alone,
and not on how many points are computed side by side.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

Probe = Callable[[Sequence[float]], Sequence[float]]
"""Capacities, MW → excess of each; asked with several at a time, so that they can be computed side by side."""

Status = Literal["found", "beyond", "none"]

NARROWING = 0.2
"""Half the distance of the two points of a round, as a share of the interval."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """Neighbouring samples between which the criteria stop (``up``) or start to hold."""

    low_mw: float
    high_mw: float
    up: bool


@dataclass(frozen=True, slots=True)
class Found:
    """The first crossing within a resolution, and what was seen on the way.

    ``holds_mw`` is the largest sampled capacity up to which everything holds, ``breaks_mw`` the next sample, where
    it does not: ``None`` when everything holds to the end (``beyond``). With status ``none`` even the lowest sample
    breaks, and ``holds_mw`` is ``None``. ``samples`` are (MW, excess) in rising order.
    """

    status: Status
    holds_mw: float | None
    breaks_mw: float | None
    samples: tuple[tuple[float, float], ...]

    @property
    def crossings(self) -> tuple[Crossing, ...]:
        """All changes between holding and not holding that the samples show."""
        pairs = zip(self.samples[:-1], self.samples[1:], strict=True)
        return tuple(Crossing(a, b, eb > 0) for (a, ea), (b, eb) in pairs if (ea > 0) != (eb > 0))

    @property
    def returns_mw(self) -> tuple[float, ...]:
        """Capacities above the answer at which everything holds again: the curve is not monotone."""
        return tuple(crossing.high_mw for crossing in self.crossings if not crossing.up)


def first_crossing(probe: Probe, grid_mw: Sequence[float], resolution_mw: float) -> Found:
    """Return the first crossing above the lowest capacity of ``grid_mw`` (rising, at least two).

    Capacities between the samples are whole multiples of the resolution above the lower sample.
    """
    seen = dict(zip(grid_mw, probe(grid_mw), strict=True))
    if seen[grid_mw[0]] > 0:
        return _found("none", None, grid_mw[0], seen)
    broken = [mw for mw in grid_mw if seen[mw] > 0]
    if not broken:
        return _found("beyond", grid_mw[-1], None, seen)
    return _narrowed(probe, grid_mw[grid_mw.index(broken[0]) - 1], broken[0], seen, resolution_mw)


def crossing_near(probe: Probe, grid_mw: Sequence[float], guess_mw: float, resolution_mw: float) -> Found:
    """Return the crossing next to a guess, trying only samples around it: quick where the curve is known in shape.

    From a neighbour that breaks it walks down, from one that holds it walks up. Crossings elsewhere stay unseen.
    """
    place = max([0, *(k for k, mw in enumerate(grid_mw[:-1]) if mw <= guess_mw)])
    tried = grid_mw[place : place + 2]
    seen = dict(zip(tried, probe(tried), strict=True))
    while seen[grid_mw[place]] > 0 and place > 0:
        place -= 1
        seen[grid_mw[place]] = probe([grid_mw[place]])[0]
    while seen[grid_mw[place]] <= 0 and seen[grid_mw[place + 1]] <= 0 and place + 2 < len(grid_mw):
        place += 1
        seen[grid_mw[place + 1]] = probe([grid_mw[place + 1]])[0]
    low, high = grid_mw[place], grid_mw[place + 1]
    if seen[low] > 0:
        return _found("none", None, low, seen)
    if seen[high] <= 0:
        return _found("beyond", high, None, seen)
    return _narrowed(probe, low, high, seen, resolution_mw)


def _narrowed(probe: Probe, low: float, high: float, seen: dict[float, float], resolution_mw: float) -> Found:
    """Return the first crossing between a capacity that holds and one that breaks, within the resolution."""
    while high - low > resolution_mw * (1 + 1e-9):
        tried = _between(low, high, seen, resolution_mw)
        seen |= dict(zip(tried, probe(tried), strict=True))
        low, high = _first_part(low, high, tried, seen)
    return _found("found", low, high, seen)


def _between(low: float, high: float, seen: dict[float, float], resolution_mw: float) -> list[float]:
    """Return one or two capacities inside an interval, around the zero of the line between its ends."""
    steps = math.ceil((high - low) / resolution_mw - 1e-9)
    below, above = seen[low], seen[high]
    at = min(max(below / (below - above), 0.2), 0.8)
    around = math.floor(steps * (at - NARROWING / 2)), math.ceil(steps * (at + NARROWING / 2))
    return [low + place * resolution_mw for place in sorted({min(max(place, 1), steps - 1) for place in around})]


def _first_part(low: float, high: float, tried: Sequence[float], seen: dict[float, float]) -> tuple[float, float]:
    """Return the interval of the first crossing among the ends and what was tried between them."""
    for mw in tried:
        if seen[mw] > 0:
            return low, mw
        low = mw
    return low, high


def _found(status: Status, holds: float | None, breaks: float | None, seen: dict[float, float]) -> Found:
    return Found(status, holds, breaks, tuple(sorted(seen.items())))
