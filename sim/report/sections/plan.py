"""Published targets against the simulation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sim.report import units as u
from sim.report.cells import (
    Cell,
    Head,
    Table,
    label,
    number,
    text_head,
)
from sim.report.charts import (
    COLOURS,
    Spec,
    axis,
    figure,
    rounded,
)
from sim.report.content import Content
from sim.report.phrases import PLAN, reason_text, target_unit
from sim.report.section import Section
from sim.report.units import Both, same
from sim.report.words import word


def plan(content: Content) -> Table:
    """Every published target beside the simulation, those that can be judged first."""
    order = {False: 0, True: 1, None: 2}
    rows = [_plan_row(row) for row in sorted(content.metrics["plan"], key=lambda row: order[row["met"]])]
    heads = (
        text_head("plan_verdict"), text_head("plan_quantity"), Head(word("plan_target")), Head(word("plan_value")),
        text_head("unit"), text_head("plan_quote"), text_head("plan_reason"),
    )  # fmt: skip
    return Table("plan", heads, tuple(rows), search=True)


def _plan_row(row: Mapping[str, Any]) -> tuple[Cell, ...]:
    verdict = {True: "met", False: "missed", None: "not_judged"}[row["met"]]
    marks = {True: "good", False: "bad", None: "quiet"}
    region = f"{row['region']}, {row['year']}" if row["year"] else row["region"]
    unit, factor = target_unit(row["unit"] or "")
    bound = {"min": "≥ ", "max": "≤ ", "about": "≈ "}.get(row["bound"], "")
    return (
        label(word(f"plan_{verdict}"), marks[row["met"]]),
        label(Both(PLAN.get(row["key"], row["wording"]), f"{row['quantity']} ({region})")),
        _in_target_unit(row["target"], factor, bound),
        _in_target_unit(row["value"], factor, ""),
        label(unit),
        label(f"“{row['wording']}” — {row['source']}"),
        label(reason_text(row["reason"])),
    )


def _in_target_unit(value: float | None, factor: float, bound: str) -> Cell:
    if value is None:
        return number(u.NONE, None)
    return number(Both(bound + target_number(value * factor), bound + target_number(value)), value)


def target_number(value: float) -> str:
    """Return the value of a target as planning documents write it: 99.915, 13,000, 7.45."""
    return f"{value:,.5g}" if abs(value) < 1000 else u.fixed(value, 0)


def plan_ratio(content: Content) -> Spec:
    """Return simulated value as a share of the target, for every target that was judged and has a number."""
    rows = [
        row
        for row in content.metrics["plan"]
        if row["met"] is not None and row["target"] and row["bound"] != "named"
    ]
    rows.sort(key=lambda row: row["value"] / row["target"])
    colours = [COLOURS["export"] if row["met"] else COLOURS["curtailed"] for row in rows]
    trace = {
        "type": "bar",
        "orientation": "h",
        "x": rounded((100 * row["value"] / row["target"] for row in rows), 4),
        "y": [{"zh": PLAN.get(row["key"], row["wording"]), "en": row["quantity"]} for row in rows],
        "marker": {"color": colours},
        "hovertemplate": "%{x:.1f} %<extra></extra>",
        "showlegend": False,
    }
    line = {"color": {"c": "text"}, "width": 1.5, "dash": "dot"}
    target = {"type": "line", "x0": 100, "x1": 100, "yref": "paper", "y0": 0, "y1": 1, "line": line}
    labels = {"type": "category", "automargin": True, "tickfont": {"size": 11}}
    return figure(
        [trace],
        90 + 26 * len(rows),
        xaxis=axis("axis_of_target", rangemode="tozero"),
        yaxis=labels,
        shapes=[target],
    )


def plan_counts(content: Content) -> dict[str, int]:
    """Return how many published targets there are, can be judged, and are met."""
    verdicts = [row["met"] for row in content.metrics["plan"]]
    judged = sum(verdict is not None for verdict in verdicts)
    met = sum(verdict is True for verdict in verdicts)
    return {"all": len(verdicts), "judged": judged, "met": met, "others": len(verdicts) - judged}


def _plan_summary(content: Content) -> Both:
    counts = {key: same(value) for key, value in plan_counts(content).items() if key != "others"}
    return word("plan_summary", **counts)


def _context(content: Content) -> dict[str, Any]:
    return {"plan_summary": _plan_summary(content)}


SECTION = Section("plan", tables=(plan,), figures={"plan": plan_ratio}, context=_context)
