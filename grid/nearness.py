"""Injections → how far they are from operating points, as chords feel it (``grid.chord``).

Chords from a point shrink an error by I − J₀⁻¹J in each step. By angles and ln V, where resistances are left out,

    J = ⎡ B'   N  ⎤     with N for ∂P/∂ln V, and ∂Q/∂θ = Nᵀ, as V_i V_j b sin θ_ij enters both,
        ⎣ Nᵀ   B''⎦

and B', B'' hardly differ from one operating point to another (fast decoupled power flow: Stott & Alsaç, IEEE
Trans. PAS-93, 1974). What differs is N, so that I − J₀⁻¹J has ± the singular values of B'^(−½) ΔN B''^(−½) as its
eigenvalues. Their squares are summed here (Frobenius norm); the largest one rules how many steps an hour takes. N
is linear in the active flows: a flow f from i to j puts f (e_i − e_j)(e_i + e_j)ᵀ into it. With the flows Δf of a
DC power flow,

    ‖B'^(−½) ΔN B''^(−½)‖² = Δfᵀ (R' ∘ R'') Δf,    R' = A B'⁻¹ Aᵀ,    R'' = |A| B''⁻¹ |A|ᵀ,

where A holds e_i − e_j and |A| holds e_i + e_j of each branch in its rows, the latter only for buses that hold no
voltage. The distance is therefore |ψ(p) − ψ(c)| with features ψ that are linear in the injections p.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.sparse import csc_matrix
from scipy.sparse.linalg import splu

from grid.model import GridModel
from grid.sensitivities import laplacian, linear_branches, roots_and_free
from scenarios.records import Floats, Ints

PROBES = 24
"""Random injections from which the features that matter most are found."""
OF_POINTS = 4
"""Features that tell the points apart; the others tell how far an hour is from all of them."""
ANGLES = 0.01
"""What squared angle differences over branches count besides: where all buses hold their voltage, N is 0."""
AT_ONCE = 512
"""Branches whose rows of R' ∘ R'' are made at a time."""
ROUNDING = 1e-9


class Nearness(NamedTuple):
    """Weights of the power at each bus, per MW [buses × features]; features of the points [points × features]."""

    weight: Floats
    points: Floats


def nearness(model: GridModel, points_mw: Floats, features: int) -> Nearness:
    """Return ``features`` of injections by which their distance from ``points_mw`` [points × buses] is told.

    At most ``OF_POINTS`` of them span the points; the others are those in which injections that are drawn at random
    differ most, each bus as far as its power at the points does.
    """
    many, view = len(points_mw), _View.of(model)
    probes = np.random.default_rng(0).standard_normal((PROBES, len(model.buses))) * np.abs(points_mw).max(axis=0)
    flows = view.flows(np.vstack([points_mw, probes]) / model.sn_mva)
    coupled = view.coupled(flows)
    gram = flows.T @ coupled
    of_points = _leading(gram[:many, :many], OF_POINTS)
    told = gram[many:, :many] @ of_points
    of_rest = _leading(gram[many:, many:] - told @ told.T, features - of_points.shape[1])
    taken = np.zeros((len(gram), features))
    taken[:many, : of_points.shape[1]] = of_points
    rest = slice(of_points.shape[1], of_points.shape[1] + of_rest.shape[1])
    taken[many:, rest], taken[:many, rest] = of_rest, -of_points @ (told.T @ of_rest)
    return Nearness(view.weights(coupled @ taken) / model.sn_mva, gram[:many] @ taken)


def _leading(gram: Floats, most: int) -> Floats:
    """Return combinations [vectors × at most ``most``] that are orthonormal, largest first, from inner products."""
    size, combination = np.linalg.eigh(gram)
    kept = np.flatnonzero(size > ROUNDING * max(size[-1], np.finfo(float).tiny))[: -most - 1 : -1]
    return np.asarray(combination[:, kept] / np.sqrt(size[kept]))


class _View(NamedTuple):
    """The DC view of a grid: branches' ends and susceptances, buses and solvers of B' and of B''."""

    size: int
    f: Ints
    t: Ints
    b: Floats
    turning: _Part
    stretching: _Part

    @classmethod
    def of(cls, model: GridModel) -> _View:
        b, _ = linear_branches(model)
        _, free = roots_and_free(model)
        matrix = laplacian(model, b)
        parts = [_Part.of(matrix, buses) for buses in (free, np.setdiff1d(free, model.control_bus))]
        return cls(len(model.buses), model.from_bus, model.to_bus, b, *parts)

    def flows(self, p_pu: Floats) -> Floats:
        """Flows [branches × injections] of injections [injections × buses]."""
        angle = self.turning.solve(p_pu.T)
        return self.b[:, None] * (angle[self.f] - angle[self.t])

    def weights(self, weight_of_flows: Floats) -> Floats:
        """Weights of injections [buses × features] from those of the flows [branches × features]."""
        weighted, back = self.b[:, None] * weight_of_flows, np.zeros((self.size, weight_of_flows.shape[1]))
        np.add.at(back, self.f, weighted)
        np.add.at(back, self.t, -weighted)
        return self.turning.solve(back)

    def coupled(self, flows: Floats) -> Floats:
        """(R' ∘ R'') · flows, and what angle differences count besides [branches × injections]."""
        of_angles = np.divide(ANGLES, self.b**2, out=np.zeros_like(self.b), where=self.b != 0)
        result = of_angles[:, None] * flows
        for first in range(0, len(self.b), AT_ONCE):
            part = slice(first, first + AT_ONCE)
            turned = self.turning.solve(self._ends(part, -1.0))
            stretched = self.stretching.solve(self._ends(part, 1.0))
            both = (turned[self.f] - turned[self.t]) * (stretched[self.f] + stretched[self.t])
            result[part] += both.T @ flows
        return result

    def _ends(self, part: slice, sign: float) -> Floats:
        """e_i ± e_j of some branches [buses × branches]."""
        f, t = self.f[part], self.t[part]
        ends, branch = np.zeros((self.size, len(f))), np.arange(len(f))
        ends[f, branch] = 1.0
        ends[t, branch] += sign
        return ends


class _Part(NamedTuple):
    """Some of the buses, and the solver of a matrix among them; the others stay 0."""

    buses: Ints
    solved: Callable[[Floats], Floats] | None

    @classmethod
    def of(cls, matrix: csc_matrix, buses: Ints) -> _Part:
        return cls(buses, splu(matrix[buses][:, buses].tocsc()).solve if len(buses) else None)

    def solve(self, right: Floats) -> Floats:
        """Solve for right-hand sides [buses × any]."""
        result = np.zeros_like(right)
        if self.solved is not None:
            result[self.buses] = self.solved(right[self.buses])
        return result
