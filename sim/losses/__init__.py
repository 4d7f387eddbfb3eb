"""Power flow ⇄ dispatch: the losses that the dispatch reckons with, and those of the AC solution."""

from __future__ import annotations

import numpy as np

from grid.flow import FlowOptions
from grid.model import FlowResult
from scenarios.records import Bools, Floats
from scenarios.schema import Scenario
from sim.dispatch.model import DispatchCase

RESIDUAL_SHARE = 0.001
"""Share of the load that the slack nodes may cover in an hour before the losses are put right."""


def flow_options(scenario: Scenario) -> FlowOptions:
    """Return the options of the power flow that the scenario asks for."""
    grid = scenario.settings.grid
    return FlowOptions(tolerance_pu=grid.tolerance_pu, enforce_q_limits=grid.enforce_q_limits)


def residual_too_large(case: DispatchCase, flow: FlowResult) -> Bools:
    """Return in which solved hours the slack covers more than ``RESIDUAL_SHARE`` of the load [hours]."""
    residual_mw = np.abs(np.nan_to_num(flow.slack_mw.sum(axis=1)))
    return np.asarray(flow.solved & (residual_mw > RESIDUAL_SHARE * case.load_mw.sum(axis=1)))


def losses_agree(case: DispatchCase, flow: FlowResult) -> bool:
    """Whether the slack covers less than ``RESIDUAL_SHARE`` of the load in every solved hour."""
    return not residual_too_large(case, flow).any()


def true_loss_mw(case: DispatchCase, flow: FlowResult) -> Floats:
    """Return the losses of the AC solution [hours], MW; where there is none, what the case reckoned with."""
    loss = np.where(flow.solved, case.loss_mw + np.nan_to_num(flow.slack_mw.sum(axis=1)), case.loss_mw)
    # An AC solution without flow leaves rounding dust on either side of zero.
    return np.asarray(np.where(np.abs(loss) < 1e-6, 0.0, loss))
