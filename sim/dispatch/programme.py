"""Case, running units and limits → the linear programme of the dispatch as arrays, without any solver.

Every step has the same columns, kind by kind (``Kind``), one per thing; a window is its steps side by side:

    minimise   Σ step_h · price · x
    balance    Σ sign · x                          = asked            every step
    storage    level − keep · level before
               − step_h · (η_c · charge − discharge / η_d) = 0        every step and storage
    shift      level − level before − step_h · (up − down) = 0        every step
    hydro      step_h · Σ water                    ≤ what is left     every plant and day
    rows       low ≤ Σ reach · x + base ≤ high                        every step, only rows that were violated once

Things that nothing in the programme tells apart are solved as one column (``Merging``): equal price and equal reach
in the rows that the programme has. ``docs/explanation/dispatch-lp.md`` has the symbols.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from scenarios.records import Floats, Ints, axes, record
from sim.dispatch.limits import NetworkLimits
from sim.dispatch.model import DispatchCase

FLOW_DUST = 1e-9
"""Sensitivities below this are rounding of the inverse, not physics."""


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """Columns of one sort: price CNY/MWh [things], most MW or MWh [hours × things], sign in the balance (0: none).

    ``reach`` [rows × things] is the flow in each row of the network per MW injected; the columns themselves act
    ``sign`` times that. Things with equal ``marks`` [marks × things] may become one column. ``least`` is 0 unless
    given.
    """

    name: str
    price: Floats
    most: Floats
    sign: float
    reach: Floats
    marks: Floats | None = None
    least: Floats | None = None


@dataclass(frozen=True, eq=False)
class Programme:
    """All columns of every step and all rows that may be needed; see the module's picture.

    Soft rows are those of the network, which may be exceeded at a price. The hard rows after them say that no load
    is lost twice (unserved and moved away). ``moved_share`` [loads] says whose load is moved.
    """

    case: DispatchCase
    limits: NetworkLimits
    kinds: tuple[Kind, ...]
    moved_share: Floats

    @cached_property
    def at(self) -> dict[str, slice]:
        """The columns of each kind."""
        return _slices([kind.name for kind in self.kinds], [len(kind.price) for kind in self.kinds])

    @cached_property
    def price(self) -> Floats:
        """Prices, CNY per MWh [columns]."""
        return np.concatenate([kind.price for kind in self.kinds])

    @cached_property
    def sign(self) -> Floats:
        """Signs in the balance [columns]."""
        return np.concatenate([np.full(len(kind.price), kind.sign) for kind in self.kinds])

    @cached_property
    def upper(self) -> Floats:
        """Upper bounds [hours × columns], MW or MWh."""
        return np.ascontiguousarray(np.hstack([kind.most for kind in self.kinds]))

    @cached_property
    def lower(self) -> Floats:
        """Lower bounds [hours × columns], MW or MWh."""
        least = [np.zeros_like(kind.most) if kind.least is None else kind.least for kind in self.kinds]
        return np.ascontiguousarray(np.hstack(least))

    @cached_property
    def asked_mw(self) -> Floats:
        """Right-hand side of the balance [hours]: load, loss and contract."""
        case = self.case
        return np.asarray(case.load_mw.sum(axis=1) + case.loss_mw + case.export_mw.sum(axis=1))

    @property
    def soft_rows(self) -> int:
        """Number of rows that may be exceeded at a price: those of the network."""
        return len(self.limits.rows)

    @cached_property
    def reach(self) -> Floats:
        """Coefficients of all rows [rows × columns]."""
        network = np.hstack([kind.sign * kind.reach for kind in self.kinds])
        network[np.abs(network) < FLOW_DUST] = 0.0
        return np.vstack([network, self._lost_load()])

    def pushed_mw(self, values: Floats) -> Floats:
        """Return the part of the flows that the columns cause [steps × rows], MW."""
        return np.asarray((self._sparse_reach @ values.T).T)

    @cached_property
    def _sparse_reach(self) -> sparse.csr_matrix:
        # Many small dense products would wake and park the threads of BLAS each time.
        return sparse.csr_matrix(self.reach)

    @cached_property
    def row_low_mw(self) -> Floats:
        """Lower limits of all rows [rows], MW."""
        return np.concatenate([self.limits.low_mw, np.full(len(self._load_sets), -np.inf)])

    @cached_property
    def row_high_mw(self) -> Floats:
        """Upper limits of all rows [rows], MW."""
        return np.concatenate([self.limits.high_mw, np.zeros(len(self._load_sets))])

    def base_mw(self, steps: slice) -> Floats:
        """Return the flow of every row before any column acts [steps × rows], MW."""
        case, limits = self.case, self.limits
        load, export, loss = case.load_mw[steps], case.export_mw[steps], case.loss_mw[steps]
        flow = -(load @ limits.loads.T) - export @ limits.channels.T - loss[:, None] * limits.loss
        return np.hstack([flow, -(load @ self._load_sets.T)])

    @cached_property
    def marks(self) -> Floats:
        """What must be equal for two columns to be merged, besides their reach [marks × columns]."""
        rows = max(0 if kind.marks is None else len(kind.marks) for kind in self.kinds)
        marks = np.zeros((rows + 2, len(self.price)))
        for number, (kind, columns) in enumerate(zip(self.kinds, self.at.values(), strict=True)):
            marks[0, columns] = number
            marks[1, columns] = kind.price
            if kind.marks is not None:
                marks[2 : 2 + len(kind.marks), columns] = kind.marks
        return marks

    @cached_property
    def keep(self) -> Floats:
        """Content kept over a step, 1 without self-discharge [storages]."""
        return np.asarray((1.0 - self.case.storage_self_discharge_per_h) ** self.case.time.step_h)

    @cached_property
    def water_mean_mw(self) -> Floats:
        """Mean release above the must-run that the day's budget allows [days × hydros], MW."""
        mean = self.case.hydro_budget_mwh / self.case.day_hours[:, None]
        return np.asarray(np.maximum(mean - self.case.hydro_minimum_mw, 0.0))

    @cached_property
    def load_reach(self) -> Floats:
        """Flow in each row of the network per MW *injected* in proportion to the load of the year [rows]."""
        return np.asarray(self.limits.loads @ self.moved_share)

    @property
    def _load_sets(self) -> Floats:
        """Loads that cannot lose more than they are [sets × loads]: each; on a copper plate all together."""
        count = len(self.case.loads)
        return np.eye(count) if self.limits.rows else np.ones((1, count))

    def _lost_load(self) -> Floats:
        """Return the hard rows: unserved + shed + moved away − moved in, of every set of loads."""
        sets = self._load_sets
        rows = np.zeros((len(sets), len(self.price)))
        rows[:, self.at["unserved"]] = sets
        rows[:, self.at["shed"]] = sets
        rows[:, self.at["shift_down"]] = (sets @ self.moved_share)[:, None]
        rows[:, self.at["shift_up"]] = -(sets @ self.moved_share)[:, None]
        return rows


@record
class Groups:
    """Things taken together: ``of`` is the group of each thing, ``first`` the first thing of each group."""

    of: Ints = axes("things", dtype=int)
    first: Ints = axes("groups", dtype=int)

    def total(self, values: Floats) -> Floats:
        """Return the sums by group [hours × groups] of ``values`` [hours × things]."""
        member = (self.of[:, None] == np.arange(len(self.first))).astype(np.float64)
        return np.asarray(values @ member)

    def split(self, part: Floats, weight: Floats) -> Floats:
        """Return ``part`` [hours × groups] shared among the things in proportion to ``weight`` [hours × things]."""
        whole = self.total(weight)
        share = np.divide(part, whole, out=np.zeros_like(part), where=whole > 0.0)
        return np.asarray(weight * share[:, self.of])


def alike(features: Floats) -> Groups:
    """Return the groups of things with equal ``features`` [features × things], in order of their first thing."""
    rows = np.vstack([np.zeros(features.shape[1]), features]).round(9).T
    _, first, member = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)
    return Groups(np.argsort(order)[member.ravel()], first[order].astype(np.int64))


@dataclass(frozen=True, eq=False)
class Merging:
    """A programme in which columns are one that nothing tells apart while only ``rows`` are in it."""

    plan: Programme
    rows: tuple[int, ...]

    @cached_property
    def groups(self) -> Groups:
        """The columns that are one."""
        # A level acts on no row itself, but belongs to a storage whose power does.
        reach = self.plan.reach[list(self.rows)]
        reach[:, self.plan.at["level"]] = reach[:, self.plan.at["discharge"]]
        return alike(np.vstack([self.plan.marks, reach]))

    @cached_property
    def at(self) -> dict[str, slice]:
        """The merged columns of each kind."""
        first = self.groups.first
        sizes = [int(((first >= place.start) & (first < place.stop)).sum()) for place in self.plan.at.values()]
        return _slices(list(self.plan.at), sizes)

    @cached_property
    def price(self) -> Floats:
        """Prices, CNY per MWh [merged]."""
        return self.plan.price[self.groups.first]

    @cached_property
    def storages(self) -> Ints:
        """The first storage of every merged storage."""
        return np.asarray(self.groups.first[self.at["level"]] - self.plan.at["level"].start)

    def window_matrix(self, day: Ints) -> sparse.csr_matrix:
        """Return the fixed rows of a window [rows × (steps · merged)]; ``day`` [steps] counts from its first day.

        In this order: balance by step; contents by step and storage; moved load by step; water by day and plant.
        """
        same, before = sparse.identity(len(day)), sparse.eye(len(day), k=-1)
        on_day = (np.arange(day[-1] + 1)[:, None] == day).astype(np.float64)
        store, store_before = self._store_rows()
        shift, shift_before = self._shift_rows()
        rows = (
            sparse.kron(same, self.plan.sign[None, self.groups.first]),
            sparse.kron(same, store) + sparse.kron(before, store_before),
            sparse.kron(same, shift) + sparse.kron(before, shift_before),
            sparse.kron(on_day, self._water_rows()),
        )
        return sparse.vstack(rows, format="csr")

    def _store_rows(self) -> tuple[Floats, Floats]:
        """Return the coefficients of a step's contents in the columns of this step and of the step before."""
        case, first, step_h = self.plan.case, self.storages, self.plan.case.time.step_h
        now, before = np.zeros((2, len(first), len(self.price)))
        now[:, self.at["level"]] = np.eye(len(first))
        now[:, self.at["charge"]] = -step_h * np.diag(case.storage_charge_efficiency[first])
        now[:, self.at["discharge"]] = step_h * np.diag(1.0 / case.storage_discharge_efficiency[first])
        before[:, self.at["level"]] = -np.diag(self.plan.keep[first])
        return now, before

    def _shift_rows(self) -> tuple[Floats, Floats]:
        now, before = np.zeros((2, 1, len(self.price)))
        now[:, self.at["shift_level"]] = 1.0
        now[:, self.at["shift_up"]] = -self.plan.case.time.step_h
        now[:, self.at["shift_down"]] = self.plan.case.time.step_h
        before[:, self.at["shift_level"]] = -1.0
        return now, before

    def _water_rows(self) -> Floats:
        water = np.zeros((len(self.plan.case.hydros), len(self.price)))
        water[:, self.at["water"]] = self.plan.case.time.step_h * np.eye(len(water))
        return water


def price_overload(case: DispatchCase) -> float:
    """Return the price of a MWh above the limit of a row: load is cut for it only where half of it helps."""
    return 2.0 * case.price_unserved


def programme(case: DispatchCase, units_on: Ints, limits: NetworkLimits, first_mwh: Floats) -> Programme:
    """Return the programme of a case with ``units_on`` [hours × coal] running coal units.

    ``first_mwh`` [storages] are the contents before the first step: only equally filled storages may be one.
    """
    share = case.load_mw.sum(axis=0) / max(case.load_mw.sum(), 1e-300)
    kinds = (
        *_coal(case, units_on, limits),
        *_hydro(case, limits),
        *_exports(case, limits),
        *_demand(case, limits),
        *_shift(case, limits.loads @ share),
        *_stores(case, limits, first_mwh),
    )
    return Programme(case, limits, kinds, share)


def load_share(case: DispatchCase) -> Floats:
    """Return each load's share of the load of the step [hours × loads]."""
    total = case.load_mw.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(case.load_mw, total, out=np.zeros_like(case.load_mw), where=total > 0.0))


def _slices(names: Sequence[str], sizes: Sequence[int]) -> dict[str, slice]:
    ends = np.cumsum(sizes).tolist()
    return {name: slice(end - size, end) for name, size, end in zip(names, sizes, ends, strict=True)}


def _coal(case: DispatchCase, units_on: Ints, limits: NetworkLimits) -> tuple[Kind, ...]:
    capacity, minimum = units_on * case.coal_unit_mw, case.coal_minimum_pu
    return (
        Kind("coal_low", case.coal_cost - case.price_below_minimum, capacity * minimum, 1.0, limits.coal),
        Kind("coal_up", case.coal_cost, capacity * (1.0 - minimum), 1.0, limits.coal),
    )


def _hydro(case: DispatchCase, limits: NetworkLimits) -> tuple[Kind, ...]:
    count, day = len(case.hydros), case.time.day
    free = np.maximum(case.hydro_capacity_mw - case.hydro_minimum_mw, 0.0)
    least = np.full(count, -case.price_hydro_minimum)
    own_water = np.arange(count, dtype=np.float64)[None, :]
    return (
        Kind("must_run", least, case.hydro_minimum_mw[day], 1.0, limits.hydros),
        Kind("water", np.full(count, -case.price_spilled), free[day], 1.0, limits.hydros, own_water),
    )


def _exports(case: DispatchCase, limits: NetworkLimits) -> tuple[Kind, ...]:
    up = np.maximum(case.export_high_mw - case.export_mw, 0.0)
    down = np.maximum(case.export_mw - case.export_low_mw, 0.0)
    ones = np.ones(len(case.channels))
    return (
        Kind("export_up", case.price_export_up * ones, up, -1.0, limits.channels),
        Kind("export_down", case.price_export_down * ones, down, 1.0, limits.channels),
        Kind("export_cut", case.price_export_cut * ones, case.export_low_mw, 1.0, limits.channels),
    )


def _demand(case: DispatchCase, limits: NetworkLimits) -> tuple[Kind, ...]:
    shed = load_share(case) * case.shed_limit_mw[:, None]
    unserved = np.maximum(case.load_mw - shed, 0.0)
    ones = np.ones(len(case.loads))
    curtailed = np.full(len(case.renewables), -case.price_curtailed)
    relief = np.array([case.price_loss_relief])
    return (
        Kind("renewables", curtailed, case.available_mw, 1.0, limits.renewables),
        Kind("shed", case.price_shed * ones, shed, 1.0, limits.loads),
        Kind("unserved", case.price_unserved * ones, unserved, 1.0, limits.loads),
        Kind("relief", relief, case.loss_mw[:, None], 1.0, limits.loss[:, None]),
    )


def _shift(case: DispatchCase, reach: Floats) -> tuple[Kind, ...]:
    """Return moved load and the energy moved so far (negative: taken back later); nothing is open at midnight."""
    price, limit = np.array([case.price_shift]), case.shift_limit_mw[:, None]
    most = np.full((len(case.time), 1), case.shift_energy_mwh)
    most[np.flatnonzero(np.diff(case.time.day, append=-1))] = 0.0
    return (
        Kind("shift_up", price, limit, -1.0, reach[:, None]),
        Kind("shift_down", price, limit, 1.0, reach[:, None]),
        Kind("shift_level", np.zeros(1), most, 0.0, reach[:, None], least=-most),
    )


def _stores(case: DispatchCase, limits: NetworkLimits, first_mwh: Floats) -> tuple[Kind, ...]:
    marks = np.stack(
        [
            case.storage_charge_efficiency,
            case.storage_discharge_efficiency,
            case.storage_self_discharge_per_h,
            case.storage_energy_mwh / case.storage_power_mw,
            first_mwh / case.storage_energy_mwh,
        ]
    )
    steps = (len(case.time), 1)
    power, energy = np.tile(case.storage_power_mw, steps), np.tile(case.storage_energy_mwh, steps)
    price = np.full(len(case.storages), case.price_storage)
    return (
        Kind("charge", price, power, -1.0, limits.storages, marks),
        Kind("discharge", price, power, 1.0, limits.storages, marks),
        Kind("level", np.zeros(len(price)), energy, 0.0, limits.storages, marks),
    )
