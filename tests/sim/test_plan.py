"""Plan targets: how bounds bind, what is judged, and that what cannot be judged says why."""

from dataclasses import replace

import numpy as np
import pytest
from tiny_outcome import outcome

from scenarios.load import load_scenario
from sim.metrics import summarise
from sim.plan import _CANNOT, is_met, plan_targets


@pytest.mark.parametrize(
    ("value", "target", "bound", "met"),
    [
        (60.0, 60.0, "min", True),
        (59.9, 60.0, "min", False),
        (30.0, 30.0, "max", True),
        (45.0, 30.0, "max", False),
        (43.9, 40.0, "about", True),  # within a tenth
        (44.1, 40.0, "about", False),
        (35.9, 40.0, "about", False),
        (32.0, 25.0, "about or more", True),
        (22.4, 25.0, "about or more", False),
        (2.0, 2.0, "named", True),
        (0.0, 2.0, "named", False),
    ],
)
def test_bounds(value, target, bound, met):
    assert is_met(value, target, bound) is met


def test_rounding_of_a_sum_does_not_fail_a_target():
    assert is_met(sum([0.1] * 47) * 1000, 4700.0, "min")


@pytest.fixture(scope="module")
def rows():
    return {row["key"]: row for row in summarise(outcome())["plan"]}


def test_every_target_of_the_table_is_listed_once(rows):
    targets = outcome().scenario.tables.plan_targets
    assert list(rows) == [target.key for target in targets]


def test_what_is_not_judged_says_why(rows):
    assert all(row["reason"] for row in rows.values() if row["met"] is None)


def test_a_yearly_target_is_not_judged_by_four_hours(rows):
    row = rows["bijie_generation"]
    assert row["met"] is None
    assert row["value"] == pytest.approx((334.29391 / 0.94 + 40 + 100 + 30) / 1e6)
    assert "only 4 h were simulated" in row["reason"]


def test_capacities_are_judged_whatever_the_period(rows):
    assert rows["bijie_wind_capacity"]["value"] == 50
    assert rows["bijie_wind_capacity"]["met"] is False
    assert rows["bijie_wind_capacity"]["deviation"] == pytest.approx(50 / 4700 - 1)
    assert rows["bijie_nonfossil_capacity_share"]["value"] == pytest.approx(100 * 100 / 300)
    assert rows["weining_hezhang_bases"]["value"] == 0  # 威宁 has no PV in the tiny system
    assert rows["bijie_coal_flexibility_min"]["met"] is True


def test_other_regions_and_missing_parts_are_not_judged(rows):
    assert "is about Guizhou" in rows["guizhou_pv_2025"]["reason"]
    assert rows["customer_outage_time"]["met"] is None
    assert rows["customer_outage_time"]["value"] > 0


def test_a_target_of_a_later_year_shows_its_value_without_a_verdict():
    of = outcome()
    settings = of.scenario.settings
    early = settings.model_copy(update={"time": settings.time.model_copy(update={"year": 2023, "start": None})})
    before = replace(of, scenario=of.scenario.model_copy(update={"settings": early}))
    rows = {row["key"]: row for row in plan_targets(before, summarise(of))}
    assert rows["bijie_pv_capacity"]["value"] == 30
    assert rows["bijie_pv_capacity"]["met"] is None
    assert "promised for 2025, simulated is 2023" in rows["bijie_pv_capacity"]["reason"]


def test_the_real_tables_give_the_published_capacities():
    """13,030 MW = 1,030 hydro + 4,700 wind + 7,300 PV; 3,000 MVA and one station from the implementation plan."""
    of = outcome()
    real = load_scenario("plan-2025")
    rows = {row["key"]: row for row in plan_targets(replace(of, scenario=real), summarise(of))}
    assert rows["bijie_nonfossil_capacity"]["value"] == pytest.approx(13_030)
    assert rows["bijie_500kv_transformer"]["value"] == pytest.approx(3000)
    assert rows["bijie_500kv_stations"]["value"] == 1
    for key in ("station_jinhaihu", "station_wusa_expansion", "line_wusa_shexiang_2", "line_shexiang_yaxi_2"):
        assert rows[key]["met"] is True
    assert rows["plant_weihe"]["met"] is False  # under construction, 2026 in the tables


def test_reasons_belong_to_targets_that_exist():
    known = {target.key for target in load_scenario("plan-2025").tables.plan_targets}
    assert set(_CANNOT) <= known


def test_no_load_gives_no_share():
    of = outcome()
    case = replace(of.case, load_mw=np.zeros((4, 2)), shed_limit_mw=np.zeros(4))
    metrics = summarise(of)
    rows = {row["key"]: row for row in plan_targets(replace(of, case=case), metrics)}
    assert rows["bijie_demand_response"]["value"] is None
