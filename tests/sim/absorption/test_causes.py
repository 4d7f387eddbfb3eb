"""Why wind and PV were curtailed: three buses and four hours by hand, one example a cause; the laws of shares.

    A ──L1── B ──L2── C        A: sun (100 MW in every hour unless said otherwise), C1 (coal) and the slack
                               B: load; C: what an example adds. Losses are 0.

Every example lasts four hours of one day; energies in MWh are sums over the hours.
"""

from dataclasses import replace

import numpy as np
import pytest
from dispatch_cases import make_case, random_case
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from lp_cases import make_limits, make_model, random_limits

from scenarios.timeaxis import TimeAxis
from sim.absorption.binding import LimitedDispatch, binding_rows
from sim.absorption.causes import CAUSES, Operated, curtailed, flexible, separate
from sim.absorption.nesting import nested_shares
from sim.dispatch import lp
from sim.dispatch.limits import limits_at
from sim.dispatch.model import Rules
from sim.dispatch.security import Circuits

EXACT = 1e-6
"""MWh by which the shares may miss the total."""


def causes_of(case, limits=None):
    return separate(Operated(case, lp.solve(case, limits), limits), lp.solve)


def energies(causes):
    """Return the share of every cause, MWh; 0 for causes that are no part of the operation."""
    return {cause: float(causes.of(cause).sum() * causes.time.step_h) for cause in CAUSES}


def by_hand(causes, **expected):
    assert energies(causes) == pytest.approx(dict.fromkeys(CAUSES, 0.0) | expected, abs=EXACT)


def test_surplus_by_hand():
    # Sun 100 + 100 + 100 + 0; load 60. Nobody takes 40 MW in three hours, and coal can go to 0: 3 · 40 = 120 MWh.
    case = make_case([60.0] * 4, available_mw=[[100.0], [100], [100], [0]], coal_unit_mw=[100.0])
    causes = causes_of(case)
    by_hand(causes, surplus=120.0)
    assert causes.of("surplus")[:, 0] == pytest.approx([40.0, 40.0, 40.0, 0.0])


def test_surplus_is_over_load_export_band_and_storage():
    # Sun 100 in hours 0 and 1. Load 60, export up to 20 · 1.1 = 22 (band), a store that takes 5 MW and has room for
    # 10 · (1 − 0.5) = 5 MWh: 100 − 60 − 22 = 18 MW are left in both hours; 36 − 5 stored = 31 MWh.
    case = make_case(
        [60.0] * 4,
        available_mw=[[100.0], [100], [0], [0]],
        coal_unit_mw=[100.0],
        export_mw=np.full((4, 1), 20.0),
        export_low_mw=np.full((4, 1), 18.0),
        export_high_mw=np.full((4, 1), 22.0),
        storage_power_mw=[5.0],
        storage_energy_mwh=[10.0],
        price_export_up=-30.0,
    )
    by_hand(causes_of(case), surplus=31.0)


def test_flexibility_by_hand():
    # Load 110, one coal unit of 100 MW that must run (the must-run of heat) at 40 % at least: 40 MW.
    # Sun 100: room for 110 − 40 = 70, 30 MW curtailed in each of 4 h = 120 MWh; without the minimum all 100 fit.
    case = make_case(
        [110.0] * 4,
        available_mw=np.full((4, 1), 100.0),
        coal_unit_mw=[100.0],
        coal_minimum_pu=[0.4],
        coal_must_run_units=1,
    )
    by_hand(causes_of(case), flexibility=120.0)


def test_surplus_and_flexibility_by_hand():
    # Load 80: 20 MW of surplus in each hour; with 40 MW of coal only 40 of 100 fit: 60 curtailed, 40 for coal.
    case = make_case(
        [80.0] * 4,
        available_mw=np.full((4, 1), 100.0),
        coal_unit_mw=[100.0],
        coal_minimum_pu=[0.4],
        coal_must_run_units=1,
    )
    by_hand(causes_of(case), surplus=4 * 20.0, flexibility=4 * 40.0)


def test_ramps_are_flexibility_by_hand():
    # Load 100 is served by coal in hours 0, 2 and 3; sun gives 100 in hour 1 only. Coal moves by 20 MW an hour:
    # it gives 80 in hour 1, so 80 of the 100 MW of sun are curtailed. Without ramps nothing is.
    case = make_case(
        [100.0] * 4,
        available_mw=[[0.0], [100], [0], [0]],
        coal_unit_mw=[100.0],
        coal_ramp_pu_per_h=0.2,
        coal_must_run_units=1,
        rules=Rules(ramps=True),
    )
    by_hand(causes_of(case), flexibility=80.0)


def three_buses(limit_ab_mw=np.inf, limit_bc_mw=np.inf, sun_mw=(100.0,) * 4, load_mw=90.0):
    """Return the case and the rows of A ── B ── C; the sun is at A, coal and the slack at C, the load at B."""
    case = make_case([load_mw] * 4, available_mw=np.array(sun_mw)[:, None], coal_unit_mw=[100.0])
    model = make_model([(0, 1, 0.1, limit_ab_mw), (1, 2, 0.1, limit_bc_mw)], slack={2: 1.0})
    at = {"renewables-0": 0, "load-0": 1, "coal-0": 2}
    return case, limits_at(model, case, at)


def test_network_by_hand():
    # Load 90 at B: of 100 MW of sun 10 are surplus. The line A–B carries 70: another 20 MW in each of 4 h.
    case, limits = three_buses(limit_ab_mw=70.0)
    causes = causes_of(case, limits)
    by_hand(causes, surplus=40.0, network=80.0)
    (row,) = causes.rows
    assert (row.row, row.cause, row.limit_mw, row.forward) == ("line-0", "network", pytest.approx(70.0), True)
    assert (row.hours, row.curtailing_hours) == (4.0, 4.0)
    assert row.mwh == pytest.approx(80.0)


def test_a_row_binds_only_in_its_hours():
    # Sun 100, 60, 60, 100 behind 70 MW, load 150 (coal serves the rest): 30 MW are curtailed in hours 0 and 3.
    case, limits = three_buses(limit_ab_mw=70.0, sun_mw=(100.0, 60.0, 60.0, 100.0), load_mw=150.0)
    causes = causes_of(case, limits)
    by_hand(causes, network=60.0)
    assert causes.of("network")[:, 0] == pytest.approx([30.0, 0.0, 0.0, 30.0])
    assert [(row.row, row.hours, row.mwh) for row in causes.rows] == [("line-0", 2.0, pytest.approx(60.0))]


def test_rows_that_bind_together_share_by_sensitivity():
    # One plant of 100 MW, load 150; both rows stop it at 70 MW: 0.6 · 70 = 42 and 0.2 · 70 = 14. Of 4 · 30 MWh
    # the first is given 0.6 / 0.8, the second 0.2 / 0.8.
    case = make_case([150.0] * 4, available_mw=np.full((4, 1), 100.0), coal_unit_mw=[100.0])
    limits = make_limits(case, [42.0, 14.0], renewables=[[0.6], [0.2]])
    rows = causes_of(case, limits).rows
    assert [(row.row, row.mwh) for row in rows] == [
        ("row-0", pytest.approx(90.0)),
        ("row-1", pytest.approx(30.0)),
    ]


def test_what_storage_carried_to_another_hour_is_given_to_the_rows_of_the_day():
    # The row binds in hour 0 only; 10 MWh of the network's share lie in hour 1.
    case, limits = three_buses(limit_ab_mw=70.0, sun_mw=(100.0, 60.0, 60.0, 60.0), load_mw=150.0)
    dispatch = LimitedDispatch(case, lp.solve(case, limits), limits, np.ones(len(limits.rows), dtype=bool))
    (row,) = binding_rows(dispatch, "network", np.array([[30.0], [10.0], [0.0], [0.0]]))
    assert (row.hours, row.curtailing_hours, row.mwh) == (1.0, 1.0, pytest.approx(40.0))


def test_without_rating_limits_the_network_has_no_share():
    case, limits = three_buses()
    causes = causes_of(case, limits)
    assert (energies(causes)["network"], causes.rows) == (0.0, ())


def test_security_by_hand():
    # Two equal circuits of 60 MW between A and B: 120 MW together. Load 100 and sun 100: no surplus, all fits.
    # N-1: after the loss of one, the other carries all, 60 · 1.2 (emergency) = 72 MW: 28 MW in each of 4 h.
    case = make_case([100.0] * 4, available_mw=np.full((4, 1), 100.0), coal_unit_mw=[100.0])
    model = make_model([(0, 1, 0.1, 60.0), (0, 1, 0.1, 60.0), (1, 2, 0.1, np.inf)], slack={2: 1.0})
    twice = Circuits(np.array([1, 1, 1]), np.array([1.2, 1.2, 1.2]))
    limits = limits_at(model, case, {"renewables-0": 0, "load-0": 1, "coal-0": 2}, circuits=twice)
    causes = causes_of(case, limits)
    by_hand(causes, security=4 * 28.0)
    assert sum(row.mwh for row in causes.rows) == pytest.approx(112.0)
    assert {row.row for row in causes.rows} == {"line-0 without line-1", "line-1 without line-0"}


def test_ac_correction_by_hand():
    # The line carries 70 MW in the linear view; the AC flow showed that 65 is all: 5 MW more in each of 4 h.
    case, limits = three_buses(limit_ab_mw=70.0)
    _, tighter = three_buses(limit_ab_mw=65.0)
    operated = Operated(case, lp.solve(case, tighter), limits, corrected=True)
    by_hand(separate(operated, lp.solve), surplus=40.0, network=80.0, ac=20.0)


def test_a_line_that_only_moves_curtailment_has_no_share():
    # Two suns of 100 MW each, load 150: 50 MW are surplus wherever they are cut. A line of 70 MW behind the first
    # sun forces 30 of the 50 to that plant (the other may give 80): the total stays 50, the network adds nothing.
    case = make_case([150.0] * 4, available_mw=np.full((4, 2), 100.0), coal_unit_mw=[100.0])
    limits = make_limits(case, [70.0], renewables=[[1.0, 0.0]])
    causes = causes_of(case, limits)
    by_hand(causes, surplus=4 * 50.0)
    assert causes.of("surplus").sum(axis=0) == pytest.approx([4 * 30.0, 4 * 20.0])


def test_only_surplus_remains_with_a_copper_plate_and_flexible_coal():
    for seed in range(4):
        case = random_case(seed, days=3)
        case = flexible(replace(case, available_mw=2.0 * case.available_mw))
        shares = energies(causes_of(case))
        assert shares["surplus"] > 0.0
        assert sum(shares.values()) == shares["surplus"]


@pytest.mark.parametrize("seed", range(3))
def test_more_load_never_raises_the_surplus(seed):
    case = random_case(seed, days=3)
    limits = random_limits(case, seed)
    more = replace(case, load_mw=case.load_mw * 1.02)
    before, after = (energies(causes_of(each, limits))["surplus"] for each in (case, more))
    assert after <= before + EXACT
    assert after < before or before == 0.0


@pytest.mark.parametrize("seed", range(4))
def test_shares_add_up_and_are_never_negative(seed):
    case = random_case(seed, days=4)
    limits = random_limits(case, seed)
    result = lp.solve(case, limits)
    causes = separate(Operated(case, result, limits), lp.solve)
    lost = curtailed(case, result)
    assert (causes.share_mw >= 0.0).all()
    assert np.abs(causes.share_mw.sum(axis=0) - lost).sum() < EXACT
    assert sum(row.mwh for row in causes.rows) == pytest.approx(energies(causes)["network"], abs=EXACT)
    # What a rung adds over the whole period is the share, as long as no rung takes away.
    increases = np.diff(causes.rung_mwh, prepend=0.0)
    if (increases >= 0.0).all():
        assert list(energies(causes).values())[: len(increases)] == pytest.approx(list(increases), abs=EXACT)


def test_the_order_of_plants_does_not_matter():
    case = random_case(1, days=3)
    turned = replace(
        case, renewables=case.renewables[::-1], available_mw=np.ascontiguousarray(case.available_mw[:, ::-1])
    )
    straight, backwards = causes_of(case), causes_of(turned)
    assert backwards.share_mw[:, :, ::-1] == pytest.approx(straight.share_mw, abs=1e-4)


def test_increases_are_passed_down_from_the_whole_period():
    # One plant, two hours. The first rung curtails 10 + 0, the second 0 + 12: storage moved it, and 2 were added.
    curtailed_mw = np.array([[[10.0], [0.0]], [[0.0], [12.0]]])
    shares = nested_shares(curtailed_mw, TimeAxis.of("2025-01-01", 2))
    # All is curtailed in hour 1 now, 10 of it for the first cause although that rung curtailed in hour 0.
    assert shares[:, :, 0].tolist() == [[0.0, 10.0], [0.0, 2.0]]


def test_a_rung_that_takes_away_has_no_share():
    # 10, then 7, then 12: the running greatest is 10, 10, 12; cut to the last, the shares are 10, 0, 2.
    curtailed_mw = np.array([10.0, 7.0, 12.0])[:, None, None]
    shares = nested_shares(curtailed_mw, TimeAxis.of("2025-01-01", 1))
    assert shares.ravel().tolist() == [10.0, 0.0, 2.0]


@settings(max_examples=60, deadline=None)
@given(arrays(np.float64, (4, 48, 3), elements=st.floats(0.0, 1e3)))
def test_shares_of_any_ladder_are_nested(curtailed_mw):
    shares = nested_shares(curtailed_mw, TimeAxis.of("2025-01-31", 48))
    assert (shares >= 0.0).all()
    assert np.abs(shares.sum(axis=0) - curtailed_mw[-1]).max() < 1e-9
    whole = curtailed_mw.sum(axis=(1, 2))
    wanted = np.minimum(np.maximum.accumulate(whole), whole[-1])
    assert np.cumsum(shares.sum(axis=(1, 2))) == pytest.approx(wanted, rel=1e-9, abs=1e-6)
