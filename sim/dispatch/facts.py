"""Case, result and limits → what a run says about its dispatch: which rows held it, and which it overloads."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from sim.dispatch.certificate import Certificate
from sim.dispatch.limits import NetworkLimits, flow_mw, overload_mw
from sim.dispatch.model import DispatchCase, DispatchResult

AT_LIMIT_MW = 0.01
"""A row this close to its limit holds the dispatch; above it by more than this it is overloaded."""


@dataclass(frozen=True, slots=True)
class RowUse:
    """A row that was at or above its limit: hours of both, and the energy and the worst power above."""

    row: str
    limit_mw: float
    hours_at_limit: float
    hours_above: float
    above_mwh: float
    worst_mw: float


def row_uses(limits: NetworkLimits, case: DispatchCase, result: DispatchResult) -> tuple[RowUse, ...]:
    """Return the rows that were at their limit in some hour, the longest first."""
    if not limits.rows:
        return ()
    step_h = case.time.step_h
    flow, above = flow_mw(limits, case, result), overload_mw(limits, case, result)
    over = above > AT_LIMIT_MW
    held = (flow > limits.high_mw - AT_LIMIT_MW) | (flow < limits.low_mw + AT_LIMIT_MW)
    used = np.flatnonzero(held.any(axis=0))
    uses = [
        RowUse(
            row=limits.rows[row],
            limit_mw=float(limits.high_mw[row]),
            hours_at_limit=float((held & ~over)[:, row].sum()) * step_h,
            hours_above=float(over[:, row].sum()) * step_h,
            above_mwh=float(above[over[:, row], row].sum()) * step_h,
            worst_mw=float(above[:, row].max()),
        )
        for row in used
    ]
    return tuple(sorted(uses, key=lambda use: (-use.hours_at_limit - use.hours_above, use.row)))


def overload_sentence(uses: tuple[RowUse, ...]) -> str:
    """Return what a run must say about rows that its dispatch overloads; empty when there are none."""
    over = [use for use in uses if use.hours_above > 0.0]
    if not over:
        return ""
    worst = max(over, key=lambda use: use.above_mwh)
    total_mwh = sum(use.above_mwh for use in over)
    return (
        f"The dispatch loads {len(over)} rows of the network above their limits, {total_mwh:,.0f} MWh in all; "
        f"most {worst.row}: {worst.hours_above:,.0f} h, up to {worst.worst_mw:,.0f} MW. "
        "调度结果越限。"
    )


def anew_sentence(result: DispatchResult) -> str:
    """Return what a run must say about days that the exact programme dispatched anew; empty when there are none."""
    count = len(result.days_anew)
    if not count:
        return ""
    return (
        f"{count:,} days were dispatched anew by the exact programme, because a rule couples their hours (ramps, "
        "balance of export). 因跨时段规则，上述日由精确解重新安排。"
    )


def network_part(limits: NetworkLimits, case: DispatchCase, result: DispatchResult) -> dict[str, Any]:
    """Return the part of ``run.json`` on what the dispatch was told of the network, and which rows held it."""
    return {
        "network_rows": len(limits.rows),
        "days_anew": len(result.days_anew),
        "rows_at_limit": [asdict(use) for use in row_uses(limits, case, result)],
    }


def certificate_part(certificate: Certificate | None) -> dict[str, Any] | None:
    """Return the certificate as ``run.json`` keeps it: gaps as shares; the samples in CNY and MWh."""
    if certificate is None:
        return None
    return {
        "whole": certificate.whole,
        "cost_gap": certificate.cost_gap,
        "worst_cost_gap": certificate.worst_cost_gap,
        "curtailment_gap": certificate.curtailment_gap,
        "samples": [asdict(sample) for sample in certificate.samples],
    }
