"""A security study ↔ files in the run folder of the same inputs: ``security.json`` and two CSV lists.

The JSON holds everything that terminal and page show, in hours and with names in both languages; the lists are for
spreadsheets: one row per loss (the worst first), and one row per loss and overloaded element.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from scenarios.errors import DataError, Problem, SimulationError
from scenarios.tables import Bus
from sim.reliability.security import BITS, Extreme, SecurityStudy, Verdict, pass_rates
from sim.reliability.security_outages import N1_KINDS, Loss, Situation

SECURITY_FILE = "security.json"
LOSSES_FILE = "security_losses.csv"
OVERLOADS_FILE = "security_overloads.csv"
FORMAT = 1
"""Version of the layout of ``security.json``; a reader refuses any other."""

Json = dict[str, Any]


def as_json(study: SecurityStudy, at: Situation, *, towers: bool) -> Json:
    """Return everything that is worth keeping of a study as plain types."""
    names, time = _Names(at), at.operation.time
    return {
        "format": FORMAT,
        "scenario": at.scenario.settings.name,
        "hours": time.hours,
        "hours_unsolved": study.steps_unsolved * time.step_h,
        "limits": at.scenario.settings.security.model_dump(mode="json"),
        "base": _verdict(study.base, at, names),
        "n1": _rates(study.n1, time.step_h)
        | {"by_kind": {kind: _rates(study.of_kinds(kind), time.step_h) for kind in N1_KINDS}},
        "n2": _rates(study.of_kinds("tower"), time.step_h) if towers else None,
        "by_month": _by_month(study.n1, at),
        "losses": [_verdict(verdict, at, names) for verdict in study.verdicts],
    }


def _rates(verdicts: Iterable[Verdict], step_h: float) -> Json:
    """Return pass rates with pairs in element-hours."""
    rates = pass_rates(verdicts)
    return asdict(rates) | {
        "pairs": rates.pairs * step_h,
        "pairs_failed": rates.pairs_failed * step_h,
        "failed_by": {name: pairs * step_h for name, pairs in rates.failed_by.items()},
    }


def _by_month(verdicts: Iterable[Verdict], at: Situation) -> dict[str, float]:
    """Return the hours of each month in which at least one single loss fails."""
    time = at.operation.time
    failed = np.any([verdict.failed for verdict in verdicts] or [np.zeros(len(time), dtype=bool)], axis=0)
    return {
        f"{at.scenario.year}-{month:02d}": float(failed[time.month == month].sum()) * time.step_h
        for month in sorted(set(time.month.tolist()))
    }


def _verdict(verdict: Verdict, at: Situation, names: _Names) -> Json:
    loss, time = verdict.loss, at.operation.time
    stamps = time.starts()

    def extreme(found: Extreme | None, unit: str, place: str) -> Json | None:
        if found is None:
            return None
        return {unit: found.value, "time": stamps[found.step].isoformat(), place: found.place}

    chinese, english = names.of(loss)
    worst = verdict.worst_step
    return {
        "name": loss.name, "name_zh": chinese, "name_en": english, "kind": loss.kind,
        "elements": list(loss.elements), "of": loss.of, "confidence": loss.confidence,
        "hours_judged": float(verdict.judged.sum()) * time.step_h,
        "hours_failed": verdict.steps_failed * time.step_h,
        "hours": {what: verdict.steps_with(what) * time.step_h for what in BITS},
        "worst_time": None if worst is None else stamps[worst].isoformat(),
        "loading": extreme(verdict.loading, "loading", "branch"),
        "low": extreme(verdict.low, "vm_pu", "bus"),
        "high": extreme(verdict.high, "vm_pu", "bus"),
        "overloads": [
            {"branch": over.branch, "hours": over.steps * time.step_h, "loading": over.loading}
            for over in verdict.overloads
        ],
        "dark": list(verdict.dark),
        "load_lost_mw": verdict.load_lost_mw,
        "generation_lost_mw": verdict.generation_lost_mw,
        "relief": None if verdict.relief is None else {
            "total_mw": verdict.relief.total_mw, "lowered_mw": verdict.relief.lowered_mw,
            "cut_mw": verdict.relief.cut_mw, "left_mw": verdict.relief.left_mw,
        },
    }  # fmt: skip


class _Names:
    """Names of losses in Chinese and English, from the names of buses and plants."""

    def __init__(self, at: Situation) -> None:
        self.buses = {bus.bus_id: bus for bus in at.elements.buses}
        self.plants = {plant.plant_id: plant for plant in at.scenario.plants}
        self.ends = {line.line_id: (line.from_bus, line.to_bus) for line in at.elements.lines}
        self.ends |= {trafo.trafo_id: (trafo.hv_bus, trafo.lv_bus) for trafo in at.elements.trafos}

    def of(self, loss: Loss) -> tuple[str, str]:
        """Return the name in Chinese and in English."""
        if not loss.elements:
            return "无故障", "nothing out"
        if loss.kind == "unit":
            plant = self.plants[loss.elements[0]]
            return (
                f"{plant.name_zh} 一台{plant.unit_mw / 10:g}万千瓦机组",
                f"{plant.name_en}, a {plant.unit_mw:g} MW unit",
            )
        ends = [self.buses[bus] for bus in self.ends[loss.elements[0]]]
        if loss.kind == "trafo":
            count = f" ({loss.of}台之一)" if loss.of > 1 else ""
            more = f" (one of {loss.of})" if loss.of > 1 else ""
            return f"{ends[0].name_zh} 主变{count}", f"{ends[0].name_en} transformer{more}"
        return self._line(loss, ends)

    def _line(self, loss: Loss, ends: list[Bus]) -> tuple[str, str]:
        chinese, english = ("–".join(getattr(bus, field) for bus in ends) for field in ("name_zh", "name_en"))
        if loss.kind == "tower":
            return f"{chinese} 同塔双回", f"{english}, two circuits on common towers"
        if loss.of > 1:
            return f"{chinese} {loss.of}回之一", f"{english}, one of {loss.of} circuits"
        return chinese, english


# --- files


def write_security(folder: Path, record: Json) -> None:
    """Write the JSON and the two lists into a run folder; raises ``SimulationError`` when the disk refuses."""
    try:
        _write_list(folder / LOSSES_FILE, [_loss_row(row) for row in record["losses"]], _LOSS_COLUMNS)
        rows = [
            {"name": row["name"], "name_zh": row["name_zh"], "name_en": row["name_en"], **over}
            for row in record["losses"]
            for over in row["overloads"]
        ]
        _write_list(folder / OVERLOADS_FILE, rows, ("name", "name_zh", "name_en", "branch", "hours", "loading"))
        text = json.dumps(record, ensure_ascii=False, indent=1, allow_nan=False)
        _replace(folder / SECURITY_FILE, text)
    except OSError as error:
        problem = Problem(str(folder), f"cannot be written ({error})", "choose another folder with --out")
        raise SimulationError(problem) from error


def _replace(path: Path, text: str) -> None:
    """Write a file so that it is never half there."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


_LOSS_COLUMNS = (
    "rank", "name", "name_zh", "name_en", "kind", "elements", "of", "confidence", "hours_judged", "hours_failed",
    *(f"hours_{what}" for what in BITS), "worst_time", "loading", "loading_branch", "loading_time", "v_low_pu",
    "v_low_bus", "v_high_pu", "v_high_bus", "overloaded", "dark", "load_lost_mw", "generation_lost_mw", "relief_mw",
    "relief_lowered_mw", "relief_cut_mw", "relief_left_mw",
)  # fmt: skip


def _loss_row(row: Mapping[str, Any]) -> Json:
    loading, low, high, relief = (row[key] or {} for key in ("loading", "low", "high", "relief"))
    return {
        **{key: row[key] for key in _LOSS_COLUMNS if key in row and not isinstance(row[key], dict | list)},
        **{f"hours_{what}": hours for what, hours in row["hours"].items()},
        "elements": " ".join(row["elements"]),
        "loading": loading.get("loading"),
        "loading_branch": loading.get("branch"),
        "loading_time": loading.get("time"),
        "v_low_pu": low.get("vm_pu"),
        "v_low_bus": low.get("bus"),
        "v_high_pu": high.get("vm_pu"),
        "v_high_bus": high.get("bus"),
        "overloaded": " ".join(over["branch"] for over in row["overloads"]),
        "dark": " ".join(row["dark"]),
        "relief_mw": relief.get("total_mw"),
        **{f"relief_{part}_mw": relief.get(f"{part}_mw") for part in ("lowered", "cut", "left")},
    }


def _write_list(path: Path, rows: list[Json], columns: tuple[str, ...]) -> None:
    """Write a list that opens in Excel with its Chinese names (UTF-8 with a byte-order mark)."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        for number, row in enumerate(rows, start=1):
            writer.writerow({"rank": number, **row} if "rank" in columns else row)


def read_security(folder: Path) -> Json | None:
    """Return the security study of a run folder, ``None`` when there is none.

    Raises ``DataError`` for a file that cannot be used.
    """
    path = folder / SECURITY_FILE
    if not path.is_file():
        return None
    cure = "repeat the command `secure --force`"
    try:
        record: Json = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(Problem(str(path), f"cannot be read ({error})", cure)) from None
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise DataError(Problem(str(path), f"is not of format {FORMAT}", cure))
    return record
