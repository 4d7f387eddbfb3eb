"""Very many hours → what is worth knowing about each, without keeping the big matrices.

Parts of any length (a year, a month) are solved one after the other; of each only the extremes of every hour and
the extremes of every branch are kept. Memory grows by some eighty bytes per hour, so that a hundred years fit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from grid.flow import solve
from grid.model import FlowOptions, FlowResult, FlowSummary, GridModel, Injections
from scenarios.records import Bools, Floats, Ints


def solve_blocks(
    model: GridModel, parts: Iterable[Injections], options: FlowOptions | None = None
) -> Iterator[FlowResult]:
    """Yield the full result of one part after the other; only one is alive at a time."""
    for part in parts:
        yield solve(model, part, options)


def summarise(model: GridModel, parts: Iterable[Injections], options: FlowOptions | None = None) -> FlowSummary:
    """Solve all ``parts`` and return the extremes of every hour (in order) and of every branch.

    Unsolved hours are NaN (positions −1) and count for no branch.
    """
    pieces = []
    branch_worst = np.zeros(len(model.branches))
    overloaded = np.zeros(len(model.branches), dtype=np.int64)
    messages: list[tuple[int, str]] = []
    first = 0
    for result in solve_blocks(model, parts, options):
        pieces.append(_per_hour(result))
        branch_worst = np.fmax(branch_worst, _column_max(result.loading))
        overloaded += (result.loading > 1.0).sum(axis=0)
        messages += [(first + hour, sentence) for hour, sentence in result.messages]
        first += len(result.status)
    columns = {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]} if pieces else _none()
    return FlowSummary(
        **columns, branch_loading=branch_worst, hours_overloaded=overloaded, messages=tuple(messages)
    )


def split(injections: Injections, hours: int) -> Iterator[Injections]:
    """Yield consecutive parts of at most ``hours`` hours."""
    for first in range(0, len(injections.p_mw), hours):
        yield take(injections, slice(first, first + hours))


def take(injections: Injections, hours: slice | Ints) -> Injections:
    """Return the chosen hours; matrices that hold for all hours stay one row."""
    total = len(injections.p_mw)

    def rows(matrix: Floats) -> Floats:
        return matrix if len(matrix) == 1 and total > 1 else matrix[hours]

    return Injections(
        p_mw=injections.p_mw[hours],
        q_mvar=injections.q_mvar[hours],
        v_set_pu=rows(injections.v_set_pu),
        q_min_mvar=rows(injections.q_min_mvar),
        q_max_mvar=rows(injections.q_max_mvar),
    )


def _per_hour(result: FlowResult) -> dict[str, Floats | Ints]:
    worst, at = _extreme(result.loading, result.solved, np.argmax, -np.inf)
    low, low_at = _extreme(result.vm_pu, result.solved, np.argmin, np.inf)
    high, high_at = _extreme(result.vm_pu, result.solved, np.argmax, -np.inf)
    return {
        "loading": worst,
        "loading_branch": at,
        "v_min_pu": low,
        "v_min_bus": low_at,
        "v_max_pu": high,
        "v_max_bus": high_at,
        "loss_mw": result.loss_mw,
        "mismatch_pu": result.mismatch_pu,
        "iterations": result.iterations,
        "status": result.status,
    }


def _extreme(matrix: Floats, solved: Bools, choose: Any, never: float) -> tuple[Floats, Ints]:
    """Extreme value and its position in each row; NaN and −1 where the hour was not solved."""
    if not matrix.shape[1]:
        return np.full(len(matrix), np.nan), np.full(len(matrix), -1)
    at = choose(np.where(np.isnan(matrix), never, matrix), axis=1)
    value = matrix[np.arange(len(matrix)), at]
    return np.where(solved, value, np.nan), np.where(solved, at, -1)


def _column_max(loading: Floats) -> Floats:
    worst: Floats = np.where(np.isnan(loading), 0.0, loading).max(axis=0, initial=0.0)
    return worst


def _none() -> dict[str, Floats | Ints]:
    whole = ("loading_branch", "v_min_bus", "v_max_bus", "iterations", "status")
    real = ("loading", "v_min_pu", "v_max_pu", "loss_mw", "mismatch_pu")
    return {**{name: np.zeros(0, dtype=np.int64) for name in whole}, **{name: np.zeros(0) for name in real}}
