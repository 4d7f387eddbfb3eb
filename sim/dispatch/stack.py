"""Case and commitment → the supply stack of every step: segments of supply in the order of their price.

    coal minimum │ hydro must-run │ wind and PV │ less export above contract │ coal above minimum, by cost
    │ less export, within the band │ shed load │ export below the band │ unserved load │ losses not incurred

The stack supplies what is asked when every channel sends the most that its band allows; sending less is a segment
of supply like any other. Prices of the first three are negative: not using them costs that much. The order above
is the usual one; the prices of the case decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

import numpy as np

from scenarios.records import Floats
from sim.dispatch.commitment import Commitment
from sim.dispatch.model import DispatchCase


class Role(Enum):
    """What a segment of supply is."""

    COAL_MINIMUM = "coal minimum"
    HYDRO_MINIMUM = "hydro must-run"
    RENEWABLES = "wind and PV"
    EXPORT_UP = "less export above the contract"
    COAL = "coal above minimum"
    EXPORT_DOWN = "less export within the band"
    SHED = "shed load"
    EXPORT_CUT = "export below the band"
    UNSERVED = "unserved load"
    LOSS_RELIEF = "losses that do not arise"


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """A segment: its role, price in CNY/MWh, width in MW [hours], and for coal the plants that share it."""

    role: Role
    price: float
    width_mw: Floats
    plants: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Supply:
    """All segments by price, their prices [segments], upper ends [hours × segments], and what is asked [hours]."""

    segments: tuple[Segment, ...]
    price: Floats
    top_mw: Floats
    asked_mw: Floats


def supply(case: DispatchCase, commitment: Commitment) -> Supply:
    """Return the stack of every step, MW and CNY/MWh. Segments of equal price keep the order of the picture."""
    segments = sorted(_segments(case, commitment), key=lambda segment: segment.price)
    return Supply(
        segments=tuple(segments),
        price=np.array([segment.price for segment in segments]),
        top_mw=np.cumsum(np.stack([segment.width_mw for segment in segments], axis=1), axis=1),
        asked_mw=case.load_mw.sum(axis=1) + case.loss_mw + case.export_high_mw.sum(axis=1),
    )


def coal_minimum_mw(case: DispatchCase, commitment: Commitment) -> Floats:
    """Return the technical minimum of the running units of each plant, MW [hours × coal]."""
    return commitment.units_on * (case.coal_unit_mw * case.coal_minimum_pu)


def coal_upper_mw(case: DispatchCase, commitment: Commitment) -> Floats:
    """Return what the running units of each plant can give above their minimum, MW [hours × coal]."""
    return commitment.units_on * (case.coal_unit_mw * (1.0 - case.coal_minimum_pu))


def _segments(case: DispatchCase, commitment: Commitment) -> Iterator[Segment]:
    up = (case.export_high_mw - case.export_mw).sum(axis=1)
    down = (case.export_mw - case.export_low_mw).sum(axis=1)
    unserved = case.load_mw.sum(axis=1) - case.shed_limit_mw
    must_run = case.hydro_minimum_mw.sum(axis=1)[case.time.day]
    least = coal_minimum_mw(case, commitment).sum(axis=1)
    yield Segment(Role.COAL_MINIMUM, -case.price_below_minimum, least)
    yield Segment(Role.HYDRO_MINIMUM, -case.price_hydro_minimum, must_run)
    yield Segment(Role.RENEWABLES, -case.price_curtailed, case.available_mw.sum(axis=1))
    yield Segment(Role.EXPORT_UP, -case.price_export_up, _not_negative(up))
    yield from _coal_segments(case, commitment)
    yield Segment(Role.EXPORT_DOWN, case.price_export_down, _not_negative(down))
    yield Segment(Role.SHED, case.price_shed, case.shed_limit_mw)
    yield Segment(Role.EXPORT_CUT, case.price_export_cut, case.export_low_mw.sum(axis=1))
    yield Segment(Role.UNSERVED, case.price_unserved, _not_negative(unserved))
    yield Segment(Role.LOSS_RELIEF, case.price_loss_relief, case.loss_mw)


def _coal_segments(case: DispatchCase, commitment: Commitment) -> Iterable[Segment]:
    """Plants of equal cost share one segment, pro rata: so the order of the table does not matter."""
    upper = coal_upper_mw(case, commitment)
    for cost in np.unique(case.coal_cost):
        plants = np.flatnonzero(case.coal_cost == cost)
        yield Segment(Role.COAL, float(cost), upper[:, plants].sum(axis=1), tuple(plants.tolist()))


def _not_negative(width_mw: Floats) -> Floats:
    return np.maximum(width_mw, 0.0)
