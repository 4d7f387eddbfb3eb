"""A section of the page: its tables, its figures, and what else its template shows.

A new section is a module in ``sections`` with a ``SECTION``, a template of its name in ``templates/sections``, its
texts in ``texts``, and its place in ``sections.SECTIONS``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sim.report.cells import Table
from sim.report.charts import Spec
from sim.report.content import Content
from sim.report.units import Both

Pairs = list[tuple[Both, Both]]
"""Names and values of a short list of facts."""


def _nothing(_content: Content) -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True, slots=True)
class Section:
    """How a run becomes a section: makers of its tables, of its figures by name, and of its template's values."""

    name: str
    tables: tuple[Callable[[Content], Table], ...] = ()
    figures: Mapping[str, Callable[[Content], Spec]] = field(default_factory=dict)
    context: Callable[[Content], Mapping[str, Any]] = _nothing
