"""Capacity outage tables in steps of 1 MW, by adding unit after unit in place; compiled.

A unit in state i loses ``lost[i]`` MW with probability ``p[i]``. Adding it: P(x) ← Σᵢ p[i] · P(x − lost[i])
(Billinton & Allan 1996, Reliability Evaluation of Power Systems, section 2.2). Going downwards, every cell reads
only cells not yet changed. The second table holds two consecutive steps at once: the frequency of shortage.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]


@njit(cache=True)
def add_unit(table: _Floats, filled: int, lost: _Ints, p: _Floats) -> None:
    """Add a unit to a table [MW lost] of which cells up to ``filled`` are in use."""
    for x in range(filled + lost.max(), -1, -1):
        total = 0.0
        for i in range(len(lost)):
            if x >= lost[i]:
                total += p[i] * table[x - lost[i]]
        table[x] = total


@njit(cache=True)
def add_unit_twice(table: _Floats, lost_now: _Ints, lost_next: _Ints, p: _Floats) -> None:
    """Add a unit to a table [MW lost now, MW lost next] by its pairs of states; what passes its end is dropped."""
    size = len(table)
    row = np.empty(size)
    for x in range(size - 1, -1, -1):
        row[:] = 0.0
        for i in range(len(p)):
            if x >= lost_now[i]:
                old, shift = table[x - lost_now[i]], lost_next[i]
                for y in range(shift, size):
                    row[y] += p[i] * old[y - shift]
        table[x] = row


@njit(cache=True)
def both_within(table: _Floats) -> None:
    """Turn probabilities of a pair of losses into those of both being at most so large, in place."""
    for x in range(len(table)):
        for y in range(1, len(table)):
            table[x, y] += table[x, y - 1]
        if x > 0:
            for y in range(len(table)):
                table[x, y] += table[x - 1, y]
