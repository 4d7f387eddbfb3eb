"""``AdequacySystem`` → figures of sampled years: the door to the compiled walk.

Year ``y`` of a seed is always the same year, whatever else is sampled, by how many threads, and in which order:
more years continue a sample. It has weather ``y`` modulo the number of weather years.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from scenarios import jitcache  # noqa: F401  (before numba)
from scenarios.records import Bools, Floats, Ints, axes, record
from sim.reliability import kernels
from sim.reliability.system import PLAIN, AdequacySystem, unit_keys

LOAD_KEY = np.uint64(0x6C6F6164)
"""Key of the draws of the load forecast error."""

STEPS_OF_NORMAL = (0.006, 0.061, 0.242, 0.382, 0.242, 0.061, 0.006)
"""Seven steps of a normal distribution at −3 … +3 standard deviations (Billinton & Allan 1996, section 2.7)."""

MEASURES = {"storage": kernels.BY_STORAGE, "response": kernels.BY_RESPONSE, "export": kernels.BY_EXPORT}


@record
class Sample:
    """Annual figures of sampled years (columns of ``kernels``) and steps of shortage by month and clock hour."""

    first_year: int
    figures: Floats = axes("years", "columns")
    short_steps: Ints = axes("months", "clock", dtype=int)

    @property
    def years(self) -> int:
        """Number of sampled years."""
        return len(self.figures)

    def column(self, column: int) -> Floats:
        """Return one annual figure [years]."""
        return np.asarray(self.figures[:, column])

    def followed_by(self, later: Sample) -> Sample:
        """Return this sample continued by the years after it; raises ``ValueError`` when there is a gap."""
        if later.first_year != self.first_year + self.years:
            raise ValueError(f"year {later.first_year} does not follow {self.first_year + self.years - 1}")
        return Sample(
            self.first_year,
            figures=np.vstack([self.figures, later.figures]),
            short_steps=self.short_steps + later.short_steps,
        )


class Prepared(NamedTuple):
    """A system as the kernels want it."""

    units: kernels.Units
    node: kernels.Node
    measures: Ints
    load_uncertainty: float


def prepared(system: AdequacySystem) -> Prepared:
    """Return the arrays of the compiled walk; it is worth keeping when a system is sampled several times."""
    return Prepared(
        _units(system),
        kernels.Node(_course(system), _water(system), _stores(system)),
        np.array([MEASURES[name] for name in system.measures], dtype=np.int64),
        system.load_uncertainty,
    )


def sample(ready: Prepared, seed: int, first_year: int, years: int, firm_mw: float = 0.0) -> Sample:
    """Return ``years`` sampled years from ``first_year`` on; ``firm_mw`` is added to supply (below 0: to load)."""
    study = kernels.Study(
        np.uint64(seed), first_year, load_factors(ready, seed, first_year, years), firm_mw, ready.measures
    )
    figures, cells = kernels.walk_years(ready.units, *ready.node, study)
    return Sample(first_year, figures=figures, short_steps=cells.sum(axis=0).reshape(12, 24))


def use_threads(jobs: int | None) -> None:
    """Let sampling use this many threads; ``None``: all that there are."""
    most: int = numba.config.NUMBA_NUM_THREADS  # type: ignore[attr-defined]
    numba.set_num_threads(most if jobs is None else max(1, min(jobs, most)))


def load_factors(ready: Prepared, seed: int, first_year: int, years: int) -> Floats:
    """Return what the load of each year is multiplied by: 1 + forecast error, seven-step normal [years]."""
    drawn = kernels.year_uniforms(np.uint64(seed), LOAD_KEY, first_year, years)
    place = np.minimum(np.searchsorted(np.cumsum(STEPS_OF_NORMAL), drawn, side="right"), 6)
    return np.asarray(1.0 + (place - 3) * ready.load_uncertainty)


def in_service_mw(system: AdequacySystem) -> Floats:
    """Return capacity not in planned maintenance: plain units, then each hydro plant [steps × (1 + hydros)]."""
    change = np.zeros((len(system.time) + 1, 1 + len(system.hydros)))
    for u, capacity in enumerate(system.capacity_mw):
        column = system.unit_hydro[u] + 1
        change[0, column] += capacity
        change[system.out_from[u], column] -= capacity
        change[system.out_to[u], column] += capacity
    # Sums of unit capacities, cleaned from the rounding dust of adding and taking off.
    return np.asarray(np.round(np.cumsum(change[:-1], axis=0), 9))


def _units(system: AdequacySystem) -> kernels.Units:
    # Copies, so that the kernel is compiled for one layout of arrays only.
    return kernels.Units(
        key=unit_keys(system),
        unavailability=np.array(system.unavailability),
        mean_up_h=np.array(system.mean_up_h),
        mean_down_h=np.array(system.mean_down_h),
        lost_mw=np.array(system.capacity_mw),
        derated_lost_mw=np.array(system.capacity_mw - system.derated_mw),
        derated_share=np.array(system.derated_share),
        out_from=np.array(system.out_from),
        out_to=np.array(system.out_to),
        row=np.array(system.unit_hydro - PLAIN),
    )


def _course(system: AdequacySystem) -> kernels.Course:
    time = system.time
    return kernels.Course(
        supply_mw=system.renewable_mw.sum(axis=2) + in_service_mw(system)[:, 0],
        load_mw=np.array(system.load_mw),
        response_mw=np.array(system.response_mw),
        export_mw=np.array(system.export_mw),
        day=np.array(time.day),
        cell=(time.month - 1) * 24 + time.hour_of_day,
        step_h=time.step_h,
    )


def _water(system: AdequacySystem) -> kernels.Water:
    """Return hydro: the must-run of the whole day is set aside, the rest of its water is free."""
    hours = np.bincount(system.time.day) * system.time.step_h
    free = np.maximum(system.hydro_budget_mwh - system.hydro_minimum_mw * hours[:, None], 0.0)
    return kernels.Water(in_service_mw(system)[:, 1:].copy(), free, np.array(system.hydro_minimum_mw))


def _stores(system: AdequacySystem) -> kernels.Stores:
    """Return stores with those of one kind (hours, efficiencies, self-discharge) added up: they act as one."""
    kinds = np.column_stack(
        [
            system.storage_energy_mwh / system.storage_power_mw,
            system.storage_charge_efficiency,
            system.storage_discharge_efficiency,
            (1 - system.storage_self_discharge_per_h) ** system.time.step_h,
        ]
    )
    _, first, kind = np.unique(np.round(kinds, 12), axis=0, return_index=True, return_inverse=True)
    of_kind: Bools = kind.reshape(-1)[None, :] == np.arange(len(first))[:, None]
    return kernels.Stores(
        power_mw=of_kind @ system.storage_power_mw,
        energy_mwh=of_kind @ system.storage_energy_mwh,
        charge_efficiency=kinds[first, 1],
        discharge_efficiency=kinds[first, 2],
        keep=kinds[first, 3],
    )
