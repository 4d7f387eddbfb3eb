"""Case and result → the state of the system at a step: what the steps before leave to those that follow."""

from __future__ import annotations

import numpy as np

from scenarios.records import Floats, axes, record
from sim.dispatch.model import START_CONTENT, DispatchCase, DispatchResult
from sim.dispatch.response import flexible_cut_mw
from sim.dispatch.service import export_forgiven_mwh


@record
class State:
    """What crosses a seam before ``step``: all that a dispatch from there on has to know of what was before.

    Contents of storages, load moved so far and not taken back (negative: owed); since midnight: water released
    above the must-run, what flexible loads did without, load shed; load shed on the whole axis so far; what
    channels sent beyond their contract (what is forgiven counts as sent), and the powers of the last step.
    """

    step: int
    stored_mwh: Floats = axes("storages")
    moved_mwh: float
    released_mwh: Floats = axes("hydros")
    without_mwh: Floats = axes("flexibles")
    shed_mwh: float
    called_mwh: float
    account_mwh: Floats = axes("channels")
    coal_mw: Floats = axes("coal")
    export_mw: Floats = axes("channels")


def first_state(case: DispatchCase) -> State:
    """Return the state before the first step of the axis; powers before it are unknown and bind nothing."""
    return State(
        step=0,
        stored_mwh=START_CONTENT * case.storage_energy_mwh,
        moved_mwh=0.0,
        released_mwh=np.zeros(len(case.hydros)),
        without_mwh=np.zeros(len(case.flexibles)),
        shed_mwh=0.0,
        called_mwh=0.0,
        account_mwh=np.zeros(len(case.channels)),
        coal_mw=np.zeros(len(case.coal)),
        export_mw=np.zeros(len(case.channels)),
    )


def state_at(case: DispatchCase, result: DispatchResult, step: int) -> State:
    """Return the state that a result leaves before ``step``."""
    if step == 0:
        return first_state(case)
    step_h, day = case.time.step_h, case.time.day
    done, since = slice(0, step), slice(int(np.searchsorted(day, day[min(step, len(day) - 1)])), step)
    free_water = np.maximum(result.hydro_mw[since] - case.hydro_minimum_mw[day[since]], 0.0)
    taken = result.flexible_mw[since] + flexible_cut_mw(case, result)[since]
    account = (result.export_mw[done] - case.export_mw[done]).sum(axis=0) * step_h
    moved = (result.shift_up_mw[done] - result.shift_down_mw[done]).sum()
    return State(
        step=step,
        stored_mwh=result.stored_mwh[step - 1],
        moved_mwh=float(moved * step_h),
        released_mwh=free_water.sum(axis=0) * step_h,
        without_mwh=(case.flexible.power_mw - taken).sum(axis=0) * step_h,
        shed_mwh=float(result.shed_mw[since].sum() * step_h),
        called_mwh=float(result.shed_mw[done].sum() * step_h),
        account_mwh=account + export_forgiven_mwh(case, result, step),
        coal_mw=result.coal_mw[step - 1],
        export_mw=result.export_mw[step - 1],
    )
