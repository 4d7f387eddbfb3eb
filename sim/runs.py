"""A finished simulation ↔ its run folder.

    runs/<scenario>-<hash8>/  run.json, hourly_{system,plants,branches,buses}.parquet  (and what ``finish`` adds)

The hash covers settings (overrides included), the content of the tables, the bytes of weather files and the code:
the same inputs give the same folder. A folder is written beside its final name as ``.partial-…`` and renamed when
complete, so that what bears the final name is whole. This is the only module that knows Parquet.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from scenarios.errors import DataError, Problem, SimulationError
from scenarios.schema import Scenario
from scenarios.timeaxis import CST, TimeAxis
from sim.correction import Correction
from sim.dispatch.facts import certificate_part
from sim.dispatch.facts import network_part as dispatched_network
from sim.hourly import Column, hourly_files
from sim.losses.saving import saving_part
from sim.outcome import Outcome
from sim.static import network_part, static_part

FORMAT = 3
"""Version of the folder's layout; a reader refuses any other."""
RUN_FILE = "run.json"
HOURLY = ("system", "plants", "branches", "buses")
PACKAGES = ("scenarios", "profiles", "grid", "sim")
LIBRARIES = ("numpy", "pandas", "numba", "pandapower", "pvlib", "windpowerlib", "highspy", "pyarrow")
PARTIAL_IS_DEAD_AFTER_S = 86_400.0
COMPRESSION = "zstd"
COMPRESSION_LEVEL = 6

Finish = Callable[[Path], None]


# --- what a run is called


def run_hash(scenario: Scenario, weather: Mapping[str, str] | None = None, code: str | None = None) -> str:
    """Return the eight hex digits that stand for everything a result depends on.

    ``weather`` are fingerprints of the weather files by site and ``code`` the fingerprint of the program; both are
    taken from the files when not given.
    """
    parts = hashes(scenario, weather, code)
    return _digest(*(f"{name}={value}" for name, value in sorted(parts.items())))[:8]


def hashes(scenario: Scenario, weather: Mapping[str, str] | None = None, code: str | None = None) -> dict[str, str]:
    """Return the fingerprints (SHA-256, hex) of settings, tables, weather files and code.

    Where a weather file lies does not matter, what is in it does.
    """
    settings = scenario.settings.model_dump(mode="json")
    for site in settings["weather"]["sites"].values():
        site["file"] = site["file"] is not None
    fingerprints = weather_fingerprints(scenario) if weather is None else weather
    return {
        "settings": _digest(json.dumps(settings, sort_keys=True)),
        "tables": _digest(scenario.tables.model_dump_json()),
        "weather": _digest(json.dumps(dict(fingerprints), sort_keys=True)),
        "code": code_version() if code is None else code,
    }


def weather_fingerprints(scenario: Scenario) -> dict[str, str]:
    """Return the SHA-256 of each weather file by site; sites without a file are not in it.

    Raises ``DataError`` for files that cannot be read.
    """
    problems, found = [], {}
    for name, site in scenario.settings.weather.sites.items():
        if site.file is None:
            continue
        try:
            found[name] = hashlib.sha256(site.file.read_bytes()).hexdigest()
        except OSError as error:
            place = f"weather.sites.{name}.file"
            problems.append(Problem(place, f"{site.file} cannot be read ({error.strerror})", "check the path"))
    if problems:
        raise DataError(problems)
    return found


@lru_cache(maxsize=1)
def code_version() -> str:
    """Return the SHA-256 of the program's source files and the versions of the libraries that compute."""
    root = Path(__file__).resolve().parent.parent
    sources = sorted(path for package in PACKAGES for path in (root / package).rglob("*.py"))
    texts = (f"{path.relative_to(root).as_posix()}\n{path.read_text(encoding='utf-8')}" for path in sources)
    return _digest(*texts, json.dumps(versions(), sort_keys=True))


def versions() -> dict[str, str]:
    """Return the versions of the program, Python and the libraries that compute."""
    return {name: _version(name) for name in ("wumeng", *LIBRARIES)} | {"python": platform.python_version()}


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"


def _digest(*texts: str) -> str:
    total = hashlib.sha256()
    for text in texts:
        data = text.encode()
        total.update(f"{len(data)}:".encode())
        total.update(data)
    return total.hexdigest()


def run_folder(out_dir: Path, scenario: Scenario, key: str) -> Path:
    """Return the folder of a run, whether it exists or not."""
    return out_dir / f"{scenario.settings.name}-{key}"


def is_complete(folder: Path) -> bool:
    """Whether a folder holds everything that a run leaves."""
    return all((folder / name).is_file() for name in (RUN_FILE, *map(hourly_name, HOURLY)))


def finished_run(out_dir: Path, scenario: Scenario, key: str) -> Path | None:
    """Return the complete folder of the same inputs, or ``None``."""
    folder = run_folder(out_dir, scenario, key)
    return folder if is_complete(folder) else None


def hourly_name(name: str) -> str:
    """Return the file name of an hourly table (``system`` → ``hourly_system.parquet``)."""
    return f"hourly_{name}.parquet"


# --- writing


def write_run(
    outcome: Outcome, metrics: Mapping[str, Any], out_dir: Path, key: str, finish: Finish | None = None
) -> Path:
    """Write a run and return its folder; an older folder of the same name is replaced.

    ``finish`` may add files (report, workbook) to the folder before it gets its final name.
    Raises ``SimulationError`` when the disk refuses. Whatever happens, nothing unfinished bears the final name.
    """
    final = run_folder(out_dir, outcome.scenario, key)
    try:
        with partial_folder(final) as partial:
            for name, columns in hourly_files(outcome).items():
                _write_hourly(partial / hourly_name(name), outcome.case.time, columns)
            info = run_info(outcome, metrics, key) | {"files": _file_fingerprints(partial)}
            text = json.dumps(info, ensure_ascii=False, indent=1, allow_nan=False)
            (partial / RUN_FILE).write_text(text, encoding="utf-8")
            if finish is not None:
                finish(partial)
            rename_over(partial, final)
    except OSError as error:
        problem = Problem(str(final), f"cannot be written ({error})", "choose another folder with --out")
        raise SimulationError(problem) from error
    return final


@contextmanager
def partial_folder(final: Path) -> Iterator[Path]:
    """Give a folder beside ``final`` to write into; it is gone afterwards unless it was renamed."""
    final.parent.mkdir(parents=True, exist_ok=True)
    _sweep_dead_partials(final)
    partial = final.with_name(f".partial-{final.name}@{platform.node()}@{os.getpid()}")
    partial.mkdir()
    try:
        yield partial
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _sweep_dead_partials(final: Path) -> None:
    """Remove what killed runs of the same name left; a run that is still being written elsewhere stays."""
    for folder in final.parent.glob(f".partial-{final.name}@*"):
        _, host, process = folder.name.rsplit("@", 2)
        here = host == platform.node()
        old = time.time() - folder.stat().st_mtime > PARTIAL_IS_DEAD_AFTER_S
        if old or (here and not _is_running(process)):
            shutil.rmtree(folder, ignore_errors=True)


def _is_running(process: str) -> bool:
    """Whether another process of this machine has that number (a leftover of our own number is dead)."""
    if not process.isdigit() or int(process) == os.getpid():
        return False
    if os.name == "nt":
        return True  # there, signal 0 is Ctrl-C; leftovers go by their age
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def rename_over(partial: Path, final: Path) -> None:
    """Give ``partial`` its final name; an old folder of that name steps aside first and is then removed."""
    if final.exists():
        old = partial.with_name(partial.name + "@0")
        final.rename(old)
        partial.rename(final)
        shutil.rmtree(old, ignore_errors=True)
    else:
        partial.rename(final)


def _write_hourly(path: Path, axis: TimeAxis, columns: Sequence[Column]) -> None:
    """Write columns over the time axis, index ``time``; the unit of each is in its field's metadata."""
    plain = pa.Table.from_pandas(pd.DataFrame({c.name: c.values for c in columns}, index=axis.starts()))
    units = {c.name: c.unit for c in columns} | {"time": f"start of a step of {axis.step_h:g} h"}
    fields = [item.with_metadata({"unit": units[item.name]}) for item in plain.schema]
    table = plain.cast(pa.schema(fields, metadata=plain.schema.metadata))
    pq.write_table(
        table,
        path,
        compression=COMPRESSION,
        compression_level=COMPRESSION_LEVEL,
        use_dictionary=False,
        use_byte_stream_split=[c.name for c in columns],
    )


def _file_fingerprints(folder: Path) -> dict[str, dict[str, Any]]:
    return {
        path.name: {"bytes": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        for path in sorted(folder.glob("hourly_*.parquet"))
    }


def run_info(outcome: Outcome, metrics: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return what ``run.json`` says besides the fingerprints of the files."""
    settings = outcome.scenario.settings
    return {
        "format": FORMAT,
        "scenario": settings.name,
        "title_en": settings.title_en,
        "title_zh": settings.title_zh,
        "description": settings.description,
        "run_hash": key,
        "created": datetime.now(CST).isoformat(timespec="seconds"),
        "seed": settings.weather.seed,
        "versions": versions(),
        "hashes": hashes(outcome.scenario),
        "settings": settings.model_dump(mode="json"),
        "timings_s": dict(outcome.timings_s),
        "provenance": _provenance(outcome),
        "network": network_part(outcome.network),
        "dispatch": _dispatch(outcome),
        "static": static_part(outcome),
        "metrics": dict(metrics),
    }


def _dispatch(outcome: Outcome) -> dict[str, Any]:
    """Return what the dispatch was told of the network, what of it held, and how far from the optimum it is."""
    told = dispatched_network(outcome.limits, outcome.case, outcome.dispatch)
    return told | {
        "certificate": certificate_part(outcome.certificate),
        "ac_correction": _correction(outcome.correction),
        "loss_factors": saving_part(outcome.saving),
    }


def _correction(correction: Correction | None) -> dict[str, float] | None:
    """Return what the AC flow changed of the dispatch; none when there was nothing to mend."""
    if correction is None:
        return None
    return {item.name: getattr(correction, item.name) for item in fields(correction) if item.name != "before"}


def _provenance(outcome: Outcome) -> dict[str, Any]:
    """Return where the weather comes from, every repair of it, and the notes of the profiles."""
    weather = outcome.weather
    fields = ("site", "finding_en", "finding_zh", "action_en", "action_zh", "values")
    return {
        "weather_origin": dict(zip(weather.sites, weather.origin, strict=True)),
        "weather_repairs": [{name: getattr(repair, name) for name in fields} for repair in weather.repairs],
        "notes": [{"en": english, "zh": chinese} for english, chinese in outcome.profiles.notes],
    }


# --- reading


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run folder that was read: ``info`` is run.json; hourly files are read when first asked for."""

    folder: Path
    info: dict[str, Any]
    _frames: dict[str, pd.DataFrame] = field(default_factory=dict, repr=False)

    @property
    def metrics(self) -> dict[str, Any]:
        """The figures of the run."""
        return dict(self.info["metrics"])

    @property
    def static(self) -> dict[str, Any]:
        """Names, places and factors of all elements."""
        return dict(self.info["static"])

    @property
    def step_h(self) -> float:
        """Length of a step, h."""
        return float(self.static["time"]["step_h"])

    def hourly(self, name: str) -> pd.DataFrame:
        """Return an hourly file (``system``, ``plants``, ``branches``, ``buses``); index: time, UTC+08:00.

        Raises ``DataError`` when the file cannot be read.
        """
        if name not in self._frames:
            self._frames[name] = _read_hourly(self.folder / hourly_name(name))
        return self._frames[name]

    def quantity(self, name: str, quantity: str) -> pd.DataFrame:
        """Return one quantity of an hourly file for all things that have it; columns are the things' names."""
        frame = self.hourly(name)
        ending = f" {quantity}"
        chosen = [column for column in frame.columns if column.endswith(ending)]
        return frame[chosen].rename(columns=lambda column: column.removesuffix(ending))

    def units(self, name: str) -> dict[str, str]:
        """Return the unit of every column of an hourly file."""
        schema = pq.read_schema(self.folder / hourly_name(name))
        return {item.name: (item.metadata or {}).get(b"unit", b"").decode() for item in schema}


def read_run(folder: Path) -> RunRecord:
    """Return the run in a folder; raises ``DataError`` when it is not a complete run of this format."""
    try:
        info = json.loads((folder / RUN_FILE).read_text(encoding="utf-8"))
    except OSError as error:
        problem = Problem(
            str(folder), f"is not a run folder ({error.strerror})", "name a folder that has a run.json"
        )
        raise DataError(problem) from None
    except ValueError as error:
        raise DataError(Problem(f"{folder / RUN_FILE}", f"is not JSON ({error})", "repeat the run")) from None
    missing = [name for name in map(hourly_name, HOURLY) if not (folder / name).is_file()]
    problems = [Problem(str(folder), f"{name} is missing", "repeat the run") for name in missing]
    if info.get("format") != FORMAT:
        problems.append(
            Problem(f"{folder / RUN_FILE}", f"format {info.get('format')}, wanted {FORMAT}", "repeat the run")
        )
    if problems:
        raise DataError(problems)
    return RunRecord(folder, info)


def _read_hourly(path: Path) -> pd.DataFrame:
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise DataError(Problem(str(path), f"cannot be read ({error})", "repeat the run")) from None
    frame: pd.DataFrame = table.to_pandas()
    frame.index = pd.DatetimeIndex(frame.index).tz_convert(CST)
    return frame


def file_fingerprint(folder: Path, name: str) -> str:
    """Return the SHA-256 of a file of a run folder, or an empty text when it cannot be read."""
    try:
        return hashlib.sha256((folder / name).read_bytes()).hexdigest()
    except OSError:
        return ""
