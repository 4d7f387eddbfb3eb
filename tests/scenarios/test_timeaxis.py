"""Stamps, middles, leap years, parts of years and finer steps."""

from __future__ import annotations

import pandas as pd
import pytest

from scenarios.timeaxis import TimeAxis


def test_ordinary_and_leap_years():
    assert len(TimeAxis.of_year(2025)) == 8760
    assert len(TimeAxis.of_year(2024)) == 8784
    assert len(TimeAxis.of_year(2024, 0.25)) == 4 * 8784


def test_a_stamp_is_the_start_and_the_sun_is_taken_in_the_middle():
    axis = TimeAxis.of("2025-04-10", 24)
    assert str(axis.starts()[0]) == "2025-04-10 00:00:00+08:00"
    assert str(axis.middles()[0]) == "2025-04-10 00:30:00+08:00"
    assert str(TimeAxis.of("2025-04-10", 1, 0.25).middles()[-1]) == "2025-04-10 00:52:30+08:00"


def test_calendar_columns_by_hand():
    axis = TimeAxis.of("2024-02-29", 25)  # a Thursday, day 31 + 29 = 60
    assert axis.month[0] == 2
    assert axis.month[-1] == 3
    assert (axis.day_of_year[0], axis.day_of_week[0], axis.day[-1], axis.hour_of_day[-1]) == (60, 3, 1, 0)


def test_a_stamp_of_another_zone_is_shown_in_local_time():
    assert TimeAxis.of("2024-12-31T16:00:00Z", 1).starts()[0] == pd.Timestamp("2025-01-01T00:00+08:00")


def test_whole_days_contain_the_axis():
    axis = TimeAxis.of("2025-04-10T06:00", 20)
    whole = axis.whole_days()
    assert (len(whole), str(whole.start)) == (48, "2025-04-10 00:00:00+08:00")
    assert axis.position_in(whole) == slice(6, 26)


def test_an_axis_that_does_not_fit_is_refused():
    year = TimeAxis.of_year(2025)
    with pytest.raises(ValueError, match="does not lie within"):
        TimeAxis.of("2025-12-31", 48).position_in(year)
    with pytest.raises(ValueError, match="steps differ"):
        TimeAxis.of("2025-04-10", 24, 0.5).position_in(year)
