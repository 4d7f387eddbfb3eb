"""Curtailment by cause."""

from __future__ import annotations

from typing import Any

from sim.report import units as u
from sim.report.content import Content
from sim.report.phrases import reason_text
from sim.report.section import Pairs, Section


def _causes(content: Content) -> Pairs:
    """Return curtailment by cause, empty when the run did not separate causes."""
    causes = content.metrics["curtailment"]["by_cause"]
    if set(causes) == {"not_attributed"}:
        return []
    return [(reason_text(cause), u.energy(part["gwh"])) for cause, part in causes.items()]


def _context(content: Content) -> dict[str, Any]:
    return {"causes": _causes(content)}


SECTION = Section("causes", context=_context)
