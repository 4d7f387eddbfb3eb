"""Reliability of the simulated year."""

from __future__ import annotations

from typing import Any

from sim.report import units as u
from sim.report.content import Content
from sim.report.section import Pairs, Section
from sim.report.units import same
from sim.report.words import word


def _reliability(content: Content) -> Pairs:
    reliability = content.metrics["reliability"]
    percent = reliability["bulk_equivalent_reliability_percent"]
    return [
        (word("eens"), u.energy(reliability["eens_mwh"] / 1000)),
        (word("unserved_hours"), u.hours(reliability["unserved_hours"])),
        (word("bulk_reliability"), u.percent(None if percent is None else percent / 100)),
        (word("bulk_outage"), same(f"{u.significant(reliability['bulk_equivalent_outage_h'])} h")),
        (word("below_minimum"), u.hours(reliability["coal_below_minimum_hours"])),
    ]


def _context(content: Content) -> dict[str, Any]:
    scenario = same(content.info["scenario"])
    return {
        "reliability_facts": _reliability(content),
        "reliability_elsewhere": word("reliability_elsewhere", scenario=scenario),
    }


SECTION = Section("reliability", context=_context)
