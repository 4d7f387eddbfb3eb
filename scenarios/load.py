"""Scenario name or path + overrides → ``Scenario``, or one error that lists everything wrong with it.

The walk: TOML file, the files it ``extends`` beneath it, overrides on top (``key.path=value``), the strict schema,
then the tables it names, each row by itself and all rows against each other.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from scenarios import DEFAULT_SCENARIO
from scenarios.errors import DataError, Problem, ScenarioError, did_you_mean
from scenarios.schema import Scenario, Tables
from scenarios.settings import Settings
from scenarios.tables import Row, read_table, reference_problems, unique_problems

BUILT_IN = Path(__file__).parent


def scenario_names() -> tuple[str, ...]:
    """Return the names of the built-in scenarios."""
    return tuple(sorted(path.stem for path in BUILT_IN.glob("*.toml")))


def load_scenario(name: str | Path = DEFAULT_SCENARIO, overrides: Iterable[str] = ()) -> Scenario:
    """Return the scenario called ``name`` (built-in) or stored at that path, with ``key.path=value`` overrides.

    Raises ``ScenarioError`` for a bad file, key, value or override, ``DataError`` for bad tables; each lists all
    problems found.
    """
    return load_variants(name, [tuple(overrides)])[0]


def load_variants(name: str | Path, variants: Iterable[Sequence[str]]) -> tuple[Scenario, ...]:
    """Return one scenario per list of overrides; files and tables that several share are read once.

    Raises like ``load_scenario``, with the problems of all variants together, each named once.
    """
    path = _scenario_path(name)
    raw = _read_with_bases(path, ())
    found: list[Settings] = []
    problems: list[Problem] = []
    for overrides in variants:
        try:
            found.append(_settings(raw, path.name, tuple(overrides)))
        except ScenarioError as error:
            problems += error.problems
    if problems:
        raise ScenarioError(dict.fromkeys(problems))
    read = cache(read_tables)
    return tuple(Scenario(settings=item, tables=read(_table_folder(item.tables, path))) for item in found)


def _settings(below: Mapping[str, Any], file: str, overrides: tuple[str, ...]) -> Settings:
    raw = dict(below)
    problems = list(_apply_overrides(raw, overrides))
    return _validate(raw, _Origin(file, overrides), problems)


def _scenario_path(name: str | Path) -> Path:
    path = Path(name)
    if path.suffix == ".toml":
        return path
    built_in = BUILT_IN / f"{name}.toml"
    if built_in.is_file():
        return built_in
    cure = did_you_mean(str(name), scenario_names()) + " A path ends in .toml."
    raise ScenarioError(Problem(f'scenario "{name}"', "there is no such scenario", cure))


def _read_with_bases(path: Path, seen: tuple[Path, ...]) -> dict[str, Any]:
    if path.resolve() in seen:
        chain = " → ".join(item.name for item in (*seen, path))
        raise ScenarioError(Problem(path.name, f"extends itself: {chain}", "break the circle"))
    raw = read_toml(path)
    _resolve_weather_files(raw, path.parent)
    base = raw.pop("extends", None)
    if base is None:
        return raw
    if not isinstance(base, str):
        raise ScenarioError(
            Problem(f"{path.name}: extends", f"{base!r} is not a name", 'write extends = "plan-2025"')
        )
    beside = path.parent / (base if base.endswith(".toml") else f"{base}.toml")
    below = _read_with_bases(beside if beside.is_file() else _scenario_path(base), (*seen, path.resolve()))
    return _merged(below, raw)


def read_toml(path: Path) -> dict[str, Any]:
    """Return what a TOML file says; raises ``ScenarioError`` when it cannot be read."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ScenarioError(Problem(str(path), f"cannot be read ({error.strerror})", "check the path")) from None
    except UnicodeDecodeError:
        raise ScenarioError(Problem(str(path), "is not UTF-8 text", "save the file as UTF-8")) from None
    except tomllib.TOMLDecodeError as error:
        cure = "texts need quotes, keys are written key = value, sections [section]"
        raise ScenarioError(Problem(path.name, f"is not valid TOML: {error}", cure)) from None


def _resolve_weather_files(raw: dict[str, Any], folder: Path) -> None:
    """Make weather paths of a file relative to that file, so that a scenario can be run from anywhere."""
    weather = raw.get("weather")
    sites = weather.get("sites") if isinstance(weather, dict) else None
    for site in sites.values() if isinstance(sites, dict) else ():
        if isinstance(site, dict) and isinstance(site.get("file"), str):
            site["file"] = str(folder / site["file"])
    adequacy = raw.get("adequacy")
    files = adequacy.get("weather_files") if isinstance(adequacy, dict) else None
    if isinstance(adequacy, dict) and isinstance(files, list):
        adequacy["weather_files"] = [str(folder / file) if isinstance(file, str) else file for file in files]


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(below)
    for key, value in above.items():
        both = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
        result[key] = _merged(result[key], value) if both else value
    return result


def _apply_overrides(raw: dict[str, Any], overrides: Iterable[str]) -> Iterator[Problem]:
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals or not key.strip():
            yield Problem(f'--set "{override}"', "is not key.path=value", "for example --set coal.minimum_pu=0.3")
            continue
        *parents, last = key.strip().split(".")
        target = raw
        for parent in parents:
            child = target.get(parent)
            target[parent] = dict(child) if isinstance(child, dict) else {}
            target = target[parent]
        target[last] = _toml_value(text.strip())


def _toml_value(text: str) -> Any:
    """Read a value as TOML would; what TOML does not understand is a plain text."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


@dataclass(frozen=True, slots=True)
class _Origin:
    """Knows whether a key came from the file or from an override, so that a message names the right place."""

    file: str
    overrides: tuple[str, ...]

    def place(self, key: str) -> str:
        for override in self.overrides:
            given = override.partition("=")[0].strip()
            if key == given or key.startswith(f"{given}.") or given.startswith(f"{key}."):
                return f"--set {given}"
        return f"{self.file}: {key}" if key else self.file


def _validate(raw: dict[str, Any], origin: _Origin, problems: list[Problem]) -> Settings:
    try:
        settings = Settings.model_validate(raw)
    except ValidationError as error:
        problems += [_key_problem(origin, item) for item in error.errors()]
    if problems:
        raise ScenarioError(problems)
    return settings


def _key_problem(origin: _Origin, item: ErrorDetails) -> Problem:
    place = origin.place(".".join(str(part) for part in item["loc"]))
    if item["type"] == "extra_forbidden":
        return Problem(place, "unknown key", did_you_mean(str(item["loc"][-1]), _known_keys(item["loc"][:-1])))
    if item["type"] == "missing":
        return Problem(place, "is missing", _describe(item["loc"]))
    message = item["msg"].removeprefix("Value error, ")
    value = "" if isinstance(item["input"], dict) else f"{item['input']!r} – "
    return Problem(place, f"{value}{message}", _describe(item["loc"]))


def _section_at(location: Sequence[int | str]) -> type[BaseModel] | None:
    """Return the section model at a location of the schema, stepping through names of sites and list positions."""
    model: type[BaseModel] | None = Settings
    for part in location:
        if model is None:
            return None
        info = model.model_fields.get(str(part))
        if info is None:
            continue
        model = _section_in(info.annotation)
    return model


def _section_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_section_in, get_args(annotation))), None)


def _known_keys(location: Sequence[int | str]) -> tuple[str, ...]:
    model = _section_at(location)
    return tuple(model.model_fields) if model is not None else ()


def _describe(location: Sequence[int | str]) -> str:
    if not location:
        return ""
    model = _section_at(location[:-1])
    info = model.model_fields.get(str(location[-1])) if model is not None else None
    return f"{location[-1]}: {info.description}" if info is not None and info.description else ""


def _table_folder(name: str, scenario_path: Path) -> Path:
    for folder in (scenario_path.parent / name, BUILT_IN / name):
        if folder.is_dir():
            return folder
    raise ScenarioError(Problem("tables", f'there is no folder "{name}"', "put it beside the scenario file"))


def read_tables(folder: Path) -> Tables:
    """Return the checked tables of a folder; raises ``DataError`` with the problems of all files together."""
    problems: list[Problem] = []
    tables: dict[str, Any] = {}
    for name, info in Tables.model_fields.items():
        row_type: type[Row] = get_args(info.annotation)[0]
        if not info.is_required() and not (folder / f"{name}.csv").is_file():
            tables[name] = info.default
            continue
        try:
            tables[name] = read_table(folder / f"{name}.csv", row_type)
        except DataError as error:
            problems += error.problems
    if not problems:
        checked = Tables.model_construct(None, **tables)
        problems = [
            *_repeated_names(checked),
            *_broken_references(checked),
            *_wrong_sums(checked),
            *_impossible_towers(checked),
            *_impossible_flexible_loads(checked),
            *_circular_rivers(checked),
        ]
        if not problems:
            return checked
    raise DataError(problems)


_KEYS = {
    "buses": "bus_id",
    "lines": "line_id",
    "line_types": "line_type",
    "trafos": "trafo_id",
    "shunts": "shunt_id",
    "plants": "plant_id",
    "storages": "storage_id",
    "loads": "load_id",
    "exports": "channel_id",
    "boundary": "bus_id",
    "technologies": "technology",
    "counties": "county",
    "hydro_energy": "plant_id",
    "hydro_months": "month",
    "reliability": "component",
    "plan_targets": "key",
    "sections": "section_id",
    "flexible_loads": "flexible_id",
    "shed_blocks": "block_id",
    "common_towers": "tower_id",
}


def _repeated_names(tables: Tables) -> Iterator[Problem]:
    for name, key in _KEYS.items():
        yield from unique_problems(f"{name}.csv", (str(getattr(row, key)) for row in getattr(tables, name)))


_REFERENCES = (
    ("lines", "line_id", "from_bus", "buses", "bus_id"),
    ("lines", "line_id", "to_bus", "buses", "bus_id"),
    ("lines", "line_id", "line_type", "line_types", "line_type"),
    ("trafos", "trafo_id", "hv_bus", "buses", "bus_id"),
    ("trafos", "trafo_id", "lv_bus", "buses", "bus_id"),
    ("shunts", "shunt_id", "bus_id", "buses", "bus_id"),
    ("plants", "plant_id", "bus_id", "buses", "bus_id"),
    ("plants", "plant_id", "technology", "technologies", "technology"),
    ("storages", "storage_id", "bus_id", "buses", "bus_id"),
    ("loads", "load_id", "bus_id", "buses", "bus_id"),
    ("flexible_loads", "flexible_id", "bus_id", "buses", "bus_id"),
    ("exports", "channel_id", "bus_id", "buses", "bus_id"),
    ("boundary", "bus_id", "bus_id", "buses", "bus_id"),
    ("hydro_energy", "plant_id", "plant_id", "plants", "plant_id"),
    ("common_towers", "tower_id", "line_id", "lines", "line_id"),
    ("common_towers", "tower_id", "other_line_id", "lines", "line_id"),
)


def _broken_references(tables: Tables) -> Iterator[Problem]:
    for name, key, column, target, target_key in _REFERENCES:
        pairs = ((str(getattr(row, key)), str(getattr(row, column))) for row in getattr(tables, name))
        known = (str(getattr(row, target_key)) for row in getattr(tables, target))
        yield from reference_problems(f"{name}.csv", pairs, known, f"{target}.csv")
    sums = ((row.section_id, name) for row in tables.sections for name, _ in row.signed_branches)
    branches = (*(row.line_id for row in tables.lines), *(row.trafo_id for row in tables.trafos))
    yield from reference_problems("sections.csv", sums, branches, "lines.csv or trafos.csv")
    switched = ((row.shunt_id, row.line_id) for row in tables.shunts if row.line_id)
    yield from reference_problems("shunts.csv", switched, (row.line_id for row in tables.lines), "lines.csv")
    fed = ((row.plant_id, row.upstream) for row in tables.hydro_energy if row.upstream)
    wet = (row.plant_id for row in tables.hydro_energy)
    yield from reference_problems("hydro_energy.csv", fed, wet, "hydro_energy.csv")
    placed = ((plant.plant_id, plant.county) for plant in tables.plants if plant.account == "bijie")
    yield from reference_problems("plants.csv", placed, (row.county for row in tables.counties), "counties.csv")


def _wrong_sums(tables: Tables) -> Iterator[Problem]:
    totals = {
        "exports.csv, column share": sum(row.share for row in tables.exports),
        "boundary.csv, column weight": sum(row.weight for row in tables.boundary),
        "hydro_months.csv, column share": sum(row.share for row in tables.hydro_months),
    }
    for place, total in totals.items():
        if abs(total - 1) > 1e-3:
            yield Problem(place, f"adds up to {total:g}", "the values must add up to 1")


def _impossible_towers(tables: Tables) -> Iterator[Problem]:
    circuits = {row.line_id: row.circuits for row in tables.lines}
    for row in tables.common_towers:
        if row.line_id == row.other_line_id and circuits.get(row.line_id, 2) < 2:
            place = f"common_towers.csv ({row.tower_id})"
            yield Problem(place, f"{row.line_id} has one circuit only", "name another line in other_line_id")


def _impossible_flexible_loads(tables: Tables) -> Iterator[Problem]:
    for row in tables.flexible_loads:
        place = f"flexible_loads.csv ({row.flexible_id})"
        if row.minimum_mw > row.power_mw:
            yield Problem(place, f"minimum_mw {row.minimum_mw:g} is above power_mw", "it must lie within the power")
        if row.value_cny_per_mwh > row.missed_cny_per_mwh:
            cure = "a MWh beyond the target may not be worth more than one within it"
            yield Problem(place, f"value_cny_per_mwh {row.value_cny_per_mwh:g} is above missed_cny_per_mwh", cure)


def _circular_rivers(tables: Tables) -> Iterator[Problem]:
    upstream = {row.plant_id: row.upstream for row in tables.hydro_energy}
    for name in upstream:
        way = [name]
        while (above := upstream.get(way[-1], "")) and above not in way:
            way.append(above)
        if above == name:
            river = " ← ".join((*way, above))
            yield Problem(
                f"hydro_energy.csv ({name})", f"the water comes back: {river}", "leave one upstream blank"
            )
