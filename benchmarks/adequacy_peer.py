"""The PyPI package assetra on a system of units and one load: run by ``benchmarks adequacy`` with its own Python.

    PYTHON -m benchmarks.adequacy_peer SYSTEM.npz YEARS ROUNDS

Prints JSON: seconds of each round (sampling only, after the system is built), LOLH and EUE of the last one. assetra
draws every unit in every hour independently; LOLH and EUE do not depend on how long an outage lasts.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import numpy as np


def built(capacity_mw: Any, unavailability: Any, load_mw: Any) -> tuple[Any, Any]:
    """Return the energy system and its hours."""
    import xarray as xr  # noqa: PLC0415  only this Python has it
    from assetra.system import EnergySystemBuilder  # noqa: PLC0415
    from assetra.units import DemandUnit, StochasticUnit  # noqa: PLC0415

    hours = xr.date_range("1979-01-01", periods=len(load_mw), freq="h")

    def course(values: Any) -> Any:
        return xr.DataArray(np.broadcast_to(values, len(hours)).copy(), coords={"time": hours})

    builder = EnergySystemBuilder()
    for number, (mw, out) in enumerate(zip(capacity_mw, unavailability, strict=True)):
        builder.add_unit(StochasticUnit(number, float(mw), course(mw), course(out)))
    builder.add_unit(DemandUnit(len(capacity_mw), course(load_mw)))
    return builder.build(), hours


def main(path: str, years: int, rounds: int) -> None:
    """Time the sampling and print what was found."""
    from assetra.metrics import ExpectedUnservedEnergy, LossOfLoadHours  # noqa: PLC0415
    from assetra.simulation import ProbabilisticSimulation  # noqa: PLC0415

    given = np.load(path)
    system, hours = built(given["capacity_mw"], given["unavailability"], given["load_mw"])
    seconds, lolh, eue = [], 0.0, 0.0
    for _ in range(rounds):
        started = time.perf_counter()
        simulation = ProbabilisticSimulation(str(hours[0]), str(hours[-1]), years)
        simulation.assign_energy_system(system)
        simulation.run()
        lolh = LossOfLoadHours(simulation).evaluate()
        eue = ExpectedUnservedEnergy(simulation).evaluate()
        seconds.append(time.perf_counter() - started)
    print(json.dumps({"seconds": seconds, "lolh_h": lolh, "eue_mwh": eue}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
