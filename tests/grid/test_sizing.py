"""The sizing rule: what it changes by hand, what it must leave, and its DC flows against pandapower's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandapower as pp
import pytest
from network_samples import TYPES, boundary, bus, line, load, plant, scenario, trafo

from grid.elements import elements_of
from grid.network import build_net
from grid.sizing import (
    COLLECTION_BELOW_KV,
    SITUATIONS,
    dc_flows_mw,
    design_years,
    rated_mw,
    situation_injections_mw,
    size_assumed_lines,
    with_sized_lines,
)
from scenarios.load import load_scenario
from scenarios.schema import Scenario

BY_NAME = {row.line_type: row for row in TYPES}
SMALL = {"vn_kv": 220, "line_type": "220kV 2x300", "circuits": 2}


def collector(pv_mw: float, settings: dict[str, Any] | None = None, **line_fields: Any) -> Scenario:
    """A PV plant at the end of one 220 kV line to the surrounding grid."""
    return scenario(
        settings,
        buses=(bus("G", 220, "boundary"), bus("P", 220, "collector")),
        lines=(line("P-G", "P", "G", **{**SMALL, **line_fields}),),
        plants=(plant("pv", "P", "pv", pv_mw),),
        boundary=(boundary("G"),),
    )


# --- the rule by hand -----------------------------------------------------------------------------


def test_rating_of_a_line_at_its_power_factor() -> None:
    # √3 · 220 kV · 1.010 kA · 2 circuits · 0.95 = 731.2 MW
    assert rated_mw(collector(1).tables.lines[0], BY_NAME) == pytest.approx(731.23, abs=0.01)
    assert rated_mw(trafo("T", "A", "B"), BY_NAME) == pytest.approx(2 * 750 * 0.95)


@pytest.mark.parametrize(
    ("pv_mw", "conductor", "circuits"),
    [
        (860, "220kV 2x300", 2),  # 0.85 · 860 = 731.0 MW, just below 731.2
        (861, "220kV 2x400", 2),  # 731.9 MW → 852.9
        (1300, "220kV 2x630", 2),  # 1105.0 MW → 852.9 → 1123.6
        (1322, "220kV 2x630", 3),  # 1123.7 MW, just above 1123.6 → 1685.4
        (2000, "220kV 2x630", 4),  # 1700 MW → 2247.3
    ],
)
def test_line_grows_to_the_smallest_size_that_holds(pv_mw: float, conductor: str, circuits: int) -> None:
    sized = size_assumed_lines(collector(pv_mw)).lines[0]
    assert (sized.line_type, sized.circuits) == (conductor, circuits)
    assert sized.confidence == "assumed"


def test_change_tells_before_after_and_why() -> None:
    (change,) = size_assumed_lines(collector(861)).changes
    assert change.before == "2 × 220kV 2x300"
    assert change.after == "2 × 220kV 2x400"
    assert change.reason == "732 MW in a sunny and windy noon, light load, against a normal rating of 731 MW"
    assert size_assumed_lines(collector(861)).lines[0].note == "sized, was 2 × 220kV 2x300"


def test_local_load_relieves_the_line() -> None:
    # 0.85 · 900 = 765 MW less 0.45 · 100 MW at noon = 720 MW < 731 MW.
    example = collector(900)
    tables = example.tables.model_copy(update={"loads": (load("L", "P", 100),)})
    assert size_assumed_lines(collector(900)).changes
    assert not size_assumed_lines(Scenario(settings=example.settings, tables=tables)).changes


def test_simultaneity_is_the_setting() -> None:
    assert not size_assumed_lines(collector(1000, {"grid": {"simultaneity": 0.7}})).changes  # 700 MW
    assert size_assumed_lines(collector(1000, {"grid": {"simultaneity": 0.75}})).changes  # 750 MW


def test_studies_of_growth_still_meet_congestion() -> None:
    assert not size_assumed_lines(collector(700, {"scale": {"pv": 2}})).changes


# --- what it must leave ---------------------------------------------------------------------------


def test_published_line_is_left_and_named() -> None:
    sizing = size_assumed_lines(collector(2000, confidence="published"))
    assert sizing.lines[0].circuits == 2
    assert not sizing.changes
    assert [str(item) for item in sizing.left_overloaded] == [
        "P-G (published, not changed): 1700 MW in a sunny and windy noon, light load, "
        "against a normal rating of 731 MW"
    ]


def test_derived_line_may_get_a_conductor_but_no_circuit() -> None:
    sizing = size_assumed_lines(collector(2000, confidence="derived"))
    assert (sizing.lines[0].line_type, sizing.lines[0].circuits) == ("220kV 2x630", 2)
    assert [item.branch_id for item in sizing.left_overloaded] == ["P-G"]


def test_known_conductor_is_left() -> None:
    sizing = size_assumed_lines(collector(2000, conductor_confidence="derived"))
    assert not sizing.changes
    assert sizing.left_overloaded


def test_backbone_is_left() -> None:
    example = scenario(
        buses=(bus("G", 500, "boundary"), bus("P", 500)),
        lines=(line("P-G", "P", "G"),),
        plants=(plant("pv", "P", "pv", 4000),),
        boundary=(boundary("G"),),
    )
    sizing = size_assumed_lines(example)  # 3400 MW over √3 · 500 · 2.356 · 0.95 = 1938 MW
    assert not sizing.changes
    assert [item.branch_id for item in sizing.left_overloaded] == ["P-G"]


def test_growth_ends_at_eight_circuits() -> None:
    sizing = size_assumed_lines(collector(20000))
    assert sizing.lines[0].circuits == 8
    assert sizing.left_overloaded


def test_rule_can_be_switched_off() -> None:
    small = build_net(collector(2000, {"grid": {"size_assumed_elements": False}}))
    sized = build_net(collector(2000, {"grid": {"size_assumed_elements": True}}))
    assert small.line.loc[0, ["parallel", "max_i_ka"]].tolist() == [2, 1.010]
    assert sized.line.loc[0, ["parallel", "max_i_ka"]].tolist() == [4, 1.552]


# --- years ----------------------------------------------------------------------------------------


def test_design_years_run_from_the_last_operating_plant_to_the_last_bus() -> None:
    assert list(design_years(load_scenario(overrides=["time.year=2024"]))) == [2025, 2026]
    assert list(design_years(collector(100))) == [2025]  # nothing is dated: the scenario's year


def test_a_line_is_the_same_in_every_year() -> None:
    by_year = [size_assumed_lines(load_scenario(overrides=[f"time.year={year}"])).lines for year in (2024, 2026)]
    assert by_year[0] == by_year[1]


# --- two paths and invariants on the Bijie tables -------------------------------------------------


def test_dc_flows_agree_with_pandapower() -> None:
    example = load_scenario("plan-2025", ["grid.size_assumed_elements=false"])
    elements = elements_of(example)
    types = {row.line_type: row for row in example.tables.line_types}
    injections = situation_injections_mw(example, elements)
    assert np.abs(injections.sum(axis=1)).max() < 1e-6
    ours = dc_flows_mw(elements.branches, types, elements, injections)
    net = build_net(example)
    net.load["scaling"] = 0.0
    net.trafo[["pfe_kw", "i0_percent"]] = 0.0  # the magnetising branch, which the plain DC approximation leaves out
    for row in range(len(SITUATIONS)):
        net.sgen.drop(net.sgen.index, inplace=True)
        pp.create_sgens(net, net.bus.index, injections[row])
        pp.rundcpp(net)
        theirs = np.concatenate([net.res_line.p_from_mw, net.res_trafo.p_hv_mw])
        assert np.abs(ours[row] - theirs).max() < 1e-6


def test_no_assumed_collection_line_is_too_small_afterwards() -> None:
    example = load_scenario()
    sizing = size_assumed_lines(example)
    types = {row.line_type: row for row in example.tables.line_types}
    elements = elements_of(with_sized_lines(example, sizing))
    flows = np.abs(dc_flows_mw(elements.branches, types, elements, situation_injections_mw(example, elements)))
    for branch, flow_mw in zip(elements.branches, flows.max(axis=0), strict=True):
        if branch in elements.lines and branch.confidence == "assumed" and branch.vn_kv < COLLECTION_BELOW_KV:
            assert flow_mw <= rated_mw(branch, types)


def test_only_assumed_things_change() -> None:
    example = load_scenario()
    sizing = size_assumed_lines(example)
    assert "BCP220-WN220" in {change.line_id for change in sizing.changes}
    for before, after in zip(example.tables.lines, sizing.lines, strict=True):
        changed = {name for name in type(before).model_fields if getattr(before, name) != getattr(after, name)}
        allowed = {
            "published": set(),
            "derived": {"line_type", "note"},
            "assumed": {"line_type", "circuits", "note"},
        }
        assert changed <= allowed[before.confidence]


def test_sizing_what_is_sized_changes_nothing() -> None:
    example = load_scenario()
    once = size_assumed_lines(example)
    again = size_assumed_lines(with_sized_lines(example, once))
    assert not again.changes
    assert again.lines == once.lines


def test_order_of_the_rows_does_not_matter() -> None:
    example = load_scenario()
    tables = example.tables
    turned = tables.model_copy(
        update={"lines": tables.lines[::-1], "plants": tables.plants[::-1], "buses": tables.buses[::-1]}
    )
    forward = {row.line_id: row for row in size_assumed_lines(example).lines}
    backward = {
        row.line_id: row for row in size_assumed_lines(Scenario(settings=example.settings, tables=turned)).lines
    }
    assert forward == backward


def test_documentation_lists_the_changes_as_they_are() -> None:
    text = (Path(__file__).parents[2] / "docs" / "explanation" / "network.md").read_text(encoding="utf-8")
    rows = [row for row in text.splitlines() if row.startswith("| ") and " against " in row and "220" in row]
    changes = size_assumed_lines(load_scenario()).changes
    assert len(rows) == len(changes)
    for row, change in zip(rows, changes, strict=True):
        size = [part.replace("220kV ", "").replace("xJL/G1A-", "×") for part in (change.before, change.after)]
        flow = f"{change.flow_mw:.0f} MW against {change.limit_mw:.0f} MW"
        assert row.startswith(f"| {change.line_id}")
        assert row.endswith(f"| {size[0]} | {size[1]} | {flow} |")
