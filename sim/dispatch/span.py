"""A case, a result, a commitment → the part of them within a span of steps, with an axis of its own."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, TypeVar

import numpy as np

from scenarios.timeaxis import TimeAxis
from sim.dispatch.columns import mean_contract_mw
from sim.dispatch.commitment import Commitment
from sim.dispatch.model import DispatchCase, DispatchResult

UNITS = ("coal_units_on", "coal_starts")

Part = TypeVar("Part", DispatchCase, DispatchResult)
Whole = TypeVar("Whole", DispatchCase, DispatchResult, Commitment)


def steps_of(time: TimeAxis, first_day: int, days: int) -> slice:
    """Return the steps of some calendar days."""
    first, last = np.searchsorted(time.day, [first_day, first_day + days])
    return slice(int(first), int(last))


def cut(part: Part, first_day: int, days: int) -> Part:
    """Return the part of a case or a result from ``first_day`` on, ``days`` calendar days long."""
    return _within(part, steps_of(part.time, first_day, days), slice(first_day, first_day + days))


def since(part: Part, step: int) -> Part:
    """Return the part of a case or a result from ``step`` on; a day that is cut keeps what is given by the day."""
    return _within(part, slice(step, len(part.time)), slice(int(part.time.day[step]), None))


def units_since(units: Commitment, step: int) -> Commitment:
    """Return the commitment from ``step`` on."""
    return replace(units, **_arrays(units, slice(step, None), slice(None)))


def _within(part: Part, steps: slice, days: slice) -> Part:
    arrays = _arrays(part, steps, days)
    time = TimeAxis(part.time.starts()[steps.start], steps.stop - steps.start, part.time.step_h)
    if isinstance(part, DispatchCase):
        arrays["export_mean_mw"] = mean_contract_mw(part)
    return replace(part, time=time, **arrays)


def _arrays(part: Whole, steps: slice, days: slice) -> dict[str, Any]:
    spans = {"hours": steps, "days": days}
    axis_of = {item.name: item.metadata.get("axes", ("",))[0] for item in fields(part)}
    return {name: getattr(part, name)[spans[axis]] for name, axis in axis_of.items() if axis in spans}


def emptied(result: DispatchResult, step: int) -> DispatchResult:
    """Return a result whose steps before ``step``, and days before its day, are empty; units run as they do."""
    spans = {"hours": step, "days": int(result.time.day[step])}
    arrays: dict[str, Any] = {}
    for item in fields(result):
        axis = item.metadata.get("axes", ("",))[0]
        if axis in spans and item.name not in UNITS:
            arrays[item.name] = getattr(result, item.name).copy()
            arrays[item.name][: spans[axis]] = 0
    return replace(result, **arrays)
