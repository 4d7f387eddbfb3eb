"""Sampled years → the indices of adequacy, each with its standard error, and when to stop sampling.

    LOLE (days), LOLH, EUE, LOLF    means over years, standard error s/√N (NREL PRAS documentation)
    NEUE                            EUE / demand, ppm
    mean duration                   LOLH / LOLF, standard error of a ratio by the delta method
    LOLP by month and clock hour    share of those hours that are short

With no shortage in N years the estimate is 0 and says so with an upper bound: with 95 % confidence fewer than 3/N
of years have one (rule of three, Hanley & Lippman-Hand 1983, JAMA 249).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from scenarios.records import Floats
from sim.progress import Stages
from sim.reliability import kernels
from sim.reliability.sampling import Sample, prepared, sample
from sim.reliability.system import AdequacySystem

BATCH_YEARS = 32 * kernels.BLOCK
"""Years between two looks at the error."""

RULE_OF_THREE = 3.0
PPM = 1e6


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is sampled: at most ``years``, fewer once LOLH and EUE have the relative error ``error``."""

    years: int = 1000
    seed: int = 1
    error: float | None = None


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over years and its standard error."""

    value: float
    standard_error: float

    def as_json(self) -> dict[str, float | None]:
        """Return both numbers; what was never seen, or seen in one year only, has no standard error."""
        known = self.value != 0 and math.isfinite(self.standard_error)
        return {"value": self.value, "standard_error": self.standard_error if known else None}


@dataclass(frozen=True, slots=True, eq=False)
class Adequacy:
    """Indices of the sampled span (a year unless the system covers less); ``lolp`` by month and clock hour."""

    years: int
    years_short: int
    lole_days: Estimate
    lolh_h: Estimate
    eue_mwh: Estimate
    neue_ppm: Estimate
    lolf: Estimate
    duration_h: Estimate | None
    export_cut_h: Estimate
    export_cut_mwh: Estimate
    response_mwh: Estimate
    storage_mwh: Estimate
    lolp: Floats

    @property
    def share_of_years_bound(self) -> float | None:
        """Upper 95 % bound of the share of years with a shortage, when none was seen; else ``None``."""
        return min(1.0, RULE_OF_THREE / self.years) if self.years_short == 0 else None


def assess(system: AdequacySystem, plan: Plan, stages: Stages) -> Adequacy:
    """Return the indices of a system by sequential simulation."""
    return indices(system, sampled(system, plan, stages))


def sampled(system: AdequacySystem, plan: Plan, stages: Stages) -> Sample:
    """Return the years sampled until the wanted error or the number of years is reached."""
    ready = prepared(system)
    done = sample(ready, plan.seed, 0, min(BATCH_YEARS, plan.years))
    while done.years < plan.years and not precise(done, plan.error):
        stages.tick(done.years, plan.years)
        more = min(BATCH_YEARS, plan.years - done.years)
        done = done.followed_by(sample(ready, plan.seed, done.years, more))
    return done


def precise(done: Sample, error: float | None) -> bool:
    """Whether LOLH and EUE are known to the wanted relative standard error; never when nothing was seen."""
    if error is None:
        return False
    found = [mean_of(done.column(column)) for column in (kernels.LOLH, kernels.EUE)]
    return all(item.value > 0 and item.standard_error <= error * item.value for item in found)


def mean_of(values: Floats) -> Estimate:
    """Return the mean and s/√N; of a single year the error is unknown (NaN)."""
    count = len(values)
    error = float(values.std(ddof=1)) / np.sqrt(count) if count > 1 else float("nan")
    return Estimate(float(values.mean()), float(error))


def ratio_of(above: Floats, below: Floats) -> Estimate | None:
    """Return mean / mean and its standard error by the delta method; ``None`` when the divisor is 0."""
    if below.mean() == 0:
        return None
    ratio = float(above.mean() / below.mean())
    return Estimate(ratio, mean_of((above - ratio * below) / below.mean()).standard_error)


def indices(system: AdequacySystem, done: Sample) -> Adequacy:
    """Return the indices of a sample."""
    hours, energy, spells = (done.column(c) for c in (kernels.LOLH, kernels.EUE, kernels.LOLF))
    demand_mwh = system.demand_mwh
    return Adequacy(
        years=done.years,
        years_short=int((hours > 0).sum()),
        lole_days=mean_of(done.column(kernels.LOLD)),
        lolh_h=mean_of(hours),
        eue_mwh=mean_of(energy),
        neue_ppm=mean_of(energy * (PPM / demand_mwh if demand_mwh > 0 else 0.0)),
        lolf=mean_of(spells),
        duration_h=ratio_of(hours, spells),
        export_cut_h=mean_of(done.column(kernels.EXPORT_H)),
        export_cut_mwh=mean_of(done.column(kernels.EXPORT_MWH)),
        response_mwh=mean_of(done.column(kernels.RESPONSE_MWH)),
        storage_mwh=mean_of(done.column(kernels.STORAGE_MWH)),
        lolp=_lolp(system, done),
    )


def _lolp(system: AdequacySystem, done: Sample) -> Floats:
    """Return the probability of shortage by month and clock hour [12 × 24]; NaN where the span has no such hour."""
    cell = (system.time.month - 1) * 24 + system.time.hour_of_day
    steps = np.bincount(cell, minlength=288).reshape(12, 24) * float(done.years)
    return np.asarray(np.divide(done.short_steps, steps, out=np.full((12, 24), np.nan), where=steps > 0))


def as_json(result: Adequacy) -> dict[str, Any]:
    """Return the indices as plain numbers, NaN as ``None``."""
    names = ("lole_days", "lolh_h", "eue_mwh", "neue_ppm", "lolf", "duration_h")
    used = ("export_cut_h", "export_cut_mwh", "response_mwh", "storage_mwh")
    estimates = {name: getattr(result, name) for name in (*names, *used)}
    return {
        "years": result.years,
        "years_with_shortage": result.years_short,
        "share_of_years_upper_bound_95": result.share_of_years_bound,
        **{name: None if item is None else item.as_json() for name, item in estimates.items()},
        "lolp_by_month_and_hour": [[None if np.isnan(p) else float(p) for p in row] for row in result.lolp],
    }
