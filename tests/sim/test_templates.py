"""The example files run as they are; the empty ones have the headers that the reader wants."""

from __future__ import annotations

from pathlib import Path

import pytest

from scenarios.errors import DataError, ScenarioError
from scenarios.load import load_scenario, read_tables
from sim.templates import write_templates


def test_the_example_is_the_plan_with_tables_beside_it(tmp_path: Path):
    write_templates(tmp_path / "mine")
    scenario = load_scenario(tmp_path / "mine" / "example" / "scenario.toml")
    assert scenario.tables == load_scenario("plan-2025").tables


def test_empty_tables_have_every_header(tmp_path: Path):
    write_templates(tmp_path / "mine")
    with pytest.raises(DataError) as failure:  # empty tables cannot add up to 1, but no column is missing
        read_tables(tmp_path / "mine" / "empty")
    assert all("adds up to 0" in problem.what for problem in failure.value.problems)


def test_an_existing_folder_is_left_alone(tmp_path: Path):
    (tmp_path / "kept.txt").write_text("mine")
    with pytest.raises(ScenarioError, match="is there already"):
        write_templates(tmp_path)
