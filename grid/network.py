"""Scenario → pandapower net: the 500/220 kV network of one year with everything that is connected to it.

    buses, lines, trafos, shunts  → net.bus, net.line, net.trafo, net.shunt
    coal, hydro                   → net.gen   (hold their voltage within reactive limits)
    wind, PV, storage             → net.sgen, net.storage (power only)
    loads, exports                → net.load
    boundary                      → net.ext_grid (first row: angle reference) and net.gen (share the residual power)
    all of them                   → net.situations (how the net is usually run; ``grid.situations``)

Every element is called as in the tables. Loads stand at their peak, exports at the contract's mean; plants and
storage stand at 0 MW until an hour is set. This module owns pandapower's element tables for the project.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandapower as pp

from grid.checks import require_sound
from grid.elements import Elements, reference_bus
from grid.situations import situations
from scenarios.records import Floats
from scenarios.schema import Scenario
from scenarios.settings import Grid
from scenarios.tables import Bus, Line, Trafo

SN_MVA = 100.0
FREQUENCY_HZ = 50.0
HOURS_PER_YEAR = 8760
EXTRA_HIGH_VOLTAGE_KV = 300.0
"""Nominal voltage above which ``grid.v_set_500_pu`` holds, below it ``grid.v_set_220_pu``."""

Positions = dict[str, int]


def build_net(scenario: Scenario) -> pp.pandapowerNet:
    """Return the pandapower net of the scenario's year.

    Assumed lines are sized first (``grid.sizing``) when ``grid.size_assumed_elements`` says so. Rows that are not
    in service, or not connected, are left out; ``grid.checks.check_network`` lists them.

    Raises ``DataError`` with all problems when the network is not sound.
    """
    elements = require_sound(scenario).elements
    net = pp.create_empty_network(name=scenario.settings.name, f_hz=FREQUENCY_HZ, sn_mva=SN_MVA)
    at = _add_buses(net, elements.buses)
    _add_lines(net, elements.lines, scenario, at)
    _add_trafos(net, elements.trafos, at)
    _add_shunts(net, elements, at)
    _add_loads(net, elements, scenario, at)
    _add_voltage_holding_plants(net, elements, scenario, at)
    _add_power_only_plants(net, elements, at)
    _add_boundary(net, elements, scenario, at)
    net["situations"] = situations(net, {channel.channel_id for channel in elements.exports})
    return net


def held_voltage_pu(bus: Bus, elements: Elements, settings: Grid) -> float:
    """Return the voltage that controls at ``bus`` hold: the boundary row's if there is one, else by level."""
    held = {row.bus_id: row.v_set_pu for row in elements.boundary}
    by_level = settings.v_set_500_pu if bus.vn_kv > EXTRA_HIGH_VOLTAGE_KV else settings.v_set_220_pu
    return held.get(bus.bus_id, by_level)


def _column(rows: Any, field: str) -> Floats:
    return np.array([getattr(row, field) for row in rows], dtype=np.float64)


def _add_buses(net: pp.pandapowerNet, buses: tuple[Bus, ...]) -> Positions:
    index = pp.create_buses(
        net,
        len(buses),
        vn_kv=_column(buses, "vn_kv"),
        name=[bus.bus_id for bus in buses],
        zone=[bus.county for bus in buses],
        geodata=[(bus.lon, bus.lat) for bus in buses],
    )
    return {bus.bus_id: int(number) for bus, number in zip(buses, index, strict=True)}


def _add_lines(net: pp.pandapowerNet, lines: tuple[Line, ...], scenario: Scenario, at: Positions) -> None:
    types = {row.line_type: row for row in scenario.tables.line_types}
    conductors = [types[line.line_type] for line in lines]
    pp.create_lines_from_parameters(
        net,
        [at[line.from_bus] for line in lines],
        [at[line.to_bus] for line in lines],
        length_km=_column(lines, "length_km"),
        r_ohm_per_km=_column(conductors, "r_ohm_per_km"),
        x_ohm_per_km=_column(conductors, "x_ohm_per_km"),
        c_nf_per_km=_column(conductors, "c_nf_per_km"),
        max_i_ka=_column(conductors, "i_normal_ka"),
        name=[line.line_id for line in lines],
        parallel=[line.circuits for line in lines],
        type="ol",
        max_i_emergency_ka=_column(conductors, "i_emergency_ka"),
    )


def _add_trafos(net: pp.pandapowerNet, trafos: tuple[Trafo, ...], at: Positions) -> None:
    steps = np.array([trafo.tap_steps for trafo in trafos])
    same = (
        "sn_mva",
        "vn_hv_kv",
        "vn_lv_kv",
        "vk_percent",
        "vkr_percent",
        "pfe_kw",
        "i0_percent",
        "tap_step_percent",
    )
    pp.create_transformers_from_parameters(
        net,
        [at[trafo.hv_bus] for trafo in trafos],
        [at[trafo.lv_bus] for trafo in trafos],
        name=[trafo.trafo_id for trafo in trafos],
        parallel=[trafo.n_parallel for trafo in trafos],
        tap_side="hv",
        tap_neutral=0,
        tap_min=-steps,
        tap_max=steps,
        tap_pos=[trafo.tap_position for trafo in trafos],
        tap_changer_type="Ratio",
        **{field: _column(trafos, field) for field in same},
    )


def _add_shunts(net: pp.pandapowerNet, elements: Elements, at: Positions) -> None:
    for shunt in elements.shunts:
        pp.create_shunt(net, at[shunt.bus_id], q_mvar=shunt.q_mvar, name=shunt.shunt_id)


def _add_loads(net: pp.pandapowerNet, elements: Elements, scenario: Scenario, at: Positions) -> None:
    settings = scenario.settings
    for load in elements.loads:
        p_mw = load.peak_mw * settings.scale.load
        q_mvar = p_mw * math.tan(math.acos(load.power_factor)) * (1 - load.compensation)
        pp.create_load(net, at[load.bus_id], p_mw, q_mvar, name=load.load_id)
    mean_mw = settings.export.annual_gwh * 1000 / HOURS_PER_YEAR * settings.scale.export
    for channel in elements.exports:
        pp.create_load(net, at[channel.bus_id], channel.share * mean_mw, name=channel.channel_id)


def _add_voltage_holding_plants(
    net: pp.pandapowerNet, elements: Elements, scenario: Scenario, at: Positions
) -> None:
    buses = {bus.bus_id: bus for bus in elements.buses}
    for plant in elements.plants:
        if plant.tech not in ("coal", "hydro"):
            continue
        limits = scenario.technologies[plant.technology]
        pp.create_gen(
            net,
            at[plant.bus_id],
            p_mw=0.0,
            vm_pu=held_voltage_pu(buses[plant.bus_id], elements, scenario.settings.grid),
            name=plant.plant_id,
            max_p_mw=plant.capacity_mw,
            min_q_mvar=limits.q_min_pu * plant.capacity_mw,
            max_q_mvar=limits.q_max_pu * plant.capacity_mw,
            slack_weight=0.0,
            type=plant.tech,
        )


def _add_power_only_plants(net: pp.pandapowerNet, elements: Elements, at: Positions) -> None:
    for plant in elements.plants:
        if plant.tech in ("wind", "pv"):
            pp.create_sgen(
                net,
                at[plant.bus_id],
                p_mw=0.0,
                name=plant.plant_id,
                max_p_mw=plant.capacity_mw,
                type=plant.tech,
            )
    for storage in elements.storages:
        pp.create_storage(
            net,
            at[storage.bus_id],
            p_mw=0.0,
            max_e_mwh=storage.energy_mwh,
            name=storage.storage_id,
            max_p_mw=storage.power_mw,
            type=storage.kind,
        )


def _add_boundary(net: pp.pandapowerNet, elements: Elements, scenario: Scenario, at: Positions) -> None:
    """Add the surrounding grid: strong nodes without reactive limits that share the residual by weight."""
    reference = reference_bus(scenario)
    for row in elements.boundary:
        shared: dict[str, Any] = {
            "vm_pu": row.v_set_pu,
            "name": row.bus_id,
            "slack_weight": row.weight,
        }
        if row.bus_id == reference:
            pp.create_ext_grid(net, at[row.bus_id], **shared)
        else:
            pp.create_gen(net, at[row.bus_id], p_mw=0.0, type="boundary", **shared)
