"""The synthetic year: exact where it is calibrated, within windows where it is random, and keyed by its seed."""

from __future__ import annotations

from math import gamma

import numpy as np
import pytest
from weather_cases import scenario, weather, weining, weining_climate

from profiles.climate import (
    climate_of,
    day_sums,
    icing,
    month_sums,
    normal_scores,
    pressure_between,
    ridge_diurnal,
    ridge_wind,
    sky_of,
)
from profiles.inspect import inspect_weather
from profiles.synthetic import (
    DAILY_BETWEEN_VARIABLES,
    DAILY_MEMORY,
    autoregression,
    daily_noise,
    hourly_index,
    synthetic_year,
    with_month_means,
    year_factors,
)
from scenarios.errors import DataError
from scenarios.timeaxis import TimeAxis

YEAR = TimeAxis.of_year(2025)
SEEDS = range(1, 11)


@pytest.fixture(scope="module")
def inspections():
    return [inspect_weather(scenario(f"weather.seed={s}"), weather(f"weather.seed={s}")) for s in SEEDS]


@pytest.mark.parametrize("site", ["weining", "hezhang"])
def test_months_are_those_of_the_normals(site):
    climate = climate_of(scenario(), site)
    for seed in SEEDS:
        series = synthetic_year(scenario(f"weather.seed={seed}"), site)
        np.testing.assert_allclose(month_sums(series.ghi_wm2, YEAR) / 1000, climate.ghi_kwh_m2, rtol=1e-6)
        means = month_sums(series.temp_air_c, YEAR) / month_sums(np.ones(8760), YEAR)
        np.testing.assert_allclose(means, climate.temp_mean_c, atol=0.01)
        place = scenario().settings.weather.sites[site]
        assert series.wind_ms.mean() == pytest.approx(place.ridge_wind_ms, rel=1e-9)


# Windows of the recipe's check values, for the mean of ten seeds.
WINDOWS = {
    "hourly clearness sd": (lambda q: q.clearness_hour_sd, 0.20, 0.27),
    "daily clearness sd": (lambda q: q.clearness_day_sd, 0.17, 0.24),
    "daily clearness lag 1": (lambda q: q.clearness_day_lag, 0.25, 0.55),
    "wind lag 1 h": (lambda q: q.wind_lag[0], 0.85, 0.95),
    "wind lag 6 h": (lambda q: q.wind_lag[1], 0.50, 0.70),
    "wind lag 24 h": (lambda q: q.wind_lag[2], 0.20, 0.45),
    "wind with sun": (lambda q: q.wind_with_ghi, -0.12, 0.05),
    "clearness of two sites": (lambda q: q.clearness_between[0, 1], 0.65, 0.85),
    "wind of two sites": (lambda q: q.wind_between[0, 1], 0.60, 0.75),
    "iced hours": (lambda q: q.iced_h.sum(axis=0), 450, 700),
    "iced days": (lambda q: q.iced_days, 30, 45),
}


@pytest.mark.parametrize("name", WINDOWS)
def test_statistics_lie_in_their_windows(name, inspections):
    figure, low, high = WINDOWS[name]
    mean = np.mean([figure(q) for q in inspections], axis=0)
    assert np.all(mean >= low), mean
    assert np.all(mean <= high), mean


def test_extremes_are_those_of_the_climate():
    # ASHRAE 2009, Weining: mean annual extremes −7.9 and 27.7 °C, 50-year extremes −12.5 and 30.6 °C.
    lows, highs = zip(*((t.min(), t.max()) for t in (_temperature(seed) for seed in SEEDS)), strict=True)
    assert np.mean(lows) == pytest.approx(-7.9, abs=1.5)
    assert np.mean(highs) == pytest.approx(27.7, abs=1.5)
    assert min(lows) > -12.5
    assert max(highs) < 30.6


def _temperature(seed):
    return weather(f"weather.seed={seed}").temp_air_c[:, 0]


def test_ice_comes_only_in_winter_and_in_cold_air():
    w = weather()
    assert not w.iced[(w.time.month > 2) & (w.time.month < 12)].any()
    ridge = w.temp_air_c[:, 0] - 6.5 * (weining().ridge_elevation_m - weining().elevation_m) / 1000
    assert ridge[w.iced[:, 0]].mean() < 0


def test_no_step_at_midnight_nor_where_months_meet():
    temperature = weather().temp_air_c[:, 0]
    steps = np.abs(np.diff(temperature))
    midnight = np.arange(23, 8759, 24)
    assert steps[midnight].max() < steps.max()
    assert steps.max() < 3.0


def test_same_seed_same_year_other_seed_other_year():
    again = synthetic_year(scenario(), "weining")
    np.testing.assert_array_equal(again.ghi_wm2, weather().ghi_wm2[:, 0])
    other = weather("weather.seed=2")
    assert np.corrcoef(again.wind_ms, other.wind_ms[:, 0])[0, 1] < 0.4
    assert not np.array_equal(again.ghi_wm2, other.ghi_wm2[:, 0])


def test_a_site_does_not_depend_on_the_others():
    sites = scenario().settings.weather.sites
    settings = scenario().settings
    alone = settings.model_copy(
        update={"weather": settings.weather.model_copy(update={"sites": {"hezhang": sites["hezhang"]}})}
    )
    series = synthetic_year(scenario().model_copy(update={"settings": alone}), "hezhang")
    np.testing.assert_array_equal(series.wind_ms, weather().wind_ms[:, 1])
    np.testing.assert_array_equal(series.temp_air_c, weather().temp_air_c[:, 1])


def test_a_leap_february_has_29_normal_days():
    series = synthetic_year(scenario("time.year=2024"), "weining")
    assert len(series.time) == 8784
    normal = weining_climate().ghi_kwh_m2
    got = month_sums(series.ghi_wm2, series.time) / 1000
    assert got[1] == pytest.approx(normal[1] * 29 / 28)
    np.testing.assert_allclose(np.delete(got, 1), np.delete(normal, 1), rtol=1e-6)


def test_drawn_years_spread_as_published():
    drawn = [year_factors(seed, draw=True) for seed in range(400)]
    for name, sd in (("ghi", 0.04), ("wind", 0.045)):
        values = np.array([getattr(factors, name) for factors in drawn])
        # Clipping at 2.5 σ takes 2 % off the spread; three standard errors of a mean and of a deviation of 400.
        assert values.mean() == pytest.approx(1, abs=3 * sd / 20)
        assert values.std() == pytest.approx(0.98 * sd, abs=3 * sd / np.sqrt(800))


def test_a_drawn_year_scales_irradiation_and_wind():
    factors = year_factors(4, draw=True)
    series = synthetic_year(scenario("weather.seed=4", "weather.interannual=draw"), "weining")
    assert series.ghi_wm2.sum() / 1000 == pytest.approx(weining_climate().ghi_kwh_m2.sum() * factors.ghi, rel=1e-6)
    assert series.wind_ms.mean() == pytest.approx(6.1 * factors.wind)


def test_noise_has_the_memory_and_the_correlations_asked_for():
    steps = 100_000
    hourly = autoregression(np.random.default_rng(3), 0.8, steps)
    assert np.corrcoef(hourly[1:], hourly[:-1])[0, 1] == pytest.approx(0.8, abs=3 * np.sqrt((1 - 0.64) / steps))
    # Effective sample of a variance with memory 0.8: n (1 − 0.64) / (1 + 0.64).
    assert hourly.var() == pytest.approx(1, abs=3 * np.sqrt(2 * (1 + 0.64) / (1 - 0.64) / steps))
    daily = daily_noise(np.random.default_rng(4), 50_000)
    np.testing.assert_allclose(np.corrcoef(daily.T), DAILY_BETWEEN_VARIABLES, atol=0.03)
    lags = [np.corrcoef(daily[1:, i], daily[:-1, i])[0, 1] for i in range(3)]
    np.testing.assert_allclose(lags, DAILY_MEMORY, atol=0.02)


def test_the_hourly_index_keeps_each_day():
    clear = sky_of(weining(), YEAR).clear_ghi_wm2
    daily = np.random.default_rng(5).uniform(0.05, 0.95, 365)
    index = hourly_index(daily, autoregression(np.random.default_rng(6), 0.55, 8760), clear, YEAR)
    np.testing.assert_allclose(day_sums(index * clear, YEAR) / day_sums(clear, YEAR), daily, atol=2e-3)
    assert index.max() <= 1.1


def test_months_join_without_a_step():
    wanted = np.array([3.0, 5, 8, 12, 15, 17, 18, 18, 15, 11, 8, 4])
    curve = with_month_means(np.zeros(8760), wanted, YEAR)
    means = month_sums(curve, YEAR) / month_sums(np.ones(8760), YEAR)
    np.testing.assert_allclose(means, wanted, atol=1e-6)
    # The steepest change of the table is 4 K a month, about 0.0056 K/h; mid-month knots may overshoot by half.
    assert np.abs(np.diff(curve)).max() < 0.012
    assert abs(curve[0] - curve[-1]) < 0.012


def test_a_median_score_is_the_weibull_median():
    # k = 2, scale s/Γ(1.5): median = s/0.886227 · √ln 2 = 0.939437 s. Scaled to the mean 6 m/s, all hours being
    # equal but for the month's scale and the daily course, hours are in proportion to scale · course · median(k).
    flat = weining_climate()
    wind = ridge_wind(np.zeros(8760), flat, 6.0, YEAR)
    assert wind.mean() == pytest.approx(6.0)
    k4, k9 = flat.wind_weibull_k[3], flat.wind_weibull_k[8]
    medians = [np.log(2) ** (1 / k) / gamma(1 + 1 / k) for k in (k4, k9)]
    noon = np.flatnonzero(YEAR.hour_of_day == 11)
    april, september = (noon[YEAR.month[noon] == m][0] for m in (4, 9))
    expected = flat.wind_scale[3] * medians[0] * (1 - 0.13) / (flat.wind_scale[8] * medians[1] * (1 - 0.10))
    assert wind[april] / wind[september] == pytest.approx(expected, rel=2e-2)


def test_the_ridge_is_windiest_at_night():
    course = ridge_diurnal(YEAR).reshape(365, 24)
    assert set(course.argmax(axis=1)) <= {22, 23}
    assert set(course.argmin(axis=1)) <= {10, 11}
    np.testing.assert_allclose(course.mean(axis=1), 1.0, atol=1e-12)


def test_normal_scores_by_hand():
    # Three values: ranks (r − ½)/3 = 1/6, 1/2, 5/6 → quantiles −0.96742, 0, 0.96742; groups are ranked alone.
    got = normal_scores(np.array([7.0, 5.0, 9.0, 1.0]), np.array([1, 1, 1, 2]))
    np.testing.assert_allclose(got, [0.0, -0.96742, 0.96742, 0.0], atol=1e-5)


def test_ice_by_hand():
    # Ridge 213 m higher: −1.38 K. Cold from hour 4 on and overcast all day: six hours of it are full at hour 9.
    # From hour 20 on the ridge is at 5 °C > 2 °C: six hours of thaw are full at hour 25, which ends the ice.
    time = TimeAxis.of("2025-01-10", 48)
    site = weining().model_copy(update={"elevation_m": 2237.0, "ridge_elevation_m": 2450.0})
    temp = np.full(48, 6.38)
    temp[4:20] = 0.0
    iced = icing(temp, np.array([0.2, 0.2]), site, time)
    assert np.flatnonzero(iced).tolist() == list(range(9, 25))
    assert not icing(temp, np.array([0.9, 0.9]), site, time).any()
    assert not icing(temp, np.array([0.2, 0.2]), site, TimeAxis.of("2025-04-10", 48)).any()


def test_ice_is_the_same_in_quarters_of_an_hour():
    time, fine = TimeAxis.of("2025-01-10", 72), TimeAxis.of("2025-01-10", 72, 0.25)
    temp = np.repeat([3.0, -2.0, 8.0], 24)
    clear = np.array([0.1, 0.1, 0.1])
    hourly, quarters = icing(temp, clear, weining(), time), icing(np.repeat(temp, 4), clear, weining(), fine)
    assert hourly.sum() > 0
    assert abs(quarters.sum() / 4 - hourly.sum()) <= 2


def test_pressure_falls_by_the_hypsometric_equation():
    # 77 800 Pa · exp(−9.80665 · 237.5 / (287.05 · 284.15)) = 77 800 · exp(−0.028555) = 75 610 Pa.
    got = pressure_between(np.array([77_800.0]), 2000.0, 2237.5, np.array([11.0]))
    assert got[0] == pytest.approx(75_610, abs=2)


def _with_normals(change):
    tables = scenario().tables
    rows = tuple(change(row) for row in tables.weather_normals)
    rows = tuple(row for row in rows if row is not None)
    return scenario().model_copy(update={"tables": tables.model_copy(update={"weather_normals": rows})})


def test_a_missing_month_is_named():
    changed = _with_normals(lambda row: None if (row.site, row.month) == ("weining", 5) else row)
    with pytest.raises(DataError, match=r'weather_normals.csv: site "weining" has the months: 1, 2, 3, 4, 6'):
        synthetic_year(changed, "weining")


def test_normals_above_the_clear_sky_are_refused():
    bright = _with_normals(
        lambda row: row.model_copy(update={"ghi_kwh_m2": 300.0}) if (row.site, row.month) == ("weining", 1) else row
    )
    with pytest.raises(DataError, match="months 1: ghi_kwh_m2 is above 93 %"):
        synthetic_year(bright, "weining")
