"""Sampled years → the indices of adequacy, each with its standard error, and when to stop sampling.

    LOLE (days), LOLH, EUE, LOLF    means over years, standard error s/√N (NREL PRAS documentation)
    NEUE                            EUE / demand, ppm
    bulk equivalent outage time     EUE / mean load: what 用户平均停电时间 would be if all customers shared alike;
                                    1 − NEUE is the bulk equivalent of 供电可靠率 RS-1 (DL/T 836). They know
                                    nothing of distribution networks, so they are no customer figures.
    mean duration                   LOLH / LOLF, standard error of a ratio by the delta method
    LOLP by month and clock hour    share of those hours that are short

With no shortage in N years the estimate is 0 and says so with an upper bound: with 95 % confidence fewer than 3/N
of years have one (rule of three, Hanley & Lippman-Hand 1983, JAMA 249).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from scenarios.records import Floats
from sim.progress import Stages
from sim.reliability import kernels
from sim.reliability.estimates import Estimate, mean_of, ratio_of
from sim.reliability.places import ByPlace, places_as_json, risk_by_place
from sim.reliability.sampling import Sample, prepared, sample
from sim.reliability.system import AdequacySystem

BULK_NOTE = (
    "transmission-level equivalents from EUE / mean load; a transmission model has no customers, so these are not "
    "the customer-weighted figures of DL/T 836"
)

BATCH_YEARS = 32 * kernels.BLOCK
"""Years between two looks at the error."""

RULE_OF_THREE = 3.0
PPM = 1e6
PERCENT = 100.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is sampled: at most ``years``, fewer once LOLH and EUE have the relative error ``error``."""

    years: int = 1000
    seed: int = 1
    error: float | None = None


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
    bulk_outage_h: Estimate
    lolp: Floats
    by_place: ByPlace | None = None

    @property
    def bulk_reliability_percent(self) -> Estimate:
        """Bulk equivalent of 供电可靠率: the share of the demand that is served, %."""
        share = PERCENT / PPM
        return Estimate(PERCENT - share * self.neue_ppm.value, share * self.neue_ppm.standard_error)

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


def indices(system: AdequacySystem, done: Sample) -> Adequacy:
    """Return the indices of a sample."""
    hours, energy, spells = (done.column(c) for c in (kernels.LOLH, kernels.EUE, kernels.LOLF))
    demand_mwh, network = system.demand_mwh, system.network
    unserved = energy / demand_mwh if demand_mwh > 0 else 0.0 * energy
    return Adequacy(
        years=done.years,
        years_short=int((hours > 0).sum()),
        lole_days=mean_of(done.column(kernels.LOLD)),
        lolh_h=mean_of(hours),
        eue_mwh=mean_of(energy),
        neue_ppm=mean_of(unserved * PPM),
        lolf=mean_of(spells),
        duration_h=ratio_of(hours, spells),
        export_cut_h=mean_of(done.column(kernels.EXPORT_H)),
        export_cut_mwh=mean_of(done.column(kernels.EXPORT_MWH)),
        response_mwh=mean_of(done.column(kernels.RESPONSE_MWH)),
        storage_mwh=mean_of(done.column(kernels.STORAGE_MWH)),
        bulk_outage_h=mean_of(unserved * system.time.hours),
        lolp=_lolp(system, done),
        by_place=None if network is None or done.where is None else risk_by_place(network, done.where),
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
        "bulk_equivalent": {
            "note": BULK_NOTE,
            "outage_h": result.bulk_outage_h.as_json(),
            "reliability_percent": result.bulk_reliability_percent.value,
        },
        "by_place": None if result.by_place is None else places_as_json(result.by_place),
        "lolp_by_month_and_hour": [[None if np.isnan(p) else float(p) for p in row] for row in result.lolp],
    }
