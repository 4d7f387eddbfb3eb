"""The sequential simulation: by hand where nothing is random, against the exact values, and on common numbers."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from adequacy_cases import hydro, storages, system, wavy_load

from sim.progress import Stages
from sim.reliability import kernels
from sim.reliability.adequacy import Adequacy, Plan, as_json, assess, sampled
from sim.reliability.convolution import Exact, exact
from sim.reliability.estimates import mean_of, ratio_of
from sim.reliability.published import published_system
from sim.reliability.sampling import Sample, prepared, sample, use_threads
from sim.reliability.system import PLAIN, AdequacySystem, replaced

QUIET = Stages(quiet=True)


def one_year(s: AdequacySystem) -> list[float]:
    """Return the figures of a year of a system in which nothing is random."""
    return [float(x) for x in sample(prepared(s), 1, 0, 1).figures[0]]


def within(estimate: object, truth: float, errors: float = 3.0) -> bool:
    value, error = estimate.value, estimate.standard_error  # type: ignore[attr-defined]
    return bool(abs(value - truth) <= errors * error)


# By hand: reliable units, so every figure can be reckoned


def test_shortage_by_hand() -> None:
    """10 MW against 12, 9, 12, 13 MW on the first day and 15 MW at 1 h of the second: three spells, two days."""
    load = [9.0] * 48
    load[3:7] = [12, 9, 12, 13]
    load[25] = 15
    figures = one_year(system([10], load))
    assert figures[kernels.LOLH] == 4
    assert figures[kernels.EUE] == pytest.approx(2 + 2 + 3 + 5)
    assert figures[kernels.LOLF] == 3
    assert figures[kernels.LOLD] == 2


def test_exactly_enough_is_not_a_shortage() -> None:
    assert one_year(system([0.1, 0.2], [0.3, 0.3]))[kernels.LOLH] == 0


def test_storage_by_hand() -> None:
    """5 MW / 8 MWh at 80 % each way, full at first; 10 MW supply.

    Load 14: takes 4 MW (5 MWh out, 3 left). Load 14: 3·0.8 = 2.4 MW, lacks 1.6. Load 5: charges 5 MW → 4 MWh.
    Load 14: 3.2 MW, lacks 0.8.
    """
    s = system([10], [14.0, 14, 5, 14], **storages(((5, 8),), 0.8), measures=("storage",))
    figures = one_year(s)
    assert figures[kernels.EUE] == pytest.approx(1.6 + 0.8)
    assert figures[kernels.STORAGE_MWH] == pytest.approx(4 + 2.4 + 3.2)


def test_the_longest_store_goes_first() -> None:
    """Need 4 MW for two hours from A (4 MW, 4 MWh) and B (2 MW, 4 MWh): B must give 2 MW in both hours.

    Hour 1: B gives 2, A 2; hour 2: both have 2 MWh, again 2 + 2. With A first, hour 2 would lack 2 MW.
    """
    s = system([10], [14.0, 14], **storages(((4, 4), (2, 4))), measures=("storage",))
    assert one_year(s)[kernels.EUE] == pytest.approx(0)


def test_the_order_of_measures_is_the_scenarios() -> None:
    """Lacking 3 MW for one hour, with 2 MW of each measure: the first two give 2 and 1 MW."""
    base = system([10], [11.0], **storages(((2, 2),)), response_mw=np.array([[2.0]]), export_mw=np.array([2.0]))
    columns = {"storage": kernels.STORAGE_MWH, "response": kernels.RESPONSE_MWH, "export": kernels.EXPORT_MWH}
    for order in (("storage", "response", "export"), ("export", "storage", "response"), ("response", "export")):
        figures = one_year(replaced(base, measures=order))
        assert [figures[columns[name]] for name in order[:2]] == pytest.approx([2, 1])
        assert figures[kernels.EUE] == 0


def test_without_export_among_the_measures_it_is_firm() -> None:
    base = system([10], [9.0, 9.0], export_mw=np.array([2.0, 0.0]))
    assert one_year(base)[kernels.EUE] == pytest.approx(1)
    assert one_year(replaced(base, measures=("export",)))[kernels.EUE] == 0


def test_hydro_by_hand() -> None:
    """10 MW plus a hydro plant of 4 MW with 27 MWh a day, of which the must-run of 1 MW takes 24: 3 MWh are free.

    Three hours lack 3 MW: the must-run gives 1 each, the free water 2 in the first, 1 in the second; unserved are
    0 + 1 + 2 MWh. The second day, one hour long, starts anew: 5 MWh less 1 are free; 1 + 3 MW cover the lack.
    """
    load = [13.0, 13, 13] + [0.0] * 21 + [14.0]
    s = system([10, 4], load, unit_hydro=np.array([PLAIN, 0]), **hydro(4, [27, 5], minimum=1))
    figures = one_year(s)
    assert figures[kernels.EUE] == pytest.approx(1 + 2)
    assert figures[kernels.LOLH] == 2


def test_an_outage_in_maintenance_is_not_lost_twice() -> None:
    """A unit that is always down, half the span in maintenance: 10 MW are missing in every hour, not 20."""
    s = system([10, 10], [10.0] * 8, mttf=[float("inf"), 1e-9], mttr=[10, 1e12])
    gone = replaced(s, out_from=np.array([0, 2]), out_to=np.array([0, 6]))
    assert one_year(s)[kernels.EUE] == pytest.approx(0)
    assert one_year(gone)[kernels.EUE] == pytest.approx(0)


def test_a_quarter_hour_step_agrees_with_the_hour() -> None:
    """Storage of 2 MWh against a lack of 1 MW for 3 hours: 1 MWh unserved at any step."""
    from scenarios.timeaxis import TimeAxis  # noqa: PLC0415

    coarse = system([10], [11.0] * 3, **storages(((1, 2),)), measures=("storage",))
    fine = system([10], [11.0] * 12, **storages(((1, 2),)), measures=("storage",))
    fine = replaced(fine, time=TimeAxis.of("2025-01-01", 3, 0.25))
    for column in (kernels.EUE, kernels.LOLH, kernels.LOLF, kernels.LOLD):
        assert one_year(fine)[column] == pytest.approx(one_year(coarse)[column])


# Against exact values


@pytest.fixture(scope="module")
def rts79() -> AdequacySystem:
    return published_system("rts79")


@pytest.fixture(scope="module")
def rts79_found(rts79: AdequacySystem) -> Adequacy:
    return assess(rts79, Plan(years=2000, seed=7), QUIET)


@pytest.fixture(scope="module")
def rts79_exact(rts79: AdequacySystem) -> Exact:
    return exact(rts79)


def test_rts79_within_three_standard_errors(rts79_found: Adequacy, rts79_exact: Exact) -> None:
    assert within(rts79_found.lolh_h, rts79_exact.lolh_h)
    assert within(rts79_found.eue_mwh, rts79_exact.eue_mwh)
    assert rts79_exact.lolf is not None
    assert within(rts79_found.lolf, rts79_exact.lolf)
    # The bounds would mean nothing if the errors were large: 2,000 years know LOLH to 5 %.
    assert rts79_found.lolh_h.standard_error < 0.05 * rts79_found.lolh_h.value


def test_lolp_adds_up_to_lolh(rts79: AdequacySystem, rts79_found: Adequacy) -> None:
    cells = (rts79.time.month - 1) * 24 + rts79.time.hour_of_day
    hours = np.bincount(cells, minlength=288).reshape(12, 24)
    assert (rts79_found.lolp * hours).sum() == pytest.approx(rts79_found.lolh_h.value)


def test_derated_states_and_load_uncertainty_within_three_standard_errors() -> None:
    s = replaced(published_system("rts79-derated"), load_uncertainty=0.05)
    found, truth = assess(s, Plan(years=2000, seed=3), QUIET), exact(s)
    assert within(found.lolh_h, truth.lolh_h)
    assert within(found.eue_mwh, truth.eue_mwh)
    assert truth.lolf is not None
    assert within(found.lolf, truth.lolf)


def risky(hours: int = 240, **changes: object) -> AdequacySystem:
    return system([20, 20, 20, 15], wavy_load(hours, 42, 8), mttf=100, mttr=12, **changes)


def test_the_standard_error_covers_the_exact_value_in_two_of_three_studies() -> None:
    """200 studies of 100 years: hits are binomial(200, 0.683), 136.6 ± 6.6; three sigma: 117 … 156."""
    s = risky()
    truth, ready = exact(s).lolh_h, prepared(s)
    hits = sum(within(mean_of(sample(ready, seed, 0, 100).column(kernels.LOLH)), truth, 1.0) for seed in range(200))
    assert 117 <= hits <= 156


def test_weather_years_take_turns() -> None:
    """A reliable 10 MW unit, load 11 MW in the second of two weathers: every second year is short."""
    found = sample(prepared(system([10], [[9.0] * 24, [11.0] * 24])), 1, 0, 6)
    assert list(found.column(kernels.LOLH)) == [0, 24, 0, 24, 0, 24]


# Sampling


def test_more_years_continue_the_sample(rts79: AdequacySystem) -> None:
    ready = prepared(rts79)
    whole = sample(ready, 5, 0, 64)
    parts = sample(ready, 5, 0, 32).followed_by(sample(ready, 5, 32, 32))
    assert np.array_equal(whole.figures, parts.figures)
    assert np.array_equal(whole.short_steps, parts.short_steps)
    with pytest.raises(ValueError, match="does not follow"):
        sample(ready, 5, 0, 16).followed_by(sample(ready, 5, 17, 16))


def test_threads_do_not_matter(rts79: AdequacySystem) -> None:
    ready = prepared(rts79)
    found = []
    for jobs in (1, None):
        use_threads(jobs)
        found.append(sample(ready, 5, 0, 48))
    assert np.array_equal(found[0].figures, found[1].figures)
    assert np.array_equal(found[0].short_steps, found[1].short_steps)


def test_seeds_differ_and_a_unit_keeps_its_fate_among_others() -> None:
    """The order of the units and the presence of others do not change what happens to a unit."""
    s = risky()
    reversed_units = {
        name: getattr(s, name)[::-1] for name in ("units", "unit_plant", "capacity_mw", "mean_up_h", "mean_down_h")
    }
    figures = sample(prepared(s), 1, 0, 32).figures
    assert np.allclose(figures, sample(prepared(replaced(s, **reversed_units)), 1, 0, 32).figures)
    assert not np.array_equal(figures, sample(prepared(s), 2, 0, 32).figures)


def test_units_of_equal_statistics_fail_independently() -> None:
    """Two units, each down 1/2 of the time: both at once in a quarter of the hours."""
    s = system([10, 10], [5.0] * 2000, mttf=10, mttr=10)
    found = assess(s, Plan(years=200), QUIET)
    assert found.lolh_h.value / 2000 == pytest.approx(0.25, abs=3 * found.lolh_h.standard_error / 2000)


def test_it_stops_at_the_wanted_error() -> None:
    done = sampled(risky(), Plan(years=100_000, error=0.05), QUIET)
    assert done.years < 10_000
    hours = mean_of(done.column(kernels.LOLH))
    assert hours.standard_error <= 0.05 * hours.value
    earlier = Sample(0, figures=done.figures[:-512].copy(), short_steps=done.short_steps)
    if earlier.years:
        energy = mean_of(earlier.column(kernels.EUE))
        assert energy.standard_error > 0.05 * energy.value


def test_a_perfect_system_says_what_it_does_not_know() -> None:
    found = assess(system([10, 10], [15.0] * 48), Plan(years=300), QUIET)
    assert found.lolh_h.value == 0
    assert found.share_of_years_bound == pytest.approx(3 / 300)
    assert found.duration_h is None
    told = as_json(found)
    assert told["lolh_h"] == {"value": 0.0, "standard_error": None}
    assert told["share_of_years_upper_bound_95"] == pytest.approx(0.01)


def test_the_error_of_a_ratio_by_hand() -> None:
    """Hours 2, 4, spells 1, 1: ratio 3, residuals −1, +1 over mean spells 1: s = √2, s/√2 = 1."""
    ratio = ratio_of(np.array([2.0, 4]), np.array([1.0, 1]))
    assert ratio is not None
    assert (ratio.value, ratio.standard_error) == pytest.approx((3, 1))


# More of anything never raises risk, on common random numbers


def annual(s: AdequacySystem, column: int) -> np.ndarray:
    return sample(prepared(s), 11, 0, 200).column(column)


@pytest.mark.parametrize("column", [kernels.LOLH, kernels.EUE])
def test_more_capacity_never_raises_risk(column: int) -> None:
    s = risky(**storages(((3, 6),), 0.9), measures=("storage",))
    before = annual(s, column)
    more = annual(replaced(s, capacity_mw=s.capacity_mw + np.array([0, 2, 0, 0])), column)
    assert (more <= before + 1e-9).all()
    assert more.sum() < before.sum()


def test_a_more_reliable_unit_lowers_risk() -> None:
    s = risky()
    better = replaced(s, mean_up_h=s.mean_up_h * np.array([1, 4, 1, 1]))
    assert annual(better, kernels.EUE).mean() < annual(s, kernels.EUE).mean()


def test_more_storage_never_raises_unserved_energy() -> None:
    """A larger store can do all that the smaller can; hours may rise (it gives all it has at once), energy not."""
    sizes = [((3.0, 6.0),), ((3.0, 12.0),), ((6.0, 12.0),), ((6.0, 12.0), (2.0, 8.0))]
    found = [annual(risky(**storages(size, 0.9), measures=("storage",)), kernels.EUE) for size in sizes]
    for less, more in pairwise(found):
        assert (more <= less + 1e-9).all()
        assert more.sum() < less.sum()


def test_more_water_and_response_never_raise_unserved_energy() -> None:
    days = 10
    base = system(
        [20, 20, 20, 15], wavy_load(24 * days, 46, 8), mttf=[100, 100, 100, 1e9], mttr=12,
        unit_hydro=np.array([PLAIN, PLAIN, PLAIN, 0]), **hydro(15, [60.0] * days, minimum=1),
        measures=("response",),
    )  # fmt: skip
    before = annual(base, kernels.EUE)
    wet = annual(replaced(base, hydro_budget_mwh=base.hydro_budget_mwh * 1.5), kernels.EUE)
    responsive = annual(replaced(base, response_mw=base.response_mw + 2), kernels.EUE)
    for more in (wet, responsive):
        assert (more <= before + 1e-9).all()
        assert more.sum() < before.sum()
