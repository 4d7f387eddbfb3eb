"""Voltages: compliance, and the range of every bus."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.report import units as u
from sim.report.cells import (
    Table,
    hours_head,
    label,
    plain,
    rate,
    text_head,
    unit_head,
)
from sim.report.charts import (
    ACCENT,
    COLOURS,
    Spec,
    axis,
    figure,
    in_both,
    rounded,
)
from sim.report.content import Content
from sim.report.section import Pairs, Section
from sim.report.units import Both, same
from sim.report.words import word


def buses(content: Content) -> Table:
    """Return the voltage of every bus that is judged."""
    rows = []
    for name, figures in content.metrics["network"]["voltage"]["by_bus"].items():
        bus = content.static["buses"][name]
        outside = figures["low_hours"] + figures["high_hours"] > 0
        rows.append(
            (
                label(content.name_of(bus, name)),
                label(name),
                plain(bus["vn_kv"]),
                label(content.county_name(bus.get("county", ""))),
                plain(figures["min_pu"], 4),
                plain(figures["max_pu"], 4),
                plain(figures["low_hours"], 0, "bad" if figures["low_hours"] else ""),
                plain(figures["high_hours"], 0, "bad" if figures["high_hours"] else ""),
                rate(figures["rate"], "bad" if outside else ""),
            )
        )
    heads = (
        text_head("bus"), text_head("id"), unit_head("voltage_level", "kV"), text_head("county"),
        unit_head("voltage_min", "pu"), unit_head("voltage_max", "pu"), hours_head("too_low"),
        hours_head("too_high"), unit_head("compliance", "%"),
    )  # fmt: skip
    return Table("buses", heads, tuple(rows), search=True)


def voltage_range(content: Content, level_kv: float) -> Spec:
    """Return the range of voltages at every bus of a level: extremes, quartiles and median, with the limits."""
    buses = {
        key: bus
        for key, bus in content.static["buses"].items()
        if bus["monitored"] and bus["vn_kv"] == level_kv and content.voltage[key].notna().any()
    }
    spread = {
        key: np.nanquantile(content.voltage[key].to_numpy(dtype=float), [0, 0.25, 0.5, 0.75, 1]) for key in buses
    }
    order = sorted(buses, key=lambda key: float(spread[key][2]))
    table: npt.NDArray[np.float64] = np.array([spread[key] for key in order]).reshape(len(order), 5)
    trace = {
        "type": "box",
        "orientation": "h",
        "y": [in_both(content.bus_name(key)) for key in order],
        "marker": {"color": ACCENT},
        "line": {"width": 1},
        "showlegend": False,
        **{
            part: rounded(table[:, column], 5)
            for column, part in enumerate(("lowerfence", "q1", "median", "q3", "upperfence"))
        },
    }
    limits = sorted({value for bus in buses.values() for value in (bus["low_pu"], bus["high_pu"])})
    return figure(
        [trace],
        110 + 17 * len(order),
        xaxis=axis("axis_voltage"),
        yaxis={"type": "category", "automargin": True, "tickfont": {"size": 11}},
        shapes=[_limit(value) for value in limits],
    )


def _limit(value: float) -> Spec:
    line = {"color": COLOURS["curtailed"], "width": 1.5, "dash": "dash"}
    return {"type": "line", "x0": value, "x1": value, "yref": "paper", "y0": 0, "y1": 1, "line": line}


def _voltage(content: Content) -> Pairs:
    voltage = content.metrics["network"]["voltage"]
    limits = [
        (word("voltage_limits", level=same(level)), same(f"{band['low']:g} – {band['high']:g} pu"))
        for level, band in voltage["limits_pu"].items()
    ]
    return [
        (word("voltage_rate"), u.percent(voltage["rate"])),
        (word("voltage_rate_weighted"), u.percent(voltage["load_weighted_rate"])),
        (word("voltage_low_rate"), _both_rates(voltage, "low_rate")),
        (word("voltage_high_rate"), _both_rates(voltage, "high_rate")),
        *(
            (word("voltage_rate_level", level=same(level)), _both_rates(rates, "rate"))
            for level, rates in voltage["by_level"].items()
        ),
        (word("hours_with_violation"), u.hours(voltage["hours_with_violation"])),
        *limits,
    ]


def _both_rates(rates: Mapping[str, Any], key: str) -> Both:
    """Return a rate of all buses alike and, behind it, weighted by load."""
    plain, weighted = u.percent(rates[key]), u.percent(rates[f"load_weighted_{key}"])
    return Both(f"{plain.zh}（{weighted.zh}）", f"{plain.en} ({weighted.en})")


def _context(content: Content) -> dict[str, Any]:
    return {"voltage_facts": _voltage(content)}


SECTION = Section(
    "voltage",
    tables=(buses,),
    figures={
        "voltage_500": lambda content: voltage_range(content, 500.0),
        "voltage_220": lambda content: voltage_range(content, 220.0),
    },
    context=_context,
)
