"""The grid: map, loading, losses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sim.report import units as u
from sim.report.cells import (
    Cell,
    Table,
    hours_head,
    label,
    number,
    plain,
    text_head,
    unit_head,
)
from sim.report.charts import (
    ACCENT,
    COLOURS,
    Spec,
    axis,
    curve,
    duration,
    figure,
    heat,
    in_both,
    quantity,
    text,
)
from sim.report.content import Content
from sim.report.section import Pairs, Section
from sim.report.sections.network_map import is_assumed, legend, network_map
from sim.report.units import same
from sim.report.words import word

TOP_BRANCHES = 8


def branches(content: Content) -> Table:
    """All lines and transformers, the most loaded first."""
    loading = content.metrics["network"]["loading"]
    by_branch = sorted(loading["by_branch"].items(), key=lambda item: -(item[1]["max"] or 0.0))
    rows = [_branch_row(content, name, figures, loading["limit"]) for name, figures in by_branch]
    heads = (
        text_head("element"), text_head("id"), unit_head("voltage_level", "kV"), text_head("confidence"),
        unit_head("loading_max", "%"), unit_head("loading_p99", "%"), unit_head("loading_mean", "%"),
        hours_head("overloaded_hours"), text_head("time_of_max"),
    )  # fmt: skip
    return Table("branches", heads, tuple(rows), search=True, picks=tuple(name for name, _ in by_branch))


def _branch_row(content: Content, name: str, figures: Mapping[str, Any], limit: float) -> tuple[Cell, ...]:
    row = content.static["branches"][name]
    confidence = row.get("confidence", "assumed")
    over = "bad" if (figures["max"] or 0.0) > limit else ""
    return (
        label(content.branch_name(name)),
        label(name),
        plain(content.branch_kv(name)),
        label(word(f"confidence_{confidence}"), confidence),
        number(u.fixed(_times_100(figures["max"]), 1), figures["max"], over),
        number(u.fixed(_times_100(figures["p99"]), 1), figures["p99"]),
        number(u.fixed(_times_100(figures["mean"]), 1), figures["mean"]),
        plain(figures["overloaded_hours"], 0, over),
        label(u.moment(figures["time_of_max"])),
    )


def _times_100(value: float | None) -> float | None:
    return None if value is None else 100 * value


def loading_duration(content: Content) -> Spec:
    """Duration curves of the most loaded elements; assumed ones are dashed."""
    by_branch = content.metrics["network"]["loading"]["by_branch"]
    worst = sorted(by_branch, key=lambda key: -(by_branch[key]["max"] or 0.0))[:TOP_BRANCHES]
    palette = [COLOURS[k] for k in ("curtailed", "hydro", "pv", "export", "discharge", "wind", "unserved", "coal")]
    traces = [
        curve(
            in_both(content.branch_name(key)),
            quantity(100 * value for value in duration(content.loading[key])),
            palette[position],
            "duration_percent",
            line={"dash": "dash" if is_assumed(content, key) else "solid"},
        )
        for position, key in enumerate(worst)
    ]
    return figure(traces, 460, xaxis=axis("axis_share_of_hours"), yaxis=axis("axis_loading", rangemode="tozero"))


def element_duration(_content: Content) -> Spec:
    """Return the duration curve of the element that the reader chose on the map."""
    trace = curve(text("chosen_element"), {"element": "duration"}, ACCENT, "duration_element")
    trace["x"] = {"element": "exceeded"}
    return figure([trace], 260, ("element",), xaxis=axis("axis_share_of_hours"), yaxis=axis("axis_element"))


def _losses(content: Content) -> Pairs:
    network = content.metrics["network"]
    losses, balance = network["losses"], network["balance"]
    return [
        (word("losses_gwh"), u.energy(losses["gwh"])),
        *_saved_losses(content),
        (word("losses_share"), u.percent(losses["share_of_generation"])),
        (word("losses_max"), u.power(losses["max_mw"])),
        (word("losses_difference"), u.energy(losses["estimate_minus_ac_gwh"])),
        (word("loss_rounds"), same(network["loss_rounds"])),
        (word("mismatch"), same(_tiny(balance["max_mismatch_pu"], "pu"))),
        (word("residual"), same(_tiny(balance["ac_max_residual_mw"], "MW"))),
    ]


def _saved_losses(content: Content) -> Pairs:
    """Return what loss factors saved; nothing when they were not asked for."""
    saving = content.info.get("dispatch", {}).get("loss_factors")
    if not saving:
        return []
    less_gwh = (saving["loss_mwh_before"] - saving["loss_mwh"]) / 1000.0
    return [(word("losses_saved"), u.energy(less_gwh if saving["kept"] else 0.0))]


def _tiny(value: float | None, unit: str) -> str:
    return u.NONE if value is None else f"{value:.1e} {unit}"


def element_heat(_content: Content) -> Spec:
    """Return the heat map of the element that the reader picks."""
    return heat({"day": "element", "q": "none"}, "element", ("element",), 260)


def first_hour(content: Content) -> int:
    """Return the hour that the map opens with: that of the highest loading."""
    worst = content.metrics["network"]["worst_hours"]["highest_loading"]
    return 0 if worst is None else content.hour_of(worst["time"])


def _context(content: Content) -> dict[str, Any]:
    return {
        "first_hour": first_hour(content),
        "last_hour": len(content.system) - 1,
        "loading_steps": legend(),
        "losses": _losses(content),
    }


SECTION = Section(
    "grid",
    tables=(branches,),
    figures={
        "map": network_map,
        "element_heat": element_heat,
        "element_duration": element_duration,
        "loading_duration": loading_duration,
    },
    context=_context,
)
