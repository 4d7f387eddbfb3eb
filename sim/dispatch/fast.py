"""The ``fast`` solver: case → result in one compiled walk over rolling windows.

Commitment first; then the supply stack of every step; then stores, moved load and hydro are coordinated by pairwise
exchange between steps (``kernels``); then every step is read off its stack. Storages of one kind (efficiencies,
self-discharge, hours of storage) act as one and share by power, which loses nothing while the network is no limit.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from scenarios import jitcache  # noqa: F401  (before numba)
from scenarios.records import Floats, Ints
from sim.dispatch.commitment import commit
from sim.dispatch.kernels import coordinate
from sim.dispatch.kernels_moves import Clock, Stack, Stores, Water
from sim.dispatch.model import START_CONTENT, DispatchCase, DispatchResult
from sim.dispatch.settle import Schedule, settle
from sim.dispatch.stack import Supply, supply


class Kinds(NamedTuple):
    """Storages by kind: the kind of each storage, its share in the kind, and the first storage of each kind."""

    kind: Ints
    share: Floats
    first: Ints


def solve(case: DispatchCase) -> DispatchResult:
    """Return who runs when. Deterministic; no threads. Raises ``InvariantError`` when a step cannot be balanced."""
    commitment = commit(case)
    segments = supply(case, commitment)
    return settle(case, commitment, segments, coordinated(case, segments))


def coordinated(case: DispatchCase, segments: Supply) -> Schedule:
    """Return the schedule of everything that couples steps: hydro, storage, moved load."""
    kinds = storage_kinds(case)
    order = np.argsort(-case.hydro_capacity_mw, kind="stable")
    stores, water = _stores(case, kinds), _water(case, order)
    coordinate(_stack(segments), stores, water, _clock(case))
    hydro = np.empty((len(case.time), len(case.hydros)))
    hydro[:, order] = np.maximum(water.flow_mw.T, 0.0)
    return Schedule(
        hydro_mw=hydro,
        charge_mw=_split(stores.charge_mw, kinds),
        discharge_mw=_split(stores.discharge_mw, kinds),
        stored_mwh=np.maximum(_split(stores.level_mwh, kinds), 0.0),
        shift_up_mw=stores.charge_mw[0].copy(),
        shift_down_mw=stores.discharge_mw[0].copy(),
    )


def storage_kinds(case: DispatchCase) -> Kinds:
    """Return which storages act as one: equal efficiencies, self-discharge and hours of storage."""
    hours = case.storage_energy_mwh / case.storage_power_mw
    features = np.stack(
        [
            case.storage_charge_efficiency,
            case.storage_discharge_efficiency,
            case.storage_self_discharge_per_h,
            hours,
        ],
        axis=1,
    )
    _, first, kind = np.unique(features.round(9), axis=0, return_index=True, return_inverse=True)
    power = np.bincount(kind, weights=case.storage_power_mw, minlength=len(first))
    return Kinds(kind, case.storage_power_mw / power[kind], first)


def _stack(segments: Supply) -> Stack:
    steps = len(segments.asked_mw)
    return Stack(
        price=segments.price,
        top_mw=np.ascontiguousarray(segments.top_mw),
        net_mw=segments.asked_mw.copy(),
        place=np.zeros(steps, np.int64),
        up_price=np.zeros(steps),
        up_room_mw=np.zeros(steps),
        down_price=np.zeros(steps),
        down_room_mw=np.zeros(steps),
    )


def _stores(case: DispatchCase, kinds: Kinds) -> Stores:
    """Return moved load as store 0 (it comes first: it is cheaper), then one store per kind of storage."""
    first, steps = kinds.first, len(case.time)
    count = len(first)
    power = np.bincount(kinds.kind, weights=case.storage_power_mw, minlength=count)
    energy = np.bincount(kinds.kind, weights=case.storage_energy_mwh, minlength=count)
    keep = (1.0 - case.storage_self_discharge_per_h[first]) ** case.time.step_h
    return Stores(
        low_mwh=np.concatenate([[-case.shift_energy_mwh], np.zeros(count)]),
        high_mwh=np.concatenate([[case.shift_energy_mwh], energy]),
        charge_efficiency=np.concatenate([[1.0], case.storage_charge_efficiency[first]]),
        discharge_efficiency=np.concatenate([[1.0], case.storage_discharge_efficiency[first]]),
        keep=np.concatenate([[1.0], keep]),
        price=np.concatenate([[case.price_shift], np.full(count, case.price_storage)]),
        start_mwh=np.concatenate([[0.0], START_CONTENT * energy]),
        daily=np.arange(count + 1) == 0,
        power_mw=np.vstack([case.shift_limit_mw, np.repeat(power[:, None], steps, axis=1)]),
        charge_mw=np.zeros((count + 1, steps)),
        discharge_mw=np.zeros((count + 1, steps)),
        level_mwh=np.zeros((count + 1, steps)),
    )


def _water(case: DispatchCase, order: Ints) -> Water:
    """Return hydro above its must-run, the largest plant first."""
    minimum = case.hydro_minimum_mw
    mean = np.maximum(case.hydro_budget_mwh / case.day_hours[:, None] - minimum, 0.0)
    most = np.maximum(case.hydro_capacity_mw - minimum, 0.0)
    return Water(
        mean_mw=np.ascontiguousarray(mean[:, order].T),
        most_mw=np.ascontiguousarray(most[:, order].T),
        flow_mw=np.zeros((len(case.hydros), len(case.time))),
        spare_mwh=np.zeros((len(case.hydros), len(minimum))),
        spill_price=case.price_spilled,
    )


def _clock(case: DispatchCase) -> Clock:
    day = case.time.day
    kept = max(round(case.step_window_h / case.time.step_h), 1)
    return Clock(
        day=day,
        first_step=np.append(np.flatnonzero(np.diff(day, prepend=-1)), len(day)),
        step_h=float(case.time.step_h),
        window_steps=max(round(case.look_ahead_h / case.time.step_h), kept),
        kept_steps=kept,
    )


def _split(by_kind: Floats, kinds: Kinds) -> Floats:
    """Return [hours × storages] from [1 + kinds × hours], whose first row is not a storage."""
    return np.ascontiguousarray((by_kind[1:][kinds.kind] * kinds.share[:, None]).T)
