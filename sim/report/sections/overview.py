"""First screen: what was simulated, how much of the network is known, what is wrong, six figures."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pandas as pd

from sim.report import units as u
from sim.report.charts import COLOURS
from sim.report.content import TECHS, Content
from sim.report.findings import findings
from sim.report.phrases import reason_text
from sim.report.section import Pairs, Section
from sim.report.sections.assumptions import CONFIDENCES, weather_origins
from sim.report.sections.plan import plan_counts
from sim.report.units import LANGUAGES, Both, same
from sim.report.words import word


def _identity(content: Content) -> Pairs:
    time, network = content.static["time"], content.metrics["network"]
    start = pd.Timestamp(time["start"])
    end = start + timedelta(hours=time["steps"] * time["step_h"])
    origins = sorted({text for _, text in weather_origins(content)})
    return [
        (word("scenario"), same(content.info["scenario"])),
        (word("year"), same(start.year)),
        (word("period"), same(f"{start:%Y-%m-%d %H:%M} – {end:%Y-%m-%d %H:%M}")),
        (word("weather"), Both(*("; ".join(reason_text(text).of(lang) for text in origins) for lang in LANGUAGES))),
        (word("hours_solved"), u.hours(network["hours_solved"])),
        (word("hours_failed"), u.hours(network["hours_failed"])),
        (word("run"), same(content.info["run_hash"])),
    ]


def _main_evidence(content: Content) -> Mapping[str, Any]:
    """Return the row of the evidence that the first page shows: circuit kilometres where there, else the first."""
    rows = content.info["network"]["evidence"]
    return next((row for row in rows if "km" in row["what"]), rows[0])


def _evidence(content: Content) -> list[dict[str, Any]]:
    row = _main_evidence(content)
    total = sum(row[key] for key in CONFIDENCES)
    shares = {key: row[key] / total if total else 0.0 for key in CONFIDENCES}
    return [{"key": key, "share": round(share, 4), "text": u.percent(share)} for key, share in shares.items()]


def _evidence_of(content: Content) -> Both:
    return word("evidence_of", what=reason_text(_main_evidence(content)["what"]))


def _mix(content: Content) -> list[dict[str, Any]]:
    """Return each technology's share of the net generation: a picture that is there before any script runs."""
    generation = content.metrics["energy_gwh"]["generation"]
    total = generation["total"]
    shares = {tech: generation[tech] / total if total > 0 else 0.0 for tech in TECHS}
    return [
        {
            "name": word(f"kind_{tech}"),
            "share": round(share, 4),
            "colour": COLOURS[tech],
            "text": Both(
                *(f"{u.energy(generation[tech]).of(lang)} ({u.percent(share).of(lang)})" for lang in LANGUAGES)
            ),
        }
        for tech, share in shares.items()
    ]


def tiles(content: Content) -> list[dict[str, Any]]:
    """Return the six figures of the first screen, each with its section."""
    return [
        _tile_absorbed(content),
        _tile_curtailment(content),
        _tile_unserved(content),
        _tile_loading(content),
        _tile_voltage(content),
        _tile_plan(content),
    ]


def _tile(key: str, section: str, value: Both, note: Both, mark: str = "") -> dict[str, Any]:
    return {"key": key, "name": word(f"tile_{key}"), "section": section, "value": value, "note": note, "mark": mark}


def _tile_absorbed(content: Content) -> dict[str, Any]:
    total = content.metrics["curtailment"]["total"]
    note = word("tile_absorbed_note", available=u.energy(total["available_gwh"]))
    return _tile("absorbed", "renewables", u.energy(total["available_gwh"] - total["gwh"]), note)


def _tile_curtailment(content: Content) -> dict[str, Any]:
    parts = content.metrics["curtailment"]
    pv, wind = u.percent(parts["pv"]["rate"]), u.percent(parts["wind"]["rate"])
    value = Both(f"{pv.zh} / {wind.zh}", f"{pv.en} / {wind.en}")
    total = parts["total"]
    note = word("tile_curtailment_note", rate=u.percent(total["rate"]), energy=u.energy(total["gwh"]))
    return _tile("curtailment", "renewables", value, note)


def _tile_unserved(content: Content) -> dict[str, Any]:
    reliability = content.metrics["reliability"]
    note = word("tile_unserved_note", hours=u.hours(reliability["unserved_hours"]))
    mark = "bad" if reliability["eens_mwh"] > 0 else "good"
    return _tile("unserved", "reliability", u.energy(reliability["eens_mwh"] / 1000), note, mark)


def _tile_loading(content: Content) -> dict[str, Any]:
    loading, worst = (
        content.metrics["network"]["loading"],
        content.metrics["network"]["worst_hours"]["highest_loading"],
    )
    note = same(u.NONE)
    if worst is not None:
        note = word(
            "tile_loading_note", name=content.branch_name(worst["name"]), time=same(u.moment(worst["time"]))
        )
    mark = "bad" if (loading["max"] or 0.0) > loading["limit"] else "good"
    return _tile("loading", "grid", u.percent(loading["max"]), note, mark)


def _tile_voltage(content: Content) -> dict[str, Any]:
    voltage = content.metrics["network"]["voltage"]
    counts = {side: same(u.fixed(voltage[f"{side}_element_hours"])) for side in ("low", "high")}
    mark = "bad" if voltage["hours_with_violation"] > 0 else "good"
    return _tile("voltage", "voltage", u.percent(voltage["rate"]), word("tile_voltage_note", **counts), mark)


def _tile_plan(content: Content) -> dict[str, Any]:
    counts = {key: same(value) for key, value in plan_counts(content).items()}
    value = word("tile_plan_value", met=counts["met"], judged=counts["judged"])
    return _tile("plan", "plan", value, word("tile_plan_note", others=counts["others"]))


def _context(content: Content) -> dict[str, Any]:
    return {
        "identity": _identity(content),
        "evidence": _evidence(content),
        "evidence_of": _evidence_of(content),
        "findings": findings(content),
        "tiles": tiles(content),
        "mix": _mix(content),
    }


SECTION = Section("overview", context=_context)
