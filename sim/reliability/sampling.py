"""``AdequacySystem`` → figures of sampled years: the door to the compiled walk.

Year ``y`` of a seed is always the same year, whatever else is sampled, by how many threads, and in which order:
more years continue a sample. It has weather ``y`` modulo the number of weather years.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from scenarios import jitcache  # noqa: F401  (before numba)
from scenarios.processors import count_of
from scenarios.records import Floats, Ints, axes, record
from sim.reliability import kernels
from sim.reliability.arrays import in_service_mw, merged_stores, one_row, units_of, water_of
from sim.reliability.networked import Networked, Where, networked, sample_network
from sim.reliability.system import AdequacySystem

LOAD_KEY = np.uint64(0x6C6F6164)
"""Key of the draws of the load forecast error."""

STEPS_OF_NORMAL = (0.006, 0.061, 0.242, 0.382, 0.242, 0.061, 0.006)
"""Seven steps of a normal distribution at −3 … +3 standard deviations (Billinton & Allan 1996, section 2.7)."""

MEASURES = {"storage": kernels.BY_STORAGE, "response": kernels.BY_RESPONSE, "export": kernels.BY_EXPORT}


@record
class Sample:
    """Annual figures of sampled years (columns of ``kernels``) and steps of shortage by month and clock hour.

    ``where`` says at which buses and in which counties, at network level.
    """

    first_year: int
    figures: Floats = axes("years", "columns")
    short_steps: Ints = axes("months", "clock", dtype=int)
    where: Where | None = None

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
            where=None if self.where is None or later.where is None else self.where.followed_by(later.where),
        )


class Prepared(NamedTuple):
    """A system as the kernels want it."""

    units: kernels.Units
    node: kernels.Node
    measures: Ints
    load_uncertainty: float


def prepared(system: AdequacySystem) -> Prepared | Networked:
    """Return the arrays of the compiled walk; it is worth keeping when a system is sampled several times."""
    if system.network is not None:
        return networked(system, system.network)
    row = one_row(system)
    service = in_service_mw(system, row, 1 + len(system.hydros))
    return Prepared(
        units_of(system, row),
        kernels.Node(_course(system, service[:, 0]), water_of(system, service[:, 1:]), merged_stores(system)),
        np.array([MEASURES[name] for name in system.measures], dtype=np.int64),
        system.load_uncertainty,
    )


def sample(ready: Prepared | Networked, seed: int, first_year: int, years: int, firm_mw: float = 0.0) -> Sample:
    """Return ``years`` sampled years from ``first_year`` on; ``firm_mw`` is added to supply (below 0: to load).

    At network level it is added at the buses in proportion to their load.
    """
    measures = np.zeros(0, dtype=np.int64) if isinstance(ready, Networked) else ready.measures
    factors = load_factors(ready.load_uncertainty, seed, first_year, years)
    study = kernels.Study(np.uint64(seed), first_year, factors, firm_mw, measures)
    where = None
    if isinstance(ready, Networked):
        figures, cells, where = sample_network(ready, study, numba.get_num_threads())
    else:
        figures, cells = kernels.walk_years(ready.units, *ready.node, study)
    return Sample(first_year, figures=figures, short_steps=cells.reshape(-1, 12, 24).sum(axis=0), where=where)


def use_threads(jobs: int | None) -> None:
    """Let sampling use this many threads; ``None``: as many as are allowed."""
    most: int = numba.config.NUMBA_NUM_THREADS  # type: ignore[attr-defined]
    numba.set_num_threads(min(count_of(jobs or 0), most))


def load_factors(uncertainty: float, seed: int, first_year: int, years: int) -> Floats:
    """Return what the load of each year is multiplied by: 1 + forecast error, seven-step normal [years]."""
    drawn = kernels.year_uniforms(np.uint64(seed), LOAD_KEY, first_year, years)
    place = np.minimum(np.searchsorted(np.cumsum(STEPS_OF_NORMAL), drawn, side="right"), 6)
    return np.asarray(1.0 + (place - 3) * uncertainty)


def _course(system: AdequacySystem, service_mw: Floats) -> kernels.Course:
    time = system.time
    return kernels.Course(
        supply_mw=system.renewable_mw.sum(axis=2) + service_mw,
        load_mw=np.array(system.load_mw),
        response_mw=np.array(system.response_mw),
        export_mw=np.array(system.export_mw),
        day=np.array(time.day),
        cell=(time.month - 1) * 24 + time.hour_of_day,
        step_h=time.step_h,
    )
