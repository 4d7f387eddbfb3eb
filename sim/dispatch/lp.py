"""The ``lp`` solver: case → result by an exact rolling linear programme in HiGHS, the twin of ``fast``.

The windows, the running units and all prices are those of ``fast``. The programme of a window is built once; from
window to window only bounds and right-hand sides change, and the last basis is kept (dual simplex, no presolve).
A network row joins the programme, for the hours of the window in which a solution violates it, and stays.
This module owns highspy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
from scipy import sparse

from scenarios.errors import InvariantError
from scenarios.records import Floats, Ints, axes, record
from sim.dispatch.commitment import Commitment, commit
from sim.dispatch.limits import NetworkLimits, no_limits, overload_mw
from sim.dispatch.model import START_CONTENT, DispatchCase, DispatchResult
from sim.dispatch.programme import Merging, Programme, price_overload, programme
from sim.dispatch.sharing import shared
from sim.dispatch.unfold import unfold

FLOW_TOLERANCE_MW = 1e-6
"""A row counts as violated above this; rows in the programme keep to HiGHS's own 1e-7."""

BOTH_WAYS_MW = 1e-6
"""A storage that charges and discharges more than this in one step burns energy, and is told one direction."""

MOST_ROUNDS = 100
"""Solutions of one window (rows added, directions fixed) before something must be wrong."""

INFINITY = highspy.kHighsInf

Cell = tuple[int, int]
"""A row of the network at one step of the window: (row, steps from the window's first)."""


@record
class LpRun:
    """A result, and how it came about.

    ``overload_mw`` [hours × rows used] is what rows of the network exceed their limits by (all others keep to
    them); its price is not among the costs of the result. ``window_cost_cny`` is the optimum of each window,
    without constants; ``solves`` counts programmes solved, ``rows_used`` names the rows that were needed,
    ``one_way_windows`` counts windows in which storages would have burnt energy by charging and discharging at
    once, and were kept from it.
    """

    result: DispatchResult
    rows_used: tuple[str, ...]
    overload_mw: Floats = axes("hours", "rows_used")
    window_cost_cny: Floats = axes("windows")
    solves: int
    iterations: int
    one_way_windows: int


@dataclass(frozen=True, slots=True)
class Ends:
    """Contents of the storages before the first step and, if given, at least after the last one, MWh [storages]."""

    first_mwh: Floats
    last_mwh: Floats | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """Steps ``begin … end − 1`` are optimised, those before ``kept`` are kept."""

    begin: int
    kept: int
    end: int


def solve(case: DispatchCase, limits: NetworkLimits | None = None) -> DispatchResult:
    """Return who runs when; the fast rule commits units. Raises ``InvariantError`` when HiGHS finds no optimum."""
    return solve_rolling(case, limits).result


def solve_rolling(case: DispatchCase, limits: NetworkLimits | None = None) -> LpRun:
    """Return the same with the figures of the solution; overloads have a price and are reported."""
    return _walked(case, commit(case), limits, Ends(START_CONTENT * case.storage_energy_mwh), windows(case))


def solve_whole(
    case: DispatchCase, commitment: Commitment, ends: Ends, limits: NetworkLimits | None = None
) -> LpRun:
    """Return the optimum over the whole axis at once, between given contents of the storages.

    No dispatch with the same units, the same contents before and at least those after can cost less.
    """
    return _walked(case, commitment, limits, ends, (Window(0, len(case.time), len(case.time)),))


def _walked(
    case: DispatchCase,
    commitment: Commitment,
    limits: NetworkLimits | None,
    ends: Ends,
    spans: Iterable[Window],
) -> LpRun:
    walk = Walk(programme(case, commitment.units_on, limits or no_limits(case), ends.first_mwh), ends)
    for window in spans:
        walk.take(window)
    return walk.finished(commitment)


def windows(case: DispatchCase) -> Iterator[Window]:
    """Yield the rolling windows of a case; the last one keeps all its steps."""
    step_h, steps = case.time.step_h, len(case.time)
    kept = max(round(case.step_window_h / step_h), 1)
    length = max(round(case.look_ahead_h / step_h), kept)
    for begin in range(0, steps, kept):
        end = min(begin + length, steps)
        yield Window(begin, end if end == steps else begin + kept, end)
        if end == steps:
            return


class Walk:
    """The walk over the windows: what is kept of each, and the state that crosses the seams."""

    def __init__(self, plan: Programme, ends: Ends) -> None:
        """Begin before the first step, with the contents that ``ends`` says."""
        self._plan = plan
        self._level = ends.first_mwh
        self._last_level = ends.last_mwh
        self._moved = 0.0
        self._released = np.zeros_like(plan.case.hydro_budget_mwh)
        self._kept = np.zeros_like(plan.upper)
        self._prices = np.zeros(len(plan.case.time))
        self._costs: list[float] = []
        self._one_way_windows = 0
        self._effort = [0, 0]
        self._cells: list[Cell] = []
        self._merge(Merging(plan, ()))

    def take(self, window: Window) -> None:
        """Optimise a window, keep its first part and carry the state to the next one."""
        values, prices = self._optimum(window)
        steps, count = slice(window.begin, window.kept), window.kept - window.begin
        self._kept[steps] = np.clip(values[:count], self._plan.lower[steps], self._plan.upper[steps])
        self._prices[steps] = prices[:count]
        self._carry(steps)

    def finished(self, commitment: Commitment) -> LpRun:
        """Return all kept steps as a result."""
        plan = self._plan
        used = plan.limits.only([row for row in self._merging.rows if row < plan.soft_rows])
        result = unfold(plan, commitment, shared(plan, self._kept), self._prices)
        return LpRun(
            result=result,
            rows_used=used.rows,
            overload_mw=overload_mw(used, plan.case, result),
            window_cost_cny=np.array(self._costs),
            solves=self._effort[0],
            iterations=self._effort[1],
            one_way_windows=self._one_way_windows,
        )

    def _merge(self, merging: Merging) -> None:
        """Begin anew with other columns merged."""
        self._merging = merging
        self._lower, self._upper = merging.groups.total(self._plan.lower), merging.groups.total(self._plan.upper)
        self._models: dict[bytes, WindowModel] = {}

    def _need(self, cells: Iterable[Cell]) -> None:
        """Take cells into all programmes from now on; what their rows tell apart are columns of their own."""
        self._cells += cells
        rows = tuple(sorted({row for row, _ in self._cells}))
        merging = Merging(self._plan, rows)
        if np.array_equal(merging.groups.of, self._merging.groups.of):
            self._merging = merging
        else:
            self._merge(merging)

    def _optimum(self, window: Window) -> tuple[Floats, Floats]:
        """Solve a window until no row is violated; return values [steps × columns] and prices [steps]."""
        steps = slice(window.begin, window.end)
        self._base_mw = self._plan.base_mw(steps)
        for _ in range(MOST_ROUNDS):
            model = self._model(window)
            merged = self._solved(window, model)
            values = self._merging.groups.split(merged, self._plan.upper[steps])
            missing = self._violated(window, values)
            if not missing:
                self._costs.append(model.cost_cny)
                return values, model.prices()
            self._need(missing)
        raise InvariantError(f"dispatch: window from step {window.begin} is not settled after {MOST_ROUNDS} rounds")

    def _model(self, window: Window) -> WindowModel:
        """Return the programme for windows whose days begin at the same steps."""
        day = self._plan.case.time.day[window.begin : window.end]
        pattern = (day - day[0]).tobytes()
        if pattern not in self._models:
            self._models[pattern] = WindowModel(self._merging, day - day[0])
        self._models[pattern].need(self._cells)
        return self._models[pattern]

    def _solved(self, window: Window, model: WindowModel) -> Floats:
        """Return the optimum [steps × merged] in which no storage charges and discharges at once."""
        lower, upper = self._bounds(window)
        right = self._right_sides(window, model)
        for rounds in range(MOST_ROUNDS):
            values = model.optimum(lower, upper, right)
            self._effort[0] += 1
            self._effort[1] += model.iterations
            if not self._forbid_both_ways(values, upper):
                self._one_way_windows += rounds > 0
                return values
        raise InvariantError(f"dispatch: window from step {window.begin} is not settled after {MOST_ROUNDS} rounds")

    def _bounds(self, window: Window) -> tuple[Floats, Floats]:
        """Return bounds [steps × merged]: moved load is taken back within the window, storages end as asked."""
        at = self._merging.at
        lower, upper = self._lower[window.begin : window.end].copy(), self._upper[window.begin : window.end].copy()
        lower[-1, at["shift_level"]] = upper[-1, at["shift_level"]] = 0.0
        if self._last_level is not None and window.end == len(self._plan.case.time):
            lower[-1, at["level"]] = np.minimum(self._merged_level(self._last_level), upper[-1, at["level"]])
        return lower, upper

    def _merged_level(self, level_mwh: Floats) -> Floats:
        """Return contents [storages] as those of the merged ones."""
        levels = self._merging.at["level"]
        group = self._merging.groups.of[self._plan.at["level"]] - levels.start
        return np.asarray(np.bincount(group, level_mwh, levels.stop - levels.start), dtype=np.float64)

    def _right_sides(self, window: Window, model: WindowModel) -> tuple[Floats, Floats]:
        """Return lower and upper right-hand sides of all rows in the programme."""
        plan, steps = self._plan, slice(window.begin, window.end)
        stores = np.zeros((window.end - window.begin, len(self._merging.storages)))
        stores[0] = self._merged_level(plan.keep * self._level)
        moved = np.zeros(window.end - window.begin)
        moved[0] = self._moved
        water = self._water_left(window).ravel()
        fixed = (plan.asked_mw[steps], stores.ravel(), moved)
        rows, places = model.cell_rows, model.cell_places
        base = self._base_mw[places, rows]
        low, high = plan.row_low_mw[rows] - base, plan.row_high_mw[rows] - base
        return np.concatenate([*fixed, np.full(len(water), -INFINITY), low]), np.concatenate([*fixed, water, high])

    def _water_left(self, window: Window) -> Floats:
        """Return what each plant may still release above its must-run on the days of the window [days × hydros].

        A day that the window cuts short has its share by hours: what comes later is not for now.
        """
        case = self._plan.case
        day = case.time.day[: window.end]
        first, last = int(day[window.begin]), int(day[-1])
        days = slice(first, last + 1)
        hours = np.bincount(day, minlength=last + 1)[days] * case.time.step_h
        return np.asarray(np.maximum(self._plan.water_mean_mw[days] * hours[:, None] - self._released[days], 0.0))

    def _violated(self, window: Window, values: Floats) -> list[Cell]:
        """Return the cells that are violated, with those that the same steps will have in windows to come."""
        plan = self._plan
        flow = plan.pushed_mw(values) + self._base_mw
        over = (flow > plan.row_high_mw + FLOW_TOLERANCE_MW) | (flow < plan.row_low_mw - FLOW_TOLERANCE_MW)
        known, stride = set(self._cells), window.kept - window.begin
        found = {(int(row), int(place)) for place, row in np.argwhere(over)} - known
        again = {(row, near) for row, place in found for near in range(place % stride, len(flow), stride)}
        return sorted(again - known)

    def _forbid_both_ways(self, values: Floats, upper: Floats) -> bool:
        """Keep storages to the larger direction where they have both at once; return whether there was any."""
        at = self._merging.at
        charge, discharge = values[:, at["charge"]], values[:, at["discharge"]]
        both = np.minimum(charge, discharge) > BOTH_WAYS_MW
        upper[:, at["discharge"]][both & (charge >= discharge)] = 0.0
        upper[:, at["charge"]][both & (charge < discharge)] = 0.0
        return bool(both.any())

    def _carry(self, steps: slice) -> None:
        case, at, last = self._plan.case, self._plan.at, steps.stop - 1
        self._level = self._kept[last, at["level"]]
        self._moved = float(self._kept[last, at["shift_level"]][0])
        np.add.at(self._released, case.time.day[steps], self._kept[steps, at["water"]] * case.time.step_h)


class WindowModel:
    """The programme of a window in HiGHS, for all windows of one day pattern; it keeps its basis."""

    def __init__(self, merging: Merging, day: Ints) -> None:
        """Build the programme; ``day`` [steps] counts the calendar days from the window's first."""
        self._plan, self._merging = merging.plan, merging
        self._shape = (len(day), len(merging.price))
        # All bounds are 0 when the programme is passed.
        self._lower, self._upper = np.zeros((2, len(day) * len(merging.price)))
        matrix = merging.window_matrix(day)
        self._fixed_rows = matrix.shape[0]
        self._seen = 0
        self._highs = _quiet_highs()
        self._highs.passModel(_linear_programme(matrix, np.tile(merging.price, len(day)) * self._step_h))
        self.cell_rows: list[int] = []
        self.cell_places: list[int] = []

    def need(self, cells: Sequence[Cell]) -> None:
        """Take cells into the programme that are not yet in it; those beyond the window's end are not for it."""
        for row, place in cells[self._seen :]:
            if place < self._shape[0]:
                self._add(row, place)
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
        if highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            raise InvariantError(f"dispatch: HiGHS says {highs.modelStatusToString(highs.getModelStatus())}")
        values = np.array(highs.getSolution().col_value)
        return values[: self._lower.size].reshape(self._shape)

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
        dual = np.array(self._highs.getSolution().row_dual)
        price = dual[: self._shape[0]].copy()
        reach = np.append(self._plan.load_reach, np.zeros(len(self._plan.row_low_mw) - self._plan.soft_rows))
        np.add.at(price, self.cell_places, dual[self._fixed_rows :] * reach[self.cell_rows])
        return np.asarray(price / self._step_h)

    def _add(self, row: int, place: int) -> None:
        """Add a row for one step of the window; a soft one with two columns for what exceeds it."""
        reach = self._plan.reach[row, self._merging.groups.first]
        index = np.flatnonzero(reach).astype(np.int32)
        value = reach[index]
        index += np.int32(place * self._shape[1])
        if row < self._plan.soft_rows:
            first = self._highs.getNumCol()
            for sign in (-1.0, 1.0):
                self._highs.addCol(price_overload(self._plan.case) * self._step_h, 0.0, INFINITY, 0, [], [])
                value = np.append(value, sign)
            index = np.append(index, np.array([first, first + 1], dtype=np.int32))
        self._highs.addRow(-INFINITY, INFINITY, len(index), index, value)
        self.cell_rows.append(row)
        self.cell_places.append(place)


def _quiet_highs() -> Any:
    """Return HiGHS set up for many small programmes, each close to the last."""
    highs: Any = highspy.Highs()  # type: ignore[no-untyped-call]
    highs.silent()
    highs.setOptionValue("threads", 1)
    highs.setOptionValue("presolve", "off")
    highs.setOptionValue("solver", "simplex")
    return highs


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
