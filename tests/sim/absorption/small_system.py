"""A corner of the built-in network that runs in a fraction of a second: nine buses around Wusa and Dafang."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

ROOT = Path(__file__).parents[3]
BUSES = {"LPS500", "WUSA500", "SX500", "DAFANG500", "WUSA220", "WN220", "XH220", "XSW220", "XBL220"}
REFERENCES = {
    "buses": ("bus_id",),
    "lines": ("from_bus", "to_bus"),
    "trafos": ("hv_bus", "lv_bus"),
    "shunts": ("bus_id",),
    "plants": ("bus_id",),
    "storages": ("bus_id",),
    "loads": ("bus_id",),
    "boundary": ("bus_id",),
}
SCENARIO = """
extends = "tiny"
name = "small"
tables = "small"

[time]
hours = 24

[load]
peak_mw = 300.0

[export]
annual_gwh = 4000.0
"""


def write_small_system(folder: Path) -> Path:
    """Write ``small.toml`` and its tables into a folder and return the path of the scenario."""
    tables = folder / "small"
    shutil.copytree(ROOT / "scenarios" / "bijie", tables)
    for name, columns in REFERENCES.items():
        change(tables / f"{name}.csv", lambda row, columns=columns: all(row[column] in BUSES for column in columns))
    plants = {row["plant_id"] for row in rows_of(tables / "plants.csv")}
    change(tables / "hydro_energy.csv", lambda row: row["plant_id"] in plants)
    change(tables / "boundary.csv", lambda row: row.update(weight="1") is None)
    change(tables / "exports.csv", lambda row: row["channel_id"] == "EXP-GUIYANG500")
    change(tables / "exports.csv", lambda row: row.update(bus_id="LPS500", share="1") is None)
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
