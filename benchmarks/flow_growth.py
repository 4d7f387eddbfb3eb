"""How the time of the batched flow grows with buses and hours, and how far it is from the machine's limit.

    python -m benchmarks growth [--years 100] [--picture build/growth.html]

Prints Markdown tables and draws them. A century is solved year by year as summary statistics; the peak of memory is
that of this process. The limit counts the arithmetic of the hours as they were solved:

    additions with multiplication, double   steps · (4 · entries of Y + 16 · buses)
    the same, single precision              steps · (entries of the factor + 8 · buses)
    bytes                                   16 · buses read, 16 · buses written and once more fetched to be written

against the rate of such operations that a loop in registers reaches here on all processors.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.flow_cases import PLAIN, Case, make_case
from grid.base import USUAL, base_of
from grid.factor import plan_of
from grid.flow import solve_voltages
from grid.kernels import entry
from grid.model import Injections
from grid.simd import LANES, aligned, fma, load, store
from grid.summary import summarise, take
from grid.threads import take_turns
from scenarios.records import Floats

SIZES = ("case30", "case118", "case_illinois200", "case300", "case1354pegase", "case2869pegase")
HOURS = (24, 168, 744, 2190, 8760)
YEAR = 8760
WORK = 200_000


class Point(NamedTuple):
    """One measurement."""

    name: str
    buses: int
    hours: int
    seconds: float

    @property
    def us_per_flow(self) -> float:
        """Microseconds per power flow."""
        return 1e6 * self.seconds / self.hours


def main(arguments: list[str]) -> int:
    """Measure, print and draw."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks growth", description=__doc__.splitlines()[0])
    parser.add_argument("--years", type=int, default=100)
    parser.add_argument("--picture", type=Path, default=Path("build/growth.html"))
    given = parser.parse_args(arguments)
    by_size = [_voltages(make_case(name, 2048)) for name in SIZES]
    year = make_case("case118", YEAR)
    by_hours = [_voltages(year._replace(injections=take(year.injections, slice(0, hours)))) for hours in HOURS]
    by_hours.append(century(year, given.years))
    _print("growth with buses (voltages)", by_size)
    _print("growth with hours (voltages; the last as summary statistics of all branch flows)", by_hours)
    print(
        f"peak of memory of the whole process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB"
    )
    print(limit(year, by_hours[-2]))
    draw(by_size, by_hours, given.picture)
    return 0


def _voltages(case: Case) -> Point:
    seconds = _median(lambda: solve_voltages(case.model, case.injections, PLAIN))
    return Point(case.name, len(case.model.buses), len(case.injections.p_mw), seconds)


def _median(work: Callable[[], object], rounds: int = 5) -> float:
    work()
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return float(np.median(times))


def century(case: Case, years: int) -> Point:
    """Solve many years, each with its own noise, and keep only what is worth knowing of each hour."""

    def parts() -> Iterator[Injections]:
        for year in range(years):
            noise = 1 + 0.01 * np.random.default_rng(year).standard_normal((YEAR, 1))
            yield case.model.injections(case.injections.p_mw * noise, case.injections.q_mvar * noise)

    began = time.perf_counter()
    summary = summarise(case.model, parts(), PLAIN)
    seconds = time.perf_counter() - began
    assert (summary.status == 0).all()
    return Point(f"{case.name}, summary", len(case.model.buses), len(summary.status), seconds)


def limit(case: Case, measured: Point) -> str:
    """Say how long the arithmetic and the memory traffic alone would take."""
    plan = plan_of(case.model, False)
    base = base_of(case.model, False, False, USUAL)
    steps = 1 + float(solve_voltages(case.model, case.injections, PLAIN).iterations.mean())
    double = steps * (4 * len(plan.pattern.y_col) + 16 * measured.buses)
    single = steps * (len(base.l_turn) + len(base.u_turn) + 8 * measured.buses)
    doubles_per_s, bytes_per_s = arithmetic_rate(), memory_rate()
    least = (double + single / 2) / doubles_per_s
    traffic = 48 * measured.buses / bytes_per_s
    return (
        f"limit for {measured.name}: {double:,.0f} double and {single:,.0f} single multiply-adds per flow at "
        f"{doubles_per_s / 1e9:.1f} billion doubles/s → {1e6 * least:.2f} µs; {48 * measured.buses:,} bytes at "
        f"{bytes_per_s / 1e9:.1f} GB/s → {1e6 * traffic:.2f} µs; measured {measured.us_per_flow:.2f} µs"
    )


@entry
def _multiply_add(values: Floats, times: int) -> None:
    a, b, c, x = load(values, 0), load(values, LANES), load(values, 2 * LANES), load(values, 3 * LANES)
    for _ in range(times):
        a, b, c = fma(a, x, x), fma(b, x, x), fma(c, x, x)
    store(values, 0, fma(a, b, c))


def arithmetic_rate() -> float:
    """Measure multiply-adds of doubles per second of all processors together."""

    def work(turns: Iterator[int]) -> None:
        for _ in turns:
            _multiply_add(aligned(4 * LANES), WORK)

    seconds = _median(lambda: take_turns(work, range(2), 0))
    return 2 * 3 * LANES * WORK / seconds


def memory_rate() -> float:
    """Measure bytes per second of a copy that fits no cache (one read, one write, one fetch before it)."""
    source = np.ones(1 << 24)
    target = np.ones_like(source)
    return 3 * source.nbytes / _median(lambda: np.copyto(target, source))


def _print(title: str, points: list[Point]) -> None:
    print(f"\n{title}\n\n| case | buses | hours | ms | µs per flow |\n|---|---|---|---|---|")
    for point in points:
        ms, us = 1e3 * point.seconds, point.us_per_flow
        print(f"| {point.name} | {point.buses} | {point.hours:,} | {ms:,.1f} | {us:.2f} |")
    print()


def draw(by_size: list[Point], by_hours: list[Point], path: Path) -> None:
    """Draw both growths on logarithmic scales into one page."""
    from plotly.subplots import make_subplots  # noqa: PLC0415 - slow to import

    figure = make_subplots(1, 2, subplot_titles=("µs per flow by buses", "seconds by hours (case118)"))
    figure.add_scatter(x=[p.buses for p in by_size], y=[p.us_per_flow for p in by_size], row=1, col=1)
    figure.add_scatter(x=[p.hours for p in by_hours], y=[p.seconds for p in by_hours], row=1, col=2)
    figure.update_xaxes(type="log")
    figure.update_yaxes(type="log")
    figure.update_layout(showlegend=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.write_html(path)
    print(f"picture: {path}")
