"""Voltages of many hours → what the wires carry, ``LANES`` hours side by side.

All hours take this way, however they were solved, so that equal voltages give equal flows bit for bit. An hour
whose voltages are NaN is NaN throughout.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from grid.kernels import entry, inlined, kernel
from grid.simd import (
    LANES,
    add,
    aligned,
    choose,
    count_up,
    div,
    fma,
    fnma,
    index,
    largest,
    load,
    load_spread,
    mul,
    root,
    spread64,
    store,
    sub,
)
from grid.tiles import bring, send

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

W = LANES
PI = np.pi

# Coefficients of arctan on [−0.66, 0.66]: x + x·z·P(z)/Q(z), z = x² (Moshier, Cephes, atan.c; error 2e-16).
P0, P1, P2, P3, P4 = (
    -0.8750608600031904,
    -16.157537187333652,
    -75.00855792314705,
    -122.88666844901361,
    -64.85021904942025,
)
Q0, Q1, Q2, Q3, Q4 = (
    24.858464901423062,
    165.02700983169885,
    432.88106049129027,
    485.3903996359137,
    194.5506571482614,
)


class Wires(NamedTuple):
    """Two-port admittances of all branches [branches × 4], real and imaginary, and the bases of their loading.

    ``from_base`` and ``to_base`` turn the current at an end, pu, into a fraction of the rating.
    """

    from_bus: Ints
    to_bus: Ints
    g: Floats
    b: Floats
    from_base: Floats
    to_base: Floats
    sn_mva: float


class Carried(NamedTuple):
    """Voltages [hours × buses], flows of all branches [hours × branches] and the loss [hours]."""

    vm_pu: Floats
    va_deg: Floats
    p_from_mw: Floats
    q_from_mvar: Floats
    p_to_mw: Floats
    q_to_mvar: Floats
    loading: Floats
    loss_mw: Floats


class Extremes(NamedTuple):
    """Worst of each hour: loading, branch and minimum voltage; largest loading of each branch over all hours."""

    loading: Floats
    branch: Ints
    v_min_pu: Floats
    branch_loading: Floats


class Sheet(NamedTuple):
    """Scratch of one block: voltages (e of all buses, then f), five rows per branch, flat positions of rows."""

    v: Floats
    vm: Floats
    va: Floats
    p_from: Floats
    q_from: Floats
    p_to: Floats
    q_to: Floats
    loading: Floats
    voltage_rows: Ints
    rows: Ints
    lane: Floats


def new_sheet(buses: int, branches: int) -> Sheet:
    """Return scratch for one thread."""
    bus = np.arange(buses)
    size = max(branches, 1) * W
    return Sheet(
        v=aligned(2 * buses * W),
        vm=aligned(buses * W),
        va=aligned(buses * W),
        p_from=aligned(size),
        q_from=aligned(size),
        p_to=aligned(size),
        q_to=aligned(size),
        loading=aligned(size),
        voltage_rows=np.column_stack([bus, buses + bus]).reshape(-1) * W,
        rows=np.arange(max(buses, branches)) * W,
        lane=aligned(W),
    )


@kernel
def read_voltages(v_parts: Floats, hours: Ints, starts: Ints, sheet: Sheet) -> None:
    """Read the voltages of ``hours``; ``v_parts`` [hours × 2·buses] holds real and imaginary parts."""
    for w in range(W):
        starts[w] = hours[w] * len(sheet.voltage_rows)
    bring(v_parts, starts, 1.0, sheet.voltage_rows, sheet.v)


@inlined
def angle_deg(x: Any, y: Any) -> Any:
    """Angle of x + jy in degrees, −180 … 180: arctan of the smaller over the larger, then by octants."""
    zero, one = spread64(0.0), spread64(1.0)
    x_size, y_size = choose(x, zero, x, sub(zero, x)), choose(y, zero, y, sub(zero, y))
    low, high = choose(x_size, y_size, y_size, x_size), choose(x_size, y_size, x_size, y_size)
    limit = mul(spread64(0.66), high)
    over, under = choose(low, limit, sub(low, high), low), choose(low, limit, add(low, high), high)
    t = div(over, under)
    z = mul(t, t)
    p = fma(fma(fma(fma(spread64(P0), z, spread64(P1)), z, spread64(P2)), z, spread64(P3)), z, spread64(P4))
    q = fma(fma(fma(fma(add(z, spread64(Q0)), z, spread64(Q1)), z, spread64(Q2)), z, spread64(Q3)), z, spread64(Q4))
    angle = add(fma(mul(t, z), div(p, q), t), choose(low, limit, spread64(PI / 4), zero))
    angle = choose(y_size, x_size, sub(spread64(PI / 2), angle), angle)
    angle = choose(zero, x, sub(spread64(PI), angle), angle)
    sign = choose(zero, y, sub(zero, one), one)
    return mul(mul(sign, angle), spread64(180.0 / PI))


@kernel
def polar(sheet: Sheet) -> None:
    """Compute magnitudes and angles of all buses."""
    buses = len(sheet.vm) // W
    for i in range(buses):
        e, f = load(sheet.v, i * W), load(sheet.v, (buses + i) * W)
        store(sheet.vm, i * W, root(fma(e, e, mul(f, f))))
        store(sheet.va, i * W, angle_deg(e, f))


@inlined
def end_current(wires: Wires, sheet: Sheet, k: int, end: int) -> Any:
    """Return the current into one end of branch k (0: from, 1: to), real and imaginary, pu."""
    buses = len(sheet.vm)
    own, other = index(wires.from_bus, k) * W, index(wires.to_bus, k) * W
    at, v = 4 * k + 2 * end, sheet.v
    g_f, b_f = load_spread(wires.g, at), load_spread(wires.b, at)
    g_t, b_t = load_spread(wires.g, at + 1), load_spread(wires.b, at + 1)
    e_f, f_f, e_t, f_t = load(v, own), load(v, buses + own), load(v, other), load(v, buses + other)
    real = fnma(b_t, f_t, fma(g_t, e_t, fnma(b_f, f_f, mul(g_f, e_f))))
    imag = fma(b_t, e_t, fma(g_t, f_t, fma(b_f, e_f, mul(g_f, f_f))))
    return real, imag


@kernel
def flows(wires: Wires, sheet: Sheet) -> None:
    """Compute S = V·conj(I) at both ends and the loading of every branch; sum the losses into ``lane``."""
    buses, v, base = len(sheet.vm), sheet.v, spread64(wires.sn_mva)
    zero, loss = spread64(0.0), spread64(0.0)
    for k in range(len(wires.from_bus)):
        f, t = index(wires.from_bus, k) * W, index(wires.to_bus, k) * W
        real, imag = end_current(wires, sheet, k, 0)
        e_v, f_v = mul(load(v, f), base), mul(load(v, buses + f), base)
        p_from = fma(f_v, imag, mul(e_v, real))
        store(sheet.p_from, k * W, p_from)
        store(sheet.q_from, k * W, fnma(e_v, imag, mul(f_v, real)))
        at_from = mul(fma(imag, imag, mul(real, real)), spread64(wires.from_base[k] * wires.from_base[k]))
        real, imag = end_current(wires, sheet, k, 1)
        e_v, f_v = mul(load(v, t), base), mul(load(v, buses + t), base)
        p_to = fma(f_v, imag, mul(e_v, real))
        store(sheet.p_to, k * W, p_to)
        store(sheet.q_to, k * W, fnma(e_v, imag, mul(f_v, real)))
        at_to = mul(fma(imag, imag, mul(real, real)), spread64(wires.to_base[k] * wires.to_base[k]))
        store(sheet.loading, k * W, root(choose(at_from, at_to, at_from, at_to)))
        lost = add(p_from, p_to)
        loss = add(loss, choose(lost, spread64(-np.inf), lost, zero))  # NaN: not supplied
    store(sheet.lane, 0, loss)


@entry
def carry(wires: Wires, v_parts: Floats, carried: Carried, size: int, taken: Ints, sheet: Sheet) -> None:
    """Compute magnitudes, angles, power into both ends and the loading of every branch.

    Hours are taken ``size`` at a time, whole blocks, until none is left; ``taken`` counts what threads have taken.
    """
    hours, starts, last = np.zeros(W, np.int64), np.zeros(W, np.int64), len(v_parts) - 1
    while True:
        begin = size * count_up(taken, 0, 1)
        if begin > last:
            return
        for first in range(begin, min(begin + size, last + 1), W):
            for w in range(W):
                hours[w] = min(first + w, last)
            carry_block(wires, v_parts, carried, hours, starts, sheet)


@kernel
def carry_block(wires: Wires, v_parts: Floats, carried: Carried, hours: Ints, starts: Ints, sheet: Sheet) -> None:
    """Compute the same for ``hours`` (LANES of them)."""
    buses, branches = carried.vm_pu.shape[1], len(wires.from_bus)
    read_voltages(v_parts, hours, starts, sheet)
    polar(sheet)
    flows(wires, sheet)
    for w in range(W):
        carried.loss_mw[hours[w]] = sheet.lane[w]
        starts[w] = hours[w] * buses
    send(sheet.vm, sheet.rows[:buses], carried.vm_pu, starts)
    send(sheet.va, sheet.rows[:buses], carried.va_deg, starts)
    for w in range(W):
        starts[w] = hours[w] * branches
    rows = sheet.rows[:branches]
    send(sheet.p_from, rows, carried.p_from_mw, starts)
    send(sheet.q_from, rows, carried.q_from_mvar, starts)
    send(sheet.p_to, rows, carried.p_to_mw, starts)
    send(sheet.q_to, rows, carried.q_to_mvar, starts)
    send(sheet.loading, rows, carried.loading, starts)


@kernel
def worst_loading(wires: Wires, sheet: Sheet, worst: Extremes) -> None:
    """Find each lane's largest squared loading (kept in ``loading``) and its branch (in ``p_from``)."""
    top, branch = spread64(-1.0), spread64(-1.0)
    for k in range(len(wires.from_bus)):
        real, imag = end_current(wires, sheet, k, 0)
        at_from = mul(fma(imag, imag, mul(real, real)), spread64(wires.from_base[k] * wires.from_base[k]))
        real, imag = end_current(wires, sheet, k, 1)
        at_to = mul(fma(imag, imag, mul(real, real)), spread64(wires.to_base[k] * wires.to_base[k]))
        here = choose(at_from, at_to, at_from, at_to)
        here = choose(here, spread64(-1.0), here, spread64(-1.0))  # NaN: not supplied
        top, branch = choose(here, top, here, top), choose(here, top, spread64(float(k)), branch)
        worst.branch_loading[k] = max(worst.branch_loading[k], largest(here))
    store(sheet.loading, 0, top)
    store(sheet.p_from, 0, branch)


@kernel
def least_voltage(sheet: Sheet) -> None:
    """Leave each lane's smallest squared voltage in ``lane``."""
    low, buses = spread64(np.inf), len(sheet.vm)
    for i in range(0, buses, W):
        e, f = load(sheet.v, i), load(sheet.v, buses + i)
        square = fma(e, e, mul(f, f))
        low = choose(low, square, square, low)
    store(sheet.lane, 0, low)


@entry
def extremes(wires: Wires, v_parts: Floats, chosen: Ints, sheet: Sheet, worst: Extremes) -> None:
    """Find the extremes of the ``chosen`` hours, all solved, without writing the flows.

    Squares are compared: ``branch_loading`` is left squared, the others have their roots.
    """
    hours, starts = np.zeros(W, np.int64), np.zeros(W, np.int64)
    for first in range(0, len(chosen), W):
        for w in range(W):
            hours[w] = chosen[min(first + w, len(chosen) - 1)]
        read_voltages(v_parts, hours, starts, sheet)
        worst_loading(wires, sheet, worst)
        least_voltage(sheet)
        for w in range(W):
            worst.v_min_pu[hours[w]] = np.sqrt(sheet.lane[w])
            if sheet.loading[w] >= 0.0:
                worst.loading[hours[w]] = np.sqrt(sheet.loading[w])
                worst.branch[hours[w]] = int(sheet.p_from[w])
