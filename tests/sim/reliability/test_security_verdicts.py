"""Verdicts on losses against hand arithmetic, and relations that must hold whatever the numbers are."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from security_cases import bus, coal_plant, conductor, line, scenario, situation

from grid.model import FlowOptions
from scenarios import tables as t
from sim.reliability.security import Verdict, pass_rates, study_security
from sim.reliability.security_outages import losses_of

OPTIONS = FlowOptions()


def verdicts(at, **options) -> dict[str, Verdict]:
    study = study_security(at, losses_of(at, **options), OPTIONS)
    return {verdict.loss.name: verdict for verdict in study.verdicts}


def current_ka(load_mw: float, x_ohm: float) -> tuple[float, float]:
    """Current and voltage (pu) at a load without reactive power behind ``x_ohm`` from a stiff 220 kV source.

    Q = 0 at the load: V = V_A cos δ; P = V_A V sin δ / X = V_A² sin 2δ / (2 X); I = P / (√3 V).
    """
    delta = 0.5 * math.asin(2 * x_ohm * load_mw / 220**2)
    return load_mw / (math.sqrt(3) * 220 * math.cos(delta)), math.cos(delta)


def test_loss_of_one_circuit_by_hand():
    """L (30 Ω a circuit) beside M (60 Ω). One circuit of L lost: 30 ∥ 60 = 20 Ω, 2/3 of the current in L, 1/3 in M.

    400 MW: sin 2δ = 2·20·400/48400 = 0.3306, δ = 9.653°, V = 0.98584 pu, I = 1.06481 kA; L 0.7099 kA = 88.7 % of
    0.8 kA. 480 MW: δ = 11.687°, V = 0.97927, I = 1.28634 kA; L 0.8576 kA = 107.2 %, M 0.4288 kA = 42.9 % of 1 kA.
    """
    at = situation({"B": [400.0, 480.0]})
    lost = verdicts(at)["L 1/2"]
    for load, ampere, volt in ((400, 1.06481, 0.98584), (480, 1.28634, 0.97927)):
        assert current_ka(load, 20) == pytest.approx((ampere, volt), abs=1e-5)
    assert lost.loading.value == pytest.approx(1.28634 * 2 / 3 / 0.8, rel=1e-5)
    assert (lost.loading.step, lost.loading.place) == (1, "L")
    assert lost.low.value == pytest.approx(0.97927, abs=1e-5)
    assert lost.failed.tolist() == [False, True]
    assert [(over.branch, over.steps) for over in lost.overloads] == [("L", 1)]
    assert lost.overloads[0].loading == lost.loading.value


def test_loss_of_the_single_line_by_hand():
    """M lost: the two circuits of L carry all, 15 Ω. 480 MW: I = current(480, 15) kA in two circuits of 0.8 kA."""
    at = situation({"B": [480.0]})
    expected = current_ka(480, 15)[0] / 1.6
    assert verdicts(at)["M"].loading.value == pytest.approx(expected, rel=1e-6)
    assert verdicts(at)["M"].steps_failed == 0


def test_relief_by_hand():
    """Everything at B comes through L and M, so one MW less at B takes its share off L: 2/3 after the loss.

    L carries P_L = 480 · 2/3 = 320 MW at 107.2 %: 320 · (1 − 1/1.07195) = 21.48 MW too much, 32.2 MW at B.
    """
    relief = verdicts(situation({"B": [480.0]}))["L 1/2"].relief
    loading = current_ka(480, 20)[0] * 2 / 3 / 0.8
    assert relief.cut_mw == pytest.approx(480 * (1 - 1 / loading), rel=1e-5)
    assert relief.lowered_mw == 0.0
    assert relief.left_mw == pytest.approx(0.0, abs=1e-9)
    assert relief.total_mw == pytest.approx(32.22, abs=0.01)


def test_generation_is_lowered_before_load_is_cut():
    """−480 MW: the same overload the other way; the plant at B gives way, the load at B (20 MW) stays."""
    at = situation({"B": [20.0]}, {"B": [500.0]})
    relief = verdicts(at)["L 1/2"].relief
    assert relief.cut_mw == 0.0
    assert relief.lowered_mw == pytest.approx(32.22, abs=0.01)


def test_what_no_relief_can_end_is_said():
    """The same with no load or generation known to move: L keeps P_L · (1 − 1/loading) above its limit."""
    at = situation({"B": [480.0]})
    nothing = replace(at.operation, taken_mw=np.zeros_like(at.operation.taken_mw))
    relief = verdicts(replace(at, operation=nothing))["L 1/2"].relief
    loading = current_ka(480, 20)[0] * 2 / 3 / 0.8
    assert relief.total_mw == 0.0
    assert relief.left_mw == pytest.approx(320 * (1 - 1 / loading), rel=1e-5)


def test_islanding_is_told_apart_from_overload():
    """S is the only way to C: 50 MW of load and 80 MW of generation go dark when they are there."""
    at = situation({"B": [10.0, 10.0], "C": [50.0, 0.0]}, {"C": [80.0, 30.0]})
    lost = verdicts(at)["S"]
    assert lost.dark == ("C",)
    assert (lost.load_lost_mw, lost.generation_lost_mw) == (50.0, 80.0)
    assert (lost.steps_with("load_lost"), lost.steps_with("generation_lost"), lost.steps_with("overload")) == (
        1,
        2,
        0,
    )
    assert lost.failed.tolist() == [True, False]
    assert lost.worst_step == 0


def test_cutting_off_generation_may_count_as_failure():
    strict = scenario({"generation_may_island": False})
    at = situation({"B": [10.0, 10.0], "C": [50.0, 0.0]}, {"C": [80.0, 30.0]}, strict)
    assert verdicts(at)["S"].failed.tolist() == [True, True]


def test_no_solution_is_told_apart():
    """A stiff source delivers at most V²/(2X) to a load without reactive power: 48400/24 = 2017 MW over the 12 Ω of
    all lines, 48400/40 = 1210 MW over the 20 Ω without a circuit of L. 1300 MW lies between.
    """
    at = situation({"B": [1300.0, 100.0]})
    lost = verdicts(at)["L 1/2"]
    assert (lost.steps_with("unsolved"), lost.steps_failed) == (1, 1)
    assert lost.loading.step == 1
    assert lost.relief is None
    rates = pass_rates([lost])
    assert rates.failed_by["unsolved"] == 2.0  # two equal circuits, one hour


def test_low_voltage_after_a_loss():
    """700 MW over 20 Ω: sin 2δ = 0.5785, δ = 17.67°, V = 0.9528; over 15 Ω: V = 0.9751. Limit 0.96."""
    of = scenario({"voltage_220": {"low_pu": 0.96, "high_pu": 1.1}}, hours=1)
    wide = of.tables.model_copy(update={"line_types": (conductor("I", 8.0), conductor("II", 8.0))})
    at = situation({"B": [700.0]}, of=of.model_copy(update={"tables": wide}))
    found = verdicts(at)
    assert found["L 1/2"].low.value == pytest.approx(0.9528, abs=1e-4)
    assert [found[name].steps_with("low_voltage") for name in ("L 1/2", "M")] == [1, 0]
    assert found["L 1/2"].steps_with("overload") == 0
    assert found["L 1/2"].failed.tolist() == [True]


def test_high_voltage_and_the_surrounding_grid():
    """The boundary bus A stands at 1.0 and is not judged; a limit just below what B has makes B fail."""
    of = scenario({"voltage_220": {"low_pu": 0.5, "high_pu": 1.0}}, hours=1)
    at = situation({"B": [100.0]}, of=of)
    assert verdicts(at)["M"].steps_failed == 0
    generating = replace(
        at.operation, injections=at.model.injections(np.zeros((1, 3)), np.array([[0.0, 50.0, 0.0]]))
    )
    lost = verdicts(replace(at, operation=generating))["M"]
    assert lost.steps_with("high_voltage") == 1
    assert lost.high.place == "B" and lost.high.value > 1.0


def test_unit_loss_by_hand():
    """P stands at B with two units, 300 MW together, against 500 MW of load; losing one imports 350 instead of 200.

    B is held at 1.0 pu by the remaining unit: 350 MW over 12 Ω. sin δ = 350·12/48400, the current through each of
    L and M is shared 4/5 to 1/5, and I = 2 V sin(δ/2) / X / √3.
    """
    with_plant = scenario({"unit_mw": 150}, hours=2)
    tables = with_plant.tables.model_copy(update={"plants": (coal_plant("P", "B", 2, 200.0),)})
    of = with_plant.model_copy(update={"tables": tables})
    at = situation({"B": [500.0, 100.0]}, {"B": [300.0, 0.0]}, of, {"P": [2, 0]})
    lost = verdicts(at)["P 1/2"]
    delta = math.asin(350 * 12 / 220**2)
    ampere = 2 * 220 * math.sin(delta / 2) / 12 / math.sqrt(3)
    assert lost.loading.value == pytest.approx(ampere * 0.8 / 2 / 0.8, rel=1e-6)
    assert lost.judged.tolist() == [True, False]  # a unit that does not run cannot be lost
    assert pass_rates([lost]).pairs == 2.0  # two units run in one hour


def test_losing_the_last_unit_leaves_the_bus_without_voltage_control():
    """The same plant with one unit on line: B is no longer held and sags as a plain load of 500 MW over 12 Ω."""
    with_plant = scenario({"unit_mw": 150}, hours=1)
    tables = with_plant.tables.model_copy(update={"plants": (coal_plant("P", "B", 2, 200.0),)})
    at = situation({"B": [500.0]}, {"B": [150.0]}, with_plant.model_copy(update={"tables": tables}), {"P": [1]})
    given = at.operation.injections
    one_unit = replace(given, q_min_mvar=np.array([[-np.inf, -60.0]]), q_max_mvar=np.array([[np.inf, 100.0]]))
    lost = verdicts(replace(at, operation=replace(at.operation, injections=one_unit)))["P 1/2"]
    assert lost.low.value == pytest.approx(current_ka(500, 12)[1], abs=1e-6)


def test_hours_without_a_base_case_are_not_judged():
    at = situation({"B": [480.0, 480.0]}, solved=[True, False])
    study = study_security(at, losses_of(at), OPTIONS)
    assert study.steps_unsolved == 1
    assert all(verdict.judged.tolist() == [True, False] for verdict in study.verdicts)
    rates = pass_rates(study.n1)
    assert (rates.pairs, rates.pairs_failed) == (4.0, 2.0)  # L twice, M, S; L fails
    assert (rates.hour_element, rates.element, rates.hour) == (0.5, 0.5, 0.0)


def test_base_case_beyond_post_fault_limits_is_seen():
    at = situation({"B": [1000.0]})
    study = study_security(at, losses_of(at), OPTIONS)
    assert study.base.steps_failed == 1
    assert all(verdict.steps_failed == 1 for verdict in study.verdicts)


def test_rates_of_nothing_are_none():
    rates = pass_rates([])
    assert (rates.hour_element, rates.element, rates.hour) == (None, None, None)


def test_common_towers():
    """T takes both circuits of L and leaves M, 60 Ω (at most 403 MW); U takes M and one of L and leaves 30 Ω."""
    tower = t.CommonTower(tower_id="T", line_id="L", other_line_id="L", **MADE)
    other = t.CommonTower(tower_id="U", line_id="L", other_line_id="M", **MADE)
    at = situation({"B": [390.0]}, of=scenario(hours=1, common_towers=(tower, other)))
    assert {"T", "U"}.isdisjoint(verdicts(at))
    found = verdicts(at, towers=True)
    assert found["T"].loading.value == pytest.approx(current_ka(390, 60)[0] / 1.0, rel=1e-6)
    assert found["T"].loading.place == "M"
    assert found["U"].loading.value == pytest.approx(current_ka(390, 30)[0] / 0.8, rel=1e-6)
    assert found["U"].loading.place == "L"


MADE = {"source": "hand-made", "confidence": "assumed"}


# --- relations ---


def year():
    """Forty hours of varied load and generation at B and C."""
    rng = np.random.default_rng(5)
    load = {name: rng.uniform(100, 500, 40).tolist() for name in "BC"}
    return load, {"C": rng.uniform(0, 300, 40).tolist()}


def test_stronger_ratings_never_lower_the_pass_rate():
    load, given = year()
    rates = []
    for factor in (0.6, 0.8, 1.0, 1.3, 2.0):
        types = (conductor("I", 0.8 * factor), conductor("II", factor))
        of = scenario(hours=40, line_types=types)
        found = pass_rates(verdicts(situation(load, given, of)).values())
        rates.append((found.hour_element, found.element, found.hour))
    assert all(later[k] >= earlier[k] for earlier, later in pairwise(rates) for k in range(3))
    assert rates[0][0] < rates[-1][0]


def test_wider_voltage_bands_never_lower_the_pass_rate():
    load, given = year()
    rates = []
    for low in (0.99, 0.97, 0.95, 0.9):
        of = scenario({"voltage_220": {"low_pu": low, "high_pu": 1.1}}, hours=40)
        rates.append(pass_rates(verdicts(situation(load, given, of)).values()).hour_element)
    assert rates == sorted(rates)
    assert rates[0] < rates[-1]


def test_order_of_losses_changes_nothing():
    at = situation(*year(), scenario(hours=40))
    losses = losses_of(at)
    one, other = (study_security(at, order, OPTIONS) for order in (losses, losses[::-1]))
    assert [v.loss.name for v in one.verdicts] == [v.loss.name for v in other.verdicts]
    for mine, theirs in zip(one.verdicts, other.verdicts, strict=True):
        assert (mine.broken == theirs.broken).all()
        assert (mine.loading, mine.low, mine.high, mine.overloads) == (
            theirs.loading, theirs.low, theirs.high, theirs.overloads,
        )  # fmt: skip


def test_threads_change_nothing():
    at = situation(*year(), scenario(hours=40))
    one, two = (study_security(at, losses_of(at), FlowOptions(threads=count)) for count in (1, 2))
    for mine, theirs in zip(one.verdicts, two.verdicts, strict=True):
        assert (mine.broken == theirs.broken).all()
        assert (mine.loading, mine.overloads) == (theirs.loading, theirs.overloads)


def test_order_of_hours_changes_no_hour():
    load, given = year()
    turned = [{name: values[::-1] for name, values in part.items()} for part in (load, given)]
    of = scenario(hours=40)
    one, other = verdicts(situation(load, given, of)), verdicts(situation(*turned, of))
    for name, verdict in one.items():
        assert (verdict.broken == other[name].broken[::-1]).all()


def test_two_lines_are_as_good_as_two_circuits():
    """L as one row of two circuits, or as two rows of one: each circuit's loss is the same."""
    load, given = year()
    apart = scenario(
        hours=40,
        buses=(bus("A", "boundary"), bus("B"), bus("C")),
        lines=(
            line("L1", "A", "B"),
            line("L2", "A", "B"),
            line("M", "A", "B", km=200, kind="II"),
            line("S", "B", "C"),
        ),
    )
    together, single = verdicts(situation(load, given, scenario(hours=40))), verdicts(situation(load, given, apart))
    rates = [pass_rates(found.values()) for found in (together, single)]
    assert rates[0].elements == rates[1].elements == 4
    assert rates[0].hour_element == pytest.approx(rates[1].hour_element, abs=1e-12)
    assert together["L 1/2"].loading.value == pytest.approx(single["L1"].loading.value, abs=1e-9)
