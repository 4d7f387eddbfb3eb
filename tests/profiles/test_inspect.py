"""The inspection: figures against hand arithmetic and independent code, planted oddities found."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp
from weather_cases import WEINING_EPW, needs_epw, scenario, weather, with_file

from profiles.inspect import compared, inspect_weather, ks_distance
from profiles.records import Weather


@pytest.fixture(scope="module")
def inspection():
    return inspect_weather(scenario(), weather())


def changed(**arrays) -> Weather:
    return dataclasses.replace(weather(), **arrays)


def test_monthly_values_are_those_of_a_pandas_table(inspection):
    w = weather()
    stamps = w.time.starts()
    month = stamps.month
    for i in range(2):
        ghi = pd.Series(w.ghi_wm2[:, i]).groupby(month).sum() / 1000
        np.testing.assert_allclose(inspection.ghi_kwh_m2[:, i], ghi)
        for name, array in (("temp_mean_c", w.temp_air_c), ("wind_mean_ms", w.wind_ms)):
            np.testing.assert_allclose(
                getattr(inspection, name)[:, i], pd.Series(array[:, i]).groupby(month).mean()
            )
        np.testing.assert_allclose(inspection.iced_h[:, i], pd.Series(w.iced[:, i]).groupby(month).sum())


def test_statistics_are_those_of_pandas(inspection):
    wind = pd.DataFrame(weather().wind_ms)
    for row, lag in enumerate(inspection.lag_h):
        expected = [wind[i].autocorr(lag) for i in range(2)]
        np.testing.assert_allclose(inspection.wind_lag[row], expected)
    assert inspection.wind_between[0, 1] == pytest.approx(wind[0].corr(wind[1]))
    daily = wind.groupby(weather().time.day).mean()
    assert inspection.daily_wind_between[0, 1] == pytest.approx(daily[0].corr(daily[1]))


def test_duration_curves_fall_from_the_highest_to_the_lowest(inspection):
    w = weather()
    for curve, array in ((inspection.wind_curve_ms, w.wind_ms), (inspection.temp_curve_c, w.temp_air_c)):
        np.testing.assert_allclose(curve[0], array.max(axis=0))
        np.testing.assert_allclose(curve[-1], array.min(axis=0))
        assert np.all(np.diff(curve, axis=0) <= 0)
        np.testing.assert_allclose(curve[50], np.median(array, axis=0))
    # The sun is below the horizon for about half of the year.
    assert inspection.ghi_curve_wm2[52, 0] == 0
    assert inspection.ghi_curve_wm2[45, 0] > 0


def test_steps_of_a_quarter_hour_count_as_quarters():
    fine = inspect_weather(scenario("time.step_h=0.25"), weather("time.step_h=0.25"))
    hourly = inspect_weather(scenario(), weather())
    np.testing.assert_allclose(fine.ghi_kwh_m2, hourly.ghi_kwh_m2)
    np.testing.assert_allclose(fine.iced_h, hourly.iced_h)
    np.testing.assert_array_equal(fine.iced_days, hourly.iced_days)


def test_a_part_of_the_year_has_its_own_months():
    options = ("time.start=2025-04-29", "time.hours=72")
    part = inspect_weather(scenario(*options), weather(*options))
    assert part.months == (4, 5)
    assert part.ghi_kwh_m2.sum() == pytest.approx(weather(*options).ghi_wm2.sum() / 1000)


def test_sound_weather_has_nothing_suspicious(inspection):
    assert inspection.suspicions == ()


def test_planted_oddities_are_found():
    w = weather()
    ghi, temp, wind = w.ghi_wm2.copy(), w.temp_air_c.copy(), w.wind_ms.copy()
    ghi[1, 0] = 50.0  # night
    ghi[4000:4024, 1] = 0.0  # a day without sun
    temp[300:315, 0] = 4.25  # 15 hours without change
    temp[6000, 1] += 30.0  # a spike: up and down again
    wind[10, 0] = 48.0
    wind[500:511, 1] = 7.0  # 11 hours: not long enough
    found = inspect_weather(scenario(), changed(ghi_wm2=ghi, temp_air_c=temp, wind_ms=wind)).suspicions
    table = {(s.site, s.what_en): s for s in found}
    assert table["weining", "irradiance with the sun below the horizon"].hours == 1
    assert table["hezhang", "no irradiance with a high sun"].hours in range(9, 13)
    assert table["weining", "temperature stands still (filled gap?)"].hours == 15
    assert table["hezhang", "temperature jump"].hours == 2
    assert table["weining", "storm on the ridge"].extreme == 48.0
    assert table["weining", "storm on the ridge"].first == (w.time.starts()[10],)
    assert ("hezhang", "wind stands still (filled gap?)") not in table


def test_ks_distance_by_hand_and_by_scipy():
    # F of {1,2} reaches 1 at 2, where F of {3,4} is 0: distance 1. {1,2,3,4} and {1,2,5,6}: ½ at 4.
    assert ks_distance(np.array([1.0, 2]), np.array([3.0, 4])) == 1.0
    assert ks_distance(np.array([1.0, 2, 3, 4]), np.array([1.0, 2, 5, 6])) == 0.5
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=500), rng.normal(0.3, size=400)
    assert ks_distance(first, second) == pytest.approx(ks_2samp(first, second).statistic)


def test_weather_has_no_distance_to_itself():
    distances = compared(scenario(), weather(), weather())
    assert not distances.wind.any()
    assert not distances.daily_clearness.any()


@needs_epw
def test_the_synthetic_year_is_distributed_as_the_repaired_station_file():
    station = weather(with_file(WEINING_EPW))
    distances = [compared(scenario(), station, weather(f"weather.seed={seed}")) for seed in range(1, 6)]
    # 365 days with a memory of 0.4 are about 155 independent ones: 5 % of such pairs are more than
    # 1.36 √(2/155) = 0.154 apart by chance.
    assert np.mean([d.daily_clearness[0] for d in distances]) < 0.12
    assert np.mean([d.temperature[0] for d in distances]) < 0.10
    assert np.mean([d.wind[0] for d in distances]) < 0.05
