"""Time axis and windows → the steps in which load can be shed that must be told some hours before.

Windows begin every ``step_window_h`` and see ``look_ahead_h``. A call that takes effect within the notice of a
window's begin must have been announced by an earlier window, which must have seen that step. Before the axis
nobody was told anything.
"""

from __future__ import annotations

import numpy as np

from scenarios.records import Bools
from scenarios.timeaxis import TimeAxis


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
