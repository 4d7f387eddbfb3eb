"""Case and result → what flexible loads took: beyond their targets, short of them, and at which cost.

Plain numpy on the two records: solvers and reports count with these, checks with code of their own.
"""

from __future__ import annotations

import numpy as np

from scenarios.records import Floats
from sim.dispatch.model import DispatchCase, DispatchResult

DUST_MW = 1e-6
"""What is cut by less than this is rounding."""


def flexible_cut_mw(case: DispatchCase, result: DispatchResult) -> Floats:
    """Return what flexible loads take less than their minimum [hours × flexibles], MW."""
    short = case.flexible.minimum_mw - result.flexible_mw
    return np.asarray(np.where(short > DUST_MW, short, 0.0))


def flexible_surplus_mwh(case: DispatchCase, result: DispatchResult) -> Floats:
    """Return what flexible loads take beyond the target of each day; negative: missed [days × flexibles], MWh.

    What is cut of their minimum has a price of its own and does not count as missed.
    """
    taken = result.flexible_mw + flexible_cut_mw(case, result)
    surplus = np.zeros((len(case.day_hours), len(case.flexibles)))
    np.add.at(surplus, case.time.day, (taken - case.flexible.target_mw) * case.time.step_h)
    return surplus


def flexible_cost_cny(case: DispatchCase, result: DispatchResult) -> float:
    """Return what flexible loads cost: missed energy, less the value of energy beyond the target, and cuts, CNY."""
    surplus, loads = flexible_surplus_mwh(case, result), case.flexible
    missed = np.maximum(-surplus, 0.0) @ loads.missed_cny_per_mwh
    beyond = np.maximum(surplus, 0.0) @ loads.value_cny_per_mwh
    cut_mwh = float(flexible_cut_mw(case, result).sum()) * case.time.step_h
    return float((missed - beyond).sum()) + cut_mwh * case.price_flexible_cut
