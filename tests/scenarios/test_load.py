"""Scenario files, inheritance, overrides, and the messages for everything that can be wrong with them."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from scenarios.errors import DataError, ScenarioError
from scenarios.load import BUILT_IN, load_scenario, scenario_names


def test_the_default_scenario_has_the_capacities_of_the_plan():
    scenario = load_scenario()
    capacity = {
        tech: sum(plant.capacity_mw for plant in scenario.plants_of(tech)) for tech in ("wind", "pv", "coal")
    }
    assert capacity == {"wind": 4700, "pv": 7300, "coal": 10920}
    assert sum(item.power_mw for item in scenario.storages) == 600
    assert sum(item.energy_mwh for item in scenario.storages) == 1200


def test_the_fleet_mean_of_the_coal_minimum_is_about_35_percent():
    coal = load_scenario().plants_of("coal")
    mean = sum(plant.minimum_pu * plant.capacity_mw for plant in coal) / sum(plant.capacity_mw for plant in coal)
    assert mean == pytest.approx(0.35, abs=0.01)


def test_tiny_extends_the_plan_and_lasts_three_days():
    tiny = load_scenario("tiny")
    assert len(tiny.time) == 72
    assert tiny.settings.wind == load_scenario("plan-2025").settings.wind


def test_plants_of_a_later_year_are_left_out():
    names = {plant.plant_id for plant in load_scenario().plants}
    later = {plant.plant_id for plant in load_scenario("plan-2025", ["time.year=2026"]).plants}
    assert later - names == {"C11"}  # Weihe power station, 2026


def test_overrides_reach_nested_keys_and_keep_their_type():
    scenario = load_scenario(
        "tiny", ["coal.minimum_pu=0.3", "scale.pv=2", "weather.sites.weining.elevation_m=2300"]
    )
    assert scenario.settings.coal.minimum_pu == 0.3
    assert sum(plant.capacity_mw for plant in scenario.plants_of("pv")) == 14600
    assert scenario.settings.weather.sites["weining"].elevation_m == 2300


def test_a_scale_of_zero_removes_the_plants():
    assert load_scenario("tiny", ["scale.wind=0", "scale.storage=0"]).plants_of("wind") == ()


def test_scenario_names_are_listed():
    assert {"plan-2025", "tiny"} <= set(scenario_names())


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("coal.minimun_pu=0.3", ["--set coal.minimun_pu", "unknown key", 'did you mean "minimum_pu"?']),
        ("scale.pv=-1", ["--set scale.pv", "-1", "greater than or equal to 0"]),
        ("foo", ["is not key.path=value"]),
        ("time.step_h=0.3", ["--set time.step_h", "a step is 1, 0.5 or 0.25 h"]),
        ("weather.sites.weining.latt=3", ["unknown key", 'did you mean "lat"?']),
        ("time.start=2024-12-31", ["start 2024-12-31 is not in the year 2025"]),
        ("wind.wake_efficiency=nan", ["--set wind.wake_efficiency", "finite number"]),
        ('time.start="next week"', ["--set time.start", "valid date"]),
    ],
)
def test_a_bad_override_is_named_with_its_cure(override: str, words: list[str]):
    with pytest.raises(ScenarioError) as failure:
        load_scenario("tiny", [override])
    for word in words:
        assert word in str(failure.value)
    assert failure.value.exit_code == 2


def test_all_problems_are_reported_at_once():
    with pytest.raises(ScenarioError) as failure:
        load_scenario("tiny", ["scale.pv=-1", "scale.wind=-2", "nonsense"])
    assert len(failure.value.problems) == 3
    assert str(failure.value).startswith("3 problems:")


def test_an_unknown_scenario_suggests_the_nearest_name():
    with pytest.raises(ScenarioError, match=r'no such scenario → did you mean "plan-2025"\?'):
        load_scenario("plan-2052")


def test_a_missing_scenario_file_is_named(tmp_path: Path):
    with pytest.raises(ScenarioError, match=r"lost\.toml: cannot be read \(No such file"):
        load_scenario(tmp_path / "lost.toml")


def test_a_toml_typo_names_file_and_line(tmp_path: Path):
    path = tmp_path / "typo.toml"
    path.write_text('extends = "tiny"\nname = typo\n', encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"typo\.toml: is not valid TOML: .*line 2"):
        load_scenario(path)


def test_a_file_may_extend_a_built_in_scenario_and_change_one_value(tmp_path: Path):
    path = tmp_path / "mine.toml"
    path.write_text('extends = "tiny"\nname = "mine"\n[scale]\nload = 1.1\n', encoding="utf-8")
    scenario = load_scenario(path)
    assert scenario.settings.name == "mine"
    assert scenario.settings.scale.load == 1.1
    assert len(scenario.time) == 72


def test_a_circle_of_extends_is_an_error(tmp_path: Path):
    (tmp_path / "a.toml").write_text('extends = "b"\nname = "a"\n', encoding="utf-8")
    (tmp_path / "b.toml").write_text('extends = "a"\nname = "b"\n', encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"extends itself: a\.toml → b\.toml → a\.toml"):
        load_scenario(tmp_path / "a.toml")


def test_weather_paths_are_relative_to_the_file_that_names_them(tmp_path: Path):
    path = tmp_path / "mine.toml"
    path.write_text('extends = "tiny"\nname = "mine"\n[weather.sites.weining]\nfile = "w.csv"\n', encoding="utf-8")
    assert load_scenario(path).settings.weather.sites["weining"].file == tmp_path / "w.csv"


@pytest.fixture
def own_tables(tmp_path: Path) -> Path:
    """A scenario file with a copy of the tables beside it, to be spoilt by a test."""
    shutil.copytree(BUILT_IN / "bijie", tmp_path / "mine")
    (tmp_path / "mine.toml").write_text('extends = "tiny"\nname = "mine"\ntables = "mine"\n', encoding="utf-8")
    return tmp_path / "mine.toml"


def change(scenario: Path, table: str, row: int, **values: str) -> None:
    """Overwrite cells of a row (0 = first row below the header) of a table beside the scenario file."""
    path = scenario.parent / "mine" / table
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    rows[row].update(values)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


@pytest.mark.parametrize(
    ("table", "cells", "words"),
    [
        ("plants.csv", {"bus_id": "NY1PP22"}, ["plants.csv (C1)", '"NY1PP22" is not in buses.csv', '"NY1PP220"?']),
        ("plants.csv", {"plant_id": "C2"}, ["plants.csv", '"C2" occurs twice']),
        ("plants.csv", {"unit_mw": "-5"}, ['row 2 (C1), column "unit_mw"', '"-5"', "greater than 0"]),
        ("plants.csv", {"unit_mw": "abc"}, ['column "unit_mw"', '"abc"', "valid number"]),
        ("plants.csv", {"unit_mw": "nan"}, ['column "unit_mw"', "finite number"]),
        ("lines.csv", {"length_km": "0"}, ["lines.csv row 2", 'column "length_km"', '"0"', "greater than 0"]),
        ("lines.csv", {"from_bus": "NOWHERE"}, ['"NOWHERE" is not in buses.csv']),
        ("lines.csv", {"confidence": "sure"}, ['column "confidence"', "'published', 'derived' or 'assumed'"]),
        ("exports.csv", {"share": "0.9"}, ["exports.csv, column share", "must add up to 1"]),
        ("counties.csv", {"county": "别处"}, ['"威宁" is not in counties.csv']),
    ],
)
def test_a_bad_cell_is_named_with_file_row_and_column(own_tables: Path, table: str, cells, words):
    change(own_tables, table, 0, **cells)
    with pytest.raises(DataError) as failure:
        load_scenario(own_tables)
    for word in words:
        assert word in str(failure.value)
    assert failure.value.exit_code == 3


def test_an_unknown_column_suggests_the_right_one(own_tables: Path):
    path = own_tables.parent / "mine" / "lines.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("length_km", "lenght_km", 1), encoding="utf-8")
    with pytest.raises(DataError) as failure:
        load_scenario(own_tables)
    assert 'lines.csv: unknown column "lenght_km" → did you mean "length_km"?' in str(failure.value)
    assert 'lines.csv: column "length_km" is missing' in str(failure.value)


def test_a_missing_table_is_named(own_tables: Path):
    (own_tables.parent / "mine" / "trafos.csv").unlink()
    with pytest.raises(DataError, match=r"trafos\.csv: cannot be read \(No such file"):
        load_scenario(own_tables)


def test_problems_of_several_tables_come_together(own_tables: Path):
    change(own_tables, "plants.csv", 0, unit_mw="-5")
    change(own_tables, "lines.csv", 0, length_km="0")
    with pytest.raises(DataError, match="2 problems"):
        load_scenario(own_tables)


def test_export_prices_that_would_earn_money_by_deviating_both_ways_are_refused():
    with pytest.raises(ScenarioError, match="sending more and less at once would earn money"):
        load_scenario("tiny", ["export.up_price_cny_per_mwh=-450", "export.down_price_cny_per_mwh=450"])
    assert load_scenario("tiny", ["export.up_price_cny_per_mwh=-449"]).settings.export.balance == "none"
