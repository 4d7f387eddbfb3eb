"""Who runs when: the operating model as records, and the solvers that fill it in.

A solver is one function from ``DispatchCase`` to ``DispatchResult``; ``dispatch`` takes the one that the scenario
names. Solvers are imported when they are used.
"""

from __future__ import annotations

from scenarios.schema import Scenario
from sim.dispatch.model import DispatchCase, DispatchResult


def dispatch(scenario: Scenario, case: DispatchCase) -> DispatchResult:
    """Return who runs when, by the solver of ``settings.dispatch.solver``."""
    if scenario.settings.dispatch.solver == "lp":
        from sim.dispatch import lp  # noqa: PLC0415  (loads HiGHS)

        return lp.solve(case)
    from sim.dispatch import fast  # noqa: PLC0415  (loads numba)

    return fast.solve(case)
