"""A study → how large a site may grow: the first capacity at which a criterion breaks, and what stands around it.

    sampled years → first crossing → confirmed by a full run → marginal rate, reason, spread over weather years

The search below knows nothing of the grid: it sees years as the excess of their worst criterion
(``sim.absorption.crossing``). The highest capacity that is sampled is one at which even a system without any limit
but its demand would curtail too much, so that no answer lies above it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from scenarios.records import Floats
from sim.absorption.annual import Point, Study, WeatherYear, evaluate, operate_at, point_of, weather_year
from sim.absorption.criteria import Criterion, criteria, excess
from sim.absorption.crossing import Found, Probe, crossing_near, first_crossing
from sim.absorption.reason import Reason, reason_of
from sim.operation import Operation
from sim.progress import Stages

LAST_MW = 100.0
"""Step over which the marginal curtailment rate (边际弃电率) is taken."""
HIGHEST_MW = 100_000.0
"""No site is tried above this."""
QUANTILES = (0.1, 0.5, 0.9)

Sizes = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Spread:
    """Capacity of a site in each of several weather years; ``p10_mw`` is what one year in ten does not reach.

    Where even 0 MW breaks a criterion the capacity is 0; ``open_years`` counts years without a limit in reach.
    """

    seeds: tuple[int, ...]
    capacity_mw: tuple[float, ...]
    open_years: int

    @property
    def quantiles_mw(self) -> tuple[float, ...]:
        """P10, P50, P90 by linear interpolation between the sorted years, MW."""
        return tuple(float(value) for value in np.quantile(self.capacity_mw, QUANTILES))


@dataclass(frozen=True, slots=True)
class Answer:
    """How large one site may grow while the others stay as they are.

    ``capacity_mw`` is the answer: what the search ``found``, or a little less where the full run of that year does
    not hold; 0 when even without the site a criterion breaks. ``at`` and ``base`` are the full runs at the answer
    and as it stands, ``points`` all years of the search, rising. ``beyond`` are the criteria that break one step
    above. ``marginal_rate`` is curtailed / available of wind and PV for the last ``LAST_MW`` below the answer.
    """

    site: int
    capacity_mw: float
    found: Found
    base: Point
    points: tuple[Point, ...]
    at: Point | None
    beyond: tuple[Criterion, ...]
    marginal_rate: float | None
    reason: Reason | None
    spread: Spread | None = None

    @property
    def falling_mw(self) -> tuple[float, ...]:
        """Capacities at which the curtailment rate is lower than at the sample below: noteworthy, not usual."""
        pairs = zip(self.points[:-1], self.points[1:], strict=True)
        return tuple(b.sizes_mw[self.site] for a, b in pairs if b.tech.rate < a.tech.rate - RATE_DUST)


RATE_DUST = 5e-4
"""A curtailment rate that falls by less than this (0.05 percentage points) is not worth a word."""


@dataclass(frozen=True, slots=True, eq=False)
class Full:
    """A year as a run has it."""

    point: Point
    operation: Operation


class Book:
    """The simulated years of one study under one weather: each once, several side by side."""

    def __init__(self, study: Study, year: WeatherYear, jobs: int = 1) -> None:
        self.study, self.year, self._jobs = study, year, jobs
        self._points: dict[Sizes, Point] = {}
        self._full_base: Full | None = None
        (self.base,) = self.points([study.base_mw])

    def points(self, asked: Sequence[Sizes], done: Callable[[int], None] | None = None) -> list[Point]:
        """Return the years with these capacities; ``done`` is told how many of them are ready."""
        new = [sizes for sizes in dict.fromkeys(asked) if sizes not in self._points]
        with ThreadPoolExecutor(self._jobs) as pool:
            for count, point in enumerate(pool.map(self._evaluate, new)):
                self._points[point.sizes_mw] = point
                if done is not None:
                    done(count + 1)
        return [self._points[sizes] for sizes in asked]

    def _evaluate(self, sizes: Sizes) -> Point:
        return evaluate(self.study, self.year, sizes)

    def full(self, sizes: Sizes) -> Full:
        """Return a year as a run has it; the base is kept."""
        if sizes == self.study.base_mw and self._full_base is not None:
            return self._full_base
        operation = operate_at(self.study, self.year, sizes)
        made = Full(point_of(self.study, self.year, sizes, operation), operation)
        if sizes == self.study.base_mw:
            self._full_base = made
        return made

    def judged(self, point: Point, base: Point | None = None) -> tuple[Criterion, ...]:
        """Return the criteria of a year, held against a base of the same weather (default: that of the search)."""
        settings = self.study.scenario.settings
        return criteria(point, base or self.base, settings.absorption, settings.limits.overload)

    def probe(self, site: int) -> Probe:
        """Return the curve of one site, the others as they stand."""

        def excesses(capacities_mw: Sequence[float]) -> list[float]:
            sizes = [self.with_site(site, mw) for mw in capacities_mw]
            return [excess(self.judged(point)) for point in self.points(sizes)]

        return excesses

    def with_site(self, site: int, capacity_mw: float) -> Sizes:
        """Return the capacities with one site changed."""
        sizes = list(self.study.base_mw)
        sizes[site] = float(capacity_mw)
        return tuple(sizes)

    def along(self, site: int) -> tuple[Point, ...]:
        """Return the years in which only this site differs from the base, rising."""
        base = self.study.base_mw
        others = [k for k in range(len(base)) if k != site]
        mine = [p for p in self._points.values() if all(p.sizes_mw[k] == base[k] for k in others)]
        return tuple(sorted(mine, key=lambda point: point.sizes_mw[site]))


def find_capacity(book: Book, site: int, stages: Stages) -> Answer:
    """Return how large a site may grow, the others as they stand."""
    grid = grid_up(book.study, book.year, site)
    title = book.study.sites[site]
    with stages.stage("capacity", f"Annual simulations along {title.title_en} · {title.title_zh}逐档年度仿真"):
        found = _searched(book, site, grid, stages)
        if found.status == "none" and grid[0] > 0:
            found = _searched(book, site, grid_down(book.study, site), stages)
    with stages.stage("confirm", "The answer as a full run, and what limits it · 复核与约束因素"):
        return _answer(book, site, found)


def _searched(book: Book, site: int, grid: Sequence[float], stages: Stages) -> Found:
    """Sample the grid with progress, then narrow the first crossing."""
    sizes = [book.with_site(site, mw) for mw in grid]
    book.points(sizes, lambda count: stages.tick(count, len(grid)))
    return first_crossing(book.probe(site), grid, book.study.scenario.settings.absorption.resolution_mw)


def _answer(book: Book, site: int, found: Found) -> Answer:
    at = None if found.holds_mw is None else _confirmed(book, site, found.holds_mw)
    beyond: tuple[Criterion, ...] = ()
    if found.breaks_mw is not None:
        (point,) = book.points([book.with_site(site, found.breaks_mw)])
        beyond = tuple(item for item in book.judged(point) if item.broken)
    capacity_mw = 0.0 if at is None else at.point.sizes_mw[site]
    return Answer(
        site=site,
        capacity_mw=capacity_mw,
        found=found,
        base=book.full(book.study.base_mw).point,
        at=None if at is None else at.point,
        beyond=beyond,
        marginal_rate=None if at is None else _marginal_rate(book, site, capacity_mw),
        reason=None if at is None else reason_of(book.study, at.operation),
        points=book.along(site),
    )


def _confirmed(book: Book, site: int, capacity_mw: float) -> Full:
    """Return the full run at a capacity that the search found, or at the next lower one tried that holds.

    The steps down double; the end of them, 0 MW, is taken as it is.
    """
    base = book.full(book.study.base_mw).point
    step = book.study.scenario.settings.absorption.resolution_mw
    while True:
        run = book.full(book.with_site(site, capacity_mw))
        if capacity_mw <= 0.0 or not any(item.broken for item in book.judged(run.point, base)):
            return run
        capacity_mw, step = max(0.0, capacity_mw - step), 2.0 * step


def _marginal_rate(book: Book, site: int, capacity_mw: float) -> float | None:
    """Return Δ curtailed / Δ available of wind and PV over the last ``LAST_MW``, or what there is of them."""
    sizes = [book.with_site(site, mw) for mw in (capacity_mw, max(0.0, capacity_mw - LAST_MW))]
    above, below = (point.renewables for point in book.points(sizes))
    more = above.available_gwh - below.available_gwh
    return (above.curtailed_gwh - below.curtailed_gwh) / more if more > 0 else None


def grid_up(study: Study, year: WeatherYear, site: int) -> list[float]:
    """Return the capacities to sample, from what stands to where no system could keep the limit, MW."""
    low = study.sites[site].capacity_mw
    return _even(low, ceiling_mw(study, year, site), study)


def grid_down(study: Study, site: int) -> list[float]:
    """Return the capacities to sample below what stands, MW."""
    return _even(0.0, study.sites[site].capacity_mw, study)


def _even(low: float, high: float, study: Study) -> list[float]:
    """Return evenly spaced capacities whose steps are whole multiples of the resolution; the last is ``high``."""
    rules = study.scenario.settings.absorption
    step = max(1, math.floor((high - low) / (rules.samples - 1) / rules.resolution_mw)) * rules.resolution_mw
    inner = [low + step * k for k in range(rules.samples - 1) if low + step * k < high]
    return [*inner, max(high, low + rules.resolution_mw)]


def ceiling_mw(study: Study, year: WeatherYear, site: int) -> float:
    """Return a capacity of a site at which the limit cannot be kept, whatever the dispatch, MW.

    In every hour whoever the limit is about can deliver no more than is available and no more than load, the top of
    the export band and all storage take together; what is left must be curtailed.
    """
    rules = study.scenario.settings.absorption
    asked_mw = _most_taken_mw(study, year)
    per_mw, others_mw = _offered_mw(study, year, site)

    def sure_rate(size: float) -> float:
        offered = per_mw * size + (others_mw if rules.account == "region" else 0.0)
        taken = np.minimum(offered, asked_mw + study.companion.share * size)
        return float(1.0 - taken.sum() / max(offered.sum(), 1e-9))

    step = 10.0 * rules.resolution_mw
    size = study.sites[site].capacity_mw + step
    while sure_rate(size) <= rules.limit and size < HIGHEST_MW:
        size += step
    return min(size, HIGHEST_MW)


def _offered_mw(study: Study, year: WeatherYear, site: int) -> tuple[Floats, Floats]:
    """Return what 1 MW of a site offers and what the technology's other plants offer [hours], MW."""
    members = dict(study.sites[site].shares)
    tech = {plant.plant_id for plant in study.scenario.plants_of(study.tech)} - set(members)
    names = year.profiles.renewables
    capacity_mw = sum(plant.capacity_mw for plant in study.scenario.plants if plant.plant_id in members)
    mine = year.profiles.available_mw[:, [name in members for name in names]].sum(axis=1)
    others = year.profiles.available_mw[:, [name in tech for name in names]].sum(axis=1)
    return mine / capacity_mw, others


def _most_taken_mw(study: Study, year: WeatherYear) -> Floats:
    """Return the most that load, export and storage can take [hours], MW; losses are below a tenth of it."""
    settings = study.scenario.settings
    export = year.profiles.export_mw.sum(axis=1) * (1.0 + settings.export.band)
    storage = sum(item.power_mw for item in study.scenario.storages)
    shift = 1.0 + settings.demand_response.shift_share
    flexible = sum(item.power_mw for item in year.scenario.flexible_loads)
    return np.asarray(1.1 * (shift * year.profiles.load_mw.sum(axis=1) + export + flexible) + storage)


def spread_over_years(study: Study, answer: Answer, seeds: Sequence[int], jobs: int, stages: Stages) -> Spread:
    """Return the capacity of the answer's site in other weather years, each with its own base case."""
    site, resolution = answer.site, study.scenario.settings.absorption.resolution_mw
    grid = grid_around(answer, resolution)

    def in_year(seed: int) -> Found:
        book = Book(study, weather_year(study, seed))
        return crossing_near(book.probe(site), grid, answer.capacity_mw, resolution)

    found: list[Found] = []
    with stages.stage("spread", f"{len(seeds)} weather years · 多气象年"), ThreadPoolExecutor(jobs) as pool:
        for one in pool.map(in_year, seeds):
            found.append(one)
            stages.tick(len(found), len(seeds))
    capacities = tuple(one.holds_mw or 0.0 for one in found)
    return Spread(tuple(seeds), capacities, sum(one.status == "beyond" for one in found))


def grid_around(answer: Answer, resolution_mw: float) -> list[float]:
    """Return capacities in steps of a twentieth of the answer, from 0 to the highest that was sampled, MW."""
    middle, highest = answer.capacity_mw, answer.found.samples[-1][0]
    step = resolution_mw * max(5, math.ceil(0.05 * middle / resolution_mw))
    below = [middle - step * k for k in range(int(middle / step), 0, -1)]
    above = [middle + step * k for k in range(1, int((highest - middle) / step) + 1)]
    return sorted({0.0, *below, middle, *above, max(highest, middle + step)})
