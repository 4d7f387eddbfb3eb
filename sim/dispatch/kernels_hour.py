"""One step behind wires → its cheapest supply, and the price of a MW at every resource; compiled by numba.

Given what stores and hydro do, a step is a small linear programme: columns of supply x between 0 and their width,

    minimise  Σ price · x + Σ row price · (over + under)
    balance   Σ x                                         = net
    rows      Σ reach · x − flow − over + under           = −(base + what the resources inject),   low ≤ flow ≤ high

of which only rows enter that were violated once. It is solved by the bounded dual simplex method (Koberstein 2005,
The dual simplex method, ch. 3; ratio test with flips of bounds, Maros 2003) from the merit order, which is dual
feasible, and later from the last vertex of the step. With few rows the basis is small, so its inverse is made anew
for every visit, and no error builds up.

``flow``, ``over`` and ``under`` of row r are the columns n + 3r, n + 3r + 1 and n + 3r + 2 after the n of supply.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sim.dispatch.kernels_state import SMALL, Hour, Wires, kernel

LOW, HIGH, BASIC = 0, 1, 2
"""Where a column stands: at its lower or upper bound, or in the basis."""

FLOW, OVER, UNDER = 0, 1, 2

TAKES, GIVES = 0, 1
"""What a resource does in a step."""

IDLE_MW = 1e-2 * SMALL
"""A resource that injects less does nothing: that is rounding."""

FLOW_TOLERANCE_MW = 1e-6
"""A row is violated above this."""

LEAST_PIVOT = 1e-8
"""Coefficients below this are no pivots: sensitivities are known to about 1e-12."""

MOST_PIVOTS = 500

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]


@kernel
def start(step: int, hour: Hour, wires: Wires) -> None:
    """Set the vertex of the merit order: dual feasible, whatever the rows say."""
    _width_into(step, hour, wires)
    hour.size[0] = 0
    for row in range(len(hour.position)):
        hour.position[row] = -1
    for column in range(len(hour.place)):
        hour.place[column] = LOW
    left, last = wires.net_mw[step], len(wires.price) - 1
    for column in range(len(wires.price)):
        width = hour.width_mw[column]
        if width > 0.0 and width >= left:
            last = column
            break
        hour.place[column] = HIGH
        left -= width
    hour.place[last] = BASIC
    hour.basic[0] = last
    factorise(hour, wires)


@kernel
def take_up(step: int, hour: Hour, wires: Wires) -> None:
    """Take up the last vertex of a step."""
    _width_into(step, hour, wires)
    _load(step, hour, wires)
    factorise(hour, wires)


@kernel
def _width_into(step: int, hour: Hour, wires: Wires) -> None:
    """Write how wide the columns are; unserved load is bounded by what is not moved away or shed on call."""
    for column in range(len(hour.width_mw)):
        hour.width_mw[column] = wires.width_mw[step, column]
    away = max(wires.injected_mw[step, wires.moved], 0.0)
    for block in range(wires.called, wires.moved):
        away += max(wires.injected_mw[step, block], 0.0)
    for i in range(len(wires.moved_share)):
        width = wires.lost_most_mw[step, i] - away * wires.moved_share[i]
        hour.width_mw[wires.lost_first + i] = max(width, 0.0)


@kernel
def _load(step: int, hour: Hour, wires: Wires) -> None:
    for row in range(len(hour.position)):
        hour.position[row] = -1
    for column in range(len(hour.place)):
        hour.place[column] = wires.place[step, column]
    hour.size[0] = wires.active[step]
    for i in range(wires.active[step]):
        row = wires.row[step, i]
        hour.row[i], hour.position[row] = row, i
    for i in range(wires.active[step] + 1):
        hour.basic[i] = wires.basic[step, i]


@kernel
def save(step: int, hour: Hour, wires: Wires) -> None:
    """Keep the vertex of a step."""
    size = hour.size[0]
    wires.active[step] = size
    for i in range(size):
        wires.row[step, i] = hour.row[i]
    for i in range(size + 1):
        wires.basic[step, i] = hour.basic[i]
    for column in range(len(hour.place)):
        wires.place[step, column] = hour.place[column]


@kernel
def copy(source: Hour, target: Hour) -> None:
    """Make ``target`` the same vertex."""
    size = source.size[0]
    target.size[0] = size
    for column in range(len(source.width_mw)):
        target.width_mw[column] = source.width_mw[column]
    for i in range(size):
        target.row[i] = source.row[i]
    for row in range(len(source.position)):
        target.position[row] = source.position[row]
    for column in range(len(source.place)):
        target.place[column] = source.place[column]
    for i in range(size + 1):
        target.basic[i] = source.basic[i]
        target.value[i] = source.value[i]
        target.dual[i] = source.dual[i]
        for k in range(size + 1):
            target.inverse[i, k] = source.inverse[i, k]


@kernel
def _column_into(column: int, hour: Hour, wires: Wires, target: _Floats) -> None:
    """Write the coefficients of a column in the balance and the active rows."""
    size, columns = hour.size[0], len(wires.price)
    if column < columns:
        target[0] = 1.0
        for i in range(size):
            target[i + 1] = wires.reach[hour.row[i], column]
        return
    for i in range(size + 1):
        target[i] = 0.0
    row = (column - columns) // 3
    target[hour.position[row] + 1] = 1.0 if column == columns + 3 * row + UNDER else -1.0


@kernel
def _price(column: int, wires: Wires) -> float:
    if column < len(wires.price):
        return float(wires.price[column])
    if (column - len(wires.price)) % 3 == FLOW:
        return 0.0
    return float(wires.row_price[(column - len(wires.price)) // 3])


@kernel
def _bounds(column: int, step: int, hour: Hour, wires: Wires) -> tuple[float, float]:
    columns = len(wires.price)
    if column < columns:
        return 0.0, float(hour.width_mw[column])
    row = (column - columns) // 3
    if column == columns + 3 * row + FLOW:
        return float(wires.low_mw[step, row]), float(wires.high_mw[step, row])
    return 0.0, np.inf


@kernel
def factorise(hour: Hour, wires: Wires) -> None:
    """Write inverse and duals of the basis."""
    invert(hour, wires)
    price_out(hour, wires)


@kernel
def invert(hour: Hour, wires: Wires) -> None:
    """Make the inverse of the basis by Gauss-Jordan elimination with row pivoting."""
    m, basis, inverse = hour.size[0] + 1, hour.basis, hour.inverse
    for i in range(m):
        _column_into(hour.basic[i], hour, wires, hour.column)
        for k in range(m):
            basis[k, i] = hour.column[k]
            inverse[k, i] = 1.0 if k == i else 0.0
    for i in range(m):
        best = i
        for k in range(i + 1, m):
            if abs(basis[k, i]) > abs(basis[best, i]):
                best = k
        scale = 1.0 / basis[best, i]
        for k in range(m):
            below, below_inverse = basis[best, k], inverse[best, k]
            basis[best, k], inverse[best, k] = basis[i, k], inverse[i, k]
            basis[i, k], inverse[i, k] = scale * below, scale * below_inverse
        for row in range(m):
            factor = basis[row, i]
            if row != i and factor != 0.0:
                for k in range(m):
                    basis[row, k] -= factor * basis[i, k]
                    inverse[row, k] -= factor * inverse[i, k]


@kernel
def price_out(hour: Hour, wires: Wires) -> None:
    """Write the duals of the basis: prices of the balance and of the active rows."""
    m = hour.size[0] + 1
    for k in range(m):
        hour.dual[k] = 0.0
    for i in range(m):
        price = _price(hour.basic[i], wires)
        if price != 0.0:
            for k in range(m):
                hour.dual[k] += price * hour.inverse[i, k]


@kernel
def evaluate(step: int, hour: Hour, wires: Wires) -> None:
    """Write the values of the basic columns, and the supply that is at its bounds."""
    size = hour.size[0]
    columns, rest = len(wires.price), wires.net_mw[step]
    for column in range(columns):
        used = hour.width_mw[column] if hour.place[column] == HIGH else 0.0
        hour.used_mw[column] = used
        rest -= used
    hour.right[0] = rest
    for i in range(size):
        row = hour.row[i]
        flow = row_flow(step, row, hour.used_mw, len(hour.used_mw), wires)
        place = hour.place[columns + 3 * row + FLOW]
        if place == LOW:
            flow -= wires.low_mw[step, row]
        elif place == HIGH:
            flow -= wires.high_mw[step, row]
        hour.right[i + 1] = -flow
    for i in range(size + 1):
        value = 0.0
        for k in range(size + 1):
            value += hour.inverse[i, k] * hour.right[k]
        hour.value[i] = value
        if hour.basic[i] < columns:
            hour.used_mw[hour.basic[i]] = value


@kernel
def pivot(step: int, leaving: int, to_high: bool, excess: float, hour: Hour, wires: Wires) -> bool:
    """Let a basic column leave to its bound that it exceeds by ``excess``; False: no column can enter.

    On the way to the one that enters, columns flip to their other bound as long as that leaves some excess.
    """
    _tableau_row(leaving, 1.0 if to_high else -1.0, hour, wires)
    while True:
        entering = _ratio_test(hour, wires)
        if entering < 0:
            return False
        low, high = _bounds(entering, step, hour, wires)
        excess -= abs(hour.entry[entering]) * (high - low)
        if excess <= 0.0:
            break
        hour.entry[entering] = 0.0
        hour.place[entering] = LOW if hour.place[entering] == HIGH else HIGH
    _column_into(entering, hour, wires, hour.right)
    m = hour.size[0] + 1
    for i in range(m):
        change = 0.0
        for k in range(m):
            change += hour.inverse[i, k] * hour.right[k]
        hour.column[i] = change
    for k in range(m):
        hour.inverse[leaving, k] /= hour.column[leaving]
    for i in range(m):
        if i != leaving and hour.column[i] != 0.0:
            for k in range(m):
                hour.inverse[i, k] -= hour.column[i] * hour.inverse[leaving, k]
    hour.place[hour.basic[leaving]] = HIGH if to_high else LOW
    hour.place[entering] = BASIC
    hour.basic[leaving] = entering
    price_out(hour, wires)
    return True


@kernel
def _tableau_row(leaving: int, sign: float, hour: Hour, wires: Wires) -> None:
    """Write what one MW more of each column takes off a basic one (times ``sign``), and the reduced costs."""
    columns = len(wires.price)
    for column in range(columns):
        hour.entry[column] = sign * hour.inverse[leaving, 0]
        hour.reduced[column] = wires.price[column] - hour.dual[0]
    for i in range(hour.size[0]):
        row, factor, dual = hour.row[i], sign * hour.inverse[leaving, i + 1], hour.dual[i + 1]
        for column in range(columns):
            hour.entry[column] += factor * wires.reach[row, column]
            hour.reduced[column] -= dual * wires.reach[row, column]
        first = columns + 3 * row
        hour.entry[first + FLOW] = hour.entry[first + OVER] = -factor
        hour.entry[first + UNDER] = factor
        hour.reduced[first + FLOW] = dual
        hour.reduced[first + OVER] = wires.row_price[row] + dual
        hour.reduced[first + UNDER] = wires.row_price[row] - dual


@kernel
def _ratio_test(hour: Hour, wires: Wires) -> int:
    """Return the column that keeps all reduced costs right when it enters, −1 when there is none.

    Of columns that are equally good the one with the larger entry is taken, for the sake of accuracy.
    """
    best, ratio, size = -1, np.inf, 0.0
    columns = len(wires.price)
    for column in range(columns):
        entry, place = hour.entry[column], hour.place[column]
        if (entry > LEAST_PIVOT and place == LOW) or (entry < -LEAST_PIVOT and place == HIGH):
            if hour.width_mw[column] <= 0.0:
                continue
            found = abs(hour.reduced[column] / entry)
            if found < ratio - 1e-9 or (found <= ratio + 1e-9 and abs(entry) > size):
                best, ratio, size = column, found, abs(entry)
    for i in range(hour.size[0]):
        for column in range(columns + 3 * hour.row[i], columns + 3 * hour.row[i] + 3):
            entry, place = hour.entry[column], hour.place[column]
            if (entry > LEAST_PIVOT and place == LOW) or (entry < -LEAST_PIVOT and place == HIGH):
                found = abs(hour.reduced[column] / entry)
                if found < ratio - 1e-9 or (found <= ratio + 1e-9 and abs(entry) > size):
                    best, ratio, size = column, found, abs(entry)
    return best


@kernel
def settle_hour(step: int, hour: Hour, wires: Wires) -> bool:
    """Pivot until all basic columns are within their bounds; False: that failed."""
    for _ in range(MOST_PIVOTS):
        evaluate(step, hour, wires)
        leaving, excess, to_high = -1, SMALL, False
        for i in range(hour.size[0] + 1):
            low, high = _bounds(hour.basic[i], step, hour, wires)
            if hour.value[i] - high > excess:
                leaving, excess, to_high = i, hour.value[i] - high, True
            if low - hour.value[i] > excess:
                leaving, excess, to_high = i, low - hour.value[i], False
        if leaving < 0:
            return True
        if not pivot(step, leaving, to_high, excess, hour, wires):
            return False
    return False


@kernel
def solve_hour(step: int, hour: Hour, wires: Wires) -> bool:
    """Settle a step, adding the most violated row again and again; return whether any row was added."""
    added = False
    for _ in range(len(hour.row) + 1):
        settle_hour(step, hour, wires)
        row = worst_row(step, hour, wires)
        if row < 0 or hour.size[0] == len(hour.row):
            break
        added = True
        size = hour.size[0]
        hour.row[size], hour.position[row] = row, size
        hour.basic[size + 1] = len(wires.price) + 3 * row + FLOW
        hour.place[hour.basic[size + 1]] = BASIC
        hour.size[0] += 1
        factorise(hour, wires)
    return added


@kernel
def worst_row(step: int, hour: Hour, wires: Wires) -> int:
    """Return the most violated of the rows that are not active, −1 when there is none."""
    worst, excess = -1, FLOW_TOLERANCE_MW
    for row in range(len(wires.reach)):
        if hour.position[row] < 0:
            flow = row_flow(step, row, hour.used_mw, len(hour.used_mw), wires)
            over = max(flow - wires.high_mw[step, row], wires.low_mw[step, row] - flow)
            if over > excess:
                worst, excess = row, over
    return worst


@kernel
def row_flow(step: int, row: int, used_mw: _Floats, columns: int, wires: Wires) -> float:
    """Return the flow of a row when ``used_mw`` is supplied by the first ``columns``, and nothing by the others."""
    flow = wires.base_mw[step, row]
    for k in range(wires.own.shape[2]):
        injected = wires.injected_mw[step, k]
        flow += wires.own[GIVES if injected > 0.0 else TAKES, row, k] * injected
    for column in range(columns):
        flow += wires.reach[row, column] * used_mw[column]
    return float(flow)


@kernel
def _does(step: int, resource: int, sign: float, wires: Wires) -> int:
    """Return whether a resource takes or gives when it takes ``sign`` MW more."""
    injected = wires.injected_mw[step, resource]
    if abs(injected) <= IDLE_MW:
        injected = -sign
    return GIVES if injected > 0.0 else TAKES


@kernel
def probe(step: int, resource: int, sign: float, hour: Hour, wires: Wires) -> tuple[float, float]:
    """Return price and room of ``sign`` MW more to serve at a resource; room 0: that cannot be served.

    Where a basic column is at its bound already, the price beyond is that of the next basis: pivots without length.
    """
    m, does = hour.size[0] + 1, _does(step, resource, sign, wires)
    for _ in range(MOST_PIVOTS):
        room, leaving, to_high = np.inf, -1, False
        for i in range(m):
            change = hour.inverse[i, 0]
            for k in range(1, m):
                change += hour.inverse[i, k] * wires.own[does, hour.row[k - 1], resource]
            change *= sign
            low, high = _bounds(hour.basic[i], step, hour, wires)
            if change > LEAST_PIVOT and max(high - hour.value[i], 0.0) < room * change:
                room, leaving, to_high = max(high - hour.value[i], 0.0) / change, i, True
            elif change < -LEAST_PIVOT and max(hour.value[i] - low, 0.0) < room * -change:
                room, leaving, to_high = max(hour.value[i] - low, 0.0) / -change, i, False
        if room > SMALL:
            price = hour.dual[0]
            for k in range(1, m):
                price += hour.dual[k] * wires.own[does, hour.row[k - 1], resource]
            return float(price), float(room)
        if not pivot(step, leaving, to_high, 0.0, hour, wires):
            return 0.0, 0.0
        evaluate(step, hour, wires)
    return 0.0, 0.0


@kernel
def prices(step: int, resource: int, hour: Hour, trial: Hour, wires: Wires) -> tuple[float, float, float, float]:
    """Return price and room of one MW more, and of one MW less, as a resource sees them in a step."""
    take_up(step, hour, wires)
    settle_hour(step, hour, wires)
    save(step, hour, wires)
    copy(hour, trial)
    more, more_room = probe(step, resource, 1.0, trial, wires)
    less, less_room = probe(step, resource, -1.0, hour, wires)
    return (
        more if more_room > 0.0 else np.inf,
        more_room,
        less if less_room > 0.0 else -np.inf,
        less_room,
    )
