"""A dispatch case with its grid → the same programme in PyPSA, for comparison: run as a script where PyPSA lives.

    python pypsa_export.py case.npz        prints one line of JSON: objective, seconds, versions

``write_case`` (called by the test, with the project's packages) writes plain arrays; the script below it knows
nothing of the project. Every column of a step becomes a PyPSA component:

    coal, hydro, wind and PV, export down and cut, shed, unserved, losses not incurred   generators
    export up                                                                           a generator that draws
    storage, moved load                                                                  bus + store + two links
    day's water                                                                          a constraint of its own
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from grid.model import GridModel
    from sim.dispatch.programme import Programme

STORE = ("level", "shift_level")


def write_case(path: Path, plan: Programme, model: GridModel, bus_of: dict[str, int]) -> None:
    """Write a window over the whole axis: the columns of ``plan`` at the buses of ``model``, lines and fixed load."""
    case = plan.case
    names = {
        "coal_low": case.coal,
        "coal_up": case.coal,
        "must_run": case.hydros,
        "water": case.hydros,
        "renewables": case.renewables,
        "export_up": case.channels,
        "export_down": case.channels,
        "export_cut": case.channels,
        "shed": case.loads,
        "unserved": case.loads,
        "charge": case.storages,
    }
    arrays: dict[str, Any] = {f"bus {kind}": [bus_of[name] for name in things] for kind, things in names.items()}
    for kind, columns in plan.at.items():
        arrays[f"price {kind}"], arrays[f"most {kind}"] = plan.price[columns], plan.upper[:, columns]
    fixed = np.zeros((len(case.time), len(model.buses)))
    for name, power in zip(case.loads, case.load_mw.T, strict=True):
        fixed[:, bus_of[name]] += power
    for name, power in zip(case.channels, case.export_mw.T, strict=True):
        fixed[:, bus_of[name]] += power
    weight = np.zeros(len(model.buses))
    weight[model.slack_bus] = model.slack_weight
    np.savez(
        path,
        **arrays,
        fixed_mw=fixed + case.loss_mw[:, None] * weight,
        relief_weight=weight,
        moved_weight=np.bincount([bus_of[n] for n in case.loads], plan.moved_share, len(model.buses)),
        day=case.time.day,
        water_mwh=plan.water_mean_mw * case.day_hours[:, None],
        keep=plan.keep,
        charge_efficiency=case.storage_charge_efficiency,
        discharge_efficiency=case.storage_discharge_efficiency,
        first_mwh=plan.first_mwh,
        line_from=model.from_bus,
        line_to=model.to_bus,
        line_x_pu=-1.0 / (model.y_ft_pu.imag if False else np.abs(model.y_ft_pu)) * -1.0,
        line_mw=plan.limits.high_mw[: len(model.branches)],
    )
