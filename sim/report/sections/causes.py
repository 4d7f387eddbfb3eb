"""Why wind and PV were curtailed: the ladder of causes, when it happened, and which rows of the network bound."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sim.report import units as u
from sim.report.cells import (
    Cell,
    Head,
    Table,
    hours_head,
    label,
    number,
    plain,
    power,
    power_head,
    rate,
    small_energy,
    small_energy_head,
    text_head,
    unit_head,
)
from sim.report.charts import (
    COLOURS,
    QUANTILES,
    Spec,
    axis,
    curve,
    duration,
    figure,
    heat,
    quantity,
    rounded,
    text,
)
from sim.report.content import Content
from sim.report.section import Section
from sim.report.units import Both, same
from sim.report.words import word

CAUSE_COLOURS = {
    "surplus": COLOURS["pv"],
    "flexibility": COLOURS["coal"],
    "network": COLOURS["hydro"],
    "security": COLOURS["wind"],
    "ac": COLOURS["discharge"],
}
NEGLIGIBLE_MW = 1e-3
"""Hours that curtail less than this are not counted as hours of curtailment."""
AFTER_LOSS, SECTION_MARK = " without ", "section "
"""How rows of the network that hold after a loss, and sections, are named."""


def _operated(content: Content) -> list[str]:
    """Return the causes that were part of the operation, in the order of the ladder."""
    return [cause for cause, part in content.metrics["curtailment"]["by_cause"].items() if part["operated"]]


def causes(content: Content) -> Table:
    """Return the ladder of the whole period."""
    lost = content.metrics["curtailment"]
    rows = [_ladder_row(cause, part, lost["causes"]["by_tech"]) for cause, part in lost["by_cause"].items()]
    blank = label("")
    by_tech = (small_energy(lost[tech]["gwh"]) for tech in ("pv", "wind"))
    whole = 1.0 if lost["total"]["gwh"] > 0 else None
    total = (label(word("sum")), small_energy(lost["total"]["gwh"]), rate(whole), *by_tech, blank, blank)
    heads = (
        text_head("cause"), small_energy_head("curtailed"), unit_head("cause_share", "%"),
        small_energy_head("cause_of_pv"), small_energy_head("cause_of_wind"), small_energy_head("cause_increase"),
        text_head("cause_means"),
    )  # fmt: skip
    return Table("causes", heads, tuple(rows), (total,))


def _ladder_row(
    cause: str, part: Mapping[str, Any], by_tech: Mapping[str, Mapping[str, float]]
) -> tuple[Cell, ...]:
    means = word(f"cause_means_{cause}" if part["operated"] else "cause_means_none")
    of_techs = (small_energy(by_tech.get(tech, {}).get(cause, 0.0)) for tech in ("pv", "wind"))
    return (
        label(word(f"cause_{cause}")),
        small_energy(part["gwh"]),
        rate(part["share"]),
        *of_techs,
        small_energy(part["increase_gwh"]),
        label(means),
    )


def cause_counties(content: Content) -> Table:
    """Curtailment by county and cause."""
    parts = content.metrics["curtailment"]["causes"]["by_county"]
    named = {name: content.county_name(name) for name in parts}
    return Table("cause_counties", _heads(content, "county"), _rows(content, parts, named))


def cause_plants(content: Content) -> Table:
    """Curtailment by plant and cause, the most curtailed first."""
    parts = content.metrics["curtailment"]["causes"]["by_plant"]
    named = {name: content.name_of(content.static["plants"][name], name) for name in parts}
    return Table("cause_plants", _heads(content, "plant"), _rows(content, parts, named), search=True)


def _heads(content: Content, first: str) -> tuple[Head, ...]:
    return (
        text_head(first),
        small_energy_head("curtailed"),
        *(small_energy_head(f"cause_{cause}") for cause in _operated(content)),
    )


def _rows(
    content: Content, parts: Mapping[str, Mapping[str, float]], named: Mapping[str, Both]
) -> tuple[tuple[Cell, ...], ...]:
    order = sorted(parts, key=lambda name: -sum(parts[name].values()))
    return tuple(
        (
            label(named[name]),
            small_energy(sum(parts[name].values())),
            *(small_energy(parts[name][cause]) for cause in _operated(content)),
        )
        for name in order
    )


def cause_rows(content: Content) -> Table:
    """Rows of the network that were at their limit, those that caused most curtailment first."""
    rows = sorted(content.metrics["curtailment"]["causes"]["rows"], key=lambda row: (-row["gwh"], -row["hours"]))
    heads = (
        text_head("cause_rows"), text_head("cause"), text_head("confidence"), power_head("cause_limit"),
        text_head("cause_direction"), hours_head("cause_binding_hours"), hours_head("cause_curtailing_hours"),
        small_energy_head("curtailed"),
    )  # fmt: skip
    return Table("cause_rows", heads, tuple(_network_row(content, row) for row in rows), search=True)


def _network_row(content: Content, row: Mapping[str, Any]) -> tuple[Cell, ...]:
    monitored = row["row"].split(AFTER_LOSS)[0]
    confidence = content.static["branches"].get(monitored, {}).get("confidence", "assumed")
    return (
        label(row_name(content, row["row"])),
        label(word(f"cause_{row['cause']}")),
        label(word(f"confidence_{confidence}"), confidence),
        power(row["limit_mw"]),
        label(_direction(content, monitored, forward=row["forward"])),
        plain(row["hours"]),
        plain(row["curtailing_hours"]),
        number(u.small_energy_cell(row["gwh"]), row["gwh"]),
    )


def _direction(content: Content, monitored: str, *, forward: bool) -> Both:
    """Return from where to where a row mostly was at its limit."""
    branch = content.static["branches"].get(monitored)
    if branch is None:
        return word("cause_forward" if forward else "cause_backward")
    start, end = (content.bus_name(branch[side]) for side in ("from", "to"))
    return word("cause_from_to", start=start, end=end) if forward else word("cause_from_to", start=end, end=start)


def row_name(content: Content, row: str) -> Both:
    """Return a row of the network by the names of its branches, in both languages."""
    monitored, _, lost = row.partition(AFTER_LOSS)
    if monitored.startswith(SECTION_MARK):
        name = word("cause_section_row", name=same(monitored.removeprefix(SECTION_MARK)))
    else:
        name = content.branch_name(monitored)
    return word("cause_without", row=name, lost=content.branch_name(lost)) if lost else name


def cause_months(content: Content) -> Spec:
    """Stacked causes of every month."""
    months = content.metrics["curtailment"]["causes"]["by_month"]
    traces = [
        {
            "type": "bar",
            "name": text(f"cause_{cause}"),
            "x": list(months),
            "y": quantity((part[cause] for part in months.values()), "energy"),
            "marker": {"color": CAUSE_COLOURS[cause]},
            "hovertemplate": text("hover_energy"),
        }
        for cause in _operated(content)
    ]
    return figure(traces, 320, barmode="stack", xaxis={"type": "category"}, yaxis=axis("axis_energy"))


def cause_heat(_content: Content) -> Spec:
    """Curtailed power, hour of day × day."""
    return heat({"day": "curtailed", "q": "power"}, "power", ())


def cause_duration(content: Content) -> Spec:
    """Duration curves of curtailed power, in all and by cause, over the hours in which there is any."""
    system = content.system
    some = system[system["curtailed"] > NEGLIGIBLE_MW]
    hours = rounded(np.linspace(0.0, len(some), QUANTILES), 6)

    def line(key: str, name: str, colour: str, **more: Any) -> Spec:
        values = quantity(duration(some[key]), "power")
        return curve(text(name), values, colour, "hours_power", x=hours, **more)

    traces = [line("curtailed", "kind_curtailed", COLOURS["curtailed"])]
    traces += [
        line(f"curtailed_{cause}", f"cause_{cause}", CAUSE_COLOURS[cause], line={"dash": "dot"})
        for cause in _operated(content)
    ]
    return figure(traces, xaxis=axis("axis_hours_curtailed"), yaxis=axis("axis_power"))


def _context(content: Content) -> dict[str, Any]:
    lost = content.metrics["curtailment"]
    return {"anything_curtailed": lost["total"]["gwh"] > 0, "any_row_bound": bool(lost["causes"]["rows"])}


SECTION = Section(
    "causes",
    tables=(causes, cause_counties, cause_plants, cause_rows),
    figures={"cause_months": cause_months, "cause_heat": cause_heat, "cause_duration": cause_duration},
    context=_context,
)
