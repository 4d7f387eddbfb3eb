"""A corner of the built-in network that runs in a fraction of a second: nine buses around Wusa and Dafang."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

from scenarios import load

ROOT = Path(__file__).parents[3]
BUSES = {"LPS500", "WUSA500", "SX500", "DAFANG500", "WUSA220", "WN220", "XH220", "XSW220", "XBL220"}
REFERENCES = (*load._REFERENCES, ("shunts", "shunt_id", "line_id", "lines", "line_id"))
"""The tables' own rules of what belongs to what: table, its key, column, the table referred to, its key."""
SCENARIO = """
extends = "tiny"
name = "small"
tables = "small"

[time]
hours = 24

[dispatch]
certify = "none"

[load]
peak_mw = 300.0

[export]
annual_gwh = 4000.0
"""


def write_small_system(folder: Path) -> Path:
    """Write ``small.toml`` and its tables into a folder and return the path of the scenario."""
    tables = folder / "small"
    shutil.copytree(ROOT / "scenarios" / "bijie", tables)
    change(tables / "exports.csv", lambda row: row["channel_id"] == "EXP-GUIYANG500")
    change(tables / "exports.csv", lambda row: row.update(bus_id="LPS500", share="1") is None)
    change(tables / "buses.csv", lambda row: row["bus_id"] in BUSES)
    for name, _, column, target, key in REFERENCES:
        if not (tables / f"{name}.csv").exists():  # tables that a scenario need not have
            continue
        known = {"", *(row[key] for row in rows_of(tables / f"{target}.csv"))}
        change(tables / f"{name}.csv", lambda row, column=column, known=known: row[column] in known)
    change(tables / "boundary.csv", lambda row: row.update(weight="1") is None)
    path = folder / "small.toml"
    path.write_text(SCENARIO, encoding="utf-8")
    return path


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def change(path: Path, keep) -> None:
    """Keep the rows of a table for which ``keep`` (which may also change them) is true."""
    rows = rows_of(path)
    kept = [row for row in rows if keep(row)]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(kept)
