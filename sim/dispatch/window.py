"""The programme of one window in HiGHS: built once, then told new bounds and right-hand sides, basis kept.

This module owns highspy. A row joins for single steps of the window (``Cell``) and stays; a soft one brings two
columns for what exceeds it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import highspy
import numpy as np
from scipy import sparse

from scenarios.errors import InvariantError
from scenarios.records import Bools, Floats, Ints
from sim.dispatch.programme import Merging

INFINITY = highspy.kHighsInf
OUT_OF_TIME = highspy.HighsModelStatus.kTimeLimit

Cell = tuple[int, int]
"""A row at one step of the window: (row, steps from the window's first)."""


class WindowModel:
    """The programme for all windows of one day pattern."""

    def __init__(self, merging: Merging, day: Ints) -> None:
        """Build the programme; ``day`` [steps] counts the calendar days from the window's first."""
        self._plan, self._merging = merging.plan, merging
        self._shape = (len(day), len(merging.price))
        # All bounds are 0 when the programme is passed.
        self._lower, self._upper = np.zeros((2, len(day) * len(merging.price)))
        matrix = merging.window_matrix(day)
        self._fixed_rows = matrix.shape[0]
        self._seen = 0
        self._duals: Floats | None = None
        self._accepted: tuple[highspy.HighsModelStatus, ...] = (highspy.HighsModelStatus.kOptimal,)
        self._highs = quiet_highs()
        price = np.tile(merging.price * self._step_h, (len(day), 1))
        price[-1] += merging.end_price
        self._highs.passModel(_linear_programme(matrix, price.ravel()))
        self.cell_rows, self.cell_places = np.zeros((2, 0), dtype=np.int64)

    def need(self, cells: Sequence[Cell]) -> None:
        """Take cells into the programme that are not yet in it; those beyond the window's end are not for it."""
        added = [cell for cell in cells[self._seen :] if cell[1] < self._shape[0]]
        if added:
            rows, places = np.array(added, dtype=np.int64).T
            self._add(rows, places)
            self.cell_rows = np.concatenate([self.cell_rows, rows])
            self.cell_places = np.concatenate([self.cell_places, places])
        self._seen = len(cells)

    @property
    def _step_h(self) -> float:
        return self._plan.case.time.step_h

    @property
    def cost_cny(self) -> float:
        """Cost of the last optimum, CNY, without constants."""
        return float(self._highs.getInfo().objective_function_value)

    @property
    def iterations(self) -> int:
        """Simplex iterations of the last optimum."""
        return int(self._highs.getInfo().simplex_iteration_count)

    def optimum(self, lower: Floats, upper: Floats, right: tuple[Floats, Floats]) -> Floats:
        """Return the optimal values [steps × merged]; raises ``InvariantError`` when there is no optimum."""
        highs, rows = self._highs, np.arange(len(right[0]), dtype=np.int32)
        self._set_bounds(lower.flatten(), upper.flatten())
        highs.changeRowsBounds(len(rows), rows, *right)
        highs.run()
        if highs.getModelStatus() not in self._accepted:
            # The last basis led nowhere (HiGHS says "unknown" then): from none there is a way.
            highs.clearSolver()
            highs.run()
        if highs.getModelStatus() not in self._accepted:
            raise InvariantError(f"dispatch: HiGHS says {highs.modelStatusToString(highs.getModelStatus())}")
        self._duals = None
        return self._column_values()[: self._lower.size].reshape(self._shape)

    def _column_values(self) -> Floats:
        return np.array(self._highs.getSolution().col_value)

    def _row_duals(self) -> Floats:
        """Return the duals of the last optimum; HiGHS makes a list of them each time it is asked."""
        if self._duals is None:
            self._duals = np.array(self._highs.getSolution().row_dual)
        return self._duals

    def _set_bounds(self, lower: Floats, upper: Floats) -> None:
        """Tell HiGHS the bounds that changed since the last optimum."""
        changed = np.flatnonzero((lower != self._lower) | (upper != self._upper)).astype(np.int32)
        if len(changed):
            self._highs.changeColsBounds(len(changed), changed, lower[changed], upper[changed])
        self._lower, self._upper = lower, upper

    def prices(self) -> Floats:
        """Return what one more MWh of load costs at the last optimum, CNY/MWh [steps].

        The dual of the balance is the price at the slack; with rows, load pays its share of their duals on top.
        """
        dual = self._row_duals()
        price = dual[: self._shape[0]].copy()
        reach = np.append(self._plan.load_reach, np.zeros(len(self._plan.reach) - self._plan.network_rows))
        np.add.at(price, self.cell_places, dual[self._fixed_rows :] * reach[self.cell_rows])
        return np.asarray(price / self._step_h)

    def worth_mw(self, kinds: Sequence[str]) -> Floats:
        """Return what a MW of each column of some kinds would save, CNY [steps × columns], by the last duals."""
        dual = self._row_duals()
        weight = np.zeros((self._shape[0], len(self._plan.reach)))
        np.add.at(weight, (self.cell_places, self.cell_rows), dual[self._fixed_rows :])
        columns = np.concatenate([np.arange(self._plan.at[k].start, self._plan.at[k].stop) for k in kinds])
        pays = dual[: self._shape[0], None] * self._plan.sign[columns] + weight @ self._plan.reach[:, columns]
        return np.asarray(pays - self._plan.price[columns] * self._step_h)

    def _add(self, rows: Ints, places: Ints) -> None:
        """Add rows, each for one step of the window, with the columns for what exceeds soft ones."""
        soft = np.isfinite(self._plan.row_price[rows])
        extra = np.full((len(rows), 2), -1)
        extra[soft] = self._new_columns(self._plan.row_price[rows][soft])
        entries = [self._entries(*cell) for cell in zip(rows.tolist(), places.tolist(), extra, strict=True)]
        index = np.concatenate([columns for columns, _ in entries]).astype(np.int32)
        starts = np.cumsum([0, *(len(columns) for columns, _ in entries)])[:-1].astype(np.int32)
        value = np.concatenate([values for _, values in entries])
        free = np.full(len(rows), INFINITY)
        self._highs.addRows(len(rows), -free, free, len(index), starts, index, value)

    def _entries(self, row: int, place: int, extra: Ints) -> tuple[Ints, Floats]:
        """Return columns and coefficients of a row; a coupled one takes in the step before, if the window has it.

        ``extra`` are the columns for what is above and below it (−1: it is never exceeded).
        """
        reach = self._plan.reach[row, self._merging.groups.first]
        used = np.flatnonzero(reach)
        index, value = [used + place * self._shape[1]], [reach[used]]
        if self._plan.coupled[row] and place > 0:
            index.append(used + (place - 1) * self._shape[1])
            value.append(-reach[used])
        if extra[0] >= 0:
            index.append(extra)
            value.append(np.array([-1.0, 1.0]))
        return np.concatenate(index), np.concatenate(value)

    def _new_columns(self, price: Floats) -> Ints:
        """Add the columns for what is above and below soft rows, and return where they are [rows × 2]."""
        first, count = self._highs.getNumCol(), 2 * len(price)
        nothing, empty = np.zeros(count), np.zeros(0, dtype=np.int32)
        cost, most = np.repeat(price, 2) * self._step_h, np.full(count, INFINITY)
        if count:
            self._highs.addCols(count, cost, nothing, most, 0, empty, empty, np.zeros(0))
        return np.arange(first, first + count, dtype=np.int64).reshape(-1, 2)


def quiet_highs() -> Any:
    """Return HiGHS set up for many small programmes, each close to the last."""
    highs: Any = highspy.Highs()  # type: ignore[no-untyped-call]
    highs.silent()
    highs.setOptionValue("threads", 1)
    highs.setOptionValue("presolve", "off")
    highs.setOptionValue("solver", "simplex")
    return highs


def add_columns(highs: Any, cost: Floats, whole: Bools) -> None:
    """Add columns that act on no row yet, with bounds 0; those marked ``whole`` take whole values only."""
    first, nothing, empty = highs.getNumCol(), np.zeros(len(cost)), np.zeros(0, dtype=np.int32)
    highs.addCols(len(cost), cost, nothing, nothing, 0, empty, empty, np.zeros(0))
    for column in np.flatnonzero(whole):
        highs.changeColIntegrality(first + int(column), highspy.HighsVarType.kInteger)


def _linear_programme(matrix: sparse.csr_matrix, cost: Floats) -> highspy.HighsLp:
    """Return the programme min cost · x with the given rows; all bounds are set later."""
    programme = highspy.HighsLp()
    programme.num_row_, programme.num_col_ = matrix.shape
    programme.col_cost_ = cost
    programme.col_lower_, programme.col_upper_ = np.zeros(len(cost)), np.zeros(len(cost))
    programme.row_lower_ = programme.row_upper_ = np.zeros(matrix.shape[0])
    programme.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    programme.a_matrix_.start_ = matrix.indptr
    programme.a_matrix_.index_ = matrix.indices
    programme.a_matrix_.value_ = matrix.data
    return programme
