"""A dispatch → what is put into the grid in every hour: power at buses, and what each voltage source may do.

Active power at a bus is generation + discharge − load served − flexible load − charge − export. Loads draw
reactive power in proportion to what they are served. A plant's bus holds its voltage within the reactive range of
its running units; with none running the range is zero, and the bus holds no voltage.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from grid.model import GridModel, Injections
from profiles.records import Profiles
from scenarios.errors import InvariantError, Problem
from scenarios.records import Floats, Ints
from scenarios.schema import Scenario
from sim.dispatch.model import DispatchResult


def inject(scenario: Scenario, profiles: Profiles, dispatch: DispatchResult, model: GridModel) -> Injections:
    """Return the injections [hours × buses] of a dispatch and the hourly ranges of the controls."""
    q_min_mvar, q_max_mvar = control_ranges(scenario, running_mw(scenario, dispatch), len(dispatch.time), model)
    return Injections(
        p_mw=_active_power(scenario, dispatch, profiles, model),
        q_mvar=_reactive_power(scenario, profiles, dispatch, model),
        v_set_pu=np.broadcast_to(model.v_set_pu, q_min_mvar.shape),
        q_min_mvar=q_min_mvar,
        q_max_mvar=q_max_mvar,
    )


def hours_of(injections: Injections, hours: Ints) -> Injections:
    """Return the injections of some hours."""

    def rows(values: Floats) -> Floats:
        return values[hours] if len(values) > 1 else values

    return Injections(
        p_mw=injections.p_mw[hours],
        q_mvar=injections.q_mvar[hours],
        v_set_pu=rows(injections.v_set_pu),
        q_min_mvar=rows(injections.q_min_mvar),
        q_max_mvar=rows(injections.q_max_mvar),
    )


def served_mw(profiles: Profiles, dispatch: DispatchResult) -> Floats:
    """Return the load actually served [hours × loads], MW: after response, shifting and what went unserved."""
    less = dispatch.shed_mw + dispatch.shift_down_mw + dispatch.unserved_mw
    return profiles.load_mw + dispatch.shift_up_mw - less


def _active_power(scenario: Scenario, dispatch: DispatchResult, profiles: Profiles, model: GridModel) -> Floats:
    bus_of = _bus_of(scenario)
    total = np.zeros((len(dispatch.time), len(model.buses)))
    for names, power_mw in (
        (dispatch.coal, dispatch.coal_mw),
        (dispatch.hydros, dispatch.hydro_mw),
        (dispatch.renewables, dispatch.renewable_mw),
        (dispatch.storages, dispatch.discharge_mw - dispatch.charge_mw),
        (dispatch.loads, -served_mw(profiles, dispatch)),
        (dispatch.channels, -dispatch.export_mw),
        (dispatch.flexibles, -dispatch.flexible_mw),
    ):
        total += power_mw @ _placement(names, bus_of, model)
    return total


def _reactive_power(scenario: Scenario, profiles: Profiles, dispatch: DispatchResult, model: GridModel) -> Floats:
    bus_of = _bus_of(scenario)
    share = np.divide(
        served_mw(profiles, dispatch),
        profiles.load_mw,
        out=np.ones_like(profiles.load_mw),
        where=profiles.load_mw > 0,
    )
    drawn = (profiles.load_mvar * share) @ _placement(dispatch.loads, bus_of, model)
    tan_phi = math.tan(math.acos(scenario.settings.grid.renewables_power_factor))
    given = dispatch.renewable_mw * tan_phi @ _placement(dispatch.renewables, bus_of, model)
    flexible = dispatch.flexible_mw * _flexible_tan_phi(scenario) @ _placement(dispatch.flexibles, bus_of, model)
    return given - drawn - flexible


def _flexible_tan_phi(scenario: Scenario) -> Floats:
    """Return reactive per active power of the flexible loads [flexibles]."""
    return np.array([math.tan(math.acos(item.power_factor)) for item in scenario.flexible_loads], dtype=np.float64)


def control_ranges(
    scenario: Scenario, running_mw: Mapping[str, Floats], hours: int, model: GridModel
) -> tuple[Floats, Floats]:
    """Return the reactive range of each control [hours × controls], from the capacity on line of each plant.

    Boundary nodes keep the model's range.
    """
    q_min = np.repeat(model.q_min_mvar[None, :], hours, axis=0)
    q_max = np.repeat(model.q_max_mvar[None, :], hours, axis=0)
    columns = {model.buses[bus]: column for column, bus in enumerate(model.control_bus)}
    slack_buses = {model.buses[bus] for bus in model.slack_bus}
    for bus in {plant.bus_id for plant in scenario.plants_of("coal", "hydro")} - slack_buses:
        here = [plant for plant in scenario.plants_of("coal", "hydro") if plant.bus_id == bus]
        limits = [scenario.technologies[plant.technology] for plant in here]
        column = columns[bus]
        q_min[:, column] = sum(running_mw[p.plant_id] * t.q_min_pu for p, t in zip(here, limits, strict=True))
        q_max[:, column] = sum(running_mw[p.plant_id] * t.q_max_pu for p, t in zip(here, limits, strict=True))
    return q_min, q_max


def running_mw(scenario: Scenario, dispatch: DispatchResult) -> dict[str, Floats]:
    """Return the capacity on line of each coal and hydro plant [hours], MW; hydro runs when it generates."""
    plants = {plant.plant_id: plant for plant in scenario.plants}
    coal = {
        name: np.multiply(dispatch.coal_units_on[:, k], plants[name].unit_mw, dtype=np.float64)
        for k, name in enumerate(dispatch.coal)
    }
    hydro = {
        name: np.where(dispatch.hydro_mw[:, k] > 0, plants[name].capacity_mw, 0.0)
        for k, name in enumerate(dispatch.hydros)
    }
    return coal | hydro


def _bus_of(scenario: Scenario) -> dict[str, str]:
    tables = scenario.tables
    return (
        {plant.plant_id: plant.bus_id for plant in scenario.plants}
        | {storage.storage_id: storage.bus_id for storage in scenario.storages}
        | {load.load_id: load.bus_id for load in tables.loads}
        | {channel.channel_id: channel.bus_id for channel in tables.exports}
        | {load.flexible_id: load.bus_id for load in scenario.flexible_loads}
    )


def _placement(names: Sequence[str], bus_of: dict[str, str], model: GridModel) -> Floats:
    """Return the 0/1 matrix [things × buses] that says which thing stands at which bus."""
    position = {bus: column for column, bus in enumerate(model.buses)}
    _require_placed(names, bus_of, position)
    placement = np.zeros((len(names), len(model.buses)))
    for row, name in enumerate(names):
        placement[row, position[bus_of[name]]] = 1.0
    return placement


def _require_placed(names: Iterable[str], bus_of: dict[str, str], position: dict[str, int]) -> None:
    lost = [name for name in names if bus_of.get(name) not in position]
    if lost:
        what = "stand at a bus that is not in the compiled grid"
        raise InvariantError(Problem(", ".join(lost), what, "the network check should have found this"))
