"""A security study as plain types ↔ files in the run folder of the same inputs: ``security.json``, two CSV lists.

The JSON holds everything that terminal and page show; the lists are for spreadsheets: one row per loss (the worst
first), and one row per loss and overloaded element.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scenarios.errors import Problem, SimulationError
from sim.reliability.kept import read_kept

SECURITY_FILE = "security.json"
LOSSES_FILE = "security_losses.csv"
OVERLOADS_FILE = "security_overloads.csv"
FORMAT = 1
"""Version of the layout of ``security.json``; a reader refuses any other."""
BREACHES = ("overload", "low_voltage", "high_voltage", "load_lost", "generation_lost", "unsolved")
"""What can be broken after a loss."""

Json = dict[str, Any]


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
    *(f"hours_{what}" for what in BREACHES), "worst_time", "loading", "loading_branch", "loading_time", "v_low_pu",
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
    return read_kept(folder / SECURITY_FILE, FORMAT, "repeat the command `secure --force`")
