"""The sections of the page, in their order, and what they make of a run."""

from __future__ import annotations

from typing import Any

from sim.report.cells import Table
from sim.report.charts import Spec
from sim.report.content import Content
from sim.report.section import Section
from sim.report.sections import (
    adequacy,
    assumptions,
    balance,
    causes,
    cost,
    dispatch,
    facts,
    grid,
    overview,
    plan,
    reliability,
    renewables,
    security,
    storage,
    voltage,
)

SECTIONS: tuple[Section, ...] = (
    overview.SECTION,
    balance.SECTION,
    dispatch.SECTION,
    renewables.SECTION,
    causes.SECTION,
    storage.SECTION,
    grid.SECTION,
    voltage.SECTION,
    reliability.SECTION,
    adequacy.SECTION,
    security.SECTION,
    plan.SECTION,
    cost.SECTION,
    assumptions.SECTION,
    facts.SECTION,
)


def all_tables(content: Content) -> dict[str, Table]:
    """Return every table of the page by name; one without rows is there and empty."""
    tables = (make(content) for section in SECTIONS for make in section.tables)
    return {table.name: table for table in tables}


def all_figures(content: Content) -> dict[str, Spec]:
    """Return every figure of the page by name."""
    return {name: make(content) for section in SECTIONS for name, make in section.figures.items()}


def all_context(content: Content) -> dict[str, Any]:
    """Return what the templates of the sections show besides tables and figures."""
    return {name: value for section in SECTIONS for name, value in section.context(content).items()}
