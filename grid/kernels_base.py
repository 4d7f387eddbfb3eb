"""The base point: one operating point of the grid, its factored Jacobian, and what a change of control type costs.

The chord iteration (``grid.chord``) corrects all hours with the one factor made here, J = L·U. Where a control's
type in an hour differs from its type at the base point, its row of the Jacobian is another one, R_i. The factor is
kept and the right-hand side at these rows bent instead: with ``J·dx = r + Σ_j w_j·e_j`` the *other* rows meet
their own right-hand sides s when ``Σ_j bend_ij·w_j = s_i − R_i·J⁻¹·r``, where ``bend_ij = R_i·J⁻¹·e_j`` (Sherman,
Morrison & Woodbury; Hager, SIAM Review 31, 1989). Of J⁻¹ the forward half is done when w is sought, so what is
needed are the columns ``press_j = L⁻¹·e_j`` and the rows ``sense_i = R_i·U⁻¹``: both are sparse, and their
products are ``bend``.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from grid.kernels import (
    HOLDING,
    PQ,
    Hour,
    Pattern,
    Rules,
    State,
    Work,
    current,
    entry,
    factor_forward,
    kernel,
    new_state,
    new_work,
    solve_hour,
)

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@entry
def operating_point(
    pattern: Pattern, hour: Hour, e: Floats, f: Floats, control: Ints, rules: Rules
) -> tuple[bool, State]:
    """Solve one hour from the voltages ``e + jf``; return whether it worked, and the state."""
    state = new_state(len(pattern.bus))
    for i in range(len(control)):
        state.e[i], state.f[i] = e[i], f[i]
        state.kind[i] = HOLDING if control[i] >= 0 else PQ
    _, worst = solve_hour(pattern, hour, state, new_work(pattern), rules)
    return worst <= rules.tolerance, state


@entry
def injected(pattern: Pattern, state: State) -> tuple[Floats, Floats]:
    """Return the active and reactive power injected at every row at ``state``, pu."""
    p, q = np.empty(len(pattern.bus)), np.empty(len(pattern.bus))
    for i in range(len(p)):
        real, imag = current(pattern, state, i)
        p[i] = state.e[i] * real + state.f[i] * imag
        q[i] = state.f[i] * real - state.e[i] * imag
    return p, q


@entry
def factor_at(pattern: Pattern, state: State, rows: Ints) -> tuple[Work, Floats, Floats]:
    """Factor the Jacobian at ``state``; return the factor, ``press`` and ``sense`` [controls × 2 · buses].

    Controls that are not supplied (row −1) have zeros.
    """
    work = new_work(pattern)
    work.r[:] = 0.0
    factor_forward(pattern, state, work)
    press, sense = np.zeros((len(rows), len(work.r))), np.zeros((len(rows), len(work.r)))
    row = np.zeros(len(work.r))
    for c in range(len(rows)):
        if rows[c] >= 0:
            press_at(pattern, work, rows[c], press[c])
            row[:] = 0.0
            other_row(pattern, state, rows[c], row)
            sense_of(pattern, work, row, sense[c])
    return work, press, sense


@kernel
def press_at(pattern: Pattern, work: Work, row: int, y: Floats) -> None:
    """Set ``y`` (zeros before) to L⁻¹ times 1 at the row's second equation."""
    lower = work.lower
    y[2 * row + 1] = 1.0
    for i in range(row + 1, len(pattern.bus)):
        for k in range(pattern.l_ptr[i], pattern.l_ptr[i + 1]):
            c = pattern.l_col[k]
            y[2 * i] -= lower[4 * k] * y[2 * c] + lower[4 * k + 1] * y[2 * c + 1]
            y[2 * i + 1] -= lower[4 * k + 2] * y[2 * c] + lower[4 * k + 3] * y[2 * c + 1]


@kernel
def other_row(pattern: Pattern, state: State, i: int, row: Floats) -> None:
    """Set ``row`` (zeros before) to the one that control i would have with the other type, by (angle, ln V)."""
    if state.kind[i] != HOLDING:
        row[2 * i + 1] = 1.0
        return
    e, f, p_sum, q_sum = state.e[i], state.f[i], 0.0, 0.0
    for k in range(pattern.y_ptr[i], pattern.y_ptr[i + 1]):
        j = pattern.y_col[k]
        real = pattern.y_g[k] * state.e[j] - pattern.y_b[k] * state.f[j]
        imag = pattern.y_g[k] * state.f[j] + pattern.y_b[k] * state.e[j]
        p, q = e * real + f * imag, f * real - e * imag
        p_sum, q_sum = p_sum + p, q_sum + q
        row[2 * j + 1] += q
        if pattern.is_reference[j] == 0:
            row[2 * j] -= p
    if pattern.is_reference[i] == 0:
        row[2 * i] += p_sum
    row[2 * i + 1] += q_sum


@kernel
def sense_of(pattern: Pattern, work: Work, row: Floats, sense: Floats) -> None:
    """Set ``sense`` to ``row`` · U⁻¹ (back substitution read against its direction); ``row`` is used up."""
    pivot, upper = work.pivot, work.upper
    for i in range(len(pattern.bus)):
        a, b = row[2 * i], row[2 * i + 1]
        if a == 0.0 and b == 0.0:
            continue
        p, q = a * pivot[4 * i] + b * pivot[4 * i + 2], a * pivot[4 * i + 1] + b * pivot[4 * i + 3]
        sense[2 * i], sense[2 * i + 1] = p, q
        for k in range(pattern.u_ptr[i], pattern.u_ptr[i + 1]):
            c = pattern.u_col[k]
            row[2 * c] -= p * upper[4 * k] + q * upper[4 * k + 2]
            row[2 * c + 1] -= p * upper[4 * k + 1] + q * upper[4 * k + 3]
