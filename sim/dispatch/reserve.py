"""Running units and rules → rows of reserve, as the compiled coordination sees them.

    upwards     Σ coal + Σ hydro − Σ charge                                       ≤ what could run − reserve asked
    downwards   Σ coal + Σ free water + Σ discharge + Σ wind and PV in use        ≥ Σ coal minimum + reserve asked

Hydro, storage, wind and PV stand in a row only if they may provide. A storage counts one way only: what it charges
can stop, what it discharges can stop, and nothing says that its content would last for more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from scenarios.records import Floats
from sim.dispatch.commitment import Commitment
from sim.dispatch.kernels_hour import GIVES, TAKES
from sim.dispatch.model import DispatchCase
from sim.dispatch.rows import reserve_down_mw, reserve_up_mw
from sim.dispatch.stack import Role, Supply, coal_minimum_mw

COAL_ROLES: tuple[Role, ...] = (Role.COAL_MINIMUM, Role.COAL, Role.COAL_TOP)


@dataclass(frozen=True, slots=True, eq=False)
class ReserveRow:
    """A row: MW in it per MW of each column of supply [columns], and per MW that a resource injects.

    ``own`` [2 × resources] is for resources that take and that give; limits [hours] in MW.
    """

    columns: Floats
    own: Floats
    low_mw: Floats
    high_mw: Floats


def reserve_rows(
    case: DispatchCase, commitment: Commitment, stack: Supply, stores: slice, resources: int
) -> Iterator[ReserveRow]:
    """Yield the rows of the reserve that is asked; of ``resources`` the first are hydro, ``stores`` storages."""
    if case.rules.reserve_up:
        yield _upwards(case, commitment, stack, stores, resources)
    if case.rules.reserve_down:
        yield _downwards(case, commitment, stack, stores, resources)


def _upwards(
    case: DispatchCase, commitment: Commitment, stack: Supply, stores: slice, resources: int
) -> ReserveRow:
    by, own, roles = case.rules.reserve_by, np.zeros((2, resources)), COAL_ROLES
    could_run = commitment.units_on @ case.coal_unit_mw
    if "hydro" in by:
        own[:, : len(case.hydros)] = 1.0
        roles = (*roles, Role.HYDRO_MINIMUM)
        could_run = could_run + case.hydro_capacity_mw.sum()
    if "storage" in by:
        own[TAKES, stores] = 1.0
    high = could_run - reserve_up_mw(case, commitment.units_on)
    return ReserveRow(_of_roles(stack, roles), own, np.full_like(high, -np.inf), high)


def _downwards(
    case: DispatchCase, commitment: Commitment, stack: Supply, stores: slice, resources: int
) -> ReserveRow:
    by, own, roles = case.rules.reserve_by, np.zeros((2, resources)), COAL_ROLES
    if "hydro" in by:
        own[:, : len(case.hydros)] = 1.0
    if "storage" in by:
        own[GIVES, stores] = 1.0
    if "renewables" in by:
        roles = (*roles, Role.RENEWABLES)
    low = coal_minimum_mw(case, commitment).sum(axis=1) + reserve_down_mw(case)
    return ReserveRow(_of_roles(stack, roles), own, low, np.full_like(low, np.inf))


def _of_roles(stack: Supply, roles: tuple[Role, ...]) -> Floats:
    """Return 1 for the columns of supply that have one of the roles, 0 for all others [columns]."""
    return np.repeat(
        [float(segment.role in roles) for segment in stack.segments],
        [len(segment.things) for segment in stack.segments],
    )
