"""``AdequacySystem`` → exact indices of one node, where energy is not carried from hour to hour.

The capacity outage table (step 1 MW) holds the probability of every loss of capacity. An hour with reserve
R = capacity in service + renewables − load is short when the loss exceeds R (strictly):

    LOLH = Σ P(loss > R)      EUE = Σ E[(loss − R)⁺]        over hours, mean over weather years and load forecasts
    LOLF = Σ P(loss > R now, loss ≤ R before)               from the table of two consecutive hours
    LOLE by daily peaks = Σ P(loss > R at the day's peak)   which is not LOLH / 24

Sources: Billinton & Allan 1996, Reliability Evaluation of Power Systems, chapters 2 and 3; the load forecast by a
seven-step normal distribution, section 2.7. A unit whose size is not a whole number of MW is split between the two
neighbouring steps in proportion, which keeps its mean (section 2.5.2, rounding).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from scenarios import jitcache  # noqa: F401  (before numba)
from scenarios.errors import ScenarioError
from scenarios.records import Bools, Floats, Ints
from sim.reliability.kernels import BY_EXPORT, SMALL_MW
from sim.reliability.kernels_convolution import add_unit, add_unit_twice, both_within
from sim.reliability.sampling import MEASURES, STEPS_OF_NORMAL
from sim.reliability.system import AdequacySystem

NEGLIGIBLE = 1e-13
"""The table of two consecutive hours ends where a larger loss has less than this probability."""

LARGEST_PAIR_TABLE_MW = 4000
"""Where that table would need more than 128 MB, LOLF is not given."""


@dataclass(frozen=True, slots=True)
class Exact:
    """Exact indices of the span; ``lolf`` where it could be reckoned."""

    lolh_h: float
    eue_mwh: float
    lole_daily_peak: float
    lolf: float | None


@dataclass(frozen=True, slots=True, eq=False)
class OutageTable:
    """Tail of the loss of capacity: P(loss ≥ k) and Σ_{loss ≥ k} loss · P, MW, for k = 0, 1, … [MW + 1]."""

    at_least: Floats
    mean_from: Floats

    def risk(self, reserve_mw: Floats) -> Floats:
        """Return the probability that the loss exceeds a reserve (any shape)."""
        return np.asarray(self.at_least[self._first_short(reserve_mw)])

    def shortage_mw(self, reserve_mw: Floats) -> Floats:
        """Return the expected shortage at a reserve, MW (any shape)."""
        first = self._first_short(reserve_mw)
        return np.asarray(self.mean_from[first] - reserve_mw * self.at_least[first])

    def _first_short(self, reserve_mw: Floats) -> Ints:
        """Return the smallest loss in whole MW that exceeds a reserve; beyond the table nothing is left to lose."""
        first = np.floor(reserve_mw + SMALL_MW).astype(np.int64) + 1
        return np.clip(first, 0, len(self.at_least) - 1)


def applies(system: AdequacySystem) -> bool:
    """Whether the convolution is exact for a system: one node, and nothing carries energy between hours."""
    stored = "storage" in system.measures and len(system.storages) > 0
    responsive = bool((system.response_mw != 0).any())
    return not (stored or responsive or len(system.hydros) or system.network is not None)


def exact(system: AdequacySystem) -> Exact:
    """Return the exact indices; raises ``ScenarioError`` where the method does not apply."""
    if not applies(system):
        raise ScenarioError("the convolution needs a system without storage, demand response and hydro limits")
    pairs = pair_table(system)
    if system.load_uncertainty == 0:
        return _by_load(system, pairs, 1.0)
    parts = [_by_load(system, pairs, 1 + k * system.load_uncertainty) for k in range(-3, 4)]
    weights = np.array(STEPS_OF_NORMAL)
    lolf = None if parts[0].lolf is None else float(weights @ [part.lolf or 0.0 for part in parts])
    return Exact(
        float(weights @ [part.lolh_h for part in parts]),
        float(weights @ [part.eue_mwh for part in parts]),
        float(weights @ [part.lole_daily_peak for part in parts]),
        lolf,
    )


def _by_load(system: AdequacySystem, pairs: Floats | None, factor: float) -> Exact:
    """Return the indices when the load is ``factor`` times the forecast."""
    lolh, eue, daily = 0.0, 0.0, 0.0
    asked = _asked_mw(system, factor)
    for hours, in_service in _spells_of_service(system):
        table = outage_table(system, in_service)
        reserve = float(system.capacity_mw[in_service].sum()) - asked[:, hours]
        lolh += float(table.risk(reserve).sum(axis=1).mean()) * system.time.step_h
        eue += float(table.shortage_mw(reserve).sum(axis=1).mean()) * system.time.step_h
        daily += float(table.risk(_least_of_days(reserve, system.time.day[hours])).sum(axis=1).mean())
    return Exact(lolh, eue, daily, None if pairs is None else frequency(system, pairs, asked))


def _asked_mw(system: AdequacySystem, factor: float) -> Floats:
    """Return load and firm export less renewables [weathers × hours]; what may be cut first is no demand."""
    firm = BY_EXPORT not in (MEASURES[name] for name in system.measures)
    asked = system.load_mw * factor - system.renewable_mw.sum(axis=2)
    return np.asarray(asked + (system.export_mw if firm else 0.0))


def _spells_of_service(system: AdequacySystem) -> Iterator[tuple[slice, Bools]]:
    """Yield spans of hours in which the same units are in service (not in planned maintenance) [units]."""
    edges = sorted({0, len(system.time), *system.out_from.tolist(), *system.out_to.tolist()})
    for begin, end in pairwise(edges):
        out = (system.out_from <= begin) & (begin < system.out_to)
        yield slice(begin, end), np.asarray(~out)


def _least_of_days(reserve: Floats, day: Ints) -> Floats:
    """Return the smallest reserve of each calendar day [weathers × days]."""
    firsts = np.flatnonzero(np.diff(day, prepend=-1))
    return np.asarray(np.minimum.reduceat(reserve, firsts, axis=1))


def outage_table(system: AdequacySystem, in_service: Bools) -> OutageTable:
    """Return the table of the units in service [units]."""
    top = int(np.ceil(system.capacity_mw[in_service]).sum())
    table = np.zeros(top + 2)
    table[0], filled = 1.0, 0
    for u in np.flatnonzero(in_service):
        lost, p = on_the_grid(*states_of(system, int(u)))
        add_unit(table, filled, lost, p)
        filled += int(lost.max())
    losses = np.arange(top + 2)
    return OutageTable(
        at_least=np.cumsum(table[::-1])[::-1].copy(), mean_from=np.cumsum((table * losses)[::-1])[::-1].copy()
    )


def states_of(system: AdequacySystem, unit: int) -> tuple[Floats, Floats]:
    """Return MW lost and probability of the states up, out, derated of a unit."""
    capacity, down = float(system.capacity_mw[unit]), float(system.unavailability[unit])
    derated = float(system.derated_share[unit])
    lost = np.array([0.0, capacity, capacity - system.derated_mw[unit]])
    return lost, np.array([1 - down, down * (1 - derated), down * derated])


def on_the_grid(lost_mw: Floats, p: Floats) -> tuple[Ints, Floats]:
    """Return states on whole MW: each is split between its two neighbours so that its mean stays."""
    below = np.floor(lost_mw + SMALL_MW)
    above = np.maximum(lost_mw - below, 0.0)
    lost = np.concatenate([below, below + 1]).astype(np.int64)
    split = np.concatenate([p * (1 - above), p * above])
    return lost[split > 0], split[split > 0]


def frequency(system: AdequacySystem, pairs: Floats, asked_mw: Floats) -> float | None:
    """Return the expected number of spells of shortage, for hours as they follow each other [weathers × hours].

    ``None`` when load exceeds the capacity in some hour: that lies outside the table.
    """
    reserve = np.floor(system.capacity_mw.sum() - asked_mw + SMALL_MW).astype(np.int64)
    if (reserve < 0).any():
        return None
    last = len(pairs) - 1
    reserve = np.minimum(reserve, last)
    before, now = reserve[:, :-1], reserve[:, 1:]
    begins = (pairs[before, last] - pairs[before, now]).sum(axis=1) + (1 - pairs[reserve[:, 0], last])
    return float(begins.mean())


def pair_table(system: AdequacySystem) -> Floats | None:
    """Return P(loss ≤ x now and ≤ y one step later) [MW × MW]; exact for whole MW without maintenance.

    ``None`` where it would not be exact or would be too large.
    """
    whole = bool((system.capacity_mw % 1 == 0).all() and (system.derated_mw % 1 == 0).all())
    if not whole or (system.out_to > system.out_from).any() or not len(system.units):
        return None
    risk = outage_table(system, np.ones(len(system.units), dtype=bool)).at_least
    size = int((risk > NEGLIGIBLE).sum())
    if size > LARGEST_PAIR_TABLE_MW:
        return None
    table = np.zeros((size, size))
    table[0, 0] = 1.0
    for u in range(len(system.units)):
        add_unit_twice(table, *_pair_states(system, u))
    both_within(table)
    return table


def _pair_states(system: AdequacySystem, unit: int) -> tuple[Ints, Ints, Floats]:
    """Return MW lost now, MW lost one step later, and the probability of each pair of states [pairs].

    Up ⇄ not up is a Markov chain in continuous time: P(up → up) = A + (1 − A)·e^{−(λ+μ)Δ} (Billinton & Allan,
    section 9.2). From not up, a unit is in the *same* outage with e^{−μΔ}; else its state has forgotten the first.
    """
    lost, p = states_of(system, unit)
    step_h = system.time.step_h
    up, rate_up, rate_down = p[0], 1 / system.mean_up_h[unit], 1 / system.mean_down_h[unit]
    fading = math.exp(-(rate_up + rate_down) * step_h)
    same = math.exp(-rate_down * step_h)
    kinds = p[1:] / max(1 - up, 1e-300)
    later_up = up * (1 - fading)  # from not up
    again = 1 - later_up - same  # repaired and out once more
    to = np.zeros((3, 3))
    to[0] = np.concatenate([[up + (1 - up) * fading], (1 - up) * (1 - fading) * kinds])
    to[1:, 0] = later_up
    to[1:, 1:] = same * np.eye(2) + again * kinds
    together = p[:, None] * to
    now, later = np.nonzero(together > 0)
    whole = np.round(lost).astype(np.int64)
    return whole[now], whole[later], together[now, later]
