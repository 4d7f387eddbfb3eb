"""Scenario and profiles → ``DispatchCase``: the fleet, the demand and the prices as arrays for the dispatch.

Plants stand in the order of the scenario's tables, profiles in their own; powers are those sent out: own use
(``aux_pu`` of the technology) is taken off coal and hydro capacity.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from profiles.records import Profiles
from scenarios.errors import InvariantError, Problem, ScenarioError
from scenarios.records import Floats, Ints
from scenarios.schema import Scenario
from scenarios.tables import Plant, ShedBlock
from scenarios.timeaxis import TimeAxis
from sim.dispatch.model import FLEXIBLE_BELOW_UNSERVED, Calls, DispatchCase, FlexibleLoads, Rules
from sim.dispatch.notice import announceable
from sim.fuel import coal_cost_cny_per_mwh, part_load_of

HEATING_MONTHS = (11, 12, 1, 2, 3)
"""Months in which combined heat and power plants must deliver heat (assumed: November to March)."""

HEAT_MARK = "chp"
"""A coal plant whose technology has this in its name supplies heat."""


def build_case(scenario: Scenario, profiles: Profiles, loss_mw: Floats | None = None) -> DispatchCase:
    """Return the dispatch case of a scenario.

    ``loss_mw`` [hours] replaces the first estimate (``loss_estimate`` × load and contract). Raises
    ``ScenarioError`` when there is nothing to dispatch: no plant and no demand.
    """
    _require_something(scenario, profiles)
    _require_matching_names(scenario, profiles)
    settings, response = scenario.settings, _demand_response(scenario, profiles)
    calls = _calls(scenario, profiles)
    return DispatchCase(
        time=profiles.time,
        renewables=profiles.renewables,
        loads=profiles.loads,
        channels=profiles.channels,
        available_mw=profiles.available_mw,
        load_mw=profiles.load_mw,
        loss_mw=_loss_mw(scenario, profiles, loss_mw),
        rotation_days=settings.coal.rotation_days,
        reserve_share_load=settings.dispatch.reserve_share_load,
        renewables_credit=settings.dispatch.renewables_credit,
        look_ahead_h=settings.dispatch.look_ahead_h,
        step_window_h=settings.dispatch.step_window_h,
        **_coal(scenario, profiles.time),
        **_hydro(scenario, profiles),
        **_storages(scenario),
        **_exports(scenario, profiles),
        **response,
        **_prices(scenario),
        rules=_rules(scenario),
        part_load=part_load_of(scenario),
        flexible=_flexible(scenario),
        calls=calls,
        call_limit_mw=_call_limit_mw(scenario, profiles, calls, response),
    )


def _require_something(scenario: Scenario, profiles: Profiles) -> None:
    demand = profiles.load_mw.sum() + profiles.export_mw.sum()
    if not scenario.plants and demand <= 0.0:
        raise ScenarioError(
            Problem(
                scenario.settings.name,
                f"nothing to dispatch: no plant is in service in {scenario.year}, and load and export are zero",
                "check time.year, in_service_from in plants.csv, load.peak_mw and export.annual_gwh",
            )
        )


def _require_matching_names(scenario: Scenario, profiles: Profiles) -> None:
    """Refuse profiles of another scenario: then some earlier stage mixed them up."""
    pairs = {
        "renewables": (profiles.renewables, _names(scenario.plants_of("wind", "pv"))),
        "hydros": (profiles.hydros, _names(scenario.plants_of("hydro"))),
    }
    for axis, (given, wanted) in pairs.items():
        if sorted(given) != sorted(wanted):
            odd = sorted(set(given) ^ set(wanted)) or "repeated names"
            raise InvariantError(f"profiles.{axis} are not those of the scenario: {odd}")


def _names(plants: tuple[Plant, ...]) -> tuple[str, ...]:
    return tuple(plant.plant_id for plant in plants)


def _loss_mw(scenario: Scenario, profiles: Profiles, loss_mw: Floats | None) -> Floats:
    if loss_mw is None:
        served = profiles.load_mw.sum(axis=1) + profiles.export_mw.sum(axis=1)
        return np.asarray(scenario.settings.dispatch.loss_estimate * served)
    # An AC solution without flow leaves rounding dust on either side of zero.
    return np.asarray(np.where(np.abs(loss_mw) < 1e-6, 0.0, loss_mw), dtype=np.float64)


def _coal(scenario: Scenario, time: TimeAxis) -> dict[str, Any]:
    plants = scenario.plants_of("coal")
    kinds = [scenario.technologies[plant.technology] for plant in plants]
    coal = scenario.settings.coal
    minimum = [plant.minimum_pu if coal.minimum_pu is None else coal.minimum_pu for plant in plants]
    return {
        "coal": _names(plants),
        "coal_units": np.array([plant.units for plant in plants], dtype=np.int64),
        "coal_unit_mw": _floats(p.unit_mw * (1.0 - k.aux_pu) for p, k in zip(plants, kinds, strict=True)),
        "coal_minimum_pu": _floats(minimum),
        "coal_cost": _floats(coal_cost_cny_per_mwh(scenario, kind) for kind in kinds),
        "coal_start_hot_cny": _floats(kind.start_hot_cny for kind in kinds),
        "coal_start_cold_cny": _floats(kind.start_cold_cny for kind in kinds),
        "coal_min_up_h": _floats(kind.min_up_h for kind in kinds),
        "coal_min_down_h": _floats(kind.min_down_h for kind in kinds),
        "coal_ramp_pu_per_h": _floats(kind.ramp_pu_per_h for kind in kinds),
        "coal_must_run_units": _heat_units(plants, time),
    }


def _heat_units(plants: tuple[Plant, ...], time: TimeAxis) -> Ints:
    """One unit of every heat-supplying plant runs on each day of the heating months [days × coal]."""
    first_steps = np.flatnonzero(np.diff(time.day, prepend=-1))
    cold = np.isin(time.month[first_steps], HEATING_MONTHS)
    heat = np.array([HEAT_MARK in plant.technology.lower() for plant in plants], dtype=bool)
    return np.asarray((cold[:, None] & heat[None, :]).astype(np.int64))


def _hydro(scenario: Scenario, profiles: Profiles) -> dict[str, Any]:
    """Return hydro in the order of the profiles; the must-run is cut to what turbines and the day's water allow."""
    plants = {plant.plant_id: plant for plant in scenario.plants_of("hydro")}
    own_use = {name: scenario.technologies[plant.technology].aux_pu for name, plant in plants.items()}
    capacity = _floats(plants[name].capacity_mw * (1.0 - own_use[name]) for name in profiles.hydros)
    day_hours = np.bincount(profiles.time.day) * profiles.time.step_h
    mean_mw = profiles.hydro_budget_mwh / day_hours[:, None]
    return {
        "hydros": profiles.hydros,
        "hydro_capacity_mw": capacity,
        "hydro_budget_mwh": profiles.hydro_budget_mwh,
        "hydro_minimum_mw": np.minimum(np.minimum(profiles.hydro_minimum_mw, capacity), mean_mw),
    }


def _storages(scenario: Scenario) -> dict[str, Any]:
    items = scenario.storages
    return {
        "storages": tuple(item.storage_id for item in items),
        "storage_power_mw": _floats(item.power_mw for item in items),
        "storage_energy_mwh": _floats(item.energy_mwh for item in items),
        "storage_charge_efficiency": _floats(item.charge_efficiency for item in items),
        "storage_discharge_efficiency": _floats(item.discharge_efficiency for item in items),
        "storage_self_discharge_per_h": _floats(item.self_discharge_per_h for item in items),
    }


def _exports(scenario: Scenario, profiles: Profiles) -> dict[str, Any]:
    """Return contract and band; a channel carries no more than its limit, unless the contract itself does."""
    band = scenario.settings.export.band
    limits = {channel.channel_id: channel.limit_mw for channel in scenario.tables.exports}
    limit = _floats(limits[name] for name in profiles.channels)
    contract = profiles.export_mw
    return {
        "export_mw": contract,
        "export_low_mw": contract * (1.0 - band),
        "export_high_mw": np.maximum(contract, np.minimum(contract * (1.0 + band), limit)),
    }


def _demand_response(scenario: Scenario, profiles: Profiles) -> dict[str, Any]:
    response = scenario.settings.demand_response
    load = profiles.load_mw.sum(axis=1)
    shift = response.shift_share * load
    share = 0.0 if response.on_call else response.shed_share
    return {
        "shift_limit_mw": shift,
        "shift_energy_mwh": float(response.shift_window_h * shift.mean()),
        "shift_efficiency": response.shift_efficiency,
        "shed_limit_mw": np.minimum(share * load.max(), load - shift),
    }


def _prices(scenario: Scenario) -> dict[str, Any]:
    settings = scenario.settings
    return {
        "price_curtailed": settings.dispatch.curtailment_cny_per_mwh,
        "price_unserved": settings.dispatch.unserved_cny_per_mwh,
        "price_storage": settings.dispatch.storage_cny_per_mwh,
        "price_shed": settings.demand_response.shed_price_cny_per_mwh,
        "price_shift": settings.demand_response.shift_price_cny_per_mwh,
        "price_export_up": settings.export.up_price_cny_per_mwh,
        "price_export_down": settings.export.down_price_cny_per_mwh,
    }


def _flexible(scenario: Scenario) -> FlexibleLoads:
    """Return the flexible loads. Raises ``ScenarioError`` for a target dearer than the load that others need."""
    items = scenario.flexible_loads
    dearest = FLEXIBLE_BELOW_UNSERVED * scenario.settings.dispatch.unserved_cny_per_mwh
    wrong = [item for item in items if item.missed_cny_per_mwh >= dearest]
    if wrong:
        raise ScenarioError(
            Problem(
                f"flexible_loads.csv ({item.flexible_id})",
                f"missed_cny_per_mwh {item.missed_cny_per_mwh:g} is not below {dearest:g}",
                "a flexible load must go without before other load goes unserved (dispatch.unserved_cny_per_mwh)",
            )
            for item in wrong
        )
    return FlexibleLoads(
        names=tuple(item.flexible_id for item in items),
        power_mw=_floats(item.power_mw for item in items),
        minimum_mw=_floats(item.minimum_mw for item in items),
        target_mw=_floats(item.power_mw * item.target_h_per_day / 24.0 for item in items),
        value_cny_per_mwh=_floats(item.value_cny_per_mwh for item in items),
        missed_cny_per_mwh=_floats(item.missed_cny_per_mwh for item in items),
    )


def _calls(scenario: Scenario, profiles: Profiles) -> Calls:
    """Return the blocks of shedding on call.

    Raises ``ScenarioError`` for one dearer than unserved load, or named as that of the settings.
    """
    blocks, unserved = scenario.shed_blocks, scenario.settings.dispatch.unserved_cny_per_mwh
    if wrong := [block for block in blocks if block.price_cny_per_mwh >= unserved]:
        raise ScenarioError(
            Problem(
                _place_of(scenario, block),
                f"price_cny_per_mwh {block.price_cny_per_mwh:g} is not below {unserved:g}",
                "load must be shed before other load goes unserved (dispatch.unserved_cny_per_mwh)",
            )
            for block in wrong
        )
    if len({block.block_id for block in blocks}) < len(blocks):
        taken, cure = f'"{blocks[0].block_id}" is the block of demand_response', "give this block another block_id"
        raise ScenarioError([Problem("shed_blocks.csv", taken, cure)])
    power = _floats(block.share * profiles.load_mw.sum(axis=1).max() for block in blocks)
    hours = _floats(np.inf if block.hours_per_year is None else block.hours_per_year for block in blocks)
    return Calls(
        names=tuple(block.block_id for block in blocks),
        power_mw=power,
        price_cny_per_mwh=_floats(block.price_cny_per_mwh for block in blocks),
        hours_per_day=_floats(block.hours_per_day for block in blocks),
        mwh_per_year=np.where(np.isfinite(hours), power * np.nan_to_num(hours, posinf=0.0), np.inf),
        notice_h=_floats(block.notice_h for block in blocks),
    )


def _place_of(scenario: Scenario, block: ShedBlock) -> str:
    """Return where a block was given: in the table, or by the settings."""
    return f"shed_blocks.csv ({block.block_id})" if block in scenario.tables.shed_blocks else "demand_response"


def _call_limit_mw(scenario: Scenario, profiles: Profiles, calls: Calls, response: dict[str, Any]) -> Floats:
    """Return what each block can shed in each step, where it can be told in time [hours × calls].

    Raises ``ScenarioError`` for blocks that never can be.
    """
    windows = scenario.settings.dispatch
    sight_h = max(windows.look_ahead_h, windows.step_window_h)
    if wrong := [block for block in scenario.shed_blocks if block.notice_h >= sight_h]:
        raise ScenarioError(
            Problem(
                _place_of(scenario, block),
                f"the dispatch looks {sight_h} h ahead, so nobody can be told {block.notice_h:g} h before",
                "shorten notice_h (demand_response.shed_notice_h) or lengthen dispatch.look_ahead_h",
            )
            for block in wrong
        )
    limit = calls.within(profiles.load_mw.sum(axis=1) - response["shift_limit_mw"] - response["shed_limit_mw"])
    for k, notice_h in enumerate(calls.notice_h):
        told = announceable(profiles.time, windows.look_ahead_h, windows.step_window_h, notice_h)
        limit[:, k] = np.where(told, limit[:, k], 0.0)
    return limit


def _rules(scenario: Scenario) -> Rules:
    settings = scenario.settings
    dispatch, export = settings.dispatch, settings.export
    reserve = dispatch.reserve
    return Rules(
        ramps=dispatch.ramps,
        reserve_up_load=reserve.up_load_share,
        reserve_up_renewables=reserve.up_renewables_share,
        reserve_largest_unit=reserve.largest_unit,
        reserve_down_load=reserve.down_load_share,
        reserve_down_renewables=reserve.down_renewables_share,
        reserve_by=reserve.provided_by,
        price_reserve=reserve.missing_cny_per_mwh,
        export_ramp_mw_per_h=export.ramp_mw_per_h,
        export_balance=export.balance,
        export_tolerance=export.balance_tolerance,
        storage_end_cny_per_mwh=dispatch.storage_end_cny_per_mwh,
    )


def _floats(values: Iterator[float] | list[float]) -> Floats:
    return np.array(list(values), dtype=np.float64)
