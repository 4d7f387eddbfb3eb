"""Power at buses in every hour → voltages, flows and loadings of every hour: exact AC, all hours in one batch.

    result = solve(model, injections)            # matrices of everything
    for block in solve_blocks(model, parts): …   # a bounded piece at a time

Full mismatch of every solved hour ≤ ``FlowOptions.tolerance_pu``. An hour that is not solved is NaN with a status
and a sentence. The result of an hour depends on nothing but the model, the options and that hour.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache, partial
from threading import get_ident
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from grid import carry, chord, kernels, kernels_sift, kernels_year, lanes
from grid.base import USUAL, Bases, bases_of, flat_start, places_of, points_of
from grid.block import Block, Places, Ready, new_block
from grid.carry import Carried, Wires
from grid.factor import Plan, plan_of
from grid.kernels_sift import Points, Sifted, Sifting, new_counts
from grid.kernels_year import Found, Given, Start
from grid.model import FlowOptions, FlowResult, FlowStatus, FlowVoltages, GridModel, Injections
from grid.simd import LANES
from grid.threads import each_once, portions, take_turns
from grid.transit import recover
from scenarios.records import Floats, Ints

__all__ = ["FlowOptions", "solve", "solve_voltages"]

SQUARE_SHARE = 0.2
"""Active and reactive mismatch are each driven below this share of the tolerance.

1/√2 would keep their complex sum within it; the rest keeps the voltage error of weak grids (case57: two volts per
volt of mismatch) below the same figure.
"""

CHORD_STEPS = 20
"""An hour that so many chords do not bring to the tolerance is left to Newton's method."""

Wrong = npt.NDArray[np.uint8]
"""What is wrong with each hour [hours], in the bits of ``kernels_year``; 0: nothing."""

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
    found, outcome = _solved(model, injections, options)
    return _result(found, _carry(model, found, options.threads), outcome)


def solve_voltages(model: GridModel, injections: Injections, options: FlowOptions | None = None) -> FlowVoltages:
    """Solve every hour as :func:`solve` does and return complex voltages and statuses alone."""
    found, outcome = _solved(model, injections, options or FlowOptions(), machines=False)
    return FlowVoltages(
        v_pu=found.v_pu, iterations=found.iterations, mismatch_pu=found.mismatch_pu, **outcome._asdict()
    )


class _Outcome(NamedTuple):
    """What became of the hours: status of each, sentences on those that were not plain, hours solved by Newton."""

    status: Ints
    messages: tuple[tuple[int, str], ...]
    newton_hours: int


def _solved(
    model: GridModel, injections: Injections, options: FlowOptions, machines: bool = True
) -> tuple[Found, _Outcome]:
    _check_fit(model, injections)
    grid = prepared(model, options)
    found = empty_found(model, len(injections.p_mw), machines)
    status, messages = np.full(len(injections.p_mw), int(FlowStatus.SOLVED)), dict[int, str]()
    wrong = run(grid, injections, found, options)
    if wrong is None:
        return found, _Outcome(status, (), 0)
    _refuse(grid, injections, wrong, status, messages)
    _judge(model, found, status, messages)
    found.mismatch_pu[status > FlowStatus.SOLVED_BY_FALLBACK] = np.nan
    newton = np.count_nonzero((found.how != kernels_year.DIRECT) & (found.how != kernels_year.LOST))
    return found, _Outcome(status, tuple(sorted(messages.items())), int(newton))


def _check_fit(model: GridModel, injections: Injections) -> None:
    wanted = {"p_mw": len(model.buses), "q_mvar": len(model.buses)}
    wanted |= dict.fromkeys(("v_set_pu", "q_min_mvar", "q_max_mvar"), len(model.controls))
    for name, columns in wanted.items():
        shape = getattr(injections, name).shape
        if shape[1] != columns or shape[0] not in (len(injections.p_mw), 1):
            raise ValueError(f"Injections.{name}: shape {shape} does not fit the grid ({columns} columns wanted)")


def _refuse(grid: Prepared, injections: Injections, wrong: Wrong, status: Ints, messages: dict[int, str]) -> None:
    """Enter the status of hours that cannot be tried, and a sentence about each of them."""
    for h in np.flatnonzero(wrong).tolist():
        bad = [name for bit, name in _GIVEN_NAMES.items() if wrong[h] & bit]
        status[h] = FlowStatus.BAD_INPUT if bad else FlowStatus.ISLAND_WITHOUT_SOURCE
        names = bad or _stranded(grid, injections, h)
        messages[h] = f"{FlowStatus(int(status[h])).sentence}: {', '.join(names)}"


_GIVEN_NAMES = {
    kernels_year.BAD_P: "p_mw",
    kernels_year.BAD_Q: "q_mvar",
    kernels_year.BAD_V_SET: "v_set_pu",
    kernels_year.BAD_Q_MIN: "q_min_mvar",
    kernels_year.BAD_Q_MAX: "q_max_mvar",
}
MOST_NAMES = 5


def _stranded(grid: Prepared, injections: Injections, h: int) -> list[str]:
    """Return names of unsupplied buses that have power in an hour."""
    power = (injections.p_mw[h] != 0) | (injections.q_mvar[h] != 0)
    return [grid.model.buses[b] for b in np.flatnonzero(power & ~grid.plan.live)[:MOST_NAMES]]


def empty_found(model: GridModel, hours: int, machines: bool = True) -> Found:
    """Return matrices of results for ``hours`` hours, which :func:`run` fills: NaN where there is no result.

    Without ``machines``, what slacks and controls give is left out.
    """
    rows = hours if machines else 0
    v_pu = np.empty((hours, len(model.buses)), dtype=np.complex128)
    return Found(
        v_pu=v_pu,
        v_parts=v_pu.view(np.float64),
        slack_mw=np.full((rows, len(model.slack_bus)), np.nan),
        control_mvar=np.empty((rows, len(model.control_bus))),
        iterations=np.zeros(hours, dtype=np.int64),
        mismatch_pu=np.full(hours, np.nan),
        worst_bus=np.zeros(hours, dtype=np.int64),
        how=np.zeros(hours, dtype=np.int8),
        reached=np.zeros(hours),
        wrong=np.zeros(hours, np.uint8),
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
    """What hours are solved on: the grid, its elimination plan, its base points (some of them side by side).

    ``whole`` prepares the same grid without eliminating any bus, for hours that have power where none is expected.
    """

    model: GridModel
    plan: Plan
    places: Places
    bases: Bases
    points: Points
    whole: Callable[[], Prepared]


def prepared(model: GridModel, options: FlowOptions) -> Prepared:
    """Return the plan and the base points of a model; both are worked out once for each model."""
    slack, limits = options.distributed_slack, options.enforce_q_limits
    if not options.start_from_typical:
        model = replace(model, typical_mva=None)
    bases = bases_of(model, slack, limits)
    whole = partial(_whole, model, options)
    return Prepared(model, plan_of(model, slack), places_of(model, slack), bases, points_of(model), whole)


@lru_cache(maxsize=16)
def _whole(model: GridModel, options: FlowOptions) -> Prepared:
    return prepared(replace(model, transit=np.zeros(len(model.buses), dtype=bool)), options)


def run(grid: Prepared, injections: Injections, found: Found, options: FlowOptions) -> Wrong | None:
    """Solve all hours that can be tried into ``found``, and return what is wrong with the others [hours].

    None: all hours were solved by chords. Hours with power at eliminated buses are solved on the whole grid, which
    is slower.
    """
    wrong = _run(grid, injections, found, options, np.arange(len(injections.p_mw)))
    if wrong is None:
        return None
    elsewhere = np.flatnonzero(wrong == kernels_year.IN_TRANSIT)
    if len(elsewhere):
        again = _run(grid.whole(), injections, found, options, elsewhere)
        wrong[elsewhere] = 0 if again is None else again[elsewhere]
    return wrong & ~np.uint8(kernels_year.IN_TRANSIT)


def _run(grid: Prepared, injections: Injections, found: Found, options: FlowOptions, asked: Ints) -> Wrong | None:
    """Solve those of the hours ``asked`` for that can be tried; None: chords solved them all.

    Chords first, the slow hours by Newton in lanes, the rest carefully. Which of these solves an hour depends on
    that hour alone.
    """
    given = given_rows(grid.model, grid.plan, injections)
    rules = kernels.Rules(
        SQUARE_SHARE * options.tolerance_pu, options.max_iterations, options.enforce_q_limits, False
    )
    sifted, solved = _by_chords(grid, given, rules, asked, found, options.threads)
    if solved == len(asked):
        return None
    wrong = sifted.wrong | found.wrong
    bad = np.flatnonzero(wrong & ~np.uint8(kernels_year.UNASKED))
    if len(bad):
        _blank(found, bad)
    left = np.flatnonzero((found.how == kernels_year.LOST) & (wrong == 0))
    if len(left):
        _by_other_means(grid, given, rules, left, found, options.threads)
    return wrong


def _by_other_means(
    grid: Prepared, given: Given, rules: kernels.Rules, left: Ints, found: Found, threads: int
) -> None:
    """Solve the hours that are ``left`` by Newton's method in lanes, what is left of those carefully."""
    plan, start, lost = grid.plan, _start(grid), left
    _by_newton(grid, given, start, rules, lost, found, threads)
    lost = lost[found.how[lost] == kernels_year.LOST]

    def carefully(parts: Iterator[Ints]) -> None:
        for part in parts:
            kernels_year.solve_chosen(plan.pattern, given, start, rules, part, found)

    take_turns(carefully, portions(lost, 1), threads)
    recover(plan.transit, plan.pattern.bus, found.v_pu, left)
    _blank(found, lost[found.how[lost] == kernels_year.LOST])


def _blank(found: Found, hours: Ints) -> None:
    """Leave no results in hours that have none."""
    for values in (found.v_parts, found.slack_mw, found.control_mvar):
        if len(values):
            values[hours] = np.nan


def _by_chords(
    grid: Prepared, given: Given, rules: kernels.Rules, asked: Ints, found: Found, threads: int
) -> tuple[Sifted, int]:
    """Find the base point of each of the hours ``asked`` for, and solve the hours of each with its factor.

    What is ready of the base points is used at once; hours of others follow when these have been worked out. Return
    what was found out about the hours, and how many were solved.
    """
    ready, solved = grid.bases.ready, 0
    if ready is None:
        sifted, known = sift_hours(grid, given, asked, threads), np.full(LANES, -1)
    else:
        sifted, known = unsifted(given), ready.place
        sifting = Sifting(grid.points, asked, new_counts(), sifted)
        solved += _solve_ready(grid, given, rules, ready, sifting, found, threads)
    if solved == len(asked):
        return sifted, solved
    more = np.flatnonzero((sifted.hours_at > 0) & (known < 0))
    if len(more):
        ready = grid.bases.add(more.tolist())
        new = ready._replace(place=np.where(known < 0, ready.place, -1))
        sifting = Sifting(grid.points, asked[:0], new_counts(), sifted)
        solved += _solve_ready(grid, given, rules, new, sifting, found, threads)
    return sifted, solved


def _solve_ready(
    grid: Prepared,
    given: Given,
    rules: kernels.Rules,
    ready: Ready,
    sifting: Sifting,
    found: Found,
    threads: int,
) -> int:
    """Sift the hours asked for, solve those whose base point is ready, and return how many: threads meet once."""
    plan, places = grid.plan, grid.places
    sizes = len(plan.pattern.bus) + len(plan.transit.bus), len(places.bus), len(places.control)
    rules = rules._replace(max_iterations=CHORD_STEPS)

    def work() -> None:
        block = _own_block(get_ident(), *sizes)
        chord.solve_chord(plan.pattern, ready, given, places, rules, sifting, block, found)

    each_once(work, -(-len(given.p_mw) // LANES), threads)
    return int(sifting.counts[kernels_sift.SOLVED])


def sift_hours(grid: Prepared, given: Given, asked: Ints, threads: int) -> Sifted:
    """Return the nearest base point of each of the hours ``asked`` for, and whose controls cannot be used."""
    sifting = Sifting(grid.points, asked, new_counts(), unsifted(given))
    each_once(lambda: kernels_sift.sift(given, sifting), -(-len(asked) // kernels_sift.SIFTED_HOURS), threads)
    sifted = sifting.sifted
    sifted.hours_at[:] = np.bincount(sifted.point[sifted.wrong == 0], minlength=LANES)
    return sifted


def unsifted(given: Given) -> Sifted:
    """Return room for what is found out about each hour: none has been asked for."""
    hours = len(given.p_mw)
    return Sifted(
        np.full(hours, kernels_year.UNASKED, np.uint8), np.zeros(hours, np.int16), np.zeros(LANES, np.int64)
    )


CARRIED_HOURS = 8 * LANES
"""Hours whose flows a thread works out at a time: some tenths of a millisecond of work."""


@lru_cache(maxsize=16)
def _own_block(thread: int, rows: int, buses: int, controls: int) -> Block:
    """Return the scratch of a thread, which it uses again: new memory takes as long as solving a few blocks."""
    return new_block(rows, buses, controls)


def _by_newton(
    grid: Prepared, given: Given, start: Start, rules: kernels.Rules, left: Ints, found: Found, threads: int
) -> None:
    """Solve the hours that are left by Newton's method in lanes."""
    plan, held = grid.plan, np.flatnonzero(grid.plan.control >= 0)

    def work(parts: Iterator[Ints]) -> None:
        block = lanes.new_block(plan.pattern)
        for part in parts:
            lanes.solve_lanes(plan.pattern, given, held, start, rules, part, block, found)

    take_turns(work, portions(left, LANES), threads)
    found.how[left] = np.where(found.how[left] == kernels_year.DIRECT, kernels_year.NEWTON, kernels_year.LOST)


def _start(grid: Prepared) -> Start:
    """Where Newton starts: the usual base point, and the flat one."""
    base, flat = grid.bases.at(USUAL), flat_start(grid.model, grid.plan)
    return Start(base.e, base.f, flat.flat_e, flat.flat_f)


def _judge(model: GridModel, found: Found, status: Ints, messages: dict[int, str]) -> None:
    """Turn how each hour was solved into its status, and say a sentence about every hour that was not plain."""
    tried = status == FlowStatus.SOLVED
    plainly = (found.how == kernels_year.DIRECT) | (found.how == kernels_year.NEWTON)
    for h in np.flatnonzero(tried & ~plainly):
        how = int(found.how[h])
        if how in LADDER:
            status[h] = FlowStatus.SOLVED_BY_FALLBACK
            messages[int(h)] = f"solved by {LADDER[how]} in {found.iterations[h]} iterations"
            continue
        status[h] = FlowStatus.NOT_CONVERGED
        worst = model.buses[found.worst_bus[h]]
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

    taken, size = np.zeros(1, np.int64), CARRIED_HOURS

    def work() -> None:
        carry.carry(wires, found.v_parts, carried, size, taken, carry.new_sheet(buses, branches))

    each_once(work, -(-hours // size), threads)
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


def _result(found: Found, carried: Carried, outcome: _Outcome) -> FlowResult:
    """Assemble the record; hours that were not solved are NaN in every matrix."""
    carried.loss_mw[outcome.status > FlowStatus.SOLVED_BY_FALLBACK] = np.nan
    return FlowResult(
        slack_mw=found.slack_mw,
        control_mvar=found.control_mvar,
        iterations=found.iterations,
        mismatch_pu=found.mismatch_pu,
        **carried._asdict(),
        **outcome._asdict(),
    )
