"""The operating model as two records: what a solver is given, and what every solver returns.

``DispatchCase`` is the scenario and its profiles as arrays in the order of the fleet; ``DispatchResult`` is who ran
when. Balance of every step, in MW:

    Σ coal + Σ hydro + Σ renewable + Σ discharge + Σ unserved + Σ shed + Σ shift_down
        = Σ load + Σ flexible + Σ shift_up + Σ export + Σ charge + loss

Some prices follow from others so that they always rank alike, whatever a scenario says; they are properties of the
case, and ``docs/explanation/dispatch.md`` has them in one table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from scenarios.records import Floats, Ints, axes, record
from scenarios.timeaxis import TimeAxis

START_CONTENT = 0.5
"""Share of its energy that every storage holds at the start of the axis."""

TOLERANCE_MW = 1e-6

FLEXIBLE_BELOW_UNSERVED = 0.97
"""Price of cutting the minimum of flexible loads, relative to that of unserved load."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What an operator may ask beyond the plain model; every default asks nothing.

    ``ramps``: plants keep to ``coal_ramp_pu_per_h``. Reserve that running units hold in every step, MW: upwards
    ``reserve_up_load`` · load + ``reserve_up_renewables`` · available wind and PV (+ the largest running unit),
    downwards likewise; coal always provides, hydro, storage and wind and PV if named in ``reserve_by``; each MWh of
    it that is missing costs ``price_reserve``. ``export_ramp_mw_per_h`` is for each channel; the contract's own
    steps are always allowed. ``export_balance``: what a channel sends beyond and below its contract cancels out
    within each day or month, but for ``export_tolerance`` of the period's contract energy.
    ``storage_end_cny_per_mwh`` values the content that a window leaves behind.
    """

    ramps: bool = False
    reserve_up_load: float = 0.0
    reserve_up_renewables: float = 0.0
    reserve_largest_unit: bool = False
    reserve_down_load: float = 0.0
    reserve_down_renewables: float = 0.0
    reserve_by: tuple[str, ...] = ("hydro", "storage", "renewables")
    price_reserve: float = 4000.0
    export_ramp_mw_per_h: float | None = None
    export_balance: Literal["none", "day", "month"] = "none"
    export_tolerance: float = 0.0
    storage_end_cny_per_mwh: float = 0.0

    @property
    def hold_others(self) -> bool:
        """Whether a rule may keep coal, hydro, wind, PV or export from moving as their prices say."""
        held = self.ramps or self.export_ramp_mw_per_h is not None or self.export_balance != "none"
        return held or self.reserve_up or self.reserve_down

    @property
    def storage_holds_reserve(self) -> bool:
        """Whether storages count as reserve: by what they charge upwards, by what they discharge downwards."""
        return (self.reserve_up or self.reserve_down) and "storage" in self.reserve_by

    @property
    def reserve_up(self) -> bool:
        """Whether any reserve upwards is asked."""
        return self.reserve_up_load + self.reserve_up_renewables > 0.0 or self.reserve_largest_unit

    @property
    def reserve_down(self) -> bool:
        """Whether any reserve downwards is asked."""
        return self.reserve_down_load + self.reserve_down_renewables > 0.0


@record
class PartLoad:
    """Coal use at part load: convex, with one knee.

    A running unit costs ``no_load_cny_per_h``, each MWh up to ``knee_pu`` of its capacity the plant's
    ``coal_cost``, each MWh above it ``upper_cost``.
    """

    knee_pu: Floats = axes("coal")
    upper_cost: Floats = axes("coal")
    no_load_cny_per_h: Floats = axes("coal")


@record
class FlexibleLoads:
    """Loads that need an energy a day, whenever that is (electrolysers): each takes 0 … ``power_mw``.

    ``minimum_mw`` of it is taken always, cut only just before other load goes unserved. ``target_mw`` is the mean
    power that each day must reach; a MWh less costs ``missed_cny_per_mwh``, a MWh more is worth
    ``value_cny_per_mwh``, which is less.
    """

    names: tuple[str, ...]
    power_mw: Floats = axes("names")
    minimum_mw: Floats = axes("names")
    target_mw: Floats = axes("names")
    value_cny_per_mwh: Floats = axes("names")
    missed_cny_per_mwh: Floats = axes("names")

    @property
    def free_mw(self) -> Floats:
        """What each can do without at any time, MW."""
        return np.asarray(self.power_mw - self.minimum_mw)

    def check(self) -> None:
        """Refuse loads that no dispatch could serve; they would be faults of the program that made them."""
        ordered = (self.minimum_mw >= 0.0) & (self.minimum_mw <= self.power_mw) & (self.target_mw <= self.power_mw)
        if not ordered.all() or (self.target_mw < 0.0).any():
            raise ValueError("FlexibleLoads: minimum or target outside 0 … power")
        if (self.value_cny_per_mwh > self.missed_cny_per_mwh).any():
            raise ValueError("FlexibleLoads: a MWh beyond the target is worth more than one that is missed")


NO_FLEXIBLE_LOADS = FlexibleLoads((), *np.zeros((5, 0)))


@record
class Calls:
    """Blocks of load that is shed on call, by all loads at once in proportion to what they take.

    Each gives up to ``power_mw``, at full power for at most ``hours_per_day`` and ``mwh_per_year`` on the axis
    (infinite: no limit), for ``price_cny_per_mwh``. In the first ``notice_h`` of a window it gives no more than the
    window before had planned.
    """

    names: tuple[str, ...]
    power_mw: Floats = axes("names")
    price_cny_per_mwh: Floats = axes("names")
    hours_per_day: Floats = axes("names")
    mwh_per_year: Floats = axes("names")
    notice_h: Floats = axes("names")

    def __len__(self) -> int:
        """Return the number of blocks."""
        return len(self.names)

    def check(self) -> None:
        """Refuse blocks that no load could give; they would be faults of the program that made them."""
        given = (self.power_mw, self.hours_per_day, self.mwh_per_year, self.notice_h)
        if not all((values >= 0.0).all() for values in given):
            raise ValueError("Calls: negative power, hours or energy")

    def within(self, load_mw: Floats) -> Floats:
        """Return what each block can shed in each step [hours × calls], MW, of load [hours] that others leave."""
        limit = np.zeros((len(load_mw), len(self)))
        for k in np.argsort(self.price_cny_per_mwh, kind="stable"):
            limit[:, k] = np.clip(load_mw, 0.0, self.power_mw[k])
            load_mw = load_mw - limit[:, k]
        return limit


NO_CALLS = Calls((), *np.zeros((5, 0)))


@record
class DispatchCase:
    """Everything a dispatch solver may know. Costs in CNY/MWh, powers in MW, energies in MWh.

    Coal is by plant: ``coal_units`` equal units that can send out ``coal_unit_mw`` each (own use taken off); a
    running unit gives between ``coal_minimum_pu`` and 1 of that. ``coal_must_run_units`` is how many units of a
    plant run whatever the need (heat supply). ``hydro_minimum_mw`` must be released, ``hydro_budget_mwh`` is what
    may be released in that part of the calendar day that lies on the axis; it includes the minimum.
    ``loss_mw`` is the loss estimate, to be served like load. ``export_low_mw … export_high_mw`` is the band around
    ``export_mw``; ``export_mean_mw`` [channels] is the mean contract that tolerances refer to, none: that of this
    axis. ``price_*`` rank the ways out.
    """

    time: TimeAxis
    coal: tuple[str, ...]
    hydros: tuple[str, ...]
    renewables: tuple[str, ...]
    storages: tuple[str, ...]
    loads: tuple[str, ...]
    channels: tuple[str, ...]
    coal_units: Ints = axes("coal", dtype=int)
    coal_unit_mw: Floats = axes("coal")
    coal_minimum_pu: Floats = axes("coal")
    coal_cost: Floats = axes("coal")
    coal_start_hot_cny: Floats = axes("coal")
    coal_start_cold_cny: Floats = axes("coal")
    coal_min_up_h: Floats = axes("coal")
    coal_min_down_h: Floats = axes("coal")
    coal_ramp_pu_per_h: Floats = axes("coal")
    coal_must_run_units: Ints = axes("days", "coal", dtype=int)
    hydro_capacity_mw: Floats = axes("hydros")
    hydro_minimum_mw: Floats = axes("days", "hydros")
    hydro_budget_mwh: Floats = axes("days", "hydros")
    available_mw: Floats = axes("hours", "renewables")
    storage_power_mw: Floats = axes("storages")
    storage_energy_mwh: Floats = axes("storages")
    storage_charge_efficiency: Floats = axes("storages")
    storage_discharge_efficiency: Floats = axes("storages")
    storage_self_discharge_per_h: Floats = axes("storages")
    load_mw: Floats = axes("hours", "loads")
    loss_mw: Floats = axes("hours")
    export_mw: Floats = axes("hours", "channels")
    export_low_mw: Floats = axes("hours", "channels")
    export_high_mw: Floats = axes("hours", "channels")
    shed_limit_mw: Floats = axes("hours")
    call_limit_mw: Floats = axes("hours", "calls")
    shift_limit_mw: Floats = axes("hours")
    shift_energy_mwh: float
    rotation_days: int
    reserve_share_load: float
    renewables_credit: float
    look_ahead_h: int
    step_window_h: int
    price_curtailed: float
    price_unserved: float
    price_storage: float
    price_shed: float
    price_shift: float
    price_export_up: float
    price_export_down: float
    rules: Rules = Rules()
    part_load: PartLoad | None = None
    export_mean_mw: Floats | None = None
    flexible: FlexibleLoads = NO_FLEXIBLE_LOADS
    calls: Calls = NO_CALLS
    shift_efficiency: float = 1.0

    @property
    def flexibles(self) -> tuple[str, ...]:
        """Names of the flexible loads."""
        return self.flexible.names

    @property
    def sheddable_mw(self) -> Floats:
        """Load that can be shed in each step in all, MW [hours]."""
        return np.asarray(self.shed_limit_mw + self.call_limit_mw.sum(axis=1))

    @property
    def price_ramp(self) -> float:
        """Price of changing faster than a ramp allows, per MW and hour: only to keep a system in balance."""
        return self.price_below_minimum + 1000.0

    @property
    def price_spilled(self) -> float:
        """Price of water that passes the turbines unused: spilled only when no wind or PV is left to curtail."""
        return self.price_curtailed + 100.0

    @property
    def price_hydro_minimum(self) -> float:
        """Price of releasing less than the hydro minimum."""
        return self.price_curtailed + 1000.0

    @property
    def price_below_minimum(self) -> float:
        """Price of coal below its technical minimum: the very last way down."""
        return self.price_curtailed + 2000.0

    @property
    def price_export_cut(self) -> float:
        """Price of export below its band: cut just before load goes unserved (19 : 20)."""
        return 0.95 * self.price_unserved

    @property
    def price_flexible_cut(self) -> float:
        """Price of cutting what flexible loads always take: after export, before other load goes unserved."""
        return FLEXIBLE_BELOW_UNSERVED * self.price_unserved

    @property
    def price_loss_relief(self) -> float:
        """Price of not serving the loss estimate: only when nobody is served is there no loss."""
        return 2.0 * self.price_unserved

    @property
    def day_hours(self) -> Floats:
        """Hours of each calendar day that lie on the axis [days]."""
        return np.asarray(np.bincount(self.time.day) * self.time.step_h, dtype=np.float64)

    def check(self) -> None:
        """Refuse arrays that no dispatch could obey; they would be faults of the program that made the case."""
        slack = TOLERANCE_MW
        laws = {
            "a value is not finite": self._finite(),
            "available_mw < 0": bool((self.available_mw >= 0).all()),
            "load_mw or loss_mw < 0": bool((self.load_mw >= 0).all() and (self.loss_mw >= 0).all()),
            "export band": bool(
                (self.export_low_mw >= 0).all()
                and (self.export_low_mw <= self.export_mw + slack).all()
                and (self.export_mw <= self.export_high_mw + slack).all()
            ),
            "hydro minimum above capacity": bool((self.hydro_minimum_mw <= self.hydro_capacity_mw + slack).all()),
            "hydro minimum above budget": bool(
                (self.hydro_minimum_mw * self.day_hours[:, None] <= self.hydro_budget_mwh + 1e-3).all()
            ),
            "shed and shift limits above load": bool(
                (self.sheddable_mw + self.shift_limit_mw <= self.load_mw.sum(axis=1) + slack).all()
            ),
        }
        broken = [law for law, kept in laws.items() if not kept]
        if broken:
            raise ValueError("DispatchCase: " + "; ".join(broken))

    def _finite(self) -> bool:
        values = (getattr(self, name) for name in self.__dataclass_fields__)
        return all(np.isfinite(value).all() for value in values if isinstance(value, np.ndarray | float))


@record
class DispatchResult:
    """Who ran when. Everything ≥ 0; ``stored_mwh`` is the content at the end of the step.

    ``coal_units_on`` counts running units, ``coal_starts`` the units that start with the step.
    ``hydro_spilled_mwh`` is what of a day's budget was not released; ``shift_up_mw``/``shift_down_mw`` are load
    moved into / out of the step. ``export_mw`` is what was sent out; below the band only in scarcity.
    ``loss_mw`` equals the estimate, except when so little is served that losses cannot arise.
    ``flexible_mw`` is what flexible loads take, beside the load. ``called_mw`` is what of ``shed_mw`` was shed on
    call, by block.
    ``price_cny_per_mwh`` is the marginal cost of one more MWh of load in the step. ``cost_cny`` holds the operating
    cost by part (coal, starts, storage, shed, shift, unserved, export_up, export_down, export_cut, curtailment,
    ranking: spilled water, hydro below its must-run, coal below minimum, losses not served).
    ``below_minimum_mw`` is what coal had to give less than its technical minimum (0 in a sound year: reported).
    ``days_anew`` are the days that ``fast`` had dispatched anew by the exact programme, for the sake of a rule.
    """

    time: TimeAxis
    coal: tuple[str, ...]
    hydros: tuple[str, ...]
    renewables: tuple[str, ...]
    storages: tuple[str, ...]
    loads: tuple[str, ...]
    channels: tuple[str, ...]
    flexibles: tuple[str, ...]
    calls: tuple[str, ...]
    coal_mw: Floats = axes("hours", "coal")
    coal_units_on: Ints = axes("hours", "coal", dtype=int)
    coal_starts: Ints = axes("hours", "coal", dtype=int)
    hydro_mw: Floats = axes("hours", "hydros")
    hydro_spilled_mwh: Floats = axes("days", "hydros")
    renewable_mw: Floats = axes("hours", "renewables")
    charge_mw: Floats = axes("hours", "storages")
    discharge_mw: Floats = axes("hours", "storages")
    stored_mwh: Floats = axes("hours", "storages")
    shed_mw: Floats = axes("hours", "loads")
    shift_up_mw: Floats = axes("hours", "loads")
    shift_down_mw: Floats = axes("hours", "loads")
    unserved_mw: Floats = axes("hours", "loads")
    export_mw: Floats = axes("hours", "channels")
    flexible_mw: Floats = axes("hours", "flexibles")
    called_mw: Floats = axes("hours", "calls")
    loss_mw: Floats = axes("hours")
    below_minimum_mw: Floats = axes("hours")
    price_cny_per_mwh: Floats = axes("hours")
    cost_cny: tuple[tuple[str, float], ...]
    days_anew: tuple[int, ...] = ()

    @property
    def total_cost_cny(self) -> float:
        """Sum of all parts of the cost: what every solver minimises, given the commitment."""
        return sum(value for _, value in self.cost_cny)
