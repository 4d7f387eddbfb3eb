"""Steps behind wires: which of them there are, and what their prices are; compiled by numba."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sim.dispatch.kernels_hour import (
    FLOW_TOLERANCE_MW,
    prices,
    row_flow,
    save,
    settle_hour,
    solve_hour,
    start,
    take_up,
)
from sim.dispatch.kernels_state import Network, Stack, Wires, kernel

_Floats = npt.NDArray[np.float64]


@kernel
def freshen(resource: int, begin: int, end: int, stack: Stack, network: Network) -> None:
    """Price anew what a resource sees wherever that is stale."""
    line, mine = stack.line[resource], np.uintp(resource)
    for step in range(begin, end):
        if stack.stale[mine, np.uintp(step)]:
            stack.stale[resource, step] = False
            more, more_room, less, less_room = prices(step, resource, network.hour, network.trial, network.wires)
            stack.up_price[line, step], stack.up_room_mw[line, step] = more, more_room
            stack.down_price[line, step], stack.down_room_mw[line, step] = less, less_room


@kernel
def any_stale(resource: int, begin: int, end: int, stack: Stack) -> bool:
    """Whether a resource sees an old price in any of the steps."""
    found, mine = False, np.uintp(resource)
    for step in range(begin, end):
        found = found or stack.stale[mine, np.uintp(step)]
    return found


@kernel
def look(begin: int, end: int, stack: Stack, network: Network) -> bool:
    """Make steps keep the rows that they violate; return whether there were any."""
    wires, hour, found = network.wires, network.hour, False
    if len(wires.reach) == 0:
        return False
    for step in range(begin, end):
        if stack.checked[step]:
            continue
        stack.checked[step] = True
        if stack.seen[step]:
            take_up(step, hour, wires)
        elif violated(step, stack.top_mw, hour.used_mw, wires):
            start(step, hour, wires)
        else:
            continue
        if solve_hour(step, hour, wires):
            found = True
            for resource in range(len(stack.stale)):
                stack.stale[resource, step] = True
        save(step, hour, wires)
        stack.seen[step] = True
    return found


@kernel
def violated(step: int, top_mw: _Floats, used_mw: _Floats, wires: Wires) -> bool:
    """Whether the stack of a step, shared in proportion, violates a row."""
    net, floor, count = wires.net_mw[step], 0.0, 0
    for segment in range(top_mw.shape[1]):
        if net <= floor:
            break
        width = top_mw[step, segment] - floor
        share = min((net - floor) / width, 1.0) if width > 0.0 else 0.0
        while count < len(used_mw) and wires.column_segment[count] == segment:
            used_mw[count] = wires.width_mw[step, count] * share
            count += 1
        floor = top_mw[step, segment]
    for row in range(len(wires.reach)):
        flow = row_flow(step, row, used_mw, count, wires)
        if max(flow - wires.high_mw[step, row], wires.low_mw[step, row] - flow) > FLOW_TOLERANCE_MW:
            return True
    return False


@kernel
def settled(step: int, stack: Stack, network: Network) -> None:
    """Note what is used of every column in a step that sees its rows, and the prices there."""
    wires, hour = network.wires, network.hour
    take_up(step, hour, wires)
    settle_hour(step, hour, wires)
    for column in range(len(wires.price)):
        wires.used_mw[step, column] = min(max(hour.used_mw[column], 0.0), hour.width_mw[column])
    for resource in range(len(stack.line)):
        freshen(resource, step, step + 1, stack, network)
