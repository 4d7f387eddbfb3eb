"""A security study → plain types that JSON can hold: in hours instead of steps, with names in both languages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

import numpy as np

from sim.reliability.security import BITS, Extreme, SecurityStudy, Verdict, pass_rates
from sim.reliability.security_files import FORMAT, Json
from sim.reliability.security_outages import N1_KINDS, Loss, Situation


def as_json(study: SecurityStudy, at: Situation, *, towers: bool) -> Json:
    """Return everything that is worth keeping of a study as plain types."""
    names, time = _Names(at), at.operation.time
    return {
        "format": FORMAT,
        "scenario": at.scenario.settings.name,
        "hours": time.hours,
        "hours_unsolved": study.steps_unsolved * time.step_h,
        "limits": at.scenario.settings.security.model_dump(mode="json"),
        "base": _verdict(study.base, at, names),
        "n1": _rates(study.n1, time.step_h)
        | {"by_kind": {kind: _rates(study.of_kinds(kind), time.step_h) for kind in N1_KINDS}},
        "n2": _rates(study.of_kinds("tower"), time.step_h) if towers else None,
        "by_month": _by_month(study.n1, at),
        "losses": [_verdict(verdict, at, names) for verdict in study.verdicts],
    }


def _rates(verdicts: Iterable[Verdict], step_h: float) -> Json:
    """Return pass rates with pairs in element-hours."""
    rates = pass_rates(verdicts)
    return asdict(rates) | {
        "pairs": rates.pairs * step_h,
        "pairs_failed": rates.pairs_failed * step_h,
        "failed_by": {name: pairs * step_h for name, pairs in rates.failed_by.items()},
    }


def _by_month(verdicts: Iterable[Verdict], at: Situation) -> dict[str, float]:
    """Return the hours of each month in which at least one single loss fails."""
    time = at.operation.time
    failed = np.any([verdict.failed for verdict in verdicts] or [np.zeros(len(time), dtype=bool)], axis=0)
    return {
        f"{at.scenario.year}-{month:02d}": float(failed[time.month == month].sum()) * time.step_h
        for month in sorted(set(time.month.tolist()))
    }


def _verdict(verdict: Verdict, at: Situation, names: _Names) -> Json:
    loss, time = verdict.loss, at.operation.time
    stamps = time.starts()

    def extreme(found: Extreme | None, unit: str, place: str) -> Json | None:
        if found is None:
            return None
        return {unit: found.value, "time": stamps[found.step].isoformat(), place: found.place}

    chinese, english = names.of(loss)
    worst = verdict.worst_step
    return {
        "name": loss.name, "name_zh": chinese, "name_en": english, "kind": loss.kind,
        "elements": list(loss.elements), "of": loss.of, "confidence": loss.confidence,
        "hours_judged": float(verdict.judged.sum()) * time.step_h,
        "hours_failed": verdict.steps_failed * time.step_h,
        "hours": {what: verdict.steps_with(what) * time.step_h for what in BITS},
        "worst_time": None if worst is None else stamps[worst].isoformat(),
        "loading": extreme(verdict.loading, "loading", "branch"),
        "low": extreme(verdict.low, "vm_pu", "bus"),
        "high": extreme(verdict.high, "vm_pu", "bus"),
        "overloads": [
            {"branch": over.branch, "hours": over.steps * time.step_h, "loading": over.loading}
            for over in verdict.overloads
        ],
        "dark": list(verdict.dark),
        "load_lost_mw": verdict.load_lost_mw,
        "generation_lost_mw": verdict.generation_lost_mw,
        "relief": None if verdict.relief is None else {
            "total_mw": verdict.relief.total_mw, "lowered_mw": verdict.relief.lowered_mw,
            "cut_mw": verdict.relief.cut_mw, "left_mw": verdict.relief.left_mw,
        },
    }  # fmt: skip


class _Names:
    """Names of losses in Chinese and English, from the names of buses and plants."""

    def __init__(self, at: Situation) -> None:
        self.buses = {bus.bus_id: bus for bus in at.elements.buses}
        self.plants = {plant.plant_id: plant for plant in at.scenario.plants}
        self.ends = {line.line_id: (line.from_bus, line.to_bus) for line in at.elements.lines}
        self.ends |= {trafo.trafo_id: (trafo.hv_bus, trafo.lv_bus) for trafo in at.elements.trafos}

    def of(self, loss: Loss) -> tuple[str, str]:
        """Return the name in Chinese and in English; the share that is lost stands in the loss's own name."""
        if not loss.elements:
            return "无故障", "nothing out"
        if loss.kind == "unit":
            plant = self.plants[loss.elements[0]]
            return (
                f"{plant.name_zh} {plant.unit_mw / 10:g}万千瓦机组",
                f"{plant.name_en}, unit of {plant.unit_mw:g} MW",
            )
        ends = [self.buses[bus] for bus in self.ends[loss.elements[0]]]
        if loss.kind == "trafo":
            return f"{ends[0].name_zh} 主变", f"{ends[0].name_en} transformer"
        chinese, english = ("–".join(getattr(bus, field) for bus in ends) for field in ("name_zh", "name_en"))
        return (f"{chinese} 同塔双回", f"{english}, both circuits") if loss.kind == "tower" else (chinese, english)
