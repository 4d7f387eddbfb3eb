"""Sweep file → ``Sweep``: base scenario × lists and grids of overrides × weather years, each case checked.

    base = "plan-2025"

    [set]                              # the same in every case
    "dispatch.certify" = "none"

    [grid]                             # every combination
    "scale.pv" = [1.0, 1.5, 2.0]
    "coal.minimum_pu" = [0.5, 0.3]

    [list]                             # side by side: first with first, second with second
    "scale.wind" = [1.0, 1.2]
    "scale.storage" = [1.0, 3.0]

    [weather]
    years = 5                          # or seeds = [1, 2, 3]

gives 3 × 2 × 2 × 5 = 60 cases. Keys are those of a scenario; everything is checked before anything is computed.
"""

from __future__ import annotations

import datetime
import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from scenarios import DEFAULT_SCENARIO
from scenarios.errors import DataError, Problem, ScenarioError, did_you_mean
from scenarios.load import load_variants, read_toml
from scenarios.schema import Scenario
from scenarios.settings import Section

BUILT_IN = Path(__file__).parent / "sweeps"
MOST_CASES = 20_000
SEED = "weather.seed"
_FILE_KEY = re.compile(r"weather\.sites\.[^.]+\.file")


def _flat(tree: Any) -> Any:
    """Return nested tables as one of dotted keys: ``{"scale": {"pv": x}}`` → ``{"scale.pv": x}``."""
    return dict(_leaves(tree, "")) if isinstance(tree, Mapping) else tree


def _leaves(tree: Mapping[str, Any], path: str) -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        place = f"{path}.{key}" if path else key
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, place)
        else:
            yield place, value


Values = Annotated[tuple[Any, ...], Field(min_length=1)]
Lists = Annotated[dict[str, Values], BeforeValidator(_flat)]


class WeatherYears(Section):
    """Which synthetic weather years every combination is simulated with."""

    years: int | None = Field(None, ge=1, le=1000, description="so many seeds from the base's weather.seed on")
    seeds: tuple[Annotated[int, Field(ge=0, le=2**31)], ...] | None = Field(
        None, min_length=1, description="the seeds"
    )
    interannual: Literal["normal", "draw"] = Field("draw", description="weather.interannual of all cases")

    @model_validator(mode="after")
    def _one_of_both(self) -> WeatherYears:
        if (self.years is None) == (self.seeds is None):
            raise ValueError("give either years or seeds")
        return self


class SweepFile(BaseModel):
    """What a sweep file may say."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=False)

    name: str | None = Field(
        None, min_length=1, max_length=60, pattern=r"^[\w.-]+$", description="none: the name of the file"
    )
    title_en: str = Field("", description="English title")
    title_zh: str = Field("", description="Chinese title")
    description: str = Field("", description="what the sweep is for")
    base: str = Field(DEFAULT_SCENARIO, description="built-in scenario, or a .toml file beside this one")
    fixed: Annotated[dict[str, Any], BeforeValidator(_flat)] = Field(
        {}, alias="set", description="overrides that are the same in every case"
    )
    grid: Lists = Field({}, description="key = [values]: every combination")
    together: Lists = Field({}, alias="list", description="key = [values]: side by side, all of one length")
    weather: WeatherYears | None = Field(None, description="weather years")


@dataclass(frozen=True, slots=True)
class Axis:
    """What varies together: its keys, and in each row one value per key."""

    keys: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One simulation of a sweep: its number from 1, the values that make it, and the scenario they make."""

    number: int
    values: Mapping[str, Any]
    scenario: Scenario

    @property
    def label(self) -> str:
        """What tells this case from the others: ``scale.pv=1.5 weather.seed=3``."""
        return " ".join(f"{key}={value}" for key, value in self.values.items()) or "base"


@dataclass(frozen=True, slots=True, eq=False)
class Sweep:
    """All cases of a sweep, in the order of the table: the last axis varies fastest."""

    name: str
    title_en: str
    title_zh: str
    description: str
    base: str
    axes: tuple[Axis, ...]
    cases: tuple[Case, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that vary."""
        return tuple(key for axis in self.axes for key in axis.keys)


def sweep_names() -> tuple[str, ...]:
    """Return the names of the built-in sweeps."""
    return tuple(sorted(path.stem for path in BUILT_IN.glob("*.toml")))


def load_sweep(name: str | Path) -> Sweep:
    """Return the sweep of a file (a path that ends in ``.toml``) or of a built-in name, all its cases checked.

    Raises ``ScenarioError`` with everything that is wrong with file and cases, ``DataError`` for bad tables.
    """
    path = _sweep_path(name)
    file = _validated(read_toml(path), path.name)
    problems = list(_contradictions(file, path.name))
    if problems:
        raise ScenarioError(problems)
    base = _base_path(file.base, path.parent)
    axes = tuple(_axes(file, _first_seed(base, path.name)))
    combinations = [
        {
            key: value
            for axis, row in zip(axes, rows, strict=True)
            for key, value in zip(axis.keys, row, strict=True)
        }
        for rows in product(*(axis.rows for axis in axes))
    ]
    scenarios = _scenarios(file, base, path, combinations)
    pairs = zip(combinations, scenarios, strict=True)
    cases = tuple(Case(number, values, scenario) for number, (values, scenario) in enumerate(pairs, start=1))
    title = file.name or path.stem
    return Sweep(
        name=title,
        title_en=file.title_en or title,
        title_zh=file.title_zh or file.title_en or title,
        description=file.description,
        base=file.base,
        axes=axes,
        cases=cases,
    )


def _sweep_path(name: str | Path) -> Path:
    path = Path(name)
    if path.suffix == ".toml":
        return path
    built_in = BUILT_IN / f"{name}.toml"
    if built_in.is_file():
        return built_in
    cure = did_you_mean(str(name), sweep_names()) + " A path ends in .toml."
    raise ScenarioError(Problem(f'sweep "{name}"', "there is no such sweep", cure))


def _validated(raw: Mapping[str, Any], name: str) -> SweepFile:
    try:
        return SweepFile.model_validate(raw)
    except ValidationError as error:
        raise ScenarioError(_problem(name, item) for item in error.errors()) from None


def _problem(name: str, item: ErrorDetails) -> Problem:
    place = f"{name}: {'.'.join(map(str, item['loc']))}"
    section = WeatherYears if item["loc"][:1] == ("weather",) and len(item["loc"]) > 1 else SweepFile
    known = {info.alias or key: info.description for key, info in section.model_fields.items()}
    key = str(item["loc"][-1]) if item["loc"] else ""
    if item["type"] == "extra_forbidden":
        return Problem(place, "unknown key", did_you_mean(key, known))
    if item["type"] == "tuple_type":
        return Problem(place, f"{item['input']!r} is not a list", f"write {place.rpartition('.')[2]} = [1, 2]")
    value = "" if isinstance(item["input"], dict) else f"{item['input']!r} – "
    cure = f"{key}: {known[key]}" if known.get(key) else ""
    return Problem(place, f"{value}{item['msg'].removeprefix('Value error, ')}", cure)


def _contradictions(file: SweepFile, name: str) -> Iterator[Problem]:
    """Yield what is wrong between the parts of a file: keys given twice, values given twice, unequal lists."""
    weather = {SEED: 0, "weather.interannual": 0} if file.weather else {}
    given = Counter(key for part in (file.fixed, file.grid, file.together, weather) for key in part)
    for key, times in given.items():
        if times > 1:
            yield Problem(
                f"{name}: {key}", f"is given {times} times", "leave it in one of set, grid, list, weather"
            )
    lengths = {key: len(values) for key, values in file.together.items()}
    if len(set(lengths.values())) > 1:
        counts = ", ".join(f"{key} has {length}" for key, length in lengths.items())
        yield Problem(f"{name}: list", f"the lists are not equally long ({counts})", "or move one to [grid]")
    seeds = file.weather.seeds if file.weather and file.weather.seeds else ()
    rows = tuple(zip(*file.together.values(), strict=False))
    for place, values in [*file.grid.items(), ("list", rows), ("weather.seeds", seeds)]:
        if len({_alike(value) for value in values}) < len(values):
            yield Problem(f"{name}: {place}", "names the same twice", "name each value once")
    years = file.weather.years or len(seeds) if file.weather else 1
    count = math.prod(map(len, file.grid.values())) * max(1, len(rows)) * years
    if count > MOST_CASES:
        yield Problem(name, f"makes {count:,} cases, at most {MOST_CASES:,}", "name fewer values")


def _alike(value: Any) -> str:
    """Return a text that is the same for equal values: 1 and 1.0, but not 1 and true."""
    if isinstance(value, list | tuple):
        return str([_alike(item) for item in value])
    return repr(float(value)) if isinstance(value, int | float) and not isinstance(value, bool) else repr(value)


def _base_path(base: str, folder: Path) -> str | Path:
    """Return a base that is a file relative to the sweep file, so that a sweep can be started from anywhere."""
    return folder / base if base.endswith(".toml") else base


def _first_seed(base: str | Path, name: str) -> int:
    try:
        return load_variants(base, [()])[0].settings.weather.seed
    except (ScenarioError, DataError) as error:
        raise type(error)(
            Problem(f"{name}: base: {problem.place}", problem.what, problem.cure) for problem in error.problems
        ) from None


def _axes(file: SweepFile, first_seed: int) -> Iterator[Axis]:
    if file.together:
        yield Axis(tuple(file.together), tuple(zip(*file.together.values(), strict=True)))
    for key, values in file.grid.items():
        yield Axis((key,), tuple((value,) for value in values))
    if file.weather is not None:
        seeds = file.weather.seeds or range(first_seed, first_seed + (file.weather.years or 0))
        yield Axis((SEED,), tuple((seed,) for seed in seeds))


def _scenarios(
    file: SweepFile, base: str | Path, path: Path, combinations: Iterable[Mapping[str, Any]]
) -> tuple[Scenario, ...]:
    """Return the scenario of every combination; problems name the sweep file and not ``--set``."""
    drawn = {"weather.interannual": file.weather.interannual} if file.weather else {}
    common = {**drawn, **file.fixed}
    variants = ([_override(key, value, path) for key, value in {**common, **one}.items()] for one in combinations)
    try:
        return load_variants(base, variants)
    except ScenarioError as error:
        raise ScenarioError(
            Problem(problem.place.replace("--set ", f"{path.name}: "), problem.what, problem.cure)
            for problem in error.problems
        ) from None


def _override(key: str, value: Any, path: Path) -> str:
    """Return ``key=value`` as ``--set`` takes it; weather files are relative to the sweep file."""
    if _FILE_KEY.fullmatch(key) and isinstance(value, str):
        value = str(path.parent / value)
    return f"{key}={toml_text(value)}"


def toml_text(value: Any) -> str:
    """Return a value as TOML writes it within a line."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(toml_text, value)) + "]"
    return repr(value)
