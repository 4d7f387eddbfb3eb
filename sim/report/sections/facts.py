"""About the run: status, versions, timings, settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import pandas as pd

from sim.report import units as u
from sim.report.cells import (
    Table,
    hours_head,
    label,
    number,
    plain,
    small_energy,
    small_energy_head,
    text_head,
    unit_head,
)
from sim.report.content import Content
from sim.report.phrases import reason_text
from sim.report.section import Pairs, Section
from sim.report.units import same
from sim.report.words import word


def status(content: Content) -> Table:
    """How the hours of the power flow ended."""
    rows = [
        (label(reason_text(row["sentence"])), plain(row["hours"]))
        for row in content.metrics["network"]["by_status"].values()
        if row["hours"] > 0
    ]
    return Table("status", (text_head("status"), hours_head("hours")), tuple(rows))


def failures(content: Content) -> Table:
    """Return the hours that were not solved plainly."""
    rows = [
        (label(u.moment(row["time"])), label(reason_text(row["message"])))
        for row in content.metrics["network"]["messages"]
    ]
    return Table("failures", (text_head("time"), text_head("what_is_known")), tuple(rows))


def settings(content: Content) -> Table:
    """Every setting of the scenario as it was used."""
    rows = [(label(key), label(str(value))) for key, value in flat(content.info["settings"])]
    return Table("settings", (text_head("setting"), text_head("value")), tuple(rows), search=True)


def flat(tree: Any, path: str = "") -> Iterable[tuple[str, Any]]:
    """Yield the leaves of nested settings with their dotted path."""
    items: Iterable[tuple[str, Any]]
    if isinstance(tree, Mapping):
        items = tree.items()
    elif isinstance(tree, Sequence) and not isinstance(tree, str):
        items = ((str(position), value) for position, value in enumerate(tree))
    else:
        yield path, tree
        return
    for key, value in items:
        yield from flat(value, f"{path}.{key}" if path else key)


def versions(content: Content) -> Table:
    """Versions of the program and its libraries."""
    rows = [(label(name), label(value)) for name, value in content.info["versions"].items()]
    return Table("versions", (text_head("library"), text_head("version")), tuple(rows))


def timings(content: Content) -> Table:
    """Seconds by stage."""
    rows = [(label(name), plain(value, 2)) for name, value in content.info["timings_s"].items()]
    return Table("timings", (text_head("stage"), unit_head("duration", "s")), tuple(rows))


def hashes(content: Content) -> Table:
    """Fingerprints of everything the result depends on."""
    rows = [(label(name), label(value)) for name, value in content.info["hashes"].items()]
    return Table("hashes", (text_head("what"), text_head("fingerprint")), tuple(rows))


def _stamp(content: Content, step: int) -> pd.Timestamp:
    time = content.static["time"]
    return pd.Timestamp(time["start"]) + timedelta(hours=step * time["step_h"])


def certificate(content: Content) -> Table:
    """How far the fast dispatch is from the exact optimum in the sampled weeks."""
    found = content.info.get("dispatch", {}).get("certificate") or {"samples": ()}
    rows = []
    for sample in found["samples"]:
        available = max(sample["available_mwh"], 1.0)
        lost = sample["curtailed_mwh"], sample["exact_curtailed_mwh"]
        gap = sample["cost_cny"] / sample["exact_cost_cny"] - 1.0 if sample["exact_cost_cny"] else None
        rows.append(
            (
                label(word(f"sample_{sample['name']}")),
                label(f"{_stamp(content, sample['first_step']):%Y-%m-%d}"),
                number(u.fixed(None if gap is None else 100 * gap, 4), gap),
                *(small_energy(mwh / 1000) for mwh in lost),
                number(u.fixed(100 * (lost[0] - lost[1]) / available, 4), (lost[0] - lost[1]) / available),
            )
        )
    heads = (
        text_head("sample"),
        text_head("from_day"),
        unit_head("cost_gap", "%"),
        small_energy_head("curtailed_fast"),
        small_energy_head("curtailed_exact"),
        unit_head("curtailment_gap", "%"),
    )
    return Table("certificate", heads, tuple(rows))


def _run_facts(content: Content) -> Pairs:
    total_s = sum(content.info["timings_s"].values())
    facts = [
        (word("scenario"), same(content.info["scenario"])),
        (word("run"), same(content.info["run_hash"])),
        (word("created"), same(u.moment(content.info["created"]))),
        (word("seed"), same(content.info["seed"])),
        (word("duration_total"), same(f"{total_s:.1f} s")),
    ]
    return (
        facts
        if content.record.step_h >= 1
        else [*facts, (word("shown_hourly"), same(f"{content.record.step_h:g} h"))]
    )


def _context(content: Content) -> dict[str, Any]:
    return {"run_facts": _run_facts(content)}


SECTION = Section(
    "facts", tables=(status, failures, certificate, settings, versions, timings, hashes), context=_context
)
