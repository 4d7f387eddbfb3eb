"""The sun against geometry worked by hand, published sums, and the closure of its parts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from profiles.sun import Place, clear_sky_ghi, extraterrestrial, split_ghi, sun_at
from scenarios.timeaxis import TimeAxis

WEINING = Place(26.87, 104.28, 2237.0)
YEAR = TimeAxis.of_year(2025)


def test_noon_height_is_the_one_of_spherical_geometry():
    # Elevation at culmination = 90° − latitude + declination: 90 − 26.87 ± 23.44 = 86.57° and 39.69°.
    for day, expected in (("2025-06-21", 86.57), ("2025-12-21", 39.69)):
        minutes = pd.date_range(day, periods=1440, freq="min", tz="Etc/GMT-8")
        assert sun_at(WEINING, minutes).elevation_deg.max() == pytest.approx(expected, abs=0.02)


def test_noon_is_an_hour_late_on_the_clock_of_the_120th_meridian():
    # Weining is 120 − 104.28 = 15.72° west of the meridian of UTC+08:00: 15.72 / 15 = 1.048 h. Equation of time on
    # 15 April: 0 min (± 0.3). So the sun culminates at 13:03.
    minutes = pd.date_range("2025-04-15", periods=1440, freq="min", tz="Etc/GMT-8")
    culmination = minutes[int(sun_at(WEINING, minutes).elevation_deg.argmax())]
    assert abs((culmination - pd.Timestamp("2025-04-15 13:03", tz="Etc/GMT-8")).total_seconds()) <= 120


def test_annual_sums_are_the_published_ones():
    # Horizontal extraterrestrial 3297 and clear-sky 2747 kWh/m² were computed independently for this station.
    sun = sun_at(WEINING, YEAR.middles())
    assert extraterrestrial(sun).sum() / 1000 == pytest.approx(3297, rel=0.002)
    assert clear_sky_ghi(WEINING, sun).sum() / 1000 == pytest.approx(2747, rel=0.002)


def test_no_clear_sky_at_night_and_none_above_the_extraterrestrial():
    sun = sun_at(WEINING, YEAR.middles())
    clear = clear_sky_ghi(WEINING, sun)
    assert np.all(clear[sun.elevation_deg <= 0] == 0)
    assert np.all(clear[sun.elevation_deg > 1] > 0)
    assert np.all(clear <= extraterrestrial(sun) + 5)


@pytest.mark.parametrize("index", [0.0, 0.1, 0.5, 1.0, 1.1])
def test_beam_and_diffuse_add_up_to_global(index):
    sun = sun_at(WEINING, YEAR.middles())
    ghi = index * clear_sky_ghi(WEINING, sun)
    dni, dhi = split_ghi(ghi, sun)
    np.testing.assert_allclose(dhi + dni * sun.cos_zenith, ghi, atol=1e-9)
    assert dni.min() >= 0
    assert dhi.min() >= 0


def test_diffuse_fraction_follows_the_formula_of_erbs():
    # kt = 0.5: 0.9511 − 0.1604·.5 + 4.388·.25 − 16.638·.125 + 12.336·.0625 = 0.65915 (Erbs et al. 1982).
    sun = sun_at(WEINING, pd.date_range("2025-06-21 13:00", periods=1, tz="Etc/GMT-8"))
    ghi = 0.5 * extraterrestrial(sun)
    _, dhi = split_ghi(ghi, sun)
    assert dhi[0] / ghi[0] == pytest.approx(0.65915, abs=2e-4)


def test_many_columns_are_split_as_one():
    sun = sun_at(WEINING, YEAR.middles()[:96])
    clear = clear_sky_ghi(WEINING, sun)
    columns = clear[:, None] * np.array([0.2, 0.6, 0.95])
    together = split_ghi(columns, sun)
    for i in range(3):
        for part, whole in zip(split_ghi(columns[:, i], sun), together, strict=True):
            np.testing.assert_array_equal(part, whole[:, i])
