"""The random field, its likeness over distance, and that spreading plants out neither makes nor loses energy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profiles.dispersion import (
    Field,
    Origin,
    Places,
    Sampler,
    blend,
    fast_wind,
    smoothed,
    vary_clearness,
    vary_wind,
)
from scenarios.records import Floats
from scenarios.timeaxis import TimeAxis

YEAR = TimeAxis.of_year(2025)
L_KM = 35.0
FIELD = Field("wind", 1, L_KM, 0.8)


@pytest.fixture(scope="module")
def sampler() -> Sampler:
    return Sampler(FIELD, YEAR)


def ring(sampler: Sampler, radius_km: float, count: int = 12) -> Places:
    angles = np.arange(count) * 2 * np.pi / count
    plants = tuple((float(radius_km * np.cos(a)), float(radius_km * np.sin(a))) for a in angles)
    return Places(sampler, (0.0, 0.0), plants, L_KM)


def site_wind(seed: int) -> Floats:
    # Another draw of the same kind of field, on a slow swing: 7 m/s ± 2 m/s over days, ± 1 m/s within hours.
    slow = 2.0 * np.sin(np.arange(len(YEAR)) * 2 * np.pi / 120)
    return np.maximum(7.0 + slow + Sampler(Field("site", seed, L_KM, 0.8), YEAR).at((0.0, 0.0)), 0.0)


def test_likeness_falls_as_exp_of_distance(sampler: Sampler) -> None:
    # The likeness of two places is the sum over waves of cos(k · d) / waves, without any sampling error, when the
    # amplitudes are independent: read it off the weights by a field of white noise instead of a formula of ours.
    here = sampler.at((0.0, 0.0))
    for distance, direction in ((5.0, 0.3), (20.0, 1.0), (35.0, 2.0), (80.0, 2.6), (150.0, 0.0)):
        there = sampler.at((distance * np.cos(direction), distance * np.sin(direction)))
        # Effective sample with memory .8: 8760 (1 − .64) / (1 + .64) ≈ 1900, standard error ≈ .023; three of them.
        assert np.corrcoef(here, there)[0, 1] == pytest.approx(np.exp(-distance / L_KM), abs=0.07), distance


def test_the_field_has_unit_variance_and_its_memory(sampler: Sampler) -> None:
    series = np.column_stack([sampler.at((x, 3.0)) for x in (-150.0, -60.0, 0.0, 70.0, 160.0)])
    assert series.mean(axis=0) == pytest.approx(0.0, abs=0.08)
    assert series.std(axis=0) == pytest.approx(1.0, abs=0.05)
    for column in series.T:
        assert np.corrcoef(column[1:], column[:-1])[0, 1] == pytest.approx(0.8, abs=0.02)


def test_a_place_depends_on_the_seed_and_itself_alone(sampler: Sampler) -> None:
    again = Sampler(FIELD, YEAR)
    again.at((99.0, -5.0))
    assert np.array_equal(again.at((12.0, 4.0)), sampler.at((12.0, 4.0)))
    other = Sampler(Field("wind", 2, L_KM, 0.8), YEAR).at((12.0, 4.0))
    assert abs(np.corrcoef(other, sampler.at((12.0, 4.0)))[0, 1]) < 0.08


def test_a_part_of_a_year_is_cut_from_the_whole(sampler: Sampler) -> None:
    part = TimeAxis.of("2025-04-10", 72)
    at = part.position_in(YEAR)
    assert np.array_equal(Sampler(FIELD, part).at((9.0, 9.0)), sampler.at((9.0, 9.0))[at])


def test_quarter_hours_run_between_the_hours(sampler: Sampler) -> None:
    # Quarters 3 and 4 of hour 0 and 1 and 2 of hour 1 lie 1/8, 3/8, 5/8, 7/8 of the way between the mid-hours.
    hours = sampler.at((9.0, 9.0))[:2]
    quarters = Sampler(FIELD, TimeAxis.of("2025-01-01", 2, 0.25)).at((9.0, 9.0))
    way = np.array([0.125, 0.375, 0.625, 0.875])
    assert quarters[2:6] == pytest.approx(hours[0] + way * (hours[1] - hours[0]))


def test_the_map_keeps_great_circles_within_two_percent() -> None:
    origin = Origin(26.87, 104.28)
    for lat, lon in ((27.5, 106.4), (26.5, 103.6), (27.4, 104.3)):
        a, b = np.radians([26.87, 104.28]), np.radians([lat, lon])
        haversine = np.sin((b[0] - a[0]) / 2) ** 2 + np.cos(a[0]) * np.cos(b[0]) * np.sin((b[1] - a[1]) / 2) ** 2
        great_circle = 2 * 6371.0 * np.arcsin(np.sqrt(haversine))
        assert np.hypot(*origin.plane_km(lat, lon)) == pytest.approx(great_circle, rel=0.02)


def test_a_plant_at_the_site_has_the_site_s_wind(sampler: Sampler) -> None:
    wind = site_wind(7)
    at_site = Places(sampler, (0.0, 0.0), ((0.0, 0.0),), L_KM)
    assert vary_wind(wind, YEAR, at_site, 9.0)[:, 0] == pytest.approx(wind, abs=1e-12)


def test_without_sigma_all_plants_have_the_site_s_weather(sampler: Sampler) -> None:
    wind, clear = site_wind(7), np.full(len(YEAR), 500.0)
    assert np.array_equal(vary_wind(wind, YEAR, ring(sampler, 50.0, 2), 0.0), np.column_stack([wind, wind]))
    ghi = clear * np.linspace(0.1, 0.9, len(YEAR))
    assert np.array_equal(
        vary_clearness(ghi, clear, YEAR, ring(sampler, 50.0, 2), 0.0), np.column_stack([ghi, ghi])
    )


def test_wind_keeps_its_mean_and_spread_everywhere(sampler: Sampler) -> None:
    wind = site_wind(7)
    for radius in (10.0, 40.0, 120.0):
        varied = vary_wind(wind, YEAR, ring(sampler, radius), float(fast_wind(wind, YEAR).std()))
        assert varied.mean() == pytest.approx(wind.mean(), rel=0.005)
        assert (varied**3).mean() == pytest.approx((wind**3).mean(), rel=0.02)  # the energy of wind
        assert varied.min() >= 0


def test_two_plants_are_as_alike_as_their_distance_even_round_a_known_site(sampler: Sampler) -> None:
    # Fast parts after taking off the common slow part; opposite plants on a ring of 20 km are 40 km apart:
    # exp(−40/35) = 0.319; neighbours at 30° are 2 · 20 · sin 15° = 10.4 km apart: 0.744.
    wind = site_wind(8)
    own, slow = fast_wind(wind, YEAR), wind - fast_wind(wind, YEAR)
    fast = vary_wind(wind, YEAR, ring(sampler, 20.0), float(own.std())) - slow[:, None]
    alike = np.asarray(np.corrcoef(fast.T))
    assert np.mean([alike[i, (i + 6) % 12] for i in range(12)]) == pytest.approx(0.319, abs=0.06)
    assert np.mean([alike[i, (i + 1) % 12] for i in range(12)]) == pytest.approx(0.744, abs=0.06)


@given(alike=st.floats(0.0, 1.0), sigma=st.floats(0.1, 3.0))
@settings(max_examples=50, deadline=None)
def test_a_blend_keeps_the_variance(alike: float, sigma: float) -> None:
    mix = blend(np.ones(3), np.zeros(3), alike, sigma)
    assert mix.common**2 + (mix.own / sigma) ** 2 == pytest.approx(1.0)


def half_clear_year() -> tuple[Floats, Floats]:
    """Clear sky as a half sine by day; clearness .5 swinging by ± .15 with a period of 5 h, no part of a day."""
    hour = YEAR.hour_of_day + 0.5
    clear = np.maximum(1000 * np.sin((hour - 6) / 12 * np.pi), 0.0)
    return clear * (0.5 + 0.15 * np.sin(np.arange(len(YEAR)) * 2 * np.pi / 5)), clear


def test_clearness_varies_between_night_and_the_clear_sky(sampler: Sampler) -> None:
    ghi, clear = half_clear_year()
    varied = vary_clearness(ghi, clear, YEAR, ring(sampler, 60.0), 0.15)
    assert (varied[clear == 0] == 0).all()
    assert (varied <= 1.1 * clear[:, None] + 1e-9).all()
    assert varied.min() >= 0
    # Plants differ: at 60 km the likeness to the site is exp(−60/35) = .18, so most of the swing is their own.
    day = clear > 300
    assert np.corrcoef(varied[day, 0] / clear[day], ghi[day] / clear[day])[0, 1] < 0.5


def test_clearness_varies_without_bias() -> None:
    # One plant, twelve draws: the mean of the year's energy is the site's within three standard errors, and these
    # are small enough to find a bias of one per cent.
    ghi, clear = half_clear_year()
    ratio = []
    for seed in range(12):
        draw = Sampler(Field("pv", seed, L_KM, 0.55), YEAR)
        ratio.append(vary_clearness(ghi, clear, YEAR, ring(draw, 60.0, 1), 0.15).sum() / ghi.sum())
    error = np.std(ratio, ddof=1) / np.sqrt(len(ratio))
    assert error < 0.01 / 3
    assert abs(np.mean(ratio) - 1.0) < 3 * error


def test_a_clear_and_a_black_day_stay_as_they_are(sampler: Sampler) -> None:
    _, clear = half_clear_year()
    ghi = clear * np.where(YEAR.day % 2 == 0, 1.0, 0.0)
    assert vary_clearness(ghi, clear, YEAR, ring(sampler, 60.0, 2), 0.15)[:, 0] == pytest.approx(ghi)


def test_smoothing_by_hand_keeps_energy() -> None:
    # A box of one hour over values joined by straight lines: 1/8, 3/4, 1/8.
    pulse = np.array([[0.0], [0.0], [8.0], [0.0], [0.0]])
    assert smoothed(pulse, 1.0, 1.0)[:, 0] == pytest.approx([0, 1, 6, 1, 0])
    # At the edge what would leave is mirrored back: 8 · (3/4 + 1/8) = 7.
    assert smoothed(pulse[2:], 1.0, 1.0)[:, 0] == pytest.approx([7, 1, 0])
    assert smoothed(pulse, 0.0, 1.0) is not pulse
    assert np.array_equal(smoothed(pulse, 0.0, 1.0), pulse)


@given(hours=st.integers(1, 30), spread=st.floats(0.0, 6.0), step=st.sampled_from([1.0, 0.5, 0.25]))
@settings(max_examples=60, deadline=None)
def test_smoothing_keeps_energy_for_every_length(hours: int, spread: float, step: float) -> None:
    power = np.random.default_rng(hours).random((hours, 2))
    assert smoothed(power, spread, step).sum(axis=0) == pytest.approx(power.sum(axis=0))
