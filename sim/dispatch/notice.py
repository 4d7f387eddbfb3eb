"""Time axis and windows → the steps in which load can be shed on call that must be told some hours before.

Windows begin every ``step_window_h`` and see ``look_ahead_h``. A call that takes effect within the notice of a
window's begin must have been announced by an earlier window, which must have seen that step. Before the axis
nobody was told anything.
"""

from __future__ import annotations

import numpy as np

from scenarios.records import Bools, Floats, Ints
from scenarios.timeaxis import TimeAxis
from sim.dispatch.model import DispatchCase


def notice_steps(hours: float, step_h: float) -> int:
    """Return how many steps a notice of some hours takes."""
    return int(np.ceil(hours / step_h - 1e-9))


def announceable(time: TimeAxis, look_ahead_h: float, step_window_h: float, notice_h: float) -> Bools:
    """Return in which steps load can be told in time that it will be shed [hours]."""
    step, every = np.arange(len(time)), max(round(step_window_h / time.step_h), 1)
    length = max(round(look_ahead_h / time.step_h), every)
    # The last window that begins early enough is the one that sees furthest.
    begin = (step - notice_steps(notice_h, time.step_h)) // every * every
    return np.asarray((begin >= 0) & (step < begin + length))


def notice_of(case: DispatchCase) -> Ints:
    """Return how many steps of notice each block needs [calls]."""
    return np.array([notice_steps(hours, case.time.step_h) for hours in case.calls.notice_h], dtype=np.int64)


def told_mw(case: DispatchCase, planned_mw: Floats) -> Floats | None:
    """Return what may be called in the first steps of a window [steps × calls]: ∞ beyond the notice of a block.

    ``planned_mw`` [steps × calls] is what had been planned for these steps, as far as they had been seen. None
    where no block needs notice.
    """
    steps = notice_of(case)
    most = int(steps.max(initial=0))
    if not most:
        return None
    told = np.zeros((most, len(steps)))
    told[: len(planned_mw)] = planned_mw[:most]
    told[np.arange(most)[:, None] >= steps] = np.inf
    return told
