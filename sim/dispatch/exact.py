"""Windows of a programme → their optima one after the other: the walk of ``lp``, and what it keeps.

A window is solved until nothing is left to do: rows that the solution violates join (for the hours in which they
are, and stay); columns at rest wake when one had better leave its bound; loads that go without come apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from scenarios.errors import InvariantError
from scenarios.records import Bools, Floats, Ints, axes, record
from sim.dispatch.columns import account_bound_mwh
from sim.dispatch.commitment import Commitment
from sim.dispatch.hint import dispatched_by_fast
from sim.dispatch.limits import overload_mw
from sim.dispatch.model import DispatchResult
from sim.dispatch.notice import told_mw
from sim.dispatch.parts import MEET_MWH
from sim.dispatch.programme import EMERGENCY_KINDS, RESTING_KINDS, Merging, Programme
from sim.dispatch.ring import RingModel
from sim.dispatch.rolling import Window, blocks_of
from sim.dispatch.sharing import shared
from sim.dispatch.state import State
from sim.dispatch.unfold import unfold
from sim.dispatch.window import INFINITY, Cell, NoOptimum, WindowModel

FLOW_TOLERANCE_MW = 1e-6
"""A row counts as violated above this; rows in the programme keep to HiGHS's own 1e-7."""

BOTH_WAYS_MW = 1e-6
"""A storage that charges and discharges more than this in one step burns energy, and is told one direction."""

FORBIDDEN = ("smaller", "charge", "discharge", "other than hinted")
"""Ways to keep storages to one direction, the cheapest of which is taken."""

WAKING_CNY = 1e-6
"""A column at rest wakes when a MW of it were worth more than this off its bound; duals of HiGHS hold to 1e-7."""

LITTLE_MW, LITTLE_CNY = 1e-6, 1e-3
"""Load that goes without, and what a MW of it is worth, below which neither counts."""

NEAR_H = 2.0
"""A row that is violated joins for so many hours before and after, too: less often is a window solved again."""

MOST_ROUNDS = 100
"""Solutions of one window (rows added, directions fixed) before something must be wrong."""


@record
class LpRun:
    """A result, and how it came about.

    ``overload_mw`` [hours × rows used] is what rows of the network exceed their limits by (all others keep to
    them); its price is not among the costs of the result. ``window_cost_cny`` is the optimum of each window,
    without constants; ``solves`` counts programmes solved, ``rows_used`` names the rows that joined, because they
    were violated or expected to be, ``one_way_windows`` counts windows in which storages would have burnt energy by
    charging and discharging at once, and were kept from it, ``restarts`` solutions that began anew from no basis,
    because HiGHS found no optimum from the last one, or none that its duals prove.
    """

    result: DispatchResult
    rows_used: tuple[str, ...]
    overload_mw: Floats = axes("hours", "rows_used")
    window_cost_cny: Floats = axes("windows")
    solves: int
    iterations: int
    one_way_windows: int
    restarts: int


class Walk:
    """The walk over the windows: what is kept of each, and the state that crosses the seams."""

    _lumps = True

    def __init__(self, plan: Programme, first: State, hint: DispatchResult | None = None) -> None:
        """Begin in the state ``first``; ``hint`` is another result, whose directions of storages are tried."""
        self.plan, self._hint = plan, hint
        self._spent = np.zeros_like(plan.budget_mw)
        self._soft = plan.relieving.any(axis=1)
        self._blocks = blocks_of(plan.case)
        self.enter(first)
        self._kept = np.zeros_like(plan.upper)
        self._prices = np.zeros(len(plan.case.time))
        self._costs: dict[int, float] = {}
        self._burning: set[int] = set()
        self._effort = [0, 0, 0]
        self._cells: list[Cell] = []
        self._merge(Merging(plan, (), self._lumps, self._resting() if self._lumps else (), self._lumps))

    def enter(self, state: State) -> None:
        """Go on from a state."""
        case, plan = self.plan.case, self.plan
        self._level, self._moved, self._account = state.stored_mwh, state.moved_mwh, state.account_mwh
        spent = np.concatenate([state.released_mwh, state.without_mwh, state.today_mwh])
        self._called_mwh = state.called_mwh
        today = case.time.day[min(state.step, len(case.time) - 1)]
        self._spent[today], self._spent[today + 1 :] = spent, 0.0
        self._announced = state.announced_mw
        powers = [state.coal_mw] if case.rules.ramps else []
        powers += [state.export_mw] if case.rules.export_ramp_mw_per_h is not None else []
        self._before_mw = np.concatenate([np.zeros(int((~plan.coupled).sum())), *powers])

    def expect(self, over: Bools) -> None:
        """Take rows into all programmes from the start that will be violated at places [kept steps × rows]."""
        case = self.plan.case
        self._need(sorted(self._beside(over, len(over), round(case.look_ahead_h / case.time.step_h))))

    @property
    def called_mwh(self) -> Floats:
        """Load shed on call so far [calls], MWh."""
        return self._called_mwh

    def take(self, window: Window) -> None:
        """Optimise a window, keep its first part and carry the state to the next one."""
        values, prices = self._optimum(window)
        steps, count = slice(window.begin, window.kept), window.kept - window.begin
        self._kept[steps] = np.clip(values[:count], self.plan.lower[steps], self.plan.upper[steps])
        self._prices[steps] = prices[:count]
        self._announced = self._announcement(window, values[count:])
        self._carry(steps)

    def meets(self, other: Walk, step: int) -> bool:
        """Whether both leave the same contents before a midnight, up to which this walk has come."""
        level = other._kept[step - 1, self.plan.at["level"]]
        return bool((np.abs(self._level - level) <= MEET_MWH).all())

    def join(self, other: Walk, step: int) -> None:
        """Go on from a midnight as another walk over the same programme did."""
        self._kept[step:], self._prices[step:] = other._kept[step:], other._prices[step:]
        self._costs |= {begin: cost for begin, cost in other._costs.items() if begin >= step}
        self._burning |= {begin for begin in other._burning if begin >= step}
        self._effort = [mine + theirs for mine, theirs in zip(self._effort, other._effort, strict=True)]
        self._cells += other._cells
        self._level, self._moved, self._spent = other._level, other._moved, other._spent

    def finished(self, commitment: Commitment, steps: Bools | None = None) -> LpRun:
        """Return all kept steps as a result; equals share alike in all of them, or in some ``steps`` only."""
        plan = self.plan
        used = plan.limits.only(sorted({row for row, _ in self._cells if row < plan.network_rows}))
        result = unfold(plan, commitment, shared(plan, self._kept, steps), self._prices)
        return LpRun(
            result=result,
            rows_used=used.rows,
            overload_mw=overload_mw(used, plan.case, result),
            window_cost_cny=np.array([self._costs[begin] for begin in sorted(self._costs)]),
            solves=self._effort[0],
            iterations=self._effort[1],
            one_way_windows=len(self._burning),
            restarts=self._effort[2],
        )

    def _merge(self, merging: Merging) -> None:
        """Begin anew with other columns merged."""
        self._merging = merging
        self._models: dict[bytes, WindowModel] = {}

    def _resting(self) -> tuple[str, ...]:
        """Return the kinds that are at rest to begin with; what accounts are kept of is not."""
        kept = ("export_down", "export_cut") if "account" in self.plan.at else ()
        return tuple(kind for kind in RESTING_KINDS if kind not in kept)

    def _need(self, cells: Iterable[Cell]) -> None:
        """Take cells into all programmes from now on; what their rows tell apart are columns of their own."""
        self._cells += cells
        rows = tuple(sorted({row for row, _ in self._cells}))
        merging = replace(self._merging, rows=rows)
        if np.array_equal(merging.groups.of, self._merging.groups.of):
            self._merging = merging
        else:
            self._merge(merging)

    def _optimum(self, window: Window) -> tuple[Floats, Floats]:
        """Solve a window until no row is violated; return values [steps × columns] and prices [steps]."""
        steps = slice(window.begin, window.end)
        self._base_mw = self._linked(self.plan.base_mw(steps), -self._before_mw)
        self._low_mw, self._high_mw = self.plan.low_mw(steps), self.plan.high_mw(steps)
        for _ in range(MOST_ROUNDS):
            model = self._model(window)
            try:
                values = self._split(self._solved(window, model), steps)
            except NoOptimum:
                if not self._merging.resting and not self._merging.hard:
                    raise
                self._merge(replace(self._merging, resting=(), hard=False))
                continue
            if missing := self._violated(window, model, values):
                self._need(missing)
            elif model.strained(WAKING_CNY):
                self._merge(replace(self._merging, hard=False))
            elif restless := self._restless(model, steps):
                self._wake(restless)
            elif self._merging.lumped and self._wanted(model, values):
                self._merge(replace(self._merging, lumped=False))
            else:
                self._costs[window.begin] = model.cost_cny + self._rest_cny(steps)
                return values, model.prices()
        raise InvariantError(f"dispatch: window from step {window.begin} is not settled after {MOST_ROUNDS} rounds")

    def _wake(self, kinds: Sequence[str]) -> None:
        """Take kinds into the programme that were at rest."""
        left = tuple(kind for kind in self._merging.resting if kind not in kinds)
        self._merge(replace(self._merging, resting=left))

    def _restless(self, model: WindowModel, steps: slice) -> tuple[str, ...]:
        """Return the kinds at rest of which a column had better leave its bound, by the duals of the optimum."""
        merging = self._merging
        if not merging.resting:
            return ()
        worth = model.worth_mw(merging.resting) * np.where(merging.rests_full, -1.0, 1.0)
        room = (self.plan.upper[steps] - self.plan.lower[steps])[:, merging.rest_columns] > LITTLE_MW
        better = ((worth > WAKING_CNY) & room).any(axis=0)
        return tuple(dict.fromkeys(np.array(merging.rest_kinds)[better].tolist()))

    def _rest_cny(self, steps: slice) -> float:
        """Return what the columns at rest cost, CNY."""
        price = self.plan.price[self._merging.rest_columns]
        return float((self._merging.rest_mw(steps) @ price).sum() * self.plan.case.time.step_h)

    def _split(self, merged: Floats, steps: slice) -> Floats:
        """Return the columns of merged ones [steps × columns]: each its least, and of the rest by its room."""
        groups, least = self._merging.groups, np.maximum(self.plan.lower[steps], 0.0)
        if least.any():
            values = least + groups.split(merged - groups.total(least), self.plan.upper[steps] - least)
        else:
            values = groups.split(merged, self.plan.upper[steps])
        values[:, self._merging.rest_columns] = self._merging.rest_mw(steps)
        return values

    def _wanted(self, model: WindowModel, values: Floats) -> bool:
        """Whether load goes without in a solution, or some would if it were a column of its own."""
        used = any(values[:, self.plan.at[kind]].max(initial=0.0) > LITTLE_MW for kind in EMERGENCY_KINDS)
        return used or bool(len(model.cell_rows) and (model.worth_mw(EMERGENCY_KINDS) > LITTLE_CNY).any())

    def _linked(self, flow: Floats, first: Floats | float = 0.0) -> Floats:
        """Return flows [steps × rows] with coupled rows less those of the step before; ``first`` adds at step 0."""
        coupled = self.plan.coupled
        if coupled.any():
            flow[1:, coupled] = np.diff(flow[:, coupled], axis=0)
            flow[0] += first
        return flow

    def _model(self, window: Window) -> WindowModel:
        """Return the programme for windows whose days begin at the same steps."""
        day = self.plan.case.time.day[window.begin : window.end]
        pattern = (day - day[0]).tobytes()
        if pattern not in self._models:
            self._models[pattern] = self._new_model(day - day[0])
        model = self._models[pattern]
        if isinstance(model, RingModel):
            model.turn_to(window.begin)
        model.need(self._cells)
        return model

    def _new_model(self, day: Ints) -> WindowModel:
        """Return the programme for a pattern of days; in a ring, if windows have equal blocks of whole days."""
        count = self._blocks
        days = day.reshape(count, -1) if len(day) % count == 0 else day[None, :]
        alike = (days - days[:, :1] == days[0] - days[0, 0]).all() and (days[1:, 0] > days[:-1, -1]).all()
        if count > 1 and len(days) == count and alike and not self._merging.end_price.any():
            return RingModel(self._merging, day, count)
        return WindowModel(self._merging, day)

    def _solved(self, window: Window, model: WindowModel) -> Floats:
        """Return the optimum [steps × merged] in which no storage charges and discharges at once.

        Which direction to forbid is a guess. Where storages hold reserve much hangs on it, so several are tried.
        """
        lower, upper = self._bounds(window)
        right = self._right_sides(window, model)
        values = self._optimum_of(model, lower, upper, right)
        if not self._forbid_both_ways(values, upper.copy(), "smaller"):
            return values
        self._burning.add(window.begin)
        if not self.plan.case.rules.storage_holds_reserve:
            return self._one_way(model, lower, upper, right)
        tried = []
        for forbidden in FORBIDDEN:
            ways = upper.copy() if forbidden != "other than hinted" else self._hinted(window, upper.copy())
            values = self._one_way(model, lower, ways, right, forbidden)
            tried.append((model.cost_cny, values))
        best = min(tried, key=lambda item: item[0])[1]
        for place in (self._merging.at[kind] for kind in ("charge", "discharge", "shift_up", "shift_down")):
            # What is not used stays so but for rounding, which given contents at the end may need.
            used = best[:, place] > BOTH_WAYS_MW
            upper[:, place] = np.where(used, upper[:, place], np.minimum(upper[:, place], BOTH_WAYS_MW))
        return self._optimum_of(model, lower, upper, right)

    def _one_way(
        self,
        model: WindowModel,
        lower: Floats,
        upper: Floats,
        right: tuple[Floats, Floats],
        forbidden: str = "smaller",
    ) -> Floats:
        """Return the optimum with one direction forbidden, in ``upper``, wherever there were both."""
        for _ in range(MOST_ROUNDS):
            values = self._optimum_of(model, lower, upper, right)
            if not self._forbid_both_ways(values, upper, forbidden):
                return values
        raise InvariantError(f"dispatch: directions of storages are not settled after {MOST_ROUNDS} rounds")

    def _optimum_of(self, model: WindowModel, lower: Floats, upper: Floats, right: tuple[Floats, Floats]) -> Floats:
        restarts = model.restarts
        values = model.optimum(lower, upper, right)
        effort = (1, model.iterations, model.restarts - restarts)
        self._effort = [before + now for before, now in zip(self._effort, effort, strict=True)]
        return values

    def _hinted(self, window: Window, upper: Floats) -> Floats:
        """Return upper bounds that forbid storages the direction opposite to that of the hint."""
        if self._hint is None:
            self._hint = dispatched_by_fast(self.plan.case, self.plan.limits)
        at, steps = self._merging.at, slice(window.begin, window.end)
        net_mw = (self._hint.discharge_mw - self._hint.charge_mw)[steps][:, self._merging.storages]
        upper[:, at["discharge"]][net_mw < -BOTH_WAYS_MW] = 0.0
        upper[:, at["charge"]][net_mw > BOTH_WAYS_MW] = 0.0
        return upper

    def _bounds(self, window: Window) -> tuple[Floats, Floats]:
        """Return bounds [steps × merged]: moved load is taken back within the window, storages end as asked."""
        at = self._merging.at
        steps, total = slice(window.begin, window.end), self._merging.groups.total
        lower, upper = total(self.plan.lower[steps]), total(self.plan.upper[steps])
        lower[-1, at["shift_level"]] = upper[-1, at["shift_level"]] = 0.0
        if "account" in at:
            most = account_bound_mwh(self.plan.case)
            least = -most if window.last_account_mwh is None else window.last_account_mwh
            most = least if window.exactly else np.maximum(most, least)
            lower[-1, at["account"]], upper[-1, at["account"]] = least, most
        if self._announced is not None:
            told = self._announced[: len(upper)]
            upper[: len(told), at["called"]] = np.minimum(upper[: len(told), at["called"]], told)
        if window.last_mwh is not None:
            lower[-1, at["level"]] = np.minimum(self._merged_level(window.last_mwh), upper[-1, at["level"]])
            if window.exactly:
                upper[-1, at["level"]] = lower[-1, at["level"]]
        return lower, upper

    def _announcement(self, window: Window, ahead: Floats) -> Floats | None:
        """Return what may be called within the notice of the next window [steps × calls]: what this one plans."""
        if "called" not in self.plan.at or window.kept == window.end:
            return None
        return told_mw(self.plan.case, ahead[:, self.plan.at["called"]])

    def _merged_level(self, level_mwh: Floats) -> Floats:
        """Return contents [storages] as those of the merged ones."""
        levels = self._merging.at["level"]
        group = self._merging.groups.of[self.plan.at["level"]] - levels.start
        return np.asarray(np.bincount(group, level_mwh, levels.stop - levels.start), dtype=np.float64)

    def _right_sides(self, window: Window, model: WindowModel) -> tuple[Floats, Floats]:
        """Return lower and upper right-hand sides of all rows in the programme."""
        plan, steps = self.plan, slice(window.begin, window.end)
        stores = np.zeros((window.end - window.begin, len(self._merging.storages)))
        stores[0] = self._merged_level(plan.keep * self._level)
        moved = np.zeros(window.end - window.begin)
        moved[0] = self._moved
        left = np.concatenate([self._budget_left(window).ravel(), self._year_left()])
        rest, resting = self._merging.rest_mw(steps), self._merging.rest_columns
        asked = plan.asked_mw[steps] - rest @ plan.sign[resting]
        fixed = (asked, stores.ravel(), moved, self._accounts(window))
        rows, places = model.cell_rows, model.cell_places
        base = (self._base_mw + self._linked(self._merging.rest_pushes_mw(rest)))[places, rows]
        low, high = self._low_mw[places, rows] - base, self._high_mw[places, rows] - base
        return np.concatenate([*fixed, np.full(len(left), -INFINITY), low]), np.concatenate([*fixed, left, high])

    def _accounts(self, window: Window) -> Floats:
        """Return the right-hand sides of the accounts [steps · channels]; nothing when exports keep none."""
        if "account" not in self.plan.at:
            return np.zeros(0)
        owed = np.zeros((window.end - window.begin, len(self._account)))
        owed[0] = self._account
        return owed.ravel()

    def _budget_left(self, window: Window) -> Floats:
        """Return what each budget still allows on the days of the window [days × budgets], MWh.

        A day that the window cuts short has its share by hours: what comes later is not for now.
        """
        case = self.plan.case
        day = case.time.day[: window.end]
        first, last = int(day[window.begin]), int(day[-1])
        days = slice(first, last + 1)
        hours = np.bincount(day, minlength=last + 1)[days] * case.time.step_h
        left = self.plan.budget_mw[days] * hours[:, None] - self._spent[days]
        return np.where(self._soft, left, np.maximum(left, 0.0))

    def _year_left(self) -> Floats:
        """Return what the energies of the year still allow [energies], MWh."""
        most = self.plan.case.calls.mwh_per_year
        return np.maximum(most - self._called_mwh, 0.0)[np.isfinite(most)]

    def _violated(self, window: Window, model: WindowModel, values: Floats) -> list[Cell]:
        """Return cells that are violated, with the same and near hours of every day, where they soon will be.

        Where windows follow, of each step only the worst: what others are above their limits, it often mends.
        """
        flow = self._linked(self.plan.pushed_mw(values)) + self._base_mw
        excess = np.maximum(flow - self._high_mw, self._low_mw - flow)
        excess[model.cell_places, model.cell_rows] = -np.inf
        over = excess > FLOW_TOLERANCE_MW
        if window.kept < window.end:
            over &= excess == excess.max(axis=1, keepdims=True)
        cells = self._beside(over, window.kept - window.begin, len(flow))
        return sorted(cells.difference(self._cells))

    def _beside(self, over: Bools, stride: int, steps: int) -> set[Cell]:
        """Return the cells that are ``over`` [places × rows] and those near, in every ``stride`` of ``steps``."""
        near = round(NEAR_H / self.plan.case.time.step_h)
        return {
            (row, again)
            for place, row in np.argwhere(over).tolist()
            for beside in range(place - near, place + near + 1)
            for again in range(beside % stride, steps, stride)
        }

    def _forbid_both_ways(self, values: Floats, upper: Floats, forbidden: str) -> bool:
        """Forbid storages a direction where they have both at once; return whether there was any."""
        at = self._merging.at
        charge, discharge = values[:, at["charge"]], values[:, at["discharge"]]
        both = np.minimum(charge, discharge) > BOTH_WAYS_MW
        charges = charge >= discharge
        if forbidden in ("charge", "discharge"):
            charges = np.full_like(both, forbidden == "discharge")
        upper[:, at["discharge"]][both & charges] = 0.0
        upper[:, at["charge"]][both & ~charges] = 0.0
        return bool(both.any()) | self._forbid_moving_both_ways(values, upper)

    def _forbid_moving_both_ways(self, values: Floats, upper: Floats) -> bool:
        """Forbid moved load the smaller direction where it has both at once, if that loses energy."""
        at = self._merging.at
        if self.plan.case.shift_efficiency == 1.0:
            return False
        up, down = values[:, at["shift_up"]], values[:, at["shift_down"]]
        both = np.minimum(up, down) > BOTH_WAYS_MW
        upper[:, at["shift_down"]][both & (up >= down)] = 0.0
        upper[:, at["shift_up"]][both & (up < down)] = 0.0
        return bool(both.any())

    def _carry(self, steps: slice) -> None:
        plan, at, last = self.plan, self.plan.at, steps.stop - 1
        kept = self._kept[last]
        self._level = kept[at["level"]]
        self._moved = float(kept[at["shift_level"]][0])
        self._account = kept[at["account"]] if "account" in at else self._account
        spent = self._kept[steps] @ plan.spending.T * plan.case.time.step_h
        np.add.at(self._spent, plan.case.time.day[steps], spent)
        if "called" in at:
            called = self._kept[steps, at["called"]].sum(axis=0) * plan.case.time.step_h
            self._called_mwh = self._called_mwh + called
        if plan.coupled.any():
            power = plan.pushed_mw(kept[None, :])[0] + plan.base_mw(slice(last, last + 1))[0]
            self._before_mw = np.where(plan.coupled, power, 0.0)
