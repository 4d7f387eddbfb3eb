"""One simulated year as one frozen record: the input of metrics, report and run folder."""

from __future__ import annotations

from dataclasses import dataclass

from grid.checks import NetworkReport
from grid.model import FlowResult, GridModel, Injections
from profiles.records import Profiles, Weather
from scenarios.schema import Scenario
from sim.absorption.causes import Causes
from sim.correction import Correction
from sim.dispatch.certificate import Certificate
from sim.dispatch.limits import NetworkLimits
from sim.dispatch.model import DispatchCase, DispatchResult
from sim.losses.saving import LossSaving


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """The records of all stages of one simulation; ``loss_rounds`` is how often losses were corrected.

    ``limits`` is what the dispatch was told of the network, ``certificate`` how far it is from the optimum,
    ``correction`` what the AC flow changed of it, ``saving`` what loss factors did, if asked for.
    """

    scenario: Scenario
    weather: Weather
    profiles: Profiles
    network: NetworkReport
    model: GridModel
    case: DispatchCase
    limits: NetworkLimits
    dispatch: DispatchResult
    injections: Injections
    flow: FlowResult
    causes: Causes
    loss_rounds: int
    certificate: Certificate | None
    correction: Correction | None
    timings_s: tuple[tuple[str, float], ...]
    saving: LossSaving | None = None
