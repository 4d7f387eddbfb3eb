"""The record type that all stages share: frozen, its arrays read-only, its axes checked when it is made.

    @record
    class Weather:
        time: TimeAxis
        sites: tuple[str, ...]
        ghi_wm2: Floats = axes("hours", "sites")

Making a ``Weather`` checks that every array has the declared dimensions and that equal axis names have equal
lengths. A length is fixed by the first of: a field of the axis's own name that has a ``len`` (``sites`` above; a
``time`` field fixes ``hours``), else by the first array that uses it. Arrays are stored read-only; a record never
writes back into what it was given.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any, NamedTuple, TypeVar, cast, dataclass_transform

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_AXES = "axes"
_DTYPE = "dtype"
T = TypeVar("T")


def axes(*names: str, dtype: type = np.float64) -> Any:
    """Declare an array field with the given axis names, for example ``axes("hours", "plants")``."""
    return field(metadata={_AXES: names, _DTYPE: dtype})


@dataclass_transform(frozen_default=True, field_specifiers=(axes, field))
def record(cls: type[T]) -> type[T]:
    """Make a frozen dataclass (identity equality) whose declared arrays are checked and read-only.

    A class may define ``check(self) -> None`` for further conditions; it runs after the axes were checked.

    Raises ``TypeError`` or ``ValueError`` on construction when an array has the wrong kind or shape: records are
    made by our own code, so a wrong shape is a fault of the program, not of the user.
    """

    def __post_init__(self: Any) -> None:
        _check_axes(self)
        check = getattr(self, "check", None)
        if check is not None:
            check()

    cls.__post_init__ = __post_init__  # type: ignore[attr-defined]
    return dataclass(frozen=True, slots=True, eq=False)(cls)


class _Declared(NamedTuple):
    """An array field: its name, its axes, its kind of numbers."""

    name: str
    axes: tuple[str, ...]
    dtype: np.dtype[Any]


@cache
def _declared(kind: Any) -> tuple[tuple[_Declared, ...], tuple[str, ...]]:
    """Return the array fields of a record, and the names of its other fields."""
    known = fields(kind)
    arrays = [
        _Declared(item.name, item.metadata[_AXES], np.dtype(item.metadata[_DTYPE]))
        for item in known
        if _AXES in item.metadata
    ]
    return tuple(arrays), tuple(item.name for item in known if _AXES not in item.metadata)


def axis_lengths(instance: Any) -> dict[str, int]:
    """Return the length of every named axis of a record."""
    lengths: dict[str, int] = {}
    arrays, others = _declared(cast(Any, type(instance)))
    for name in others:
        value = getattr(instance, name)
        if hasattr(value, "__len__") and not isinstance(value, str):
            lengths["hours" if name == "time" else name] = len(value)
    for item in arrays:
        for name, size in zip(item.axes, np.shape(getattr(instance, item.name)), strict=False):
            lengths.setdefault(name, size)
    return lengths


def _check_axes(instance: Any) -> None:
    lengths = axis_lengths(instance)
    for item in _declared(cast(Any, type(instance)))[0]:
        array = np.asarray(getattr(instance, item.name))
        if array.dtype != item.dtype:
            raise TypeError(f"{_place(instance, item)}: dtype {array.dtype}, wanted {item.dtype}")
        wanted = tuple(lengths[name] for name in item.axes)
        if array.shape != wanted:
            raise ValueError(f"{_place(instance, item)}: shape {array.shape}, wanted {item.axes} = {wanted}")
        view = array.view()
        view.flags.writeable = False
        object.__setattr__(instance, item.name, view)


def _place(instance: Any, item: _Declared) -> str:
    return f"{type(instance).__name__}.{item.name}"
