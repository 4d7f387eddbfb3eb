"""Storage and demand response."""

from __future__ import annotations

from typing import Any

from sim.report import units as u
from sim.report.cells import (
    Head,
    Table,
    label,
    plain,
    power,
    power_head,
    small_energy,
    small_energy_head,
    text_head,
)
from sim.report.charts import (
    COLOURS,
    Spec,
    axis,
    bars,
    figure,
    quantity,
)
from sim.report.content import Content
from sim.report.section import Pairs, Section
from sim.report.words import word


def storages(content: Content) -> Table:
    """Use of every storage."""
    use = content.metrics["storage"]["by_storage"]
    rows = [
        (
            label(content.name_of(row, name)),
            label(name),
            label(word(f"storage_{row['kind']}")),
            power(row["power_mw"]),
            small_energy(row["energy_mwh"] / 1000),
            small_energy(use[name]["charge_gwh"]),
            small_energy(use[name]["discharge_gwh"]),
            plain(use[name]["cycles"], 1),
            label(word(f"confidence_{row['confidence']}"), row["confidence"]),
        )
        for name, row in content.static["storages"].items()
    ]
    total = content.metrics["storage"]
    blank = label("")
    foot = (
        label(word("sum")), blank, blank, blank, blank, small_energy(total["charge_gwh"]),
        small_energy(total["discharge_gwh"]), plain(total["cycles"], 1), blank,
    )  # fmt: skip
    heads = (
        text_head("storage"), text_head("id"), text_head("storage_kind"), power_head("power"),
        small_energy_head("content"),
        small_energy_head("charged"), small_energy_head("discharged"), Head(word("cycles")),
        text_head("confidence"),
    )  # fmt: skip
    return Table("storages", heads, tuple(rows), (foot,) if rows else ())


def flexible_loads(content: Content) -> Table:
    """Return what every flexible load took, and how it stands to its target."""
    use = content.metrics["demand_response"]["flexible"]
    rows = [
        (
            label(content.name_of(row, name)),
            label(name),
            power(row["power_mw"]),
            *(small_energy(use[name][f"{what}_gwh"]) for what in ("target", "missed", "beyond")),
            small_energy(use[name]["gwh"]),
            plain(use[name]["full_load_hours"]),
            label(word(f"confidence_{row['confidence']}"), row["confidence"]),
        )
        for name, row in content.static["flexible_loads"].items()
    ]
    heads = (
        text_head("flexible_load"), text_head("id"), power_head("power"), small_energy_head("flexible_target"),
        small_energy_head("flexible_missed"), small_energy_head("flexible_beyond"),
        small_energy_head("flexible_taken"), Head(word("full_load_hours")), text_head("confidence"),
    )  # fmt: skip
    return Table("flexible_loads", heads, tuple(rows))


def shed_blocks(content: Content) -> Table:
    """Return what every block of shedding on call offers, and what was called of it."""
    use = content.metrics["demand_response"]["blocks"]
    rows = [
        (
            label(content.name_of(row, name)),
            label(name),
            power(row["power_mw"]),
            plain(row["price_cny_per_mwh"]),
            plain(row["hours_per_day"]),
            plain(row["hours_per_year"]),
            plain(row["notice_h"]),
            small_energy(use[name]["gwh"]),
            plain(use[name]["hours"]),
            power(use[name]["max_mw"]),
            label(word(f"confidence_{row['confidence']}"), row["confidence"]),
        )
        for name, row in content.static["shed_blocks"].items()
    ]
    heads = (
        text_head("shed_block"), text_head("id"), power_head("power"), Head(word("shed_price")),
        Head(word("hours_a_day")), Head(word("hours_a_year")), Head(word("notice_hours")),
        small_energy_head("shed_energy"), Head(word("shed_hours")), power_head("shed_max"), text_head("confidence"),
    )  # fmt: skip
    return Table("shed_blocks", heads, tuple(rows))


def storage_day(content: Content) -> Spec:
    """Mean charge and discharge by hour of day."""
    system = content.system
    means = system[["charge", "discharge"]].groupby(system.index.hour).mean()  # type: ignore[attr-defined]
    hours = [int(hour) for hour in means.index]
    traces = [
        bars("discharge", hours, quantity(means["discharge"], "power"), "power"),
        bars("charge", hours, quantity(-means["charge"], "power"), "power")
        | {"marker": {"color": COLOURS["charge"], "pattern": {"shape": "/", "size": 5}}},
    ]
    return figure(traces, 300, barmode="relative", xaxis=axis("axis_hour", dtick=3), yaxis=axis("axis_power"))


def storage_month(content: Content) -> Spec:
    """Charged and discharged energy by month."""
    monthly = content.monthly_gwh
    months = list(monthly.index)
    traces = [
        bars("discharge", months, quantity(monthly["discharge"], "energy"), "energy"),
        bars("charge", months, quantity(-monthly["charge"], "energy"), "energy")
        | {"marker": {"color": COLOURS["charge"], "pattern": {"shape": "/", "size": 5}}},
    ]
    return figure(traces, 300, barmode="relative", xaxis={"type": "category"}, yaxis=axis("axis_energy"))


def _demand_response(content: Content) -> Pairs:
    use = content.metrics["demand_response"]
    return [
        (word("shed_energy"), u.energy(use["shed_gwh"])),
        (word("shed_hours"), u.hours(use["shed_hours"])),
        (word("shed_max"), u.power(use["shed_max_mw"])),
        (word("shift_energy"), u.energy(use["shift_up_gwh"])),
        (word("shift_hours"), u.hours(use["shift_hours"])),
    ]


def _context(content: Content) -> dict[str, Any]:
    return {"demand_response": _demand_response(content)}


SECTION = Section(
    "storage",
    tables=(storages, flexible_loads, shed_blocks),
    figures={"storage_day": storage_day, "storage_month": storage_month},
    context=_context,
)
