"""Who runs when: the operating model as records, and the solvers that fill it in.

A solver is one function from ``DispatchCase`` to ``DispatchResult``; ``dispatch`` takes the one that the scenario
names. Solvers are imported when they are used.
"""

from __future__ import annotations

from scenarios.schema import Scenario
from sim.dispatch.limits import NetworkLimits, no_limits
from sim.dispatch.model import DispatchCase, DispatchResult


def dispatch(scenario: Scenario, case: DispatchCase, limits: NetworkLimits | None = None) -> DispatchResult:
    """Return who runs when, by the solver of ``settings.dispatch.solver``, within ``limits``.

    Without limits the network is a copper plate. ``fast`` does not see the limits: whoever calls it with some must
    report what it overloads (``sim.dispatch.limits.overload_mw``).
    """
    if scenario.settings.dispatch.solver == "lp":
        from sim.dispatch import lp  # noqa: PLC0415  (loads HiGHS)

        return lp.solve(case, limits)
    from sim.dispatch import fast  # noqa: PLC0415  (loads numba)

    return fast.solve(case)


def limits_kept(scenario: Scenario, case: DispatchCase, limits: NetworkLimits) -> NetworkLimits:
    """Return those limits that the scenario's solver keeps: what its results may be measured by."""
    return limits if scenario.settings.dispatch.solver == "lp" else no_limits(case)
