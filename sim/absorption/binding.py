"""A limited dispatch and the curtailment it caused → which rows of the network bound, for how long, for how much.

A row binds in a step when its flow is at a limit. The curtailment that the network caused in a step is given to the
rows that bind in it, in proportion to how strongly the curtailed plants push into the limit: Σ MW · sensitivity, of
the plants whose sensitivity has the sign of the limit. Storage and water carry an effect to steps in which no row
binds; what was caused there goes to the rows by their weights of the same day, else of the whole period.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from scenarios.records import Bools, Floats, Ints
from sim.dispatch.limits import NetworkLimits, flow_mw
from sim.dispatch.model import DispatchCase, DispatchResult

BINDING_MW = 1e-3
"""A row this close to its limit binds."""

ROWS_AT_ONCE = 200
"""Flows of thousands of rows over a year would fill the memory."""


@dataclass(frozen=True, slots=True)
class BindingRow:
    """A row of the network that bound: its limit, for how long, and the curtailment that it caused.

    ``forward`` says whether it mostly bound from its first end to its second; ``curtailing_hours`` are the hours in
    which it bound and the network caused curtailment.
    """

    row: str
    cause: str
    limit_mw: float
    forward: bool
    hours: float
    curtailing_hours: float
    mwh: float


@dataclass(frozen=True, slots=True, eq=False)
class LimitedDispatch:
    """A dispatch within ``limits``; ``counted`` [rows] are the rows that its rung of the ladder adds."""

    case: DispatchCase
    result: DispatchResult
    limits: NetworkLimits
    counted: Bools = field(repr=False)


def binding_rows(dispatch: LimitedDispatch, cause: str, share_mw: Floats) -> tuple[BindingRow, ...]:
    """Return the rows that bound, those that caused most first.

    ``share_mw`` [hours × plants] is the curtailment that the cause is responsible for; it is given to the rows
    completely, unless none ever bound.
    """
    rows, upper, lower = _binding(dispatch)
    if not len(rows):
        return ()
    time, limits = dispatch.case.time, dispatch.limits.only(rows)
    push = share_mw @ np.maximum(limits.renewables, 0.0).T * upper
    push += share_mw @ np.maximum(-limits.renewables, 0.0).T * lower
    total_mw = share_mw.sum(axis=1)
    given_mw = _given(total_mw, push, upper | lower, time.day)
    bound, curtailing = upper | lower, (upper | lower) & (total_mw > BINDING_MW)[:, None]
    found = [
        BindingRow(
            row=limits.rows[k],
            cause=cause,
            limit_mw=float(limits.high_mw[k]),
            forward=bool(upper[:, k].sum() >= lower[:, k].sum()),
            hours=float(bound[:, k].sum() * time.step_h),
            curtailing_hours=float(curtailing[:, k].sum() * time.step_h),
            mwh=float(given_mw[k] * time.step_h),
        )
        for k in range(len(rows))
    ]
    return tuple(sorted(found, key=lambda row: (-row.mwh, -row.hours, row.row)))


def _binding(dispatch: LimitedDispatch) -> tuple[list[int], Bools, Bools]:
    """Return the counted rows that ever bind, and when they do at their upper and lower limit [hours × rows]."""
    found = [part for part in _binding_parts(dispatch) if part[0]]
    if not found:
        nothing = np.zeros((len(dispatch.case.time), 0), dtype=np.bool_)
        return [], nothing, nothing
    rows, upper, lower = zip(*found, strict=True)
    return [row for part in rows for row in part], np.hstack(upper), np.hstack(lower)


def _binding_parts(dispatch: LimitedDispatch) -> Iterator[tuple[list[int], Bools, Bools]]:
    counted = np.flatnonzero(dispatch.counted)
    for begin in range(0, len(counted), ROWS_AT_ONCE):
        rows = counted[begin : begin + ROWS_AT_ONCE]
        limits = dispatch.limits.only(rows.tolist())
        flow = flow_mw(limits, dispatch.case, dispatch.result)
        upper, lower = flow >= limits.high_mw - BINDING_MW, flow <= limits.low_mw + BINDING_MW
        ever = (upper | lower).any(axis=0)
        yield rows[ever].tolist(), upper[:, ever], lower[:, ever]


def _given(total_mw: Floats, push: Floats, bound: Bools, day: Ints) -> Floats:
    """Return what each row is given of ``total_mw`` [hours], summed over the hours [rows]."""
    given, left = np.zeros(push.shape[1]), total_mw
    weights = np.where(push.sum(axis=1, keepdims=True) > 0.0, push, bound.astype(np.float64))
    for group in (np.arange(len(day)), day, np.zeros(len(day), dtype=np.int64)):
        of_group = np.zeros((int(group[-1]) + 1, push.shape[1]))
        np.add.at(of_group, group, weights)
        whole = of_group.sum(axis=1)
        served = whole[group] > 0.0
        asked = np.bincount(group, np.where(served, left, 0.0), len(whole))
        given += np.divide(asked, whole, out=np.zeros_like(whole), where=whole > 0.0) @ of_group
        left = np.where(served, 0.0, left)
    return given
