"""Causes → figures of ``run.json``: curtailed energy by cause, in all and by technology, county, plant, month."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from scenarios.records import Bools, Floats
from scenarios.schema import Scenario
from sim.absorption.causes import CAUSES, Causes

SENTENCES = {
    "surplus": "more wind, PV and must-use water than load, export band and storage take, with free wires and coal",
    "flexibility": "coal that must run, cannot go below its technical minimum, or cannot start and stop in time",
    "network": "ratings of branches and limits of sections with everything in service",
    "security": "the same limits after the loss of any one circuit (N-1)",
    "ac": "what the AC power flow corrected: voltages, reactive flow, losses by place",
}
NOT_OPERATED = "no part of this operation"
MWH_PER_GWH = 1000.0


def cause_figures(scenario: Scenario, causes: Causes) -> dict[str, Any]:
    """Return ``by_cause`` (every cause) and ``causes`` (those of this operation, broken down), energies in GWh."""
    techs = {plant.plant_id: plant.tech for plant in scenario.plants}
    counties = {plant.plant_id: plant.county for plant in scenario.plants}
    return {
        "by_cause": _by_cause(causes),
        "causes": {
            "by_tech": _by_group(causes, techs),
            "by_county": _by_group(causes, counties),
            "by_plant": _by_group(causes, {name: name for name in causes.renewables}),
            "by_month": _by_month(scenario, causes),
            "rows": [_row(asdict(row)) for row in causes.rows],
        },
    }


def _by_cause(causes: Causes) -> dict[str, dict[str, Any]]:
    total = float(causes.share_mw.sum())
    increase_mwh = dict(zip(causes.causes, np.diff(causes.rung_mwh, prepend=0.0).tolist(), strict=True))
    return {
        cause: {
            "gwh": _gwh(causes, causes.of(cause)),
            "share": float(causes.of(cause).sum()) / total if total > 0 else None,
            "increase_gwh": increase_mwh.get(cause, 0.0) / MWH_PER_GWH,
            "operated": cause in causes.causes,
            "sentence": SENTENCES[cause] if cause in causes.causes else NOT_OPERATED,
        }
        for cause in CAUSES
    }


def _by_group(causes: Causes, group_of: Mapping[str, str]) -> dict[str, dict[str, float]]:
    """Return the energy by group of plants and cause, groups in order of first appearance."""
    groups = list(dict.fromkeys(group_of[name] for name in causes.renewables))
    member = {group: np.array([group_of[name] == group for name in causes.renewables]) for group in groups}
    return {group: _split(causes, columns=member[group]) for group in groups}


def _by_month(scenario: Scenario, causes: Causes) -> dict[str, dict[str, float]]:
    month = causes.time.month
    return {
        f"{scenario.year}-{number:02d}": _split(causes, steps=month == number)
        for number in sorted(set(month.tolist()))
    }


def _split(
    causes: Causes, steps: Bools | slice = slice(None), columns: Bools | slice = slice(None)
) -> dict[str, float]:
    return {
        cause: _gwh(causes, share_mw[steps][:, columns])
        for cause, share_mw in zip(causes.causes, causes.share_mw, strict=True)
    }


def _gwh(causes: Causes, power_mw: Floats) -> float:
    return float(power_mw.sum()) * causes.time.step_h / MWH_PER_GWH


def _row(row: dict[str, Any]) -> dict[str, Any]:
    """Return a binding row with its energy in GWh, as all energies of ``run.json``."""
    return {key: value for key, value in row.items() if key != "mwh"} | {"gwh": row["mwh"] / MWH_PER_GWH}
