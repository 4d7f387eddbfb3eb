"""The same copper-plate model as an exact rolling linear programme (HiGHS through scipy), for comparison only.

Written from the symbols in ``docs/explanation/dispatch.md`` and not from the solver: plant by plant and storage by
storage, nothing is grouped and there is no stack. Commitment is given.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_array

from sim.dispatch.commitment import Commitment, start_cost_cny
from sim.dispatch.model import START_CONTENT, DispatchCase


@dataclass
class Programme:
    """Columns and rows of one window."""

    cost: list[float] = field(default_factory=list)
    bounds: list[tuple[float | None, float | None]] = field(default_factory=list)
    equal: list[tuple[dict[int, float], float]] = field(default_factory=list)
    most: list[tuple[dict[int, float], float]] = field(default_factory=list)

    def column(self, cost: float, high: float | None, low: float | None = 0.0) -> int:
        self.cost.append(cost)
        self.bounds.append((low, high))
        return len(self.cost) - 1

    def solve(self) -> np.ndarray:
        matrices = {}
        for name, rows in (("eq", self.equal), ("ub", self.most)):
            if rows:
                at = [(i, j, v) for i, (row, _) in enumerate(rows) for j, v in row.items()]
                i, j, v = zip(*at, strict=True) if at else ((), (), ())
                matrices[f"A_{name}"] = coo_array((v, (i, j)), shape=(len(rows), len(self.cost)))
                matrices[f"b_{name}"] = [right for _, right in rows]
        answer = linprog(self.cost, bounds=self.bounds, method="highs", **matrices)
        assert answer.status == 0, answer.message
        return np.asarray(answer.x)


def lp_cost_cny(case: DispatchCase, commitment: Commitment) -> float:
    """Return the cost of the rolling optimum: the sum over the kept parts of all windows, and the starts."""
    dt, steps = case.time.step_h, len(case.time)
    kept = max(round(case.step_window_h / dt), 1)
    look = max(round(case.look_ahead_h / dt), kept)
    stored = START_CONTENT * case.storage_energy_mwh
    owed, used = 0.0, np.zeros_like(case.hydro_budget_mwh)
    total = start_cost_cny(case, commitment)
    for begin in range(0, steps, kept):
        end = min(begin + look, steps)
        window = _Window(case, commitment, begin, end, stored, owed, used)
        x = window.programme.solve()
        stop = end if end == steps else begin + kept
        total += window.cost_until(x, stop)
        stored, owed = window.state_at(x, stop)
        used = used + window.released(x, stop)
        if end == steps:
            break
    return total


class _Window:
    def __init__(self, case, commitment, begin, end, stored, owed, used):
        self.case, self.on, self.begin, self.end = case, commitment.units_on, begin, end
        self.programme = Programme()
        self.fixed = np.zeros(end - begin)
        self.of_step: list[list[int]] = []
        self.levels: list[list[int]] = []
        self.owed: list[int] = []
        self.water: list[list[int]] = []
        for step in range(begin, end):
            self._add_step(step, stored, owed)
        self._add_budgets(used)

    def _add_step(self, step, stored, owed):
        case, dt, new = self.case, self.case.time.step_h, self.programme.column
        first = len(self.programme.cost)
        balance: dict[int, float] = {}
        capacity = self.on[step] * case.coal_unit_mw
        for plant, cost in enumerate(case.coal_cost):
            low = capacity[plant] * case.coal_minimum_pu[plant]
            balance[new((cost - case.price_below_minimum) * dt, low)] = 1.0
            balance[new(cost * dt, capacity[plant] - low)] = 1.0
            self.fixed[step - self.begin] += low * case.price_below_minimum * dt
        for available in case.available_mw[step]:
            balance[new(-case.price_curtailed * dt, available)] = 1.0
            self.fixed[step - self.begin] += available * case.price_curtailed * dt
        for channel in range(len(case.channels)):
            contract, low = case.export_mw[step, channel], case.export_low_mw[step, channel]
            balance[new(case.price_export_up * dt, case.export_high_mw[step, channel] - contract)] = -1.0
            balance[new(case.price_export_down * dt, contract - low)] = 1.0
            balance[new(case.price_export_cut * dt, low)] = 1.0
        total = case.load_mw[step].sum()
        balance[new(case.price_shed * dt, case.shed_limit_mw[step])] = 1.0
        balance[new(case.price_unserved * dt, total - case.shed_limit_mw[step])] = 1.0
        balance[new(case.price_loss_relief * dt, case.loss_mw[step])] = 1.0
        self._add_stores(step, stored, balance)
        self._add_shift(step, owed, balance)
        self._add_water(step, balance)
        asked = total + case.loss_mw[step] + case.export_mw[step].sum()
        self.programme.equal.append((balance, asked))
        self.of_step.append(list(range(first, len(self.programme.cost))))

    def _add_stores(self, step, stored, balance):
        case, dt, new = self.case, self.case.time.step_h, self.programme.column
        now = []
        for k, power in enumerate(case.storage_power_mw):
            charge, discharge = new(case.price_storage * dt, power), new(case.price_storage * dt, power)
            level = new(0.0, case.storage_energy_mwh[k])
            keep = (1.0 - case.storage_self_discharge_per_h[k]) ** dt
            row = {
                level: 1.0,
                charge: -case.storage_charge_efficiency[k] * dt,
                discharge: dt / case.storage_discharge_efficiency[k],
            }
            if self.levels:
                row[self.levels[-1][k]] = -keep
            self.programme.equal.append((row, 0.0 if self.levels else keep * stored[k]))
            balance |= {charge: -1.0, discharge: 1.0}
            now.append(level)
        self.levels.append(now)

    def _add_shift(self, step, owed, balance):
        case, dt, new = self.case, self.case.time.step_h, self.programme.column
        up = new(case.price_shift * dt, case.shift_limit_mw[step])
        down = new(case.price_shift * dt, case.shift_limit_mw[step])
        day = case.time.day
        settled = step == self.end - 1 or day[step + 1] != day[step]
        most = 0.0 if settled else case.shift_energy_mwh
        level = new(0.0, most, -most)
        row = {level: 1.0, up: -dt, down: dt}
        if self.owed:
            row[self.owed[-1]] = -1.0
        self.programme.equal.append((row, 0.0 if self.owed else owed))
        balance |= {up: -1.0, down: 1.0}
        self.owed.append(level)

    def _add_water(self, step, balance):
        case, dt, new = self.case, self.case.time.step_h, self.programme.column
        day, now = case.time.day[step], []
        for k, capacity in enumerate(case.hydro_capacity_mw):
            low = case.hydro_minimum_mw[day, k]
            balance[new(-case.price_hydro_minimum * dt, low)] = 1.0
            self.fixed[step - self.begin] += low * case.price_hydro_minimum * dt
            free = new(-case.price_spilled * dt, capacity - low)
            mean = case.hydro_budget_mwh[day, k] / case.day_hours[day] - low
            self.fixed[step - self.begin] += mean * case.price_spilled * dt
            balance[free] = 1.0
            now.append(free)
        self.water.append(now)

    def _add_budgets(self, used):
        """Budget of the part of a day that the window sees, less what earlier windows released in that day."""
        case, dt = self.case, self.case.time.step_h
        days = case.time.day[: self.end]
        for day in np.unique(days[self.begin :]):
            steps = [step for step in range(self.begin, self.end) if days[step] == day]
            seen_h = (days == day).sum() * dt
            for k in range(len(case.hydros)):
                mean = case.hydro_budget_mwh[day, k] / case.day_hours[day] - case.hydro_minimum_mw[day, k]
                row = {self.water[step - self.begin][k]: dt for step in steps}
                self.programme.most.append((row, mean * seen_h - used[day, k]))

    def cost_until(self, x, stop):
        count = stop - self.begin
        columns = [column for step in self.of_step[:count] for column in step]
        return float(np.array(self.programme.cost)[columns] @ x[columns] + self.fixed[:count].sum())

    def state_at(self, x, stop):
        last = stop - self.begin - 1
        return np.array([x[column] for column in self.levels[last]]), float(x[self.owed[last]])

    def released(self, x, stop):
        out = np.zeros_like(self.case.hydro_budget_mwh)
        for step in range(self.begin, stop):
            for k, column in enumerate(self.water[step - self.begin]):
                out[self.case.time.day[step], k] += x[column] * self.case.time.step_h
        return out
