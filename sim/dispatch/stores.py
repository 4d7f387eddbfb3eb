"""Case → the stores of the compiled coordination: moved load, storages by kind, accounts of export.

All three hold back energy between steps. Moved load comes first: it is cheaper. An account is what a channel sent
beyond its contract, where export has to balance: charged by sending more, discharged by sending less.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np

from scenarios.records import Bools, Floats, Ints
from sim.dispatch.columns import NO_BOUND, account_bound_mwh, day_ends
from sim.dispatch.kernels_state import Stack, Stores
from sim.dispatch.limits import NetworkLimits
from sim.dispatch.model import START_CONTENT, DispatchCase, DispatchResult
from sim.dispatch.service import coal_cost_by_step_cny
from sim.dispatch.stack import balanced
from sim.dispatch.state import State

TORN = 5e-4
"""Part of the coal cost of a day that channels may gain by trading with each other, before that is looked into."""


class Kinds(NamedTuple):
    """Storages by kind: the kind of each storage, its share in the kind, and the first storage of each kind."""

    kind: Ints
    share: Floats
    first: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Stores of one sort: fields of ``Stores`` of the same names, [stores] or [stores × steps]."""

    end_mwh: Floats
    inside_mwh: Floats
    charge_efficiency: Floats
    discharge_efficiency: Floats
    keep: Floats
    end_value: Floats
    charge_price: Floats
    discharge_price: Floats
    start_mwh: Floats
    low_mwh: Floats
    high_mwh: Floats
    most_charge_mw: Floats
    most_discharge_mw: Floats


def storage_kinds(
    case: DispatchCase, limits: NetworkLimits | None = None, stored_mwh: Floats | None = None
) -> Kinds:
    """Return which storages act as one: equal efficiencies, self-discharge, hours of storage and reach.

    Contents ``stored_mwh`` [storages] that they begin with, if given, must be equal by share, too.
    """
    features = np.stack(
        [
            case.storage_charge_efficiency,
            case.storage_discharge_efficiency,
            case.storage_self_discharge_per_h,
            case.storage_energy_mwh / case.storage_power_mw,
            *(() if stored_mwh is None else (stored_mwh / case.storage_energy_mwh,)),
            *(() if limits is None else limits.storages),
        ],
        axis=1,
    )
    return kinds_of(case, np.unique(features.round(9), axis=0, return_inverse=True)[1].ravel())


def kinds_of(case: DispatchCase, kind: Ints) -> Kinds:
    """Return the kinds with the number of the ``kind`` of each storage given."""
    first = np.unique(kind, return_index=True)[1]
    power = np.bincount(kind, weights=case.storage_power_mw, minlength=len(first))
    return Kinds(kind, case.storage_power_mw / power[kind], first)


def accounts(case: DispatchCase) -> int:
    """Return how many channels have an account: all or none."""
    return len(case.channels) if balanced(case) else 0


def stores_of(case: DispatchCase, kinds: Kinds, first: int) -> Stores:
    """Return all stores before the first step; they are the resources from ``first`` on."""
    parts = (_moved_load(case), _storages(case, kinds), _accounts(case))
    joined = {item.name: np.concatenate([getattr(part, item.name) for part in parts]) for item in fields(Part)}
    count, steps = len(joined["keep"]), len(case.time)
    return Stores(
        resource=first + np.arange(count),
        accounts=count - accounts(case),
        daily=np.arange(count) == 0,
        charge_mw=np.zeros((count, steps)),
        discharge_mw=np.zeros((count, steps)),
        level_mwh=np.zeros((count, steps)),
        **joined,
    )


def level_of(case: DispatchCase, kinds: Kinds, state: State) -> Floats:
    """Return the contents of all stores in a state, MWh."""
    stored = np.bincount(kinds.kind, weights=state.stored_mwh, minlength=len(kinds.first))
    return np.concatenate([[state.moved_mwh], stored, state.account_mwh[: accounts(case)]])


def _moved_load(case: DispatchCase) -> Part:
    most, none, whole = case.shift_limit_mw[None, :], np.zeros(1), np.ones(1)
    energy, price = np.full_like(most, case.shift_energy_mwh), np.array([case.price_shift])
    made_up = np.array([case.shift_efficiency])
    return Part(none, none, made_up, whole, whole, none, price, price, none, -energy, energy, most, most)


def _storages(case: DispatchCase, kinds: Kinds) -> Part:
    first, count = kinds.first, len(kinds.first)
    power, energy = np.zeros((2, count))
    np.add.at(power, kinds.kind, case.storage_power_mw)
    np.add.at(energy, kinds.kind, case.storage_energy_mwh)
    most = np.repeat(power[:, None], len(case.time), axis=1)
    price = np.full(count, case.price_storage)
    keep = (1.0 - case.storage_self_discharge_per_h[first]) ** case.time.step_h
    return Part(
        end_mwh=energy,
        inside_mwh=energy,
        charge_efficiency=case.storage_charge_efficiency[first],
        discharge_efficiency=case.storage_discharge_efficiency[first],
        keep=keep,
        end_value=case.rules.storage_end_cny_per_mwh / keep,
        charge_price=price,
        discharge_price=price,
        start_mwh=START_CONTENT * energy,
        low_mwh=np.zeros_like(most),
        high_mwh=np.repeat(energy[:, None], len(case.time), axis=1),
        most_charge_mw=most,
        most_discharge_mw=most,
    )


def _accounts(case: DispatchCase) -> Part:
    count, steps = accounts(case), len(case.time)
    end = account_bound_mwh(case)[:count]
    inside = np.where(case.rules.export_balance == "day", NO_BOUND, end)
    high = np.repeat(inside[:, None], steps, axis=1)
    high[:, day_ends(case)] = end[:, None]
    return Part(
        end_mwh=end,
        inside_mwh=inside,
        charge_efficiency=np.ones(count),
        discharge_efficiency=np.ones(count),
        keep=np.ones(count),
        end_value=np.zeros(count),
        charge_price=np.full(count, case.price_export_up),
        discharge_price=np.full(count, case.price_export_down),
        start_mwh=np.zeros(count),
        low_mwh=-high,
        high_mwh=high,
        most_charge_mw=np.maximum(case.export_high_mw - case.export_mw, 0.0).T[:count],
        most_discharge_mw=np.maximum(case.export_mw - case.export_low_mw, 0.0).T[:count],
    )


def torn_days(case: DispatchCase, stack: Stack, stores: Stores, result: DispatchResult) -> Bools:
    """Return the days in which prices tear channels apart that have to balance [days].

    Moves take one channel at a time, so that one sends more and another less in an hour behind wires only if both
    pay by themselves. What all channels could gain by half their bands at the prices of their places, each against
    their mean, bounds what that misses; ``TORN`` of what coal costs is too much.
    """
    lines = stack.line[stores.resource[stores.accounts :]]
    if not stack.seen.any() or not len(lines):
        return np.zeros(len(case.hydro_budget_mwh), dtype=bool)
    price = _middle(stack.up_price[lines], stack.down_price[lines])
    band = (stores.most_charge_mw + stores.most_discharge_mw)[stores.accounts :]
    gain = (np.abs(price - price.mean(axis=0)) * band).sum(axis=0) / 2.0 * case.time.step_h
    by_day = np.bincount(case.time.day, np.where(stack.seen, gain, 0.0))
    return np.asarray(by_day > TORN * np.bincount(case.time.day, coal_cost_by_step_cny(case, result)))


def _middle(up: Floats, down: Floats) -> Floats:
    """Return prices between those of one MW more and of one MW less; where one is infinite, the other."""
    up, down = np.where(np.isfinite(up), up, down), np.where(np.isfinite(down), down, up)
    return np.where(np.isfinite(up), (up + down) / 2.0, 0.0)
