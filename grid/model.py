"""The compiled grid and what goes in and out of a power flow: three frozen records.

``GridModel`` is the pandapower net as arrays (per unit on ``sn_mva``); ``Injections`` are matrices of power at
buses; ``FlowResult`` are matrices of voltages and flows. Signs: injection = generation − load; a branch flow is
positive from its ``from`` end into the branch, and likewise at its ``to`` end, so that their sum is the loss.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from scenarios.records import Floats, Ints, axes, record

Complexes = npt.NDArray[np.complex128]


class FlowStatus(IntEnum):
    """How an hour ended; ``sentence`` is what the user reads."""

    SOLVED = 0
    SOLVED_BY_FALLBACK = 1
    NOT_CONVERGED = 2
    ISLAND_WITHOUT_SOURCE = 3
    BAD_INPUT = 4

    @property
    def sentence(self) -> str:
        """Return the meaning of this status in one sentence."""
        return _SENTENCES[self]

    @property
    def solved(self) -> bool:
        """Whether the hour has valid results."""
        return self <= FlowStatus.SOLVED_BY_FALLBACK


_SENTENCES = {
    FlowStatus.SOLVED: "solved to the tolerance",
    FlowStatus.SOLVED_BY_FALLBACK: "solved to the tolerance after a fallback",
    FlowStatus.NOT_CONVERGED: "not converged: no solution was found from any start",
    FlowStatus.ISLAND_WITHOUT_SOURCE: "an island with load or generation has no node that can balance it",
    FlowStatus.BAD_INPUT: "an injection or a set point of this hour is not a finite number",
}


@dataclass(frozen=True, slots=True)
class FlowOptions:
    """How hours are solved.

    ``tolerance_pu`` bounds the largest complex power mismatch of any bus. With ``enforce_q_limits`` a control that
    reaches its range gives up its voltage, and takes it up again when it can. With ``distributed_slack`` all slacks
    share the residual by their weights; without, each angle reference takes its own. ``start_from_typical`` begins
    at the model's typical operating points (else at a flat one). ``threads`` = 0 means all; it changes no bit.
    """

    tolerance_pu: float = 1e-8
    enforce_q_limits: bool = True
    distributed_slack: bool = True
    start_from_typical: bool = True
    max_iterations: int = 20
    threads: int = 0


@record
class GridModel:
    """A grid as arrays. Two-port branch admittances include parallel circuits, taps, phase shift and charging.

    ``[i_from, i_to] = [[y_ff, y_ft], [y_tf, y_tt]] · [v_from, v_to]`` in per unit on ``sn_mva``.
    ``controls`` are voltage-controlled buses (one entry per bus; generators at one bus are one control).
    ``slacks`` are the buses that share the residual active power by ``slack_weight`` (sums to 1 over each island);
    every slack is also a control; the first slack of an island is its angle reference.
    ``transit`` marks buses at which no element can feed in or draw power: it only passes through them (star points
    of transformers, junctions). That hours have none there is quicker, but not required.
    ``limit_*_ka`` is the rated current at each end: loading = max(i_from / limit_from, i_to / limit_to).
    ``slack_angle_deg`` is NaN for a slack that shares active power but never fixes an angle.
    ``typical_mva`` [points × buses] are injections of operating points from which hours are started, the usual one
    first; they change no result beyond the tolerance, and are a property of the grid so that no hour's result
    depends on the other hours.
    """

    sn_mva: float
    buses: tuple[str, ...]
    branches: tuple[str, ...]
    controls: tuple[str, ...]
    vn_kv: Floats = axes("buses")
    y_shunt_pu: Complexes = axes("buses", dtype=np.complex128)
    transit: npt.NDArray[np.bool_] = axes("buses", dtype=np.bool_)
    from_bus: Ints = axes("branches", dtype=np.int64)
    to_bus: Ints = axes("branches", dtype=np.int64)
    y_ff_pu: Complexes = axes("branches", dtype=np.complex128)
    y_ft_pu: Complexes = axes("branches", dtype=np.complex128)
    y_tf_pu: Complexes = axes("branches", dtype=np.complex128)
    y_tt_pu: Complexes = axes("branches", dtype=np.complex128)
    limit_from_ka: Floats = axes("branches")
    limit_to_ka: Floats = axes("branches")
    is_trafo: npt.NDArray[np.bool_] = axes("branches", dtype=np.bool_)
    control_bus: Ints = axes("controls", dtype=np.int64)
    v_set_pu: Floats = axes("controls")
    q_min_mvar: Floats = axes("controls")
    q_max_mvar: Floats = axes("controls")
    slack_bus: Ints = axes("slacks", dtype=np.int64)
    slack_weight: Floats = axes("slacks")
    slack_angle_deg: Floats = axes("slacks")
    typical_mva: Complexes | None = None

    def injections(self, p_mw: Floats, q_mvar: Floats) -> Injections:
        """Return injections [hours × buses] with the model's own set points and reactive ranges in all hours."""
        return Injections(
            p_mw=p_mw,
            q_mvar=q_mvar,
            v_set_pu=self.v_set_pu[None, :],
            q_min_mvar=self.q_min_mvar[None, :],
            q_max_mvar=self.q_max_mvar[None, :],
        )


@record
class Injections:
    """What is put into the grid in every hour.

    ``p_mw`` and ``q_mvar`` are scheduled generation − load at each bus; the reactive power of controls and the
    residual active power of slacks come on top. The three control matrices override the model's constants hour by
    hour; in each of them a single row ``[1 × controls]`` holds for all hours. A control with ``q_min = q_max`` in
    an hour holds no voltage in that hour (its plant is off) when reactive limits are enforced.
    """

    p_mw: Floats = axes("hours", "buses")
    q_mvar: Floats = axes("hours", "buses")
    v_set_pu: Floats = axes("hours_or_one", "controls")
    q_min_mvar: Floats = axes("q_min_rows", "controls")
    q_max_mvar: Floats = axes("q_max_rows", "controls")


@record
class FlowResult:
    """What the wires carry. Rows of hours that were not solved are NaN, and ``status`` says why.

    ``slack_mw`` is what each slack adds to the schedule; ``control_mvar`` what each control generates on top of the
    scheduled ``q_mvar``. ``loading`` is a fraction of the rating (1.0 = 100 %). ``mismatch_pu`` is the largest
    complex bus mismatch. ``messages`` names each hour that was not solved plainly, with what is known about it.
    ``newton_hours`` counts the solved hours that chords (one factor for all) did not bring to the tolerance.
    """

    vm_pu: Floats = axes("hours", "buses")
    va_deg: Floats = axes("hours", "buses")
    p_from_mw: Floats = axes("hours", "branches")
    q_from_mvar: Floats = axes("hours", "branches")
    p_to_mw: Floats = axes("hours", "branches")
    q_to_mvar: Floats = axes("hours", "branches")
    loading: Floats = axes("hours", "branches")
    loss_mw: Floats = axes("hours")
    slack_mw: Floats = axes("hours", "slacks")
    control_mvar: Floats = axes("hours", "controls")
    iterations: Ints = axes("hours", dtype=np.int64)
    status: Ints = axes("hours", dtype=np.int64)
    mismatch_pu: Floats = axes("hours")
    messages: tuple[tuple[int, str], ...]
    newton_hours: int = 0

    def current_ka(self, model: GridModel) -> tuple[Floats, Floats]:
        """Return the current at the from and at the to end of each branch, kA [hours × branches]: |S| / (√3 · U).

        It follows from what the record holds, and is made when it is asked for. ``model`` is what was solved.
        """
        at_from, at_to = (
            np.hypot(p, q) / (np.sqrt(3.0) * model.vn_kv[bus] * self.vm_pu[:, bus])
            for p, q, bus in (
                (self.p_from_mw, self.q_from_mvar, model.from_bus),
                (self.p_to_mw, self.q_to_mvar, model.to_bus),
            )
        )
        return at_from, at_to

    @property
    def solved(self) -> npt.NDArray[np.bool_]:
        """Which hours have valid results [hours]."""
        return self.status <= FlowStatus.SOLVED_BY_FALLBACK


@record
class FlowVoltages:
    """Complex voltages of every hour and bus, pu, and how each hour ended; see ``FlowResult``."""

    v_pu: Complexes = axes("hours", "buses", dtype=np.complex128)
    iterations: Ints = axes("hours", dtype=np.int64)
    status: Ints = axes("hours", dtype=np.int64)
    mismatch_pu: Floats = axes("hours")
    messages: tuple[tuple[int, str], ...]
    newton_hours: int

    @property
    def solved(self) -> npt.NDArray[np.bool_]:
        """Which hours have valid results [hours]."""
        return self.status <= FlowStatus.SOLVED_BY_FALLBACK


@record
class FlowSummary:
    """The extremes of many hours, without the matrices.

    ``loading`` is the largest of the hour and ``loading_branch`` its position; the same for voltages and buses.
    Hours that were not solved are NaN and −1. ``branch_loading`` is each branch's largest over all hours.
    """

    loading: Floats = axes("hours")
    loading_branch: Ints = axes("hours", dtype=np.int64)
    v_min_pu: Floats = axes("hours")
    v_min_bus: Ints = axes("hours", dtype=np.int64)
    v_max_pu: Floats = axes("hours")
    v_max_bus: Ints = axes("hours", dtype=np.int64)
    loss_mw: Floats = axes("hours")
    mismatch_pu: Floats = axes("hours")
    iterations: Ints = axes("hours", dtype=np.int64)
    status: Ints = axes("hours", dtype=np.int64)
    branch_loading: Floats = axes("branches")
    hours_overloaded: Ints = axes("branches", dtype=np.int64)
    messages: tuple[tuple[int, str], ...]
