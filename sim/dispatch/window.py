"""The programme of one window in HiGHS: built once, then told new bounds and right-hand sides, basis kept.

This module owns highspy. A row joins for single steps of the window (``Cell``) and stays; a soft one brings two
columns for what exceeds it, unless it is ``hard``.
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
OPTIMAL = highspy.HighsModelStatus.kOptimal
OUT_OF_TIME = highspy.HighsModelStatus.kTimeLimit

DUALITY = 1e-8
"""What primal and dual cost of an optimum may differ by, relative to them; 10⁻¹² is usual."""

Cell = tuple[int, int]
"""A row at one step of the window: (row, steps from the window's first)."""


class NoOptimum(InvariantError):
    """HiGHS finds no optimum of a programme."""


class WindowModel:
    """The programme for all windows of one day pattern."""

    def __init__(self, merging: Merging, day: Ints) -> None:
        """Build the programme; ``day`` [steps] counts the calendar days from the window's first."""
        self._plan, self._merging = merging.plan, merging
        self._shape = (len(day), len(merging.price))
        matrix = self._matrix(day)
        self._fixed_rows = matrix.shape[0]
        # All bounds are 0 when the programme is passed.
        self._lower, self._upper = np.zeros((2, matrix.shape[1]))
        self._low, self._high = np.zeros((2, 0))
        self._seen = 0
        self.restarts = 0  # solutions that began anew from no basis
        self._duals: Floats | None = None
        self._weight: Floats | None = None
        self._highs = quiet_highs()
        price = np.tile(merging.price * self._step_h, (len(day), 1))
        price[-1] += merging.end_price
        self._highs.passModel(_linear_programme(matrix, np.append(price, np.zeros(matrix.shape[1] - price.size))))
        self.cell_rows, self._places = np.zeros((2, 0), dtype=np.int64)

    def need(self, cells: Sequence[Cell]) -> None:
        """Take cells into the programme that are not yet in it; those beyond the window's end are not for it."""
        added = [cell for cell in cells[self._seen :] if cell[1] < self._shape[0]]
        if added:
            rows, places = np.array(added, dtype=np.int64).T
            places = self._standing(places)
            self._add(rows, places)
            self.cell_rows = np.concatenate([self.cell_rows, rows])
            self._places = np.concatenate([self._places, places])
        self._seen = len(cells)

    @property
    def cell_places(self) -> Ints:
        """Steps from the window's first at which the cells are."""
        return self._places

    def _standing(self, places: Ints) -> Ints:
        """Return where steps of the window stand in the programme."""
        return places

    def _matrix(self, day: Ints) -> sparse.csr_matrix:
        """Return the fixed rows; columns that are not of a step come after the others."""
        return self._merging.window_matrix(day)

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
        return self._best(lower.flatten(), upper.flatten(), right)

    def _best(self, lower: Floats, upper: Floats, right: tuple[Floats, Floats]) -> Floats:
        """Return the optimal values [steps × merged] as the steps stand in the programme."""
        highs = self._highs
        self._set_bounds(lower, upper)
        self._set_right_sides(*right)
        highs.run()
        if not self._proven():
            # The last basis led nowhere (HiGHS says "unknown" then), or astray: from none there is a way.
            highs.clearSolver()
            highs.run()
            self.restarts += 1
            if not self._proven():
                status, error = highs.modelStatusToString(highs.getModelStatus()), self._duality_error
                raise NoOptimum(f"dispatch: HiGHS says {status}; primal and dual cost differ by {error:.1e}")
        self._duals = self._weight = None
        return self._column_values()[: self._shape[0] * self._shape[1]].reshape(self._shape)

    def _proven(self) -> bool:
        """Whether there is an optimum, and its duals prove it.

        HiGHS 1.15 was seen to call a point optimal that is not, when it began with the basis of another programme
        (ERGO-Code/HiGHS issues 3194 and 3294).
        """
        optimal = self._highs.getModelStatus() == OPTIMAL
        return bool(optimal and self._duality_error <= DUALITY)

    @property
    def _duality_error(self) -> float:
        """What primal and dual cost of the last solution differ by, relative to them."""
        return float(self._highs.getInfo().primal_dual_objective_error)

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

    def _set_right_sides(self, low: Floats, high: Floats) -> None:
        """Tell HiGHS the sides of rows that changed since the last optimum; new rows had none."""
        count = len(self._low)
        changed = np.ones(len(low), dtype=bool)
        changed[:count] = (low[:count] != self._low) | (high[:count] != self._high)
        rows = np.flatnonzero(changed).astype(np.int32)
        if len(rows):
            self._highs.changeRowsBounds(len(rows), rows, low[rows], high[rows])
        self._low, self._high = low, high

    def prices(self) -> Floats:
        """Return what one more MWh of load costs at the last optimum, CNY/MWh [steps].

        The dual of the balance is the price at the slack; with rows, load pays its share of their duals on top.
        """
        network = self._row_weight()[:, : self._plan.network_rows]
        return np.asarray((self._row_duals()[: self._shape[0]] + network @ self._plan.load_reach) / self._step_h)

    def worth_mw(self, kinds: Sequence[str]) -> Floats:
        """Return what a MW of each column of some kinds would save, CNY [steps × columns], by the last duals."""
        dual, weight = self._row_duals(), self._row_weight()
        columns = np.concatenate([np.arange(self._plan.at[k].start, self._plan.at[k].stop) for k in kinds])
        pays = dual[: self._shape[0], None] * self._plan.sign[columns] + weight @ self._plan.reach[:, columns]
        return np.asarray(pays - self._plan.price[columns] * self._step_h)

    def _row_weight(self) -> Floats:
        """Return the duals of the rows by step, 0 where a row is not in the programme [steps × rows]."""
        if self._weight is None:
            shape = (self._shape[0], len(self._plan.reach))
            self._weight = np.zeros(shape)
            self._weight[self._places, self.cell_rows] = self._row_duals()[self._fixed_rows :]
        return self._weight

    def strained(self, least_cny: float) -> bool:
        """Whether to exceed a hard row by a MW would save its price and ``least_cny``, by the last duals."""
        if not self._merging.hard:
            return False
        hard = self._hard(self.cell_rows)
        dual, price = np.abs(self._row_duals()[self._fixed_rows :]), self._plan.row_price[self.cell_rows]
        return bool((dual > price * self._step_h + least_cny)[hard].any())

    def _hard(self, rows: Ints) -> Bools:
        """Return which of some rows nothing exceeds in this programme, though they have a price."""
        return self._merging.hard & (rows < self._plan.network_rows) & np.isfinite(self._plan.row_price[rows])

    def _add(self, rows: Ints, places: Ints) -> None:
        """Add rows, each for one step of the window, with the columns for what exceeds soft ones."""
        soft = np.flatnonzero(np.isfinite(self._plan.row_price[rows]) & ~self._hard(rows))
        extra = self._new_columns(self._plan.row_price[rows[soft]])
        coupled = np.flatnonzero(self._plan.coupled[rows] & (places > 0))
        here, before = self._reached(rows, places), self._reached(rows[coupled], places[coupled] - 1)
        row = np.concatenate([here[0], coupled[before[0]], soft, soft])
        column = np.concatenate([here[1], before[1], extra[:, 0], extra[:, 1]])
        value = np.concatenate([here[2], -before[2], np.full(len(soft), -1.0), np.ones(len(soft))])
        matrix = sparse.csr_matrix((value, (row, column)), shape=(len(rows), self._highs.getNumCol()))
        free = np.full(len(rows), INFINITY)
        self._highs.addRows(len(rows), -free, free, matrix.nnz, matrix.indptr[:-1], matrix.indices, matrix.data)

    def _reached(self, rows: Ints, places: Ints) -> tuple[Ints, Ints, Floats]:
        """Return what rows reach at some places: which of the rows, columns, coefficients [entries]."""
        reach = self._plan.reach[np.ix_(rows, self._merging.groups.first)]
        number, column = np.nonzero(reach)
        return number, column + places[number] * self._shape[1], reach[number, column]

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
