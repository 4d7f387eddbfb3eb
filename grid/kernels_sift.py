"""Injections of all hours → the base point that is nearest to each, and hours whose controls cannot be used.

The distance to a point c is smallest where weight·p − half square is largest (``grid.sensitivities.nearness``).
``LANES`` base points are tried side by side. What else may be wrong with an hour is found where it is read
(``block.judge_block``, ``block.not_finite``).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from grid.kernels import allocating, entry, inlined, kernel
from grid.kernels_year import BAD_Q_MAX, BAD_Q_MIN, BAD_V_SET, Given
from grid.simd import LANES, count_up, fma, load, load_pair, load_spread, place_of_largest, spread64, store, sub

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

SIDE, HALF = 4, LANES // 2
"""Hours that are measured side by side, twice as many where all points fit into ``HALF`` of the lanes."""


class Points(NamedTuple):
    """What weighs the power of an hour for each base point [buses × LANES], and half squares [LANES] (∞: no point).

    Points that fit into half of the lanes are there twice (``paired``): two hours are measured at once, of which
    one looks at the lower and the other at the upper half: half squares [2 × LANES], each with ∞ in the other half.
    """

    weight: Floats
    half_square: Floats
    paired: bool


def new_points(weight: Floats, half_square: Floats) -> Points:
    """Return points, at most ``LANES``, from their weights [buses × points] and half squares [points]."""
    buses, count = weight.shape
    paired = count <= HALF
    firsts = (0, HALF) if paired else (0,)
    weights, halves = np.zeros((buses, LANES)), np.full((len(firsts), LANES), np.inf)
    for row, first in zip(halves, firsts, strict=True):
        weights[:, first : first + count], row[first : first + count] = weight, half_square
    return Points(weights.reshape(-1), halves.reshape(-1), paired)


class Sifted(NamedTuple):
    """Of each hour: what is wrong with its controls (bits of ``kernels_year``), and its nearest base point.

    ``hours_at`` [LANES] is how many hours that can be tried each point has, once ``portioned`` has counted them.
    """

    wrong: npt.NDArray[np.uint8]
    point: npt.NDArray[np.int16]
    hours_at: Ints


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
def _measure(p_mw: Floats, hours: Ints, points: Points, near: Floats) -> None:
    """Set ``near`` [SIDE × LANES]: how near SIDE hours are to all points, which are so read once."""
    buses, half = p_mw.shape[1], load(points.half_square, 0)
    a, b, c, d = spread64(0.0), spread64(0.0), spread64(0.0), spread64(0.0)
    at, bt, ct, dt = hours[0] * buses, hours[1] * buses, hours[2] * buses, hours[3] * buses
    for i in range(buses):
        point = load(points.weight, i * LANES)
        a, b = fma(load_spread(p_mw, at + i), point, a), fma(load_spread(p_mw, bt + i), point, b)
        c, d = fma(load_spread(p_mw, ct + i), point, c), fma(load_spread(p_mw, dt + i), point, d)
    store(near, 0, sub(a, half))
    store(near, LANES, sub(b, half))
    store(near, 2 * LANES, sub(c, half))
    store(near, 3 * LANES, sub(d, half))


@kernel
def _measure_pairs(p_mw: Floats, hours: Ints, points: Points, near: Floats) -> None:
    """Set ``near`` [2 · SIDE × LANES]: how near as many hours are to all points, which are there twice."""
    buses = p_mw.shape[1]
    a, b, c, d = spread64(0.0), spread64(0.0), spread64(0.0), spread64(0.0)
    for i in range(buses):
        point = load(points.weight, i * LANES)
        a = fma(load_pair(p_mw, hours[0] * buses + i, hours[1] * buses + i), point, a)
        b = fma(load_pair(p_mw, hours[2] * buses + i, hours[3] * buses + i), point, b)
        c = fma(load_pair(p_mw, hours[4] * buses + i, hours[5] * buses + i), point, c)
        d = fma(load_pair(p_mw, hours[6] * buses + i, hours[7] * buses + i), point, d)
    for half in range(2):
        other = load(points.half_square, half * LANES)
        store(near, half * LANES, sub(a, other))
        store(near, (half + 2) * LANES, sub(b, other))
        store(near, (half + 4) * LANES, sub(c, other))
        store(near, (half + 6) * LANES, sub(d, other))


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
    near, hours = np.empty(2 * SIDE * LANES), np.zeros(2 * SIDE, np.int64)
    many, lanes = (2 * SIDE, HALF) if points.paired else (SIDE, LANES)
    same = max(len(given.v_set), len(given.q_min), len(given.q_max)) == 1
    always = _judge_controls(given, 0) if same else 0
    while True:
        begin = SIFTED_HOURS * count_up(counts, TAKEN, 1)
        if begin >= len(asked):
            return
        last = min(begin + SIFTED_HOURS, len(asked)) - 1
        for first in range(begin, last + 1, many):
            for side in range(many):
                hours[side] = asked[min(first + side, last)]
            if points.paired:
                _measure_pairs(given.p_mw, hours, points, near)
            else:
                _measure(given.p_mw, hours, points, near)
            for side in range(many):
                h = hours[side]
                sifted.wrong[h] = always if same else _judge_controls(given, h)
                sifted.point[h] = place_of_largest(load(near, side * LANES)) % lanes
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
    """Put the hours that can be tried into order by base point, and cut those of each into portions of ``size``.

    Hours are left out whose base point has no ``place`` [LANES] among those that have been worked out (−1).
    """
    hours, first = len(sifted.wrong), np.zeros(LANES + 2, np.int64)
    for h in range(hours):
        if sifted.wrong[h] == 0:
            first[sifted.point[h] + 2] += 1
    for k in range(LANES):
        sifted.hours_at[k] = first[k + 2]
        if place[k] < 0:
            first[k + 2] = 0
        first[k + 2] += first[k + 1]
    order = np.empty(first[LANES + 1], np.int64)
    for h in range(hours):
        k = sifted.point[h]
        if sifted.wrong[h] == 0 and place[k] >= 0:
            order[first[k + 1]] = h
            first[k + 1] += 1
    count, cuts = 0, np.empty((3, len(order) // size + LANES), np.int64)
    for k in range(LANES):
        for begin in range(first[k], first[k + 1], size):
            cuts[0, count], cuts[1, count], cuts[2, count] = place[k], begin, min(begin + size, first[k + 1])
            count += 1
    return Tasks(order, cuts[0, :count], cuts[1, :count], cuts[2, :count])
