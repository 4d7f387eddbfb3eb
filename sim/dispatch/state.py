"""Case and result → the state of the system at a step: what the steps before leave to those that follow."""

from __future__ import annotations

import numpy as np

from scenarios.records import Floats, axes, record
from sim.dispatch.model import START_CONTENT, DispatchCase, DispatchResult
from sim.dispatch.notice import told_mw
from sim.dispatch.response import flexible_cut_mw
from sim.dispatch.service import export_forgiven_mwh
from sim.dispatch.span import since


@record
class State:
    """What crosses a seam before ``step``: all that a dispatch from there on has to know of what was before.

    Contents of storages, load moved so far and not taken back (negative: owed); since midnight: water released
    above the must-run, what flexible loads did without, load called; load called on the whole axis so far; what
    channels sent beyond their contract (what is forgiven counts as sent), and the powers of the last step.
    ``announced_mw`` [steps × calls], where blocks need notice: what may be called in the first steps.
    """

    step: int
    stored_mwh: Floats = axes("storages")
    moved_mwh: float
    released_mwh: Floats = axes("hydros")
    without_mwh: Floats = axes("flexibles")
    today_mwh: Floats = axes("calls")
    called_mwh: Floats = axes("calls")
    account_mwh: Floats = axes("channels")
    coal_mw: Floats = axes("coal")
    export_mw: Floats = axes("channels")
    announced_mw: Floats | None = None


def first_state(case: DispatchCase) -> State:
    """Return the state before the first step of the axis; powers before it are unknown and bind nothing."""
    return State(
        step=0,
        stored_mwh=START_CONTENT * case.storage_energy_mwh,
        moved_mwh=0.0,
        released_mwh=np.zeros(len(case.hydros)),
        without_mwh=np.zeros(len(case.flexibles)),
        today_mwh=np.zeros(len(case.calls)),
        called_mwh=np.zeros(len(case.calls)),
        account_mwh=np.zeros(len(case.channels)),
        coal_mw=np.zeros(len(case.coal)),
        export_mw=np.zeros(len(case.channels)),
    )


def state_at(case: DispatchCase, result: DispatchResult, step: int, start: State | None = None) -> State:
    """Return the state that a result leaves before ``step``; from ``start`` on, if it began there."""
    start = start or first_state(case)
    if step == start.step:
        return start
    step_h, day = case.time.step_h, case.time.day
    begin, midnight = start.step, int(np.searchsorted(day, day[min(step, len(day) - 1)]))
    done, today = slice(begin, step), slice(max(midnight, begin), step)
    early = 1.0 if midnight < begin else 0.0  # what was done today before the start counts
    free_water = np.maximum(result.hydro_mw[today] - case.hydro_minimum_mw[day[today]], 0.0)
    taken = result.flexible_mw[today] + flexible_cut_mw(case, result)[today]
    without = (case.flexible.power_mw - taken).sum(axis=0) * step_h
    sent = (result.export_mw[done] - case.export_mw[done]).sum(axis=0) * step_h
    moved = (case.shift_efficiency * result.shift_up_mw[done] - result.shift_down_mw[done]).sum()
    return State(
        step=step,
        stored_mwh=result.stored_mwh[step - 1],
        moved_mwh=float(moved * step_h) + start.moved_mwh,
        released_mwh=free_water.sum(axis=0) * step_h + early * start.released_mwh,
        without_mwh=without + early * start.without_mwh,
        today_mwh=result.called_mw[today].sum(axis=0) * step_h + early * start.today_mwh,
        called_mwh=result.called_mw[done].sum(axis=0) * step_h + start.called_mwh,
        account_mwh=start.account_mwh + sent + _forgiven_mwh(case, result, step, start),
        coal_mw=result.coal_mw[step - 1],
        export_mw=result.export_mw[step - 1],
        announced_mw=told_mw(case, result.called_mw[step:]),
    )


def _forgiven_mwh(case: DispatchCase, result: DispatchResult, step: int, start: State) -> Floats:
    """Return what channels sent too little for their balance from the start to ``step`` [channels], MWh."""
    begin = start.step
    if not begin:
        return export_forgiven_mwh(case, result, step)
    return export_forgiven_mwh(since(case, begin), since(result, begin), step - begin, start.account_mwh)
