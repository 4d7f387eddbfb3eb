"""Every bad input ends in one clear message, the right exit code and no run folder."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from scenarios.load import BUILT_IN
from simulate import app

runner = CliRunner()
Rows = list[dict[str, str]]


def run_tiny(tmp_path: Path, *arguments: str) -> tuple[int, str]:
    """Run `wumeng run` with an output folder of its own; return exit code and what a user reads."""
    result = runner.invoke(app, ["run", *arguments, "--out", str(tmp_path / "runs"), "--quiet"])
    return result.exit_code, result.stderr


def assert_refused(tmp_path: Path, arguments: Sequence[str], code: int, words: Sequence[str]) -> None:
    exit_code, message = run_tiny(tmp_path, *arguments)
    for word in words:
        assert word in message
    assert exit_code == code
    assert "Traceback" not in message
    assert not list((tmp_path / "runs").glob("*")) if (tmp_path / "runs").exists() else True


# --- scenario ---


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["lost.toml"], ["lost.toml", "cannot be read", "No such file"]),
        (["plan-2052"], ["there is no such scenario", 'did you mean "plan-2025"?']),
        (["tiny", "--set", "coal.minimun_pu=0.3"], ["unknown key", 'did you mean "minimum_pu"?']),
        (["tiny", "--set", "scale.pv=-1"], ["--set scale.pv", "-1", "greater than or equal to 0"]),
        (["tiny", "--weather", "welling=w.csv"], ["weather.sites.welling"]),
        (["tiny", "--hours", "9000"], ["--set time.hours", "8784"]),
        (["tiny", "--lang", "fr"], ["--lang", "known are zh and en"]),
    ],
)
def test_a_bad_scenario_or_argument_has_exit_code_2(tmp_path: Path, arguments, words):
    assert_refused(tmp_path, arguments, 2, words)


def test_a_toml_typo_names_the_line(tmp_path: Path):
    path = tmp_path / "typo.toml"
    path.write_text('extends = "tiny"\nname = typo\n', encoding="utf-8")
    assert_refused(tmp_path, [str(path)], 2, ["typo.toml: is not valid TOML", "line 2"])


def test_nothing_to_dispatch_is_said(tmp_path: Path):
    scenario = tables_beside(tmp_path)
    edit(scenario, "plants.csv", lambda rows: rows.clear())
    edit(scenario, "hydro_energy.csv", lambda rows: rows.clear())
    edit(scenario, "storages.csv", lambda rows: rows.clear())
    sets = ["--set", "load.peak_mw=0", "--set", "load.heating_mw_per_k=0", "--set", "scale.export=0"]
    assert_refused(tmp_path, [str(scenario), *sets], 2, ["nothing to dispatch"])


# --- tables and network ---


def tables_beside(tmp_path: Path) -> Path:
    """Return a scenario file with a copy of the built-in tables beside it, to be spoilt."""
    shutil.copytree(BUILT_IN / "bijie", tmp_path / "mine")
    path = tmp_path / "mine.toml"
    path.write_text('extends = "tiny"\nname = "mine"\ntables = "mine"\n', encoding="utf-8")
    return path


def edit(scenario: Path, table: str, change: Callable[[Rows], object]) -> None:
    """Apply ``change`` to the rows of a table beside the scenario file."""
    path = scenario.parent / "mine" / table
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        rows, columns = list(reader), list(reader.fieldnames or ())
    change(rows)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


def with_cell(key: str, value: str, **cells: str) -> Callable[[Rows], object]:
    """Return a change that sets cells of the rows in which column ``key`` has ``value``."""

    def change(rows: Rows) -> None:
        for row in rows:
            if row[key] == value:
                row.update(cells)

    return change


def without_lines_at(bus: str) -> Callable[[Rows], object]:
    """Return a change that takes every line at a bus out of service for good; other tables may still name them."""

    def change(rows: Rows) -> None:
        for row in rows:
            if bus in (row["from_bus"], row["to_bus"]):
                row["in_service_from"], row["in_service_to"] = "2000", "2001"

    return change


@pytest.mark.parametrize(
    ("table", "change", "words"),
    [
        ("plants.csv", with_cell("plant_id", "C1", bus_id="NOWHERE"), ['(C1): "NOWHERE" is not in buses.csv']),
        ("plants.csv", with_cell("plant_id", "C1", plant_id="C2"), ['"C2" occurs twice']),
        (
            "lines.csv",
            with_cell("line_id", "JZ220-WN220", length_km="0"),
            ["JZ220-WN220", "length_km", "greater than 0"],
        ),
        ("trafos.csv", with_cell("trafo_id", "T-WUSA-1", lv_bus="JHH500"), ["T-WUSA-1", "JHH500", "500"]),
        ("lines.csv", without_lines_at("SLX220"), ["SLX220", "LD-SLX220"]),
    ],
    ids=["unknown bus", "two plants of one name", "line of zero length", "transformer voltages", "isolated load"],
)
def test_a_bad_network_has_exit_code_3(tmp_path: Path, table: str, change, words):
    scenario = tables_beside(tmp_path)
    edit(scenario, table, change)
    assert_refused(tmp_path, [str(scenario)], 3, words)


# --- weather ---


@pytest.fixture(scope="module")
def good_weather(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The lines of a sound weather file for the three days of ``tiny``."""
    folder = tmp_path_factory.mktemp("weather")
    result = runner.invoke(app, ["weather", "synth", "tiny", "--out", str(folder)])
    assert result.exit_code == 0, result.stderr
    return (folder / "weining.csv").read_text(encoding="utf-8").splitlines()


def cell(lines: list[str], row: int, column: str, value: str) -> list[str]:
    """Return the lines with one cell replaced; ``row`` counts from the first hour."""
    header = lines[0].split(",")
    cells = lines[row + 1].split(",")
    cells[header.index(column)] = value
    return [*lines[: row + 1], ",".join(cells), *lines[row + 2 :]]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda lines: cell(lines, 30, "ghi_wm2", ""), ["ghi_wm2", "row 32", "1"]),
        (lambda lines: cell(lines, 30, "temp_air_c", "NaN"), ["temp_air_c", "row 32"]),
        (lambda lines: cell(lines, 30, "wind_ms", "strong"), ["wind_ms", "row 32", "strong"]),
        (lambda lines: cell(lines, 30, "ghi_wm2", "-5"), ["ghi_wm2", "row 32", "-5"]),
        (lambda lines: cell(lines, 30, "wind_ms", "200"), ["wind_ms", "row 32", "200"]),
        (lambda lines: lines[:20] + lines[21:], ["gap"]),
        (lambda lines: [*lines[:20], lines[19], *lines[20:]], ["twice"]),
        (lambda lines: lines[:50], ["49", "72"]),
        (lambda lines: [lines[0].replace("ghi_wm2", "ghi"), *lines[1:]], ["ghi_wm2"]),
    ],
    ids=["empty", "NaN", "not a number", "negative", "200 m/s", "gap", "duplicate", "too short", "missing column"],
)
def test_bad_weather_has_exit_code_3(tmp_path: Path, good_weather: list[str], spoil, words):
    path = tmp_path / "weining.csv"
    path.write_text("\n".join(spoil(good_weather)) + "\n", encoding="utf-8")
    assert_refused(tmp_path, ["tiny", "--weather", f"weining={path}"], 3, ["weining.csv", *words])


def test_a_missing_weather_file_is_named(tmp_path: Path):
    arguments = ["tiny", "--weather", f"weining={tmp_path / 'lost.epw'}"]
    assert_refused(tmp_path, arguments, 3, ["lost.epw", "cannot be read", "No such file"])


def test_a_file_that_is_no_weather_is_refused(tmp_path: Path):
    path = tmp_path / "noise.epw"
    path.write_bytes(bytes(range(256)))
    assert_refused(tmp_path, ["tiny", "--weather", f"weining={path}"], 3, ["noise.epw"])


def test_flexible_loads_that_cannot_be_are_named(tmp_path: Path):
    scenario = tables_beside(tmp_path)
    columns = "flexible_id,name_en,name_zh,bus_id,county,power_mw,minimum_mw,target_h_per_day,missed_cny_per_mwh"
    row = "E1,E,电解槽,HL221,威宁,200,250,6,900,1000,an example,assumed"
    table = f"{columns},value_cny_per_mwh,source,confidence\n{row}\n"
    (tmp_path / "mine" / "flexible_loads.csv").write_text(table, encoding="utf-8")
    wanted = ["flexible_loads.csv (E1)", '"HL221" is not in buses.csv', "minimum_mw 250", "value_cny_per_mwh 1000"]
    assert_refused(tmp_path, [str(scenario)], 3, wanted)


def test_a_river_that_runs_in_a_circle_is_named(tmp_path: Path):
    scenario = tables_beside(tmp_path)
    path = tmp_path / "mine" / "hydro_energy.csv"
    upstream = {"H1": "H7", "H7": "H1", "H5": "H99"}
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row | {"upstream": upstream.get(row["plant_id"], "")} for row in csv.DictReader(file)]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    wanted = ["H1 ← H7 ← H1", '"H99" is not in hydro_energy.csv', "leave one upstream blank"]
    assert_refused(tmp_path, [str(scenario)], 3, wanted)
