"""Cost and emissions."""

from __future__ import annotations

from typing import Any

from sim.report import units as u
from sim.report.cells import (
    Head,
    Table,
    label,
    number,
    plain,
    text_head,
)
from sim.report.charts import (
    ACCENT,
    Spec,
    axis,
    curve,
    duration,
    figure,
    quantity,
    text,
)
from sim.report.content import Content
from sim.report.section import Pairs, Section
from sim.report.units import Both, same
from sim.report.words import word


def costs(content: Content) -> Table:
    """Return the parts of the cost; penalties are prices of the model."""
    cost = content.metrics["cost"]
    rows = [
        (label(word(f"cost_{name}")), number(u.money(value), value))
        for name, value in cost["parts_cny"].items()
        if abs(value) >= 1.0
    ]
    foot = tuple(
        (label(word(f"cost_{name}")), number(u.money(cost[f"{name}_cny"]), None))
        for name in ("operating", "penalty", "total")
    )
    return Table("costs", (text_head("cost_part"), Head(word("amount"))), tuple(rows), foot)


def emissions(content: Content) -> Table:
    """CO2 and coal, hours and starts by plant."""
    hours = content.metrics["utilisation"]["full_load_hours"]
    rows = [
        (
            label(content.name_of(content.static["plants"][name], name)),
            plain(row["co2_t"] / 1e4, 1),
            plain(row["coal_tce"] / 1e4, 1),
            plain(hours["by_plant"].get(name)),
            plain(content.metrics["utilisation"]["starts_by_plant"].get(name)),
        )
        for name, row in content.metrics["emissions"]["by_plant"].items()
    ]
    total = content.metrics["emissions"]
    foot = (
        label(word("sum")),
        plain(total["co2_t"] / 1e4, 1),
        plain(total["coal_tce"] / 1e4, 1),
        plain(hours["by_tech"].get("coal")),
        label(""),
    )
    ten_kt = Both("万吨", "10 kt")
    heads = (
        text_head("plant"),
        Head(word("co2"), ten_kt),
        Head(word("coal_tce"), ten_kt),
        Head(word("full_load_hours"), same("h")),
        Head(word("starts")),
    )
    return Table("emissions", heads, tuple(rows), (foot,))


def cost_parts(content: Content) -> Spec:
    """Return the parts of the cost."""
    parts = {key: value for key, value in content.metrics["cost"]["parts_cny"].items() if abs(value) >= 1.0}
    order = sorted(parts, key=lambda key: abs(parts[key]))
    trace = {
        "type": "bar",
        "orientation": "h",
        "x": quantity((parts[key] for key in order), "money"),
        "y": [text(f"cost_{key}") for key in order],
        "marker": {"color": ACCENT},
        "hovertemplate": text("hover_money"),
        "showlegend": False,
    }
    labels = {"type": "category", "automargin": True}
    return figure([trace], 300, xaxis=axis("axis_money"), yaxis=labels)


def price_duration(content: Content) -> Spec:
    """Duration curve of the marginal price."""
    price = quantity(duration(content.system["price_cny_per_mwh"]))
    trace = curve(text("kind_price_cny_per_mwh"), price, ACCENT, "duration_price", showlegend=False)
    return figure([trace], 300, xaxis=axis("axis_share_of_hours"), yaxis=axis("axis_price"))


def _cost(content: Content) -> Pairs:
    cost, emissions = content.metrics["cost"], content.metrics["emissions"]
    ramps = content.metrics["utilisation"]["coal_ramps_mw_per_h"]
    return [
        (word("cost_operating"), u.money(cost["operating_cny"])),
        (word("cost_per_mwh"), _per_mwh(cost["operating_cny_per_mwh"])),
        (word("cost_penalty"), u.money(cost["penalty_cny"])),
        (word("mean_price"), _per_mwh(cost["mean_price_cny_per_mwh"])),
        (word("co2_total"), u.mass(emissions["co2_t"])),
        (word("coal_total"), u.mass(emissions["coal_tce"])),
        (word("co2_intensity"), same(f"{u.significant(emissions['co2_kg_per_mwh'])} kg/MWh")),
        (word("coal_ramp_usual"), same(f"≤ {u.significant(ramps['usual'])} MW/h")),
        (word("coal_ramp_most"), same(f"+{u.significant(ramps['up'])} / −{u.significant(ramps['down'])} MW/h")),
    ]


def _per_mwh(value: float | None) -> Both:
    return Both(f"{u.significant(value)} 元/MWh", f"CNY {u.significant(value)}/MWh")


def _context(content: Content) -> dict[str, Any]:
    return {"cost_facts": _cost(content)}


SECTION = Section(
    "cost",
    tables=(costs, emissions),
    figures={"cost": cost_parts, "price_duration": price_duration},
    context=_context,
)
