"""The operation at an answer → why the technology is curtailed there, and which lines bind.

The causes are those of ``sim.absorption.causes``: nested dispatches of the same year. A line is named together with
what is known of it, so that a bottleneck that follows from an assumption is never read as a finding about the grid.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from scenarios.tables import Confidence
from sim.absorption.annual import Study
from sim.absorption.causes import Operated, separate
from sim.dispatch import dispatch
from sim.dispatch.limits import SECTION_MARK
from sim.operation import Operation

LEAST_MWH = 1.0
"""Rows that caused less are not worth a line."""


@dataclass(frozen=True, slots=True)
class BoundRow:
    """A branch or section that bound: for how long, the curtailment it caused, and what is known of it."""

    row: str
    hours: float
    mwh: float
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class Reason:
    """Curtailment of the technology by cause, GWh, in the order of the ladder, and the rows that bound."""

    causes_gwh: tuple[tuple[str, float], ...]
    rows: tuple[BoundRow, ...]

    @property
    def shares(self) -> tuple[tuple[str, float], ...]:
        """Causes with their share of the curtailment; empty when nothing was curtailed."""
        total = sum(gwh for _, gwh in self.causes_gwh)
        return tuple((cause, gwh / total) for cause, gwh in self.causes_gwh) if total > 0 else ()


def reason_of(study: Study, operation: Operation) -> Reason:
    """Return why the study's technology is curtailed in an operation."""
    corrected = operation.correction is not None
    operated = Operated(operation.case, operation.result, operation.limits, corrected)
    found = separate(operated, partial(dispatch, study.scenario))
    tech = {plant.plant_id for plant in study.scenario.plants_of(study.tech)}
    mine = [name in tech for name in found.renewables]
    step_h = operation.case.time.step_h
    return Reason(
        causes_gwh=tuple(
            (cause, float(found.share_mw[k][:, mine].sum()) * step_h / 1000.0)
            for k, cause in enumerate(found.causes)
        ),
        rows=tuple(
            BoundRow(row.row, row.hours, row.mwh, confidence_of(study, row.row))
            for row in found.rows
            if row.mwh >= LEAST_MWH
        ),
    )


def confidence_of(study: Study, row: str) -> Confidence:
    """Return how sure the branch or section behind a row is."""
    name = row.partition(" without ")[0]
    elements = study.network.elements
    known: dict[str, Confidence] = {line.line_id: line.confidence for line in elements.lines}
    known |= {trafo.trafo_id: trafo.confidence for trafo in elements.trafos}
    known |= {
        f"{SECTION_MARK}{section.section_id}": section.confidence for section in study.scenario.tables.sections
    }
    return known.get(name, "assumed")
