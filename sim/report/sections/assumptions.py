"""Assumptions, sources of the data, and repairs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sim.report.cells import (
    Head,
    Table,
    label,
    plain,
    rate,
    text_head,
    unit_head,
)
from sim.report.content import Content
from sim.report.phrases import reason_text
from sim.report.section import Section
from sim.report.units import Both, same
from sim.report.words import word

CONFIDENCES = ("published", "derived", "assumed")


def evidence(content: Content) -> Table:
    """How much of the network is published, derived and assumed."""
    rows = []
    for row in content.info["network"]["evidence"]:
        total = sum(row[name] for name in CONFIDENCES)
        shares = (rate(row[name] / total if total else None) for name in CONFIDENCES)
        rows.append((label(reason_text(row["what"])), plain(total), *shares))
    heads = (
        text_head("what"),
        Head(word("total")),
        *(unit_head(f"confidence_{name}", "%") for name in CONFIDENCES),
    )
    return Table("evidence", heads, tuple(rows))


def repairs(content: Content) -> Table:
    """Documented repairs of the weather."""
    rows = [
        (
            label(row["site"]),
            label(Both(row["finding_zh"], row["finding_en"])),
            label(Both(row["action_zh"], row["action_en"])),
            plain(row["values"]),
        )
        for row in content.info["provenance"]["weather_repairs"]
    ]
    heads = (text_head("site"), text_head("finding"), text_head("action"), Head(word("values_touched")))
    return Table("repairs", heads, tuple(rows))


def sizing(content: Content) -> Table:
    """Assumed lines that were made larger by rule."""
    rows = [
        (
            label(content.branch_name(row["line_id"])),
            label(row["line_id"]),
            label(row["before"]),
            label(row["after"]),
            label(reason_text(row["reason"])),
        )
        for row in content.info["network"]["sizing_changes"]
    ]
    heads = tuple(text_head(key) for key in ("element", "id", "before", "after", "reason"))
    return Table("sizing", heads, tuple(rows))


def _sentences(name: str, sentences: Iterable[str]) -> Table:
    """Return a table of sentences."""
    return Table(name, (text_head("what"),), tuple((label(reason_text(text)),) for text in sentences), search=True)


def left_overloaded(content: Content) -> Table:
    """Elements that exceed their rating in the sizing situations and were not changed."""
    return _sentences("left_overloaded", content.info["network"]["left_overloaded"])


def left_out(content: Content) -> Table:
    """Rows of the tables that are not part of the network of the year."""
    return _sentences("left_out", content.info["network"]["left_out"])


def network_warnings(content: Content) -> Table:
    """Return what the network check found doubtful."""
    return _sentences("network_warnings", content.info["network"]["warnings"])


def sources(content: Content) -> Table:
    """Where the rows of the tables come from, the most used source first."""
    counts: dict[tuple[str, str], int] = {}
    for part in ("buses", "branches", "plants", "storages", "loads", "channels"):
        for row in content.static[part].values():
            if row.get("source"):
                key = (row["source"], row["confidence"])
                counts[key] = counts.get(key, 0) + 1
    rows = [
        (label(reason_text(source)), label(word(f"confidence_{confidence}"), confidence), plain(count))
        for (source, confidence), count in sorted(counts.items(), key=lambda item: -item[1])
    ]
    heads = (text_head("source"), text_head("confidence"), Head(word("elements")))
    return Table("sources", heads, tuple(rows), search=True)


def weather_origins(content: Content) -> Iterable[tuple[str, str]]:
    """Return where the weather of each site comes from."""
    return list(content.info["provenance"]["weather_origin"].items())


def _context(content: Content) -> dict[str, Any]:
    return {
        "weather": [(same(site), reason_text(text)) for site, text in weather_origins(content)],
        "notes": [Both(note["zh"], note["en"]) for note in content.info["provenance"]["notes"]],
    }


SECTION = Section(
    "assumptions",
    tables=(evidence, repairs, sizing, left_overloaded, left_out, network_warnings, sources),
    context=_context,
)
