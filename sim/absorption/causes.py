"""An operation → why wind and PV were curtailed: the same period dispatched again with fewer limits.

    rung          what is added                                            its increase is the share of
    1 surplus     load, export band, storage and water on a copper plate    more offered than anyone takes
    2 flexibility coal minimum, must-run, commitment, ramps, reserve,      units and contracts that
                  balance and ramp of the export contract                  cannot give way
    3 network     ratings of branches and sections                          wires in normal operation
    4 security    the same after the loss of any circuit (N-1)              room kept for outages
    5 ac          what the AC power flow corrected                          voltages, reactive flow, losses

Every rung has the losses of the final operation. The order is a choice: a limit that comes early takes what it
could have caused alone. What a rung adds over the whole period is the share of its cause, and
``sim.absorption.nesting`` hands it down to hours and plants. See ``docs/explanation/curtailment-causes.md``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from scenarios.records import Floats, axes, record
from scenarios.timeaxis import TimeAxis
from sim.absorption.binding import BindingRow, LimitedDispatch, binding_rows
from sim.absorption.nesting import nested_shares
from sim.dispatch.limits import NetworkLimits
from sim.dispatch.model import DispatchCase, DispatchResult

CAUSES = ("surplus", "flexibility", "network", "security", "ac")
"""All causes, in the order of the ladder."""

AFTER_LOSS = " without "
"""Rows that hold after the loss of a circuit have this in their name (``sim.dispatch.security``)."""

Solver = Callable[[DispatchCase, NetworkLimits | None], DispatchResult]


@dataclass(frozen=True, slots=True, eq=False)
class Operated:
    """The final operation: case, dispatch, limits (``None``: a copper plate) and whether the AC flow changed it."""

    case: DispatchCase
    result: DispatchResult
    limits: NetworkLimits | None = None
    corrected: bool = False


@record
class Causes:
    """Curtailment by cause, for the causes that are part of the operation.

    ``share_mw`` is never negative; its sum over causes is the curtailment of the operation. ``rung_mwh`` is what
    the dispatch of each rung curtails in the whole period, as it came out.
    """

    time: TimeAxis
    renewables: tuple[str, ...]
    causes: tuple[str, ...]
    rows: tuple[BindingRow, ...]
    share_mw: Floats = axes("causes", "hours", "renewables")
    rung_mwh: Floats = axes("causes")

    def of(self, cause: str) -> Floats:
        """Return the share of a cause [hours × renewables], MW; zeros when it is no part of the operation."""
        if cause in self.causes:
            return np.asarray(self.share_mw[self.causes.index(cause)])
        return np.zeros(self.share_mw.shape[1:])


@dataclass(frozen=True, slots=True, eq=False)
class Rung:
    """One dispatch of the ladder; ``result`` is ``None`` until it is solved."""

    cause: str
    case: DispatchCase
    limits: NetworkLimits | None
    result: DispatchResult | None = None


def separate(operated: Operated, solve: Solver) -> Causes:
    """Return the causes of an operation's curtailment; ``solve`` must be the solver that made the operation."""
    rungs = [_solved(rung, solve) for rung in _ladder(operated)]
    case = operated.case
    curtailed_mw = np.stack([curtailed(case, rung.result) for rung in rungs if rung.result is not None])
    share_mw = nested_shares(curtailed_mw, case.time)
    return Causes(
        time=case.time,
        renewables=case.renewables,
        causes=tuple(rung.cause for rung in rungs),
        rows=tuple(row for k, rung in enumerate(rungs) for row in _rows(rung, share_mw[k])),
        share_mw=share_mw,
        rung_mwh=curtailed_mw.sum(axis=(1, 2)) * case.time.step_h,
    )


def curtailed(case: DispatchCase, result: DispatchResult) -> Floats:
    """Return the wind and PV that was available and not taken [hours × renewables], MW."""
    return np.maximum(case.available_mw - result.renewable_mw, 0.0)


def flexible(case: DispatchCase) -> DispatchCase:
    """Return the case with coal that can do anything: every unit runs, down to nothing, at any speed, unasked.

    Reserve, and what a contract says besides its band (ramp, balance), are left out as well.
    """
    days = len(case.coal_must_run_units)
    nothing = np.zeros(len(case.coal))
    return replace(
        case,
        coal_minimum_pu=nothing,
        coal_must_run_units=np.tile(case.coal_units, (days, 1)),
        coal_min_up_h=nothing,
        coal_min_down_h=nothing,
        coal_ramp_pu_per_h=np.full(len(case.coal), 1.0 / case.time.step_h),
        reserve_share_load=0.0,
        rules=replace(
            case.rules,
            ramps=False,
            reserve_up_load=0.0,
            reserve_up_renewables=0.0,
            reserve_largest_unit=False,
            reserve_down_load=0.0,
            reserve_down_renewables=0.0,
            export_ramp_mw_per_h=None,
            export_balance="none",
        ),
    )


def _ladder(operated: Operated) -> list[Rung]:
    """Return the rungs that this operation has; the last one is the operation itself."""
    case, limits = operated.case, operated.limits
    rungs = [Rung("surplus", flexible(case), None), Rung("flexibility", case, None)]
    if limits is not None and limits.rows:
        after_loss = _after_loss(limits)
        rungs.append(Rung("network", case, limits.only(np.flatnonzero(~after_loss).tolist())))
        if after_loss.any():
            rungs.append(Rung("security", case, limits))
    if operated.corrected:
        return [*rungs, Rung("ac", case, limits, operated.result)]
    return [*rungs[:-1], replace(rungs[-1], result=operated.result)]


def _after_loss(limits: NetworkLimits) -> np.ndarray:
    return np.array([AFTER_LOSS in row for row in limits.rows], dtype=np.bool_)


def _solved(rung: Rung, solve: Solver) -> Rung:
    return rung if rung.result is not None else replace(rung, result=solve(rung.case, rung.limits))


def _rows(rung: Rung, share_mw: Floats) -> tuple[BindingRow, ...]:
    """Return the rows that bound in a rung that adds rows."""
    if rung.cause not in {"network", "security"} or rung.limits is None or rung.result is None:
        return ()
    counted = _after_loss(rung.limits) == (rung.cause == "security")
    return binding_rows(LimitedDispatch(rung.case, rung.result, rung.limits, counted), rung.cause, share_mw)
