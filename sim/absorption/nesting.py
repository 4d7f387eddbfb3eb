"""Curtailment of nested dispatches → shares that are never negative and add up to the last dispatch exactly.

    curtailed_mw [rungs × hours × plants]  →  shares_mw [rungs × hours × plants]

Each rung of the ladder is a dispatch with more limits than the one before, so over the year it curtails more. In a
single hour, or at a single plant, it may curtail less: storage fills at another hour of the same noon, and a line
moves curtailment from one plant to another without adding any. The increase of single hours and plants is therefore
not a share. Instead the increases of the *whole period* are taken, and passed down

    whole period → months → days → hours → plants

such that on every level what is cumulated up to a rung is (a) never above what is cumulated up to the next, (b)
adds up to the level above, and (c) is as close to what that rung's dispatch curtailed there as (a) and (b) allow:
cut to the next rung first, then scaled down, or filled up in proportion to the room that is left.
"""

from __future__ import annotations

import numpy as np

from scenarios.records import Floats, Ints
from scenarios.timeaxis import TimeAxis

ROUNDING = 1e-12
"""Sums that differ by less than this part are equal: rungs that are alike leave no dust."""


def nested_shares(curtailed_mw: Floats, time: TimeAxis) -> Floats:
    """Return the share of each rung [rungs × hours × plants], MW; ``curtailed_mw`` has the same axes.

    Sums over rungs are the curtailment of the last rung, which stays as it is; no share is negative. Sums over
    hours and plants are the increases of the whole period, where these are not negative.
    """
    rungs, steps, plants = curtailed_mw.shape
    hourly = curtailed_mw.sum(axis=2)
    _, month_of_step = np.unique(time.month, return_inverse=True)
    month_of_day = month_of_step[np.flatnonzero(np.diff(time.day, prepend=-1))]
    daily = _sums(hourly, time.day)
    monthly = _sums(daily, month_of_day)
    cumulated = never_down(monthly.sum(axis=1, keepdims=True))
    for detail, group in (
        (monthly, np.zeros(monthly.shape[1], dtype=np.int64)),
        (daily, month_of_day),
        (hourly, time.day),
        (curtailed_mw.reshape(rungs, -1), np.repeat(np.arange(steps), plants)),
    ):
        cumulated = passed_down(cumulated, detail, group)
    return np.diff(cumulated, axis=0, prepend=0.0).reshape(curtailed_mw.shape)


def never_down(sums: Floats) -> Floats:
    """Return sums [rungs × …] that never fall from rung to rung nor pass the last: running greatest, cut to it."""
    return np.asarray(np.minimum(np.maximum.accumulate(sums, axis=0), sums[-1]))


def passed_down(cumulated: Floats, detail: Floats, group: Ints) -> Floats:
    """Return what is cumulated up to each rung [rungs × items], given the same for groups [rungs × groups].

    ``detail`` [rungs × items] is what each rung's dispatch says, ``group`` [items] the group of each item. The last
    rung is its ``detail``.
    """
    nested = np.empty_like(detail)
    nested[-1] = detail[-1]
    for rung in range(len(detail) - 2, -1, -1):
        nested[rung] = _matched(detail[rung], nested[rung + 1], cumulated[rung], group)
    return nested


def _matched(detail: Floats, most: Floats, wanted: Floats, group: Ints) -> Floats:
    """Return values between 0 and ``most`` [items], close to ``detail``, that add up to ``wanted`` [groups]."""
    near = np.minimum(detail, most)
    room = most - near
    size = len(wanted)
    held, left = np.bincount(group, near, size), np.bincount(group, room, size)
    apart = np.abs(wanted - held) > ROUNDING * held
    down = np.divide(wanted, held, out=np.ones(size), where=apart & (held > wanted))
    up = np.divide(wanted - held, left, out=np.zeros(size), where=apart & (wanted > held) & (left > 0.0))
    return np.asarray(np.clip(near * down[group] + room * up[group], 0.0, most))


def _sums(values: Floats, group: Ints) -> Floats:
    """Return sums over groups of columns [rungs × groups]."""
    return np.stack([np.bincount(group, row) for row in values])
