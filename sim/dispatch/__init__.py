"""Who runs when: the operating model as records, and the solvers that fill it in.

A solver is one function from ``DispatchCase`` to ``DispatchResult``; ``dispatch`` takes the one that the scenario
names. Solvers are imported when they are used.
"""

from __future__ import annotations

from scenarios.errors import Problem, ScenarioError
from scenarios.schema import Scenario
from sim.dispatch.limits import NetworkLimits
from sim.dispatch.model import DispatchCase, DispatchResult, Rules


def dispatch(scenario: Scenario, case: DispatchCase, limits: NetworkLimits | None = None) -> DispatchResult:
    """Return who runs when, by the solver of ``settings.dispatch.solver``, within ``limits``.

    Without limits the network is a copper plate. Raises ``ScenarioError`` for rules that the solver does not know.
    """
    if scenario.settings.dispatch.solver == "lp":
        return _exactly(scenario, case, limits)
    _require_known_to_fast(case)
    from sim.dispatch import fast  # noqa: PLC0415  (loads the kernels)

    return fast.solve(case, limits)


def _exactly(scenario: Scenario, case: DispatchCase, limits: NetworkLimits | None) -> DispatchResult:
    from sim.dispatch import lp  # noqa: PLC0415  (loads HiGHS)

    if scenario.settings.dispatch.commitment == "rule":
        return lp.solve(case, limits)
    from sim.dispatch.units import commit_units  # noqa: PLC0415  (loads HiGHS)

    return lp.solve(case, limits, commit_units(case, limits))


def _require_known_to_fast(case: DispatchCase) -> None:
    asked = [key for key, rule in RULE_KEYS.items() if getattr(case.rules, rule) != getattr(Rules(), rule)]
    if asked:
        raise ScenarioError(
            Problem(key, "is a rule that the fast solver does not know", "set dispatch.solver=lp (--dispatch lp)")
            for key in asked
        )


RULE_KEYS = {
    "dispatch.storage_end_cny_per_mwh": "storage_end_cny_per_mwh",
    "demand_response.shed_hours_per_day": "shed_hours_per_day",
}
"""Where a scenario asks for each rule."""
