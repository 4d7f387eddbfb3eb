"""Adequacy when units and circuits fail, where the command ``adequacy`` left its findings; else how to do it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sim.report import units as u
from sim.report.cells import Cell, Table, hours_head, label, plain, text_head, unit_head
from sim.report.content import Content
from sim.report.section import Pairs, Section
from sim.report.units import Both, same
from sim.report.words import word

INDICES = ("lole_days", "lolh_h", "eue_mwh", "neue_ppm", "lolf", "duration_h")
USED = {"storage": "storage_mwh", "response": "response_mwh", "export": "export_cut_mwh"}
SHOWN = 15
"""Rows of buses and branches."""

Row = Mapping[str, Any]


def _number(value: float | None) -> Cell:
    return Cell(same(u.significant(value, 4)), value)


def _estimate(found: Row | None) -> tuple[Cell, Cell]:
    """Return the cells of a value and of its standard error."""
    value, error = (None, None) if found is None else (found["value"], found["standard_error"])
    return _number(value), _number(error)


def _beside(record: Row, index: str) -> Cell:
    """Return what stands beside an index: the same years as one node, or the exact value."""
    if record["one_node"] is not None:
        return _estimate(record["one_node"][index])[0]
    return _number(None if record["exact"] is None else record["exact"].get(index))


def indices(content: Content) -> Table:
    """Return the indices with their standard errors."""
    record = content.adequacy
    used = [] if record is None else [USED[name] for name in record["measures"]]
    rows = [
        (label(word(f"adequacy_{name}")), *_estimate(record["simulation"][name]), _beside(record, name))
        for name in (*INDICES, *used)
        if record is not None
    ]
    beside = "adequacy_exact" if record is None or record["one_node"] is None else "adequacy_one_node"
    heads = (text_head("adequacy_index"), unit_head("adequacy_estimate", ""), unit_head("adequacy_error", ""))
    return Table("adequacy_indices", (*heads, unit_head(beside, "")), tuple(rows))


def counties(content: Content) -> Table:
    """Return risk by county."""
    return _places("adequacy_counties", _where(content).get("counties", []))


def buses(content: Content) -> Table:
    """Return the buses with most unserved energy."""
    return _places("adequacy_buses", _where(content).get("buses", []))


def _where(content: Content) -> Row:
    record = content.adequacy
    return {} if record is None else record["simulation"]["by_place"] or {}


def _places(name: str, risks: list[Row]) -> Table:
    short = sorted((row for row in risks if row["eue_mwh"]["value"] > 0), key=lambda row: -row["eue_mwh"]["value"])
    rows = [
        (label(Both(row["name_zh"], row["name_en"])), *_estimate(row["eue_mwh"]), *_estimate(row["lolh_h"]))
        for row in short[:SHOWN]
    ]
    heads = (
        text_head("adequacy_place"), unit_head("adequacy_unserved", "MWh"), unit_head("adequacy_error", "MWh"),
        hours_head("adequacy_short"), hours_head("adequacy_error"),
    )  # fmt: skip
    return Table(name, heads, tuple(rows))


def limiting(content: Content) -> Table:
    """Return the branches that limit while load goes unserved."""
    rows = [
        (label(content.branch_name(row["name"])), label(row["name"]), *_estimate(row["hours_with_shortage"]))
        for row in _where(content).get("limiting_branches", [])[:SHOWN]
    ]
    heads = (
        text_head("adequacy_branch"), text_head("id"), hours_head("adequacy_short"), hours_head("adequacy_error")
    )  # fmt: skip
    return Table("adequacy_limiting", heads, tuple(rows))


def credits(content: Content) -> Table:
    """Return capacity credits with their intervals."""
    rows = [
        (
            label(f"{credit['group']} {name}"),
            plain(credit["capacity_mw"]),
            plain(credit[key]["value"], 1),
            plain(credit[key]["interval_95"][0], 1),
            plain(credit[key]["interval_95"][1], 1),
        )
        for credit in ([] if content.adequacy is None else content.adequacy["credits"])
        for name, key in (("ELCC", "elcc_mw"), ("EFC", "efc_mw"))
    ]
    heads = (
        text_head("adequacy_plants"), unit_head("adequacy_capacity", "MW"), unit_head("adequacy_credit", "MW"),
        unit_head("adequacy_low", "MW"), unit_head("adequacy_high", "MW"),
    )  # fmt: skip
    return Table("adequacy_credits", heads, tuple(rows))


def _facts(record: Row) -> Pairs:
    found, targets = record["simulation"], record["plan_targets"]
    bulk = found["bulk_equivalent"]
    facts = [
        (word("adequacy_years"), same(f"{found['years_with_shortage']} / {found['years']}")),
        (word("bulk_reliability"), same(f"{bulk['reliability_percent']:.7g}%")),
        (word("bulk_outage"), same(f"{u.significant(bulk['outage_h']['value'])} h")),
    ]
    for key, unit in (("supply_reliability", "%"), ("customer_outage_time", " h")):
        if key in targets:
            facts.append((word(f"adequacy_plan_{key}"), same(f"{targets[key]['value']:g}{unit}")))
    return facts


def _context(content: Content) -> dict[str, Any]:
    record = content.adequacy
    if record is None:
        scenario = same(content.info["scenario"])
        return {"adequacy": None, "adequacy_missing": word("adequacy_missing", scenario=scenario)}
    found = record["simulation"]
    bound = found["share_of_years_upper_bound_95"]
    scope = word(
        f"adequacy_scope_{record['level']}", years=same(found["years"]), hours=same(f"{record['hours']:g}"),
        weathers=same(record["weather_years"]), seed=same(record["seed"]),
    )  # fmt: skip
    none_seen = word("adequacy_none", years=same(found["years"]), bound=same(u.significant(bound)))
    rates = word("adequacy_rates", rates=same(", ".join(record["rates_not_published"])))
    shown = {
        "scope": scope,
        "facts": _facts(record),
        "none_seen": none_seen if bound is not None else None,
        "rates": rates if record["rates_not_published"] else None,
    }
    return {"adequacy": shown, "adequacy_missing": ""}


SECTION = Section("adequacy", tables=(indices, counties, buses, limiting, credits), context=_context)
