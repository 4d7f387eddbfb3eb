"""Injections of all hours → the base point that is nearest to each, and hours whose controls cannot be used.

``grid.nearness`` says how far an hour is from a point, as chords feel it: by the squared distance of a few features
that are linear in the power. All base points are tried side by side. What else may be wrong with an hour is found
where it is read (``block.judge_block``, ``block.not_finite``).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from grid.kernels import allocating, entry, inlined, kernel
from grid.kernels_year import BAD_Q_MAX, BAD_Q_MIN, BAD_V_SET, Given
from grid.simd import (
    GROUPS,
    LANES,
    aligned,
    bits_of,
    count_up,
    fma,
    load,
    load_groups,
    load_spread,
    place_of_largest,
    spread64,
    store,
    sub,
)

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FEATURES = LANES // GROUPS
"""Features of an hour: ``GROUPS`` hours fit into one vector."""

SIDE = 4
AT_ONCE = SIDE * GROUPS
"""Hours that are measured side by side, in so many vectors."""


class Points(NamedTuple):
    """What weighs the power of an hour for each feature, and the features of the base points.

    ``weight`` [buses × LANES] holds the weights of all features ``GROUPS`` times; ``place`` [FEATURES × LANES] and
    ``half_square`` [LANES] are of the points (∞: no point).
    """

    weight: Floats
    place: Floats
    half_square: Floats


def new_points(weight: Floats, features: Floats) -> Points:
    """Return points, at most ``LANES``: weights [buses × FEATURES], their features [points × FEATURES]."""
    count, half_square = len(features), aligned(LANES, fill=np.inf)
    weights, place = aligned(len(weight) * LANES), aligned(FEATURES * LANES)
    weights[:] = np.tile(weight, GROUPS).reshape(-1)
    place.reshape(FEATURES, LANES)[:, :count] = features.T
    half_square[:count] = (features**2).sum(axis=1) / 2
    return Points(weights, place, half_square)


class Sifted(NamedTuple):
    """Of each hour: what is wrong with its controls (bits of ``kernels_year``), and its ``rank``.

    Ranks go by base point, within a point by the distance from it, ``LEVELS`` of them. ``hours_at`` [LANES] is how
    many hours that can be tried each point has, once ``portioned`` has counted them.
    """

    wrong: npt.NDArray[np.uint8]
    rank: npt.NDArray[np.int16]
    hours_at: Ints

    @property
    def point(self) -> npt.NDArray[np.int16]:
        """Base point of each hour."""
        return self.rank // LEVELS


class Sifting(NamedTuple):
    """The hours ``asked`` for, what they are compared with, what threads have taken of them, what was found."""

    points: Points
    asked: Ints
    counts: Ints
    sifted: Sifted


@inlined
def _row(matrix: Floats, h: int) -> int:
    """Position of the row of an hour; one row holds for all hours."""
    return min(h, len(matrix) - 1)


@kernel
def _of_controls(v_set: Floats, low: Floats, high: Floats) -> int:
    """Return what is wrong with set points and ranges; without branches, so that it runs in vectors."""
    wrong = 0
    for c in range(len(v_set)):
        wrong |= BAD_V_SET * (1 - (v_set[c] > 0.0) * (v_set[c] < np.inf))
        wrong |= BAD_Q_MIN * ((low[c] > high[c]) | (low[c] != low[c])) | BAD_Q_MAX * (high[c] != high[c])
    return wrong


@kernel
def _find_features(p_mw: Floats, starts: Ints, weight: Floats, features: Floats) -> None:
    """Set ``features`` [AT_ONCE × FEATURES] of the hours whose rows begin at ``starts``."""
    a, b, c, d = spread64(0.0), spread64(0.0), spread64(0.0), spread64(0.0)
    for i in range(p_mw.shape[1]):
        each = load(weight, i * LANES)
        a = fma(load_groups(p_mw, starts, 0, i), each, a)
        b = fma(load_groups(p_mw, starts, GROUPS, i), each, b)
        c = fma(load_groups(p_mw, starts, 2 * GROUPS, i), each, c)
        d = fma(load_groups(p_mw, starts, 3 * GROUPS, i), each, d)
    store(features, 0, a)
    store(features, LANES, b)
    store(features, 2 * LANES, c)
    store(features, 3 * LANES, d)


@kernel
def _measure(features: Floats, points: Points, near: Floats) -> None:
    """Set ``near`` [AT_ONCE × LANES]: how near hours are to all points; SIDE hours for each time these are read."""
    half = load(points.half_square, 0)
    for first in range(0, AT_ONCE, SIDE):
        at = first * FEATURES
        a, b, c, d = spread64(0.0), spread64(0.0), spread64(0.0), spread64(0.0)
        for k in range(FEATURES):
            place = load(points.place, k * LANES)
            a = fma(load_spread(features, at + k), place, a)
            b = fma(load_spread(features, at + FEATURES + k), place, b)
            c = fma(load_spread(features, at + 2 * FEATURES + k), place, c)
            d = fma(load_spread(features, at + 3 * FEATURES + k), place, d)
        store(near, first * LANES, sub(a, half))
        store(near, (first + 1) * LANES, sub(b, half))
        store(near, (first + 2) * LANES, sub(c, half))
        store(near, (first + 3) * LANES, sub(d, half))


LEVELS = 64
_DIGITS, _NEAREST = 1, 2.0**-26
"""Levels of the squared distance, from the first one on: two for each doubling, told apart by one binary digit."""


@inlined
def _level(square: float) -> int:
    """Return the level of a squared distance: what is left of its bits are exponent and first binary digits."""
    drop = 52 - _DIGITS
    level: int = min(max((bits_of(square) >> drop) - (bits_of(_NEAREST) >> drop), 0), LEVELS - 1)
    return level


@inlined
def _rank(features: Floats, near: Floats, side: int) -> int:
    """Return the rank of one of the hours that have been measured."""
    point: int = place_of_largest(load(near, side * LANES)) % LANES
    own = 0.0
    for k in range(side * FEATURES, (side + 1) * FEATURES):
        own += features[k] * features[k]
    return point * LEVELS + _level(own - 2.0 * near[side * LANES + point])


@inlined
def _judge_controls(given: Given, h: int) -> int:
    """Return what is wrong with set points and ranges in an hour."""
    v_set, low, high = given.v_set, given.q_min, given.q_max
    return _of_controls(v_set[_row(v_set, h)], low[_row(low, h)], high[_row(high, h)])


SIFTED_HOURS = 8 * LANES
"""Hours that a thread takes at a time: some hundredths of a millisecond of work."""

TAKEN, SIFTED, SOLVING, SOLVED = 0, 1, 2, 3
"""What threads count together: portions taken to be sifted, hours sifted, portions taken and hours solved."""


def new_counts() -> Ints:
    """Return counts for one meeting of threads: nothing has been taken."""
    return np.zeros(4, np.int64)


@entry
def sift(given: Given, sifting: Sifting) -> None:
    """Judge the hours asked for and find their base points, portion after portion until none is left.

    Where power is no number, any point does.
    """
    points, asked, counts, sifted = sifting
    near, features, starts = np.empty(AT_ONCE * LANES), np.empty(AT_ONCE * FEATURES), np.empty(AT_ONCE, np.int64)
    same = max(len(given.v_set), len(given.q_min), len(given.q_max)) == 1
    always, buses = _judge_controls(given, 0) if same else 0, given.p_mw.shape[1]
    while True:
        begin = SIFTED_HOURS * count_up(counts, TAKEN, 1)
        if begin >= len(asked):
            return
        last = min(begin + SIFTED_HOURS, len(asked)) - 1
        for first in range(begin, last + 1, AT_ONCE):
            for side in range(AT_ONCE):
                starts[side] = buses * asked[min(first + side, last)]
            _find_features(given.p_mw, starts, points.weight, features)
            _measure(features, points, near)
            for side in range(min(AT_ONCE, last + 1 - first)):
                h = asked[first + side]
                sifted.wrong[h] = always if same else _judge_controls(given, h)
                sifted.rank[h] = _rank(features, near, side)
        count_up(counts, SIFTED, last + 1 - begin)


class Tasks(NamedTuple):
    """Portions of hours: those of ``order`` from ``first`` to ``last`` are solved from a base point.

    ``base`` is its place among those that have been worked out. All [portions] but ``order``.
    """

    order: Ints
    base: Ints
    first: Ints
    last: Ints


@allocating
def portioned(sifted: Sifted, place: Ints, size: int) -> Tasks:
    """Put the hours that can be tried into order by rank, and cut those of each point into portions of ``size``.

    Hours that are about as far from their point take about as many steps: a block waits for its slowest hour. Hours
    are left out whose base point has no ``place`` [LANES] among those that have been worked out (−1).
    """
    hours, at = len(sifted.wrong), np.zeros(LANES * LEVELS + 1, np.int64)
    for h in range(hours):
        if sifted.wrong[h] == 0:
            at[sifted.rank[h] + 1] += 1
    for point in range(LANES):
        sifted.hours_at[point] = 0
        for rank in range(point * LEVELS, (point + 1) * LEVELS):
            sifted.hours_at[point] += at[rank + 1]
            at[rank + 1] = at[rank] + (at[rank + 1] if place[point] >= 0 else 0)
    order, first = np.empty(at[LANES * LEVELS], np.int64), at[::LEVELS].copy()
    for h in range(hours):
        rank = sifted.rank[h]
        if sifted.wrong[h] == 0 and place[rank // LEVELS] >= 0:
            order[at[rank]] = h
            at[rank] += 1
    count, cuts = 0, np.empty((3, len(order) // size + LANES), np.int64)
    for k in range(LANES):
        for begin in range(first[k], first[k + 1], size):
            cuts[0, count], cuts[1, count], cuts[2, count] = place[k], begin, min(begin + size, first[k + 1])
            count += 1
    return Tasks(order, cuts[0, :count], cuts[1, :count], cuts[2, :count])
