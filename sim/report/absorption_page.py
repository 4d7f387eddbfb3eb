"""Findings about absorption capacity → one self-contained page: answers, curves, contours, tables."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np

from scenarios.timeaxis import CST
from sim.absorption.capacity import Answer
from sim.absorption.frontier import Frontier
from sim.absorption.study import Findings
from sim.report import absorption as texts
from sim.report import charts as fig
from sim.report.page import FACTORS, fill_template
from sim.report.units import Both, same
from sim.report.words import WORDS, word

CURVE_HEIGHT = 360
FRONTIER_HEIGHT = 560
SITE_COLOUR = fig.COLOURS["hydro"]
LIMIT_COLOUR = fig.COLOURS["curtailed"]


def absorption_page(findings: Findings, lang: str) -> str:
    """Return the page as text; ``lang`` is what it opens in."""
    title = texts.study_title(findings)
    figures = all_figures(findings)
    data = {
        "title": {"zh": title.zh, "en": title.en},
        "words": {key: list(value) for key, value in WORDS.items()},
        "factors": FACTORS,
        "loading_steps": [],
        "figures": figures,
    }
    two = findings.frontier is not None
    context = {
        "title": title,
        "created": datetime.now(CST).isoformat(timespec="seconds"),
        "sections": [
            "answer",
            *(["absorb_frontier"] if two else []),
            "absorb_curve",
            "absorb_limits",
            "absorb_years",
        ],
        "figures": figures,
        "facts": _facts(findings),
        "answers": [_paragraph(findings, item) for item in findings.answers],
        "warnings": texts.warnings(findings),
        "reminder": texts.reminder(findings),
        "tables": texts.all_tables(findings),
        "two": two,
        "curves": [f"absorb_curve_{k}" for k in range(len(findings.answers))],
    }
    return fill_template("absorption.html.j2", lang, data, context)


def _paragraph(findings: Findings, item: Answer) -> list[Both]:
    return [texts.answer_sentence(findings, item), *texts.more_sentences(findings, item)]


def _facts(findings: Findings) -> list[tuple[Both, Both]]:
    """Return what was asked, as pairs of name and value."""
    settings = findings.study.scenario.settings
    rules, companion = settings.absorption, findings.question.companion
    years = len({point.sizes_mw for item in findings.answers for point in item.points})
    if findings.frontier is not None:
        years += len(findings.frontier.points)
    storage = same("–")
    if companion.share:
        storage = Both(
            f"{100 * companion.share:g}%，{companion.hours:g} 小时",
            f"{100 * companion.share:g} %, {companion.hours:g} h",
        )
    return [
        (word("absorb_fact_scenario"), Both(settings.title_zh, settings.title_en)),
        (word("absorb_fact_tech"), word(f"absorb_tech_{findings.study.tech}")),
        (word("absorb_fact_limit"), same(f"{100 * rules.limit:g} %")),
        (word("absorb_fact_account"), word(f"absorb_account_{rules.account}")),
        (word("absorb_fact_storage"), storage),
        (word("absorb_fact_years"), same(years)),
    ]


# --- figures ----------------------------------------------------------------------------------------------------


def all_figures(findings: Findings) -> dict[str, fig.Spec]:
    """Return every figure of the page by name."""
    figures = {f"absorb_curve_{k}": curve(findings, item) for k, item in enumerate(findings.answers)}
    if findings.frontier is not None:
        figures["absorb_frontier"] = frontier_figure(findings, findings.frontier)
    return figures


def curve(findings: Findings, item: Answer) -> fig.Spec:
    """Return curtailment over the capacity of one site: every simulated year along it, limit and answer."""
    sizes = [point.sizes_mw[item.site] for point in item.points]
    holds = {mw for mw, beyond in item.found.samples if beyond <= 0} | {item.capacity_mw}
    tech = word("absorb_series_region", tech=word(f"absorb_tech_{findings.study.tech}"))
    region = [100 * point.tech.rate for point in item.points]
    own = [100 * point.sites[item.site].rate for point in item.points]
    symbols = ["circle" if size in holds else "circle-open" for size in sizes]
    limit = 100 * findings.study.scenario.settings.absorption.limit
    ends = [sizes[0], sizes[-1]]
    traces = [
        _line(fig.in_both(tech), sizes, region, fig.COLOURS[findings.study.tech], symbols),
        _line(fig.in_both(texts.title_of(findings, item)), sizes, own, SITE_COLOUR, symbols),
        _dashed(fig.text("absorb_limit_line"), ends, [limit, limit]),
    ]
    if item.at is not None:
        top = max(*region, *own, limit)
        upright = [item.capacity_mw, item.capacity_mw]
        traces.append(_dashed(fig.text("absorb_capacity"), upright, [0.0, top], "solid"))
    rates = fig.axis("axis_absorb_rate", rangemode="tozero")
    return fig.figure(traces, CURVE_HEIGHT, xaxis=fig.axis("axis_absorb_capacity"), yaxis=rates)


def _line(name: fig.Spec, x: list[float], y: list[float], colour: str, symbols: list[str]) -> fig.Spec:
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "x": fig.quantity(x, "power"),
        "y": fig.quantity(y),
        "line": {"color": colour, "width": 2},
        "marker": {"color": colour, "size": 7, "symbol": symbols},
        "hovertemplate": fig.text("hover_absorb_rate"),
    }


def _dashed(name: fig.Spec, x: list[float], y: list[float], dash: str = "dash") -> fig.Spec:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": fig.quantity(x, "power"),
        "y": fig.quantity(y),
        "line": {"color": LIMIT_COLOUR, "width": 2, "dash": dash},
        "hovertemplate": fig.text("hover_absorb_rate"),
    }


def frontier_figure(findings: Findings, frontier: Frontier) -> fig.Spec:
    """Return contours of curtailment over both capacities, the frontier, what stands and what is planned."""
    first, second = (texts.title_of(findings, item) for item in findings.answers)
    contours = {
        "type": "contour",
        "x": fig.quantity(frontier.first_mw, "power"),
        "y": fig.quantity(frontier.second_mw, "power"),
        "z": [fig.rounded(row) for row in 100 * np.asarray(frontier.rate).T],
        "colorscale": "Cividis",
        "reversescale": True,
        "contours": {"coloring": "heatmap", "showlabels": True, "labelfont": {"size": 11}},
        "colorbar": {"thickness": 12, "outlinewidth": 0, "title": {"text": "%", "side": "top"}},
        "hovertemplate": fig.text("hover_absorb_contour"),
        "showlegend": False,
    }
    pairs = [point.sizes_mw for point in frontier.points]
    sites = findings.study.sites
    traces = [
        contours,
        _marks("absorb_points", pairs, {"size": 3, "color": fig.COLOURS["load"], "opacity": 0.6}),
        _boundary(frontier),
        _marks("absorb_standing", [findings.study.base_mw], {**_SIGN, "symbol": "square"}),
    ]
    planned = [site.plan_mw for site in sites]
    if all(value is not None for value in planned):
        traces.append(_marks("absorb_plan", [tuple(planned)], {**_SIGN, "symbol": "star", "size": 16}))
    return fig.figure(traces, FRONTIER_HEIGHT, xaxis=_capacity_axis(first), yaxis=_capacity_axis(second))


_SIGN = {"size": 13, "color": "#ffffff", "line": {"color": "#000000", "width": 1.5}}


def _boundary(frontier: Frontier) -> fig.Spec:
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": fig.text("absorb_frontier_line"),
        "x": fig.quantity([point[0] for point in frontier.line], "power"),
        "y": fig.quantity([point[1] for point in frontier.line], "power"),
        "line": {"color": LIMIT_COLOUR, "width": 4},
        "marker": {"color": LIMIT_COLOUR, "size": 5},
        "hovertemplate": fig.text("hover_absorb_pair"),
    }


def _marks(name: str, pairs: Any, marker: fig.Spec) -> fig.Spec:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": fig.text(name),
        "x": fig.quantity([pair[0] for pair in pairs], "power"),
        "y": fig.quantity([pair[1] for pair in pairs], "power"),
        "marker": marker,
        "hovertemplate": fig.text("hover_absorb_pair"),
    }


def _capacity_axis(site: Both) -> fig.Spec:
    return {"title": {"text": {"zh": f"{site.zh}（万千瓦）", "en": f"{site.en} (MW)"}}}
