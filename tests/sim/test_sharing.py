"""Equal plants share what is left over: by room, behind the same binding rows, as far as the other rows allow."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sim.dispatch.programme import alike
from sim.dispatch.sharing import Rows, evened


def rows(reach: object, flow: object, high: object) -> Rows:
    flow = np.atleast_2d(np.array(flow, dtype=float))
    high = np.broadcast_to(np.array(high, dtype=float), flow.shape)
    return Rows(np.atleast_2d(np.array(reach, dtype=float)), flow, -high, high)


def test_shares_follow_the_room():
    # 60 MW of 100 + 200 MW that could be: 20 % of each.
    behind = rows([[0.0, 0.0]], [0.0], np.inf)
    fair = evened(np.array([[60.0, 0.0]]), behind.reach, np.array([[100.0, 200.0]]), behind)
    assert np.allclose(fair, [[20.0, 40.0]], atol=1e-9)


def test_a_binding_row_parts_those_it_reaches_from_the_others():
    # The row binds at 30 MW; only the first two stand behind it. They share their 30, the others their 50.
    behind = rows([[1.0, 1.0, 0.0, 0.0]], [30.0], 30.0)
    part, room = np.array([[30.0, 0.0, 0.0, 50.0]]), np.full((1, 4), 100.0)
    assert np.allclose(evened(part, behind.reach, room, behind), [[15.0, 15.0, 25.0, 25.0]], atol=1e-9)


def test_a_step_ends_where_another_row_would_be_passed():
    # Fair were 40 each. The second stands alone behind a line that carries 10 of 30 MW: it gets 20, half the way.
    behind = rows([[0.0, 1.0]], [10.0], 30.0)
    fair = evened(np.array([[80.0, 0.0]]), behind.reach, np.array([[100.0, 100.0]]), behind)
    assert np.allclose(fair, [[60.0, 20.0]], atol=1e-9)


def test_an_hour_with_nothing_left_over_stays_as_it_is():
    behind = rows([[0.0, 0.0]], np.zeros((2, 1)), np.inf)
    part = np.array([[100.0, 50.0], [0.0, 0.0]])
    assert np.array_equal(evened(part, behind.reach, np.array([[100.0, 50.0], [100.0, 50.0]]), behind), part)


def test_no_hours_are_no_work():
    behind = rows([[0.0, 1.0]], np.zeros((0, 1)), np.inf)
    assert evened(np.zeros((0, 2)), behind.reach, np.zeros((0, 2)), behind).shape == (0, 2)


@given(st.integers(0, 10**6))
def test_another_way_to_reckon_says_the_same(seed: int):
    """In matrices, hour by hour, with clusters found by sorting instead of comparing."""
    draw = np.random.default_rng(seed)
    hours, count, columns = 3, 4, 5
    reach = draw.choice([0.0, 0.3, -0.5], (count, columns))
    room = draw.uniform(0.0, 100.0, (hours, columns))
    part = room * draw.uniform(0.0, 1.0, (hours, columns))
    flow = part @ reach.T
    behind = Rows(
        reach, flow, flow - draw.choice([0.0, 20.0], flow.shape), flow + draw.choice([0.0, 20.0], flow.shape)
    )
    expected = [_fair(part[h], room[h], behind, h) for h in range(hours)]
    assert np.allclose(evened(part, reach, room, behind), expected, atol=1e-6)


def _fair(part: np.ndarray, room: np.ndarray, behind: Rows, hour: int) -> np.ndarray:
    up, down = behind.high_mw[hour] - behind.flow_mw[hour], behind.flow_mw[hour] - behind.low_mw[hour]
    tight = np.minimum(up, down) <= 1e-4
    clusters = alike(behind.reach[tight])
    step = clusters.split(clusters.total(part[None]), room[None])[0] - part
    change = (behind.reach @ step)[~tight]
    ways = np.where(change > 0.0, up[~tight], down[~tight])[np.abs(change) > 1e-4]
    return part + step * min([1.0, *(ways / np.abs(change[np.abs(change) > 1e-4]))])
