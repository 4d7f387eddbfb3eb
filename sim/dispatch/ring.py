"""The programme of windows that overlap, with its blocks in a ring: what was solved of a block stays where it is.

A window of several blocks (kept parts of windows, whole days) has all but one in common with the window before. In
a ring, the block that is left behind takes in the one that is new; the others keep their columns, rows and basis.
Contents of storages go from a block to the next by columns of their own, one for each block and storage:

    first step   level − keep · handed − step_h · (η_c · charge − discharge / η_d) = 0
    link         handed − level at the end of the block before                     = 0

For the block that comes first in time, *handed* is 0 (the state before stands on the right-hand side, as ever) and
the link is loose. Bounds and right-hand sides say which block that is. Nothing else may go on from block to block.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from scenarios.records import Floats, Ints
from sim.dispatch.programme import Merging
from sim.dispatch.window import WindowModel


class RingModel(WindowModel):
    """The programme for all windows of one day pattern, which begin a block after one another."""

    def __init__(self, merging: Merging, day: Ints, blocks: int) -> None:
        """Build the programme; ``day`` [steps] counts the calendar days from the window's first."""
        self._blocks, self._size = blocks, len(day) // blocks
        super().__init__(merging, day)
        self._orders = [self._order(first, int(day[-1]) + 1) for first in range(blocks)]
        plan, storages = merging.plan, merging.at["level"]
        group = merging.groups.of[plan.at["level"]] - storages.start
        self._energy_mwh = np.bincount(group, plan.case.storage_energy_mwh, len(merging.storages))
        self._origin: int | None = None
        self._first = 0

    def turn_to(self, begin: int) -> None:
        """Let the window begin at a step of the axis."""
        self._origin = begin if self._origin is None else self._origin
        self._first = (begin - self._origin) // self._size % self._blocks

    @property
    def cell_places(self) -> Ints:
        """Steps from the window's first at which the cells are."""
        return (self._places - self._first * self._size) % self._shape[0]

    def optimum(self, lower: Floats, upper: Floats, right: tuple[Floats, Floats]) -> Floats:
        """Return the optimal values [steps × merged]; raises ``InvariantError`` when there is no optimum."""
        first = (np.arange(self._blocks) == self._first)[:, None]
        handed, loose = (np.where(which, self._energy_mwh, 0.0).ravel() for which in (~first, first))
        least = np.concatenate([self._turned(lower).ravel(), np.zeros_like(handed)])
        most = np.concatenate([self._turned(upper).ravel(), handed])
        order = self._orders[self._first]
        count = len(order)
        low = np.concatenate([right[0][order], -loose, right[0][count:]])
        high = np.concatenate([right[1][order], loose, right[1][count:]])
        return self._in_time(self._best(least, most, (low, high)))

    def prices(self) -> Floats:
        """Return what one more MWh of load costs at the last optimum, CNY/MWh [steps]."""
        return self._in_time(super().prices())

    def worth_mw(self, kinds: Sequence[str]) -> Floats:
        """Return what a MW of each column of some kinds would save, CNY [steps × columns], by the last duals."""
        return self._in_time(super().worth_mw(kinds))

    def _standing(self, places: Ints) -> Ints:
        return (places + self._first * self._size) % self._shape[0]

    def _turned(self, values: Floats) -> Floats:
        """Return values in order of time [steps × …] as they stand in the ring."""
        return _rolled(values, self._first * self._size)

    def _in_time(self, values: Floats) -> Floats:
        return _rolled(values, -self._first * self._size)

    def _matrix(self, day: Ints) -> sparse.csr_matrix:
        """Return the fixed rows with those of the seams: columns handed over, links after all other rows."""
        fixed, levels = super()._matrix(day), self._merging.at["level"]
        count = levels.stop - levels.start
        begins, each = np.arange(self._blocks)[:, None] * self._size, np.arange(count)
        rows = (len(day) + begins * count + each).ravel()
        before = ((begins - 1) % len(day) * self._shape[1] + levels.start + each).ravel()
        seams, one = np.arange(len(rows)), np.ones(len(rows))
        passed = sparse.csr_matrix((one, (seams, before)), shape=(len(rows), fixed.shape[1]))
        kept = np.tile(self._plan.keep[self._merging.storages], self._blocks)
        at_seams = sparse.csr_matrix((kept, (rows, seams)), shape=(fixed.shape[0], len(rows)))
        inside = sparse.diags((begins + 0 * each > 0).ravel().astype(np.float64))
        uncoupled = fixed + at_seams @ inside @ passed
        uncoupled.eliminate_zeros()
        parts = [[uncoupled, -at_seams], [-passed, sparse.identity(len(rows))]]
        return sparse.csr_matrix(sparse.bmat(parts))

    def _order(self, first: int, days: int) -> Ints:
        """Return where the right-hand sides of the rows before the links are in order of time."""
        steps, merging = self._shape[0], self._merging
        sizes = ((steps, 1), (steps, len(merging.storages)), (steps, 1), (days, len(merging.spending)))
        rows, begin = [], 0
        for length, width in sizes:
            place = begin + np.arange(length * width).reshape(length, width)
            rows.append(np.roll(place, first * length // self._blocks, axis=0).ravel())
            begin += length * width
        return np.concatenate([*rows, begin + np.arange(len(merging.yearly))])


def _rolled(values: Floats, places: int) -> Floats:
    """Return values [steps × …] rolled along the steps (``np.roll`` without its general case)."""
    return np.concatenate([values[-places:], values[:-places]]) if places else values
