"""The hours of a run → figures of the network once more: balance, loading, voltage, losses, worst hours."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from grid.model import FlowStatus
from sim.rederive.hours import Hours, agree


def network_again(h: Hours) -> dict[str, Any]:
    """Return the figures of the network."""
    status = h.system["flow_status"]
    loss = _branch_and_shunt_losses(h)
    return {
        "hours_solved": h.hours(h.solved),
        "hours_failed": h.hours(~h.solved),
        "by_status": {s.name.lower(): {"hours": h.hours(status == int(s))} for s in FlowStatus},
        "balance": _balance(h, loss),
        "loading": _loading(h),
        "voltage": _voltage(h),
        "losses": _losses(h, loss),
        "slack": _slack(h),
        "worst_hours": _worst_hours(h, loss),
    }


def _branch_and_shunt_losses(h: Hours) -> pd.Series:
    """Return what branches and shunts consume in the solved hours, MW, from flows at both ends."""
    into = h.run.quantity("branches", "from_mw") + h.run.quantity("branches", "to_mw")
    shunts = shunts_mw(h)
    return (into.sum(axis=1) + shunts.sum(axis=1))[h.solved]


def shunts_mw(h: Hours) -> pd.DataFrame:
    """Return what the shunt of each bus consumes, MW [hours × buses]."""
    at_one = pd.Series({name: row["shunt_mw_at_1_pu"] for name, row in h.static["buses"].items()}, dtype=float)
    return h.run.quantity("buses", "vm_pu") ** 2 * at_one


def _balance(h: Hours, loss: pd.Series) -> dict[str, Any]:
    given = h.run.quantity("buses", "injection_mw").sum(axis=1)[h.solved]
    scheduled = (_served_and_sent(h) - h.system["loss_mw"]).abs().max()
    return {
        "schedule_max_residual_mw": scheduled,
        "ac_max_residual_mw": _largest((given - loss).abs()),
        "flows_max_residual_mw": _largest((h.system["ac_loss_mw"][h.solved] - loss).abs()),
        "max_mismatch_pu": _largest(h.system["mismatch_pu"][h.solved]),
    }


def _served_and_sent(h: Hours) -> pd.Series:
    """Return Σ scheduled injections: generation + discharge − charge − load served − export, MW."""
    s = h.system
    served = s["load_mw"] + s["shift_up_mw"] - s["shift_down_mw"] - s["shed_mw"] - s["unserved_mw"]
    return h.net.sum(axis=1) + s["discharge_mw"] - s["charge_mw"] - served - s["flexible_mw"] - s["export_mw"]


def _largest(values: pd.Series) -> float | None:
    top = values.max()
    return None if pd.isna(top) else float(top)


def _loading(h: Hours) -> dict[str, Any]:
    limit = h.run.metrics["network"]["loading"]["limit"]
    loading = h.run.quantity("branches", "loading_fraction")[h.solved]
    over = loading > limit
    return {
        "max": _largest(loading.max()),
        "overloaded_branches": float(over.any().sum()),
        "overloaded_hours": h.hours(over.any(axis=1)),
        "overloaded_element_hours": float(over.to_numpy().sum()) * h.step_h,
        "by_branch": {
            str(name): {
                "max": _largest(values),
                "p99": None if values.dropna().empty else float(values.dropna().quantile(0.99)),
                "mean": None if values.dropna().empty else float(values.mean()),
                "overloaded_hours": h.hours(over[name]),
                "time_of_max": _first_time(values),
            }
            for name, values in loading.items()
        },
    }


def _first_time(values: pd.Series) -> str | None:
    known = values.dropna()
    return None if known.empty else pd.DatetimeIndex(known.index)[int(known.argmax())].isoformat()


def _voltage(h: Hours) -> dict[str, Any]:
    buses = pd.DataFrame({name: row for name, row in h.static["buses"].items() if row["monitored"]}).T
    vm = h.run.quantity("buses", "vm_pu").loc[h.solved, list(buses.index)]
    low = vm.lt(pd.Series(buses["low_pu"], dtype=float)) if len(buses) else vm.astype(bool)
    high = vm.gt(pd.Series(buses["high_pu"], dtype=float)) if len(buses) else vm.astype(bool)
    weight = h.run.quantity("buses", "load_mw").mean().reindex(buses.index).fillna(0.0)
    table = pd.DataFrame({"seen": vm.notna().sum(), "low": low.sum(), "high": high.sum(), "weight": weight})
    by_level = {"500": table[buses["vn_kv"] >= 400], "220": table[buses["vn_kv"] < 400]}
    return {
        **_shares(table),
        "hours_with_violation": h.hours((low | high).any(axis=1)),
        "low_element_hours": float(table["low"].sum()) * h.step_h,
        "high_element_hours": float(table["high"].sum()) * h.step_h,
        "by_level": {level: _shares(part) for level, part in by_level.items()},
        "by_bus": {
            name: {
                "monitored_hours": float(row["seen"]) * h.step_h,
                "low_hours": float(row["low"]) * h.step_h,
                "high_hours": float(row["high"]) * h.step_h,
                **{key: value for key, value in _shares(table.loc[[name]]).items() if not key.startswith("load")},
                "weight_mw": float(row["weight"]),
                "min_pu": None if row["seen"] == 0 else float(vm[name].min()),
                "max_pu": _largest(vm[name]),
            }
            for name, row in table.iterrows()
        },
    }


def _shares(table: pd.DataFrame) -> dict[str, float | None]:
    """Return time within, below and above the limits as shares: all buses alike, and weighted with their loads."""
    found: dict[str, float | None] = {}
    for prefix, weight in (("", table["weight"] * 0.0 + 1.0), ("load_weighted_", table["weight"])):
        sums = table[["seen", "low", "high"]].mul(weight, axis=0).sum()
        outside = {f"{prefix}{side}_rate": sums[side] for side in ("low", "high")}
        within = sums["seen"] - sums["low"] - sums["high"]
        for key, value in ({f"{prefix}rate": within} | outside).items():
            found[key] = float(value / sums["seen"]) if sums["seen"] > 0 else None
    return found


def _losses(h: Hours, loss: pd.Series) -> dict[str, Any]:
    estimate = h.system["loss_mw"][h.solved]
    given = (h.net.sum(axis=1) + h.system["discharge_mw"])[h.solved]
    return {
        "gwh": h.gwh(loss),
        "of_hours": h.hours(h.solved),
        "share_of_generation": float(loss.sum() / given.sum()) if given.sum() > 0 else None,
        "max_mw": _largest(loss.abs()),
        "dispatch_estimate_gwh": h.gwh(estimate),
        "estimate_minus_ac_gwh": h.gwh(estimate - loss),
        "max_difference_mw": _largest((estimate - loss).abs()),
    }


def _slack(h: Hours) -> dict[str, Any]:
    by_bus = h.run.quantity("buses", "slack_mw")[h.solved]
    total = by_bus.sum(axis=1)
    return {
        "net_gwh": h.gwh(total),
        "absolute_gwh": h.gwh(total.abs()),
        "max_mw": _largest(total.abs()),
        "by_bus_gwh": h.each_gwh(by_bus),
    }


def _worst_hours(h: Hours, loss: pd.Series) -> dict[str, Any]:
    stored = h.run.metrics["network"]["worst_hours"]
    watched = [name for name, row in h.static["buses"].items() if row["monitored"]]
    vm = h.run.quantity("buses", "vm_pu").loc[h.solved, watched]
    offered = h.system["wind_available_mw"] + h.system["pv_available_mw"]
    curtailed = offered - h.system["wind_mw"] - h.system["pv_mw"]
    residual = h.system["load_mw"] + h.system["export_mw"] - offered
    loading = h.run.quantity("branches", "loading_fraction")[h.solved]
    return {
        "highest_curtailment": _worst(curtailed.to_frame(""), stored["highest_curtailment"], "mw"),
        "highest_residual_load": _worst(residual.to_frame(""), stored["highest_residual_load"], "mw"),
        "highest_unserved": _worst(h.system[["unserved_mw"]], stored["highest_unserved"], "mw"),
        "highest_loading": _worst(loading, stored["highest_loading"], "loading"),
        "lowest_voltage": _worst(vm, stored["lowest_voltage"], "vm_pu", sign=-1.0),
        "highest_voltage": _worst(vm, stored["highest_voltage"], "vm_pu"),
        "largest_loss": _worst(loss.to_frame(""), stored["largest_loss"], "mw"),
    }


def _worst(
    frame: pd.DataFrame, stored: dict[str, Any] | None, unit: str, sign: float = 1.0
) -> dict[str, Any] | None:
    """Return the extreme and its place; where several hours share it, the stored one when it is among them."""
    values = sign * frame.to_numpy(dtype=float)
    if values.size == 0 or np.isnan(values).all():
        return None
    row, column = np.unravel_index(int(np.nanargmax(values)), values.shape)
    found = {
        "time": pd.DatetimeIndex(frame.index)[int(row)].isoformat(),
        unit: float(sign * values[row, column]),
        "name": frame.columns[int(column)],
    }
    if stored is not None and agree(_at(frame, stored), found[unit]):
        found |= {key: stored[key] for key in ("time", "name") if key in stored}
    return found


def _at(frame: pd.DataFrame, stored: dict[str, Any]) -> float | None:
    stamp = pd.Timestamp(stored["time"])
    name = stored.get("name", frame.columns[0])
    return float(frame.loc[stamp, name]) if stamp in frame.index and name in frame.columns else None
