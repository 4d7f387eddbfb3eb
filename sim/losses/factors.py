"""AC flow → what one MW more at a bus adds to the losses, and how that grows with the power.

    λ_b   = ∂loss/∂P_b   = Σ_l 2 · r_l · P_l / V_l² · PTDF_lb                        loss factor of a bus
    B_bc  = ∂λ_b/∂P_c    = Σ_l 2 · r_l · PTDF_lb · PTDF_lc                           its growth (B coefficients)

with the resistance r of a branch, its active power P and voltage V of the AC solution, all per unit, and the
sensitivities of the linear flow; what is injected is taken out by the slacks, so that only differences between
buses mean anything. Reactive flow is held to stay as it is. Sources: Kirchmayer 1958, *Economic Operation of Power
Systems* (B coefficients, coordination equations); Wood, Wollenberg & Sheblé 2014, *Power Generation, Operation and
Control*, 3rd ed., ch. 3.
"""

from __future__ import annotations

import numpy as np

from grid.model import FlowResult, GridModel
from grid.sensitivities import ptdf
from scenarios.records import Floats, Ints


def resistance_pu(model: GridModel) -> Floats:
    """Return the series resistance of every branch, circuits in parallel together [branches], pu.

    y_ft · y_tf is the square of the series admittance over the tap ratio, which is near 1.
    """
    series = np.sqrt(model.y_ft_pu * model.y_tf_pu)
    there = series != 0.0
    inverse = np.divide(1.0, series, out=np.zeros_like(series), where=there)
    return np.asarray(np.abs(inverse.real))


def loss_factors(model: GridModel, flow: FlowResult, buses: Ints) -> Floats:
    """Return the loss factors of some buses [hours × places], MW per MW; 0 in hours without a solution."""
    through_pu = (flow.p_from_mw - flow.p_to_mw) / (2.0 * model.sn_mva)
    per_branch = 2.0 * resistance_pu(model) * through_pu / flow.vm_pu[:, model.from_bus] ** 2
    return np.asarray(np.nan_to_num(per_branch) @ ptdf(model)[:, buses])


def loss_bends(model: GridModel, buses: Ints) -> Floats:
    """Return by how much the loss factor of one bus grows per MW injected at another [places × places], 1/MW."""
    reach = ptdf(model)[:, buses]
    return np.asarray(2.0 / model.sn_mva * (reach.T * resistance_pu(model)) @ reach)
