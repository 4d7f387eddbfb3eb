"""The network level: by hand, against HiGHS, against all states one by one, against one node, and monotone."""

from __future__ import annotations

from dataclasses import fields
from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
from adequacy_cases import hydro, storages, system, wavy_load, wired
from scipy.optimize import linprog

from scenarios.errors import InvariantError
from scenarios.timeaxis import TimeAxis
from sim.reliability import kernels, networked
from sim.reliability import kernels_shedding as lp
from sim.reliability.estimates import mean_of
from sim.reliability.network import Network
from sim.reliability.networked import aged_h
from sim.reliability.sampling import Sample, prepared, sample, use_threads
from sim.reliability.system import PLAIN, AdequacySystem, replaced


def with_wires(s: AdequacySystem, **changes: Any) -> AdequacySystem:
    """Return a system with some fields of its network changed."""
    assert s.network is not None
    values = {item.name: getattr(s.network, item.name) for item in fields(s.network)}
    return replaced(s, network=Network(**(values | changes)))


def one_year(s: AdequacySystem) -> Sample:
    """Return a year of a system in which nothing is random."""
    return sample(prepared(s), 1, 0, 1)


# By hand


def test_a_weak_line_by_hand() -> None:
    """20 MW at bus 0 serve 4 MW there and 8 MW at bus 1 over a line of 5 MW: 3 MW lack at bus 1, in each hour."""
    s = wired(system([20], [8.0, 16.0]), {"G0": 0}, [(0, 1, 5)], load_bus=[0, 1])
    done = one_year(with_wires(s, load_share=np.array([[[0.5, 0.5], [0.5, 0.5]]])))
    assert done.figures[0, kernels.LOLH] == 1
    assert done.figures[0, kernels.EUE] == pytest.approx(3)
    assert done.where is not None
    assert done.where.demand_mwh[0] == pytest.approx([0, 3])
    assert list(done.where.demand_h[0]) == [0, 1]
    assert list(done.where.county_h[0]) == [0, 1]
    assert list(done.where.binding_h[0]) == [1]


def test_a_bus_that_is_cut_off_lives_from_what_it_has() -> None:
    """The line is always out; bus 1 has 3 MW of its own for a load of 8 MW, bus 0 has 20 MW for 8 MW."""
    s = wired(system([20, 3], [16.0]), {"G0": 0, "G1": 1}, [(0, 1, 50)], load_bus=[0, 1])
    cut = with_wires(s, mean_up_h=np.array([1e-9]), mean_down_h=np.array([1e12]))
    assert one_year(s).figures[0, kernels.EUE] == 0
    done = one_year(cut)
    assert done.where is not None
    assert done.where.demand_mwh[0] == pytest.approx([0, 5])


def test_half_of_two_circuits_carries_half() -> None:
    """Two circuits of 4 MW each; one is always out: 4 of 6 MW arrive."""
    s = wired(system([20], [6.0]), {"G0": 0}, [(0, 1, 8)], load_bus=[1], circuits=np.array([2]))
    rarely = with_wires(s, mean_up_h=np.array([1e12]), mean_down_h=np.array([1e12]))
    found = {
        float(one.figures[0, kernels.EUE].round(9))
        for one in (sample(prepared(rarely), k, 0, 1) for k in range(20))
    }
    assert found == {0.0, 2.0, 6.0}


def triangle(**changes: Any) -> AdequacySystem:
    """Return 100 MW at bus 0, a load of 60 MW at bus 2, an export of 30 MW at bus 1, 45 MW on the line 0–2.

    With equal reactances the load puts 2/3 on that line and the export 1/3: 40 + 10 = 50 MW, 5 too many.
    """
    s = system([100], [60.0], export_mw=np.array([30.0]), **changes)
    return wired(s, {"G0": 0, "S0": 2}, [(0, 1, 99), (1, 2, 99), (0, 2, 45)], load_bus=[2], channel_bus=[1])


def test_export_is_cut_before_load_by_hand() -> None:
    """5 MW of relief at 1/3: the export is cut by 15 MW although 7.5 MW of load would do."""
    done = one_year(triangle(measures=("export",)))
    assert done.figures[0, kernels.EXPORT_MWH] == pytest.approx(15)
    assert done.figures[0, kernels.EUE] == 0


def test_firm_export_counts_as_load_by_hand() -> None:
    """Both are firm: the load relieves twice as much per MW, 7.5 MW of it go unserved."""
    done = one_year(triangle())
    assert done.where is not None
    assert done.where.demand_mwh[0] == pytest.approx([7.5, 0])


def test_the_order_of_measures_is_the_scenarios_by_hand() -> None:
    """2 MW of response at the load take off 4/3 MW, the rest is 5 − 4/3 = 11/3 MW at 1/3: 11 MW of export."""
    response = {"response_mw": np.array([[2.0]])}
    first = one_year(triangle(measures=("response", "export"), **response))
    assert first.figures[0, kernels.RESPONSE_MWH] == pytest.approx(2)
    assert first.figures[0, kernels.EXPORT_MWH] == pytest.approx(11)
    last = one_year(triangle(measures=("export", "response"), **response))
    assert last.figures[0, kernels.EXPORT_MWH] == pytest.approx(15)
    assert last.figures[0, kernels.RESPONSE_MWH] == 0


def test_a_store_behind_the_line_helps_by_hand() -> None:
    """Line of 5 MW, load 8 MW at its end, a store of 2 MW and 3 MWh there: lacks 1, 2, 3 MW; then it is charged.

    Hour 4 asks 2 MW, so 3 MW charge at most, its power takes 2: hour 5 has 2 MW again.
    """
    s = system([20], [8.0, 8, 8, 2, 8], **storages(((2, 3),)), measures=("storage",))
    done = one_year(wired(s, {"G0": 0, "S0": 1}, [(0, 1, 5)], load_bus=[1]))
    assert done.figures[0, kernels.EUE] == pytest.approx(1 + 2 + 3 + 1)
    assert done.figures[0, kernels.STORAGE_MWH] == pytest.approx(2 + 1 + 2)


def test_a_shortage_without_congestion_is_spread() -> None:
    """10 of 20 MW are there and no line binds: each of four equal loads goes short of between 20 and 80 %."""
    s = wired(system([10], [20.0]), {"G0": 0}, [(0, 1, 99), (1, 2, 99), (2, 3, 99)], load_bus=[0, 1, 2, 3])
    done = one_year(s)
    assert done.where is not None
    assert done.where.demand_mwh[0].sum() == pytest.approx(10)
    assert done.where.demand_mwh[0].min() >= 1
    assert done.where.demand_mwh[0].max() <= 4


# The programme against HiGHS


def test_the_simplex_method_against_highs() -> None:
    """300 random programmes, rows added one by one to the solved programme; some have no solution."""
    rng, endings = np.random.default_rng(3), [0, 0]
    for _ in range(300):
        columns, rows = int(rng.integers(3, 30)), int(rng.integers(1, 10))
        high = rng.uniform(0, 10, columns) * (rng.random(columns) < 0.9)
        price = rng.choice([-1.0, 0, 1, 30, 900], columns) + rng.uniform(0, 1e-3, columns)
        matrix = rng.normal(size=(rows, columns))
        through = matrix @ (rng.uniform(0, 1, columns) * high)
        least, most = through - rng.uniform(0, 3, rows), through + rng.uniform(0, 3, rows)
        least[0] = most[0] = through[0]
        if rng.random() < 0.1:
            least[-1] = most[-1] = 1e3
        told, value = by_simplex(price, high, matrix, least, most)
        truth = linprog(
            price, np.vstack([matrix, -matrix]), np.concatenate([most, -least]),
            bounds=list(zip(np.zeros(columns), high, strict=True)),
        )  # fmt: skip
        assert (told == lp.SOLVED) == (truth.status == 0)
        endings[told] += 1
        if told == lp.SOLVED:
            assert value == pytest.approx(truth.fun, rel=1e-6, abs=1e-6)
    assert min(endings) > 10


def by_simplex(
    price: np.ndarray, high: np.ndarray, matrix: np.ndarray, least: np.ndarray, most: np.ndarray
) -> tuple[int, float]:
    rows, columns = matrix.shape
    programme, scratch, told = lp.new_programme(rows, columns), np.zeros(columns), lp.SOLVED
    lp.begin(programme, price, high)
    for i in range(rows):
        lp.add_row(programme, i, matrix[i], least[i], most[i])
        told = lp.solve(programme, i + 1, scratch)
        if told != lp.SOLVED:
            return told, 0.0
    x = np.zeros(columns)
    lp.read(programme, rows, x)
    return told, float(price @ x)


# All states one by one


def least_shedding(s: AdequacySystem, up: list[bool], there: list[bool], load_mw: float) -> float:
    """Return the MW shed in a state, by HiGHS over bus angles: another formulation than the kernel's."""
    network = s.network
    assert network is not None
    buses, lines = len(network.buses), [k for k, on in enumerate(there) if on]
    units, loads = len(s.units), network.loads
    share = network.load_share[0, 0]
    balance = np.zeros((buses, units + loads + buses))
    for u, plant in enumerate(s.unit_plant):
        balance[network.bus_of[plant], u] = 1
    for d in range(loads):
        balance[network.demand_bus[d], units + d] = 1
    flows = np.zeros((len(lines), units + loads + buses))
    for row, k in enumerate(lines):
        flows[row, units + loads + network.from_bus[k]] = network.susceptance[k]
        flows[row, units + loads + network.to_bus[k]] = -network.susceptance[k]
        balance[network.from_bus[k]] -= flows[row]
        balance[network.to_bus[k]] += flows[row]
    asked = np.zeros(buses)
    np.add.at(asked, network.demand_bus[:loads], load_mw * share)
    limit = network.limit_mw[lines]
    done = linprog(
        np.concatenate([np.zeros(units), np.ones(loads), np.zeros(buses)]),
        np.vstack([flows, -flows]) if lines else None,
        np.concatenate([limit, limit]) if lines else None,
        balance, asked,
        bounds=[(0, mw if on else 0) for mw, on in zip(s.capacity_mw, up, strict=True)]
        + [(0, load_mw * part) for part in share] + [(None, None)] * buses,
    )  # fmt: skip
    assert done.status == 0
    return float(done.fun)


def ring() -> AdequacySystem:
    """Return four buses in a ring with a diagonal; three units and five lines fail, loads at three buses."""
    s = system([40, 30, 35], [34.0, 46, 58, 46] * 30, mttf=[90, 60, 75], mttr=[15, 12, 20])
    return wired(
        s, {"G0": 0, "G1": 1, "G2": 2}, [(0, 1, 14), (1, 2, 12), (2, 3, 15), (3, 0, 13), (1, 3, 9)],
        load_bus=[1, 2, 3], mean_up_h=np.array([200.0, 150, 180, 220, 160]),
        mean_down_h=np.array([12.0, 10, 14, 9, 16]), susceptance=np.array([1.0, 0.8, 1.3, 0.9, 0.6]),
    )  # fmt: skip


@pytest.fixture(scope="module")
def truth() -> tuple[float, float]:
    """Return LOLH and EUE of the ring by going through all states of units and lines."""
    s = ring()
    assert s.network is not None
    network = s.network
    out = np.concatenate([s.unavailability, network.mean_down_h / (network.mean_up_h + network.mean_down_h)])
    hours = {float(mw): int((s.load_mw[0] == mw).sum()) for mw in np.unique(s.load_mw[0])}
    units, lolh, eue = len(s.units), 0.0, 0.0
    for state in product([True, False], repeat=len(out)):
        chance = float(np.prod(np.where(state, 1 - out, out)))
        for load_mw, count in hours.items():
            shed = least_shedding(s, list(state[:units]), list(state[units:]), load_mw)
            lolh += chance * count * (shed > 1e-6)
            eue += chance * count * shed
    return lolh, eue


@pytest.fixture(scope="module")
def sampled() -> Sample:
    return sample(prepared(ring()), 4, 0, 4000)


def test_the_simulation_agrees_with_all_256_states(truth: tuple[float, float], sampled: Sample) -> None:
    """2^8 states and three loads, shed by HiGHS; 4,000 sampled years within three standard errors."""
    for column, exact in zip((kernels.LOLH, kernels.EUE), truth, strict=True):
        found = mean_of(sampled.column(column))
        assert abs(found.value - exact) <= 3 * found.standard_error
        assert found.standard_error < 0.02 * exact  # else the bound would mean little
    # The network matters here: one node would have far less risk.
    one_node = mean_of(sample(prepared(replaced(ring(), network=None)), 4, 0, 400).column(kernels.EUE))
    assert one_node.value < 0.6 * truth[1]


def test_the_standard_error_covers_the_exact_value_in_two_of_three_studies(
    truth: tuple[float, float], sampled: Sample
) -> None:
    """200 studies of 20 years: t with 19 degrees of freedom lies within ± 1 in 67.0 % of cases.

    Hits are binomial(200, 0.670), 134 ± 6.65; three sigma: 115 … 153.
    """
    found = [mean_of(part) for part in sampled.column(kernels.EUE).reshape(200, 20)]
    hits = sum(abs(one.value - truth[1]) <= one.standard_error for one in found)
    assert 115 <= hits <= 153


# Against one node


def mixed(**changes: Any) -> AdequacySystem:
    """Return failing units, a hydro plant, a store, response, export and a solar plant on three buses."""
    hours, days = 240, 10
    sun = np.maximum(np.sin(2 * np.pi * (np.arange(hours) % 24 - 6) / 24), 0) * 10
    s = system(
        [20, 20, 20, 8], wavy_load(hours, 44, 8), mttf=[100, 100, 100, 400], mttr=12,
        unit_hydro=np.array([PLAIN, PLAIN, PLAIN, 0]), **hydro(8, [40.0] * days, minimum=0.5),
        **storages(((5, 12),), 0.9), response_mw=np.full((1, hours), 1.5), export_mw=np.full(hours, 4.0),
        renewables=("V",), renewable_capacity_mw=np.array([10.0]), renewable_mw=sun[None, :, None],
        unit_plant=("G0", "G1", "G2", "H"), measures=("storage", "response", "export"), load_uncertainty=0.03,
    )  # fmt: skip
    bus_of = {"G0": 0, "G1": 1, "G2": 2, "H": 2, "V": 1, "S0": 0}
    return wired(s, bus_of, [(0, 1, 1e4), (1, 2, 1e4), (0, 2, 1e4)], load_bus=[0, 1, 2], channel_bus=[1], **changes)


@pytest.mark.parametrize("firm_mw", [0.0, -3.0, 2.0])
def test_without_limits_and_line_outages_it_is_one_node(firm_mw: float) -> None:
    """Every figure of every year is that of the other walk, which knows no network."""
    s = mixed()
    wide = sample(prepared(s), 6, 0, 100, firm_mw)
    node = sample(prepared(replaced(s, network=None)), 6, 0, 100, firm_mw)
    assert np.allclose(wide.figures, node.figures, atol=1e-4)
    assert np.array_equal(wide.short_steps, node.short_steps)
    assert node.figures[:, kernels.EUE].sum() > 0


def test_a_network_never_has_less_risk_than_one_node() -> None:
    s = ring()
    wires = sample(prepared(s), 2, 0, 200).column(kernels.EUE)
    node = sample(prepared(replaced(s, network=None)), 2, 0, 200).column(kernels.EUE)
    assert (wires >= node - 1e-6).all()
    assert wires.sum() > node.sum()


def test_places_add_up_to_the_whole() -> None:
    s = with_wires(mixed(), limit_mw=np.array([4.0, 6.0, 5.0]))
    done = sample(prepared(s), 6, 0, 64)
    assert done.where is not None
    assert done.where.demand_mwh.sum(axis=1) == pytest.approx(done.column(kernels.EUE))
    assert (done.where.demand_h.max(axis=1) <= done.column(kernels.LOLH)).all()
    assert (done.where.demand_h.sum(axis=1) >= done.column(kernels.LOLH)).all()
    assert done.where.programmes > 0


# More of anything never raises risk, on common random numbers


def annual(s: AdequacySystem) -> np.ndarray:
    return sample(prepared(s), 11, 0, 200).column(kernels.EUE)


def test_a_stronger_line_never_raises_risk() -> None:
    """A higher rating with the same reactance, line by line (a lower reactance could: it draws flow to itself)."""
    s = ring()
    assert s.network is not None
    before = annual(s)
    for line in range(5):
        limit = s.network.limit_mw.copy()
        limit[line] += 5
        assert (annual(with_wires(s, limit_mw=limit)) <= before + 1e-6).all()
    assert annual(with_wires(s, limit_mw=s.network.limit_mw + 5)).sum() < before.sum()


def test_more_capacity_never_raises_risk() -> None:
    s = ring()
    found = [annual(replaced(s, capacity_mw=s.capacity_mw + more)) for more in (0.0, 4.0, 8.0)]
    for less, more in pairwise(found):
        assert (more <= less + 1e-6).all()
        assert more.sum() < less.sum()


def test_a_more_reliable_line_lowers_risk() -> None:
    s = ring()
    assert s.network is not None
    better = with_wires(s, mean_up_h=s.network.mean_up_h * 3)
    assert annual(better).mean() < annual(s).mean()


def test_more_storage_lowers_risk() -> None:
    """At the loads a larger store serves more; energy moved between hours may raise a single year, not the sum."""
    base = replaced(ring(), measures=("storage",))
    assert base.network is not None
    found = []
    for size in ((0.001, 0.001), (4.0, 8.0), (8.0, 16.0)):
        s = replaced(base, **storages((size,), 0.9))
        found.append(annual(with_wires(s, bus_of={**base.network.bus_of, "S0": 3})).sum())
    assert found[0] > found[1] > found[2]


# Sampling


def test_threads_and_continuation_do_not_matter() -> None:
    ready = prepared(ring())
    whole = sample(ready, 5, 0, 64)
    use_threads(1)
    parts = sample(ready, 5, 0, 30).followed_by(sample(ready, 5, 30, 34))
    use_threads(None)
    assert np.array_equal(whole.figures, parts.figures)
    assert np.array_equal(whole.short_steps, parts.short_steps)
    assert whole.where is not None
    assert parts.where is not None
    assert np.array_equal(whole.where.demand_mwh, parts.where.demand_mwh)
    assert np.array_equal(whole.where.binding_h, parts.where.binding_h)
    assert whole.where.programmes == parts.where.programmes


def test_outages_gather_in_ice_and_keep_their_mean() -> None:
    """A line ages ten times as fast in the first tenth of 1,000 h: 10·100 of 1,900 weighted hours.

    It fails on average every 100 h and is repaired at once (0.01 h, a step is 1 h … so a failure is short), hence
    ten times in 1,000 h, of which 10/19 in ice. In 3,000 years: 30,000 failures, 15,789 of them in ice.
    """
    hours = 1000
    ageing = np.ones((1, hours, 1))
    ageing[0, :100] = 10
    s = wired(system([20], [5.0] * hours), {"G0": 0}, [(0, 1, 50)], load_bus=[1], ageing=ageing)
    s = with_wires(s, mean_up_h=np.array([100.0]), mean_down_h=np.array([1.0]))
    assert s.network is not None
    assert aged_h(s.network, 1.0)[0, 0, [100, 1000]] == pytest.approx([1000 * 10 / 19, 1000])
    done = sample(prepared(s), 3, 0, 3000)
    assert done.where is not None
    # Out of service for 1/101 of the time on average, in ice by 10/19 · 1000 / 100 failures in 100 h.
    found = mean_of(done.column(kernels.LOLH))
    assert found.value == pytest.approx(1000 / 101, abs=4 * found.standard_error + 0.1)


def test_ice_raises_the_risk_of_its_hours() -> None:
    """A line out means shortage; an iced January day has a multiple of the shortage of other days."""
    hours = 48
    ageing = np.ones((1, hours, 1))
    ageing[0, 24:] = 20
    s = wired(system([20], [5.0] * hours), {"G0": 0}, [(0, 1, 50)], load_bus=[1], ageing=ageing)
    s = replaced(s, time=TimeAxis.of("2025-01-31", hours))  # the iced day is the first of February
    s = with_wires(s, mean_up_h=np.array([500.0]), mean_down_h=np.array([3.0]))
    afternoons = sample(prepared(s), 4, 0, 6000).short_steps[:2, 12:].sum(axis=1)
    assert afternoons[1] > 5 * afternoons[0] > 0


def test_a_step_without_solution_is_a_fault_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    real = networked.walk_years

    def failing(*given: Any) -> None:
        real(*given)
        given[-1].solved[1] = 2

    monkeypatch.setattr(networked, "walk_years", failing)
    with pytest.raises(InvariantError, match="programme of 2 steps"):
        one_year(ring())
