"""Small systems for the tests of adequacy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from scenarios.timeaxis import TimeAxis
from sim.reliability.network import Label, Network
from sim.reliability.system import PLAIN, AdequacySystem, replaced

NEVER_H = float("inf")


def system(
    capacity: Sequence[float],
    load: Sequence[float] | Sequence[Sequence[float]],
    mttf: float | Sequence[float] = NEVER_H,
    mttr: float | Sequence[float] = 10.0,
    **changes: Any,
) -> AdequacySystem:
    """Return units of some capacities (MW) serving hourly loads; everything else is absent unless given."""
    count, loads = len(capacity), np.atleast_2d(np.array(load, dtype=float))
    weathers, hours = loads.shape
    none = np.zeros(count, dtype=np.int64)
    values: dict[str, Any] = {
        "name": "small",
        "time": TimeAxis.of("2025-01-01", hours),
        "weathers": tuple(map(str, range(weathers))),
        "units": tuple(f"G{k}" for k in range(count)),
        "unit_plant": tuple(f"G{k}" for k in range(count)),
        "hydros": (),
        "renewables": (),
        "storages": (),
        "measures": (),
        "assumed": (),
        "load_uncertainty": 0.0,
        "capacity_mw": np.array(capacity, dtype=float),
        "derated_mw": np.zeros(count),
        "derated_share": np.zeros(count),
        "mean_up_h": np.zeros(count) + mttf,
        "mean_down_h": np.zeros(count) + mttr,
        "out_from": none,
        "out_to": none,
        "unit_hydro": none + PLAIN,
        "renewable_capacity_mw": np.zeros(0),
        "renewable_mw": np.zeros((weathers, hours, 0)),
        "load_mw": loads,
        "response_mw": np.zeros((weathers, hours)),
        "export_mw": np.zeros(hours),
        "hydro_budget_mwh": np.zeros((-(-hours // 24), 0)),
        "hydro_minimum_mw": np.zeros((-(-hours // 24), 0)),
    }
    return AdequacySystem(**(values | storages(()) | changes))


def storages(given: tuple[tuple[float, float], ...], efficiency: float = 1.0) -> dict[str, Any]:
    """Return the fields of storages given as (MW, MWh), discharging and charging at an efficiency."""
    table = np.array(given, dtype=float).reshape(-1, 2)
    every = np.full(len(table), efficiency)
    return {
        "storages": tuple(f"S{k}" for k in range(len(table))),
        "storage_power_mw": table[:, 0].copy(),
        "storage_energy_mwh": table[:, 1].copy(),
        "storage_charge_efficiency": every,
        "storage_discharge_efficiency": every,
        "storage_self_discharge_per_h": np.zeros(len(table)),
    }


def hydro(power: float, budgets: Sequence[float], minimum: float = 0.0) -> dict[str, Any]:
    """Return the fields of one hydro plant H with a single reliable unit, which must be the last of the units."""
    water = np.array(budgets, dtype=float)[:, None]
    return {"hydros": ("H",), "hydro_budget_mwh": water, "hydro_minimum_mw": np.full_like(water, minimum)}


def wavy_load(hours: int, mean: float, swing: float) -> list[float]:
    """Return a load that swings over the day."""
    clock = np.arange(hours) % 24
    return list(mean + swing * np.sin(2 * np.pi * (clock - 9) / 24))


def wired(
    s: AdequacySystem,
    bus_of: dict[str, int],
    branches: Sequence[tuple[int, int, float]],
    load_bus: Sequence[int],
    channel_bus: Sequence[int] = (),
    **changes: Any,
) -> AdequacySystem:
    """Return a system with buses 0, 1, … and branches (from, to, MW) of equal reactance and one circuit each.

    The load is split evenly over ``load_bus``, the export over ``channel_bus``; branches never fail unless
    ``mean_up_h`` is given. Each bus is a county of its own.
    """
    buses = 1 + max(max(a, b) for a, b, _ in branches)
    weathers, hours = s.load_mw.shape
    demand_bus = [*load_bus, *channel_bus]
    values: dict[str, Any] = {
        "buses": tuple(f"N{k}" for k in range(buses)),
        "branches": tuple(Label(f"L{k}", "", "") for k in range(len(branches))),
        "demands": tuple(Label(f"D{k}", "", "") for k in range(len(demand_bus))),
        "counties": tuple(Label(f"C{k}", "", "") for k in range(buses)),
        "bus_of": bus_of,
        "from_bus": np.array([a for a, _, _ in branches], dtype=np.int64),
        "to_bus": np.array([b for _, b, _ in branches], dtype=np.int64),
        "susceptance": np.ones(len(branches)),
        "limit_mw": np.array([mw for _, _, mw in branches], dtype=float),
        "circuits": np.ones(len(branches), dtype=np.int64),
        "mean_up_h": np.full(len(branches), NEVER_H),
        "mean_down_h": np.full(len(branches), 10.0),
        "zone": np.zeros(len(branches), dtype=np.int64),
        "ageing": np.ones((weathers, hours, 1)),
        "demand_bus": np.array(demand_bus, dtype=np.int64),
        "county": np.array(demand_bus, dtype=np.int64),
        "load_share": np.full((weathers, hours, len(load_bus)), 1 / max(len(load_bus), 1)),
        "export_share": np.full((hours, len(channel_bus)), 1 / max(len(channel_bus), 1)),
    }
    return replaced(s, network=Network(**(values | changes)))
