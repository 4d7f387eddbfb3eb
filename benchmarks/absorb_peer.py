"""Some days of a year as arrays → the same by PyPSA's rolling optimisation: run as a script where PyPSA lives.

python absorb_peer.py case.npz        prints one line of JSON: seconds, curtailed energy, version
"""

from __future__ import annotations

import json
import logging
import sys
import time
import warnings
from typing import Any

import numpy as np

MVA, KV = 100.0, 220.0
AHEAD_H, KEPT_H = 48, 24


def main(path: str) -> None:
    """Build the network, roll over it, print the findings."""
    import pypsa  # noqa: PLC0415  (lives in another environment)

    with np.load(path) as file:
        data = dict(file)
    net = pypsa.Network()
    net.set_snapshots(range(len(data["fixed_mw"])))
    _add_grid(net, data)
    _add_generators(net, data)
    _add_storages(net, data)
    began, cpu_began = time.perf_counter(), time.process_time()
    net.optimize.optimize_with_rolling_horizon(
        horizon=AHEAD_H,
        overlap=AHEAD_H - KEPT_H,
        solver_name="highs",
        solver_options={"output_flag": False, "threads": 1},
    )
    seconds, cpu_s = time.perf_counter() - began, time.process_time() - cpu_began
    names = [f"renewable {number}" for number in range(len(data["renewable_bus"]))]
    curtailed = float(data["renewable_mw"].sum() - net.generators_t.p[names].to_numpy().sum())
    found = {"seconds": seconds, "cpu_s": cpu_s, "curtailed_mwh": curtailed, "pypsa": pypsa.__version__}
    print(json.dumps(found))


def _add_grid(net: Any, data: dict[str, Any]) -> None:
    for bus, power in enumerate(data["fixed_mw"].T):
        net.add("Bus", f"b{bus}", v_nom=KV)
        net.add("Load", f"fixed {bus}", bus=f"b{bus}", p_set=power)
        if power.max() > 0:
            _add_generator(net, f"unserved {bus}", bus, (np.zeros_like(power), power), data["price_unserved"])
    ends = zip(data["line_from"], data["line_to"], data["line_x_pu"], data["line_mw"], strict=True)
    for number, (start, end, x, limit) in enumerate(ends):
        net.add("Line", f"l{number}", bus0=f"b{start}", bus1=f"b{end}", x=x * KV**2 / MVA, r=0.0, s_nom=limit)


def _add_generators(net: Any, data: dict[str, Any]) -> None:
    for number, bus in enumerate(data["coal_bus"]):
        band = data["coal_low_mw"][:, number], data["coal_high_mw"][:, number]
        _add_generator(net, f"coal {number}", bus, band, data["coal_price"][number])
    for number, bus in enumerate(data["hydro_bus"]):
        power = data["hydro_mw"][:, number]
        _add_generator(net, f"hydro {number}", bus, (np.zeros_like(power), power), 0.0)
    for number, bus in enumerate(data["renewable_bus"]):
        power = data["renewable_mw"][:, number]
        _add_generator(net, f"renewable {number}", bus, (np.zeros_like(power), power), -data["price_curtailed"])
    for number, bus in enumerate(data["export_bus"]):
        # A generator with −high ≤ p ≤ −low draws; its cost per MWh drawn is the price of more export.
        band = -data["export_high_mw"][:, number], -data["export_low_mw"][:, number]
        _add_generator(net, f"export {number}", bus, band, -data["price_export_up"])


def _add_generator(net: Any, name: str, bus: int, band: tuple[Any, Any], price: float) -> None:
    nominal = max(float(np.abs(band).max()), 1.0)
    low, high = (power / nominal for power in band)
    net.add(
        "Generator", name, bus=f"b{bus}", p_nom=nominal, p_min_pu=low, p_max_pu=high, marginal_cost=float(price)
    )


def _add_storages(net: Any, data: dict[str, Any]) -> None:
    for number, bus in enumerate(data["storage_bus"]):
        power, energy = data["storage_mw"][number], data["storage_mwh"][number]
        net.add(
            "StorageUnit",
            f"storage {number}",
            bus=f"b{bus}",
            p_nom=power,
            max_hours=energy / power,
            efficiency_store=data["storage_in"][number],
            efficiency_dispatch=data["storage_out"][number],
            marginal_cost=float(data["price_storage"]),
            state_of_charge_initial=0.5 * energy,
        )


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    logging.disable(logging.INFO)
    main(sys.argv[1])
