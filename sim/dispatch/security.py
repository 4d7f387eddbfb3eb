"""Grid → rows that keep every branch within its emergency rating after the loss of any one circuit (N-1).

A branch may stand for ``circuits`` equal circuits; what fails is one of them. With φ the flow in each branch per MW
moved from the ends of branch k (its PTDF difference), and n the circuits of k, the loss of one circuit changes

    branch l ≠ k     F_l + φ_l / n / (1 − φ_k / n) · F_k
    the rest of k    (1 − 1/n) · (1 + φ_k / n / (1 − φ_k / n)) · F_k

which are the usual line outage distribution factors for n = 1. Source: Wood, Wollenberg, Sheblé 2014, Power
Generation, Operation, and Control, ch. 7 (LODF), with the lost circuit as a branch of 1/n of the susceptance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from grid.model import GridModel
from scenarios.records import Bools, Floats, Ints

BRIDGE = 1e-6
"""A circuit whose loss leaves less than this of a transfer on other ways is a bridge: its loss splits the grid."""


@dataclass(frozen=True, slots=True, eq=False)
class Circuits:
    """How many equal circuits each branch has [branches], and its emergency rating per normal rating [branches]."""

    count: Ints
    emergency: Floats


@dataclass(frozen=True, slots=True, eq=False)
class SecureRows:
    """Rows as flows per MW injected at buses [rows × buses], their names and limits, and the bridges left out."""

    names: tuple[str, ...]
    flows: Floats
    limit_mw: Floats
    bridges: tuple[str, ...]


def secure_rows(model: GridModel, ptdf: Floats, limit_mw: Floats, circuits: Circuits) -> SecureRows:
    """Return the rows that can matter, given that all branches keep to ``limit_mw`` before the loss.

    A row is left out when even full flows in both branches cannot bring it above its emergency rating.
    """
    names: list[str] = []
    flows, limits, bridges = [np.zeros((0, len(model.buses)))], [np.zeros(0)], []
    for lost in range(len(model.branches)):
        share = 1.0 / circuits.count[lost]
        moved = ptdf[:, model.from_bus[lost]] - ptdf[:, model.to_bus[lost]]
        if 1.0 - moved[lost] * share < BRIDGE:
            bridges.append(model.branches[lost])
            continue
        added = moved * share / (1.0 - moved[lost] * share)
        own, emergency = np.ones(len(moved)), limit_mw * circuits.emergency
        own[lost] -= share
        added[lost] *= own[lost]
        emergency[lost] *= own[lost]
        keep = _can_bind(own * limit_mw, np.abs(added) * limit_mw[lost], emergency)
        names += [f"{model.branches[row]} without {model.branches[lost]}" for row in np.flatnonzero(keep)]
        flows.append(own[keep, None] * ptdf[keep] + added[keep, None] * ptdf[lost])
        limits.append(emergency[keep])
    return SecureRows(tuple(names), np.vstack(flows), np.concatenate(limits), tuple(bridges))


def _can_bind(own_mw: Floats, added_mw: Floats, emergency_mw: Floats) -> Bools:
    """Whether flows of at most ``own_mw`` and ``added_mw`` can pass the rating; unrated rows cannot."""
    return np.asarray(np.isfinite(emergency_mw) & (emergency_mw > 0.0) & (own_mw + added_mw > emergency_mw))
