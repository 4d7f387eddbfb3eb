"""The careful kernel: one hour at a time, full Newton in double precision, with reactive limits and fallbacks.

Walk for one hour (:func:`solve_hour`):

1. Start voltages are copied in; controls that hold voltage are scaled to their set points.
2. :func:`newton` repeats: mismatch of every bus → Jacobian rows, eliminated as they are made → correction of
   (angle, ln V) at every bus and of the residual power at every angle reference → new voltages.
3. :func:`switch_limits` looks at every control: outside its reactive range → held at the limit as a PQ bus; held at
   a limit although the voltage says otherwise → released. Any change sends the hour back to step 2.

Rows of the block elimination are made and eliminated in one go ("row-wise LU", Duff, Erisman & Reid 2017, ch. 5):
the working row collects the Jacobian blocks of bus i; for each L column c in rising order, the block times the
stored inverse of pivot c gives the factor, and factor × (U row of c) is taken off the working row at the
positions which ``program`` lists. The right-hand side is eliminated along the way; L is kept for further ones.

Jacobian of S_i = V_i · conj(Σ_j Y_ij V_j) with S_ij = V_i · conj(Y_ij V_j) = p + jq
(Tinney & Hart, IEEE Trans. PAS-86, 1967, in the unknowns θ and ln V):
∂S_i/∂θ_j = −j S_ij, ∂S_i/∂lnV_j = S_ij for j ≠ i; ∂S_i/∂θ_i = j (S_i − S_ii), ∂S_i/∂lnV_i = S_i + S_ii.
A 2×2 block is stored as (P by θ, P by lnV, Q by θ, Q by lnV).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Index = npt.NDArray[np.uint32]

Compiled = TypeVar("Compiled", bound=Callable[..., Any])


UNWRAPPED: Any = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
"""For functions that only kernels call: nothing that Python or C could call is made, which takes half the time."""


def _compiled(function: Compiled, **more: Any) -> Compiled:
    return cast(Compiled, numba.njit(function, cache=True, error_model="numpy", **more))


def kernel(function: Compiled) -> Compiled:
    """Compile a function that makes no arrays; those it is given are not counted, which costs more than they do."""
    return _compiled(function, _nrt=False, **UNWRAPPED)


def inlined(function: Compiled) -> Compiled:
    """Compile a kernel as part of each of its callers."""
    return _compiled(function, _nrt=False, forceinline=True, **UNWRAPPED)


def summing(function: Compiled) -> Compiled:
    """Compile as part of each caller a kernel whose sums may be taken in any order; NaN stay what they are."""
    return _compiled(function, _nrt=False, forceinline=True, fastmath={"reassoc"}, **UNWRAPPED)


def allocating(function: Compiled) -> Compiled:
    """Compile a function that makes arrays."""
    return _compiled(function)


def entry(function: Compiled) -> Compiled:
    """Compile a function that is called from Python, in threads: it releases the interpreter lock."""
    return _compiled(function, nogil=True)


PQ, HOLDING, AT_MAX, AT_MIN, OFF = 0, 1, 2, 3, 4
"""What a row is in an hour: plain, holding its voltage, held at a reactive limit, control that is off."""

BLOWN_UP = 1e6
"""Mismatch (pu) beyond which an iteration is given up."""


class Pattern(NamedTuple):
    """The grid in elimination order (``n`` live buses) and the walk of its block factorisation.

    ``y_*`` is the admittance matrix by rows: row pointers, columns, position in the working row, conductance and
    susceptance. A working row holds the blocks of its L columns, then the diagonal, then its U columns. ``program``
    lists, for each row, each of its L columns and each U block of that column's row, which block of the working row
    is updated. ``reference`` is the row whose angle unknown carries the residual that the bus shares by ``share``;
    ``share_slot`` the position of that column in the working row.
    """

    bus: npt.NDArray[np.int64]
    y_ptr: Index
    y_col: Index
    y_slot: Index
    y_g: Floats
    y_b: Floats
    l_ptr: Index
    l_col: Index
    u_ptr: Index
    u_col: Index
    program: Index
    is_reference: npt.NDArray[np.uint8]
    reference: Index
    share: Floats
    share_slot: Index
    widest_row: int


class Hour(NamedTuple):
    """What is given in one hour, in elimination order and per unit: schedule, set points and reactive ranges."""

    p: Floats
    q: Floats
    v_set: Floats
    q_min: Floats
    q_max: Floats


class State(NamedTuple):
    """What is sought: voltage in rectangular form, residual power (at references), kind and fixed q of each row."""

    e: Floats
    f: Floats
    residual: Floats
    kind: npt.NDArray[np.int64]
    q_fixed: Floats


class Work(NamedTuple):
    """Scratch: right-hand side [2 per row], working row, L and U blocks and inverse pivots [4 per block]."""

    r: Floats
    row: Floats
    lower: Floats
    upper: Floats
    pivot: Floats


class Rules(NamedTuple):
    """How far to go: mismatch tolerance (pu), iteration bound, enforcing of limits, damping of steps."""

    tolerance: float
    max_iterations: int
    limits: bool
    damped: bool


@kernel
def current(pattern: Pattern, state: State, i: int) -> tuple[float, float]:
    """Return the injected current at row i: real and imaginary part of Σ_j Y_ij V_j."""
    y_col, y_g, y_b, e, f = pattern.y_col, pattern.y_g, pattern.y_b, state.e, state.f
    real, imag = 0.0, 0.0
    for k in range(pattern.y_ptr[i], pattern.y_ptr[i + 1]):
        j = y_col[k]
        real += y_g[k] * e[j] - y_b[k] * f[j]
        imag += y_g[k] * f[j] + y_b[k] * e[j]
    return real, imag


@kernel
def residuals(pattern: Pattern, hour: Hour, state: State, r: Floats) -> float:
    """Fill ``r`` with (P mismatch, Q mismatch or ln(V_set / V)) of every row; return the largest mismatch."""
    worst = 0.0
    for i in range(len(pattern.bus)):
        real, imag = current(pattern, state, i)
        e, f = state.e[i], state.f[i]
        given = hour.p[i] + pattern.share[i] * state.residual[pattern.reference[i]]
        r[2 * i] = given - (e * real + f * imag)
        if state.kind[i] == HOLDING:
            r[2 * i + 1] = math.log(hour.v_set[i] / math.sqrt(e * e + f * f))
        else:
            r[2 * i + 1] = hour.q[i] + state.q_fixed[i] - (f * real - e * imag)
        size = max(abs(r[2 * i]), abs(r[2 * i + 1]))
        if not size <= worst:
            worst = size
    return worst


@kernel
def fill_row(pattern: Pattern, state: State, row: Floats, i: int) -> None:
    """Put the Jacobian blocks of row i into the working row."""
    lower = pattern.l_ptr[i + 1] - pattern.l_ptr[i]
    width = lower + 1 + pattern.u_ptr[i + 1] - pattern.u_ptr[i]
    for k in range(4 * width):
        row[k] = 0.0
    y_col, y_slot, y_g, y_b = pattern.y_col, pattern.y_slot, pattern.y_g, pattern.y_b
    is_reference, all_e, all_f = pattern.is_reference, state.e, state.f
    e, f, holds = all_e[i], all_f[i], state.kind[i] == HOLDING
    diagonal = 4 * lower
    p_sum, q_sum = 0.0, 0.0
    for k in range(pattern.y_ptr[i], pattern.y_ptr[i + 1]):
        j, at = y_col[k], 4 * y_slot[k]
        real = y_g[k] * all_e[j] - y_b[k] * all_f[j]
        imag = y_g[k] * all_f[j] + y_b[k] * all_e[j]
        p, q = e * real + f * imag, f * real - e * imag
        p_sum, q_sum = p_sum + p, q_sum + q
        angle_known = is_reference[j] == 1
        row[at] = 0.0 if angle_known else q
        row[at + 1] = p
        row[at + 2] = 0.0 if angle_known or holds else -p
        row[at + 3] = 0.0 if holds else q
    if is_reference[i] == 0:
        row[diagonal] -= q_sum
        row[diagonal + 2] += 0.0 if holds else p_sum
    row[diagonal + 1] += p_sum
    row[diagonal + 3] = 1.0 if holds else row[diagonal + 3] + q_sum
    if pattern.share[i] != 0.0:
        row[diagonal if is_reference[i] == 1 else 4 * pattern.share_slot[i]] -= pattern.share[i]


@kernel
def factor_forward(pattern: Pattern, state: State, work: Work) -> None:
    """Make and eliminate the Jacobian row by row, carrying the right-hand side along (the walk of the module)."""
    row, lower, upper, pivot, r = work.row, work.lower, work.upper, work.pivot, work.r
    l_ptr, l_col, u_ptr, program = pattern.l_ptr, pattern.l_col, pattern.u_ptr, pattern.program
    step = 0
    for i in range(len(l_ptr) - 1):
        fill_row(pattern, state, row, i)
        first, last = l_ptr[i], l_ptr[i + 1]
        for k in range(first, last):
            c, at = l_col[k], 4 * (k - first)
            l00 = row[at] * pivot[4 * c] + row[at + 1] * pivot[4 * c + 2]
            l01 = row[at] * pivot[4 * c + 1] + row[at + 1] * pivot[4 * c + 3]
            l10 = row[at + 2] * pivot[4 * c] + row[at + 3] * pivot[4 * c + 2]
            l11 = row[at + 2] * pivot[4 * c + 1] + row[at + 3] * pivot[4 * c + 3]
            r[2 * i] -= l00 * r[2 * c] + l01 * r[2 * c + 1]
            r[2 * i + 1] -= l10 * r[2 * c] + l11 * r[2 * c + 1]
            keep = 4 * k
            lower[keep], lower[keep + 1], lower[keep + 2], lower[keep + 3] = l00, l01, l10, l11
            for m in range(u_ptr[c], u_ptr[c + 1]):
                to, u = 4 * program[step], 4 * m
                step += 1
                row[to] -= l00 * upper[u] + l01 * upper[u + 2]
                row[to + 1] -= l00 * upper[u + 1] + l01 * upper[u + 3]
                row[to + 2] -= l10 * upper[u] + l11 * upper[u + 2]
                row[to + 3] -= l10 * upper[u + 1] + l11 * upper[u + 3]
        store_row(pattern, work, i)


@kernel
def store_row(pattern: Pattern, work: Work, i: int) -> None:
    """Keep the finished row: inverse of its pivot block and its U blocks."""
    at = 4 * (pattern.l_ptr[i + 1] - pattern.l_ptr[i])
    a, b, c, d = work.row[at], work.row[at + 1], work.row[at + 2], work.row[at + 3]
    inverse = 1.0 / (a * d - b * c)
    work.pivot[4 * i] = d * inverse
    work.pivot[4 * i + 1] = -b * inverse
    work.pivot[4 * i + 2] = -c * inverse
    work.pivot[4 * i + 3] = a * inverse
    start, count = 4 * pattern.u_ptr[i], 4 * (pattern.u_ptr[i + 1] - pattern.u_ptr[i])
    for k in range(count):
        work.upper[start + k] = work.row[at + 4 + k]


@kernel
def backward(pattern: Pattern, work: Work) -> float:
    """Solve for the corrections (they replace ``r``); return the largest correction of an angle or ln V."""
    r, upper, pivot = work.r, work.upper, work.pivot
    u_ptr, u_col, rows = pattern.u_ptr, pattern.u_col, len(pattern.bus)
    longest = 0.0
    for back in range(rows):
        i = rows - 1 - back
        a, b = r[2 * i], r[2 * i + 1]
        for k in range(u_ptr[i], u_ptr[i + 1]):
            c = u_col[k]
            a -= upper[4 * k] * r[2 * c] + upper[4 * k + 1] * r[2 * c + 1]
            b -= upper[4 * k + 2] * r[2 * c] + upper[4 * k + 3] * r[2 * c + 1]
        r[2 * i] = pivot[4 * i] * a + pivot[4 * i + 1] * b
        r[2 * i + 1] = pivot[4 * i + 2] * a + pivot[4 * i + 3] * b
        turn = 0.0 if pattern.is_reference[i] == 1 else abs(r[2 * i])
        longest = max(longest, turn, abs(r[2 * i + 1]))
    return longest


@kernel
def correct(pattern: Pattern, state: State, r: Floats, step: float) -> None:
    """Turn and stretch every voltage by ``step`` times its correction; move the residual at references."""
    for i in range(len(pattern.bus)):
        turn = step * r[2 * i]
        if pattern.is_reference[i] == 1:
            state.residual[i] += turn
            turn = 0.0
        stretch = math.exp(step * r[2 * i + 1])
        c, s = stretch * math.cos(turn), stretch * math.sin(turn)
        e, f = state.e[i], state.f[i]
        state.e[i], state.f[i] = c * e - s * f, s * e + c * f


@kernel
def newton(pattern: Pattern, hour: Hour, state: State, work: Work, rules: Rules) -> tuple[int, float]:
    """Iterate to the tolerance; return (iterations, largest mismatch left in pu).

    Damped, no angle turns by more than 0.5 rad and no voltage changes by more than 20 % in one step; such steps let
    a far start find its way and cost nothing near the solution.
    """
    iterations = 0
    while True:
        worst = residuals(pattern, hour, state, work.r)
        if worst <= rules.tolerance or iterations >= rules.max_iterations or not worst < BLOWN_UP:
            return iterations, worst
        iterations += 1
        factor_forward(pattern, state, work)
        longest = backward(pattern, work)
        step = min(1.0, 0.2 / longest) if rules.damped and longest > 0.2 else 1.0
        correct(pattern, state, work.r, step)


@kernel
def generated(pattern: Pattern, hour: Hour, state: State, i: int) -> float:
    """Return the reactive power that the control at row i generates on top of the schedule (pu)."""
    real, imag = current(pattern, state, i)
    made: float = state.f[i] * real - state.e[i] * imag - hour.q[i]
    return made


@kernel
def switch_limits(pattern: Pattern, hour: Hour, state: State, slack: float) -> int:
    """Hold controls that left their range at the limit, release those that need not be held; return how many.

    Complementarity: at the maximum V ≤ V_set, at the minimum V ≥ V_set, in between V = V_set. ``slack`` (pu) keeps
    rounding from switching back and forth.
    """
    switched = 0
    for i in range(len(pattern.bus)):
        kind = state.kind[i]
        if kind in (PQ, OFF):
            continue
        if kind == HOLDING:
            q = generated(pattern, hour, state, i)
            state.kind[i] = (
                AT_MAX if q > hour.q_max[i] + slack else AT_MIN if q < hour.q_min[i] - slack else HOLDING
            )
            state.q_fixed[i] = hour.q_max[i] if state.kind[i] == AT_MAX else hour.q_min[i]
        else:
            v = math.sqrt(state.e[i] ** 2 + state.f[i] ** 2)
            above, below = v > hour.v_set[i] + slack, v < hour.v_set[i] - slack
            if (kind == AT_MAX and above) or (kind == AT_MIN and below):
                state.kind[i] = HOLDING
        if state.kind[i] == HOLDING:
            state.q_fixed[i] = 0.0
        switched += state.kind[i] != kind
    return switched


@kernel
def set_off(state: State, hour: Hour, limits: bool) -> None:
    """Let controls without any reactive range hold no voltage; the others begin by holding it."""
    for i in range(len(state.kind)):
        if state.kind[i] == PQ:
            continue
        off = limits and hour.q_min[i] == hour.q_max[i]
        state.kind[i] = OFF if off else HOLDING
        state.q_fixed[i] = hour.q_min[i] if off else 0.0


@kernel
def to_set_points(state: State, hour: Hour) -> None:
    """Scale the start voltage of every holding control to its set point."""
    for i in range(len(state.kind)):
        if state.kind[i] == HOLDING:
            scale = hour.v_set[i] / math.sqrt(state.e[i] ** 2 + state.f[i] ** 2)
            state.e[i] *= scale
            state.f[i] *= scale


MAX_ROUNDS = 30


@kernel
def solve_hour(pattern: Pattern, hour: Hour, state: State, work: Work, rules: Rules) -> tuple[int, float]:
    """Solve one hour from the voltages in ``state``; return (iterations, largest mismatch in pu).

    A mismatch of infinity says that the reactive limits kept switching for ``MAX_ROUNDS`` rounds.
    """
    set_off(state, hour, rules.limits)
    to_set_points(state, hour)
    iterations = 0
    for _ in range(MAX_ROUNDS):
        more, worst = newton(pattern, hour, state, work, rules)
        iterations += more
        if not worst <= rules.tolerance or not rules.limits:
            return iterations, worst
        if switch_limits(pattern, hour, state, 10 * rules.tolerance) == 0:
            return iterations, worst
    return iterations, math.inf


@allocating
def new_work(pattern: Pattern) -> Work:
    """Return scratch for one thread."""
    rows, blocks = len(pattern.bus), len(pattern.u_col)
    row, pivot = np.empty(4 * pattern.widest_row), np.empty(4 * rows)
    return Work(np.empty(2 * rows), row, np.empty(4 * blocks + 4), np.empty(4 * blocks + 4), pivot)


@allocating
def new_state(rows: int) -> State:
    """Return an unset state."""
    kind = np.zeros(rows, np.int64)
    return State(np.ones(rows), np.zeros(rows), np.zeros(rows), kind, np.zeros(rows))
