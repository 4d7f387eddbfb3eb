"""A run folder → its curtailment by cause once more, from the hourly shares, and the laws that these must obey.

Nothing of ``sim.absorption`` is used. Shares exist for the causes that were part of the operation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from sim.rederive.hours import Hours

CAUSES = ("surplus", "flexibility", "network", "security", "ac")
EXACT = 1e-6
"""MWh (or MW in one hour) by which the shares may miss what they are shares of."""


def _share(h: Hours, cause: str) -> pd.DataFrame:
    """Return the share of a cause [hours × plants], MW."""
    return h.run.quantity("plants", f"curtailed_{cause}_mw").reindex(columns=h.renewables(), fill_value=0.0)


def causes_again(h: Hours) -> dict[str, Any]:
    """Return ``by_cause`` and ``causes`` of the curtailment metrics, summed over the plants' file."""
    operated = {cause: _share(h, cause) for cause in CAUSES if f"curtailed_{cause}_mw" in h.system}
    gwh = {cause: sum(h.each_gwh(share).values()) for cause, share in operated.items()}
    total = sum(gwh.values())
    return {
        "by_cause": {
            cause: {
                "gwh": gwh.get(cause, 0.0),
                "share": gwh.get(cause, 0.0) / total if total > 0 else None,
                "operated": cause in operated,
            }
            for cause in CAUSES
        },
        "causes": {
            "by_tech": _by_plants(h, operated, "tech"),
            "by_county": _by_plants(h, operated, "county"),
            "by_plant": {name: {c: h.gwh(share[name]) for c, share in operated.items()} for name in h.renewables()},
            "by_month": _by_month(h, operated),
        },
    }


def _by_plants(h: Hours, operated: Mapping[str, pd.DataFrame], key: str) -> dict[str, dict[str, float]]:
    group = pd.Series({name: str(h.plants[name][key]) for name in h.renewables()}, dtype=object)
    return {
        str(value): {cause: h.gwh(share[list(names)].sum(axis=1)) for cause, share in operated.items()}
        for value, names in group.groupby(group).groups.items()
    }


def _by_month(h: Hours, operated: Mapping[str, pd.DataFrame]) -> dict[str, dict[str, float]]:
    stamps = pd.DatetimeIndex(h.system.index).strftime("%Y-%m")
    sums = {cause: share.sum(axis=1).groupby(stamps).sum() for cause, share in operated.items()}
    return {
        str(month): {cause: float(of[month]) * h.step_h / 1000.0 for cause, of in sums.items()}
        for month in stamps.unique()
    }


def cause_laws(h: Hours) -> dict[str, float]:
    """Return the largest breach of every law of the shares; none may be above ``EXACT``."""
    apart = h.available[h.renewables()] - h.net[h.renewables()] - sum(_share(h, cause) for cause in CAUSES)
    lowest = min(_share(h, cause).to_numpy().min(initial=0.0) for cause in CAUSES)
    return {
        "causes add up to the curtailment of every hour and plant": float(
            np.abs(apart.to_numpy()).max(initial=0.0)
        ),
        "causes add up to the curtailment of the period": abs(float(apart.to_numpy().sum())) * h.step_h,
        "no share of a cause is negative": -float(lowest),
        "causes of the system file = sum of the plants' file": _against_system(h),
        "causes add up to the total in run.json": _stored_apart(h),
        "binding rows add up to their cause": _rows_apart(h),
    }


def _against_system(h: Hours) -> float:
    apart = [
        h.system[f"curtailed_{cause}_mw"] - _share(h, cause).sum(axis=1)
        for cause in CAUSES
        if f"curtailed_{cause}_mw" in h.system
    ]
    return float(np.abs(np.array(apart)).max(initial=0.0))


def _stored_apart(h: Hours) -> float:
    """Return the total curtailment − the sum over its causes as stored, MWh."""
    lost = h.run.metrics["curtailment"]
    return 1000.0 * abs(float(lost["total"]["gwh"] - sum(cause["gwh"] for cause in lost["by_cause"].values())))


def _rows_apart(h: Hours) -> float:
    """Return the share of a cause − what its rows were given as stored, MWh; only causes whose rows ever bound."""
    lost = h.run.metrics["curtailment"]
    given: dict[str, float] = {}
    for row in lost["causes"]["rows"]:
        given[row["cause"]] = given.get(row["cause"], 0.0) + row["gwh"]
    return max((1000.0 * abs(lost["by_cause"][cause]["gwh"] - gwh) for cause, gwh in given.items()), default=0.0)
