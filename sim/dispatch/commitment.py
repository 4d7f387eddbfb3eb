"""Forecast of the net load → how many units of each coal plant run in every step, and their starts.

A day is the unit of time: units of this class are started for days, not for hours. Every day needs

    need = max over the day (load + mean flexible + loss + contract − credit · (wind + PV) − mean hydro)
           + reserve · peak load

and units are taken one per plant first, then second units, and so on; plants of a rank stand in merit order and
move up by one place every ``rotation_days``. See ``docs/explanation/dispatch.md``.
"""

from __future__ import annotations

import numpy as np

from scenarios import jitcache  # noqa: F401  (before numba)
from scenarios.records import Bools, Floats, Ints, axes, record
from sim.dispatch.kernels_commitment import Units, Wants, walk_days
from sim.dispatch.model import DispatchCase

KEEP_DAYS = 3
"""A running unit stops only when this many days do without it: starting again costs more than idling along."""

HOT_IDLE_H = 48.0
"""Idle for at most this long, a unit starts hot (or warm), later cold (Agora Energiewende 2017, Flexibility in
thermal power plants: hot < 8 h, warm 8–48 h, cold > 48 h)."""


@record
class Commitment:
    """Running units of each plant, the units that start with the step, and how many of those start hot."""

    units_on: Ints = axes("hours", "coal", dtype=int)
    starts: Ints = axes("hours", "coal", dtype=int)
    hot_starts: Ints = axes("hours", "coal", dtype=int)


def commit(case: DispatchCase) -> Commitment:
    """Return the commitment of a case. Units are in their states before the axis begins: day 0 has no starts."""
    plant = np.repeat(np.arange(len(case.coal)), case.coal_units)
    rank = _ranks(case)
    need = daily_need_mw(case)
    wants = Wants(need, _worth_keeping(need), rank[None, :] < case.coal_must_run_units[:, plant])
    units = Units(
        case.coal_unit_mw[plant].copy(),
        _whole_days(case.coal_min_up_h)[plant],
        _whole_days(case.coal_min_down_h)[plant],
    )
    running, idle_days = walk_days(units, wants, _queues(case, plant, rank, len(need)), case.rotation_days)
    hot = (idle_days > 0) & (24.0 * idle_days <= HOT_IDLE_H)
    return Commitment(
        units_on=_by_plant(running, plant, len(case.coal))[case.time.day],
        starts=_on_first_step(case, _by_plant(idle_days > 0, plant, len(case.coal))),
        hot_starts=_on_first_step(case, _by_plant(hot, plant, len(case.coal))),
    )


def daily_need_mw(case: DispatchCase) -> Floats:
    """Return the coal capacity that each day needs, MW [days]."""
    load = case.load_mw.sum(axis=1)
    flexible = np.maximum(case.flexible.target_mw, case.flexible.minimum_mw).sum()
    hydro = (case.hydro_budget_mwh.sum(axis=1) / case.day_hours)[case.time.day]
    net = load + flexible + case.loss_mw + case.export_mw.sum(axis=1) - hydro
    net -= case.renewables_credit * case.available_mw.sum(axis=1)
    return np.maximum(_daily_max(case, net), 0.0) + case.reserve_share_load * _daily_max(case, load)


def start_cost_cny(case: DispatchCase, commitment: Commitment) -> float:
    """Return what all starts cost, CNY."""
    cold = commitment.starts - commitment.hot_starts
    hot_cny = commitment.hot_starts.sum(axis=0) @ case.coal_start_hot_cny
    return float(hot_cny + cold.sum(axis=0) @ case.coal_start_cold_cny)


def _ranks(case: DispatchCase) -> Ints:
    return np.concatenate([np.arange(count) for count in case.coal_units] or [np.zeros(0, np.int64)])


def _whole_days(hours: Floats) -> Ints:
    return np.ceil(hours / 24.0 - 1e-9).astype(np.int64)


def _daily_max(case: DispatchCase, values: Floats) -> Floats:
    first = np.flatnonzero(np.diff(case.time.day, prepend=-1))
    return np.asarray(np.maximum.reduceat(values, first))


def _worth_keeping(need_mw: Floats) -> Floats:
    padded = np.concatenate([need_mw, np.zeros(KEEP_DAYS - 1)])
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, KEEP_DAYS).max(axis=1))


def _queues(case: DispatchCase, plant: Ints, rank: Ints, days: int) -> Ints:
    """Return the order of the units in every turn [turns, units]: by rank, then by the plant's place in it."""
    plants = max(len(case.coal), 1)
    merit = np.empty(len(case.coal), np.int64)
    # Names break ties of cost, so that the order of the table does not matter.
    merit[np.lexsort((np.array(case.coal, dtype=str), case.coal_cost))] = np.arange(len(case.coal))
    turns = np.arange((days - 1) // case.rotation_days + 1)
    place = (merit[None, :] - turns[:, None]) % plants
    return np.argsort(rank[None, :] * plants + place[:, plant], axis=1, kind="stable")


def _by_plant(units: Bools, plant: Ints, plants: int) -> Ints:
    member = (plant[:, None] == np.arange(plants)[None, :]).astype(np.int64)
    return np.asarray(units.astype(np.int64) @ member)


def _on_first_step(case: DispatchCase, daily: Ints) -> Ints:
    steps = np.zeros((len(case.time), daily.shape[1]), np.int64)
    steps[np.flatnonzero(np.diff(case.time.day, prepend=-1))] = daily
    return steps
