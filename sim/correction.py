"""An operation whose AC flow shows trouble → the same with those days dispatched anew within tighter rows.

The dispatch reckons with a linear flow. Where the AC solution shows an overload, the row is tightened for that hour
in the ratio of the two; where it shows low voltage, the heaviest row at that bus gives up a twentieth of its flow;
where there is no solution, all heavily loaded rows give up a tenth. The days are then dispatched anew, exactly
(``sim.dispatch.lp.redispatch``), with their losses put right, and flow is solved again, until nothing is left to do
or the rounds are spent. High voltage is not a matter of active power and is left as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from grid.flow import solve
from grid.model import FlowResult, GridModel
from profiles.records import Profiles
from scenarios.records import Bools, Floats, Ints
from scenarios.schema import Scenario
from sim.dispatch.limits import NetworkLimits, Section, flow_mw, section_row, sections_of
from sim.dispatch.model import DispatchCase, DispatchResult
from sim.injections import hours_of, inject
from sim.losses import flow_options, residual_too_large, true_loss_mw
from sim.progress import Stages

AIM = 0.998
"""Loading that a tightened row is planned for: the linear flow does not meet the AC flow exactly."""

FOR_VOLTAGE, FOR_SOLUTION = 0.95, 0.9
"""Part of its flow that a row keeps to lift a voltage, and to bring back a solution."""

HEAVY = 0.8
"""Rows loaded above this are relieved where the AC flow has no solution."""

ROUNDS_FOR_LOSSES = 3
"""Further rounds in which only the losses of days dispatched anew are put right."""


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What was operated: the case (with its losses), the dispatch, and the flow that carries it."""

    case: DispatchCase
    result: DispatchResult
    flow: FlowResult


@dataclass(frozen=True, slots=True, eq=False)
class Correction:
    """What the AC flow changed: hours in trouble before and after, days dispatched anew, and what that cost.

    ``before`` is the plan that the correction began with.
    """

    before: Plan
    rounds: int
    hours_before: float
    hours_left: float
    days: int
    more_curtailed_mwh: float
    more_unserved_mwh: float
    more_cost_cny: float


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """What stays the same over all rounds."""

    scenario: Scenario
    profiles: Profiles
    model: GridModel
    limits: NetworkLimits


def corrected(setting: Setting, plan: Plan, stages: Stages) -> tuple[Plan, Correction | None]:
    """Return the corrected plan, and what was corrected; nothing without trouble, or without rows to tighten."""
    rounds = setting.scenario.settings.dispatch.ac_rounds if setting.limits.rows else 0
    cap_mw = np.full((len(plan.case.time), len(setting.limits.rows)), np.inf)
    anew = np.zeros(len(plan.case.time), dtype=bool)
    now, done = plan, 0
    for number in range(rounds + ROUNDS_FOR_LOSSES if rounds else 0):
        tighter = tightened(setting, now, cap_mw) if number < rounds else cap_mw
        touched = (tighter < cap_mw).any(axis=1) | (anew & residual_too_large(now.case, now.flow))
        if not touched.any():
            break
        cap_mw, done = tighter, number + 1
        with stages.stage("correction", f"Days dispatched anew after the AC flow, round {done} · 交流校正"):
            now, steps = _round(setting, now, cap_mw, touched)
        anew |= steps
    return (now, _account(setting, plan, now, done, anew)) if done else (plan, None)


def trouble(setting: Setting, plan: Plan) -> Bools:
    """Return the hours with an overload, low voltage or without a solution [hours]."""
    loading = row_loading(setting, plan.flow)
    over = np.nan_to_num(loading) > setting.scenario.settings.limits.overload
    low = np.nan_to_num(plan.flow.vm_pu, nan=9.0) < low_voltage_pu(setting)
    return np.asarray(over.any(axis=1) | low.any(axis=1) | ~plan.flow.solved)


def tightened(setting: Setting, plan: Plan, cap_mw: Floats) -> Floats:
    """Return ``cap_mw`` [hours × rows] with the rows tightened that the AC flow shows in trouble."""
    planned = np.abs(flow_mw(setting.limits, plan.case, plan.result))
    loading, allowed = row_loading(setting, plan.flow), setting.scenario.settings.limits.overload
    over = np.nan_to_num(loading) > allowed
    aim = np.divide(planned * (allowed * AIM), loading, out=np.full_like(planned, np.inf), where=over)
    heavy = ~plan.flow.solved[:, None] & (planned > HEAVY * setting.limits.high_mw)
    aim = np.where(heavy, FOR_SOLUTION * planned, aim)
    for hour, row in _rows_at_low_voltage(setting, plan.flow, planned):
        aim[hour, row] = min(aim[hour, row], FOR_VOLTAGE * planned[hour, row])
    return np.minimum(cap_mw, aim)


def row_loading(setting: Setting, flow: FlowResult) -> Floats:
    """Return the AC loading of every row [hours × rows]; NaN for rows after an outage, and hours not solved."""
    loading = np.full((len(flow.status), len(setting.limits.rows)), np.nan)
    branches, place = _branch_of_rows(setting)
    loading[:, place] = flow.loading[:, branches]
    for section in sections_of(setting.scenario, setting.model):
        loading[:, setting.limits.rows.index(section_row(section))] = _section_loading(setting, flow, section)
    return loading


def low_voltage_pu(setting: Setting) -> Floats:
    """Return the lowest normal voltage of every bus [buses]."""
    limits = setting.scenario.settings.limits
    return np.where(setting.model.vn_kv > 300.0, limits.voltage_500.low_pu, limits.voltage_220.low_pu)


def _branch_of_rows(setting: Setting) -> tuple[Ints, Ints]:
    """Return the branches that are rows, and the place of each row."""
    place = {name: number for number, name in enumerate(setting.limits.rows)}
    pairs = [(branch, place[name]) for branch, name in enumerate(setting.model.branches) if name in place]
    both = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def _section_loading(setting: Setting, flow: FlowResult, section: Section) -> Floats:
    column = {name: number for number, name in enumerate(setting.model.branches)}
    power = sum(sign * flow.p_from_mw[:, column[name]] for name, sign in section.branches)
    return np.asarray(np.abs(power) / section.limit_mw)


def _rows_at_low_voltage(setting: Setting, flow: FlowResult, planned_mw: Floats) -> list[tuple[int, int]]:
    """Return (hour, row) of the row with the largest flow at every bus whose voltage is too low."""
    branches, place = _branch_of_rows(setting)
    low = np.nan_to_num(flow.vm_pu, nan=9.0) < low_voltage_pu(setting)
    ends = np.stack([setting.model.from_bus[branches], setting.model.to_bus[branches]])
    found = []
    for hour, bus in np.argwhere(low):
        near = place[(ends == bus).any(axis=0)]
        if len(near):
            found.append((int(hour), int(near[planned_mw[hour, near].argmax()])))
    return found


def _round(setting: Setting, plan: Plan, cap_mw: Floats, touched: Bools) -> tuple[Plan, Bools]:
    """Dispatch the touched days anew with their losses put right, and solve their flow; return also their steps."""
    from sim.dispatch.lp import redispatch  # noqa: PLC0415  (loads HiGHS)

    days = np.unique(plan.case.time.day[touched])
    steps = np.isin(plan.case.time.day, days)
    case = replace(plan.case, loss_mw=np.where(steps, true_loss_mw(plan.case, plan.flow), plan.case.loss_mw))
    result = redispatch(case, plan.result, setting.limits, cap_mw, days)
    injections = inject(setting.scenario, setting.profiles, result, setting.model)
    hours = np.flatnonzero(steps)
    part = solve(setting.model, hours_of(injections, hours), flow_options(setting.scenario))
    return Plan(case, result, with_hours(plan.flow, part, hours)), steps


def with_hours(flow: FlowResult, part: FlowResult, hours: Ints) -> FlowResult:
    """Return ``flow`` with some hours taken from ``part``, which holds just these."""
    arrays = {}
    for item in fields(flow):
        if item.metadata.get("axes", ("",))[0] == "hours":
            arrays[item.name] = getattr(flow, item.name).copy()
            arrays[item.name][hours] = getattr(part, item.name)
    gone = set(hours.tolist())
    kept = [(hour, text) for hour, text in flow.messages if hour not in gone]
    new = [(int(hours[hour]), text) for hour, text in part.messages]
    return replace(flow, **arrays, messages=tuple(sorted(kept + new)))


def _account(setting: Setting, before: Plan, after: Plan, rounds: int, anew: Bools) -> Correction:
    step_h = before.case.time.step_h
    used, unserved = (
        tuple(float(getattr(plan.result, name).sum()) * step_h for plan in (before, after))
        for name in ("renewable_mw", "unserved_mw")
    )
    return Correction(
        before=before,
        rounds=rounds,
        hours_before=float(trouble(setting, before).sum()) * step_h,
        hours_left=float(trouble(setting, after).sum()) * step_h,
        days=len(np.unique(before.case.time.day[anew])),
        more_curtailed_mwh=used[0] - used[1],
        more_unserved_mwh=unserved[1] - unserved[0],
        more_cost_cny=after.result.total_cost_cny - before.result.total_cost_cny,
    )


def correction_sentence(correction: Correction | None) -> str:
    """Return what the correction did, for a log; empty when there was none."""
    if correction is None:
        return ""
    c = correction
    return (
        f"AC correction: {c.hours_before:,.0f} h in trouble, {c.days} days dispatched anew in {c.rounds} rounds, "
        f"{c.hours_left:,.0f} h left; {c.more_curtailed_mwh:+,.0f} MWh curtailed, {c.more_unserved_mwh:+,.0f} MWh "
        "unserved. 交流校正结果。"
    )
