"""Wind and PV: available, accepted, curtailed; by county, base and plant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sim.report.cells import (
    Cell,
    Head,
    Table,
    energy,
    energy_head,
    hours_head,
    label,
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
    ACCENT,
    COLOURS,
    Spec,
    axis,
    bars,
    curve,
    duration,
    figure,
    heat,
    in_both,
    quantity,
    text,
)
from sim.report.content import BASES, Content
from sim.report.phrases import reason_text
from sim.report.section import Section
from sim.report.units import Both
from sim.report.words import word

RENEWABLES = ("wind", "pv")
HEAT_CHOICES = ("pv", "wind", "curtailed", "residual_load", "load", "export", "coal", "price_cny_per_mwh")
"""Kinds that the hour × day picture offers."""


def _absorption_heads(first: str) -> tuple[Head, ...]:
    return (
        text_head(first),
        power_head("capacity"),
        energy_head("available"),
        energy_head("accepted"),
        energy_head("curtailed"),
        unit_head("curtailment_rate", "%"),
        hours_head("full_load_hours"),
    )


def _absorption(name: Both, capacity_mw: float, part: Mapping[str, Any], hours: float | None) -> tuple[Cell, ...]:
    """Return the cells of one group of wind or PV with its full-load hours."""
    accepted = part["available_gwh"] - part["gwh"]
    figures = (energy(part["available_gwh"]), energy(accepted), energy(part["gwh"]))
    return (label(name), power(capacity_mw), *figures, rate(part["rate"]), plain(hours))


def curtailment(content: Content) -> Table:
    """Available, accepted and curtailed energy by technology, with 利用率 on both official bases."""
    metrics = content.metrics
    both_bases = (metrics["utilisation"]["all_causes"], metrics["utilisation"]["system_causes"])
    hours = metrics["utilisation"]["full_load_hours"]["by_tech"]
    rows = [
        (
            *_absorption(
                word(f"kind_{tech}"), content.capacity_mw(tech), metrics["curtailment"][tech], hours[tech]
            ),
            *(rate(basis[tech]) for basis in both_bases),
        )
        for tech in RENEWABLES
    ]
    total = _absorption(word("sum"), content.capacity_mw(*RENEWABLES), metrics["curtailment"]["total"], None)
    foot = (*total, *(rate(basis["total"]) for basis in both_bases))
    heads = (
        *_absorption_heads("technology"),
        unit_head("utilisation_all", "%"),
        unit_head("utilisation_system", "%"),
    )
    return Table("curtailment", heads, tuple(rows), (foot,))


def counties(content: Content) -> Table:
    """Wind and PV by county."""
    rows, hours = [], content.metrics["utilisation"]["full_load_hours"]["by_county"]
    for county, parts in content.metrics["curtailment"]["by_county"].items():
        for tech in RENEWABLES:
            capacity = content.capacity_mw(tech, county=county)
            if capacity > 0:
                cells = _absorption(content.county_name(county), capacity, parts[tech], hours[county][tech])
                rows.append((cells[0], label(word(f"kind_{tech}")), *cells[1:]))
    heads = _absorption_heads("county")
    return Table("counties", (heads[0], text_head("technology"), *heads[1:]), tuple(rows), search=True)


def bases(content: Content) -> Table:
    """Return the bases of Weining and Hezhang that the plan names."""
    found = counties(content)
    names = {content.county_name(county).zh for county in BASES}
    return Table("bases", found.heads, tuple(row for row in found.rows if row[0].text.zh in names))


def plants(content: Content) -> Table:
    """Every plant in service."""
    by_plant = content.metrics["curtailment"]["by_plant"]
    hours = content.metrics["utilisation"]["full_load_hours"]["by_plant"]
    generated = content.energy_gwh("plants", "generation_mw")
    rows = []
    for name, plant in content.static["plants"].items():
        part = by_plant.get(name, {"available_gwh": None, "gwh": None, "rate": None})
        rows.append(
            (
                label(content.name_of(plant, name)),
                label(word(f"kind_{plant['tech']}")),
                label(content.county_name(plant["county"])),
                power(plant["capacity_mw"]),
                energy(generated[name]),
                energy(part["available_gwh"]),
                small_energy(part["gwh"]),
                rate(part["rate"]),
                plain(hours[name]),
                label(word(f"confidence_{plant['confidence']}"), plant["confidence"]),
            )
        )
    heads = (
        text_head("plant"), text_head("technology"), text_head("county"), power_head("capacity"),
        energy_head("net"), energy_head("available"), small_energy_head("curtailed"),
        unit_head("curtailment_rate", "%"), hours_head("full_load_hours"), text_head("confidence"),
    )  # fmt: skip
    return Table("plants", heads, tuple(rows), search=True)


def monthly_absorption(content: Content) -> Spec:
    """Return accepted and curtailed PV and wind of every month."""
    accepted, available = content.monthly_gwh, content.monthly_available_gwh
    months = list(accepted.index)
    traces = []
    for tech in ("pv", "wind"):
        curtailed = available[f"{tech}_available_mw"] - accepted[tech]
        lost = quantity(curtailed.clip(lower=0), "energy")
        traces.append(bars(tech, months, quantity(accepted[tech], "energy"), "energy", offsetgroup=tech))
        pattern = {
            "color": COLOURS[tech],
            "pattern": {"shape": "/", "bgcolor": "rgba(128,128,128,0.15)", "size": 5},
        }
        title = text(f"curtailed_{tech}")
        traces.append(bars(tech, months, lost, "energy", offsetgroup=tech) | {"name": title, "marker": pattern})
    return figure(traces, 340, barmode="stack", xaxis={"type": "category"}, yaxis=axis("axis_energy"))


def renewables_duration(content: Content) -> Spec:
    """Duration curves of available and accepted PV and wind, and of what was curtailed."""
    system = content.system
    traces = []
    for tech in ("pv", "wind"):
        offered = quantity(duration(system[f"{tech}_available"]), "power")
        accepted = quantity(duration(system[tech]), "power")
        traces.append(
            curve(text(f"available_{tech}"), offered, COLOURS[tech], "duration_power", line={"dash": "dot"})
        )
        traces.append(curve(text(f"kind_{tech}"), accepted, COLOURS[tech], "duration_power"))
    lost = quantity(duration(system["curtailed"]), "power")
    traces.append(curve(text("kind_curtailed"), lost, COLOURS["curtailed"], "duration_power"))
    return figure(traces, xaxis=axis("axis_share_of_hours"), yaxis=axis("axis_power"))


def residual_duration(content: Content) -> Spec:
    """Duration curves of demand and of what remains of it for coal, hydro and storage."""
    system = content.system
    demand = quantity(duration(system["load"] + system["export"]), "power")
    residual = quantity(duration(system["residual_load"]), "power")
    traces = [
        curve(text("load_and_export"), demand, {"c": "text"}, "duration_power"),
        curve(text("kind_residual_load"), residual, ACCENT, "duration_power"),
    ]
    return figure(traces, xaxis=axis("axis_share_of_hours"), yaxis=axis("axis_power", zeroline=True))


def county_curtailment(content: Content) -> Spec:
    """Curtailed energy by county and technology."""
    parts = content.metrics["curtailment"]["by_county"]
    order = sorted(
        (c for c in parts if parts[c]["total"]["available_gwh"] > 0), key=lambda c: parts[c]["total"]["gwh"]
    )
    names = [in_both(content.county_name(county)) for county in order]
    traces = [
        bars(tech, quantity((parts[c][tech]["gwh"] for c in order), "energy"), names, "energy_h", orientation="h")
        for tech in ("pv", "wind")
    ]
    return figure(traces, 320, barmode="stack", xaxis=axis("axis_energy"), yaxis={"type": "category"})


def _as_sentence(text: Both) -> Both:
    """Return a remark of another stage as a sentence of its own."""
    return Both(text.zh, f"{text.en[:1].upper()}{text.en[1:].rstrip('.')}.")


def _context(content: Content) -> dict[str, Any]:
    note = _as_sentence(reason_text(content.metrics["utilisation"]["note"]))
    return {"heat_choices": HEAT_CHOICES, "utilisation_note": note}


def chosen_heat(_content: Content) -> Spec:
    """Return a heat map hour × day of what the reader chooses."""
    return heat({"day": "chosen", "q": "chosen"}, "chosen", ("heat",))


SECTION = Section(
    "renewables",
    tables=(curtailment, bases, counties, plants),
    figures={
        "absorbed": monthly_absorption,
        "renewables_duration": renewables_duration,
        "residual_duration": residual_duration,
        "heat": chosen_heat,
        "county_curtailment": county_curtailment,
    },
    context=_context,
)
