"""The base point: one operating point of the grid, its factored Jacobian, and what a change of control type costs.

The chord iteration (``grid.chord``) corrects all hours with the one factor made here. Where a control's type in an
hour differs from its type at the base point, its row of the Jacobian is another one. The factor is kept and the
right-hand side at these rows bent instead: with ``J·dx = r + Σ_j w_j·e_j`` the *other* row of control i (reactive
balance where the base point holds voltage, ln V where it does not) meets its own right-hand side when
``Σ_j bend_ij·w_j`` equals it, where ``bend_ij`` is that row times the response of the grid to ``w_j``
(Sherman, Morrison & Woodbury; Hager, SIAM Review 31, 1989).
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
    backward,
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
def factor_at(pattern: Pattern, state: State, rows: Ints) -> tuple[Work, Floats]:
    """Factor the Jacobian at ``state``; return the factor and ``bend`` [controls × controls] of the control rows.

    Controls that are not supplied (row −1) have zeros.
    """
    work = new_work(pattern)
    work.r[:] = 0.0
    factor_forward(pattern, state, work)
    bend = np.zeros((len(rows), len(rows)))
    for j in range(len(rows)):
        if rows[j] >= 0:
            respond(pattern, work, rows[j])
            for i in range(len(rows)):
                if rows[i] >= 0:
                    bend[i, j] = other_row(pattern, state, rows[i], work.r)
    return work, bend


@kernel
def respond(pattern: Pattern, work: Work, row: int) -> None:
    """Leave in ``work.r`` what (angle, ln V) of all buses answer to 1 on the right of the row's second equation."""
    r, lower = work.r, work.lower
    for k in range(len(r)):
        r[k] = 0.0
    r[2 * row + 1] = 1.0
    for i in range(len(pattern.bus)):
        for k in range(pattern.l_ptr[i], pattern.l_ptr[i + 1]):
            c = pattern.l_col[k]
            r[2 * i] -= lower[4 * k] * r[2 * c] + lower[4 * k + 1] * r[2 * c + 1]
            r[2 * i + 1] -= lower[4 * k + 2] * r[2 * c] + lower[4 * k + 3] * r[2 * c + 1]
    backward(pattern, work)


@kernel
def other_row(pattern: Pattern, state: State, i: int, x: Floats) -> float:
    """Return (the row that control i would have with the other type) · x."""
    if state.kind[i] != HOLDING:
        return float(x[2 * i + 1])
    e, f, change, p_sum, q_sum = state.e[i], state.f[i], 0.0, 0.0, 0.0
    for k in range(pattern.y_ptr[i], pattern.y_ptr[i + 1]):
        j = pattern.y_col[k]
        real = pattern.y_g[k] * state.e[j] - pattern.y_b[k] * state.f[j]
        imag = pattern.y_g[k] * state.f[j] + pattern.y_b[k] * state.e[j]
        p, q = e * real + f * imag, f * real - e * imag
        p_sum, q_sum = p_sum + p, q_sum + q
        change += q * x[2 * j + 1] - (0.0 if pattern.is_reference[j] == 1 else p * x[2 * j])
    turn = 0.0 if pattern.is_reference[i] == 1 else p_sum * x[2 * i]
    return float(change + turn + q_sum * x[2 * i + 1])
