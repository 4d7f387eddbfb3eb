"""N-1 security, where the command ``secure`` has studied the run; else how to do it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sim.report import units as u
from sim.report.cells import Table, hours_head, label, plain, power, power_head, rate, text_head, unit_head
from sim.report.charts import COLOURS, Spec, axis, figure, in_both
from sim.report.content import Content
from sim.report.section import Pairs, Section
from sim.report.security import causes_of, critical_losses, critical_towers
from sim.report.units import Both, same
from sim.report.words import word

SHOWN = 15
"""Losses in the figure."""


def _failing(content: Content) -> list[Mapping[str, Any]]:
    record = content.security
    return [] if record is None else [*critical_losses(record), *critical_towers(record)]


def _name(row: Mapping[str, Any]) -> Both:
    return Both(row["name_zh"], row["name_en"])


def losses(content: Content) -> Table:
    """Return the single losses that the grid does not stand, the worst first."""
    return _ranking(
        content, "security_losses", [] if content.security is None else critical_losses(content.security)
    )


def towers(content: Content) -> Table:
    """Return the losses of common towers that the grid does not stand."""
    return _ranking(
        content, "security_towers", [] if content.security is None else critical_towers(content.security)
    )


def _ranking(content: Content, name: str, failing: Iterable[Mapping[str, Any]]) -> Table:
    rows = [
        (
            label(_name(row)),
            label(row["name"]),
            label(word(f"confidence_{row['confidence']}"), row["confidence"]),
            plain(row["hours_failed"]),
            label(causes_of(row)),
            label(same(u.moment(row["worst_time"]))),
            rate(None if row["loading"] is None else row["loading"]["loading"]),
            label(same(u.NONE) if row["loading"] is None else content.branch_name(row["loading"]["branch"])),
            plain(None if row["low"] is None else row["low"]["vm_pu"], 4),
            power(None if row["relief"] is None else row["relief"]["total_mw"]),
        )
        for row in failing
    ]
    heads = (
        text_head("loss"), text_head("id"), text_head("confidence"), hours_head("failed_hours"), text_head("why"),
        text_head("time"), unit_head("worst_loading", "%"), text_head("most_loaded"),
        unit_head("lowest_after", "pu"), power_head("relief"),
    )  # fmt: skip
    return Table(name, heads, tuple(rows))


def overloads(content: Content) -> Table:
    """Return every element that is overloaded after a loss."""
    rows = [
        (
            label(_name(row)),
            label(row["name"]),
            label(content.branch_name(over["branch"])),
            label(over["branch"]),
            plain(over["hours"]),
            rate(over["loading"], "bad"),
        )
        for row in _failing(content)
        for over in row["overloads"]
    ]
    heads = (
        text_head("loss"), text_head("id"), text_head("overloaded_element"), text_head("id"),
        hours_head("overloaded_steps"), unit_head("worst_loading", "%"),
    )  # fmt: skip
    return Table("security_overloads", heads, tuple(rows), search=True)


def islands(content: Content) -> Table:
    """Return the losses that split the grid, and what goes dark."""
    record = content.security
    rows = [
        (
            label(_name(row)),
            label(row["name"]),
            label(word(f"confidence_{row['confidence']}"), row["confidence"]),
            label(" ".join(row["dark"])),
            power(row["load_lost_mw"]),
            power(row["generation_lost_mw"]),
        )
        for row in (() if record is None else record["losses"])
        if row["dark"]
    ]
    heads = (
        text_head("loss"), text_head("id"), text_head("confidence"), text_head("dark_buses"),
        power_head("load_lost"), power_head("generation_lost"),
    )  # fmt: skip
    return Table("security_islands", heads, tuple(rows))


def months(content: Content) -> Spec:
    """Hours of each month in which some loss fails."""
    by_month = {} if content.security is None else content.security["by_month"]
    trace = _hours_bars(list(by_month), list(by_month.values()))
    return figure([trace], 280, xaxis={"type": "category"}, yaxis=axis("axis_failed_hours"))


def worst_losses(content: Content) -> Spec:
    """Hours in which the worst single losses fail."""
    chosen = ([] if content.security is None else critical_losses(content.security))[:SHOWN][::-1]
    trace = _hours_bars([row["hours_failed"] for row in chosen], [row["name"] for row in chosen])
    names_in_full = {"hovertext": [in_both(Both(row["name_zh"], row["name_en"])) for row in chosen]}
    names = {"type": "category", "automargin": True, "tickfont": {"size": 11}}
    height = 110 + 24 * len(chosen)
    return figure(
        [trace | names_in_full | {"orientation": "h"}], height, xaxis=axis("axis_failed_hours"), yaxis=names
    )


def _hours_bars(x: list[Any], y: list[Any]) -> Spec:
    return {"type": "bar", "x": x, "y": y, "marker": {"color": COLOURS["curtailed"]}, "showlegend": False}


def _facts(record: dict[str, Any]) -> Pairs:
    n1 = record["n1"]
    return [
        (word("security_hour_element"), u.percent(n1["hour_element"])),
        (word("security_element"), u.percent(n1["element"])),
        (word("security_hour"), u.percent(n1["hour"])),
        (word("security_elements"), same(u.fixed(n1["elements"]))),
        (word("security_base"), u.hours(record["base"]["hours_failed"])),
        (word("security_unsolved"), same(u.fixed(n1["failed_by"]["unsolved"]))),
        (word("security_not_judged"), u.hours(record["hours_unsolved"])),
    ]


def _context(content: Content) -> dict[str, Any]:
    record = content.security
    missing = word("security_missing", scenario=same(content.info["scenario"]))
    if record is None:
        return {"security": None, "security_missing": missing}
    limits = record["limits"]
    bands = {f"band_{level}": same(_band(limits[f"voltage_{level}"].values())) for level in ("500", "220")}
    rules = word("security_rules", trafo=same(f"{limits['trafo_emergency']:g}"), **bands)
    return {"security": {"facts": _facts(record), "rules": rules}, "security_missing": missing}


def _band(values: Iterable[float]) -> str:
    return "–".join(f"{value:g}" for value in values)


SECTION = Section(
    "security",
    tables=(losses, towers, overloads, islands),
    figures={"security_losses": worst_losses, "security_months": months},
    context=_context,
)
