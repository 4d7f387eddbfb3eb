"""``reliability.csv`` → how often and how long each unit fails, and when it is in planned maintenance.

A unit's unavailability U and mean repair time r give its mean time to failure r·(1 − U)/U. Where the table gives
no U, it follows from the failure rate: U = rate · r / 8760. Maintenance is planned unit by unit, the largest first,
into the span of days in which the highest need, with what is already out, is least (levelised reserve).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from scenarios.errors import DataError, Problem
from scenarios.records import Floats, Ints
from scenarios.tables import ReliabilityRate

HOURS_PER_YEAR = 8760.0


def rates_by_technology(rows: Iterable[ReliabilityRate], wanted: Iterable[str]) -> dict[str, ReliabilityRate]:
    """Return the row of each technology; raises ``DataError`` with all that have none or more than one."""
    found: dict[str, list[ReliabilityRate]] = {name: [] for name in wanted}
    for row in rows:
        for name in set(row.technologies.split()) & set(found):
            found[name].append(row)
    problems = [
        Problem("reliability.csv", f'technology "{name}" is named by {len(given)} rows', "name it in exactly one")
        for name, given in found.items()
        if len(given) != 1
    ]
    if problems:
        raise DataError(problems)
    return {name: given[0] for name, given in found.items()}


def unavailability_of(rate: ReliabilityRate) -> float:
    """Return the long-run share of time in forced outage."""
    if rate.unavailability is not None:
        return rate.unavailability
    return min(rate.failure_rate * rate.repair_h / HOURS_PER_YEAR, 0.99)


def mean_up_h(rate: ReliabilityRate) -> float:
    """Return the mean time to failure, h; endless for a unit that never fails."""
    down = unavailability_of(rate)
    return rate.repair_h * (1 - down) / down if down > 0 else float("inf")


def maintenance_days(rates: Mapping[str, ReliabilityRate], technologies: Iterable[str], hours: float) -> Ints:
    """Return the whole days of planned maintenance of units of given technologies in a span of hours [units]."""
    share = hours / HOURS_PER_YEAR
    return np.array([round(rates[name].planned_days * share) for name in technologies], dtype=np.int64)


def plan_maintenance(capacity_mw: Floats, days: Ints, need_mw: Floats) -> Ints:
    """Return the first day of each unit's maintenance [units], given its days and the daily need, MW [days]."""
    start = np.zeros(len(capacity_mw), dtype=np.int64)
    loaded = need_mw.copy()
    for u in np.argsort(-capacity_mw * days, kind="stable"):
        span = min(int(days[u]), len(need_mw))
        if span:
            start[u] = int(np.argmin(sliding_window_view(loaded, span).max(axis=1)))
            loaded[start[u] : start[u] + span] += capacity_mw[u]
    return start
