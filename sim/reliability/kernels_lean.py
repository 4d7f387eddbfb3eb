"""How functions of this package are compiled that allocate nothing, and loops that stand for slices in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from numba import njit

_Function = TypeVar("_Function", bound=Callable[..., object])
_Floats = npt.NDArray[np.float64]

LEAN: Any = {"cache": True, "nogil": True, "_nrt": False}
"""For kernels that allocate nothing: without memory of its own (nrt), numba counts no references.

It would for every array of a tuple whenever the tuple is passed on, which takes long to compile.
"""

UNWRAPPED: Any = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def kernel(function: _Function) -> _Function:
    """Compile a lean function that only kernels call."""
    compiled: _Function = njit(**LEAN, **UNWRAPPED)(function)
    return compiled


def entry(function: _Function) -> _Function:
    """Compile a lean function that Python calls."""
    compiled: _Function = njit(**LEAN)(function)
    return compiled


def allocating(function: _Function) -> _Function:
    """Compile a function that only kernels call and that makes arrays; untold, it would be lean like them."""
    compiled: _Function = njit(**(LEAN | {"_nrt": True}), **UNWRAPPED)(function)
    return compiled


# Loops instead of slices: these take memory of their own, if only for what they say when shapes differ.


@kernel
def put(target: _Floats, first: int, values: _Floats) -> None:
    """Write values into a target, from ``first`` on."""
    for k in range(len(values)):
        target[first + k] = values[k]


@kernel
def clear(values: _Floats) -> None:
    """Set all values to 0."""
    for k in range(len(values)):
        values[k] = 0.0


@kernel
def sum_between(values: _Floats, first: int, last: int) -> float:
    """Return the sum of values from ``first`` to before ``last``."""
    total = 0.0
    for k in range(first, last):
        total += values[k]
    return total
