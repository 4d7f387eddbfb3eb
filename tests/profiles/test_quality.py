"""Quality control: each fault planted by hand is found, counted and repaired, and nothing else is touched."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from weather_cases import (
    WEINING_EPW,
    context,
    needs_epw,
    raw_site,
    scenario,
    weather,
    weining,
    weining_climate,
    with_file,
)

from profiles.climate import place_of, sky_of
from profiles.quality import (
    best_shift_min,
    great_circle_km,
    quality_controlled,
    smoothed_joints,
    without_daily_course,
)
from profiles.sun import clear_sky_ghi, extraterrestrial, sun_at
from scenarios.errors import DataError, ScenarioError
from scenarios.timeaxis import TimeAxis

YEAR = TimeAxis.of_year(2025)
WEEK = TimeAxis.of("2025-06-01", 24 * 7)


def counts(series) -> dict[str, int]:
    return {repair.finding_en: repair.values for repair in series.repairs}


def test_a_good_file_passes_untouched():
    raw = raw_site(WEEK)
    series = quality_controlled(raw, context())
    assert series.repairs == ()
    for name in ("ghi_wm2", "temp_air_c", "wind_ms", "pressure_pa"):
        np.testing.assert_array_equal(getattr(series, name), getattr(raw, name))


def test_planted_irradiance_faults_are_counted_and_nothing_else_changes():
    sky = sky_of(weining(), WEEK)
    ghi = 0.6 * sky.clear_ghi_wm2
    night, noon = [1, 25, 26], [12, 36]
    ghi[night], ghi[noon] = 40.0, 1490.0
    series = quality_controlled(raw_site(WEEK, ghi_wm2=ghi), context())
    assert counts(series) == {
        "irradiance while the sun is below the horizon": 3,
        "irradiance above the extraterrestrial value": 2,
    }
    np.testing.assert_array_equal(series.ghi_wm2[night], 0)
    np.testing.assert_allclose(series.ghi_wm2[noon], extraterrestrial(sky.sun)[noon] + 20)
    others = np.setdiff1d(np.arange(len(WEEK)), night + noon)
    np.testing.assert_array_equal(series.ghi_wm2[others], ghi[others])


@pytest.mark.parametrize("minutes", [-60, -30, 0, 45])
def test_the_time_shift_is_found(minutes):
    moved = sun_at(place_of(weining()), YEAR.middles() + pd.Timedelta(minutes=minutes))
    clear = clear_sky_ghi(place_of(weining()), moved)
    cloud = np.repeat(np.random.default_rng(1).uniform(0.2, 1.0, 365), 24)
    assert best_shift_min(cloud * clear, weining(), YEAR) == minutes


def test_a_typical_year_is_brought_to_mid_interval():
    # A typical year that gives half of the clear sky at the stamp itself, half an hour before mid-interval, must
    # come out as half of the clear sky at mid-interval.
    early = clear_sky_ghi(place_of(weining()), sun_at(place_of(weining()), YEAR.starts()))
    series = quality_controlled(raw_site(YEAR, ghi_wm2=0.5 * early, kind="epw"), context())
    np.testing.assert_allclose(series.ghi_wm2, 0.5 * sky_of(weining(), YEAR).clear_ghi_wm2, atol=1e-9)
    assert counts(series)["irradiance fits the sun best -30 min from mid-interval"] == (early > 0).sum()


def test_a_measured_file_is_not_moved_but_told_about():
    early = clear_sky_ghi(place_of(weining()), sun_at(place_of(weining()), YEAR.starts()))
    series = quality_controlled(raw_site(YEAR, ghi_wm2=0.5 * early), context())
    notes = [repair for repair in series.repairs if "fits the sun best -30 min" in repair.finding_en]
    assert [note.action_en for note in notes] == ["used as given"]


def test_stamps_in_another_time_zone_are_refused():
    shifted = np.roll(raw_site(WEEK).ghi_wm2, -8)
    with pytest.raises(DataError, match=r"made.csv.*ghi_wm2 falls while the sun is below.*UTC\+08:00"):
        quality_controlled(raw_site(WEEK, ghi_wm2=shifted), context())


def test_the_annual_total_is_met_when_asked_for():
    raw = raw_site(YEAR)
    before = raw.ghi_wm2.sum() / 1000
    series = quality_controlled(raw, context(ghi_annual_kwh_m2=1800.0))
    assert series.ghi_wm2.sum() / 1000 == pytest.approx(1800, rel=1e-3)
    (repair,) = series.repairs
    # 0.6 · 2747 = 1648 kWh/m², so the factor is 1800 / 1648 = 1.092.
    assert f"annual GHI {before:.0f} kWh/m²" in repair.finding_en
    assert "scaled to 1800 kWh/m² (×1.092)" in repair.action_en


def test_only_the_china_standard_data_are_scaled_unasked():
    normal = weining_climate().ghi_kwh_m2.sum()
    scaled = quality_controlled(raw_site(YEAR, kind="cswd"), context())
    assert scaled.ghi_wm2.sum() / 1000 == pytest.approx(normal, rel=1e-3)
    for kind in ("epw", "csv"):
        plain = quality_controlled(raw_site(YEAR, kind=kind), context())
        assert plain.ghi_wm2.sum() == pytest.approx(raw_site(YEAR).ghi_wm2.sum())


def test_impossible_totals_are_refused():
    # A cloudless year has 2747 kWh/m², so 1.05 of it is 2884.
    with pytest.raises(DataError, match=r"3000 kWh/m² cannot be reached from made.csv"):
        quality_controlled(raw_site(YEAR), context(ghi_annual_kwh_m2=3000.0))
    with pytest.raises(ScenarioError, match="covers a part of the year only"):
        quality_controlled(raw_site(WEEK), context(ghi_annual_kwh_m2=1300.0))


def test_measured_beam_is_kept_where_it_closes():
    sky = sky_of(weining(), WEEK)
    ghi = 0.6 * sky.clear_ghi_wm2
    dni = np.where(sky.sun.elevation_deg > 5, 200.0, 0.0)
    dni = np.minimum(dni, 0.9 * ghi / np.maximum(sky.sun.cos_zenith, 1e-3))
    dhi = ghi - dni * sky.sun.cos_zenith
    dhi[[12, 36]] += 100.0
    series = quality_controlled(raw_site(WEEK, ghi_wm2=ghi, dni_wm2=dni, dhi_wm2=dhi), context())
    assert counts(series) == {"global ≠ diffuse + direct · cos(zenith)": 2}
    assert np.flatnonzero(np.isnan(series.dni_wm2)).tolist() == [12, 36]
    kept = np.setdiff1d(np.arange(len(WEEK)), [12, 36])
    np.testing.assert_array_equal(series.dni_wm2[kept], dni[kept])


def test_a_jump_between_months_is_smoothed_and_a_cold_front_stays():
    # 31 January ends at hour 744. The joint jumps 12 K: hours 741…746 become a line from 15 (740) to 3 °C (747),
    # 7 steps of 12/7 = 1.714 K. The front on 10 February (−10 K) is weather.
    temp = np.where(np.arange(8760) < 744, 15.0, 3.0)
    temp[40 * 24 + 5 :] -= 10.0
    smooth, touched = smoothed_joints(temp, YEAR)
    assert touched == 6
    np.testing.assert_allclose(smooth[741:747], 15 - 12 / 7 * np.arange(1, 7))
    unchanged = np.setdiff1d(np.arange(8760), np.arange(741, 747))
    np.testing.assert_array_equal(smooth[unchanged], temp[unchanged])


def test_a_measured_temperature_is_never_smoothed():
    temp = np.where(np.arange(8760) < 744, 15.0, 3.0)
    assert quality_controlled(raw_site(YEAR, temp_air_c=temp), context()).repairs == ()


def test_integer_wind_is_spread_without_bias():
    rng = np.random.default_rng(2)
    wind = np.round(rng.weibull(2, 8760) * 6)
    series = quality_controlled(raw_site(YEAR, wind_ms=wind), context())
    assert counts(series) == {"wind speed in whole m/s": 8760}
    assert np.abs(series.wind_ms - wind).max() <= 0.5
    windy = wind > 0
    # Uniform noise has σ = 1/√12; three standard errors of the mean of n values.
    assert (series.wind_ms - wind)[windy].mean() == pytest.approx(0, abs=3 / np.sqrt(12 * windy.sum()))
    again = quality_controlled(raw_site(YEAR, wind_ms=wind), context())
    np.testing.assert_array_equal(series.wind_ms, again.wind_ms)


def test_station_wind_becomes_ridge_wind_in_the_same_order():
    rng = np.random.default_rng(3)
    afternoon = 1 + 0.4 * np.cos(2 * np.pi * (YEAR.hour_of_day - 17) / 24)
    wind = rng.weibull(2, 8760) * 3.5 * afternoon
    series = quality_controlled(raw_site(YEAR, wind_ms=wind, wind_at="station"), context())
    assert series.wind_ms.mean() == pytest.approx(weining().ridge_wind_ms)
    course = np.bincount(YEAR.hour_of_day, series.wind_ms)
    assert course.argmax() in (21, 22, 23, 0, 1)
    january = np.flatnonzero((YEAR.month == 1) & (YEAR.hour_of_day == 8))
    steady = without_daily_course(wind, YEAR)
    assert np.array_equal(np.argsort(steady[january]), np.argsort(series.wind_ms[january]))


def test_station_wind_needs_normals():
    with pytest.raises(DataError, match='add the normals of "weining"'):
        quality_controlled(raw_site(WEEK, wind_at="station"), context(climate=None))


def test_a_missing_pressure_is_that_of_the_elevation():
    series = quality_controlled(raw_site(WEEK, pressure_pa=np.full(len(WEEK), np.nan)), context())
    assert counts(series) == {"the file has no pressure": len(WEEK)}
    # The site is 0.5 m below the station that has 77 800 Pa on average: 77 800 · 0.5 · 9.8/(287 · 283) = 5 Pa more.
    np.testing.assert_allclose(series.pressure_pa, 77_805, atol=1)


def test_a_file_from_elsewhere_is_told_about():
    # Guiyang (26.58 N, 106.73 E): Δλ 2.45° · cos 26.7° · 111.2 km = 243 km, Δφ 0.29° = 32 km → 245 km.
    assert great_circle_km((26.87, 104.28), (26.58, 106.73)) == pytest.approx(245, abs=2)
    series = quality_controlled(raw_site(YEAR, kind="epw", lat_lon=(26.58, 106.73)), context())
    assert any("km from the site" in repair.finding_en and repair.values == 0 for repair in series.repairs)


@needs_epw
def test_the_faults_of_the_weining_file_are_found():
    series = weather(with_file(WEINING_EPW))
    found = {r.finding_en: r for r in series.repairs if r.site == "weining"}
    # Independent counts on the raw file: 213–221 hours above 1.05 × clear sky and a handful with the sun down, when
    # the sun is taken at the stamp itself; two joints of months (1 January and 1 February); integer wind.
    assert 150 <= found["irradiance above 1.05 × clear sky"].values <= 300
    assert found["irradiance while the sun is below the horizon"].values < 40
    assert "irradiance fits the sun best -30 min from mid-interval" in found
    assert found["temperature jumps by more than 7 K/h where months meet"].values == 10
    assert found["wind speed in whole m/s"].values == 8760
    scaling = next(r for r in found.values() if "annual GHI" in r.finding_en)
    assert "×1.13" in scaling.action_en or "×1.14" in scaling.action_en or "×1.15" in scaling.action_en
    assert all(r.finding_zh and r.action_zh for r in found.values())


@needs_epw
def test_the_repaired_weining_file_is_physical():
    w = weather(with_file(WEINING_EPW))
    sky = sky_of(weining(), w.time)
    assert w.ghi_wm2[:, 0].sum() / 1000 == pytest.approx(1310, rel=1e-3)
    assert np.all(w.ghi_wm2[:, 0] <= 1.05 * sky.clear_ghi_wm2 + 1e-9)
    assert w.wind_ms[:, 0].mean() == pytest.approx(6.1)
    assert np.corrcoef(w.wind_ms[1:, 0], w.wind_ms[:-1, 0])[0, 1] == pytest.approx(0.9, abs=0.05)


@needs_epw
def test_a_leap_year_repeats_28_february():
    w = weather(with_file(WEINING_EPW), "time.year=2024")
    assert len(w.time) == 8784
    feb = np.flatnonzero((w.time.month == 2) & (w.time.day >= 58) & (w.time.day <= 59))
    np.testing.assert_allclose(w.temp_air_c[feb[3:21], 0], w.temp_air_c[feb[27:45], 0])
    assert next(r for r in w.repairs if "29 February" in r.finding_en).values == 24


def test_scenarios_of_the_tests_have_the_sites_they_speak_of():
    assert set(scenario().settings.weather.sites) == {"weining", "hezhang"}
