"""The one place that does time arithmetic.

A stamp labels the *start* of its interval, values are means over the interval, the sun is taken at mid-interval.
Time is fixed UTC+08:00 (China Standard Time has had no daylight saving since 1991). ``step_h`` is general: energy
is power × ``step_h``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta, timezone
from functools import cached_property

import numpy as np
import pandas as pd

from scenarios.records import Ints

CST = timezone(timedelta(hours=8))


@dataclass(frozen=True)
class TimeAxis:
    """``steps`` intervals of ``step_h`` hours from ``start`` (a local midnight or any full hour, UTC+08:00)."""

    start: pd.Timestamp
    steps: int
    step_h: float = 1.0

    @classmethod
    def of(cls, start: date | str, hours: float, step_h: float = 1.0) -> TimeAxis:
        """Return the axis of ``hours`` hours from ``start`` local time, for example ``of("2025-04-10", 48)``."""
        stamp = pd.Timestamp(str(start))
        stamp = stamp.tz_localize(CST) if stamp.tzinfo is None else stamp.tz_convert(CST)
        return cls(stamp, round(hours / step_h), step_h)

    @classmethod
    def of_year(cls, year: int, step_h: float = 1.0) -> TimeAxis:
        """Return the whole calendar year: 8760 hours, or 8784 in a leap year."""
        days = 366 if pd.Timestamp(year, 1, 1).is_leap_year else 365
        return cls.of(f"{year}-01-01", 24 * days, step_h)

    def __len__(self) -> int:
        """Return the number of intervals."""
        return self.steps

    @cached_property
    def _index(self) -> pd.DatetimeIndex:
        return pd.date_range(self.start, periods=self.steps, freq=pd.Timedelta(hours=self.step_h), name="time")

    def starts(self) -> pd.DatetimeIndex:
        """Return the stamps: the start of each interval, with offset +08:00."""
        return self._index

    def middles(self) -> pd.DatetimeIndex:
        """Return the middle of each interval, where the sun is taken."""
        return self._index + pd.Timedelta(hours=self.step_h / 2)

    @property
    def hours(self) -> float:
        """Total length in hours."""
        return self.steps * self.step_h

    @property
    def steps_per_day(self) -> int:
        """Number of intervals in a day."""
        return round(24 / self.step_h)

    @cached_property
    def month(self) -> Ints:
        """Month 1–12 of each interval."""
        return np.asarray(self._index.month, dtype=np.int64)

    @cached_property
    def hour_of_day(self) -> Ints:
        """Clock hour 0–23 in which each interval starts."""
        return np.asarray(self._index.hour, dtype=np.int64)

    @cached_property
    def day(self) -> Ints:
        """Index of the calendar day of each interval, 0 for the first day of the axis."""
        days = self._index.normalize()
        return np.asarray((days - days[0]) // pd.Timedelta(days=1), dtype=np.int64)

    @cached_property
    def day_of_week(self) -> Ints:
        """Day of the week, 0 for Monday."""
        return np.asarray(self._index.dayofweek, dtype=np.int64)

    @cached_property
    def day_of_year(self) -> Ints:
        """Day of the year, 1–366."""
        return np.asarray(self._index.dayofyear, dtype=np.int64)

    def whole_days(self) -> TimeAxis:
        """Return the axis widened to whole calendar days (weather is made by days, then cut)."""
        first = self.start.normalize()
        last = (self._index[-1] + pd.Timedelta(hours=self.step_h) - pd.Timedelta(1, "ns")).normalize()
        days = (last - first) // pd.Timedelta(days=1) + 1
        return TimeAxis(first, round(days * 24 / self.step_h), self.step_h)

    def position_in(self, other: TimeAxis) -> slice:
        """Return where this axis lies in ``other``, which must contain it and share its step.

        Raises ``ValueError`` when it does not.
        """
        if self.step_h != other.step_h:
            raise ValueError(f"steps differ: {self.step_h} h and {other.step_h} h")
        offset = (self.start - other.start) / pd.Timedelta(hours=self.step_h)
        first = round(offset)
        if abs(offset - first) > 1e-9 or first < 0 or first + self.steps > other.steps:
            raise ValueError("the axis does not lie within the other one")
        return slice(first, first + self.steps)
