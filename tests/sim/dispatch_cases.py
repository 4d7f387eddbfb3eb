"""Small dispatch cases: what a test does not say is absent (plants, exports) or neutral (no loss, no reserve)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from scenarios.timeaxis import TimeAxis
from sim.dispatch.model import NO_CALLS, Calls, DispatchCase

SCALARS = {
    "shift_energy_mwh": 0.0,
    "rotation_days": 7,
    "reserve_share_load": 0.0,
    "renewables_credit": 0.0,
    "look_ahead_h": 48,
    "step_window_h": 24,
    "price_curtailed": 80.0,
    "price_unserved": 20000.0,
    "price_storage": 15.0,
    "price_shed": 1500.0,
    "price_shift": 25.0,
    "price_export_up": 30.0,
    "price_export_down": 450.0,
}
LENGTH_BY = {
    "coal": "coal_unit_mw",
    "hydros": "hydro_capacity_mw",
    "renewables": "available_mw",
    "storages": "storage_power_mw",
    "channels": "export_mw",
}
ARRAYS: dict[str, tuple[tuple[str, ...], float | int]] = {
    "coal_units": (("coal",), 1),
    "coal_unit_mw": (("coal",), 100.0),
    "coal_minimum_pu": (("coal",), 0.0),
    "coal_cost": (("coal",), 300.0),
    "coal_start_hot_cny": (("coal",), 0.0),
    "coal_start_cold_cny": (("coal",), 0.0),
    "coal_min_up_h": (("coal",), 0.0),
    "coal_min_down_h": (("coal",), 0.0),
    "coal_ramp_pu_per_h": (("coal",), 60.0),
    "coal_must_run_units": (("days", "coal"), 0),
    "hydro_capacity_mw": (("hydros",), 0.0),
    "hydro_minimum_mw": (("days", "hydros"), 0.0),
    "hydro_budget_mwh": (("days", "hydros"), 0.0),
    "available_mw": (("hours", "renewables"), 0.0),
    "storage_power_mw": (("storages",), 0.0),
    "storage_energy_mwh": (("storages",), 0.0),
    "storage_charge_efficiency": (("storages",), 1.0),
    "storage_discharge_efficiency": (("storages",), 1.0),
    "storage_self_discharge_per_h": (("storages",), 0.0),
    "loss_mw": (("hours",), 0.0),
    "export_mw": (("hours", "channels"), 0.0),
    "shed_limit_mw": (("hours",), 0.0),
    "shift_limit_mw": (("hours",), 0.0),
}


def make_case(load_mw: Any, *, step_h: float = 1.0, start: str = "2025-01-01", **given: Any) -> DispatchCase:
    """Return a case with the given load [hours] or [hours × loads]; other fields may be given, also as scalars."""
    load = _columns(load_mw)
    time = TimeAxis.of(start, len(load) * step_h, step_h)
    fields: dict[str, Any] = SCALARS | given
    for name in ("available_mw", "export_mw", "export_low_mw", "export_high_mw"):
        if name in fields:
            fields[name] = _columns(fields[name])
    fields.setdefault("loads", tuple(f"load-{number}" for number in range(load.shape[1])))
    for axis, sized_by in LENGTH_BY.items():
        width = np.shape(fields[sized_by])[-1] if sized_by in fields else 0
        fields.setdefault(axis, tuple(f"{axis}-{number}" for number in range(width)))
    lengths = {"hours": len(load), "days": int(time.day[-1]) + 1}
    lengths |= {axis: len(fields[axis]) for axis in LENGTH_BY}
    for name, (shape, default) in ARRAYS.items():
        fields[name] = _filled(fields.get(name, default), tuple(lengths[axis] for axis in shape), type(default))
    fields.setdefault("export_low_mw", fields["export_mw"])
    fields.setdefault("export_high_mw", fields["export_mw"])
    calls = fields.pop("calls", NO_CALLS)
    nothing = np.zeros((len(load), 0))
    return with_calls(DispatchCase(time=time, load_mw=load, call_limit_mw=nothing, **fields), calls)


def on_call(
    power_mw: Any, price: Any = 1500.0, hours_per_day: Any = 24.0, mwh_per_year: Any = np.inf, notice_h: Any = 0.0
) -> Calls:
    """Return blocks of shedding on call; numbers hold for all of them."""
    names = tuple(f"B{k}" for k in range(np.size(power_mw)))
    given = (power_mw, price, hours_per_day, mwh_per_year, notice_h)
    return Calls(names, *(_filled(value, (len(names),), float) for value in given))


def with_calls(case: DispatchCase, calls: Calls, **given: Any) -> DispatchCase:
    """Return a case with blocks on call, and other fields."""
    case = replace(case, calls=NO_CALLS, call_limit_mw=np.zeros((len(case.time), 0)), **given)
    limit = calls.within(case.load_mw.sum(axis=1) - case.shift_limit_mw - case.shed_limit_mw)
    return replace(case, calls=calls, call_limit_mw=limit)


def _columns(values: Any) -> Any:
    array = np.asarray(values, dtype=float)
    return array[:, None] if array.ndim == 1 else array


def _filled(value: Any, shape: tuple[int, ...], kind: type) -> Any:
    dtype = np.int64 if kind is int else np.float64
    return np.broadcast_to(np.asarray(value, dtype=dtype), shape).copy()


def random_case(seed: int, days: int = 6, step_h: float = 1.0, **given: Any) -> DispatchCase:
    """Return a made-up system of about 10 GW with everything in it: plants, bands, stores, shifting."""
    draw = np.random.default_rng(seed)
    steps = round(days * 24 / step_h)
    hour = np.arange(steps) * step_h % 24
    load = 3000 + draw.uniform(300, 700) * np.sin((hour - 9) / 12 * np.pi) + draw.normal(0, 60, steps)
    sun = np.clip(np.sin((hour - 6.5) / 12 * np.pi), 0, None) * (hour > 6.5) * (hour < 18.5)
    pv = sun * np.repeat(draw.uniform(0.3, 1, days), round(24 / step_h)) * draw.uniform(3000, 9000)
    gusts = np.convolve(draw.normal(0, 1, steps + 4), np.ones(5) / 5, "valid")
    wind = np.clip(1.2 * gusts + 0.9, 0, 2.5) * draw.uniform(600, 2000)
    plants = int(draw.integers(3, 10))
    unit = draw.choice([150.0, 300.0, 660.0], plants)
    units = draw.integers(1, 5, plants)
    units = np.maximum(1, np.round(units * 9000 / (unit * units).sum())).astype(int)
    hydro = draw.uniform(80, 600, int(draw.integers(0, 5)))
    budget = hydro * 24 * draw.uniform(0.1, 0.6, (days, len(hydro)))
    power = draw.uniform(50, 600, int(draw.integers(0, 4)))
    export = np.outer(np.where((hour >= 9) & (hour < 23), 1, 0.7), draw.uniform(700, 1800, 2))
    band = draw.choice([0, 0.05, 0.1, 0.2])
    fields = {
        "coal_units": units,
        "coal_unit_mw": unit,
        "coal_minimum_pu": draw.uniform(0.3, 0.5, plants),
        "coal_cost": np.round(draw.uniform(240, 340, plants)),
        "coal_start_hot_cny": 3e5,
        "coal_start_cold_cny": 8e5,
        "coal_min_up_h": 8.0,
        "coal_min_down_h": 8.0,
        "hydro_capacity_mw": hydro,
        "hydro_budget_mwh": budget,
        "hydro_minimum_mw": 0.2 * budget / 24,
        "available_mw": np.stack([0.6 * pv, 0.4 * pv, wind], axis=1),
        "storage_power_mw": power,
        "storage_energy_mwh": power * draw.uniform(1, 8, len(power)),
        "storage_charge_efficiency": draw.uniform(0.86, 0.96, len(power)),
        "storage_discharge_efficiency": draw.uniform(0.86, 0.96, len(power)),
        "storage_self_discharge_per_h": draw.choice([0, 1e-4, 1e-3], len(power)),
        "loss_mw": 0.02 * load,
        "export_mw": export,
        "export_low_mw": export * (1 - band),
        "export_high_mw": export * (1 + band),
        "shed_limit_mw": np.full(steps, 0.05 * load.max()),
        "shift_limit_mw": 0.03 * load,
        "shift_energy_mwh": 0.03 * 3000 * 4,
        "reserve_share_load": 0.08,
        "renewables_credit": 0.7,
        "price_export_up": float(draw.choice([-30.0, 30.0])),
    }
    return make_case(load, step_h=step_h, **(fields | given))
