"""Buses through which power only passes: eliminated once for all hours, and their voltages recovered.

Where nothing feeds in or draws, Kirchhoff's law is linear in the voltages: Σ_j Y_tj·V_j = 0. Such a bus is
eliminated from the admittance matrix before anything is solved (star-mesh transformation; Kron, Tensor Analysis of
Networks, 1939), exactly: Y_ij becomes Y_ij − Y_it·Y_tj / Y_tt, and V_t = −Σ_j Y_tj·V_j / Y_tt. The iterations see
fewer buses.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from grid.kernels import Index
from grid.model import Complexes, GridModel
from scenarios.records import Bools, Floats, Ints

Rows = dict[int, dict[int, complex]]

MOST_NEIGHBOURS = 3
"""A star of three branches becomes a mesh of three; one of more becomes a larger mesh."""

LEAST_PIVOT = 1e-6
"""A bus whose own admittance is below this share of its others' (series resonance) is not eliminated."""


class Transit(NamedTuple):
    """How the voltages of eliminated buses follow from others, in the order in which they are to be recovered.

    Bus ``k`` has the terms from ``ptr[k]`` to ``ptr[k + 1]``: (g + jb) times the voltage at ``row``, where the rows
    that are solved for come first, and after them the eliminated buses themselves.
    """

    bus: Ints
    ptr: Index
    row: Index
    g: Floats
    b: Floats


def admittance_rows(model: GridModel, live: Bools) -> Rows:
    """Return the rows of the admittance matrix of live buses; the diagonal and every branch have their places."""
    rows: Rows = {bus: {bus: complex(model.y_shunt_pu[bus])} for bus in np.flatnonzero(live).tolist()}
    ends = (model.from_bus.tolist(), model.to_bus.tolist())
    ports = (model.y_ff_pu, model.y_ft_pu, model.y_tf_pu, model.y_tt_pu)
    for f, t, y_ff, y_ft, y_tf, y_tt in zip(*ends, *(port.tolist() for port in ports), strict=True):
        for row, column, value in ((f, f, y_ff), (f, t, y_ft), (t, f, y_tf), (t, t, y_tt)):
            if live[row] and live[column]:
                rows[row][column] = rows[row].get(column, 0j) + value
    return rows


class WeakPivot(ArithmeticError):
    """A bus cannot be eliminated: its own admittance is next to nothing beside its others' (series resonance)."""


def eliminate_passing(rows: Rows, free: Iterable[int]) -> Rows:
    """Eliminate those of the ``free`` buses that are worth it, the fewest neighbours first; as ``eliminate``."""
    left = set(free)
    follows: Rows = {}
    while left:
        bus = min(left, key=lambda each: (len(rows[each]), each))
        if len(rows[bus]) - 1 > MOST_NEIGHBOURS:
            break
        left.remove(bus)
        if _has_pivot(rows[bus], bus):
            follows |= eliminate(rows, [bus])
    return follows


def _has_pivot(row: dict[int, complex], bus: int) -> bool:
    return abs(row[bus]) > LEAST_PIVOT * sum(abs(value) for value in row.values())


def eliminate(rows: Rows, order: Iterable[int]) -> Rows:
    """Eliminate buses from ``rows``, which are changed; return how the voltage of each follows from others.

    Raises ``WeakPivot`` at a bus that cannot be eliminated.
    """
    follows: Rows = {}
    for bus in order:
        row = rows.pop(bus)
        if not _has_pivot(row, bus):
            raise WeakPivot
        pivot = row.pop(bus)
        follows[bus] = {other: -value / pivot for other, value in row.items()}
        for other in row:
            factor = rows[other].pop(bus)
            for column, share in follows[bus].items():
                rows[other][column] = rows[other].get(column, 0j) + factor * share
    return follows


def transit_of(follows: Rows, row_of: Ints, solved: int) -> Transit:
    """Return the recovery of eliminated buses; ``row_of`` tells the rows of the ``solved`` ones."""
    order = list(reversed(follows))
    place = {bus: solved + k for k, bus in enumerate(order)}
    terms = [
        (place.get(other, int(row_of[other])), value) for bus in order for other, value in follows[bus].items()
    ]
    values = np.array([value for _, value in terms], dtype=complex)
    return Transit(
        bus=np.array(order, dtype=np.int64),
        ptr=np.cumsum([0, *(len(follows[bus]) for bus in order)]).astype(np.uint32),
        row=np.array([row for row, _ in terms], dtype=np.uint32),
        g=values.real.copy(),
        b=values.imag.copy(),
    )


def recover(transit: Transit, bus: Ints, v_pu: Complexes, hours: Ints) -> None:
    """Fill in the voltages [hours × buses] of eliminated buses; ``bus`` lists those that were solved for."""
    of_row = np.concatenate([bus, transit.bus])
    for k, eliminated in enumerate(transit.bus.tolist()):
        terms = slice(int(transit.ptr[k]), int(transit.ptr[k + 1]))
        factors = transit.g[terms] + 1j * transit.b[terms]
        v_pu[hours, eliminated] = v_pu[np.ix_(hours, of_row[transit.row[terms]])] @ factors
