"""Case and limits → which coal units run, by mixed-integer programmes over the rolling windows (on request).

The programme of a window is that of ``lp`` with the running units n as unknowns, by plant and step:

    coal up to its minimum ≤ n · m · P,  above it ≤ n · (1 − m) · P        capacity that runs
    n − n before = starts − stops                                          every step
    starts of the last up-time ≤ n,  stops of the last down-time ≤ N − n   minimum times
    Σ n · P − Σ coal + missing ≥ reserve_share_load · load                 reserve of the commitment, at a price

Its cost is that of ``lp``, a hot start for every start, and what running units burn at no load. Equal units of a
plant are one number, so no symmetry has to be searched. Source: Knueven, Ostrowski & Watson 2020, "On mixed-integer
programming formulations for the unit commitment problem", INFORMS J. Computing 32(4).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from scenarios.records import Floats, Ints
from sim.dispatch.columns import knee_pu
from sim.dispatch.commitment import HOT_IDLE_H, Commitment
from sim.dispatch.exact import Walk
from sim.dispatch.limits import NetworkLimits, no_limits
from sim.dispatch.model import DispatchCase, Rules
from sim.dispatch.programme import Merging, Programme, programme
from sim.dispatch.rolling import Window, windows
from sim.dispatch.state import first_state
from sim.dispatch.window import INFINITY, OPTIMAL, OUT_OF_TIME, WindowModel, add_columns

GAP = 3e-4
"""Gap at which a window counts as solved, as a share of what all its energy would cost from coal."""

MOST_S = 120.0
"""Seconds after which a window takes the best commitment found so far."""


PRICE_MISSING = Rules().price_reserve
"""Price of missing reserve of the commitment, CNY/MWh."""

NO_UNITS = np.zeros((0, 0), dtype=np.int64)

Block = tuple[sparse.spmatrix, sparse.spmatrix]
"""Rows over the columns of the plain programme, and over those of the units."""


@dataclass(slots=True, eq=False)
class History:
    """What ran before a step: units on [steps × coal], starts and stops, as far back as they are known.

    ``known`` says whether the units before the first step are known; else the first step begins as it likes.
    """

    on: Ints
    starts: Ints
    stops: Ints
    known: bool


def commit_units(
    case: DispatchCase, limits: NetworkLimits | None = None, before: Ints | None = None, gap: float = GAP
) -> Commitment:
    """Return the commitment of a case by mixed-integer programmes. Rules of reserve and ramps are left to ``lp``.

    ``before`` [coal] are the units that ran before the axis, long enough that no minimum time binds them; without
    it their states are free, and what runs in the first step did not start with it.
    """
    plain = replace(case, rules=Rules())
    state = first_state(plain)
    everything = np.tile(plain.coal_units, (len(plain.time), 1))
    plan = replace(programme(plain, everything, limits or no_limits(plain), state.stored_mwh), distinct=True)
    walk = UnitWalk(plan, before, gap)
    for window in windows(plain):
        walk.take(window)
    return walk.commitment()


class UnitWalk(Walk):
    """The walk over the windows with running units as unknowns."""

    _lumps = False  # a mixed-integer optimum has no duals to tell what load would be worth

    def __init__(self, plan: Programme, before: Ints | None, gap: float) -> None:
        """Begin before the first step."""
        super().__init__(plan, first_state(plan.case))
        nothing = np.zeros((0, len(plan.case.coal)), dtype=np.int64)
        first = nothing if before is None else before[None, :]
        self._gap = gap
        self._history = History(first, np.zeros_like(first), np.zeros_like(first), before is not None)
        self._given = len(first)

    def take(self, window: Window) -> None:
        """Optimise a window, and keep the units of its first part."""
        super().take(window)
        kept = window.kept - window.begin
        on, starts, stops = (values[:kept] for values in self._used.units)
        past = self._history
        self._history = History(
            np.vstack([past.on, on]), np.vstack([past.starts, starts]), np.vstack([past.stops, stops]), True
        )

    def commitment(self) -> Commitment:
        """Return what the walk committed."""
        on, starts, stops = (
            values[self._given :] for values in (self._history.on, self._history.starts, self._history.stops)
        )
        return Commitment(on, starts, hot_starts(starts, stops, self.plan.case.time.step_h))

    def _new_model(self, day: Ints) -> WindowModel:
        return UnitModel(self._merging, day, self._gap)

    def _model(self, window: Window) -> WindowModel:
        model = super()._model(window)
        assert isinstance(model, UnitModel)
        model.enter(window.begin, self._history)
        self._used = model
        return model


class UnitModel(WindowModel):
    """The programme of a window with further columns in every step: units on, starts, stops, missing reserve."""

    def __init__(self, merging: Merging, day: Ints, gap: float) -> None:
        """Build the programme, all units free."""
        super().__init__(merging, day)
        self._case, self._steps = merging.plan.case, len(day)
        self.units: tuple[Ints, Ints, Ints] = (NO_UNITS, NO_UNITS, NO_UNITS)
        self._plain_rows = self._fixed_rows
        self._add_columns()
        rows = _unit_rows(merging, self._steps)
        self._fixed_rows += rows.shape[0]
        free = np.full(rows.shape[0], INFINITY)
        self._highs.addRows(rows.shape[0], -free, free, rows.nnz, rows.indptr, rows.indices, rows.data)
        self._gap = gap
        # The objective holds large rewards, so that a gap relative to it would mean nothing.
        options = {"presolve": "on", "solver": "choose", "mip_rel_gap": 0.0, "time_limit": MOST_S}
        for option, value in options.items():
            self._highs.setOptionValue(option, value)

    def enter(self, begin: int, history: History) -> None:
        """Set what runs before the window, and what must run in it."""
        case, steps, plants = self._case, slice(begin, begin + self._steps), len(self._case.coal)
        self._rights = _unit_right_sides(case, steps, history)
        energy_mwh = float(self._plan.asked_mw[steps].sum()) * case.time.step_h
        worth = energy_mwh * float(case.coal_cost.mean()) if plants else 0.0
        self._highs.setOptionValue("mip_abs_gap", max(self._gap * worth, 1e-6))
        least, most = np.zeros((2, self._steps, 3 * plants + 1))
        ready = case.coal_units - _recent_before(case, self._steps, case.coal_min_down_h, history.stops)
        least[:, :plants] = np.minimum(case.coal_must_run_units[case.time.day[steps]], ready)
        most[:] = np.append(np.tile(case.coal_units.astype(np.float64), 3), INFINITY)
        if not history.known:
            most[0, plants:-1] = 0.0  # nothing starts or stops in a first step whose past is not known
        place = np.arange(self._first, self._first + least.size, dtype=np.int32)
        self._highs.changeColsBounds(len(place), place, least.ravel(), most.ravel())

    def optimum(self, lower: Floats, upper: Floats, right: tuple[Floats, Floats]) -> Floats:
        """Return the optimal values [steps × merged]."""
        low, high = (
            np.concatenate([side[: self._plain_rows], own, side[self._plain_rows :]])
            for side, own in zip(right, self._rights, strict=True)
        )
        values = super().optimum(lower, upper, (low, high))
        plants = len(self._case.coal)
        own = self._column_values()[self._first :][: self._steps * (3 * plants + 1)]
        whole = np.rint(own).astype(np.int64).reshape(self._steps, -1)
        self.units = (whole[:, :plants], whole[:, plants : 2 * plants], whole[:, 2 * plants : 3 * plants])
        return values

    def _proven(self) -> bool:
        """Whether HiGHS closed the gap, or ran out of time with a commitment: whole numbers have no duals."""
        return self._highs.getModelStatus() in (OPTIMAL, OUT_OF_TIME)

    def prices(self) -> Floats:
        """Return zeros: a mixed-integer optimum has no prices."""
        return np.zeros(self._steps)

    def _add_columns(self) -> None:
        case = self._case
        no_load = np.zeros(len(case.coal)) if case.part_load is None else case.part_load.no_load_cny_per_h
        # The programme rewards coal up to its minimum, so what runs must cost what missing its minimum would.
        running = case.price_below_minimum * case.coal_unit_mw * case.coal_minimum_pu + no_load
        step_h, starts, stops = case.time.step_h, case.coal_start_hot_cny, np.zeros(len(case.coal))
        per_step = np.concatenate([running * step_h, starts, stops, [PRICE_MISSING * step_h]])
        self._first = self._highs.getNumCol()
        whole = np.tile(np.arange(len(per_step)) < 3 * len(case.coal), self._steps)
        add_columns(self._highs, np.tile(per_step, self._steps), whole)


def _unit_rows(merging: Merging, steps: int) -> sparse.csr_matrix:
    """Return the rows of the units: capacity by kind, change, up times, down times, reserve; see the module."""
    case, plants = merging.plan.case, len(merging.plan.case.coal)
    width = len(merging.price)
    same, before = sparse.identity(steps), sparse.eye(steps, k=-1)
    eye, zero, last = np.eye(plants), np.zeros((plants, plants)), np.zeros((plants, 1))
    nothing = sparse.csr_matrix((steps * plants, steps * width))
    here, earlier = np.hstack([eye, -eye, eye, last]), np.hstack([-eye, zero, zero, last])
    blocks = [
        *_capacity_rows(merging, steps),
        (nothing, sparse.kron(same, here) + sparse.kron(before, earlier)),
        (nothing, _recent_rows(case, steps, case.coal_min_up_h, -eye, 1)),
        (nothing, _recent_rows(case, steps, case.coal_min_down_h, eye, 2)),
        _reserve_rows(merging, steps),
    ]
    plain, units = (sparse.vstack([block[side] for block in blocks]) for side in (0, 1))
    return sparse.hstack([plain, units], format="csr")


def _capacity_rows(merging: Merging, steps: int) -> Iterator[Block]:
    """Yield the rows coal − n · share · P ≤ 0, by kind."""
    case, plants = merging.plan.case, len(merging.plan.case.coal)
    same, knee = sparse.identity(steps), knee_pu(case)
    shares = {"coal_low": case.coal_minimum_pu, "coal_up": knee - case.coal_minimum_pu, "coal_top": 1.0 - knee}
    for kind, share in shares.items():
        if kind in merging.at:
            power, running = np.zeros((plants, len(merging.price))), np.zeros((plants, 3 * plants + 1))
            power[:, merging.at[kind]] = np.eye(plants)
            running[:, :plants] = -np.diag(share * case.coal_unit_mw)
            yield sparse.kron(same, power), sparse.kron(same, running)


def _recent_rows(case: DispatchCase, steps: int, hours: Floats, sign: Floats, event: int) -> sparse.csr_matrix:
    """Return the rows Σ events of the last ``hours`` + sign · n."""
    plants = len(case.coal)
    span = _whole_steps(case, hours)
    own = np.zeros((plants, 3 * plants + 1))
    own[:, :plants] = sign
    total = sparse.kron(sparse.identity(steps), own)
    for back in range(min(int(span.max(initial=0)), steps)):
        part = np.zeros((plants, 3 * plants + 1))
        part[:, event * plants : (event + 1) * plants] = np.diag((back < span).astype(np.float64))
        total = total + sparse.kron(sparse.eye(steps, k=-back), part)
    return sparse.csr_matrix(total)


def _reserve_rows(merging: Merging, steps: int) -> Block:
    """Return the rows Σ n · P − Σ coal + missing [steps]."""
    case, power = merging.plan.case, np.zeros((1, len(merging.price)))
    for kind in ("coal_low", "coal_up", "coal_top"):
        if kind in merging.at:
            power[:, merging.at[kind]] = -1.0
    running = np.concatenate([case.coal_unit_mw, np.zeros(2 * len(case.coal)), [1.0]])[None, :]
    same = sparse.identity(steps)
    return sparse.kron(same, power), sparse.kron(same, running)


def _unit_right_sides(case: DispatchCase, steps: slice, history: History) -> tuple[Floats, Floats]:
    """Return lower and upper sides of the rows of the units, in the order of ``_unit_rows``."""
    count, plants = steps.stop - steps.start, len(case.coal)
    capacity = (2 if case.part_load is None else 3) * count * plants
    change = np.zeros((count, plants))
    free = np.zeros_like(change)
    if len(history.on):
        change[0] = history.on[-1]
    elif not history.known:
        free[0] = INFINITY
    up = -_recent_before(case, count, case.coal_min_up_h, history.starts)
    down = case.coal_units - _recent_before(case, count, case.coal_min_down_h, history.stops)
    reserve = case.reserve_share_load * case.load_mw[steps].sum(axis=1)
    never = np.full(capacity, -INFINITY)
    low = np.concatenate([never, (change - free).ravel(), np.full(2 * up.size, -INFINITY), reserve])
    high = np.concatenate(
        [np.zeros(capacity), (change + free).ravel(), up.ravel(), down.ravel(), np.full(count, INFINITY)]
    )
    return low, high


def _recent_before(case: DispatchCase, count: int, hours: Floats, events: Ints) -> Floats:
    """Return how many events before the window still count in each of its steps [steps × coal]."""
    recent = np.zeros((count, len(case.coal)))
    for plant, span in enumerate(_whole_steps(case, hours)):
        for step in range(min(count, int(span) - 1)):
            back = int(span) - 1 - step
            recent[step, plant] = events[-back:, plant].sum()
    return recent


def _whole_steps(case: DispatchCase, hours: Floats) -> Ints:
    return np.ceil(hours / case.time.step_h - 1e-9).astype(np.int64)


def hot_starts(starts: Ints, stops: Ints, step_h: float) -> Ints:
    """Return how many of the starts are hot [steps × coal]: the unit that stopped last starts first."""
    hot = np.zeros_like(starts)
    for plant in range(starts.shape[1]):
        idle: list[int] = []
        for step in np.flatnonzero(starts[:, plant] + stops[:, plant]):
            idle += [int(step)] * int(stops[step, plant])
            for _ in range(int(starts[step, plant])):
                since = idle.pop() if idle else -np.inf
                hot[step, plant] += (step - since) * step_h <= HOT_IDLE_H
    return hot
