"""Power at buses in every hour → voltages, flows and loadings of every hour: exact AC, all hours in one batch.

    result = solve(model, injections)            # matrices of everything
    for block in solve_blocks(model, parts): …   # a bounded piece at a time

Full mismatch of every solved hour ≤ ``FlowOptions.tolerance_pu``. An hour that is not solved is NaN with a status
and a sentence. The result of an hour depends on nothing but the model, the options and that hour.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from grid import kernels, kernels_year, lanes
from grid.factor import Plan, plan_of
from grid.kernels_year import Carried, Found, Given, Start, Wires
from grid.model import FlowOptions, FlowResult, FlowStatus, GridModel, Injections
from grid.sensitivities import dc_angles
from scenarios.records import Bools, Floats, Ints

__all__ = ["FlowOptions", "solve"]

SQUARE_SHARE = 0.2
"""Active and reactive mismatch are each driven below this share of the tolerance.

1/√2 would keep their complex sum within it; the rest keeps the voltage error of weak grids (case57: two volts per
volt of mismatch) below the same figure.
"""

LADDER = {
    kernels_year.CAREFUL: "full Newton in double precision",
    kernels_year.FLAT_START: "full Newton from the flat start",
    kernels_year.DAMPED: "damped Newton from the flat start",
    kernels_year.CONTINUED: "continuation in load",
}


def solve(model: GridModel, injections: Injections, options: FlowOptions | None = None) -> FlowResult:
    """Solve every hour and return voltages, flows, loadings, slack shares and a status for each.

    Method: Newton's (Tinney & Hart 1967) on a common elimination plan; see docs/explanation/power-flow.md.
    Raises ``ValueError`` when the matrices do not fit the model (a fault of the caller).
    """
    options = options or FlowOptions()
    _check_fit(model, injections)
    plan = plan_of(model, options.distributed_slack)
    status, messages = _screen(model, plan, injections)
    found = empty_found(model, len(injections.p_mw))
    given = given_rows(model, plan, injections)
    if len(plan.pattern.bus):
        typical = options.start_from_typical
        start = start_of(model, options.distributed_slack) if typical else flat_start(model, plan)
        run(plan, given, start, found, np.flatnonzero(status == FlowStatus.SOLVED), options)
    _judge(model, plan, found, status, messages)
    carried = _carry(model, found, options.threads)
    return _result(found, carried, status, messages)


class _Screened(NamedTuple):
    status: Ints
    messages: dict[int, str]


def _check_fit(model: GridModel, injections: Injections) -> None:
    wanted = {"p_mw": len(model.buses), "q_mvar": len(model.buses)}
    wanted |= dict.fromkeys(("v_set_pu", "q_min_mvar", "q_max_mvar"), len(model.controls))
    for name, columns in wanted.items():
        shape = getattr(injections, name).shape
        if shape[1] != columns or shape[0] not in (len(injections.p_mw), 1):
            raise ValueError(f"Injections.{name}: shape {shape} does not fit the grid ({columns} columns wanted)")


def _screen(model: GridModel, plan: Plan, injections: Injections) -> _Screened:
    """Set apart the hours that cannot be tried: values that are no numbers, power in an island without a source."""
    hours = len(injections.p_mw)
    status = np.zeros(hours, dtype=np.int64)
    messages: dict[int, str] = {}
    stranded = _stranded(plan, injections)
    bad = _bad_input(injections)
    for h in np.flatnonzero(stranded.any(axis=1) & ~bad.any(axis=1)):
        status[h] = FlowStatus.ISLAND_WITHOUT_SOURCE
        names = ", ".join(model.buses[b] for b in np.flatnonzero(~plan.live)[stranded[h]][:5])
        messages[int(h)] = f"{FlowStatus.ISLAND_WITHOUT_SOURCE.sentence}: {names}"
    for h in np.flatnonzero(bad.any(axis=1)):
        status[h] = FlowStatus.BAD_INPUT
        what = ", ".join(name for name, wrong in zip(_GIVEN_NAMES, bad[h], strict=True) if wrong)
        messages[int(h)] = f"{FlowStatus.BAD_INPUT.sentence}: {what}"
    return _Screened(status, messages)


_GIVEN_NAMES = ("p_mw", "q_mvar", "v_set_pu", "q_min_mvar", "q_max_mvar")


def _stranded(plan: Plan, injections: Injections) -> Bools:
    """Which unsupplied buses have power [hours × unsupplied buses]."""
    dead = np.flatnonzero(~plan.live)
    return np.asarray((injections.p_mw[:, dead] != 0) | (injections.q_mvar[:, dead] != 0))


def _bad_input(injections: Injections) -> Bools:
    """Which of the five matrices is unusable in which hour [hours × 5]."""
    hours = len(injections.p_mw)
    v_set, q_min, q_max = injections.v_set_pu, injections.q_min_mvar, injections.q_max_mvar
    wrong = (
        ~np.isfinite(injections.p_mw).all(axis=1),
        ~np.isfinite(injections.q_mvar).all(axis=1),
        ~(np.isfinite(v_set) & (v_set > 0)).all(axis=1),
        np.isnan(q_min).any(axis=1) | (q_min > q_max).any(axis=1),
        np.isnan(q_max).any(axis=1),
    )
    return np.column_stack([np.broadcast_to(column, hours) for column in wrong])


def empty_found(model: GridModel, hours: int) -> Found:
    """Return matrices of results for ``hours`` hours, all NaN."""

    def nan(columns: int) -> Floats:
        return np.full((hours, columns), np.nan)

    return Found(
        v_pu=np.full((hours, len(model.buses)), complex(np.nan, np.nan)),
        slack_mw=nan(len(model.slack_bus)),
        control_mvar=nan(len(model.control_bus)),
        iterations=np.zeros(hours, dtype=np.int64),
        mismatch_pu=np.full(hours, np.nan),
        worst_row=np.zeros(hours, dtype=np.int64),
        how=np.zeros(hours, dtype=np.int64),
        reached=np.zeros(hours),
    )


def given_rows(model: GridModel, plan: Plan, injections: Injections) -> Given:
    """Return the injections as the kernels want them, with the places of controls and slacks."""
    slack = np.full(len(plan.pattern.bus), -1)
    rows = plan.row_of[model.slack_bus]
    slack[rows[rows >= 0]] = np.flatnonzero(rows >= 0)
    return Given(
        sn_mva=model.sn_mva,
        p_mw=np.ascontiguousarray(injections.p_mw),
        q_mvar=np.ascontiguousarray(injections.q_mvar),
        v_set=np.ascontiguousarray(injections.v_set_pu),
        q_min=np.ascontiguousarray(injections.q_min_mvar),
        q_max=np.ascontiguousarray(injections.q_max_mvar),
        control=plan.control,
        slack=slack,
    )


def run(plan: Plan, given: Given, start: Start, found: Found, chosen: Ints, options: FlowOptions) -> None:
    """Solve the ``chosen`` hours into ``found``: all in lanes, what did not arrive with the careful kernel."""
    rules = kernels.Rules(
        SQUARE_SHARE * options.tolerance_pu, options.max_iterations, options.enforce_q_limits, False
    )
    control_rows = np.flatnonzero(plan.control >= 0)
    in_threads(
        lambda part: lanes.solve_lanes(plan.pattern, given, control_rows, start, rules, part, found),
        chosen,
        options.threads,
    )
    left = chosen[found.how[chosen] == kernels_year.LOST]
    if len(left):
        in_threads(
            lambda part: kernels_year.solve_chosen(plan.pattern, given, start, rules, part, found),
            left,
            options.threads,
        )


def in_threads(work: Callable[[Ints], None], items: Ints, threads: int) -> None:
    """Run ``work`` on consecutive parts of ``items`` side by side; every item belongs to exactly one part."""
    count = min(threads or os.cpu_count() or 1, max(1, len(items)))
    parts = np.array_split(items, count)
    if count == 1:
        work(parts[0])
        return
    with ThreadPoolExecutor(count) as pool:
        for done in [pool.submit(work, part) for part in parts]:
            done.result()


def flat_start(model: GridModel, plan: Plan) -> Start:
    """Return 1 pu at the angles of a DC flow of the typical injections (which knows of phase shifters)."""
    typical = np.zeros(len(model.buses)) if model.typical_mva is None else model.typical_mva.real.copy()
    angle = dc_angles(model, typical)[plan.pattern.bus]
    fixed = plan.pattern.is_reference == 1
    angle[fixed] = plan.angle_rad[fixed]
    return Start(np.cos(angle), np.sin(angle), np.cos(angle), np.sin(angle))


@lru_cache(maxsize=16)
def start_of(model: GridModel, distributed_slack: bool) -> Start:
    """Return the start of every hour: the solution of the model's typical injections, or flat where it has none."""
    plan = plan_of(model, distributed_slack)
    flat = flat_start(model, plan)
    if model.typical_mva is None:
        return flat
    mva = np.where(plan.live, model.typical_mva, 0.0)[None, :]
    typical = model.injections(mva.real.copy(), mva.imag.copy())
    found = empty_found(model, 1)
    rules = kernels.Rules(1e-10, 20, False, False)
    kernels_year.solve_chosen(
        plan.pattern, given_rows(model, plan, typical), flat, rules, np.zeros(1, dtype=np.int64), found
    )
    if found.how[0] == kernels_year.LOST:
        return flat
    v = found.v_pu[0, plan.pattern.bus]
    return Start(v.real.copy(), v.imag.copy(), flat.flat_e, flat.flat_f)


def _judge(model: GridModel, plan: Plan, found: Found, status: Ints, messages: dict[int, str]) -> None:
    """Turn how each hour was solved into its status, and say a sentence about every hour that was not plain."""
    tried = status == FlowStatus.SOLVED
    for h in np.flatnonzero(tried & (found.how != kernels_year.DIRECT)):
        how = int(found.how[h])
        if how in LADDER:
            status[h] = FlowStatus.SOLVED_BY_FALLBACK
            messages[int(h)] = f"solved by {LADDER[how]} in {found.iterations[h]} iterations"
            continue
        status[h] = FlowStatus.NOT_CONVERGED
        worst = model.buses[plan.pattern.bus[found.worst_row[h]]]
        messages[int(h)] = (
            f"{FlowStatus.NOT_CONVERGED.sentence}: {100 * found.reached[h]:.1f} % of the schedule could be solved; "
            f"beyond it, bus {worst} is left with {found.mismatch_pu[h]:.3g} pu after "
            f"{found.iterations[h]} iterations"
        )


def _carry(model: GridModel, found: Found, threads: int) -> Carried:
    hours, buses, branches = len(found.how), len(model.buses), len(model.branches)
    vm_pu, va_deg = (np.empty((hours, buses)) for _ in range(2))
    p_from, q_from, p_to, q_to, loading = (np.empty((hours, branches)) for _ in range(5))
    carried = Carried(vm_pu, va_deg, p_from, q_from, p_to, q_to, loading, loss_mw=np.empty(hours))
    wires = wires_of(model)
    in_threads(lambda part: kernels_year.carry(wires, found.v_pu, carried, part), np.arange(hours), threads)
    return carried


def wires_of(model: GridModel) -> Wires:
    """Return the branches as the kernels want them; a branch that is not supplied carries NaN."""
    base_from, base_to = (
        model.sn_mva / (math.sqrt(3.0) * model.vn_kv[end]) for end in (model.from_bus, model.to_bus)
    )
    return Wires(
        from_bus=model.from_bus,
        to_bus=model.to_bus,
        y=np.column_stack([model.y_ff_pu, model.y_ft_pu, model.y_tf_pu, model.y_tt_pu]),
        from_base=base_from / model.limit_from_ka,
        to_base=base_to / model.limit_to_ka,
        sn_mva=model.sn_mva,
    )


def _result(found: Found, carried: Carried, status: Ints, messages: dict[int, str]) -> FlowResult:
    """Assemble the record; hours that were not solved are NaN in every matrix."""
    unsolved = status > FlowStatus.SOLVED_BY_FALLBACK
    found.mismatch_pu[unsolved] = np.nan
    carried.loss_mw[unsolved] = np.nan
    return FlowResult(
        slack_mw=found.slack_mw,
        control_mvar=found.control_mvar,
        iterations=found.iterations,
        mismatch_pu=found.mismatch_pu,
        **carried._asdict(),
        status=status,
        messages=tuple(sorted(messages.items())),
    )
