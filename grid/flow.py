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
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from grid import carry, chord, kernels, kernels_year, lanes
from grid.base import USUAL, base_of, control_rows, flat_start, levels_of, places_of
from grid.block import Base
from grid.carry import Carried, Wires
from grid.factor import Plan, plan_of
from grid.kernels_year import Found, Given, Start
from grid.model import FlowOptions, FlowResult, FlowStatus, FlowVoltages, GridModel, Injections
from scenarios.records import Bools, Floats, Ints

__all__ = ["FlowOptions", "solve", "solve_voltages"]

SQUARE_SHARE = 0.2
"""Active and reactive mismatch are each driven below this share of the tolerance.

1/√2 would keep their complex sum within it; the rest keeps the voltage error of weak grids (case57: two volts per
volt of mismatch) below the same figure.
"""

CHORD_STEPS = 24
"""An hour that so many chords do not bring to the tolerance is left to Newton's method."""

PLAINLY = (kernels_year.DIRECT, kernels_year.NEWTON)
LADDER = {
    kernels_year.CAREFUL: "full Newton in double precision",
    kernels_year.FLAT_START: "full Newton from the flat start",
    kernels_year.DAMPED: "damped Newton from the flat start",
    kernels_year.CONTINUED: "continuation in load",
}


def solve(model: GridModel, injections: Injections, options: FlowOptions | None = None) -> FlowResult:
    """Solve every hour and return voltages, flows, loadings, slack shares and a status for each.

    Method: chords and Newton's method (Tinney & Hart 1967) on a common elimination plan; see
    docs/explanation/power-flow.md. Raises ``ValueError`` when the matrices do not fit the model (a fault of the
    caller).
    """
    options = options or FlowOptions()
    found, status, messages = _solved(model, injections, options)
    carried = _carry(model, found, options.threads)
    return _result(found, carried, status, messages)


def solve_voltages(model: GridModel, injections: Injections, options: FlowOptions | None = None) -> FlowVoltages:
    """Solve every hour as :func:`solve` does and return complex voltages and statuses alone."""
    found, status, messages = _solved(model, injections, options or FlowOptions())
    return FlowVoltages(
        v_pu=found.v_pu,
        iterations=found.iterations,
        status=status,
        mismatch_pu=np.where(status > FlowStatus.SOLVED_BY_FALLBACK, np.nan, found.mismatch_pu),
        messages=tuple(sorted(messages.items())),
        newton_hours=_newton_hours(found),
    )


def _solved(model: GridModel, injections: Injections, options: FlowOptions) -> tuple[Found, Ints, dict[int, str]]:
    _check_fit(model, injections)
    grid = prepared(model, options)
    status, messages = _screen(model, grid.plan, injections)
    found = empty_found(model, len(injections.p_mw))
    run(grid, injections, found, np.flatnonzero(status == FlowStatus.SOLVED), options)
    _judge(model, grid.plan, found, status, messages)
    return found, status, messages


def _newton_hours(found: Found) -> int:
    """How many hours the chords did not bring to the tolerance, and something else did."""
    return int(np.count_nonzero((found.how != kernels_year.DIRECT) & (found.how != kernels_year.LOST)))


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
    """Return matrices of results for ``hours`` hours; all NaN but the voltages, which :func:`run` fills."""

    def nan(columns: int) -> Floats:
        return np.full((hours, columns), np.nan)

    v_pu = np.empty((hours, len(model.buses)), dtype=np.complex128)
    return Found(
        v_pu=v_pu,
        v_parts=v_pu.view(np.float64),
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
        p_mw=_for_reading(injections.p_mw),
        q_mvar=_for_reading(injections.q_mvar),
        v_set=_for_reading(injections.v_set_pu),
        q_min=_for_reading(injections.q_min_mvar),
        q_max=_for_reading(injections.q_max_mvar),
        control=plan.control,
        slack=slack,
    )


def _for_reading(values: Floats) -> Floats:
    """Return values by rows, read-only: arrays that may be written are another type, for which kernels compile."""
    view = np.ascontiguousarray(values).view()
    view.flags.writeable = False
    return view


class Prepared(NamedTuple):
    """What hours are solved on: the grid, its elimination plan, its base point at each level."""

    model: GridModel
    plan: Plan
    base_at: Callable[[int], Base]


def prepared(model: GridModel, options: FlowOptions) -> Prepared:
    """Return the plan and the base points of a model; both are worked out once for each model."""
    slack, limits = options.distributed_slack, options.enforce_q_limits
    if not options.start_from_typical:
        model = replace(model, typical_mva=None)
    return Prepared(model, plan_of(model, slack), lambda level: base_of(model, slack, limits, level))


def run(grid: Prepared, injections: Injections, found: Found, chosen: Ints, options: FlowOptions) -> None:
    """Solve the ``chosen`` hours into ``found``: by chords, the slow ones by Newton in lanes, the rest carefully.

    Which of these solves an hour depends on that hour alone.
    """
    rest = np.ones(len(found.how), dtype=np.bool_)
    rest[chosen if len(grid.plan.pattern.bus) else []] = False
    found.v_pu[rest] = complex(np.nan, np.nan)
    if rest.all():
        return
    plan, given = grid.plan, given_rows(grid.model, grid.plan, injections)
    rules = kernels.Rules(
        SQUARE_SHARE * options.tolerance_pu, options.max_iterations, options.enforce_q_limits, False
    )
    _by_chords(grid, given, rules, found, chosen, options.threads)
    left = chosen[found.how[chosen] == kernels_year.LOST]
    if not len(left):
        return
    start = _start(grid)
    held = np.flatnonzero(plan.control >= 0)
    in_threads(
        lambda part: lanes.solve_lanes(plan.pattern, given, held, start, rules, part, found), left, options.threads
    )
    found.how[left] = np.where(found.how[left] == kernels_year.DIRECT, kernels_year.NEWTON, kernels_year.LOST)
    left = left[found.how[left] == kernels_year.LOST]
    if len(left):
        in_threads(
            lambda part: kernels_year.solve_chosen(plan.pattern, given, start, rules, part, found),
            left,
            options.threads,
        )


def _by_chords(
    grid: Prepared, given: Given, rules: kernels.Rules, found: Found, chosen: Ints, threads: int
) -> None:
    """Solve the hours of each level with the base point of that level."""
    model, plan = grid.model, grid.plan
    level = levels_of(model, plan, given.p_mw)[chosen]
    places, rows = places_of(model, plan), control_rows(model, plan)
    rules = rules._replace(max_iterations=CHORD_STEPS)
    for each in np.unique(level):
        base = grid.base_at(int(each))

        def work(part: Ints, base: Base = base) -> None:
            chord.solve_chord(plan.pattern, base, given, places, rows, rules, part, found)

        in_threads(work, chosen[level == each], threads)


def _start(grid: Prepared) -> Start:
    """Where Newton starts: the base point of the typical injections, and the flat one."""
    base, flat = grid.base_at(USUAL), flat_start(grid.model, grid.plan)
    return Start(base.e, base.f, flat.flat_e, flat.flat_f)


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


def _judge(model: GridModel, plan: Plan, found: Found, status: Ints, messages: dict[int, str]) -> None:
    """Turn how each hour was solved into its status, and say a sentence about every hour that was not plain."""
    tried = status == FlowStatus.SOLVED
    for h in np.flatnonzero(tried & ~np.isin(found.how, PLAINLY)):
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
    in_threads(lambda part: carry.carry(wires, found.v_parts, carried, part), np.arange(hours), threads)
    return carried


def wires_of(model: GridModel) -> Wires:
    """Return the branches as the kernels want them; a branch that is not supplied carries NaN."""
    base_from, base_to = (
        model.sn_mva / (math.sqrt(3.0) * model.vn_kv[end]) for end in (model.from_bus, model.to_bus)
    )
    y = np.column_stack([model.y_ff_pu, model.y_ft_pu, model.y_tf_pu, model.y_tt_pu])
    return Wires(
        from_bus=model.from_bus,
        to_bus=model.to_bus,
        g=y.real.reshape(-1).copy(),
        b=y.imag.reshape(-1).copy(),
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
        newton_hours=_newton_hours(found),
    )
