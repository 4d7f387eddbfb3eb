"""Voltages of all hours → which hours break which limit, how badly and where: one pass over branches and buses.

Squares are compared with squares of limits; roots are taken once, of what is kept. A branch or bus that is
not supplied has NaN voltages, which compare false and count for nothing.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from grid.carry import Wires
from grid.kernels import entry, kernel

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

OVERLOADED, LOW, HIGH = 1, 2, 4
"""Bits of ``Judged.broken``."""


class Judged(NamedTuple):
    """Verdict on each hour [hours]: bits of what is broken, worst loading, voltages nearest to their limits.

    ``branch`` and ``*_bus`` are places, −1 where nothing could be judged (the value beside it is then NaN).
    """

    broken: npt.NDArray[np.uint8]
    loading: Floats
    branch: Ints
    low_pu: Floats
    low_bus: Ints
    high_pu: Floats
    high_bus: Ints


class Counted(NamedTuple):
    """Over all hours: steps in which each branch is overloaded, and the square of its largest loading."""

    overloaded: Ints
    loading: Floats


class Band(NamedTuple):
    """Voltage limits of the judged buses."""

    bus: Ints
    low_pu: Floats
    high_pu: Floats


@entry
def judge(
    wires: Wires, band: Band, v_pu: npt.NDArray[np.complex128], chosen: Ints, judged: Judged, counted: Counted
) -> None:
    """Judge the ``chosen`` hours."""
    for h in chosen:
        overloaded = judge_currents(wires, v_pu[h], h, judged, counted)
        judged.broken[h] = overloaded | judge_voltages(band, v_pu[h], h, judged)


@kernel
def judge_currents(wires: Wires, v: npt.NDArray[np.complex128], h: int, judged: Judged, counted: Counted) -> int:
    """Enter the worst loading of an hour and count overloads by branch; return the bit."""
    worst, at = -1.0, -1
    for k in range(len(wires.from_bus)):
        v_from, v_to = v[wires.from_bus[k]], v[wires.to_bus[k]]
        at_from = square(port(wires, k, 0) * v_from + port(wires, k, 1) * v_to) * wires.from_base[k] ** 2
        at_to = square(port(wires, k, 2) * v_from + port(wires, k, 3) * v_to) * wires.to_base[k] ** 2
        here = at_from if at_from > at_to else at_to
        if math.isnan(here):
            continue  # not supplied
        counted.loading[k] = max(counted.loading[k], here)
        counted.overloaded[k] += here > 1.0
        if here > worst:
            worst, at = here, k
    judged.branch[h] = at
    judged.loading[h] = math.sqrt(worst) if at >= 0 else math.nan
    return OVERLOADED if worst > 1.0 else 0


@kernel
def port(wires: Wires, k: int, which: int) -> complex:
    """Return an admittance of branch ``k``: ff, ft, tf, tt."""
    return complex(wires.g[4 * k + which], wires.b[4 * k + which])


@kernel
def square(x: complex) -> float:
    """Return |x|²."""
    return x.real * x.real + x.imag * x.imag


@kernel
def judge_voltages(band: Band, v: npt.NDArray[np.complex128], h: int, judged: Judged) -> int:
    """Enter the voltages nearest to (or farthest beyond) their lower and upper limits; return the bits."""
    lowest, highest, at_low, at_high = math.inf, -math.inf, -1, -1
    for k in range(len(band.bus)):
        size = square(v[band.bus[k]])
        over_low = size / (band.low_pu[k] * band.low_pu[k])
        over_high = size / (band.high_pu[k] * band.high_pu[k])
        if over_low < lowest:
            lowest, at_low = over_low, k
        if over_high > highest:
            highest, at_high = over_high, k
    judged.low_bus[h] = band.bus[at_low] if at_low >= 0 else -1
    judged.high_bus[h] = band.bus[at_high] if at_high >= 0 else -1
    judged.low_pu[h] = math.sqrt(lowest) * band.low_pu[at_low] if at_low >= 0 else math.nan
    judged.high_pu[h] = math.sqrt(highest) * band.high_pu[at_high] if at_high >= 0 else math.nan
    return (LOW if lowest < 1.0 else 0) | (HIGH if highest > 1.0 else 0)
