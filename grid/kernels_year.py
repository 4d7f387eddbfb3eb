"""Many hours, one by one: gather each into elimination order, solve it carefully, scatter voltages.

Every hour starts from the same point and is written by exactly one thread, so neither the number of threads nor the
other hours change a bit of its result. The entry points release the interpreter lock: callers run them in threads.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from grid.kernels import (
    AT_MAX,
    AT_MIN,
    HOLDING,
    OFF,
    PQ,
    Hour,
    Pattern,
    Rules,
    State,
    Work,
    allocating,
    entry,
    generated,
    kernel,
    new_state,
    new_work,
    residuals,
    solve_hour,
)

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

DIRECT, CAREFUL, FLAT_START, DAMPED, CONTINUED, LOST, NEWTON = 0, 1, 2, 3, 4, 5, 6
"""How an hour was solved: by chords from the base point, by which fallback, not at all, by full Newton in lanes."""

BAD_P, BAD_Q, BAD_V_SET, BAD_Q_MIN, BAD_Q_MAX, STRANDED, IN_TRANSIT, UNASKED = 1, 2, 4, 8, 16, 32, 64, 128
"""Bits of what is wrong with an hour: which matrix cannot be used; power at a bus that is not supplied, or at one
that was eliminated because none was expected there; not looked at."""

SMALLEST_STEP = 1.0 / 256.0
"""Continuation in load gives up when it cannot advance by this share of the schedule."""


class Start(NamedTuple):
    """Start voltages by rows: the typical point, and the flat one (angles of the unloaded grid, 1 pu)."""

    e: Floats
    f: Floats
    flat_e: Floats
    flat_f: Floats


class Given(NamedTuple):
    """Matrices [hours × buses or controls] as the caller gave them (one row: the same in all hours).

    ``control`` and ``slack`` are the column of each elimination row among controls and slacks, −1 for none.
    """

    sn_mva: float
    p_mw: Floats
    q_mvar: Floats
    v_set: Floats
    q_min: Floats
    q_max: Floats
    control: Ints
    slack: Ints


class Found(NamedTuple):
    """Matrices of results [hours × …]; ``how`` is DIRECT … LOST, ``reached`` how far continuation came.

    ``v_parts`` [hours × 2·buses] is the memory of ``v_pu`` seen as real and imaginary parts; ``wrong`` says what is
    wrong with the power of an hour (bits). ``slack_mw`` and ``control_mvar`` have no rows where they are not asked
    for.
    """

    v_pu: npt.NDArray[np.complex128]
    v_parts: Floats
    slack_mw: Floats
    control_mvar: Floats
    iterations: Ints
    mismatch_pu: Floats
    worst_bus: Ints
    how: npt.NDArray[np.int8]
    reached: Floats
    wrong: npt.NDArray[np.uint8]


@kernel
def read_hour(given: Given, bus: Ints, at: int, hour: Hour) -> None:
    """Gather one hour of the given matrices into elimination order and per unit."""
    at_v, at_min, at_max = (
        min(at, len(given.v_set) - 1),
        min(at, len(given.q_min) - 1),
        min(at, len(given.q_max) - 1),
    )
    for i in range(len(bus)):
        hour.p[i] = given.p_mw[at, bus[i]] / given.sn_mva
        hour.q[i] = given.q_mvar[at, bus[i]] / given.sn_mva
        c = given.control[i]
        if c >= 0:
            hour.v_set[i] = given.v_set[at_v, c]
            hour.q_min[i] = given.q_min[at_min, c] / given.sn_mva
            hour.q_max[i] = given.q_max[at_max, c] / given.sn_mva


@kernel
def begin(state: State, e: Floats, f: Floats, control: Ints) -> None:
    """Put a state back to the start voltages ``e + jf``: no residual, every control holding its voltage."""
    for i in range(len(control)):
        state.e[i] = e[i]
        state.f[i] = f[i]
        state.residual[i] = 0.0
        state.q_fixed[i] = 0.0
        state.kind[i] = HOLDING if control[i] >= 0 else PQ


@kernel
def write_hour(pattern: Pattern, given: Given, hour: Hour, state: State, at: int, found: Found) -> None:
    """Scatter the solution of one hour into the matrices of results."""
    machines = len(found.control_mvar) > 0
    for i in range(len(pattern.bus)):
        e, f = state.e[i], state.f[i]
        found.v_pu[at, pattern.bus[i]] = complex(e, f)
        if machines and given.slack[i] >= 0:
            shared = pattern.share[i] * state.residual[pattern.reference[i]]
            found.slack_mw[at, given.slack[i]] = shared * given.sn_mva
        if machines and given.control[i] >= 0:
            kind = state.kind[i]
            fixed = kind in (AT_MAX, AT_MIN, OFF)
            made = state.q_fixed[i] if fixed else generated(pattern, hour, state, i)
            found.control_mvar[at, given.control[i]] = made * given.sn_mva


@allocating
def new_hour(rows: int) -> Hour:
    """Return an unset hour."""
    return Hour(np.zeros(rows), np.zeros(rows), np.ones(rows), np.zeros(rows), np.zeros(rows))


@kernel
def worst_row(pattern: Pattern, hour: Hour, state: State, r: Floats) -> int:
    """Return the row with the largest mismatch."""
    residuals(pattern, hour, state, r)
    row, largest = 0, -1.0
    for k in range(len(r)):
        if abs(r[k]) > largest:
            row, largest = k // 2, abs(r[k])
    return row


@entry
def solve_chosen(pattern: Pattern, given: Given, start: Start, rules: Rules, chosen: Ints, found: Found) -> None:
    """Solve the ``chosen`` hours carefully from the start point; then the ladder of fallbacks."""
    rows = len(pattern.bus)
    work, state, hour = new_work(pattern), new_state(rows), new_hour(rows)
    for at in chosen:
        read_hour(given, pattern.bus, at, hour)
        begin(state, start.e, start.f, given.control)
        how, reached = CAREFUL, 1.0
        iterations, worst = solve_hour(pattern, hour, state, work, rules)
        if not worst <= rules.tolerance:
            how, iterations, worst, reached = rescue(pattern, given, start, rules, hour, state, work)
        found.iterations[at] = iterations
        found.how[at] = how
        found.mismatch_pu[at] = worst
        found.reached[at] = reached
        found.worst_bus[at] = pattern.bus[worst_row(pattern, hour, state, work.r)]
        if how != LOST:
            write_hour(pattern, given, hour, state, at, found)


@allocating
def rescue(
    pattern: Pattern, given: Given, start: Start, rules: Rules, hour: Hour, state: State, work: Work
) -> tuple[int, int, float, float]:
    """Try full Newton from the flat point, then damped, then continuation in load.

    Returns (how, iterations, largest mismatch in pu, share of the schedule that could be solved).
    """
    begin(state, start.flat_e, start.flat_f, given.control)
    iterations, worst = solve_hour(pattern, hour, state, work, rules)
    if worst <= rules.tolerance:
        return FLAT_START, iterations, worst, 1.0
    careful = Rules(rules.tolerance, 3 * rules.max_iterations, rules.limits, True)
    begin(state, start.flat_e, start.flat_f, given.control)
    iterations, worst = solve_hour(pattern, hour, state, work, careful)
    if worst <= rules.tolerance:
        return DAMPED, iterations, worst, 1.0
    return advance(pattern, given, start, careful, hour, state, work)


@kernel
def scale_into(target: Floats, source: Floats, factor: float) -> None:
    """Set ``target`` to ``factor · source`` (a loop: slice assignment costs seconds of compilation)."""
    for i in range(len(target)):
        target[i] = factor * source[i]


@allocating
def advance(
    pattern: Pattern, given: Given, start: Start, rules: Rules, hour: Hour, state: State, work: Work
) -> tuple[int, int, float, float]:
    """Raise the schedule from zero in steps that adapt, each solved from the last (continuation in load)."""
    p, q = hour.p.copy(), hour.q.copy()
    begin(state, start.flat_e, start.flat_f, given.control)
    good_e, good_f = state.e.copy(), state.f.copy()
    reached, step, total, worst = 0.0, 0.25, 0, math.inf
    while reached < 1.0 and step >= SMALLEST_STEP:
        share = min(1.0, reached + step)
        scale_into(hour.p, p, share)
        scale_into(hour.q, q, share)
        begin(state, good_e, good_f, given.control)
        iterations, worst = solve_hour(pattern, hour, state, work, rules)
        total += iterations
        if worst <= rules.tolerance:
            reached, step = share, 1.5 * step
            scale_into(good_e, state.e, 1.0)
            scale_into(good_f, state.f, 1.0)
        else:
            step *= 0.5
    scale_into(hour.p, p, 1.0)
    scale_into(hour.q, q, 1.0)
    if reached < 1.0:
        begin(state, good_e, good_f, given.control)
        worst = residuals(pattern, hour, state, work.r)
        return LOST, total, worst, reached
    return CONTINUED, total, worst, 1.0
