"""A question about absorption capacity → all findings: one answer per site, and the frontier of two.

scenario → study → weather year → answers → spread over weather years → frontier
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from scenarios.errors import Problem, ScenarioError
from scenarios.schema import Scenario
from sim.absorption.annual import (
    Companion,
    Offer,
    Point,
    Study,
    prepare,
    require_drawable,
    weather_year,
)
from sim.absorption.capacity import Answer, Book, find_capacity, spread_over_years
from sim.absorption.criteria import Criterion
from sim.absorption.frontier import Frontier, axis_mw, trace
from sim.absorption.sites import Growing
from sim.progress import Stages

MOST_SITES = 2


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: sites by name, the technology, how many weather years and points, how many years at a time.

    ``weather_years`` = 0 asks for the scenario's own year only. ``frontier_points`` are per axis. ``jobs`` changes
    no figure.
    """

    sites: tuple[str, ...]
    tech: Growing = "pv"
    weather_years: int = 0
    frontier_points: int = 8
    companion: Companion = field(default_factory=Companion)
    jobs: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """The answers, in the order of the sites, and the frontier when two were asked for."""

    question: Question
    study: Study
    answers: tuple[Answer, ...]
    frontier: Frontier | None

    @property
    def assumed_share(self) -> float:
        """Share of the circuit kilometres of the network that is assumed."""
        lines = next(row for row in self.study.network.evidence if "km" in row.what)
        return lines.assumed / lines.total if lines.total else 0.0


def answer(scenario: Scenario, question: Question, stages: Stages) -> Findings:
    """Return the findings; raises ``ScenarioError``, ``DataError`` and ``PowerFlowError``."""
    _require_countable(question)
    if question.weather_years:
        require_drawable(scenario)
    with stages.stage("study", "Network and sites · 网架与站点"):
        study = prepare(scenario, question.sites, question.tech, question.companion)
    with stages.stage("weather", "Weather and generation · 气象与出力"):
        year = weather_year(study)
    with stages.stage("base", "The year as it stands · 现状年度仿真"):
        book = Book(study, year, question.jobs)
    answers = tuple(find_capacity(book, site, stages) for site in range(len(study.sites)))
    if question.weather_years:
        answers = tuple(_with_spread(study, item, question, stages) for item in answers)
    frontier = _frontier(book, answers, question, stages) if len(answers) == MOST_SITES else None
    return Findings(question, study, answers, frontier)


def _require_countable(question: Question) -> None:
    count = len(question.sites)
    if not 1 <= count <= MOST_SITES:
        cure = "name one for its capacity, two for their frontier"
        raise ScenarioError(Problem("--site", f"{count} sites were named", cure))


def _with_spread(study: Study, found: Answer, question: Question, stages: Stages) -> Answer:
    first = study.scenario.settings.weather.seed
    seeds = range(first, first + question.weather_years)
    return replace(found, spread=spread_over_years(study, found, seeds, question.jobs, stages))


def _frontier(book: Book, answers: Sequence[Answer], question: Question, stages: Stages) -> Frontier:
    step = book.study.scenario.settings.absorption.resolution_mw
    first, second = (axis_mw(item, question.frontier_points, step) for item in answers)
    return trace(book, first, second, stages)


def as_json(findings: Findings) -> dict[str, Any]:
    """Return everything as plain numbers and texts."""
    study, rules = findings.study, findings.study.scenario.settings.absorption
    return {
        "scenario": study.scenario.settings.name,
        "technology": study.tech,
        "limit": rules.limit,
        "account": rules.account,
        "resolution_mw": rules.resolution_mw,
        "storage_per_mw": findings.question.companion.share,
        "storage_hours": findings.question.companion.hours,
        "network": "lines as sized for the plants of the tables; they do not grow with the sites",
        "assumed_share_of_network_km": findings.assumed_share,
        "sites": [_answer_as_json(findings, item) for item in findings.answers],
        "frontier": None if findings.frontier is None else _frontier_as_json(findings.frontier),
    }


def _answer_as_json(findings: Findings, item: Answer) -> dict[str, Any]:
    site = findings.study.sites[item.site]
    return {
        "site": site.name,
        "title_zh": site.title_zh,
        "title_en": site.title_en,
        "present_mw": site.capacity_mw,
        "plan_mw": site.plan_mw,
        "shares": dict(site.shares),
        "status": item.found.status,
        "capacity_mw": item.capacity_mw,
        "breaks_mw": item.found.breaks_mw,
        "broken_criteria": [_criterion_as_json(criterion) for criterion in item.beyond],
        "holds_again_from_mw": list(item.found.returns_mw),
        "rate_falls_at_mw": list(item.falling_mw),
        "marginal_rate": item.marginal_rate,
        "base": point_as_json(item.base),
        "at_capacity": None if item.at is None else point_as_json(item.at),
        "full_load_hours": full_load_hours(item),
        "causes": None if item.reason is None else dict(item.reason.shares),
        "binding": [] if item.reason is None else [_row_as_json(row) for row in item.reason.rows],
        "spread": None if item.spread is None else _spread_as_json(item),
        "years": [point_as_json(point) for point in item.points],
    }


def full_load_hours(item: Answer) -> float | None:
    """Return the site's accepted energy / capacity at the answer, h."""
    if item.at is None or item.capacity_mw <= 0:
        return None
    return item.at.sites[item.site].accepted_gwh * 1000.0 / item.capacity_mw


def _criterion_as_json(item: Criterion) -> dict[str, Any]:
    return {"criterion": item.key, "value": item.value, "allowed": item.allowed}


def _row_as_json(row: Any) -> dict[str, Any]:
    return {"row": row.row, "hours": row.hours, "mwh": row.mwh, "confidence": row.confidence}


def _spread_as_json(item: Answer) -> dict[str, Any]:
    if item.spread is None:
        return {}
    low, middle, high = item.spread.quantiles_mw
    by_seed = dict(zip(map(str, item.spread.seeds), item.spread.capacity_mw, strict=True))
    return {
        "p10_mw": low,
        "p50_mw": middle,
        "p90_mw": high,
        "open_years": item.spread.open_years,
        "by_seed_mw": by_seed,
    }


def _frontier_as_json(frontier: Frontier) -> dict[str, Any]:
    return {
        "first_mw": frontier.first_mw.tolist(),
        "second_mw": frontier.second_mw.tolist(),
        "rate": np.asarray(frontier.rate).tolist(),
        "excess": np.asarray(frontier.excess).tolist(),
        "line_mw": [list(point) for point in frontier.line],
        "holds_again_somewhere": frontier.returns,
    }


def point_as_json(point: Point) -> dict[str, Any]:
    """Return one simulated year as plain numbers."""
    return {
        "sizes_mw": list(point.sizes_mw),
        "weather": point.weather,
        "technology": _offer_as_json(point.tech),
        "wind_and_pv": _offer_as_json(point.renewables),
        "sites": [_offer_as_json(offer) for offer in point.sites],
        "security": {name: getattr(point.security, name) for name in point.security.__dataclass_fields__},
    }


def _offer_as_json(offer: Offer) -> dict[str, float]:
    return {
        "available_gwh": offer.available_gwh,
        "curtailed_gwh": offer.curtailed_gwh,
        "accepted_gwh": offer.accepted_gwh,
        "rate": offer.rate,
    }


def rows(findings: Findings) -> list[dict[str, Any]]:
    """Return every simulated year of the scenario's own weather as a flat row: what a spreadsheet wants."""
    points = {point.sizes_mw: point for item in findings.answers for point in item.points}
    if findings.frontier is not None:
        points |= {point.sizes_mw: point for point in findings.frontier.points}
    return [_row(findings, points[sizes]) for sizes in sorted(points)]


def _row(findings: Findings, point: Point) -> dict[str, Any]:
    sites = findings.study.sites
    sizes = {f"{site.name}_mw": size for site, size in zip(sites, point.sizes_mw, strict=True)}
    own = {
        f"{site.name}_{name}": getattr(offer, name)
        for site, offer in zip(sites, point.sites, strict=True)
        for name in ("accepted_gwh", "curtailed_gwh", "rate")
    }
    security = {name: getattr(point.security, name) for name in point.security.__dataclass_fields__}
    totals = {
        "rate": point.tech.rate,
        "available_gwh": point.tech.available_gwh,
        "curtailed_gwh": point.tech.curtailed_gwh,
        "wind_and_pv_rate": point.renewables.rate,
    }
    return sizes | {"weather": point.weather} | totals | own | security
