"""A run folder → its metrics once more, from the hourly files and the static part of ``run.json`` alone.

``sim.metrics`` sums numpy records of the stages; here pandas works on what was written, and losses come from the
flows at both ends of the branches, not from voltages. Nothing of ``sim.metrics``, ``sim.accounts`` or ``sim.wires``
is used.
"""

from __future__ import annotations

from typing import Any

from sim.rederive.energy import (
    curtailment_again,
    demand_response_again,
    energy_again,
    reliability_again,
    storage_again,
    utilisation_again,
)
from sim.rederive.hours import Hours
from sim.rederive.money import cost_again, emissions_again
from sim.rederive.network import network_again
from sim.rederive.plan import plan_again
from sim.runs import RunRecord


def rederive(run: RunRecord) -> dict[str, Any]:
    """Return the metrics once more, from the hourly files and the static part of ``run.json``."""
    h = Hours(run)
    again: dict[str, Any] = {
        "energy_gwh": energy_again(h),
        "curtailment": curtailment_again(h),
        "utilisation": utilisation_again(h),
        "storage": storage_again(h),
        "demand_response": demand_response_again(h),
        "network": network_again(h),
        "reliability": reliability_again(h),
        "emissions": emissions_again(h),
        "cost": cost_again(h),
    }
    return again | {"plan": plan_again(h, again)}
