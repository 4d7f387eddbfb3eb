"""Results of a sweep → ``sweep-<name>-<hash8>/``: cases.parquet, cases.csv, sweep.json, sweep.html.

One row per case: its number, the values that make it, ``status`` (done, failed), ``run`` or ``message``, and every
figure of ``run.json`` that is of the whole region, under its path there (``curtailment.pv.rate``). Everything is
read back from the run folders and nothing is measured, so the same inputs give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from scenarios.errors import Problem, SimulationError
from scenarios.sweep import Case, Sweep
from sim.report.sweep import SWEEP_FILE, write_sweep_page
from sim.runs import code_version, partial_folder, read_run, rename_over, versions

FORMAT = 1
CASES, INFO = "cases", "sweep.json"
OF_PARTS = ("worst_hours", "limits_pu", "balance")
"""Parts of the metrics that are not figures of the region; so is what is listed by plant, county, bus or month."""
WHOLE = ("by_cause", "by_tech")
"""Lists that are short and the same in every run."""


@dataclass(frozen=True, slots=True)
class Result:
    """How a case ended: ``run`` is the name of its run folder, or ``error`` says why there is none."""

    case: Case
    key: str
    run: str
    error: str


def write_sweep(plan: Sweep, results: Sequence[Result], out_dir: Path, lang: str) -> Path:
    """Write the folder of a sweep and return it; an older one of the same cases is replaced.

    Raises ``SimulationError`` when the disk refuses, ``DataError`` when a run folder cannot be read.
    """
    final = out_dir / f"sweep-{plan.name}-{_hash(results)}"
    frame = case_table(plan, results, out_dir)
    info = sweep_info(plan, results)
    try:
        with partial_folder(final) as folder:
            frame.to_parquet(folder / f"{CASES}.parquet", index=False, compression="zstd")
            # With a byte-order mark spreadsheets take the file for UTF-8.
            frame.to_csv(folder / f"{CASES}.csv", index=False, encoding="utf-8-sig", lineterminator="\n")
            text = json.dumps(info, ensure_ascii=False, indent=1, allow_nan=False, default=str)
            (folder / INFO).write_text(text, encoding="utf-8")
            write_sweep_page(frame, info, folder / SWEEP_FILE, lang)
            rename_over(folder, final)
    except OSError as error:
        problem = Problem(str(final), f"cannot be written ({error})", "choose another folder with --out")
        raise SimulationError(problem) from error
    return final


def _hash(results: Sequence[Result]) -> str:
    text = "\n".join(f"{result.case.number} {result.key}" for result in results)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def case_table(plan: Sweep, results: Sequence[Result], out_dir: Path) -> pd.DataFrame:
    """Return one row per case; figures that a case lacks are NaN."""
    heads = pd.DataFrame(
        {
            "case": result.case.number,
            **{key: result.case.values[key] for key in plan.keys},
            "status": "failed" if result.error else "done",
            "run": result.run,
            "message": result.error,
        }
        for result in results
    )
    for key in plan.keys:
        heads[key] = _of_one_kind(heads[key])
    rows = [dict(region_figures(_metrics(result, out_dir))) for result in results]
    figures = pd.DataFrame(rows, index=heads.index, dtype=float) + 0.0  # no negative zeros
    return pd.concat([heads, figures], axis=1)


def _metrics(result: Result, out_dir: Path) -> Mapping[str, Any]:
    return read_run(out_dir / result.run).metrics if result.run else {}


def _of_one_kind(values: pd.Series[Any]) -> pd.Series[Any]:
    """Return values as numbers, or as true and false, or else as texts."""
    kinds = {type(value) for value in values}
    if kinds <= {int, float} and kinds:
        return values.astype(float if float in kinds else int)
    return values if kinds == {bool} else values.map(str)


def region_figures(metrics: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, float]]:
    """Yield every number of a run's metrics that is of the whole region, with its path."""
    for key, value in metrics.items():
        place = f"{path}.{key}" if path else key
        if isinstance(value, Mapping):
            if key in WHOLE or not (key.startswith("by_") or key in OF_PARTS):
                yield from region_figures(value, place)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield place, float(value)
        elif value is None:
            yield place, math.nan


def sweep_info(plan: Sweep, results: Sequence[Result]) -> dict[str, Any]:
    """Return what ``sweep.json`` says: the plan, how every case ended, and the program's versions."""
    return {
        "format": FORMAT,
        "sweep": plan.name,
        "title_en": plan.title_en,
        "title_zh": plan.title_zh,
        "description": plan.description,
        "base": plan.base,
        "axes": [{"keys": axis.keys, "rows": axis.rows} for axis in plan.axes],
        "cases": [
            {"case": result.case.number, "values": dict(result.case.values), "run": result.run}
            | ({"message": result.error} if result.error else {})
            for result in results
        ],
        "versions": versions(),
        "code": code_version(),
    }
