"""Network checks: every fault gives one problem that names row, value and cure, and all come at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from network_samples import (
    TYPES,
    boundary,
    bus,
    export,
    line,
    load,
    plant,
    storage,
    three_buses,
    trafo,
)

from grid.checks import check_network, great_circle_km, require_sound, wave_speed_of_light
from scenarios.errors import DataError
from scenarios.load import BUILT_IN, load_scenario, read_tables

BUSES = (bus("A", 500, "boundary"), bus("B", 500, lon=105.8), bus("C", 220, lon=105.8))


def problems(**tables: Any) -> list[str]:
    return [str(item) for item in check_network(three_buses(**tables)).problems]


def warnings(**tables: Any) -> list[str]:
    return [str(item) for item in check_network(three_buses(**tables)).warnings]


def test_sound_network_has_nothing_to_say() -> None:
    report = require_sound(three_buses())
    assert report.sound
    assert not report.warnings
    assert not report.left_out


# --- problems -------------------------------------------------------------------------------------


def test_line_between_voltage_levels() -> None:
    lines = (line("A-B", "A", "B"), line("A-C", "A", "C"))
    assert problems(lines=lines) == [
        "lines.csv (A-C): joins A at 500 kV and C at 220 kV → "
        "lines join buses of one voltage; put a transformer into trafos.csv"
    ]


def test_line_with_the_wrong_voltage() -> None:
    assert problems(lines=(line("A-B", "A", "B", vn_kv=220),)) == [
        "lines.csv (A-B), column vn_kv: vn_kv is 220, but its buses are at 500 kV → write 500 or choose other buses"
    ]


def test_line_from_a_bus_to_itself() -> None:
    lines = (line("A-B", "A", "B"), line("A-A", "A", "A"))
    assert problems(lines=lines) == ["lines.csv (A-A): begins and ends at A → name two different buses"]


def test_transformer_the_wrong_way_round() -> None:
    assert problems(trafos=(trafo("T", "C", "B"),)) == [
        "trafos.csv (T): high side C is at 220 kV, low side B at 500 kV → exchange hv_bus and lv_bus"
    ]


def test_transformer_between_wrong_voltages() -> None:
    # 220 kV ± 10 % is 198 … 242 kV; 121 kV belongs to a 110 kV bus.
    assert problems(trafos=(trafo("T", "B", "C", vn_lv_kv=121),)) == [
        "trafos.csv (T), column vn_lv_kv: 121 kV at C (220 kV); 198 … 242 kV fit → "
        "correct the rated voltage or the bus"
    ]
    assert not problems(trafos=(trafo("T", "B", "C", vn_hv_kv=550),))  # exactly + 10 %


def test_transformer_with_impossible_impedance_and_tap() -> None:
    assert problems(trafos=(trafo("T", "B", "C", vk_percent=2, vkr_percent=2, tap_position=-3),)) == [
        "trafos.csv (T): vkr_percent 2 is not below vk_percent 2 → vkr_percent is the resistive part of vk_percent",
        "trafos.csv (T): tap_position -3 is outside −2 … 2 → choose a tap within tap_steps",
    ]


def test_capacitance_in_the_wrong_unit() -> None:
    # 4.06 (µS/km) in place of 12.92 (nF/km): waves √(12.92/4.06) = 1.78 times faster, 0.994 × 1.78 = 1.77.
    assert wave_speed_of_light(TYPES[0]) == pytest.approx(0.994, abs=0.001)
    wrong = TYPES[0].model_copy(update={"c_nf_per_km": 4.06})
    assert problems(line_types=(wrong,)) == [
        "line_types.csv (500kV 4x400): waves would travel at 1.77 times the speed of light "
        "with x_ohm_per_km 0.2738 and c_nf_per_km 4.06 (at most 1.05) → "
        "check the units: Ω/km and nF/km at 50 Hz, per circuit"
    ]


def test_emergency_rating_below_the_normal_one() -> None:
    wrong = TYPES[0].model_copy(update={"i_emergency_ka": 2.0})
    assert problems(line_types=(wrong,)) == [
        "line_types.csv (500kV 4x400): i_emergency_ka 2 is below i_normal_ka 2.356 → "
        "the emergency rating is the larger one"
    ]


def test_whoever_is_cut_off_is_named() -> None:
    found = problems(
        buses=(*BUSES, bus("X", 220), bus("Y", 220, in_service_from=2030)),
        loads=(load("town", "X", 10),),
        plants=(plant("pv", "X", "pv", 10),),
        storages=(storage("battery", "Y", 10),),
        exports=(export("out", "Y"),),
    )
    cure = "connect the bus in 2025, or move or re-date the row"
    assert found == [
        f"plants.csv (pv): bus X is not connected to A in 2025 → {cure}",
        f"storages.csv (battery): bus Y is not in service in 2025 → {cure}",
        f"loads.csv (town): bus X is not connected to A in 2025 → {cure}",
        f"exports.csv (out): bus Y is not in service in 2025 → {cure}",
    ]


def test_plants_not_yet_in_service_are_not_missed() -> None:
    later = plant("pv", "X", "pv", 10, in_service_from=2030)
    assert not problems(buses=(*BUSES, bus("X", 220, in_service_from=2030)), plants=(later,))


def test_no_reference_bus() -> None:
    assert problems(boundary=()) == [
        "boundary.csv: no AC bus of the surrounding grid is in service in 2025 → "
        "add a boundary row at a bus that is in service"
    ]


def test_converter_as_boundary() -> None:
    found = problems(
        buses=(*BUSES, bus("H", 500, "hvdc")),
        lines=(line("A-B", "A", "B"), line("A-H", "A", "H")),
        boundary=(boundary("A", 0.5), boundary("H", 0.5)),
    )
    assert found == [
        "boundary.csv (H): is a converter, which cannot hold voltage and angle → name the AC station beside it"
    ]


def test_names_shared_between_tables() -> None:
    found = problems(
        trafos=(trafo("A-B", "B", "C"),), loads=(load("x", "C", 1),), plants=(plant("x", "C", "pv", 1),)
    )
    assert found == [
        "trafos.csv (A-B): the name is also used in lines.csv → give each element a name of its own",
        "loads.csv (x): the name is also used in plants.csv → give each element a name of its own",
    ]


def test_all_problems_come_at_once_and_stop_a_run() -> None:
    example = three_buses(
        lines=(line("A-B", "A", "B"), line("A-C", "A", "C")),
        trafos=(trafo("T", "B", "C", vn_lv_kv=121),),
        buses=(*BUSES, bus("X", 220)),
        loads=(load("town", "X", 10),),
    )
    with pytest.raises(DataError) as caught:
        require_sound(example)
    assert [item.place for item in caught.value.problems] == [
        "lines.csv (A-C)",
        "trafos.csv (T), column vn_lv_kv",
        "loads.csv (town)",
    ]
    assert caught.value.exit_code == 3


# --- what reading the tables already refuses ------------------------------------------------------


def edited_tables(folder: Path, table: str, old: str, new: str) -> str:
    """Return the message that the built-in tables give after one edit."""
    for path in (BUILT_IN / "bijie").glob("*.csv"):
        text = path.read_text(encoding="utf-8")
        if path.name == table:
            assert old in text
            text = text.replace(old, new, 1)
        (folder / path.name).write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_tables(folder)
    return str(caught.value)


@pytest.mark.parametrize(
    ("table", "old", "new", "parts"),
    [
        ("lines.csv", "500,1,189.5,", "500,1,0,", ["lines.csv row 2", 'column "length_km"', "greater than 0"]),
        ("lines.csv", "WUSA220-WN220,WUSA220", "WUSA220-WN220,WUSA22O",
         ["lines.csv (WUSA220-WN220)", '"WUSA22O" is not in buses.csv', 'did you mean "WUSA220"?']),
        ("trafos.csv", "T-WUSA-2", "T-WUSA-1", ["trafos.csv", '"T-WUSA-1" occurs twice']),
        ("boundary.csv", "0.4,", "0.7,", ["boundary.csv, column weight: adds up to 1.3", "must add up to 1"]),
    ],
)  # fmt: skip
def test_faults_found_when_tables_are_read(
    tmp_path: Path, table: str, old: str, new: str, parts: list[str]
) -> None:
    message = edited_tables(tmp_path, table, old, new)
    assert all(part in message for part in parts), message


# --- warnings -------------------------------------------------------------------------------------


def test_great_circle() -> None:
    # A quarter of the equator is 6371 · π/2 = 10,007.5 km; a degree of latitude 111.19 km.
    assert great_circle_km(bus("a", 1, lat=0, lon=0), bus("b", 1, lat=0, lon=90)) == pytest.approx(10007.5, abs=0.1)
    assert great_circle_km(bus("a", 1, lat=27), bus("b", 1, lat=28)) == pytest.approx(111.19, abs=0.01)


def test_line_shorter_than_the_great_circle_and_far_longer() -> None:
    # 0.8° of longitude at 27° N are 0.8 · 111.19 · cos 27° = 79.3 km.
    assert warnings(lines=(line("A-B", "A", "B", length_km=70),)) == [
        "lines.csv (A-B), column length_km: 70 km is shorter than the great circle of its ends, 79.3 km → "
        "check the length and the coordinates"
    ]
    assert "more than 3 times the great circle" in warnings(lines=(line("A-B", "A", "B", length_km=244),))[0]
    assert not warnings(lines=(line("A-B", "A", "B", length_km=78),))  # 0.98 · 79.3 = 77.7


def test_unusual_parameters() -> None:
    slow = TYPES[0].model_copy(update={"c_nf_per_km": 90.0, "r_ohm_per_km": 0.001})
    found = warnings(line_types=(slow,), trafos=(trafo("T", "B", "C", vk_percent=30),))
    assert found == [
        "line_types.csv (500kV 4x400): x/r is 274, usual are 1 … 60 → check r_ohm_per_km and x_ohm_per_km",
        "line_types.csv (500kV 4x400): waves would travel at 0.377 times the speed of light (cables: about 0.5) → "
        "check x_ohm_per_km and c_nf_per_km",
        "trafos.csv (T), column vk_percent: 30 % is unusual (5 … 25 %)",
    ]


def test_unknown_voltage_level() -> None:
    buses = (*BUSES[:2], bus("C", 225, lon=105.8))
    assert warnings(buses=buses)[0].startswith(
        "buses.csv (C): 225 kV is no nominal voltage → known: 1000, 750, 500"
    )


def test_plant_at_a_boundary_node() -> None:
    assert warnings(plants=(plant("coal", "A", "coal", 600),)) == [
        "plants.csv (coal): stands at the boundary node A, which holds its own voltage"
    ]


# --- the report -----------------------------------------------------------------------------------


def test_evidence_counts_rows_kilometres_and_mva() -> None:
    lines = (line("A-B", "A", "B", circuits=2, confidence="published"), line("A-B2", "A", "B", length_km=300))
    trafos = (trafo("T", "B", "C", confidence="derived"),)
    report = check_network(three_buses(lines=lines, trafos=trafos))
    found = {item.what: (item.published, item.derived, item.assumed) for item in report.evidence}
    assert found["lines"] == (1, 0, 1)
    assert found["circuit km"] == (200, 0, 300)
    assert found["MVA"] == (0, 1500, 0)
    share = {item.what: item.published_share for item in report.evidence}
    assert share["circuit km"] == pytest.approx(0.4)
    assert share["plants"] == 0.0  # there are none


def test_built_in_tables_are_sound() -> None:
    for year in (2025, 2026):
        report = check_network(load_scenario(overrides=[f"time.year={year}"]))
        assert report.sound, report.problems
        assert not report.warnings


def test_report_counts_the_bijie_network_of_2025() -> None:
    report = check_network(load_scenario())
    counts = {item.what: item for item in report.evidence}
    # 66 buses less Weihe (2026); 13 published less Weihe.
    assert counts["buses"].total == 65
    assert counts["buses"].published == 12
    assert 0.03 < counts["circuit km"].published_share < 0.10
    assert [item.name for item in report.left_out] == ["WEIHE500"]
    assert report.sizing_changes


def test_sizing_is_reported_only_where_it_is_applied() -> None:
    assert not check_network(load_scenario(overrides=["grid.size_assumed_elements=false"])).sizing_changes
