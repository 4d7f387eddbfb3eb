"""Two sites → years at every pair of capacities, and the line up to which both can grow together.

The grid runs in even steps from 0 to a little beyond what each site reaches alone. Every point is a simulated year.
On each edge of the grid whose ends differ the line crosses; where along the edge is read off the straight line
between the two excesses (as contours are drawn: Lorensen & Cline 1987, the two-dimensional case). Edges in both
directions count alike, so that exchanging the sites exchanges the axes and nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from scenarios.records import Floats, axes, record
from sim.absorption.annual import Point
from sim.absorption.capacity import Answer, Book
from sim.absorption.criteria import excess
from sim.progress import Stages

MARGIN = 1.15
"""The grid reaches this much beyond what a site reaches alone."""


@record
class Frontier:
    """The grid of years [first × second] and the points of the line, from small to large first capacity.

    ``first_mw`` and ``second_mw`` are the capacities of the two sites along the axes; ``rate`` is curtailed /
    available of the technology in the region; ``excess`` ≤ 0 where every criterion holds. ``returns`` says that
    somewhere more capacity holds where less does not: then the line is not a simple boundary.
    """

    first_mw: Floats = axes("first")
    second_mw: Floats = axes("second")
    rate: Floats = axes("first", "second")
    excess: Floats = axes("first", "second")
    line: tuple[tuple[float, float], ...]
    points: tuple[Point, ...]

    @property
    def returns(self) -> bool:
        """Whether somewhere a larger capacity holds although a smaller one breaks a criterion."""
        broken = self.excess > 0
        return any(bool((broken[a] & ~broken[b]).any()) for a, b in _NEIGHBOURS)

    @property
    def mirrored(self) -> tuple[tuple[float, float], ...]:
        """The line with the axes exchanged."""
        return tuple(sorted((second, first) for first, second in self.line))


_LESS, _MORE, _ALL = slice(None, -1), slice(1, None), slice(None)
_NEIGHBOURS = (((_LESS, _ALL), (_MORE, _ALL)), ((_ALL, _LESS), (_ALL, _MORE)))


def axis_mw(answer: Answer, count: int, resolution_mw: float) -> list[float]:
    """Return ``count`` even capacities of a site, from 0 to beyond its own answer and what stands, MW."""
    standing = answer.base.sizes_mw[answer.site]
    reach = MARGIN * max(answer.capacity_mw, standing, (count - 1) * resolution_mw)
    step = resolution_mw * math.ceil(reach / (count - 1) / resolution_mw)
    return [float(step * k) for k in range(count)]


def trace(book: Book, first_mw: Sequence[float], second_mw: Sequence[float], stages: Stages) -> Frontier:
    """Return the years at every pair of capacities of a study of two sites, and the line between them."""
    pairs = [(float(first), float(second)) for first in first_mw for second in second_mw]
    what = f"{len(pairs)} annual simulations for the frontier · 双基地边界"
    with stages.stage("frontier", what):
        points = book.points(pairs, lambda count: stages.tick(count, len(pairs)))
    shape = (len(first_mw), len(second_mw))
    beyond = np.array([excess(book.judged(point)) for point in points]).reshape(shape)
    return Frontier(
        first_mw=np.array(first_mw, dtype=np.float64),
        second_mw=np.array(second_mw, dtype=np.float64),
        rate=np.array([point.tech.rate for point in points]).reshape(shape),
        excess=beyond,
        line=zero_line(np.array(first_mw), np.array(second_mw), beyond),
        points=tuple(points),
    )


def zero_line(x: Floats, y: Floats, values: Floats) -> tuple[tuple[float, float], ...]:
    """Return where ``values`` [x × y] leave or enter ≤ 0 along the edges, sorted by x rising, then y falling."""
    found = set()
    for i, j in zip(*np.nonzero((values[:-1] > 0) != (values[1:] > 0)), strict=True):
        found.add((_zero(x[i], x[i + 1], values[i, j], values[i + 1, j]), float(y[j])))
    for i, j in zip(*np.nonzero((values[:, :-1] > 0) != (values[:, 1:] > 0)), strict=True):
        found.add((float(x[i]), _zero(y[j], y[j + 1], values[i, j], values[i, j + 1])))
    return tuple(sorted(found, key=lambda point: (point[0], -point[1])))


def _zero(low: float, high: float, at_low: float, at_high: float) -> float:
    return float(low + (high - low) * at_low / (at_low - at_high))
