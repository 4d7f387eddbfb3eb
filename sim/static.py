"""An outcome → the part of ``run.json`` that does not change with the hours: what and where everything is.

With it the hourly files can be read, drawn and checked without the scenario or its tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from grid.checks import NetworkReport
from scenarios.schema import Scenario
from scenarios.tables import Row
from sim.dispatch.model import DispatchCase
from sim.outcome import Outcome
from sim.wires import monitored_buses

Rows = dict[str, dict[str, Any]]


def static_part(outcome: Outcome) -> dict[str, Any]:
    """Return names, places, capacities, confidence and factors of all elements, by id, as plain types."""
    scenario = outcome.scenario
    time = outcome.case.time
    return {
        "time": {"start": time.start.isoformat(), "steps": len(time), "step_h": time.step_h},
        "region": scenario.settings.region_key,
        "plants": _plants(outcome),
        "storages": _rows(scenario.storages, "storage_id"),
        "loads": _only(_rows(scenario.tables.loads, "load_id"), outcome.case.loads),
        "channels": _only(_rows(scenario.tables.exports, "channel_id"), outcome.case.channels),
        "flexible_loads": _rows(scenario.flexible_loads, "flexible_id"),
        "shed_blocks": _shed_blocks(outcome),
        "counties": _rows(scenario.tables.counties, "county"),
        "buses": _buses(outcome),
        "branches": _branches(outcome),
        "elements": _elements(scenario),
        "prices": _prices(outcome),
    }


def _rows(rows: Iterable[Row], key: str) -> Rows:
    return {str(getattr(row, key)): row.model_dump(mode="json") for row in rows}


def _only(rows: Rows, names: Iterable[str]) -> Rows:
    return {name: rows[name] for name in names}


def _shed_blocks(outcome: Outcome) -> Rows:
    """Return the blocks of shedding on call, with their power."""
    rows, power = _rows(outcome.scenario.shed_blocks, "block_id"), outcome.case.calls.power_mw
    return {name: row | {"power_mw": float(mw)} for (name, row), mw in zip(rows.items(), power, strict=True)}


def _plants(outcome: Outcome) -> Rows:
    """Return the plants in service with capacity, technology factors, and costs where they burn coal."""
    case, scenario = outcome.case, outcome.scenario
    coal = {
        name: {
            "cost_cny_per_mwh": float(case.coal_cost[k]),
            "minimum_used_pu": float(case.coal_minimum_pu[k]),
            "start_hot_cny": float(case.coal_start_hot_cny[k]),
            "start_cold_cny": float(case.coal_start_cold_cny[k]),
            **_part_load(case, k),
        }
        for k, name in enumerate(case.coal)
    }
    clipped = dict(zip(outcome.profiles.renewables, outcome.profiles.clipped_gwh.tolist(), strict=True))
    rows = _rows(scenario.plants, "plant_id")
    for plant in scenario.plants:
        factors = scenario.technologies[plant.technology]
        rows[plant.plant_id] |= {
            "capacity_mw": plant.capacity_mw,
            "aux_pu": factors.aux_pu,
            "coal_gce_per_kwh": factors.coal_gce_per_kwh,
            "co2_t_per_mwh": factors.co2_t_per_mwh,
            "clipped_gwh": clipped.get(plant.plant_id),
            **coal.get(plant.plant_id, {}),
        }
    return rows


def _part_load(case: DispatchCase, plant: int) -> dict[str, float]:
    if case.part_load is None:
        return {}
    return {
        "knee_pu": float(max(case.part_load.knee_pu[plant], case.coal_minimum_pu[plant])),
        "upper_cost_cny_per_mwh": float(case.part_load.upper_cost[plant]),
        "no_load_cny_per_h": float(case.part_load.no_load_cny_per_h[plant]),
    }


def _buses(outcome: Outcome) -> Rows:
    known = _rows(outcome.scenario.tables.buses, "bus_id")
    model = outcome.model
    watched = {item.bus.bus_id: item for item in monitored_buses(outcome)}
    rows: Rows = {}
    for k, name in enumerate(model.buses):
        item = watched.get(name)
        rows[name] = known.get(name, {}) | {
            "vn_kv": float(model.vn_kv[k]),
            "monitored": item is not None,
            "low_pu": item.band.low_pu if item else None,
            "high_pu": item.band.high_pu if item else None,
            "shunt_mw_at_1_pu": float(model.y_shunt_pu[k].real * model.sn_mva),
            "slack": k in model.slack_bus,
        }
    return rows


def _branches(outcome: Outcome) -> Rows:
    """Return the branches of the compiled grid; lines as they are after the sizing rule."""
    model, elements = outcome.model, outcome.network.elements
    known = _rows(elements.lines, "line_id") | _rows(elements.trafos, "trafo_id")
    return {
        name: known.get(name, {})
        | {
            "kind": "trafo" if model.is_trafo[k] else "line",
            "from": model.buses[model.from_bus[k]],
            "to": model.buses[model.to_bus[k]],
            "limit_from_ka": _finite(model.limit_from_ka[k]),
            "limit_to_ka": _finite(model.limit_to_ka[k]),
        }
        for k, name in enumerate(model.branches)
    }


def _finite(value: float) -> float | None:
    """Return a rating, or ``None`` where the element has none (infinity is not JSON)."""
    return float(value) if value < float("inf") else None


def _elements(scenario: Scenario) -> Mapping[str, Rows]:
    """Return all rows of the network tables that are in service in the year, as recorded (before any sizing)."""
    tables, year = scenario.tables, scenario.year
    return {
        "buses": _rows((row for row in tables.buses if row.in_service(year)), "bus_id"),
        "lines": _rows((row for row in tables.lines if row.in_service(year)), "line_id"),
        "trafos": _rows((row for row in tables.trafos if row.in_service(year)), "trafo_id"),
    }


def _prices(outcome: Outcome) -> dict[str, float]:
    names = (
        "curtailed",
        "unserved",
        "storage",
        "shed",
        "shift",
        "export_up",
        "export_down",
        "export_cut",
        "flexible_cut",
    )
    return {name: float(getattr(outcome.case, f"price_{name}")) for name in names}


def network_part(report: NetworkReport) -> dict[str, Any]:
    """Return how much of the network is published, what was sized, left out and doubtful, as plain types."""
    return {
        "year": report.year,
        "evidence": [asdict(item) | {"published_share": item.published_share} for item in report.evidence],
        "sizing_changes": [
            asdict(change) | {"before": change.before, "after": change.after, "reason": change.reason}
            for change in report.sizing_changes
        ],
        "left_overloaded": [str(overload) for overload in report.left_overloaded],
        "left_out": [str(item) for item in report.left_out],
        "warnings": [str(warning) for warning in report.warnings],
    }
