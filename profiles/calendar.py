"""A time axis → which of its days are weekends and which lie in the week of Spring Festival.

China works and rests by the Gregorian week, but the largest holiday of the year follows the moon, and with it the
deepest valley of the load. Working Saturdays that make up for holidays are announced year by year and left out.
"""

from __future__ import annotations

from datetime import date, timedelta

from scenarios.records import Bools
from scenarios.timeaxis import TimeAxis

SATURDAY = 5

FESTIVAL_FIRST_DAY = -1
"""The holiday week starts on New Year's Eve …"""

FESTIVAL_DAYS = 7
"""… and lasts seven days (State Council, 全国年节及纪念日放假办法; the eighth day given since 2025 is left out)."""

_NEW_YEAR_AFTER_21_JANUARY = {
    1950: (27, 16, 6, 24, 13, 3, 22, 10, 28, 18),
    1960: (7, 25, 15, 4, 23, 12, 0, 19, 9, 27),
    1970: (16, 6, 25, 13, 2, 21, 10, 28, 17, 7),
    1980: (26, 15, 4, 23, 12, 30, 19, 8, 27, 16),
    1990: (6, 25, 14, 2, 20, 10, 29, 17, 7, 26),
    2000: (15, 3, 22, 11, 1, 19, 8, 28, 17, 5),
    2010: (24, 13, 2, 20, 10, 29, 18, 7, 26, 15),
    2020: (4, 22, 11, 1, 20, 8, 27, 16, 5, 23),
    2030: (13, 2, 21, 10, 29, 18, 7, 25, 14, 3),
    2040: (22, 11, 1, 20, 9, 27, 16, 5, 24, 12),
    2050: (2, 21, 11, 29, 18, 7, 25, 14, 3, 22),
    2060: (12, 0, 19, 8, 27, 15, 5, 24, 13, 2),
    2070: (21, 10, 29, 17, 6, 25, 15, 3, 22, 12),
    2080: (1, 19, 8, 27, 16, 5, 24, 13, 3, 20),
    2090: (9, 28, 17, 6, 25, 15, 4, 22, 11, 0),
    2100: (19,),
}
"""Days from 21 January to Chinese New Year, by decade: the new moons of 1950–2100 in UTC+08:00 that open the first
month by GB/T 33661-2017 (编算和颁行农历)."""


def chinese_new_year(year: int) -> date:
    """Return the first day of the first lunar month in ``year`` (1950–2100); raises ``ValueError`` outside."""
    decade = _NEW_YEAR_AFTER_21_JANUARY.get(year - year % 10)
    if decade is None or year % 10 >= len(decade):
        raise ValueError(f"Chinese New Year is known for 1950 to 2100, not for {year}")
    return date(year, 1, 21) + timedelta(days=decade[year % 10])


def is_weekend(time: TimeAxis) -> Bools:
    """Return which intervals lie on a Saturday or Sunday ``[hours]``."""
    return time.day_of_week >= SATURDAY


def is_spring_festival(time: TimeAxis) -> Bools:
    """Return which intervals lie in the week of Spring Festival ``[hours]``: New Year's Eve and six days more."""
    first = chinese_new_year(time.start.year) + timedelta(days=FESTIVAL_FIRST_DAY)
    day = time.day_of_year - first.timetuple().tm_yday
    return (day >= 0) & (day < FESTIVAL_DAYS)
