"""The exact method: the six published figures of RTS-79, hand arithmetic, and all 2^n states one by one."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from adequacy_cases import storages, system

from scenarios.errors import ScenarioError
from scenarios.generating_system import load_rts79
from sim.reliability.convolution import applies, exact, outage_table, states_of
from sim.reliability.published import load_course, published_system
from sim.reliability.system import AdequacySystem, replaced


@pytest.fixture(scope="module")
def rts79() -> AdequacySystem:
    return published_system("rts79")


def test_rts79_is_the_published_system(rts79: AdequacySystem) -> None:
    assert len(rts79.units) == 32
    assert rts79.capacity_mw.sum() == 3405
    load = load_course(load_rts79())
    assert len(load) == 8736
    # Week 51 is the peak week, Tuesday its peak day, 17–19 h in winter 100 %.
    assert load.max() == pytest.approx(2850)
    assert int(load.argmax()) == 50 * 168 + 24 + 17
    assert rts79.time.day_of_week[0] == 0
    # Published forced outage rates: U12 0.02, U400 0.12.
    assert rts79.unavailability[[0, -1]] == pytest.approx([0.02, 0.12])


def test_hourly_lole_and_eue_of_rts79(rts79: AdequacySystem) -> None:
    found = exact(rts79)
    assert round(found.lolh_h, 5) == 9.39418
    assert round(found.eue_mwh) == 1176
    assert round(found.lole_daily_peak, 5) == 1.36886


@pytest.mark.parametrize(("peak_mw", "published"), [(3135, 6.68051), (2394, 0.04756)])
def test_other_peaks_of_rts79(rts79: AdequacySystem, peak_mw: float, published: float) -> None:
    scaled = replaced(rts79, load_mw=rts79.load_mw * peak_mw / 2850)
    assert round(exact(scaled).lole_daily_peak, 5) == published


def test_derated_states_of_rts79() -> None:
    assert round(exact(published_system("rts79-derated")).lole_daily_peak, 5) == 0.88258


def test_derated_units_have_the_published_probabilities() -> None:
    derated = published_system("rts79-derated")
    unit = derated.units.index("U350_b23_1")
    lost, p = states_of(derated, unit)
    assert list(lost) == [0, 350, 175]
    assert p == pytest.approx([1 - 0.0546875 - 0.046875, 0.0546875, 0.046875])


@pytest.mark.parametrize(("sigma", "published"), [(0.02, 1.45110), (0.05, 1.91130)])
def test_load_forecast_uncertainty_of_rts79(rts79: AdequacySystem, sigma: float, published: float) -> None:
    # The second is 1.911288 here, printed 1.91130: the weights are printed to three digits.
    assert exact(replaced(rts79, load_uncertainty=sigma)).lole_daily_peak == pytest.approx(published, abs=1.5e-5)


def test_two_units_by_hand() -> None:
    """Two units of 10 MW, each down 1/5 of the time; loads 5, 15, 10, 20 MW.

    P(loss ≥ 10) = 1 − 0.8² = 0.36, P(loss = 20) = 0.04. Short hours: 0.04 (load 5), 0.36 (15), 0.04 (10: one unit
    is just enough), 0.36 (20); together 0.80 h.
    EUE: 5·0.04 + [0.32·5 + 0.04·15] + 10·0.04 + [0.32·10 + 0.04·20] = 0.2 + 2.2 + 0.4 + 4.0 = 6.8 MWh.
    """
    found = exact(system([10, 10], [5, 15, 10, 20], mttf=40, mttr=10))
    assert found.lolh_h == pytest.approx(0.80)
    assert found.eue_mwh == pytest.approx(6.8)
    assert found.lole_daily_peak == pytest.approx(0.36)


def test_frequency_of_one_unit_by_hand() -> None:
    """One unit, load below its capacity: a spell begins when the unit is down first, or goes down between hours.

    With U = 0.2 and λ + μ = 1/40 + 1/10 = 1/8: P(up → down in 1 h) = 0.2·(1 − e^{−1/8}).
    Three hours: 0.2 + 2 · 0.8 · 0.2 · (1 − e^{−1/8}).
    """
    found = exact(system([10], [5, 5, 5], mttf=40, mttr=10))
    assert found.lolf == pytest.approx(0.2 + 2 * 0.8 * 0.2 * (1 - np.exp(-1 / 8)))


def enumerated(s: AdequacySystem) -> tuple[float, float]:
    """Return LOLH and EUE by going through all combinations of unit states."""
    lolh = eue = 0.0
    states = [list(zip(*states_of(s, u), strict=True)) for u in range(len(s.units))]
    for combination in product(*states):
        p = float(np.prod([chance for _, chance in combination]))
        available = s.capacity_mw.sum() - sum(mw for mw, _ in combination)
        short = np.maximum(s.load_mw - available, 0)
        lolh += p * float((short > 0).sum(axis=1).mean())
        eue += p * float(short.sum(axis=1).mean())
    return lolh, eue


def test_all_states_one_by_one() -> None:
    rng = np.random.default_rng(5)
    mttf, mttr = list(rng.uniform(50, 200, 6)), list(rng.uniform(5, 40, 6))
    loads = [list(rng.uniform(50, 140, 30)), list(rng.uniform(50, 140, 30))]
    units = system([11, 17, 23, 31, 40, 20], loads, mttf, mttr)
    derated = replaced(
        units, derated_share=np.array([0, 0.5, 0, 0.3, 0, 1.0]), derated_mw=np.array([0, 9, 0, 12, 0, 5.0])
    )
    found = exact(derated)
    assert (found.lolh_h, found.eue_mwh) == pytest.approx(enumerated(derated))


def test_a_unit_of_broken_size_keeps_its_mean_loss() -> None:
    table = outage_table(system([10.25], [5.0], mttf=30, mttr=10), np.array([True]))
    assert table.mean_from[0] == pytest.approx(10.25 * 0.25)


def test_maintenance_takes_a_unit_out_of_its_hours() -> None:
    """The second of two reliable units is away in hours 1 and 2: load 15 lacks 5 MW there."""
    s = system([10, 10], [15.0] * 4, out_from=np.array([0, 1]), out_to=np.array([0, 3]))
    found = exact(s)
    assert (found.lolh_h, found.eue_mwh, found.lolf) == (2, 10, None)


def test_it_refuses_what_it_cannot_do() -> None:
    s = system([10], [5.0], **storages(((1, 1),)), measures=("storage",))
    assert not applies(s)
    with pytest.raises(ScenarioError, match="without storage"):
        exact(s)
