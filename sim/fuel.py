"""Technology → what a MWh of coal power costs, at rated load and at part load.

Coal use per kWh rises towards part load, because a running unit burns coal for nothing: its use per hour is a
line with an offset, steeper above half load. With r the use per kWh relative to rated load, at half and at 30 %
load, the use per hour (relative to that at rated load) is 0.3·r30, 0.5·r50 and 1, and between them two lines:

    lower = (0.5·r50 − 0.3·r30) / 0.2     upper = (1 − 0.5·r50) / 0.5     no load = 0.5·r50 − 0.5·lower
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from scenarios.errors import DataError, Problem
from scenarios.schema import Scenario
from scenarios.tables import Technology
from sim.dispatch.model import PartLoad

KG_COAL_PER_T = 1000.0

HALF, LOW = 0.5, 0.3
"""Loads at which the tables give the coal use, per unit of capacity."""


class FuelLine(NamedTuple):
    """Coal use per hour of a running unit, relative to rated load: offset, slopes below and above half load."""

    no_load: float
    lower: float
    upper: float


def coal_cost_cny_per_mwh(scenario: Scenario, kind: Technology) -> float:
    """Return the cost of one more MWh, CNY per net MWh: coal use (g/kWh = kg/MWh) and the rest.

    With ``coal.part_load`` it is that below half load, else the mean cost at rated load.
    """
    slope = fuel_line(kind).lower if scenario.settings.coal.part_load else 1.0
    return slope * _fuel_cny_per_mwh(scenario, kind) + scenario.settings.coal.other_cny_per_mwh


def part_load_of(scenario: Scenario) -> PartLoad | None:
    """Return what part load costs, or nothing when the scenario leaves it out.

    Raises ``DataError`` for coal use that would make the next MWh cheaper above half load than below.
    """
    if not scenario.settings.coal.part_load:
        return None
    plants = scenario.plants_of("coal")
    kinds = [scenario.technologies[plant.technology] for plant in plants]
    _require_convex(kinds)
    fuel = np.array([_fuel_cny_per_mwh(scenario, kind) for kind in kinds])
    unit_mw = np.array([p.unit_mw * (1.0 - kind.aux_pu) for p, kind in zip(plants, kinds, strict=True)])
    lines = np.array([fuel_line(kind) for kind in kinds]).reshape(len(kinds), 3)
    return PartLoad(
        knee_pu=np.full(len(kinds), HALF),
        upper_cost=fuel * lines[:, 2] + scenario.settings.coal.other_cny_per_mwh,
        no_load_cny_per_h=fuel * unit_mw * lines[:, 0],
    )


def fuel_line(kind: Technology) -> FuelLine:
    """Return the coal use per hour of a technology; without figures it is proportional to the power."""
    half = 1.0 if kind.use_at_half is None else kind.use_at_half
    if kind.use_at_30_percent is None:
        # One figure only: a straight line through half and rated load.
        return FuelLine(half - 1.0, 2.0 - half, 2.0 - half)
    lower = (HALF * half - LOW * kind.use_at_30_percent) / (HALF - LOW)
    return FuelLine(HALF * half - HALF * lower, lower, (1.0 - HALF * half) / (1.0 - HALF))


def _fuel_cny_per_mwh(scenario: Scenario, kind: Technology) -> float:
    return kind.coal_gce_per_kwh / KG_COAL_PER_T * scenario.settings.coal.fuel_cny_per_tce


def _require_convex(kinds: list[Technology]) -> None:
    lines = {kind.technology: fuel_line(kind) for kind in kinds}
    wrong = {name: line for name, line in lines.items() if line.lower > line.upper + 1e-9}
    if wrong:
        raise DataError(
            Problem(
                f"technologies.csv ({name})",
                f"one more MWh takes less coal above half load ({line.upper:.3f}) than below ({line.lower:.3f})",
                "lower use_at_half or raise use_at_30_percent",
            )
            for name, line in wrong.items()
        )
