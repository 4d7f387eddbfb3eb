"""A dispatch case of coal, wind and load → the same unit commitment in PyPSA: run as a script where PyPSA lives.

    python pypsa_units.py case.npz        prints one line of JSON: status, objective, version

All units run before the first snapshot, long enough that nothing binds them. One unit per plant.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from sim.dispatch.model import DispatchCase


def write_case(path: Path, case: DispatchCase) -> None:
    """Write what PyPSA needs of a case."""
    np.savez(
        path,
        load_mw=case.load_mw.sum(axis=1),
        available_mw=case.available_mw.sum(axis=1),
        unit_mw=case.coal_unit_mw,
        minimum_pu=case.coal_minimum_pu,
        cost=case.coal_cost,
        start_cny=case.coal_start_hot_cny,
        min_up_h=case.coal_min_up_h,
        min_down_h=case.coal_min_down_h,
        price_unserved=case.price_unserved,
        price_curtailed=case.price_curtailed,
    )


def solve_case(data: dict[str, Any]) -> dict[str, Any]:
    """Build the network and solve it as one mixed-integer programme."""
    import pypsa  # noqa: PLC0415  (may live in another environment)

    net = pypsa.Network()
    net.set_snapshots(range(len(data["load_mw"])))
    net.add("Bus", "b")
    net.add("Load", "load", bus="b", p_set=data["load_mw"])
    for k, unit_mw in enumerate(data["unit_mw"]):
        net.add(
            "Generator",
            f"coal {k}",
            bus="b",
            p_nom=unit_mw,
            marginal_cost=data["cost"][k],
            committable=True,
            p_min_pu=data["minimum_pu"][k],
            start_up_cost=data["start_cny"][k],
            min_up_time=int(data["min_up_h"][k]),
            min_down_time=int(data["min_down_h"][k]),
            up_time_before=1000,
        )
    most = max(data["available_mw"].max(), 1.0)
    wind = {
        "p_nom": most,
        "p_max_pu": data["available_mw"] / most,
        "marginal_cost": -float(data["price_curtailed"]),
    }
    net.add("Generator", "wind", bus="b", **wind)
    unserved = {"p_nom": data["load_mw"].max(), "marginal_cost": float(data["price_unserved"])}
    net.add("Generator", "unserved", bus="b", **unserved)
    options = {"output_flag": False, "threads": 1, "mip_rel_gap": 1e-9}
    status = net.optimize(solver_name="highs", solver_options=options)
    return {"status": list(status), "objective": net.objective, "pypsa": pypsa.__version__}


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    with np.load(sys.argv[1]) as file:
        print(json.dumps(solve_case(dict(file))))
