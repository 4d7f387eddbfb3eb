"""Sweep files: which cases they make, and everything that is wrong with one said at once."""

from __future__ import annotations

import datetime
import tomllib
from pathlib import Path

import pytest

from scenarios.errors import ScenarioError
from scenarios.load import load_scenario
from scenarios.sweep import SEED, load_sweep, sweep_names, toml_text


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_lists_side_by_side_times_grids_times_years(tmp_path: Path):
    """2 rows of the list × (3 × 2 combinations) × 2 seeds = 24 cases, the last axis fastest."""
    sweep = load_sweep(
        write(
            tmp_path,
            """
            base = "tiny"
            [set]
            dispatch.look_ahead_h = 72
            [list]
            "scale.wind" = [1.0, 1.2]
            "scale.storage" = [1.0, 3.0]
            [grid]
            scale.pv = [1, 2, 3]
            "coal.minimum_pu" = [0.5, 0.3]
            [weather]
            years = 2
            """,
        )
    )
    assert len(sweep.cases) == 24
    assert sweep.name == sweep.title_en == "mine"
    assert sweep.keys == ("scale.wind", "scale.storage", "scale.pv", "coal.minimum_pu", SEED)
    assert list(sweep.cases[1].values.values()) == [1.0, 1.0, 1, 0.5, 2]
    last = sweep.cases[-1]
    assert last.number == 24
    assert last.label == "scale.wind=1.2 scale.storage=3.0 scale.pv=3 coal.minimum_pu=0.3 weather.seed=2"
    settings = last.scenario.settings
    assert (settings.scale.wind, settings.scale.storage, settings.scale.pv) == (1.2, 3.0, 3.0)
    assert (settings.coal.minimum_pu, settings.weather.seed, settings.dispatch.look_ahead_h) == (0.3, 2, 72)
    assert settings.weather.interannual == "draw"


def test_a_case_is_the_scenario_that_run_makes_of_the_same_overrides(tmp_path: Path):
    sweep = load_sweep(write(tmp_path, 'base = "tiny"\n[grid]\n"scale.pv" = [1.5]\n"weather.seed" = [7]\n'))
    assert sweep.cases[0].scenario == load_scenario("tiny", ["scale.pv=1.5", "weather.seed=7"])


def test_a_file_without_axes_is_one_case(tmp_path: Path):
    (case,) = load_sweep(write(tmp_path, 'base = "tiny"\n')).cases
    assert (case.number, case.label) == (1, "base")


def test_base_and_weather_files_lie_beside_the_sweep_file(tmp_path: Path):
    (tmp_path / "own.toml").write_text('extends = "tiny"\nname = "own"\n', encoding="utf-8")
    text = 'base = "own.toml"\n[grid]\n"weather.sites.weining.file" = ["a.csv", "/far/b.csv"]\n'
    cases = load_sweep(write(tmp_path, text)).cases
    files = [case.scenario.settings.weather.sites["weining"].file for case in cases]
    assert files == [tmp_path / "a.csv", Path("/far/b.csv")]
    assert cases[0].scenario.settings.name == "own"
    assert cases[0].values["weather.sites.weining.file"] == "a.csv"  # the table does not depend on the place


def test_tables_are_read_once_for_all_cases():
    cases = load_sweep("tiny").cases
    assert all(case.scenario.tables is cases[0].scenario.tables for case in cases)


def test_the_example_of_the_how_to_makes_the_cases_that_it_says(tmp_path: Path):
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "sweeps.md").read_text(encoding="utf-8")
    text = page.partition("```toml\n")[2].partition("```")[0]
    assert len(load_sweep(write(tmp_path, text)).cases) == 60
    assert "3 × 2 × 2 × 5 = 60 cases" in page


@pytest.mark.parametrize("name", sweep_names())
def test_built_in_sweeps_are_valid(name: str):
    assert len(load_sweep(name).cases) > 1


PROBLEMS = {
    "unknown parts, no lists and two kinds of years": (
        'bse = "tiny"\n[grid]\nscale.pv = 2\n[weather]\nyears = 3\nseeds = [1]\n',
        ["bse: unknown key", 'did you mean "base"', "scale.pv: 2 is not a list", "give either years or seeds"],
    ),
    "bad keys and values of several cases, each once": (
        '[set]\n"scale.pvv" = 2\n[grid]\n"scale.pv" = [1, 99]\n"scale.wind" = [1, 2, 3]\n',
        ["mine.toml: scale.pvv: unknown key", "mine.toml: scale.pv: 99"],
    ),
    "keys and values given twice, unequal lists": (
        '[set]\n"weather.seed" = 4\n[list]\n"scale.pv" = [1]\n"scale.wind" = [1, 2]\n'
        '[grid]\n"scale.pv" = [3, 3.0]\n[weather]\nyears = 2\n',
        [
            "weather.seed: is given 2 times",
            "scale.pv: is given 2 times",
            "not equally long (scale.pv has 1, scale.wind has 2)",
            "scale.pv: names the same twice",
        ],
    ),
    "a base that is not there": ('base = "tinny"\n', ["mine.toml: base: scenario", 'did you mean "tiny"']),
    "too many cases": (
        f'[grid]\n"scale.pv" = {[k / 100 for k in range(201)]}\n[weather]\nyears = 100\n',
        ["makes 20,100 cases, at most 20,000"],
    ),
    "an empty list": ('[grid]\n"scale.pv" = []\n', ["scale.pv"]),
}


@pytest.mark.parametrize("case", PROBLEMS)
def test_all_that_is_wrong_is_said_at_once(case: str, tmp_path: Path):
    text, messages = PROBLEMS[case]
    with pytest.raises(ScenarioError) as failure:
        load_sweep(write(tmp_path, text))
    said = str(failure.value)
    for message in messages:
        assert message in said
    assert len({str(problem) for problem in failure.value.problems}) == len(failure.value.problems)
    assert "--set" not in said


def test_a_name_that_is_not_there_is_guessed():
    with pytest.raises(ScenarioError, match='did you mean "tiny"'):
        load_sweep("tinyy")


@pytest.mark.parametrize(
    "value",
    [
        1,
        1.5,
        True,
        'a "quoted" 毕节 \\ text',
        ["storage", "export"],
        datetime.date(2025, 4, 10),
        {"a b": [1, {"c": 2}]},
    ],
)
def test_values_survive_the_way_through_toml(value: object):
    assert tomllib.loads(f"value = {toml_text(value)}")["value"] == value
