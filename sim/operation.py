"""Dispatch ⇄ power flow: operate the system until the losses it reckoned with are those of the AC solution.

The dispatch must serve losses that only the power flow knows. The first round uses the scenario's estimate; each
further round takes the losses of the last AC solution, until the residual that the slack nodes had to cover is
below ``RESIDUAL_SHARE`` of the load in every solved hour, or ``MAX_ROUNDS`` are spent. What remains is in the
result (``slack_mw``) and is reported. Then ``sim.correction`` mends the hours in which the AC flow shows overload
or low voltage.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from grid.flow import solve
from grid.model import FlowResult, GridModel, Injections
from profiles.records import Profiles
from scenarios.errors import PowerFlowError
from scenarios.records import Floats
from scenarios.schema import Scenario
from sim.correction import Correction, Plan, Setting, corrected, correction_sentence
from sim.dispatch import dispatch
from sim.dispatch.facts import anew_sentence, overload_sentence, row_uses
from sim.dispatch.limits import NetworkLimits, network_limits
from sim.dispatch.model import DispatchCase, DispatchResult
from sim.fleet import build_case
from sim.injections import inject
from sim.losses import flow_options, losses_agree, true_loss_mw
from sim.progress import Stages

MAX_ROUNDS = 6


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """A dispatch and the power flow that carries it; ``rounds`` is how often the two were alternated.

    ``limits`` is what the dispatch was told of the network, ``correction`` what the AC flow changed of it.
    """

    case: DispatchCase
    limits: NetworkLimits
    result: DispatchResult
    injections: Injections
    flow: FlowResult
    rounds: int
    correction: Correction | None = None

    @property
    def planned(self) -> tuple[DispatchCase, DispatchResult]:
        """Case and dispatch before the AC flow corrected them."""
        if self.correction is None:
            return self.case, self.result
        return self.correction.before.case, self.correction.before.result


def operate(scenario: Scenario, profiles: Profiles, model: GridModel, stages: Stages) -> Operation:
    """Return the operation of the whole time axis; raises ``PowerFlowError`` when no hour could be solved."""
    options = flow_options(scenario)
    limits = network_limits(scenario, model, build_case(scenario, profiles))
    loss_mw: Floats | None = None
    for rounds in range(1, MAX_ROUNDS + 1):
        with stages.stage("dispatch", f"Dispatch, round {rounds} · 机组组合与调度"):
            case = build_case(scenario, profiles, loss_mw)
            result = dispatch(scenario, case, limits, threads=0)
        with stages.stage("flow", f"AC power flow of {len(case.time)} steps, round {rounds} · 逐时交流潮流"):
            injections = inject(scenario, profiles, result, model)
            flow = solve(model, injections, options)
        _require_some_hour(flow)
        if losses_agree(case, flow):
            break
        loss_mw = true_loss_mw(case, flow)
    _say_how(limits, case, result, stages)
    setting = Setting(scenario, profiles, model, limits)
    plan, correction = corrected(setting, Plan(case, result, flow), stages)
    if correction is not None:
        stages.say(f"  {correction_sentence(correction)}")
        injections = inject(scenario, profiles, plan.result, model)
    return Operation(plan.case, limits, plan.result, injections, plan.flow, rounds, correction)


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
