"""Case and limits → the dispatch of the compiled walk, from which ``lp`` takes directions of storages to try."""

from __future__ import annotations

from sim.dispatch.commitment import commit
from sim.dispatch.limits import NetworkLimits
from sim.dispatch.model import DispatchCase, DispatchResult
from sim.dispatch.stack import balanced, supply


def dispatched_by_fast(case: DispatchCase, limits: NetworkLimits) -> DispatchResult:
    """Return the dispatch of the compiled walk, before any day of it is left to this programme."""
    from sim.dispatch import fast  # noqa: PLC0415  (loads the kernels)

    if not (case.rules.ramps or case.rules.export_ramp_mw_per_h is not None or balanced(case)):
        return fast.solve(case, limits)
    units = commit(case)
    return fast.walk_through(fast.Task(case, units, supply(case, units), limits, None, (), 1)).result
