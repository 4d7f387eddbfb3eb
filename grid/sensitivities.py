"""The linear (DC) view of a compiled grid: power transfer factors (PTDF), outage factors (LODF), DC angles.

Losses and voltages are left out: P_from = b · (θ_from − θ_to − φ) with b = 1 / (x · |tap|), per unit
(Stott, Jardim & Alsaç, "DC power flow revisited", IEEE Trans. Power Systems 24(3), 2009). Dense numpy: the matrices
are [branches × buses] and [branches × branches].
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.sparse import csc_matrix
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu

from grid.model import GridModel
from scenarios.records import Floats, Ints

BRIDGE = 1e-8
"""A branch that carries all of the transfer between its own ends splits the grid when it goes out."""


class LinearBranches(NamedTuple):
    """Susceptance (pu) and phase shift (rad) of every branch in the linear view."""

    b_pu: Floats
    shift_rad: Floats


def linear_branches(model: GridModel) -> LinearBranches:
    """Return susceptances and phase shifts, recovered from the two-port admittances [branches].

    y_ft = −y / conj(t) and y_tf = −y / t, so y_ft·y_tf = (y/|t|)² and y_ft/y_tf = exp(2jφ). The common sign of y
    and exp(jφ) is free; without a shift it is taken as φ = 0, else such that the branch is inductive.
    """
    root = np.sqrt(model.y_ft_pu * model.y_tf_pu)
    turn = -model.y_ft_pu / np.where(root == 0, 1.0, root)
    opposite = np.where(np.abs(turn.imag) < 1e-9, turn.real < 0, root.imag > 0)
    root, turn = np.where(opposite, -root, root), np.where(opposite, -turn, turn)
    with np.errstate(divide="ignore", invalid="ignore"):
        b = np.where(root == 0, 0.0, 1.0 / (1.0 / root).imag)
    return LinearBranches(np.where(np.isfinite(b), b, 0.0), np.where(root == 0, 0.0, np.angle(turn)))


def dc_angles(model: GridModel, p_mw: Floats) -> Floats:
    """Return the DC angles (rad) of every bus for injections ``p_mw`` [buses]; unsupplied buses are 0.

    Each island hangs on its first angle reference, which also takes the residual.
    """
    b, shift = linear_branches(model)
    f, t = model.from_bus, model.to_bus
    given = p_mw / model.sn_mva
    np.add.at(given, f, b * shift)
    np.add.at(given, t, -b * shift)
    roots, free = roots_and_free(model)
    laplace = laplacian(model, b)
    angle = np.zeros(len(model.buses))
    angle[roots] = _reference_angle(model, roots)
    if len(free):
        right = given[free] - laplace[free][:, roots] @ angle[roots]
        angle[free] = splu(laplace[free][:, free].tocsc()).solve(right)
    return angle


def ptdf(model: GridModel) -> Floats:
    """Return the change of each branch flow per unit of injection at each bus [branches × buses].

    The injection is taken out by the slacks in proportion to their weights. Columns of unsupplied buses are 0.
    """
    b, _ = linear_branches(model)
    roots, free = roots_and_free(model)
    laplace = laplacian(model, b)
    reach = np.zeros((len(model.buses), len(model.buses)))
    if len(free):
        reach[np.ix_(free, free)] = splu(laplace[free][:, free].tocsc()).solve(np.eye(len(free)))
    factors = b[:, None] * (reach[model.from_bus] - reach[model.to_bus])
    return factors - _taken_out(model, factors, roots)


def lodf(model: GridModel, factors: Floats | None = None) -> Floats:
    """Return the share of the flow of branch k (column) that branch l (row) takes over when k goes out.

    LODF_lk = (PTDF_l,from k − PTDF_l,to k) / (1 − (PTDF_k,from k − PTDF_k,to k)), −1 on the diagonal (Guo, Fu, Li &
    Shahidehpour, IEEE Trans. Power Systems 24(4), 2009). A column is NaN where the outage splits the grid.
    """
    factors = ptdf(model) if factors is None else factors
    between = factors[:, model.from_bus] - factors[:, model.to_bus]
    left = 1.0 - np.diag(between)
    shares = between / np.where(np.abs(left) < BRIDGE, np.nan, left)
    np.fill_diagonal(shares, np.where(np.abs(left) < BRIDGE, np.nan, -1.0))
    return shares


def laplacian(model: GridModel, b: Floats) -> csc_matrix:
    """Return the matrix of a DC flow [buses × buses] from the susceptances of the branches."""
    f, t, size = model.from_bus, model.to_bus, len(model.buses)
    values = np.concatenate([b, b, -b, -b])
    return csc_matrix((values, (np.concatenate([f, t, f, t]), np.concatenate([f, t, t, f]))), shape=(size, size))


def _islands(model: GridModel) -> Ints:
    size = len(model.buses)
    linked = (model.y_ft_pu != 0) | (model.y_tf_pu != 0)
    pairs = (model.from_bus[linked], model.to_bus[linked])
    _, label = connected_components(
        csc_matrix((np.ones(int(linked.sum())), pairs), shape=(size, size)), directed=False
    )
    return np.asarray(label, dtype=np.int64)


def roots_and_free(model: GridModel) -> tuple[Ints, Ints]:
    """Positions of the first angle reference of every island, and of the other supplied buses."""
    island = _islands(model)
    fixed = model.slack_bus[np.isfinite(model.slack_angle_deg)]
    _, first = np.unique(island[fixed], return_index=True)
    roots = fixed[np.sort(first)]
    supplied = np.isin(island, island[roots])
    supplied[roots] = False
    return roots, np.flatnonzero(supplied)


def _reference_angle(model: GridModel, roots: Ints) -> Floats:
    angle = dict(zip(model.slack_bus.tolist(), model.slack_angle_deg.tolist(), strict=True))
    return np.deg2rad([angle[int(root)] for root in roots])


def _taken_out(model: GridModel, factors: Floats, roots: Ints) -> Floats:
    """Flow caused by taking one unit out at the slacks of the island of each bus [branches × buses]."""
    island = _islands(model)
    taken = np.zeros_like(factors)
    for root in roots:
        members = island[model.slack_bus] == island[root]
        taken[:, island == island[root]] = (factors[:, model.slack_bus[members]] @ model.slack_weight[members])[
            :, None
        ]
    return taken
