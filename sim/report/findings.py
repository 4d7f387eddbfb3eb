"""A run → what is wrong with it, in words, the gravest first: what a reader must know before any figure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from sim.report import units as u
from sim.report.content import Content
from sim.report.security import critical_losses
from sim.report.units import Both, same
from sim.report.words import word

Level = Literal["bad", "warn", "note"]
NEGLIGIBLE_MWH = 0.5
EXPORT_SHORTFALL = 0.005
SLACK_SHARE = 0.001
"""Share of an hour's load that the surrounding grid may cover: the tolerance of the loss correction."""
NAMED = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know: how grave, in words, and the section that has more (its anchor)."""

    level: Level
    text: Both
    section: str


def findings(content: Content) -> list[Finding]:
    """Return everything that is wrong or unusual; a sound run has only notes."""
    makers = (
        _failed,
        _unserved,
        _overloads,
        _planned_overloads,
        _corrected,
        _voltages,
        _security,
        _below_minimum,
        _export,
        _spilled,
        _slack,
        _partial,
        _repairs,
        _network,
    )
    found = [finding for make in makers for finding in make(content)]
    order = {"bad": 0, "warn": 1, "note": 2}
    found.sort(key=lambda finding: order[finding.level])
    if any(finding.level == "bad" for finding in found):
        return found
    return [Finding("note", word("find_sound"), "facts"), *found]


def _failed(content: Content) -> Iterator[Finding]:
    network = content.metrics["network"]
    if network["hours_failed"] > 0:
        every = network["hours_failed"] + network["hours_solved"]
        text = word("find_failed", failed=u.hours(network["hours_failed"]), all=u.hours(every))
        yield Finding("bad", text, "facts")


def _unserved(content: Content) -> Iterator[Finding]:
    reliability = content.metrics["reliability"]
    if reliability["eens_mwh"] > NEGLIGIBLE_MWH:
        energy, hours = u.energy(reliability["eens_mwh"] / 1000), u.hours(reliability["unserved_hours"])
        yield Finding("bad", word("find_unserved", energy=energy, hours=hours), "reliability")


def _overloads(content: Content) -> Iterator[Finding]:
    loading = content.metrics["network"]["loading"]
    if loading["overloaded_branches"] == 0:
        return
    over = {key: row for key, row in loading["by_branch"].items() if row["overloaded_hours"] > 0}
    worst = sorted(over, key=lambda key: -over[key]["max"])[:NAMED]
    text = word(
        "find_overloads",
        count=same(loading["overloaded_branches"]),
        hours=u.hours(loading["overloaded_hours"]),
        names=listing([_loaded(content, key, over[key]) for key in worst]),
    )
    yield Finding("bad", text, "grid")


def _planned_overloads(content: Content) -> Iterator[Finding]:
    """Rows of the network that the dispatch itself plans above their limits."""
    over = [row for row in content.info.get("dispatch", {}).get("rows_at_limit", ()) if row["hours_above"] > 0]
    if over:
        energy = u.energy(sum(row["above_mwh"] for row in over) / 1000)
        yield Finding("bad", word("find_planned_overloads", count=same(len(over)), energy=energy), "causes")


def _corrected(content: Content) -> Iterator[Finding]:
    """Hours whose AC flow was in trouble, and what dispatching them anew changed."""
    change = content.info.get("dispatch", {}).get("ac_correction")
    if change:
        gaps = {
            "before": u.hours(change["hours_before"]),
            "left": u.hours(change["hours_left"]),
            "days": same(change["days"]),
            "energy": u.energy(change["more_curtailed_mwh"] / 1000),
        }
        yield Finding("warn", word("find_corrected", **gaps), "grid")


def _loaded(content: Content, key: str, row: dict[str, Any]) -> Both:
    confidence = word(f"confidence_{content.static['branches'][key].get('confidence', 'assumed')}")
    name, most = content.branch_name(key), u.percent(row["max"])
    return Both(f"{name.zh}({confidence.zh}){most.zh}", f"{name.en} ({confidence.en}) {most.en}")


def listing(items: list[Both]) -> Both:
    """Return several texts as one enumeration."""
    return Both("、".join(item.zh for item in items), "; ".join(item.en for item in items))


def _voltages(content: Content) -> Iterator[Finding]:
    voltage = content.metrics["network"]["voltage"]
    if voltage["hours_with_violation"] == 0:
        return
    outside = [key for key, row in voltage["by_bus"].items() if row["low_hours"] + row["high_hours"] > 0]
    worst = sorted(outside, key=lambda key: voltage["by_bus"][key]["rate"])[:NAMED]
    text = word(
        "find_voltages",
        count=same(len(outside)),
        hours=u.hours(voltage["hours_with_violation"]),
        names=listing([content.bus_name(key) for key in worst]),
    )
    yield Finding("bad", text, "voltage")


def _security(content: Content) -> Iterator[Finding]:
    """Say which single losses the grid does not stand, where the run has been studied for it."""
    failing = [] if content.security is None else critical_losses(content.security)
    if failing:
        worst = Both(failing[0]["name_zh"], failing[0]["name_en"])
        hours = u.hours(failing[0]["hours_failed"])
        yield Finding("bad", word("find_security", count=same(len(failing)), worst=worst, hours=hours), "security")


def _below_minimum(content: Content) -> Iterator[Finding]:
    reliability = content.metrics["reliability"]
    if reliability["coal_below_minimum_mwh"] > NEGLIGIBLE_MWH:
        energy = u.energy(reliability["coal_below_minimum_mwh"] / 1000)
        hours = u.hours(reliability["coal_below_minimum_hours"])
        yield Finding("bad", word("find_below_minimum", energy=energy, hours=hours), "dispatch")


def _export(content: Content) -> Iterator[Finding]:
    energy = content.metrics["energy_gwh"]
    contract, sent = energy["export_contract"], energy["export"]
    if contract > 0 and abs(sent - contract) > EXPORT_SHORTFALL * contract:
        gaps = {"sent": u.energy(sent), "contract": u.energy(contract)}
        if sent < contract:
            yield Finding("warn", word("find_export_less", **gaps), "balance")
        else:
            yield Finding("note", word("find_export_more", **gaps), "balance")


def _spilled(content: Content) -> Iterator[Finding]:
    spilled = content.metrics["energy_gwh"]["hydro_spilled"]
    if spilled * 1000 > NEGLIGIBLE_MWH:
        yield Finding("warn", word("find_spilled", energy=u.energy(spilled)), "balance")


def _slack(content: Content) -> Iterator[Finding]:
    slack = content.metrics["network"]["slack"]["max_mw"]
    if slack is None:
        return
    beyond = content.system["slack"].abs() > SLACK_SHARE * content.system["load"]
    level: Level = "warn" if beyond.any() else "note"
    text = word("find_slack", power=u.power(slack), net=u.energy(content.metrics["network"]["slack"]["net_gwh"]))
    yield Finding(level, text, "grid")


def _partial(content: Content) -> Iterator[Finding]:
    hours = content.metrics["energy_gwh"]["hours"]
    if hours < 8760:
        yield Finding("warn", word("find_partial", hours=u.hours(hours)), "plan")


def _repairs(content: Content) -> Iterator[Finding]:
    rows = content.info["provenance"]["weather_repairs"]
    if rows:
        values = same(u.fixed(sum(row["values"] for row in rows)))
        yield Finding("note", word("find_repairs", count=same(len(rows)), values=values), "assumptions")


def _network(content: Content) -> Iterator[Finding]:
    network = content.info["network"]
    if network["sizing_changes"]:
        yield Finding("note", word("find_sizing", count=same(len(network["sizing_changes"]))), "assumptions")
    if network["left_overloaded"]:
        yield Finding(
            "warn", word("find_left_overloaded", count=same(len(network["left_overloaded"]))), "assumptions"
        )
