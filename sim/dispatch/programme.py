"""Case, running units and limits → the linear programme of the dispatch as arrays, without any solver.

Every step has the same columns, kind by kind (``columns``), one per thing; a window is its steps side by side:

    minimise   Σ step_h · price · x − end values
    balance    Σ sign · x                          = asked            every step
    storage    level − keep · level before
               − step_h · (η_c · charge − discharge / η_d) = 0        every step and storage
    shift      level − level before − step_h · (η · up − down) = 0    every step
    account    level − level before
               − step_h · (up − down − cut + forgiven) = 0            every step and channel, if export is balanced
    budgets    step_h · Σ water (or load on call, or
               what flexible loads do without − miss) ≤ what is left  every day
    year       step_h · Σ load on call             ≤ what is left     every window and block with a limit
    rows       of ``rows``: network, reserve, ramps                   where violated once, or expected to be

Things that nothing in the programme tells apart are solved as one column (``Merging``): equal price and equal reach
in the rows that the programme has. ``docs/explanation/dispatch.md`` has the symbols.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import sparse

from scenarios.records import Bools, Floats, Ints
from sim.dispatch.columns import Kind, called_day_mw, day_ends, kinds_of, knee_pu, load_share, moved_share
from sim.dispatch.limits import NetworkLimits
from sim.dispatch.model import DispatchCase, DispatchResult
from sim.dispatch.rows import COAL_KINDS, FLOW_DUST, Family, families_of, price_overload

__all__ = ["FLOW_DUST", "Groups", "Merging", "Programme", "alike", "load_share", "price_overload", "programme"]


EMERGENCY_KINDS = ("shed", "unserved")
"""Loads that go without: half of all columns, and hardly ever used."""


RESTING_KINDS = {"coal_low": True, "must_run": True, "export_down": False, "export_cut": False, "relief": False}
"""Columns that hardly ever leave a bound, the upper one (true) or the lower one: a third of what is left."""

KEPT_MW, KEPT_MWH = 1e-3, 1e-5
"""Powers and contents that are kept may differ by this: a power can put any content right within a step."""

SMALL_PRODUCT = 1_000_000
"""Multiplications up to which a dense product is quicker than a sparse one, and BLAS takes one thread for it."""

FOLLOW, LITTLE_MW = 2.0, 0.5
"""How far a plant may move when losses change, per MW of it, and in any case."""


@dataclass(frozen=True, slots=True, eq=False)
class Budget:
    """Columns that share an energy per day: which [columns], and the mean power that the day allows [days], MW.

    ``over`` [columns], if given, are what the day takes beyond it.
    """

    columns: Bools
    mean_mw: Floats
    over: Bools | None = None


@dataclass(frozen=True, eq=False)
class Programme:
    """All columns of every step and all rows that may be needed; see the module's picture.

    Rows of the network come first, coupled rows last. ``distinct`` keeps every coal plant a column of its own.
    """

    case: DispatchCase
    limits: NetworkLimits
    units_on: Ints
    kinds: tuple[Kind, ...]
    cap_mw: Floats | None = None
    distinct: bool = False

    @cached_property
    def families(self) -> tuple[Family, ...]:
        """The rows, by sort."""
        return tuple(families_of(self.case, self.units_on, self.limits, self.kinds, self.at, self.cap_mw))

    @cached_property
    def at(self) -> dict[str, slice]:
        """The columns of each kind."""
        return _slices([kind.name for kind in self.kinds], [len(kind.price) for kind in self.kinds])

    @cached_property
    def price(self) -> Floats:
        """Prices, CNY per MWh [columns]."""
        return np.concatenate([kind.price for kind in self.kinds])

    @cached_property
    def end_price(self) -> Floats:
        """Prices of contents at the end of a window, CNY per MWh [columns]."""
        return np.concatenate([np.full(len(kind.price), kind.end_price) for kind in self.kinds])

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
        """Right-hand side of the balance [hours]: load, full power of flexible loads, loss and contract."""
        case = self.case
        flexible = case.flexible.power_mw.sum()
        return np.asarray(case.load_mw.sum(axis=1) + flexible + case.loss_mw + case.export_mw.sum(axis=1))

    @cached_property
    def budgets(self) -> tuple[Budget, ...]:
        """Energies of the day: hydro above its must-run, what flexible loads can spare, load on call."""
        case = self.case
        mean = np.maximum(case.hydro_budget_mwh / case.day_hours[:, None] - case.hydro_minimum_mw, 0.0)
        water = [Budget(self._is("water", k), mean[:, k]) for k in range(len(case.hydros))]
        spare = np.tile(case.flexible.power_mw - case.flexible.target_mw, (len(case.day_hours), 1))
        flexible = [
            Budget(self._is("without", k), spare[:, k], self._is("missed", k)) for k in range(len(case.flexibles))
        ]
        called = called_day_mw(case)
        blocks = [Budget(self._is("called", k), called[:, k]) for k in range(len(case.calls))]
        return (*water, *flexible, *blocks)

    @cached_property
    def spending(self) -> Floats:
        """Which columns spend which budget [budgets × columns], 1 or 0."""
        rows = [budget.columns.astype(np.float64) for budget in self.budgets]
        return np.stack(rows) if rows else np.zeros((0, len(self.price)))

    @cached_property
    def relieving(self) -> Floats:
        """Which columns take a budget beyond its energy [budgets × columns], 1 or 0."""
        nothing = np.zeros(len(self.price))
        rows = [nothing if item.over is None else item.over.astype(np.float64) for item in self.budgets]
        return np.stack(rows) if rows else np.zeros((0, len(self.price)))

    @cached_property
    def yearly(self) -> Floats:
        """Which columns spend the energies of the year [energies × columns], 1 or 0."""
        limited = np.flatnonzero(np.isfinite(self.case.calls.mwh_per_year))
        rows = [self._is("called", k).astype(np.float64) for k in limited.tolist()]
        return np.stack(rows) if rows else np.zeros((0, len(self.price)))

    @cached_property
    def budget_mw(self) -> Floats:
        """Mean power that the budgets allow [days × budgets], MW."""
        means = [budget.mean_mw for budget in self.budgets]
        return np.stack(means, axis=1) if means else np.zeros((len(self.case.hydro_budget_mwh), 0))

    @property
    def network_rows(self) -> int:
        """Number of rows of the network, which come first."""
        return len(self.limits.rows)

    @cached_property
    def reach(self) -> Floats:
        """Coefficients of all rows [rows × columns]."""
        return np.vstack([family.reach for family in self.families])

    @cached_property
    def coupled(self) -> Bools:
        """Which rows are coupled with the step before [rows]; they come last."""
        return np.concatenate([np.full(family.count, family.coupled) for family in self.families])

    @cached_property
    def row_price(self) -> Floats:
        """Price of exceeding each row, CNY/MWh [rows]; infinite: never."""
        prices = [np.inf if family.price is None else family.price for family in self.families]
        return np.repeat(prices, [family.count for family in self.families])

    def pushed_mw(self, values: Floats) -> Floats:
        """Return the part of the flows that the columns cause [steps × rows], MW, coupling left out."""
        if self.reach.size * len(values) <= SMALL_PRODUCT:
            return np.asarray(values @ self.reach.T)
        # Larger dense products would wake and park the threads of BLAS each time.
        return np.asarray((self._sparse_reach @ values.T).T)

    @cached_property
    def _sparse_reach(self) -> sparse.csr_matrix:
        return sparse.csr_matrix(self.reach)

    def base_mw(self, steps: slice) -> Floats:
        """Return what the rows carry before any column acts [steps × rows], MW, coupling left out."""
        return np.hstack([family.base_mw(steps) for family in self.families])

    def low_mw(self, steps: slice) -> Floats:
        """Return the lower limits of all rows [steps × rows], MW."""
        return np.hstack([family.low_mw[steps] for family in self.families])

    def high_mw(self, steps: slice) -> Floats:
        """Return the upper limits of all rows [steps × rows], MW."""
        return np.hstack([family.high_mw[steps] for family in self.families])

    @cached_property
    def marks(self) -> Floats:
        """What must be equal for two columns to be merged, besides their reach [marks × columns]."""
        rows = max(0 if kind.marks is None else len(kind.marks) for kind in self.kinds)
        marks = np.zeros((rows + 3, len(self.price)))
        for number, (kind, columns) in enumerate(zip(self.kinds, self.at.values(), strict=True)):
            marks[0, columns] = number
            marks[1, columns] = kind.price
            if kind.marks is not None:
                marks[2 : 2 + len(kind.marks), columns] = kind.marks
        for name in COAL_KINDS if self.distinct else ():
            if name in self.at:
                marks[-1, self.at[name]] = np.arange(len(self.case.coal))
        return marks

    @cached_property
    def keep(self) -> Floats:
        """Content kept over a step, 1 without self-discharge [storages]."""
        return np.asarray((1.0 - self.case.storage_self_discharge_per_h) ** self.case.time.step_h)

    @cached_property
    def load_reach(self) -> Floats:
        """Flow in each row of the network per MW *injected* in proportion to the load of the year [rows]."""
        return np.asarray(self.limits.loads @ moved_share(self.case))

    @cached_property
    def day_ends(self) -> Ints:
        """The last step of every day."""
        return day_ends(self.case)

    def _is(self, kind: str, number: int | None = None) -> Bools:
        """Return which columns are of a kind, or the one with that number in it [columns]."""
        chosen = np.zeros(len(self.price), dtype=bool)
        place = self.at[kind]
        chosen[place if number is None else place.start + number] = True
        return chosen


@dataclass(frozen=True, eq=False)
class Groups:
    """Things taken together: ``of`` is the group of each thing, ``first`` the first thing of each group."""

    of: Ints
    first: Ints

    @cached_property
    def _member(self) -> sparse.csr_matrix:
        things = np.flatnonzero(self.of >= 0)
        return sparse.csr_matrix((np.ones(len(things)), (self.of[things], things)), (len(self.first), len(self.of)))

    def total(self, values: Floats) -> Floats:
        """Return the sums by group [hours × groups] of ``values`` [hours × things]."""
        if not values.any():
            return np.zeros((len(values), len(self.first)))
        return np.ascontiguousarray((self._member @ values.T).T)

    def split(self, part: Floats, weight: Floats) -> Floats:
        """Return ``part`` [hours × groups] shared among the things in proportion to ``weight`` [hours × things]."""
        whole = self.total(weight)
        share = np.divide(part, whole, out=np.zeros_like(part), where=whole > 0.0)
        return np.asarray(weight * share[:, self.of])


def alike(features: Floats) -> Groups:
    """Return the groups of things with equal ``features`` [features × things], in order of their first thing."""
    number: dict[bytes, int] = {}
    things = np.ascontiguousarray(features.T.round(9)) + 0.0  # of two zeros, the positive one
    of = np.array([number.setdefault(thing.tobytes(), len(number)) for thing in things], dtype=np.int64)
    return Groups(of, np.unique(of, return_index=True)[1].astype(np.int64))


@dataclass(frozen=True, eq=False)
class Merging:
    """A programme in which columns are one that nothing tells apart while only ``rows`` are in it.

    ``resting``: columns of these kinds stay at a bound, and are not in it, as long as none had better leave it.
    ``lumped``: loads that go without are one column each way, whatever the rows tell apart. That stands for them
    only as long as it is neither used nor worth using, load by load.
    """

    plan: Programme
    rows: tuple[int, ...]
    lumped: bool = False
    resting: tuple[str, ...] = ()
    hard: bool = False

    @cached_property
    def groups(self) -> Groups:
        """The columns that are one; those at rest are in no group (−1)."""
        # A level acts on no row itself, but belongs to a storage whose power does.
        reach = self.plan.reach[list(self.rows)]
        reach[:, self.plan.at["level"]] = reach[:, self.plan.at["discharge"]]
        for kind in EMERGENCY_KINDS if self.lumped else ():
            reach[:, self.plan.at[kind]] = 0.0
        active = np.delete(np.arange(reach.shape[1]), self.rest_columns)
        groups = alike(np.vstack([self.plan.marks, reach])[:, active])
        of = np.full(reach.shape[1], -1, dtype=np.int64)
        of[active] = groups.of
        return Groups(of, active[groups.first])

    @cached_property
    def rest_columns(self) -> Ints:
        """The columns at rest, kind by kind."""
        places = [np.arange(self.plan.at[kind].start, self.plan.at[kind].stop) for kind in self.resting]
        return np.concatenate([np.zeros(0, dtype=np.int64), *places])

    @cached_property
    def rest_kinds(self) -> tuple[str, ...]:
        """The kind of each column at rest."""
        return tuple(
            kind for kind in self.resting for _ in range(*self.plan.at[kind].indices(len(self.plan.price)))
        )

    @cached_property
    def rests_full(self) -> Bools:
        """Which of the columns at rest are at their upper bound."""
        return np.array([RESTING_KINDS[kind] for kind in self.rest_kinds], dtype=bool)

    def rest_mw(self, steps: slice) -> Floats:
        """Return the columns at rest [steps × at rest], MW."""
        lower, upper = (bound[steps][:, self.rest_columns] for bound in (self.plan.lower, self.plan.upper))
        return np.where(self.rests_full, upper, lower)

    def rest_pushes_mw(self, rest: Floats) -> Floats:
        """Return the flows that columns at rest [steps × at rest] cause [steps × rows], MW, coupling left out."""
        return np.asarray((self._rest_reach @ rest.T).T)

    @cached_property
    def _rest_reach(self) -> sparse.csr_matrix:
        return sparse.csr_matrix(self.plan.reach[:, self.rest_columns])

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
    def end_price(self) -> Floats:
        """Prices of contents at the end of a window, CNY per MWh [merged]."""
        return self.plan.end_price[self.groups.first]

    @cached_property
    def storages(self) -> Ints:
        """The first storage of every merged storage."""
        return np.asarray(self.groups.first[self.at["level"]] - self.plan.at["level"].start)

    @cached_property
    def spending(self) -> Floats:
        """Coefficients of the columns in the budgets of a day [budgets × merged]."""
        return (self.plan.spending - self.plan.relieving)[:, self.groups.first]

    @cached_property
    def yearly(self) -> Floats:
        """Which columns spend the energies of the year [energies × merged]."""
        return self.plan.yearly[:, self.groups.first]

    def window_matrix(self, day: Ints) -> sparse.csr_matrix:
        """Return the fixed rows of a window [rows × (steps · merged)]; ``day`` [steps] counts from its first day.

        In this order: balance by step; contents by step: storages, moved load, accounts; budgets by day, by year.
        """
        same, before = sparse.identity(len(day)), sparse.eye(len(day), k=-1)
        on_day = (np.arange(day[-1] + 1)[:, None] == day).astype(np.float64)
        chains = (
            sparse.kron(same, now) + sparse.kron(before, earlier)
            for now, earlier in (self._store_rows(), self._shift_rows(), *self._account_rows())
        )
        rows = (
            sparse.kron(same, self.plan.sign[None, self.groups.first]),
            *chains,
            sparse.kron(on_day, self.plan.case.time.step_h * self.spending),
            sparse.kron(np.ones((1, len(day))), self.plan.case.time.step_h * self.yearly),
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
        now[:, self.at["shift_up"]] = -self.plan.case.time.step_h * self.plan.case.shift_efficiency
        now[:, self.at["shift_down"]] = self.plan.case.time.step_h
        before[:, self.at["shift_level"]] = -1.0
        return now, before

    def _account_rows(self) -> Iterator[tuple[Floats, Floats]]:
        """Yield the coefficients of what channels owe, in the columns of this step and of the step before."""
        if "account" not in self.at:
            return
        now, before = np.zeros((2, len(self.plan.case.channels), len(self.price)))
        step_h = self.plan.case.time.step_h
        now[:, self.at["account"]] = np.eye(len(now))
        for kind, sign in (("export_up", -1.0), ("export_down", 1.0), ("export_cut", 1.0), ("forgiven", -1.0)):
            now[:, self.at[kind]] = sign * step_h * np.eye(len(now))
        before[:, self.at["account"]] = -np.eye(len(now))
        yield now, before


def programme(
    case: DispatchCase,
    units_on: Ints,
    limits: NetworkLimits,
    first_mwh: Floats | None,
    cap_mw: Floats | None = None,
) -> Programme:
    """Return the programme of a case with ``units_on`` [hours × coal] running coal units.

    ``first_mwh`` [storages] are the contents before the first step: only equally filled storages may be one; none:
    every storage is by itself.
    ``cap_mw`` [hours × rows] tightens rows of the network in some hours.
    """
    # Of storages that hold reserve one may charge while another discharges.
    alike_mwh = None if case.rules.storage_holds_reserve else first_mwh
    return Programme(case, limits, units_on, tuple(kinds_of(case, units_on, limits, alike_mwh)), cap_mw)


def near(plan: Programme, result: DispatchResult) -> Programme:
    """Return the programme that stays near a result of a case with slightly other losses.

    What couples steps stays as it is, but for rounding. In a step, plants and channels may go ``FOLLOW`` times as
    far as the losses changed: so of equal optima a near one is taken.
    """
    change = np.abs(plan.case.loss_mw - result.loss_mw)[:, None]
    centre, room = _between_steps(plan, result), {"level": KEPT_MWH}
    inside = _within_steps(plan, result)
    kinds = (_bounded(kind, centre, room.get(kind.name, KEPT_MW)) for kind in plan.kinds)
    return replace(plan, kinds=tuple(_bounded(kind, inside, FOLLOW * change + LITTLE_MW) for kind in kinds))


def _between_steps(plan: Programme, result: DispatchResult) -> dict[str, Floats]:
    """Return the columns of a result that couple steps, by kind, MW and MWh."""
    case, loads = plan.case, plan.case.flexible
    kept = {
        "water": np.maximum(result.hydro_mw - case.hydro_minimum_mw[case.time.day], 0.0),
        "charge": result.charge_mw,
        "discharge": result.discharge_mw,
        "level": result.stored_mwh,
        "shift_up": result.shift_up_mw.sum(axis=1, keepdims=True),
        "shift_down": result.shift_down_mw.sum(axis=1, keepdims=True),
        "without": np.clip(loads.power_mw - result.flexible_mw, 0.0, loads.free_mw),
    }
    return kept | {"called": result.called_mw}


def _within_steps(plan: Programme, result: DispatchResult) -> dict[str, Floats]:
    """Return the columns of a result that a step decides by itself, by kind, MW."""
    most, knee = plan.units_on * plan.case.coal_unit_mw, knee_pu(plan.case)
    more = result.export_mw - plan.case.export_mw
    return {
        "coal_up": np.clip(result.coal_mw, 0.0, most * knee) - most * plan.case.coal_minimum_pu,
        "coal_top": result.coal_mw - most * knee,
        "renewables": result.renewable_mw,
        "export_up": more,
        "export_down": -more,
    }


def _bounded(kind: Kind, centre: Mapping[str, Floats], room: Floats | float) -> Kind:
    """Return columns that stay within some room of where they were; those not used and without room stay unused."""
    if kind.name not in centre:
        return kind
    value = np.maximum(centre[kind.name], 0.0)
    most = np.minimum(np.where(value + room > KEPT_MW, value + room, 0.0), kind.most)
    return replace(kind, least=np.clip(value - room, 0.0, most), most=most)


def _slices(names: Sequence[str], sizes: Sequence[int]) -> dict[str, slice]:
    ends = np.cumsum(sizes).tolist()
    return {name: slice(end - size, end) for name, size, end in zip(names, sizes, ends, strict=True)}
