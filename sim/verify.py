"""A run folder → every figure of ``run.json`` derived a second time, from the hourly files and by other code.

``sim.rederive`` makes the metrics once more; here they are compared, leaf by leaf. Beside the figures stand laws
that every hour must obey: the dispatch balance, Kirchhoff's law at every bus, the content of storage, agreement of
the files with each other and with their fingerprints. What the files cannot tell is listed in ``NOT_HOURLY``.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from sim.rederive import rederive
from sim.rederive.hours import TECHS, Hours, agree, dispatch_residual_mw
from sim.rederive.network import shunts_mw
from sim.runs import RunRecord, file_fingerprint, read_run
from sim.verify_causes import EXACT, cause_laws, causes_again

LAW = 1e-2
"""Breach of a law (MW, MWh, CNY) that is rounding: 1e-8 pu at some hundred buses on 100 MVA, and long sums."""
NOT_HOURLY = {
    "*.sentence": "a text",
    "*.note": "a text",
    "*_note": "a text",
    "*.reason": "a text",
    "network.messages*": "the power flow's own words about hours without a solution",
    "network.loss_rounds": "how often dispatch and flow were alternated leaves no trace in the hours",
    "*tolerance_mw": "a parameter",
    "network.loading.limit": "a parameter",
    "network.voltage.limits_pu.*": "a parameter",
    "cost.parts_cny.starts": "hot and cold starts are not told apart in the files; checked to lie between the two",
    "cost.parts_cny.ranking": "prices that only rank the last ways out; not money",
    "curtailment.by_cause.*.increase_gwh": "what further simulations curtailed leaves no trace in the hours",
    "curtailment.causes.rows.*": "which rows bound follows from the network; their sum is checked",
    "cost.parts_cny.reserve": "what a rule of the dispatch misses, at its price; not money",
    "cost.parts_cny.ramps": "what a rule of the dispatch misses, at its price; not money",
    "cost.parts_cny.export_balance": "what a rule of the dispatch misses, at its price; not money",
    "plan.*.quantity": "a text",
    "plan.*.region": "a text",
    "plan.*.year": "copied from the table",
    "plan.*.target": "copied from the table",
    "plan.*.unit": "a text",
    "plan.*.bound": "a text",
    "plan.*.source": "a text",
    "plan.*.wording": "a text",
    "plan.*.key": "a text",
}


class Finding(NamedTuple):
    """One figure: where it stands, what was stored, what the hourly files say, and whether they agree.

    For a law, ``stored`` is the allowed size and ``rederived`` the largest breach found.
    """

    figure: str
    stored: Any
    rederived: Any
    ok: bool


def verify(folder: Path) -> list[Finding]:
    """Return a finding for every figure and law of a run folder; a figure that cannot be derived is not ok.

    Raises ``DataError`` when the folder is not a complete run.
    """
    run = read_run(folder)
    stored = dict(_leaves("", {**run.metrics, "plan": _by_key(run.metrics["plan"])}))
    again = dict(_leaves("", rederive(run))) | dict(_leaves("curtailment", causes_again(Hours(run))))
    figures = [_compare(name, value, again) for name, value in stored.items() if not _exempt(name)]
    return [*_file_findings(run), *_laws(run), *figures]


def _by_key(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["key"]: row for row in rows}


def _leaves(prefix: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(f"{prefix}.{key}" if prefix else str(key), item)
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from _leaves(f"{prefix}.{position}", item)
    else:
        yield prefix, value


def _exempt(figure: str) -> bool:
    return any(fnmatch.fnmatchcase(figure, pattern) for pattern in NOT_HOURLY)


def _compare(figure: str, stored: Any, again: Mapping[str, Any]) -> Finding:
    if figure not in again:
        return Finding(figure, stored, None, False)
    value = again[figure]
    return Finding(figure, stored, value, agree(stored, value, figure))


def _file_findings(run: RunRecord) -> list[Finding]:
    return [
        Finding(f"files.{name}.sha256", known["sha256"], now, known["sha256"] == now)
        for name, known in run.info["files"].items()
        for now in [file_fingerprint(run.folder, name)]
    ]


def _laws(run: RunRecord) -> list[Finding]:
    h = Hours(run)
    breaches = {
        "balance of the dispatch": dispatch_residual_mw(h.system),
        "Kirchhoff's law at every bus": _kirchhoff(h),
        "system file = sum of the plants' file": _system_against_plants(h),
        "system file = sum of the buses' file": _system_against_buses(h),
        "content of storage": _storage_content(h),
        "flexible loads within their power": _flexible_excess(h),
        "hours without a solution are NaN": _unsolved_values(h),
        "cost of starts between hot and cold": _starts_outside(h),
    }
    exact = [Finding(f"law: {name}", EXACT, worst, worst <= EXACT) for name, worst in cause_laws(h).items()]
    return [*(_law(name, breach) for name, breach in breaches.items()), *exact]


def _law(name: str, breach: Any) -> Finding:
    worst = float(np.nanmax(np.abs(np.asarray(breach, dtype=float)), initial=0.0))
    return Finding(f"law: {name}", LAW, worst, worst <= LAW)


def _kirchhoff(h: Hours) -> pd.DataFrame:
    """Return at each bus and solved hour: injection − flows into branches − shunt, MW."""
    rest = h.run.quantity("buses", "injection_mw")[h.solved] - shunts_mw(h)[h.solved].fillna(0.0)
    leaving = {end: h.run.quantity("branches", f"{end}_mw")[h.solved].fillna(0.0) for end in ("from", "to")}
    for end, flows in leaving.items():
        bus_of = {name: row[end] for name, row in h.static["branches"].items()}
        sums = flows.T.groupby(flows.columns.map(bus_of)).sum().T
        rest = rest - sums.reindex(columns=rest.columns, fill_value=0.0)
    return rest


def _system_against_plants(h: Hours) -> pd.DataFrame:
    parts = {tech: h.net[h.of(tech)].sum(axis=1) for tech in TECHS}
    parts |= {
        name: h.run.quantity("plants", f"{name}_mw").sum(axis=1) for name in ("charge", "discharge", "export")
    }
    parts |= {f"{tech}_available": h.available[h.of(tech)].sum(axis=1) for tech in ("wind", "pv")}
    parts["flexible"] = h.run.quantity("plants", "consumption_mw").sum(axis=1)
    parts["export_contract"] = h.run.quantity("plants", "contract_mw").sum(axis=1)
    return pd.DataFrame({name: h.system[f"{name}_mw"] - values for name, values in parts.items()})


def _system_against_buses(h: Hours) -> pd.DataFrame:
    names = ("load", "flexible", "unserved", "shed", "shift_up", "shift_down")
    sums = {name: h.run.quantity("buses", f"{name}_mw").sum(axis=1) for name in names}
    apart = {name: h.system[f"{name}_mw"] - values for name, values in sums.items()}
    slack = h.run.quantity("buses", "slack_mw")[h.solved].sum(axis=1)
    apart["slack"] = (h.system["slack_mw"][h.solved] - slack).reindex(h.system.index, fill_value=0.0)
    return pd.DataFrame(apart)


def _storage_content(h: Hours) -> pd.DataFrame:
    """Return stored − (kept + charged − discharged) from the second step on, MWh."""
    stored = h.run.quantity("plants", "stored_mwh")
    charge, discharge = h.run.quantity("plants", "charge_mw"), h.run.quantity("plants", "discharge_mw")
    rows = (
        pd.DataFrame(h.static["storages"])
        .T.reindex(columns=["charge_efficiency", "discharge_efficiency", "self_discharge_per_h"])
        .astype(float)
    )
    kept = stored.shift(1) * (1.0 - rows["self_discharge_per_h"] * h.step_h)
    moved = charge * rows["charge_efficiency"] - discharge / rows["discharge_efficiency"]
    return (stored - kept - moved * h.step_h).iloc[1:]


def _flexible_excess(h: Hours) -> pd.DataFrame:
    """Return by how much flexible loads take more than their power, MW."""
    most = pd.Series({name: row["power_mw"] for name, row in h.static["flexible_loads"].items()}, dtype=float)
    return (h.run.quantity("plants", "consumption_mw") - most).clip(lower=0.0)


def _unsolved_values(h: Hours) -> pd.Series:
    """Return how many values of the network are numbers in hours that were not solved; there must be none."""
    numbers = h.run.hourly("branches")[~h.solved].notna().sum(axis=1)
    return pd.Series(numbers + h.run.quantity("buses", "vm_pu")[~h.solved].notna().sum(axis=1))


def _starts_outside(h: Hours) -> pd.Series:
    """Return by how much the stored cost of starts lies outside the cheapest and the dearest possible, CNY."""
    starts = h.run.quantity("plants", "starts_count").sum()
    stored = h.run.metrics["cost"]["parts_cny"].get("starts", 0.0)
    low, high = (
        sum(float(count) * h.static["plants"][name][key] for name, count in starts.items())
        for key in ("start_hot_cny", "start_cold_cny")
    )
    return pd.Series([max(low - stored, stored - high, 0.0)])
