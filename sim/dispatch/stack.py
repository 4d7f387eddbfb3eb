"""Case and commitment → the supply stack of every step: segments of supply in the order of their price.

    coal minimum │ hydro must-run │ wind and PV │ less export above contract │ coal above minimum, by cost
    │ less export, within the band │ shed load │ export below the band │ minimum of flexible loads
    │ unserved load │ losses not incurred

The stack supplies what is asked when every channel sends the most that its band allows and flexible loads take all
their power; sending less is a segment of supply like any other. Load that is shed out of an energy of the day or
the year couples steps and is no segment. Where export has to balance, channels send their contract, and what they
send more or less is not in the stack: it couples the steps. Sending less than the band is then paid twice, there
and in the balance. Prices of the first three are negative: not using them costs that much. The order above is the
usual one; the prices of the case decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

import numpy as np

from scenarios.records import Floats, Ints
from sim.dispatch.columns import knee_pu, load_share
from sim.dispatch.commitment import Commitment
from sim.dispatch.model import DispatchCase


class Role(Enum):
    """What a segment of supply is."""

    COAL_MINIMUM = "coal minimum"
    HYDRO_MINIMUM = "hydro must-run"
    RENEWABLES = "wind and PV"
    EXPORT_UP = "less export above the contract"
    COAL = "coal above minimum"
    COAL_TOP = "coal above its knee"
    EXPORT_DOWN = "less export within the band"
    SHED = "shed load"
    EXPORT_CUT = "export below the band"
    FLEXIBLE_CUT = "minimum of flexible loads"
    UNSERVED = "unserved load"
    LOSS_RELIEF = "losses that do not arise"


@dataclass(frozen=True, eq=False)
class Segment:
    """A segment: its role, price in CNY/MWh, whose it is [things], and how wide in MW [hours × things].

    ``things`` are places on the axis of the case that the role belongs to. They share the segment in proportion.
    """

    role: Role
    price: float
    things: Ints
    part_mw: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Supply:
    """All segments by price, their prices [segments], widths and upper ends [segments × hours]; asked [hours], MW.

    ``sent_mw`` [hours × channels] is the part of it that channels send.
    """

    segments: tuple[Segment, ...]
    price: Floats
    width_mw: Floats
    top_mw: Floats
    asked_mw: Floats
    sent_mw: Floats

    def used_mw(self, net_mw: Floats, steps: slice = slice(None)) -> Floats:
        """Return what is used of every segment in some steps when ``net_mw`` is taken off the stack from below.

        [segments × steps], MW; ``share_of`` turns it into shares.
        """
        used = np.empty((len(self.segments), len(net_mw)))
        used[0] = net_mw
        np.subtract(net_mw, self.top_mw[:-1, steps], out=used[1:])
        return np.clip(used, 0.0, self.width_mw[:, steps], out=used)


def share_of(part: Floats, whole: Floats) -> Floats:
    """Return part / whole, 0 where the whole is nothing."""
    return np.asarray(np.divide(part, whole, out=np.zeros_like(whole), where=whole > 0.0))


def row_sums(values: Floats) -> Floats:
    """Return the sum of each row: as a product, where rows are short, in a fraction of the time."""
    return np.asarray(values @ np.ones(values.shape[1]))


def supply(case: DispatchCase, commitment: Commitment) -> Supply:
    """Return the stack of every step, MW and CNY/MWh. Segments of equal price keep the order of the picture."""
    flexible = case.flexible.power_mw.sum()
    segments = sorted(_segments(case, commitment), key=lambda segment: segment.price)
    sent = case.export_mw if balanced(case) else case.export_high_mw
    width = np.array([row_sums(segment.part_mw) for segment in segments])
    return Supply(
        segments=tuple(segments),
        price=np.array([segment.price for segment in segments]),
        width_mw=width,
        top_mw=np.cumsum(width, axis=0),
        asked_mw=case.load_mw.sum(axis=1) + flexible + case.loss_mw + sent.sum(axis=1),
        sent_mw=sent,
    )


def balanced(case: DispatchCase) -> bool:
    """Return whether channels have to balance what they send beyond and below their contract."""
    return case.rules.export_balance != "none"


def coal_minimum_mw(case: DispatchCase, commitment: Commitment) -> Floats:
    """Return the technical minimum of the running units of each plant, MW [hours × coal]."""
    return commitment.units_on * (case.coal_unit_mw * case.coal_minimum_pu)


def coal_upper_mw(case: DispatchCase, commitment: Commitment) -> Floats:
    """Return what the running units of each plant give between their minimum and their knee, MW [hours × coal]."""
    return commitment.units_on * (case.coal_unit_mw * (knee_pu(case) - case.coal_minimum_pu))


def coal_top_mw(case: DispatchCase, commitment: Commitment) -> Floats:
    """Return what the running units of each plant can give above their knee, MW [hours × coal]."""
    return commitment.units_on * (case.coal_unit_mw * (1.0 - knee_pu(case)))


def _segments(case: DispatchCase, commitment: Commitment) -> Iterator[Segment]:
    least, upper = coal_minimum_mw(case, commitment), coal_upper_mw(case, commitment)
    shed = load_share(case) * case.shed_limit_mw[:, None]
    yield from _by_cost(Role.COAL_MINIMUM, case.coal_cost, -case.price_below_minimum, least)
    yield _whole(Role.HYDRO_MINIMUM, -case.price_hydro_minimum, case.hydro_minimum_mw[case.time.day])
    yield _whole(Role.RENEWABLES, -case.price_curtailed, case.available_mw)
    yield from _by_cost(Role.COAL, case.coal_cost, 0.0, upper)
    if case.part_load is not None:
        yield from _by_cost(Role.COAL_TOP, case.part_load.upper_cost, 0.0, coal_top_mw(case, commitment))
    yield from _exports(case)
    yield _whole(Role.SHED, case.price_shed, shed)
    if case.flexibles:
        cut = np.tile(case.flexible.minimum_mw, (len(case.time), 1))
        yield _whole(Role.FLEXIBLE_CUT, case.price_flexible_cut, cut)
    yield _whole(Role.UNSERVED, case.price_unserved, case.load_mw - shed)
    yield _whole(Role.LOSS_RELIEF, case.price_loss_relief, case.loss_mw[:, None])


def _exports(case: DispatchCase) -> Iterator[Segment]:
    if balanced(case):
        yield _whole(Role.EXPORT_CUT, 2.0 * case.price_export_cut, case.export_low_mw)
        return
    yield _whole(Role.EXPORT_UP, -case.price_export_up, case.export_high_mw - case.export_mw)
    yield _whole(Role.EXPORT_DOWN, case.price_export_down, case.export_mw - case.export_low_mw)
    yield _whole(Role.EXPORT_CUT, case.price_export_cut, case.export_low_mw)


def _whole(role: Role, price: float, part_mw: Floats) -> Segment:
    """Return one segment that all things of a kind share."""
    least = part_mw.min(initial=0.0)  # to look for rounding below 0 is quicker than to copy
    return Segment(role, price, np.arange(part_mw.shape[1]), np.maximum(part_mw, 0.0) if least < 0.0 else part_mw)


def _by_cost(role: Role, cost: Floats, premium: float, part_mw: Floats) -> Iterable[Segment]:
    """Plants of equal cost share one segment, pro rata: so the order of the table does not matter."""
    for value in np.unique(cost):
        plants = np.flatnonzero(cost == value)
        yield Segment(role, float(value) + premium, plants, part_mw[:, plants])
