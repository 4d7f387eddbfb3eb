"""A dispatch case with its grid → the same programme in PyPSA, for comparison: run as a script where PyPSA lives.

    python benchmarks/dispatch_peer.py case.npz        prints one line of JSON: objective, seconds, version

``write_case`` (called by test and benchmark, with the project's packages) writes plain arrays; the script below it
knows nothing of the project. Every column of a step becomes a PyPSA component:

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

MVA, KV = 100.0, 220.0
START_SHARE = 0.5


def write_case(path: Path, plan: Programme, model: GridModel, bus_of: dict[str, int]) -> None:
    """Write the columns of ``plan`` at the buses of ``model``, its lossless lines, and what is fixed.

    Losses arise at the slack buses. Moved load stands at the first load: only cases of one load may have any.
    """
    case = plan.case
    names = {"coal": case.coal, "hydro": case.hydros, "renewables": case.renewables, "export": case.channels}
    names |= {"load": case.loads, "storage": case.storages}
    arrays: dict[str, Any] = {f"bus {kind}": [bus_of[name] for name in things] for kind, things in names.items()}
    for kind, columns in plan.at.items():
        arrays[f"price {kind}"], arrays[f"most {kind}"] = plan.price[columns], plan.upper[:, columns]
    fixed = np.zeros((len(case.time), len(model.buses)))
    from grid.sensitivities import linear_branches  # noqa: PLC0415  (not there where PyPSA lives)

    np.add.at(fixed.T, arrays["bus load"] + arrays["bus export"], np.hstack([case.load_mw, case.export_mw]).T)
    np.add.at(fixed.T, model.slack_bus, model.slack_weight[:, None] * case.loss_mw)
    np.savez(
        path,
        **arrays,
        fixed_mw=fixed,
        day=case.time.day,
        step_h=case.time.step_h,
        water_mwh=plan.budget_mw * case.day_hours[:, None],
        loss_per_h=case.storage_self_discharge_per_h,
        shift_efficiency=case.shift_efficiency,
        charge_efficiency=case.storage_charge_efficiency,
        discharge_efficiency=case.storage_discharge_efficiency,
        # PyPSA takes no self-discharge off the initial content during the first step.
        first_mwh=START_SHARE * case.storage_energy_mwh * plan.keep,
        line_from=model.from_bus,
        line_to=model.to_bus,
        line_x_pu=1.0 / linear_branches(model).b_pu,
        line_mw=plan.limits.high_mw[: len(model.branches)],
    )


def solve_case(data: dict[str, Any]) -> dict[str, Any]:
    """Build the network, solve it as one programme; return objective (CNY) and seconds of processor time."""
    import pypsa  # noqa: PLC0415  (may live in another environment)

    net = pypsa.Network()
    net.set_snapshots(range(len(data["day"])))
    net.snapshot_weightings.loc[:, :] = float(data["step_h"])
    _add_grid(net, data)
    _add_generators(net, data)
    _add_storages(net, data)
    _add_shift(net, data)
    began = time.process_time()
    status = net.optimize(
        solver_name="highs",
        solver_options={"output_flag": False, "threads": 1},
        extra_functionality=lambda n, _: _limit_water(n, data),
    )
    seconds = time.process_time() - began
    return {"status": list(status), "objective": net.objective, "seconds": seconds, "pypsa": pypsa.__version__}


def _add_grid(net: Any, data: dict[str, Any]) -> None:
    for bus, power in enumerate(data["fixed_mw"].T):
        net.add("Bus", f"b{bus}", v_nom=KV)
        net.add("Load", f"fixed {bus}", bus=f"b{bus}", p_set=power)
    ends = zip(data["line_from"], data["line_to"], data["line_x_pu"], data["line_mw"], strict=True)
    for number, (start, end, x, limit) in enumerate(ends):
        net.add("Line", f"l{number}", bus0=f"b{start}", bus1=f"b{end}", x=x * KV**2 / MVA, r=0.0, s_nom=limit)


def _add_generators(net: Any, data: dict[str, Any]) -> None:
    stands = {"coal_low": "coal", "coal_up": "coal", "must_run": "hydro", "water": "hydro"}
    stands |= {"renewables": "renewables", "export_down": "export", "export_cut": "export"}
    stands |= {"shed": "load", "unserved": "load"}
    for kind, where in stands.items():
        for number, bus in enumerate(data[f"bus {where}"]):
            most, price = data[f"most {kind}"][:, number], data[f"price {kind}"][number]
            _add_generator(net, f"{kind} {number}", bus, most, price)
    _add_generator(net, "relief", 0, data["most relief"][:, 0], data["price relief"][0])
    for number, bus in enumerate(data["bus export"]):
        most, price = data["most export_up"][:, number], data["price export_up"][number]
        # A generator with −most ≤ p ≤ 0 draws; its cost per MWh drawn is the price.
        nominal = max(most.max(), 1.0)
        net.add("Generator", f"export_up {number}", bus=f"b{bus}", p_nom=nominal, p_min_pu=-most / nominal)
        net.generators.loc[f"export_up {number}", ["p_max_pu", "marginal_cost"]] = [0.0, -price]


def _add_generator(net: Any, name: str, bus: int, most: Any, price: float) -> None:
    nominal = max(most.max(), 1.0)
    net.add("Generator", name, bus=f"b{bus}", p_nom=nominal, p_max_pu=most / nominal, marginal_cost=price)


def _add_storages(net: Any, data: dict[str, Any]) -> None:
    """Add storages; a link's cost is per MWh at its input, so discharging pays per MWh delivered."""
    for number, bus in enumerate(data["bus storage"]):
        power, energy = data["most charge"][0, number], data["most level"][0, number]
        fill, draw = data["charge_efficiency"][number], data["discharge_efficiency"][number]
        price, name = data["price charge"][number], f"storage {number}"
        net.add("Bus", name, v_nom=KV)
        store = {"e_nom": energy, "e_initial": data["first_mwh"][number], "e_cyclic": False}
        net.add("Store", name, bus=name, standing_loss=data["loss_per_h"][number], **store)
        net.add("Link", f"charge {number}", bus0=f"b{bus}", bus1=name, p_nom=power, efficiency=fill)
        net.add("Link", f"discharge {number}", bus0=name, bus1=f"b{bus}", p_nom=power / draw, efficiency=draw)
        net.links.loc[f"charge {number}", "marginal_cost"] = price
        net.links.loc[f"discharge {number}", "marginal_cost"] = price * draw


def _add_shift(net: Any, data: dict[str, Any]) -> None:
    most, limit, bus = data["most shift_level"][:, 0], data["most shift_up"][:, 0], int(data["bus load"][0])
    share = np.zeros_like(most) if most.max() == 0.0 else most / most.max()
    share[-1] = 0.0
    net.add("Bus", "shift", v_nom=KV)
    net.add("Store", "shift", bus="shift", e_nom=max(most.max(), 1.0), e_min_pu=-share, e_max_pu=share)
    ways = {"shift up": (f"b{bus}", "shift"), "shift down": ("shift", f"b{bus}")}
    for name, (start, end) in ways.items():
        nominal = max(limit.max(), 1.0)
        net.add("Link", name, bus0=start, bus1=end, p_nom=nominal, p_max_pu=limit / nominal)
        net.links.loc[name, "marginal_cost"] = float(data["price shift_up"][0])
    net.links.loc["shift up", "efficiency"] = float(data["shift_efficiency"])


def _limit_water(net: Any, data: dict[str, Any]) -> None:
    power = net.model["Generator-p"]
    for number in range(len(data["bus hydro"])):
        for day in np.unique(data["day"]):
            hours = net.snapshots[data["day"] == day]
            used = power.sel(name=f"water {number}", snapshot=hours).sum() * float(data["step_h"])
            net.model.add_constraints(used <= float(data["water_mwh"][day, number]), name=f"water {number} {day}")


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    with np.load(sys.argv[1]) as file:
        print(json.dumps(solve_case(dict(file))))
