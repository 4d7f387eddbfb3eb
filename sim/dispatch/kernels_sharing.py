"""Shares of equal plants → fair ones, hour by hour; compiled by numba.

Columns that all binding rows of an hour reach alike are a cluster, named by its first column. Each column of a
cluster goes towards the same share of its room, as far as the rows that do not bind allow.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sim.dispatch.kernels_state import entry, kernel

BINDING_MW = 1e-4
"""A row this close to a limit is binding; flows that change by less are not looked at."""

ALIKE = 1e-9
"""Sensitivities that differ by less are equal but for rounding."""

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]


class Shares(NamedTuple):
    """Given: room of the columns [hours, columns], their reach [rows, columns], flows and limits [hours, rows], MW.

    Written: shares [hours, columns] that are evened out; of one hour, the rows that bind and after them those that
    do not, and of each column the first one of its cluster and the step to a fair share.
    """

    room: _Floats
    reach: _Floats
    flow: _Floats
    low: _Floats
    high: _Floats
    part: _Floats
    rows: _Ints
    first: _Ints
    step: _Floats


@entry
def even_out(shares: Shares) -> None:
    """Even out the shares of all hours."""
    part, room, step = shares.part, shares.room, shares.step
    for hour in range(len(part)):
        if _open(part, room, hour):
            binding = _sorted_rows(shares, hour)
            _cluster(shares, binding)
            _aim(shares, hour)
            stretch = _stretch(shares, hour, binding)
            for column in range(len(step)):
                part[hour, column] += stretch * step[column]
        for column in range(len(step)):
            part[hour, column] = min(max(part[hour, column], 0.0), room[hour, column])


@kernel
def _open(part: _Floats, room: _Floats, hour: int) -> bool:
    """Whether something is used, and something is not."""
    used = width = 0.0
    for column in range(part.shape[1]):
        used += part[hour, column]
        width += room[hour, column]
    return 0.0 < used < width


@kernel
def _sorted_rows(shares: Shares, hour: int) -> int:
    """Put the rows that bind before those that do not; return how many bind."""
    flow, count, end = shares.flow, 0, len(shares.rows)
    for row in range(len(shares.reach)):
        above = flow[hour, row] >= shares.high[hour, row] - BINDING_MW
        if above or flow[hour, row] <= shares.low[hour, row] + BINDING_MW:
            shares.rows[count] = row
            count += 1
        else:
            end -= 1
            shares.rows[end] = row
    return count


@kernel
def _cluster(shares: Shares, binding: int) -> None:
    """Write the first column of every column's cluster."""
    first = shares.first
    for column in range(len(first)):
        first[column] = column
        for other in range(column):
            if first[other] == other and _alike(shares, binding, column, other):
                first[column] = other
                break


@kernel
def _alike(shares: Shares, binding: int, column: int, other: int) -> bool:
    """Whether all binding rows reach two columns alike."""
    for number in range(binding):
        row = shares.rows[number]
        if abs(shares.reach[row, column] - shares.reach[row, other]) > ALIKE:
            return False
    return True


@kernel
def _aim(shares: Shares, hour: int) -> None:
    """Write the step of every column to the share of room that its cluster uses."""
    part, room, first = shares.part, shares.room, shares.first
    for leader in range(len(first)):
        if first[leader] == leader:
            used = width = 0.0
            for column in range(leader, len(first)):
                if first[column] == leader:
                    used += part[hour, column]
                    width += room[hour, column]
            share = used / width if width > 0.0 else 0.0
            for column in range(leader, len(first)):
                if first[column] == leader:
                    shares.step[column] = share * room[hour, column] - part[hour, column]


@kernel
def _stretch(shares: Shares, hour: int, binding: int) -> float:
    """Return which part of the step, 0 … 1, passes no limit of the rows that do not bind."""
    stretch = 1.0
    for number in range(binding, len(shares.rows)):
        row, change = shares.rows[number], 0.0
        for column in range(len(shares.step)):
            change += shares.reach[row, column] * shares.step[column]
        if abs(change) > BINDING_MW:
            limit = shares.high[hour, row] if change > 0.0 else shares.low[hour, row]
            stretch = min(stretch, (limit - shares.flow[hour, row]) / change)
    return max(stretch, 0.0)
