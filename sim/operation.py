"""Dispatch ⇄ power flow: operate the system until the losses it reckoned with are those of the AC solution.

The dispatch must serve losses that only the power flow knows. The first round uses the scenario's estimate; each
further round takes the losses of the last AC solution, until the residual that the slack nodes had to cover is
below ``RESIDUAL_SHARE`` of the load in every solved hour, or ``MAX_ROUNDS`` are spent. What remains is in the
result (``slack_mw``) and is reported. With loss factors by bus, rounds go on with coal and hydro sharing their
energy by what it costs with its losses (``sim.losses.shares``). Then ``sim.correction`` mends the hours in which
the AC flow shows overload or low voltage.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from grid.flow import solve
from grid.model import FlowResult, GridModel, Injections
from profiles.records import Profiles
from scenarios.errors import PowerFlowError
from scenarios.schema import Scenario
from sim.correction import Correction, Plan, Setting, corrected, correction_sentence
from sim.dispatch import dispatch
from sim.dispatch.facts import anew_sentence, overload_sentence, row_uses
from sim.dispatch.limits import NetworkLimits, network_limits
from sim.dispatch.model import DispatchCase, DispatchResult
from sim.fleet import build_case
from sim.injections import inject
from sim.losses import flow_options, losses_agree, true_loss_mw
from sim.losses.saving import LossSaving, factors_of, saving_of, saving_sentence
from sim.losses.shares import shared_by_losses
from sim.progress import Stages

FREE_ROUNDS, MAX_ROUNDS = 4, 8
"""Rounds that dispatch everything anew, and rounds in all: later ones only follow the losses, step by step.

Equal optima may place water and storage elsewhere in every round, and losses with them, without end.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """A dispatch and the power flow that carries it; ``rounds`` is how often the two were alternated.

    ``limits`` is what the dispatch was told of the network, ``correction`` what the AC flow changed of it,
    ``saving`` what dispatching by loss factors did, if that was asked for.
    """

    case: DispatchCase
    limits: NetworkLimits
    result: DispatchResult
    injections: Injections
    flow: FlowResult
    rounds: int
    correction: Correction | None = None
    saving: LossSaving | None = None

    @property
    def planned(self) -> tuple[DispatchCase, DispatchResult]:
        """Case and dispatch before the AC flow corrected them."""
        if self.correction is None:
            return self.case, self.result
        return self.correction.before.case, self.correction.before.result


def operate(scenario: Scenario, profiles: Profiles, model: GridModel, stages: Stages) -> Operation:
    """Return the operation of the whole time axis; raises ``PowerFlowError`` when no hour could be solved."""
    limits = network_limits(scenario, model, build_case(scenario, profiles))
    setting, saving = Setting(scenario, profiles, model, limits), None
    plan, rounds = _alternated(setting, stages)
    if scenario.settings.dispatch.loss_factors == "bus":
        plan, saving, more = _with_factors(setting, plan, stages)
        rounds += more
    _say_how(limits, plan.case, plan.result, stages)
    plan, correction = corrected(setting, plan, stages)
    if correction is not None:
        stages.say(f"  {correction_sentence(correction)}")
    injections = inject(scenario, profiles, plan.result, model)
    return Operation(plan.case, limits, plan.result, injections, plan.flow, rounds, correction, saving)


def _alternated(setting: Setting, stages: Stages, before: Plan | None = None) -> tuple[Plan, int]:
    """Return the plan on whose losses dispatch and flow agree, and the rounds that took.

    After a plan ``before``, coal and hydro share their energy by the loss factors of the last flow.
    """
    plan, rounds, free = before, 0, FREE_ROUNDS if before is None else FREE_ROUNDS // 2
    while plan is None or rounds == 0 or (rounds < MAX_ROUNDS and not losses_agree(plan.case, plan.flow)):
        rounds += 1
        with stages.stage("dispatch", f"Dispatch, round {rounds} · 机组组合与调度"):
            loss_mw = None if plan is None else true_loss_mw(plan.case, plan.flow)
            case = build_case(setting.scenario, setting.profiles, loss_mw)
            result = _dispatched(setting, case, plan if rounds > free else None)
            if before is not None and plan is not None:
                result = shared_by_losses(case, setting.limits, result, factors_of(setting, plan))
        with stages.stage("flow", f"AC power flow of {len(case.time)} steps, round {rounds} · 逐时交流潮流"):
            injections = inject(setting.scenario, setting.profiles, result, setting.model)
            flow = solve(setting.model, injections, flow_options(setting.scenario))
        _require_some_hour(flow)
        plan = Plan(case, result, flow)
    return plan, rounds


def _dispatched(setting: Setting, case: DispatchCase, plan: Plan | None) -> DispatchResult:
    """Return a dispatch: anew, or near a plan if one is given."""
    if plan is None:
        return dispatch(setting.scenario, case, setting.limits, threads=0)
    from sim.dispatch.lp import follow  # noqa: PLC0415  (loads HiGHS)

    return follow(case, plan.result, setting.limits)


def _with_factors(setting: Setting, plan: Plan, stages: Stages) -> tuple[Plan, LossSaving, int]:
    """Return the plan by loss factors if it costs less, else the one without; what changed; and the rounds."""
    better, rounds = _alternated(setting, stages, plan)
    saving = saving_of(plan, better, factors_of(setting, better))
    stages.say(f"  {saving_sentence(saving)}")
    return (better if saving.kept else plan), saving, rounds


def _say_how(limits: NetworkLimits, case: DispatchCase, result: DispatchResult, stages: Stages) -> None:
    if anew := anew_sentence(result):
        stages.say(f"  {anew}")
    if overloads := overload_sentence(row_uses(limits, case, result)):
        stages.say(f"  [yellow]{overloads}[/yellow]")


def _require_some_hour(flow: FlowResult) -> None:
    if not flow.solved.any():
        first = flow.messages[0][1] if flow.messages else "no message"
        raise PowerFlowError(f"none of the {len(flow.status)} steps could be solved. First step: {first}")


def reference_flow(
    net: Any, model: GridModel, operation: Operation, scenario: Scenario, stages: Stages
) -> Operation:
    """Return the operation with its flow solved again by pandapower, hour by hour (``--flow pandapower``)."""
    from grid.reference import solve as solve_by_pandapower  # noqa: PLC0415  pandapower takes seconds to import

    with stages.stage("flow_pandapower", "The same by pandapower.runpp, hour by hour · pandapower逐时校核"):
        flow = solve_by_pandapower(net, model, operation.injections, flow_options(scenario))
    _require_some_hour(flow)
    return replace(operation, flow=flow)
