"""The fast dispatch beside the exact one on stress cases of the default scenario, as a Markdown table.

    python -m benchmarks stress [--days 365] [--only text]

Every case is the default scenario's year with something stretched: PV, storage, coal's minimum, lines out,
ratings, export band, response, water, load, and operating rules (``--only rule``); or has flexible loads, hours
of shedding, contents with a value. Both solvers get the same units, windows, prices and network limits; costs
include the price of overloads. Times are of one run each, compiled before; two at once is two equal years on two
threads, per year. Days anew are those that ``fast`` left to the exact programme.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace

import numpy as np

from benchmarks.stress_rules import Base, rule_cases
from grid.compile import compile_net
from grid.model import GridModel
from grid.network import build_net
from profiles.generate import generate
from profiles.weather import make_weather
from scenarios.load import load_scenario
from scenarios.records import Bools
from sim.checks import violations
from sim.dispatch import fast, lp
from sim.dispatch.certificate import operating_cost_cny
from sim.dispatch.limits import NetworkLimits, network_limits, overload_mw
from sim.dispatch.model import Calls, DispatchCase, DispatchResult, FlexibleLoads
from sim.dispatch.span import cut
from sim.fleet import build_case

OUT_LINES = 2
"""How many single outages of branches are tried: those of the largest ratings that leave the grid whole."""


@dataclass(frozen=True, slots=True, eq=False)
class Stress:
    """A case with its limits, under a name."""

    name: str
    case: DispatchCase
    limits: NetworkLimits


@dataclass(frozen=True, slots=True)
class Found:
    """What the two solvers found: seconds, cost in CNY with overloads, energies in MWh, laws broken by ``fast``."""

    name: str
    lp_s: float
    fast_s: float
    pair_s: float
    cost: tuple[float, float]
    curtailed: tuple[float, float]
    unserved: tuple[float, float]
    overload: tuple[float, float]
    available: float
    load: float
    broken: tuple[str, ...]
    days_anew: int

    @property
    def cost_gap(self) -> float:
        """Cost of ``fast`` above that of ``lp``, as a share."""
        return self.cost[1] / self.cost[0] - 1.0

    def __str__(self) -> str:
        """Return the Markdown row."""
        more = self.curtailed[1] - self.curtailed[0]
        cells = (
            self.name,
            f"{self.lp_s:.2f}",
            f"{self.fast_s:.3f}",
            f"{self.pair_s:.3f}",
            f"{self.lp_s / self.fast_s:.0f}",
            f"{100 * self.cost_gap:+.4f}",
            f"{self.curtailed[0] / 1e3:.1f}",
            f"{100 * more / max(self.curtailed[0], 1):+.2f}",
            f"{100 * more / max(self.available, 1):+.3f}",
            *(f"{lost / 1e3:.2f}" for lost in self.unserved),
            *(f"{over:.1f}" for over in self.overload),
            ", ".join(self.broken) or "–",
            str(self.days_anew),
        )
        return f"| {' | '.join(cells)} |"


HEAD = (
    "| case | lp s | fast s | two at once, s each | lp / fast | cost gap % | curtailed GWh | more, % of it "
    "| more, % of available | unserved GWh lp | fast | overload MWh lp | fast | laws broken | days anew |\n"
    + "|---" * 15
    + "|"
)


def stress_cases(days: int) -> Iterator[Stress]:
    """Yield the cases, cut to the first ``days`` of the year."""
    scenario = load_scenario()
    model = compile_net(build_net(scenario))
    profiles = generate(scenario, make_weather(scenario))
    whole = build_case(scenario, profiles)
    base = cut(whole, 0, days) if days < len(whole.day_hours) else whole
    limits = network_limits(scenario, model, base)
    pv = np.isin(base.renewables, [plant.plant_id for plant in scenario.plants_of("pv")])
    yield Stress("base", base, limits)
    yield from (Stress(f"PV × {k}", _sunnier(base, pv, k), limits) for k in (0.5, 1.5, 2.0, 3.0))
    yield Stress("no storage", *_without_storage(base, limits))
    yield from (Stress(f"storage × {k}", _stored(base, k), limits) for k in (5.0, 20.0))
    yield from (Stress(f"coal minimum {k:.0%}", _stiffer(base, k), limits) for k in (0.2, 0.45, 0.6))
    for name, grid in _outages(model):
        yield Stress(f"{name} out", base, network_limits(scenario, grid, base))
    yield from (Stress(f"ratings × {k}", base, _rated(limits, k)) for k in (0.8, 0.6, 0.5, 0.4))
    yield from (Stress(f"band {k:.0%}", _banded(base, k), limits) for k in (0.0, 0.3))
    yield from (Stress(f"response × {k}", _responsive(base, k), limits) for k in (0.0, 3.0))
    yield from (Stress(f"water × {k}", _wetter(base, k), limits) for k in (0.5, 1.5))
    yield from (Stress(f"load × {k}", _loaded(base, k), limits) for k in (1.6, 2.0, 2.4))
    both = _stored(_sunnier(base, pv, 2.0), 5.0)
    yield Stress("PV × 2, storage × 5, ratings × 0.7", both, _rated(limits, 0.7))
    yield Stress("load × 2, ratings × 0.6", _loaded(base, 2.0), _rated(limits, 0.6))
    for name, case, its_limits in rule_cases(Base(base, _loaded(base, 3.0), limits, _rated(limits, 0.6))):
        yield Stress(f"rule: {name}", case, its_limits)
    yield from _with_energies(base, limits, pv)


def _with_energies(base: DispatchCase, limits: NetworkLimits, pv: Bools) -> Iterator[Stress]:
    """Yield cases with energies of the day and the year: flexible loads, hours of shedding, valued contents."""
    flexible, wires = _flexible(base, limits, pv)
    yield Stress("flexible loads", flexible, wires)
    yield Stress("flexible loads, PV × 2", _sunnier(flexible, pv, 2.0), wires)
    yield Stress("flexible loads, load × 2, ratings × 0.6", _loaded(flexible, 2.0), _rated(wires, 0.6))
    yield Stress("load × 3, shedding 4 h a day, 60 h a year", _called(_loaded(base, 3.0)), limits)
    yield Stress("load × 2, ratings × 0.6, shedding the same", _called(_loaded(base, 2.0)), _rated(limits, 0.6))
    for factor in (5.0, 20.0):
        lasting = _stored(_sunnier(base, pv, 2.0), factor)
        yield Stress(f"PV × 2, storage × {factor}, content worth 100", _valued(lasting, 100.0), limits)


def compare(stress: Stress) -> Found:
    """Solve a case by both, and compare."""
    case, limits = stress.case, stress.limits
    began = time.perf_counter()
    exact = lp.solve(case, limits)
    lp_s = time.perf_counter() - began
    fast_s = min(_timed(case, limits) for _ in range(3))
    quick = fast.solve(case, limits)
    results = (exact, quick)
    step_h = case.time.step_h
    return Found(
        name=stress.name,
        lp_s=lp_s,
        fast_s=fast_s,
        pair_s=_pair_s(case, limits),
        cost=_both(operating_cost_cny(case, result, limits) for result in results),
        curtailed=_both(float((case.available_mw - result.renewable_mw).sum()) * step_h for result in results),
        unserved=_both(_lost_mwh(case, result) for result in results),
        overload=_both(float(overload_mw(limits, case, result).sum()) * step_h for result in results),
        available=float(case.available_mw.sum()) * step_h,
        load=float(case.load_mw.sum()) * step_h,
        broken=tuple(item.law for item in violations(case, quick, limits)),
        days_anew=len(quick.days_anew),
    )


def main(arguments: list[str]) -> int:
    """Print the table; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks stress", description=__doc__)
    parser.add_argument("--days", type=int, default=366, help="length of the cases")
    parser.add_argument("--only", default="", help="only cases whose name has this text")
    options = parser.parse_args(arguments)
    print(HEAD, flush=True)
    rows: list[Found] = []
    for stress in stress_cases(options.days):
        if options.only in stress.name:
            if not rows:
                fast.solve(stress.case, stress.limits)  # so that compilation is not in the first row
            rows.append(compare(stress))
            print(rows[-1], flush=True)
    gaps = [100 * row.cost_gap for row in rows]
    ratios = [row.lp_s / row.fast_s for row in rows]
    print(
        f"\nCost gap: median {statistics.median(gaps):+.4f} %, worst {max(gaps):+.4f} %, least {min(gaps):+.4f} %."
    )
    print(f"lp / fast: median {statistics.median(ratios):.0f}, least {min(ratios):.0f}.")
    return 0


def _both(values: Iterator[float]) -> tuple[float, float]:
    first, second = values
    return first, second


def _timed(case: DispatchCase, limits: NetworkLimits) -> float:
    began = time.perf_counter()
    fast.solve(case, limits)
    return time.perf_counter() - began


def _pair_s(case: DispatchCase, limits: NetworkLimits) -> float:
    with ThreadPoolExecutor(2) as pool:
        began = time.perf_counter()
        list(pool.map(lambda _: fast.solve(case, limits), range(2)))
        return (time.perf_counter() - began) / 2


def _lost_mwh(case: DispatchCase, result: DispatchResult) -> float:
    cut_mw = np.maximum(case.export_low_mw - result.export_mw, 0.0)
    return float(result.unserved_mw.sum() + cut_mw.sum()) * case.time.step_h


def _sunnier(case: DispatchCase, pv: Bools, factor: float) -> DispatchCase:
    return replace(case, available_mw=case.available_mw * np.where(pv, factor, 1.0))


def _without_storage(case: DispatchCase, limits: NetworkLimits) -> tuple[DispatchCase, NetworkLimits]:
    names = [item.name for item in fields(case) if item.name.startswith("storage_")]
    none = {name: getattr(case, name)[:0] for name in names}
    return replace(case, storages=(), **none), replace(limits, storages=limits.storages[:, :0])


def _stored(case: DispatchCase, factor: float) -> DispatchCase:
    power, energy = factor * case.storage_power_mw, factor * case.storage_energy_mwh
    return replace(case, storage_power_mw=power, storage_energy_mwh=energy)


def _stiffer(case: DispatchCase, minimum: float) -> DispatchCase:
    return replace(case, coal_minimum_pu=np.full(len(case.coal), minimum))


def _outages(model: GridModel) -> Iterator[tuple[str, GridModel]]:
    """Yield grids without one branch, largest rating first; buses must not be cut off."""
    meshed = np.bincount(np.concatenate([model.from_bus, model.to_bus]), minlength=len(model.buses))
    free = (meshed[model.from_bus] > 2) & (meshed[model.to_bus] > 2) & ~model.is_trafo
    order = [k for k in np.argsort(-model.limit_from_ka * model.vn_kv[model.from_bus]) if free[k]]
    for branch in order[:OUT_LINES]:
        gone = np.arange(len(model.branches)) == branch
        y_ft, y_tf = np.where(gone, 0.0, model.y_ft_pu), np.where(gone, 0.0, model.y_tf_pu)
        yield model.branches[branch], replace(model, y_ft_pu=y_ft, y_tf_pu=y_tf)


def _rated(limits: NetworkLimits, factor: float) -> NetworkLimits:
    return replace(limits, low_mw=factor * limits.low_mw, high_mw=factor * limits.high_mw)


def _banded(case: DispatchCase, band: float) -> DispatchCase:
    low, high = (1.0 - band) * case.export_mw, (1.0 + band) * case.export_mw
    return replace(case, export_low_mw=low, export_high_mw=high)


def _responsive(case: DispatchCase, factor: float) -> DispatchCase:
    shed, shift = factor * case.shed_limit_mw, factor * case.shift_limit_mw
    return replace(case, shed_limit_mw=shed, shift_limit_mw=shift, shift_energy_mwh=factor * case.shift_energy_mwh)


def _wetter(case: DispatchCase, factor: float) -> DispatchCase:
    budget = np.minimum(factor * case.hydro_budget_mwh, 0.95 * case.hydro_capacity_mw * case.day_hours[:, None])
    least = np.minimum(case.hydro_minimum_mw, budget / case.day_hours[:, None])
    return replace(case, hydro_budget_mwh=budget, hydro_minimum_mw=least)


def _loaded(case: DispatchCase, factor: float) -> DispatchCase:
    names = ("load_mw", "loss_mw", "shed_limit_mw", "shift_limit_mw", "shift_energy_mwh")
    return replace(case, **{name: factor * getattr(case, name) for name in names})


def _flexible(case: DispatchCase, limits: NetworkLimits, pv: Bools) -> tuple[DispatchCase, NetworkLimits]:
    """Add electrolysers at the buses of the three largest PV plants."""
    at = np.argsort(-np.where(pv, case.available_mw.sum(axis=0), 0.0))[:3]
    power = np.array([300.0, 200.0, 400.0])
    loads = FlexibleLoads(
        names=("E1", "E2", "E3"),
        power_mw=power,
        minimum_mw=np.array([0.0, 40.0, 0.0]),
        target_mw=power * np.array([10.0, 12.0, 6.0]) / 24.0,
        value_cny_per_mwh=np.array([0.0, 250.0, -1000.0]),
        missed_cny_per_mwh=np.array([900.0, 600.0, 2000.0]),
    )
    return replace(case, flexible=loads), replace(limits, flexibles=limits.renewables[:, at])


def _called(case: DispatchCase) -> DispatchCase:
    power = np.array([0.6, 0.4]) * float(case.shed_limit_mw.max())
    calls = Calls(("B1", "B2"), power, np.array([1500.0, 900.0]), np.array([4.0, 2.0]), 60.0 * power, np.zeros(2))
    limit = calls.within(case.load_mw.sum(axis=1) - case.shift_limit_mw)
    return replace(case, calls=calls, call_limit_mw=limit, shed_limit_mw=np.zeros(len(case.time)))


def _valued(case: DispatchCase, cny_per_mwh: float) -> DispatchCase:
    return replace(case, rules=replace(case.rules, storage_end_cny_per_mwh=cny_per_mwh))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
