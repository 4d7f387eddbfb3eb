"""The published test system RTS-79 → ``AdequacySystem``.

8736 hours from a Monday on (52 weeks), annual peak 2850 MW, 32 units; no maintenance, no storage, no export. The
load of an hour is annual peak × week × day × hour, each in percent of the next larger one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scenarios.generating_system import GeneratingSystem, GeneratingUnit, load_rts79
from scenarios.records import Floats
from scenarios.timeaxis import TimeAxis
from sim.reliability.system import PLAIN, AdequacySystem

START = "1979-01-01"
"""A Monday; the model has 52 whole weeks."""


def published_system(name: str) -> AdequacySystem:
    """Return a system of ``PUBLISHED_SYSTEMS`` by its name."""
    tables = load_rts79()
    derated = name == "rts79-derated"
    load = load_course(tables)
    hours = len(load)
    return AdequacySystem(
        name=name,
        time=TimeAxis.of(START, hours),
        weathers=("",),
        hydros=(),
        renewables=(),
        storages=(),
        measures=(),
        assumed=(),
        load_uncertainty=0.0,
        load_mw=load[None, :],
        response_mw=np.zeros((1, hours)),
        renewable_capacity_mw=np.zeros(0),
        renewable_mw=np.zeros((1, hours, 0)),
        export_mw=np.zeros(hours),
        hydro_budget_mwh=np.zeros((hours // 24, 0)),
        hydro_minimum_mw=np.zeros((hours // 24, 0)),
        storage_power_mw=np.zeros(0),
        storage_energy_mwh=np.zeros(0),
        storage_charge_efficiency=np.zeros(0),
        storage_discharge_efficiency=np.zeros(0),
        storage_self_discharge_per_h=np.zeros(0),
        **_units(tables, derated),
    )


def load_course(tables: GeneratingSystem) -> Floats:
    """Return the load of every hour, MW [hours]; the year starts on a Monday."""
    shape = {(row.season, row.day_type, row.hour): row.peak_percent / 100 for row in tables.hours}
    days = sorted(tables.days, key=lambda row: row.day)
    return np.array(
        [
            tables.peak_mw * week.peak_percent / 100 * day.peak_percent / 100
            * shape[week.season, "weekend" if day.day >= 5 else "workday", hour]
            for week in sorted(tables.weeks, key=lambda row: row.week)
            for day in days
            for hour in range(24)
        ]
    )  # fmt: skip


def _units(tables: GeneratingSystem, derated: bool) -> dict[str, Any]:
    names = tuple(unit.unit_id for unit in tables.units)
    states = [_states(unit, derated) for unit in tables.units]
    none = np.zeros(len(names), dtype=np.int64)
    return {
        "units": names,
        "unit_plant": names,
        "capacity_mw": np.array([unit.capacity_mw for unit in tables.units]),
        "mean_up_h": np.array([up_h for up_h, _, _ in states]),
        "derated_share": np.array([share for _, share, _ in states]),
        "derated_mw": np.array([left_mw for _, _, left_mw in states]),
        "mean_down_h": np.array([unit.mttr_h for unit in tables.units]),
        "out_from": none,
        "out_to": none,
        "unit_hydro": none + PLAIN,
    }


def _states(unit: GeneratingUnit, derated: bool) -> tuple[float, float, float]:
    """Return mean time up, share of outages that are deratings, and capacity left in them.

    The published three-state model gives probabilities only. Outages of both kinds are taken to last the unit's
    mean time to repair; then mean time up = MTTR · P(up) / P(not up), and the kinds occur as their probabilities.
    """
    if not derated or unit.outage_probability is None or unit.derated_probability is None:
        return unit.mttf_h, 0.0, 0.0
    down = unit.outage_probability + unit.derated_probability
    return unit.mttr_h * (1 - down) / down, unit.derated_probability / down, unit.derated_mw or 0.0
