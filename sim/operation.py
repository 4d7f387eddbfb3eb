"""Dispatch ⇄ power flow: operate the system until the losses it reckoned with are those of the AC solution.

The dispatch must serve losses that only the power flow knows. The first round uses the scenario's estimate; each
further round takes the losses of the last AC solution, until the residual that the slack nodes had to cover is
below ``RESIDUAL_SHARE`` of the load in every solved hour, or ``MAX_ROUNDS`` are spent. What remains is in the
result (``slack_mw``) and is reported.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from grid.flow import FlowOptions, solve
from grid.model import FlowResult, GridModel, Injections
from profiles.records import Profiles
from scenarios.errors import PowerFlowError
from scenarios.records import Floats
from scenarios.schema import Scenario
from sim.dispatch import dispatch
from sim.dispatch.facts import overload_sentence, row_uses
from sim.dispatch.limits import NetworkLimits, network_limits
from sim.dispatch.model import DispatchCase, DispatchResult
from sim.fleet import build_case
from sim.injections import inject
from sim.progress import Stages

MAX_ROUNDS = 6
RESIDUAL_SHARE = 0.001


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """A dispatch and the power flow that carries it; ``rounds`` is how often the two were alternated.

    ``limits`` is what the dispatch was told of the network.
    """

    case: DispatchCase
    limits: NetworkLimits
    result: DispatchResult
    injections: Injections
    flow: FlowResult
    rounds: int


def operate(scenario: Scenario, profiles: Profiles, model: GridModel, stages: Stages) -> Operation:
    """Return the operation of the whole time axis; raises ``PowerFlowError`` when no hour could be solved."""
    options = flow_options(scenario)
    limits = network_limits(scenario, model, build_case(scenario, profiles))
    loss_mw: Floats | None = None
    for rounds in range(1, MAX_ROUNDS + 1):
        with stages.stage("dispatch", f"Dispatch, round {rounds} · 机组组合与调度"):
            case = build_case(scenario, profiles, loss_mw)
            result = dispatch(scenario, case, limits)
        with stages.stage("flow", f"AC power flow of {len(case.time)} steps, round {rounds} · 逐时交流潮流"):
            injections = inject(scenario, profiles, result, model)
            flow = solve(model, injections, options)
        _require_some_hour(flow)
        if losses_agree(case, flow):
            break
        loss_mw = np.where(flow.solved, case.loss_mw + np.nan_to_num(flow.slack_mw.sum(axis=1)), case.loss_mw)
    _say_overloads(limits, case, result, stages)
    return Operation(case, limits, result, injections, flow, rounds)


def _say_overloads(limits: NetworkLimits, case: DispatchCase, result: DispatchResult, stages: Stages) -> None:
    sentence = overload_sentence(row_uses(limits, case, result))
    if sentence:
        stages.say(f"  [yellow]{sentence}[/yellow]")


def flow_options(scenario: Scenario) -> FlowOptions:
    """Return the options of the power flow that the scenario asks for."""
    grid = scenario.settings.grid
    return FlowOptions(tolerance_pu=grid.tolerance_pu, enforce_q_limits=grid.enforce_q_limits)


def losses_agree(case: DispatchCase, flow: FlowResult) -> bool:
    """Whether the slack covers less than ``RESIDUAL_SHARE`` of the load in every solved hour."""
    residual_mw = np.abs(flow.slack_mw.sum(axis=1))[flow.solved]
    return bool((residual_mw <= RESIDUAL_SHARE * case.load_mw.sum(axis=1)[flow.solved]).all())


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
