"""Weather as a whole: what a scenario gets from files, neighbours and seeds, and what bad files are told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from weather_cases import (
    BIJIE_EPW,
    WEINING_EPW,
    csv_lines,
    needs_epw,
    scenario,
    weather,
    weining,
    with_file,
)

from profiles.climate import sky_of
from profiles.inspect import inspect_weather
from profiles.intake import read_weather_file
from profiles.weather import make_weather, write_csv
from scenarios.errors import DataError, ScenarioError
from scenarios.timeaxis import TimeAxis

ARRAYS = ("ghi_wm2", "dni_wm2", "dhi_wm2", "temp_air_c", "pressure_pa", "wind_ms", "iced")
TWO_DAYS = TimeAxis.of("2025-06-01", 48)
PART = ("time.start=2025-06-01", "time.hours=48")


@pytest.fixture(scope="module")
def year_csv(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("weather") / "weining.csv"
    write_csv(weather(), "weining", path)
    return path


# --- the whole ---------------------------------------------------------------------------------------------------


def test_parts_add_up_and_nights_are_dark():
    w = weather()
    for i, name in enumerate(w.sites):
        sun = sky_of(scenario().settings.weather.sites[name], w.time).sun
        closure = w.dhi_wm2[:, i] + w.dni_wm2[:, i] * sun.cos_zenith - w.ghi_wm2[:, i]
        assert np.abs(closure).max() < 1e-9
        assert np.all(w.ghi_wm2[sun.elevation_deg <= 0, i] == 0)
    for name in ARRAYS[:-1]:
        assert np.isfinite(getattr(w, name)).all()
    assert min(w.ghi_wm2.min(), w.dni_wm2.min(), w.dhi_wm2.min(), w.wind_ms.min()) >= 0


@pytest.mark.parametrize("step", ["1.0", "0.25"])
def test_a_part_of_the_year_is_the_same_hours_of_the_full_year(step):
    full = weather(f"time.step_h={step}")
    part = weather(f"time.step_h={step}", *PART)
    where = part.time.position_in(full.time)
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(part, name), getattr(full, name)[where])


@pytest.mark.parametrize("step", [0.5, 0.25])
def test_finer_steps_keep_every_hour(step):
    hourly, fine = weather(), weather(f"time.step_h={step}")
    n = round(1 / step)
    for name in ("ghi_wm2", "temp_air_c", "pressure_pa", "wind_ms"):
        means = getattr(fine, name).reshape(8760, n, 2).mean(axis=1)
        np.testing.assert_allclose(means, getattr(hourly, name), rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(fine.iced[::n], hourly.iced)
    sun = sky_of(weining(), fine.time).sun
    assert np.all(fine.ghi_wm2[~sun.is_up, 0] == 0)
    np.testing.assert_allclose(
        fine.dhi_wm2[:, 0] + fine.dni_wm2[:, 0] * sun.cos_zenith, fine.ghi_wm2[:, 0], atol=1e-9
    )


def test_finer_steps_follow_the_sun_within_the_hour():
    # On a clear morning the quarters of an hour must rise with the sun, not stand still.
    fine = weather("time.step_h=0.25")
    quarters = fine.ghi_wm2[:, 0].reshape(8760, 4)
    morning = (weather().time.hour_of_day == 9) & (weather().ghi_wm2[:, 0] > 500)
    assert morning.sum() > 10
    assert np.mean(np.diff(quarters[morning], axis=1) > 0) > 0.6


def test_the_order_of_sites_does_not_matter():
    settings = scenario().settings
    swapped = dict(reversed(settings.weather.sites.items()))
    changed = settings.model_copy(update={"weather": settings.weather.model_copy(update={"sites": swapped})})
    w = make_weather(scenario().model_copy(update={"settings": changed}))
    assert w.sites == ("hezhang", "weining")
    np.testing.assert_array_equal(w.wind_ms[:, ::-1], weather().wind_ms)


def test_an_unknown_reference_site_is_named():
    with pytest.raises(ScenarioError, match='"wening" is not a site → did you mean "weining"'):
        make_weather(scenario("weather.reference_site=wening"))


# --- files -------------------------------------------------------------------------------------------------------


def test_what_is_written_is_read_back(year_csv):
    w = weather(with_file(year_csv))
    assert not [r for r in w.repairs if r.site == "weining"]
    for name in ARRAYS[:-1]:
        np.testing.assert_allclose(getattr(w, name)[:, 0], getattr(weather(), name)[:, 0], atol=2e-4)
    np.testing.assert_array_equal(w.iced[:, 0], weather().iced[:, 0])


def test_writing_an_unknown_site_is_refused(tmp_path):
    with pytest.raises(DataError, match='did you mean "weining"'):
        write_csv(weather(), "weinin", tmp_path / "x.csv")


def test_a_neighbour_without_a_file_is_derived(year_csv):
    given, sites = scenario(with_file(year_csv)), scenario().settings.weather.sites
    w = weather(with_file(year_csv))
    drop_k = 5.5 * (sites["hezhang"].elevation_m - sites["weining"].elevation_m) / 1000
    np.testing.assert_allclose(w.temp_air_c[:, 1], w.temp_air_c[:, 0] - drop_k)
    ratio = [w.ghi_wm2[w.time.month == m, 1].sum() / w.ghi_wm2[w.time.month == m, 0].sum() for m in range(1, 13)]
    np.testing.assert_allclose(ratio, 0.92, rtol=1e-3)
    assert w.wind_ms[:, 1].mean() == pytest.approx(5.9)
    assert np.all(w.pressure_pa[:, 1] > w.pressure_pa[:, 0])
    assert w.origin[1] == "derived from weining, seed 1"
    q = inspect_weather(given, w)
    assert 0.65 <= q.clearness_between[0, 1] <= 0.85
    assert 0.60 <= q.wind_between[0, 1] <= 0.80
    assert 0.70 <= q.daily_wind_between[0, 1] <= 0.85
    assert 0.85 <= q.wind_lag[0, 1] <= 0.95


@needs_epw
def test_a_neighbour_of_the_weining_file_varies_on_its_own():
    given = scenario(with_file(WEINING_EPW))
    q = inspect_weather(given, weather(with_file(WEINING_EPW)))
    assert 0.65 <= q.clearness_between[0, 1] <= 0.85
    assert 0.60 <= q.wind_between[0, 1] <= 0.80
    assert 0.70 <= q.daily_wind_between[0, 1] <= 0.85
    assert 0.20 <= q.clearness_hour_sd[1] <= 0.27
    assert q.ghi_kwh_m2[:, 1].sum() == pytest.approx(0.92 * 1310, rel=2e-3)


@needs_epw
def test_two_typical_years_are_not_paired():
    with pytest.raises(ScenarioError, match=r"weining, hezhang.*each month from a different year.*derived from it"):
        make_weather(scenario(with_file(WEINING_EPW), with_file(BIJIE_EPW, "hezhang")))


def test_each_site_can_have_its_own_file(year_csv, tmp_path):
    write_csv(weather(), "hezhang", tmp_path / "hezhang.csv")
    w = weather(with_file(year_csv), with_file(tmp_path / "hezhang.csv", "hezhang"))
    np.testing.assert_allclose(w.wind_ms, weather().wind_ms, atol=1e-4)
    assert w.repairs == ()


def test_a_file_covering_just_the_simulated_days_is_enough(tmp_path):
    path = tmp_path / "w.csv"
    path.write_text("\n".join(csv_lines()), encoding="utf-8")
    w = make_weather(scenario(with_file(path), *PART))
    assert w.ghi_wm2.shape == (48, 2)
    assert np.isfinite(w.wind_ms).all()
    np.testing.assert_array_equal(w.temp_air_c[:, 0], 15.0)


@pytest.mark.parametrize(
    "stamp",
    [
        lambda t: t.isoformat(),
        lambda t: t.tz_convert("UTC").isoformat().replace("+00:00", "Z"),
        lambda t: t.strftime("%Y-%m-%d %H:%M"),
        lambda t: f"{t.year}/{t.month}/{t.day} {t.hour}:{t.minute:02d}",
    ],
    ids=["offset", "UTC", "local", "Excel"],
)
def test_stamps_may_be_written_in_several_ways(tmp_path, stamp):
    path = tmp_path / "w.csv"
    lines = csv_lines()
    rows = [
        ",".join([stamp(t), *line.split(",")[1:]]) for t, line in zip(TWO_DAYS.starts(), lines[1:], strict=True)
    ]
    path.write_text("\n".join([lines[0], *rows]), encoding="utf-8")
    raw = read_weather_file(path, TWO_DAYS)
    assert raw.time == TWO_DAYS
    assert raw.ghi_wm2[12] > 0


def test_quarter_hours_are_averaged_for_an_hourly_simulation(tmp_path):
    fine = TimeAxis.of("2025-06-01", 48, 0.25)
    ghi = 0.6 * sky_of(weining(), fine).clear_ghi_wm2
    wind = 5 + np.arange(len(fine)) % 4  # 5, 6, 7, 8 in each hour: mean 6.5
    path = tmp_path / "w.csv"
    table = pd.DataFrame({"time": [t.isoformat() for t in fine.starts()], "ghi_wm2": ghi, "temp_air_c": 9.5})
    table.assign(wind_ms=wind + 0.01).to_csv(path, index=False)
    w = make_weather(scenario(with_file(path), *PART))
    np.testing.assert_allclose(w.wind_ms[:, 0], 6.51)
    np.testing.assert_allclose(w.ghi_wm2[:, 0], ghi.reshape(48, 4).mean(axis=1), atol=1e-9)
    quarters = make_weather(scenario(with_file(path), "time.step_h=0.25", *PART))
    np.testing.assert_allclose(quarters.ghi_wm2[:, 0], ghi, atol=1e-9)


# --- bad files ---------------------------------------------------------------------------------------------------


def cell(lines: list[str], row: int, column: int, value: str) -> list[str]:
    """Replace a cell; ``row`` is the line number in the file, the header being 1."""
    cells = lines[row - 1].split(",")
    cells[column] = value
    return [*lines[: row - 1], ",".join(cells), *lines[row:]]


BAD = {
    "empty cell": (lambda x: cell(x, 14, 1, ""), ['column "ghi_wm2", row 14', "empty or NaN"]),
    "NaN": (
        lambda x: cell(cell(x, 14, 2, "NaN"), 20, 2, "nan"),
        ['"temp_air_c", row 14 (first of 2)', "empty or NaN"],
    ),
    "not a number": (lambda x: cell(x, 9, 3, "strong"), ['"wind_ms", row 9', '"strong" is not a number']),
    "infinite": (lambda x: cell(x, 9, 3, "inf"), ['"wind_ms", row 9', '"inf" is not a number']),
    "negative": (lambda x: cell(x, 30, 1, "-5"), ['"ghi_wm2", row 30', "-5 is outside 0 to 1500", "night offsets"]),
    "200 m/s": (lambda x: cell(x, 30, 3, "200"), ['"wind_ms", row 30', "200 is outside 0 to 60"]),
    "kelvin": (lambda x: cell(x, 30, 2, "288"), ['"temp_air_c", row 30', "288 is outside -50 to 55"]),
    "gap": (lambda x: x[:20] + x[22:], ['"time", row 21', "gap: 2025-06-01 18:00", "2025-06-01 21:00"]),
    "twice": (lambda x: [*x[:20], x[19], *x[20:]], ['"time", row 21', "2025-06-01 18:00:00+08:00 occurs twice"]),
    "unsorted": (lambda x: [*x[:20], x[21], x[20], *x[22:]], ['"time", row 22', "earlier than the row before"]),
    "too short": (lambda x: x[:40], ["has 39 rows for 39 h", "needs 48 h from 2025-06-01"]),
    "no time": (lambda x: cell(x, 3, 0, "noon"), ['"time", row 3', '"noon" is not a time']),
    "some offsets": (lambda x: cell(x, 3, 0, "2025-06-01 01:00"), ['"time", row 3', "some stamps have an offset"]),
    "unknown column": (
        lambda x: [x[0].replace("ghi_wm2", "ghi_w2"), *x[1:]],
        ['unknown column "ghi_w2" → did you mean "ghi_wm2"?', 'column "ghi_wm2" is missing'],
    ),
    "no wind": (lambda x: [",".join(line.split(",")[:3]) for line in x], ["needs exactly one wind column"]),
    "half of the beam": (
        lambda x: [x[0] + ",dni_wm2", *(f"{line},0" for line in x[1:])],
        ["one of dni_wm2 and dhi"],
    ),
    "too many cells": (lambda x: [*x[:9], x[9] + ",7", *x[10:]], ["not a CSV table", "line 10"]),
    "row ends early": (lambda x: [*x[:9], x[9].rsplit(",", 1)[0], *x[10:]], ['"wind_ms", row 10', "empty or NaN"]),
    "header only": (lambda x: x[:1], ["has 0 rows"]),
    "other year": (
        lambda x: [line.replace("2025-", "2019-") for line in x],
        ["the file is for 2019, the scenario for 2025", "--set time.year=2019"],
    ),
    "half past": (
        lambda x: [line.replace(":00:00+", ":30:00+") for line in x],
        ["00:30:00", "start and end on a full"],
    ),
    "two-hourly": (lambda x: [x[0], *x[1::2]], ["the usual step is 2 h"]),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_is_refused_with_place_and_cure(case, tmp_path):
    spoil, words = BAD[case]
    path = tmp_path / "weining.csv"
    path.write_text("\n".join(spoil(csv_lines())) + "\n", encoding="utf-8")
    with pytest.raises(DataError) as caught:
        make_weather(scenario(with_file(path), *PART))
    for word in ("weining.csv", *words):
        assert word in str(caught.value)
    assert all(problem.cure for problem in caught.value.problems)


def test_all_problems_come_at_once(tmp_path):
    path = tmp_path / "w.csv"
    lines = cell(cell(cell(csv_lines(), 5, 1, ""), 6, 2, "warm"), 7, 3, "-1")
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        make_weather(scenario(with_file(path), *PART))
    assert [p.place.split('"')[1] for p in caught.value.problems] == ["ghi_wm2", "temp_air_c", "wind_ms"]


@pytest.mark.parametrize(
    ("name", "content"), [("lost.csv", None), ("lost.epw", None), ("noise.epw", b"\x00\xff" * 99)]
)
def test_files_that_cannot_be_read_are_named(name, content, tmp_path):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=rf"{name}: cannot be read \("):
        make_weather(scenario(with_file(path)))


def test_a_csv_that_is_not_text_is_refused(tmp_path):
    path = tmp_path / "w.csv"
    path.write_bytes(b"time,ghi\xff\xfe\n")
    with pytest.raises(DataError, match="not a CSV table in UTF-8"):
        make_weather(scenario(with_file(path)))


@needs_epw
def test_an_epw_without_some_hours_is_refused(tmp_path):
    lines = WEINING_EPW.read_text(encoding="utf-8").splitlines()
    path = tmp_path / "short.epw"
    path.write_text("\n".join(lines[:1000] + lines[1005:]) + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"short.epw: 5 hours of the year are missing, first month 2 day"):
        make_weather(scenario(with_file(path)))


@needs_epw
def test_an_epw_with_missing_values_is_refused(tmp_path):
    lines = WEINING_EPW.read_text(encoding="utf-8").splitlines()
    cells = lines[99].split(",")
    cells[6] = "99.9"  # the EPW code for a missing dry-bulb temperature
    path = tmp_path / "hole.epw"
    path.write_text("\n".join([*lines[:99], ",".join(cells), *lines[100:]]) + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=r'hole.epw, column "temp_air_c", row 100 \(first of 1\): 99.9 is outside'):
        make_weather(scenario(with_file(path)))
