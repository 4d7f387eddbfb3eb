"""Losses × hours → which of them the grid stands: AC power flow after each loss, held against post-fault limits.

    emergency ratings, post-fault voltages     ──►  verdict of each hour (bits)  ──►  Verdict per loss, pass rates
    each_outage: voltages of all hours         ──┘

A loss passes in an hour when the power flow has a solution, no element exceeds its emergency rating, no bus of the
region leaves its post-fault voltage band, and no load is cut off. Cutting off generation alone is counted apart.
Hours whose base case has no solution cannot be judged and count for nothing; they are counted too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from grid import kernels_judge
from grid.contingency import After, Outage, each_outage
from grid.flow import wires_of
from grid.kernels_judge import HIGH, LOW, OVERLOADED, Band, Counted, Judged
from grid.model import FlowOptions, GridModel
from grid.threads import portions, take_turns
from scenarios.records import Bools, Floats, Ints
from scenarios.schema import Scenario
from sim.accounts import NEGLIGIBLE_MW
from sim.reliability.security_files import BREACHES
from sim.reliability.security_outages import N1_KINDS, Loss, Situation
from sim.reliability.security_relief import Relief, least_relief
from sim.wires import LOWEST_220_KV, LOWEST_500_KV, OUTSIDE

LOAD_LOST, GENERATION_LOST, UNSOLVED = 8, 16, 32
"""Bits beside those of ``grid.kernels_judge``."""
JUDGED_HOURS = 512
"""Hours that a thread judges at a time."""

BITS = dict(zip(BREACHES, (OVERLOADED, LOW, HIGH, LOAD_LOST, GENERATION_LOST, UNSOLVED), strict=True))
Bits = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Overload:
    """A branch above its emergency rating after a loss: in how many steps, and its largest loading."""

    branch: str
    steps: int
    loading: float


@dataclass(frozen=True, slots=True)
class Extreme:
    """A value with its step and its branch or bus."""

    value: float
    step: int
    place: str


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """What one loss does over all steps.

    ``broken`` [steps] are the bits of what is broken; ``judged`` [steps] says where the loss was possible and the
    base case solved. ``loading``, ``low`` and ``high`` are the largest loading (of the emergency rating) and the
    voltages nearest to or beyond their limits, ``None`` where no step was solved. ``dark`` are the buses without a
    source; ``load_lost_mw`` and ``generation_lost_mw`` what was there at most. ``worst_step`` is the step to look
    at first, ``None`` where all pass. ``relief`` is that of the step with the largest loading, if overloaded.
    """

    loss: Loss
    broken: Bits
    judged: Bools
    failed: Bools
    loading: Extreme | None
    low: Extreme | None
    high: Extreme | None
    overloads: tuple[Overload, ...]
    dark: tuple[str, ...]
    load_lost_mw: float
    generation_lost_mw: float
    worst_step: int | None
    relief: Relief | None

    def steps_with(self, what: str) -> int:
        """Return the number of judged steps in which something is broken; ``what`` is a key of ``BITS``."""
        return int((self.broken[self.judged] & BITS[what] != 0).sum())

    @property
    def steps_failed(self) -> int:
        """Number of judged steps that the loss does not pass."""
        return int(self.failed.sum())


@dataclass(frozen=True, slots=True)
class PassRates:
    """Shares of passes: of all (step, element) pairs, of elements in all steps, of steps with all elements.

    ``None`` where nothing was judged. ``pairs`` and ``pairs_failed`` are weighted with the number of elements that
    a verdict stands for; ``failed_by`` counts failed pairs by what is broken (a pair may break several limits).
    """

    elements: float
    pairs: float
    pairs_failed: float
    hour_element: float | None
    element: float | None
    hour: float | None
    failed_by: dict[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class SecurityStudy:
    """The verdicts of all losses, the worst first, beside that of the base case with nothing out."""

    base: Verdict
    verdicts: tuple[Verdict, ...]
    steps_unsolved: int

    def of_kinds(self, *kinds: str) -> tuple[Verdict, ...]:
        """Return the verdicts of some kinds of loss, the worst first."""
        return tuple(verdict for verdict in self.verdicts if verdict.loss.kind in kinds)

    @property
    def n1(self) -> tuple[Verdict, ...]:
        """The verdicts of single losses."""
        return self.of_kinds(*N1_KINDS)


def study_security(
    at: Situation, losses: Iterable[Loss], options: FlowOptions, tick: Callable[[int], None] = lambda done: None
) -> SecurityStudy:
    """Try all losses in all steps; ``tick`` hears how many are done."""
    judge = _Judge(at, options)
    base = next(judge.verdicts([_nothing(len(at.operation.time))]))
    found = []
    for verdict in judge.verdicts(losses):
        found.append(verdict)
        tick(len(found))
    ranked = sorted(found, key=rank)
    return SecurityStudy(base, tuple(ranked), int((~at.operation.solved).sum()))


def rank(verdict: Verdict) -> tuple[float, float, float, str]:
    """Return the key by which losses are sorted: most failed steps, load lost, loading; the name settles ties."""
    loading = verdict.loading.value if verdict.loading is not None else 0.0
    return -verdict.steps_failed, -verdict.load_lost_mw, -loading, verdict.loss.name


def pass_rates(verdicts: Iterable[Verdict]) -> PassRates:
    """Return the pass rates over some verdicts."""
    chosen = [verdict for verdict in verdicts if verdict.judged.any()]
    pairs = sum(float(v.loss.count[v.judged].sum()) for v in chosen)
    failed = sum(float(v.loss.count[v.failed].sum()) for v in chosen)
    elements = float(sum(v.loss.of for v in chosen))
    standing = sum(v.loss.of for v in chosen if v.steps_failed == 0)
    any_failed = np.any([v.failed for v in chosen], axis=0) if chosen else np.zeros(0, dtype=bool)
    any_judged = np.any([v.judged for v in chosen], axis=0) if chosen else np.zeros(0, dtype=bool)
    return PassRates(
        elements=elements,
        pairs=pairs,
        pairs_failed=failed,
        hour_element=1.0 - failed / pairs if pairs else None,
        element=standing / elements if elements else None,
        hour=1.0 - float(any_failed.sum()) / float(any_judged.sum()) if any_judged.any() else None,
        failed_by={
            name: sum(float(v.loss.count[v.failed & (v.broken & bit != 0)].sum()) for v in chosen)
            for name, bit in BITS.items()
        },
    )


def emergency_model(at: Situation) -> GridModel:
    """Return the grid with emergency ratings: of conductors by table, of transformers by the scenario."""
    types = {row.line_type: row for row in at.scenario.tables.line_types}
    ratio = {trafo.trafo_id: at.scenario.settings.security.trafo_emergency for trafo in at.elements.trafos}
    for line in at.elements.lines:
        conductor = types[line.line_type]
        ratio[line.line_id] = conductor.i_emergency_ka / conductor.i_normal_ka
    more = np.array([ratio[name] for name in at.model.branches])
    model = at.model
    return replace(model, limit_from_ka=model.limit_from_ka * more, limit_to_ka=model.limit_to_ka * more)


def post_fault_band(scenario: Scenario, model: GridModel) -> Band:
    """Return the post-fault limits of the region's 500 and 220 kV buses; the surrounding grid is not judged."""
    rows = {bus.bus_id: bus for bus in scenario.tables.buses}
    security = scenario.settings.security
    judged = [
        (column, security.voltage_500 if model.vn_kv[column] >= LOWEST_500_KV else security.voltage_220)
        for column, name in enumerate(model.buses)
        if name in rows and rows[name].kind not in OUTSIDE and model.vn_kv[column] >= LOWEST_220_KV
    ]
    return Band(
        bus=np.array([column for column, _ in judged], dtype=np.int64),
        low_pu=np.array([band.low_pu for _, band in judged]),
        high_pu=np.array([band.high_pu for _, band in judged]),
    )


def _nothing(steps: int) -> Loss:
    """Return the loss of nothing: the base case."""
    return Loss("N-0", "line", (), 0, "published", np.ones(steps), lambda: Outage("N-0"))


class _Judge:
    """Everything that stays the same from loss to loss."""

    def __init__(self, at: Situation, options: FlowOptions) -> None:
        self.at, self.options = at, options
        self.model, self.band = emergency_model(at), post_fault_band(at.scenario, at.model)
        self.failing = sum(BITS.values())
        if at.scenario.settings.security.generation_may_island:
            self.failing -= GENERATION_LOST

    def verdicts(self, losses: Iterable[Loss]) -> Iterator[Verdict]:
        """Yield the verdict of one loss after the other."""
        chosen = list(losses)
        outages = (loss.outage() for loss in chosen)
        afters = each_outage(self.model, self.at.operation.injections, outages, self.options)
        for loss, after in zip(chosen, afters, strict=True):
            yield self._verdict(loss, after)

    def _verdict(self, loss: Loss, after: After) -> Verdict:
        judged_steps = self.at.operation.solved & (loss.count > 0)
        seen = judged_steps & after.solved
        found, counted = _limits_of(after, self.band, seen, self.options.threads)
        load_mw, generation_mw = self._lost_mw(after, judged_steps)
        found.broken[load_mw > NEGLIGIBLE_MW] |= LOAD_LOST
        found.broken[generation_mw > NEGLIGIBLE_MW] |= GENERATION_LOST
        found.broken[judged_steps & ~after.solved] |= UNSOLVED
        loading = _largest(found.loading, found.branch, self.model.branches)
        failed = judged_steps & (found.broken & self.failing != 0)
        return Verdict(
            loss=loss,
            broken=found.broken,
            judged=judged_steps,
            failed=failed,
            loading=loading,
            low=self._nearest(found.low_pu, found.low_bus, self.band.low_pu, 1.0),
            high=self._nearest(found.high_pu, found.high_bus, self.band.high_pu, -1.0),
            overloads=self._overloads(counted),
            dark=tuple(name for name, dark in zip(self.model.buses, after.dark, strict=True) if dark),
            load_lost_mw=float(load_mw.max(initial=0.0)),
            generation_lost_mw=float(generation_mw.max(initial=0.0)),
            worst_step=_worst_step(failed, loading, load_mw),
            relief=self._relief(after, loading),
        )

    def _lost_mw(self, after: After, judged: Bools) -> tuple[Floats, Floats]:
        """Return load with export, and generation, at dark buses [steps], MW; 0 in steps that are not judged."""
        taken = self.at.operation.taken_mw[:, after.dark]
        given = np.maximum(after.injections.p_mw[:, after.dark] + taken, 0.0)
        return np.where(judged, taken.sum(axis=1), 0.0), np.where(judged, given.sum(axis=1), 0.0)

    def _nearest(self, v_pu: Floats, bus: Ints, limit_pu: Floats, sign: float) -> Extreme | None:
        """Return the voltage with the least distance to (or farthest beyond) its limit over all steps."""
        limit_of = np.full(len(self.model.buses), np.nan)
        limit_of[self.band.bus] = limit_pu
        distance = np.where(bus >= 0, sign * (v_pu / limit_of[bus] - 1.0), np.nan)
        if np.isnan(distance).all():
            return None
        step = int(np.nanargmin(distance))
        return Extreme(float(v_pu[step]), step, self.model.buses[bus[step]])

    def _overloads(self, counted: Counted) -> tuple[Overload, ...]:
        over = np.flatnonzero(counted.overloaded)
        order = over[np.lexsort((-counted.loading[over], -counted.overloaded[over]))]
        return tuple(
            Overload(self.model.branches[k], int(counted.overloaded[k]), float(np.sqrt(counted.loading[k])))
            for k in order
        )

    def _relief(self, after: After, loading: Extreme | None) -> Relief | None:
        if loading is None or loading.value <= 1.0:
            return None
        taken = self.at.operation.taken_mw[loading.step]
        given = np.maximum(after.injections.p_mw[loading.step] + taken, 0.0)
        return least_relief(after.model, after.v_pu[loading.step], given, taken)


def _limits_of(after: After, band: Band, seen: Bools, threads: int) -> tuple[Judged, Counted]:
    """Hold the solved steps against the limits; what is not seen stays unbroken and NaN."""
    steps = len(seen)
    found = Judged(
        np.zeros(steps, dtype=np.uint8), np.full(steps, np.nan), np.full(steps, -1), np.full(steps, np.nan),
        np.full(steps, -1), np.full(steps, np.nan), np.full(steps, -1),
    )  # fmt: skip
    wires, branches = wires_of(after.model), len(after.model.branches)
    parts: list[Counted] = []

    def work(portions_left: Iterator[Ints]) -> None:
        counted = Counted(np.zeros(branches, dtype=np.int64), np.zeros(branches))
        for chosen in portions_left:
            kernels_judge.judge(wires, band, after.v_pu, chosen, found, counted)
        parts.append(counted)

    take_turns(work, portions(np.flatnonzero(seen), JUDGED_HOURS), threads)
    overloaded = np.sum([part.overloaded for part in parts], axis=0)
    return found, Counted(overloaded, np.max([part.loading for part in parts], axis=0))


def _largest(values: Floats, places: Ints, names: tuple[str, ...]) -> Extreme | None:
    if np.isnan(values).all():
        return None
    step = int(np.nanargmax(values))
    return Extreme(float(values[step]), step, names[places[step]])


def _worst_step(failed: Bools, loading: Extreme | None, load_lost_mw: Floats) -> int | None:
    """Return the step of the largest overload, else that with most load lost, else the first that fails."""
    if not failed.any():
        return None
    if loading is not None and loading.value > 1.0:
        return loading.step
    return int(np.where(failed, load_lost_mw, -1.0).argmax())
