"""An outcome → the columns of the four hourly files, each with its unit.

A column is called ``<thing> <quantity>`` (``C1 generation_mw``, ``WUSA500 vm_pu``); columns of the whole system
carry the quantity alone. The quantity's last part is its unit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from scenarios.records import Floats
from sim import accounts as acc
from sim.outcome import Outcome
from sim.wires import bus_injections_mw, losses_from_voltages_mw

UNITS = {
    "_cny_per_mwh": "CNY/MWh",
    "_mwh": "MWh",
    "_mw": "MW",
    "_mvar": "Mvar",
    "_pu": "pu",
    "_deg": "degree",
    "_fraction": "fraction of the rating",
    "_count": "count",
    "status": "code of grid.model.FlowStatus",
}
"""Unit by the end of a column's name; the first that fits."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of an hourly file: its name, its unit, its values [hours]."""

    name: str
    unit: str
    values: npt.NDArray[Any]


def hourly_files(outcome: Outcome) -> dict[str, list[Column]]:
    """Return the columns of each hourly file by its name (``system``, ``plants``, ``branches``, ``buses``)."""
    return {
        "system": list(_system(outcome)),
        "plants": list(_plants(outcome)),
        "branches": list(_branches(outcome)),
        "buses": list(_buses(outcome)),
    }


def unit_of(name: str) -> str:
    """Return the unit of a column from the end of its name."""
    return next(unit for ending, unit in UNITS.items() if name.endswith(ending))


def _column(name: str, values: npt.NDArray[Any]) -> Column:
    return Column(name, unit_of(name), np.ascontiguousarray(values))


def _columns(names: Iterable[str], quantity: str, values: npt.NDArray[Any]) -> Iterable[Column]:
    return (_column(f"{name} {quantity}", values[:, k]) for k, name in enumerate(names))


def _system(outcome: Outcome) -> Iterable[Column]:
    powers, result, flow = acc.system_powers_mw(outcome), outcome.dispatch, outcome.flow
    yield from (_column(f"{name}_mw", values) for name, values in powers.items())
    yield _column("curtailed_mw", acc.curtailed_mw(powers))
    for cause, share_mw in zip(outcome.causes.causes, outcome.causes.share_mw, strict=True):
        yield _column(f"curtailed_{cause}_mw", share_mw.sum(axis=1))
    yield _column("residual_load_mw", acc.residual_load_mw(powers))
    yield _column("shed_limit_mw", outcome.case.sheddable_mw)
    yield _column("stored_mwh", result.stored_mwh.sum(axis=1))
    yield _column("price_cny_per_mwh", result.price_cny_per_mwh)
    yield _column("flow_status", flow.status)
    yield _column("iterations_count", flow.iterations)
    yield _column("mismatch_pu", flow.mismatch_pu)
    yield _column("ac_loss_mw", _ac_loss_mw(outcome))
    yield _column("slack_mw", flow.slack_mw.sum(axis=1))


def _ac_loss_mw(outcome: Outcome) -> Floats:
    solved = outcome.flow.solved
    loss_mw = np.full(len(solved), np.nan)
    loss_mw[solved] = losses_from_voltages_mw(outcome.model, outcome.flow, solved)
    return loss_mw


def _plants(outcome: Outcome) -> Iterable[Column]:
    case, result = outcome.case, outcome.dispatch
    yield from _columns(result.coal, "generation_mw", result.coal_mw)
    yield from _columns(result.coal, "units_on_count", result.coal_units_on)
    yield from _columns(result.coal, "starts_count", result.coal_starts)
    yield from _columns(result.hydros, "generation_mw", result.hydro_mw)
    yield from _columns(result.hydros, "spilled_mw", _spread_over_days(outcome, result.hydro_spilled_mwh))
    yield from _columns(case.renewables, "available_mw", case.available_mw)
    yield from _columns(result.renewables, "generation_mw", result.renewable_mw)
    for cause, share_mw in zip(outcome.causes.causes, outcome.causes.share_mw, strict=True):
        yield from _columns(outcome.causes.renewables, f"curtailed_{cause}_mw", share_mw)
    yield from _columns(result.storages, "charge_mw", result.charge_mw)
    yield from _columns(result.storages, "discharge_mw", result.discharge_mw)
    yield from _columns(result.storages, "stored_mwh", result.stored_mwh)
    yield from _columns(result.channels, "export_mw", result.export_mw)
    yield from _columns(case.channels, "contract_mw", case.export_mw)
    yield from _columns(case.channels, "band_low_mw", case.export_low_mw)
    yield from _columns(result.flexibles, "consumption_mw", result.flexible_mw)
    yield from _columns(result.calls, "called_mw", result.called_mw)


def _spread_over_days(outcome: Outcome, daily_mwh: Floats) -> Floats:
    """Return a daily energy as mean power in each step of its day [hours × things], MW."""
    time = outcome.case.time
    hours_of_day = np.bincount(time.day) * time.step_h
    return np.asarray((daily_mwh / hours_of_day[:, None])[time.day], dtype=np.float64)


def _branches(outcome: Outcome) -> Iterable[Column]:
    flow, names = outcome.flow, outcome.model.branches
    yield from _columns(names, "loading_fraction", flow.loading)
    yield from _columns(names, "from_mw", flow.p_from_mw)
    yield from _columns(names, "to_mw", flow.p_to_mw)
    yield from _columns(names, "from_mvar", flow.q_from_mvar)


def _buses(outcome: Outcome) -> Iterable[Column]:
    flow, model = outcome.flow, outcome.model
    yield from _columns(model.buses, "vm_pu", flow.vm_pu)
    yield from _columns(model.buses, "va_deg", flow.va_deg)
    yield from _columns(model.buses, "injection_mw", bus_injections_mw(outcome))
    yield from _columns([model.buses[bus] for bus in model.slack_bus], "slack_mw", flow.slack_mw)
    yield from _columns([model.buses[bus] for bus in model.control_bus], "control_mvar", flow.control_mvar)
    loads = {load.load_id: load.bus_id for load in outcome.scenario.tables.loads}
    for quantity, power_mw in (
        ("load_mw", outcome.case.load_mw),
        ("unserved_mw", outcome.dispatch.unserved_mw),
        ("shed_mw", outcome.dispatch.shed_mw),
        ("shift_up_mw", outcome.dispatch.shift_up_mw),
        ("shift_down_mw", outcome.dispatch.shift_down_mw),
    ):
        at_bus = _by_bus(loads, outcome.case.loads, power_mw)
        yield from (_column(f"{bus} {quantity}", values) for bus, values in at_bus.items())
    flexible = {load.flexible_id: load.bus_id for load in outcome.scenario.flexible_loads}
    at_bus = _by_bus(flexible, outcome.case.flexibles, outcome.dispatch.flexible_mw)
    yield from (_column(f"{bus} flexible_mw", values) for bus, values in at_bus.items())


def _by_bus(bus_of: Mapping[str, str], names: Iterable[str], power_mw_of: Floats) -> Mapping[str, Floats]:
    """Return the sum over the loads [hours × names] at each bus that has any [hours], MW."""
    sums: dict[str, Floats] = {}
    for name, power_mw in zip(names, power_mw_of.T, strict=True):
        sums[bus_of[name]] = sums.get(bus_of[name], np.zeros(len(power_mw))) + power_mw
    return sums
