"""A small linear programme, solved exactly by the bounded dual simplex method with rows added on demand; compiled.

    minimise Σ price · x    with    0 ≤ x ≤ high    and    low ≤ Σ coefficient · x ≤ high for each row

Everything is held as one table: each basic variable is a row, written in the nonbasic ones, which rest at one of
their bounds. A row's own activity is a variable too (its logical), so rows have no right-hand side. A row that is
violated gives up its place: it goes to its bound, and the nonbasic variables that help are taken in the order of
reduced price per help; those that cannot close the gap alone are flipped to their other bound (the long-step ratio
test), the one that closes it enters. The reduced prices keep their signs, so rows may be added to a solved
programme, and it goes on from there.

Source: Koberstein 2005, The dual simplex method, techniques for a fast and stable implementation (Paderborn),
sections 3.2 and 6.2; Maros 2003, Computational Techniques of the Simplex Method, chapter 10.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sim.reliability.kernels_lean import entry, kernel

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]

SOLVED, NO_SOLUTION, TOO_LONG = range(3)

FEASIBLE_MW = 1e-7
"""A row may be missed by this."""

PIVOT = 1e-9
"""A coefficient below this is no help."""

MOST_STEPS = 1000


class Programme(NamedTuple):
    """A programme of ``columns`` variables and up to ``rows`` rows; variable columns + i is the logical of row i.

    ``standing`` is the nonbasic variable in each column, ``value`` its value, ``reduced`` its reduced price;
    ``basic`` the basic variable of each row, ``level`` its value; ``low`` and ``high`` bound all variables.
    """

    table: _Floats
    standing: _Ints
    value: _Floats
    reduced: _Floats
    basic: _Ints
    level: _Floats
    low: _Floats
    high: _Floats


def new_programme(rows: int, columns: int) -> Programme:
    """Return memory for a programme."""
    return Programme(
        np.zeros((rows, columns)),
        np.zeros(columns, np.int64),
        np.zeros(columns),
        np.zeros(columns),
        np.zeros(rows, np.int64),
        np.zeros(rows),
        np.zeros(columns + rows),
        np.zeros(columns + rows),
    )


@entry
def begin(p: Programme, price: _Floats, high: _Floats) -> None:
    """Start with no rows: every variable rests at the bound that its price prefers."""
    for j in range(len(price)):
        p.standing[j] = j
        p.low[j], p.high[j] = 0.0, high[j]
        p.reduced[j] = price[j]
        p.value[j] = high[j] if price[j] < 0.0 else 0.0


@kernel
def _add(target: _Floats, factor: float, row: _Floats) -> None:
    """Add a multiple of a row to another one."""
    for j in range(len(row)):
        target[j] += factor * row[j]


@entry
def add_row(p: Programme, rows: int, coefficient: _Floats, low: float, high: float) -> int:
    """Add a row to the first ``rows``, written in what is nonbasic now; return the new number of rows."""
    columns = p.table.shape[1]
    row = p.table[rows]
    for j in range(columns):
        row[j] = coefficient[p.standing[j]] if p.standing[j] < columns else 0.0
    for i in range(rows):
        if p.basic[i] < columns and coefficient[p.basic[i]] != 0.0:
            _add(row, coefficient[p.basic[i]], p.table[i])
    p.basic[rows] = columns + rows
    p.low[columns + rows], p.high[columns + rows] = low, high
    return rows + 1


@kernel
def _set_levels(p: Programme, rows: int) -> None:
    for i in range(rows):
        p.level[i] = np.dot(p.table[i], p.value)


@kernel
def _worst(p: Programme, rows: int) -> tuple[int, float]:
    """Return the row that is missed by most and by how much (above 0: too low); row −1 when none is."""
    worst, gap = -1, 0.0
    for i in range(rows):
        over = p.level[i] - p.high[p.basic[i]]
        under = p.low[p.basic[i]] - p.level[i]
        if over > max(FEASIBLE_MW, abs(gap)):
            worst, gap = i, -over
        elif under > max(FEASIBLE_MW, abs(gap)):
            worst, gap = i, under
    return worst, gap


@kernel
def _ratios(p: Programme, row: _Floats, sign: float, ratio: _Floats) -> int:
    """Fill in the reduced price per help of each column, endless for no help; return how many help."""
    helpers = 0
    for j in range(len(ratio)):
        who = p.standing[j]
        ratio[j] = np.inf
        if p.high[who] > p.low[who]:
            help_mw = sign * row[j] if p.value[j] == p.low[who] else -sign * row[j]
            if help_mw > PIVOT:
                ratio[j] = abs(p.reduced[j]) / help_mw
                helpers += 1
    return helpers


@kernel
def _entering(p: Programme, row: _Floats, gap: float, ratio: _Floats) -> int:
    """Flip the columns that cannot close the gap alone, in their order; return the one that does, −1 for none."""
    helpers, left = _ratios(p, row, 1.0 if gap > 0.0 else -1.0, ratio), abs(gap)
    for _ in range(helpers):
        j = int(np.argmin(ratio))
        who = p.standing[j]
        left -= abs(row[j]) * (p.high[who] - p.low[who])
        if left <= FEASIBLE_MW:
            return j
        p.value[j] = p.high[who] if p.value[j] == p.low[who] else p.low[who]
        ratio[j] = np.inf
    return -1


@kernel
def _exchange(p: Programme, rows: int, i: int, j: int) -> None:
    """Let the variable of column j become basic in row i, whose variable takes the column."""
    row = p.table[i]
    inverse = 1.0 / row[j]
    for column in range(len(row)):
        row[column] *= -inverse
    row[j] = inverse
    for other in range(rows):
        factor = p.table[other, j]
        if other != i and factor != 0.0:
            p.table[other, j] = 0.0
            _add(p.table[other], factor, row)
    factor = p.reduced[j]
    p.reduced[j] = 0.0
    _add(p.reduced, factor, row)
    p.basic[i], p.standing[j] = p.standing[j], p.basic[i]


@entry
def solve(p: Programme, rows: int, ratio: _Floats) -> int:
    """Solve from where the programme stands, ``ratio`` [columns] is scratch; return SOLVED or what went wrong."""
    for _ in range(MOST_STEPS):
        _set_levels(p, rows)
        i, gap = _worst(p, rows)
        if i < 0:
            return SOLVED
        j = _entering(p, p.table[i], gap, ratio)
        if j < 0:
            return NO_SOLUTION
        p.value[j] = p.low[p.basic[i]] if gap > 0.0 else p.high[p.basic[i]]
        _exchange(p, rows, i, j)
    return TOO_LONG


@entry
def read(p: Programme, rows: int, x: _Floats) -> None:
    """Fill in the values of the variables [columns]."""
    for j in range(len(x)):
        if p.standing[j] < len(x):
            x[p.standing[j]] = p.value[j]
    for i in range(rows):
        if p.basic[i] < len(x):
            x[p.basic[i]] = p.level[i]
