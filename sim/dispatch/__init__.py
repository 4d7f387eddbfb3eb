"""Who runs when: the operating model as records, and the solvers that fill it in.

A solver is one function from ``DispatchCase`` to ``DispatchResult``; ``dispatch`` takes the one that the scenario
names. Solvers are imported when they are used.
"""

from __future__ import annotations

from scenarios.schema import Scenario
from sim.dispatch.limits import NetworkLimits
from sim.dispatch.model import DispatchCase, DispatchResult


def dispatch(
    scenario: Scenario, case: DispatchCase, limits: NetworkLimits | None = None, threads: int = 1
) -> DispatchResult:
    """Return who runs when, by the solver of ``settings.dispatch.solver``, within ``limits``.

    Without limits the network is a copper plate. ``threads`` (0: as many as processors) change no bit; ``lp`` uses
    them where many rows bind.
    """
    if scenario.settings.dispatch.solver == "lp":
        return _exactly(scenario, case, limits, threads)
    from sim.dispatch import fast  # noqa: PLC0415  (loads the kernels)

    return fast.solve(case, limits, threads)


def _exactly(scenario: Scenario, case: DispatchCase, limits: NetworkLimits | None, threads: int) -> DispatchResult:
    from sim.dispatch import lp  # noqa: PLC0415  (loads HiGHS)

    if scenario.settings.dispatch.commitment == "rule":
        return lp.solve(case, limits, threads=threads)
    from sim.dispatch.units import commit_units  # noqa: PLC0415  (loads HiGHS)

    return lp.solve(case, limits, commit_units(case, limits), threads)
