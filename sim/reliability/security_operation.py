"""A run folder → the operation of its year as the power flow was given it: what is put in at each bus, who runs.

Nothing is simulated again. Voltages and admittances give the power that entered the grid at every bus,
S = V · conj(Y V); less what slack nodes and controls added, that is the schedule. Hours without a solution are NaN.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from grid.model import Complexes, GridModel, Injections
from scenarios.records import Bools, Floats, Ints, axes, record
from scenarios.schema import Scenario
from scenarios.timeaxis import TimeAxis
from sim.injections import control_ranges
from sim.runs import RunRecord


@record
class YearOperation:
    """What the grid had to carry. ``taken_mw`` is load served and export at each bus, a part of ``injections``.

    ``units_on`` counts the running units of each coal and hydro plant; a hydro plant that generates runs all.
    ``solved`` are the hours whose power flow has a solution.
    """

    time: TimeAxis
    buses: tuple[str, ...]
    plants: tuple[str, ...]
    injections: Injections
    solved: Bools = axes("hours", dtype=np.bool_)
    taken_mw: Floats = axes("hours", "buses")
    generation_mw: Floats = axes("hours", "plants")
    units_on: Ints = axes("hours", "plants", dtype=np.int64)


def operation_of(run: RunRecord, scenario: Scenario, model: GridModel) -> YearOperation:
    """Return the operation that a run folder of the same scenario holds."""
    plants = scenario.plants_of("coal", "hydro")
    generation_mw = _columns(run.quantity("plants", "generation_mw"), [plant.plant_id for plant in plants])
    counted = run.quantity("plants", "units_on_count")
    units_on = np.column_stack(
        [
            counted[plant.plant_id].to_numpy() if plant.plant_id in counted else plant.units * (mw > 0)
            for plant, mw in zip(plants, generation_mw.T, strict=True)
        ]
        or [np.zeros((len(generation_mw), 0))]
    ).astype(np.int64)
    running = {plant.plant_id: plant.unit_mw * on for plant, on in zip(plants, units_on.T, strict=True)}
    scheduled_mva = scheduled_at_buses_mva(run, model)
    q_min, q_max = control_ranges(scenario, running, len(scheduled_mva), model)
    return YearOperation(
        time=scenario.time,
        buses=model.buses,
        plants=tuple(plant.plant_id for plant in plants),
        injections=Injections(
            p_mw=np.ascontiguousarray(scheduled_mva.real),
            q_mvar=np.ascontiguousarray(scheduled_mva.imag),
            v_set_pu=model.v_set_pu[None, :],
            q_min_mvar=q_min,
            q_max_mvar=q_max,
        ),
        solved=np.asarray(np.isfinite(scheduled_mva).all(axis=1)),
        taken_mw=_taken_mw(run, scenario, model),
        generation_mw=generation_mw,
        units_on=units_on,
    )


def scheduled_at_buses_mva(run: RunRecord, model: GridModel) -> Complexes:
    """Return scheduled generation − load at each bus [hours × buses], MVA; NaN in hours without a solution."""
    vm_pu, va_deg = (_columns(run.quantity("buses", name), model.buses) for name in ("vm_pu", "va_deg"))
    solved = np.isfinite(vm_pu).any(axis=1)
    v: Complexes = (vm_pu * np.exp(1j * np.deg2rad(va_deg))).astype(np.complex128)
    v[solved] = np.nan_to_num(v[solved])  # buses of an empty dead island carry nothing
    entered: Complexes = v * np.conj(_currents_pu(model, v)) * model.sn_mva
    slack = _columns(run.quantity("buses", "slack_mw"), [model.buses[bus] for bus in model.slack_bus])
    control = _columns(run.quantity("buses", "control_mvar"), [model.buses[bus] for bus in model.control_bus])
    entered[:, model.slack_bus] -= slack
    entered[:, model.control_bus] -= 1j * control
    return entered


def _currents_pu(model: GridModel, v: Complexes) -> Complexes:
    """Return the current that enters the grid at each bus: into shunts and into both ends of branches."""
    f, t = model.from_bus, model.to_bus
    current = v * model.y_shunt_pu
    into_from = v[:, f] * model.y_ff_pu + v[:, t] * model.y_ft_pu
    into_to = v[:, f] * model.y_tf_pu + v[:, t] * model.y_tt_pu
    for k in range(len(f)):
        current[:, f[k]] += into_from[:, k]
        current[:, t[k]] += into_to[:, k]
    return np.asarray(current, dtype=np.complex128)


def _taken_mw(run: RunRecord, scenario: Scenario, model: GridModel) -> Floats:
    """Return load served, flexible loads and export at each bus [hours × buses], MW."""
    served = run.quantity("buses", "load_mw")
    for name, sign in (("shift_up", 1.0), ("shift_down", -1.0), ("shed", -1.0), ("unserved", -1.0)):
        served = served + sign * run.quantity("buses", f"{name}_mw")
    served = served.add(run.quantity("buses", "flexible_mw"), fill_value=0.0)
    channels = {channel.channel_id: channel.bus_id for channel in scenario.tables.exports}
    export = run.quantity("plants", "export_mw")
    by_bus = export.T.groupby(export.columns.map(channels)).sum().T
    total = served.add(by_bus, fill_value=0.0)
    return _columns(total.reindex(columns=list(model.buses), fill_value=0.0), model.buses)


def _columns(frame: pd.DataFrame, names: tuple[str, ...] | list[str]) -> Floats:
    return np.ascontiguousarray(frame[list(names)].to_numpy(dtype=np.float64))
