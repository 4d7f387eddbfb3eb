"""Which circuits are out, and what the remaining network does with power: islands and transfer factors; compiled.

Circuits live like units do, only that they age faster in ice: a circuit fails when the weighted hours since its
repair exceed an exponential draw, and an iced hour weighs more than one hour. After every change the network is
looked at anew: buses that hang together are an island, its first bus is its reference, and the factors say how much
of one MW injected at a bus (and withdrawn at the reference) flows in each branch.

Source: Wood, Wollenberg & Sheblé 2014, Power Generation, Operation, and Control, chapter 7 (linear power flow).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sim.reliability.kernels import GOLDEN, stream_of, uniform
from sim.reliability.kernels_lean import allocating, kernel

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]
_Keys = npt.NDArray[np.uint64]


class Circuits(NamedTuple):
    """Circuits: random key, branch, ageing zone, chance to be out, mean durations h [circuits]."""

    key: _Keys
    branch: _Ints
    zone: _Ints
    unavailability: _Floats
    mean_up_h: _Floats
    mean_down_h: _Floats


class Wires(NamedTuple):
    """Branches with all circuits: ends, susceptance (any unit), rating MW, number of equal circuits [branches]."""

    from_bus: _Ints
    to_bus: _Ints
    susceptance: _Floats
    limit_mw: _Floats
    parallel: _Floats


class Topology(NamedTuple):
    """The network as it stands: island of each bus, their number, factors [buses × branches], ratings MW.

    ``inverse`` [buses × buses] is scratch.
    """

    island: _Ints
    islands: _Ints
    factor: _Floats
    limit_mw: _Floats
    inverse: _Floats


@allocating
def circuits_out(
    circuits: Circuits, seed: np.uint64, year: int, aged_h: _Floats, step_h: float, change: _Ints
) -> None:
    """Enter the outages of a year as changes of the number of circuits out [steps + 1, branches + 1].

    ``aged_h`` [zones, steps + 1] are the weighted hours up to each step. The last column counts the changes.
    """
    change[:] = 0
    for c in range(len(circuits.key)):
        _live(c, circuits, stream_of(seed, circuits.key[c], year), aged_h[circuits.zone[c]], step_h, change)


@kernel
def _live(c: int, circuits: Circuits, state: np.uint64, aged_h: _Floats, step_h: float, change: _Ints) -> None:
    """Draw the life of a circuit over the span and enter its outages; a step has the state at its start."""
    last = len(change) - 1
    branch, total, clock_h = circuits.branch[c], change.shape[1] - 1, 0.0
    state += GOLDEN
    up = uniform(state) >= circuits.unavailability[c]
    while clock_h < last * step_h:
        state += GOLDEN
        drawn = -np.log(uniform(state))
        if up:
            until_h = _aged_by(aged_h, clock_h, drawn * circuits.mean_up_h[c], step_h)
        else:
            until_h = clock_h + drawn * circuits.mean_down_h[c]
            begin, end = int(np.ceil(clock_h / step_h)), int(np.ceil(min(until_h / step_h, float(last))))
            if begin < end:
                change[begin, branch] += 1
                change[end, branch] -= 1
                change[begin, total] += 1
                change[end, total] += 1
        clock_h = until_h
        up = not up


@kernel
def _aged_by(aged_h: _Floats, clock_h: float, more_h: float, step_h: float) -> float:
    """Return the time at which ``more_h`` weighted hours have passed since ``clock_h``; endless beyond the span."""
    step = int(clock_h / step_h)
    wanted = aged_h[step] + (clock_h / step_h - step) * (aged_h[step + 1] - aged_h[step]) + more_h
    if wanted >= aged_h[-1]:
        return np.inf
    step = int(np.searchsorted(aged_h, wanted, side="right")) - 1
    return float((step + (wanted - aged_h[step]) / (aged_h[step + 1] - aged_h[step])) * step_h)


@allocating
def look_anew(wires: Wires, out: _Ints, topology: Topology) -> None:
    """Fill in the topology with ``out`` circuits of each branch away [branches]."""
    left = np.maximum(1.0 - out / wires.parallel, 0.0)
    topology.limit_mw[:] = wires.limit_mw * left
    susceptance = wires.susceptance * left
    topology.islands[0] = _label(wires, susceptance, topology.island)
    _invert_laplacian(wires, susceptance, topology)
    for bus in range(len(topology.island)):
        for branch in range(len(susceptance)):
            head, tail = wires.from_bus[branch], wires.to_bus[branch]
            change = topology.inverse[head, bus] - topology.inverse[tail, bus]
            topology.factor[bus, branch] = susceptance[branch] * change


@allocating
def _label(wires: Wires, susceptance: _Floats, island: _Ints) -> int:
    """Give every bus the number of its island; return how many there are."""
    island[:] = np.arange(len(island))
    changed = True
    while changed:
        changed = False
        for branch in range(len(susceptance)):
            head, tail = wires.from_bus[branch], wires.to_bus[branch]
            if susceptance[branch] > 0.0 and island[head] != island[tail]:
                island[head] = island[tail] = min(island[head], island[tail])
                changed = True
    count = 0
    for bus in range(len(island)):  # the first bus of an island carries its own number until it is renumbered
        if island[bus] == bus:
            island[bus] = count
            count += 1
        else:
            island[bus] = island[island[bus]]
    return count


@allocating
def _invert_laplacian(wires: Wires, susceptance: _Floats, topology: Topology) -> None:
    """Invert the bus matrix with the first bus of each island as its reference, whose row and column are zero."""
    matrix, island = topology.inverse, topology.island
    matrix[:] = 0.0
    for branch in range(len(susceptance)):
        head, tail, b = wires.from_bus[branch], wires.to_bus[branch], susceptance[branch]
        matrix[head, head] += b
        matrix[tail, tail] += b
        matrix[head, tail] -= b
        matrix[tail, head] -= b
    references = np.array([int(np.argmax(island == number)) for number in range(topology.islands[0])])
    for bus in references:
        matrix[bus, :] = 0.0
        matrix[:, bus] = 0.0
        matrix[bus, bus] = 1.0
    _invert(matrix)
    for bus in references:
        matrix[bus, bus] = 0.0


@kernel
def _invert(matrix: _Floats) -> None:
    """Invert a symmetric positive definite matrix in place (Gauss and Jordan, which then needs no pivoting)."""
    size = len(matrix)
    for k in range(size):
        inverse = 1.0 / matrix[k, k]
        matrix[k, k] = 1.0
        for j in range(size):
            matrix[k, j] *= inverse
        for i in range(size):
            factor = matrix[i, k]
            if i != k and factor != 0.0:
                matrix[i, k] = 0.0
                for j in range(size):
                    matrix[i, j] -= factor * matrix[k, j]
