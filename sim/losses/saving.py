"""A plan and its AC flow → the loss factors of its plants; two plans → what dispatching by loss factors saved."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from sim.correction import Plan, Setting
from sim.dispatch.limits import buses_of
from sim.losses import true_loss_mw
from sim.losses.factors import loss_bends, loss_factors
from sim.losses.shares import LossFactors


@dataclass(frozen=True, slots=True)
class PlantFactor:
    """Mean loss factor of a plant over the solved hours, weighted by what it gave; MWh with and without factors."""

    plant: str
    factor: float
    mwh_before: float
    mwh: float


@dataclass(frozen=True, slots=True)
class LossSaving:
    """Losses of the AC flow and total cost without and with loss factors; whether the run goes on with them."""

    loss_mwh_before: float
    loss_mwh: float
    cost_cny_before: float
    cost_cny: float
    kept: bool
    plants: tuple[PlantFactor, ...]


def factors_of(setting: Setting, plan: Plan) -> LossFactors:
    """Return the loss factors of coal and hydro at the powers of a plan."""
    place, case = buses_of(setting.scenario, setting.model), plan.case
    names = (*case.coal, *case.hydros)
    buses = np.array([place[name] for name in names], dtype=np.int64)
    return LossFactors(
        plants=names,
        known=plan.flow.solved,
        at_mw=np.hstack([plan.result.coal_mw, plan.result.hydro_mw]),
        factor=loss_factors(setting.model, plan.flow, buses),
        bend=loss_bends(setting.model, buses),
    )


def saving_of(before: Plan, after: Plan, factors: LossFactors) -> LossSaving:
    """Return what changed between the plan without factors and the one made with ``factors``."""
    step_h = before.case.time.step_h
    mwh = [np.hstack([plan.result.coal_mw, plan.result.hydro_mw]).sum(axis=0) * step_h for plan in (before, after)]
    weight = np.where(factors.known[:, None], factors.at_mw, 0.0)
    mean = (weight * factors.factor).sum(axis=0) / np.maximum(weight.sum(axis=0), 1e-9)
    losses = [float(true_loss_mw(plan.case, plan.flow).sum()) * step_h for plan in (before, after)]
    return LossSaving(
        loss_mwh_before=losses[0],
        loss_mwh=losses[1],
        cost_cny_before=before.result.total_cost_cny,
        cost_cny=after.result.total_cost_cny,
        kept=after.result.total_cost_cny < before.result.total_cost_cny,
        plants=tuple(
            PlantFactor(name, float(factor), float(old), float(new))
            for name, factor, old, new in zip(factors.plants, mean, *mwh, strict=True)
        ),
    )


def saving_sentence(saving: LossSaving) -> str:
    """Return what loss factors changed, for a log."""
    less_gwh = (saving.loss_mwh_before - saving.loss_mwh) / 1000.0
    less_cost = (saving.cost_cny_before - saving.cost_cny) / 1e6
    end = "" if saving.kept else "; the dispatch without them costs less and is kept"
    return (
        f"Loss factors: losses {saving.loss_mwh / 1000.0:,.1f} GWh, {less_gwh:,.2f} GWh less; "
        f"cost {less_cost:,.3f} million CNY less{end} · 计入网损因子后的变化"
    )


def saving_part(saving: LossSaving | None) -> dict[str, Any] | None:
    """Return what ``run.json`` says of it; none without loss factors."""
    return None if saving is None else asdict(saving)
