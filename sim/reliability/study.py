"""A name, a plan and the groups asked for → all findings about the adequacy of a system.

published name or scenario → system → simulation, exact values where they apply, capacity credits
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from scenarios.errors import Problem, ScenarioError, did_you_mean
from scenarios.generating_system import PUBLISHED_SYSTEMS
from scenarios.schema import Scenario
from sim.progress import Stages
from sim.reliability.adequacy import Adequacy, Plan, as_json, assess
from sim.reliability.build import regional_system
from sim.reliability.convolution import Exact, applies, exact
from sim.reliability.credit import Credit, Goal, capacity_credit, interval_95
from sim.reliability.published import published_system
from sim.reliability.system import AdequacySystem

Groups = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Question:
    """What is studied: a system, its titles, what a credit keeps, the groups of plants that may be named."""

    system: AdequacySystem
    title_zh: str
    title_en: str
    goal: Goal = field(default_factory=Goal)
    groups: Groups = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """The answers; ``exact`` where the convolution applies."""

    question: Question
    plan: Plan
    adequacy: Adequacy
    exact: Exact | None
    credits: tuple[Credit, ...]


def published_question(name: str) -> Question:
    """Return the study of a published system."""
    return Question(published_system(name), PUBLISHED_SYSTEMS[name], PUBLISHED_SYSTEMS[name])


def regional_question(scenario: Scenario, stages: Stages) -> Question:
    """Return the study of a scenario's region; makes its weather years."""
    settings = scenario.settings
    with stages.stage("weather", "Weather years, generation and demand · 多年气象与出力"):
        system = regional_system(scenario, stages)
    goal = Goal(settings.adequacy.credit_measure, settings.adequacy.credit_lolh)
    techs = {
        tech: [plant.plant_id for plant in scenario.plants_of(tech)] for tech in ("coal", "hydro", "wind", "pv")
    }
    return Question(system, settings.title_zh, settings.title_en, goal, {**techs, "storage": system.storages})


def answer(question: Question, plan: Plan, asked: Iterable[str], stages: Stages) -> Findings:
    """Return all findings; ``asked`` names plants or groups whose capacity credit is wanted."""
    wanted = {name: members(question, name) for name in asked}
    system = question.system
    with stages.stage("sampling", "Sequential simulation · 序贯蒙特卡洛模拟"):
        adequacy = assess(system, plan, stages)
    known = None
    if applies(system):
        with stages.stage("convolution", "Exact convolution · 解析卷积"):
            known = exact(system)
    credits = []
    for name, plants in wanted.items():
        with stages.stage("credit", f"Capacity credit of {name} · 容量可信度"):
            credits.append(capacity_credit(system, name, plants, plan, question.goal, stages))
    return Findings(question, plan, adequacy, known, tuple(credits))


def members(question: Question, name: str) -> tuple[str, ...]:
    """Return the plants of a group, or the plant of that name; raises ``ScenarioError`` for an unknown one."""
    plants = tuple(question.groups.get(name, ())) or tuple(p for p in question.system.plants if p == name)
    if not plants:
        cure = did_you_mean(name, (*question.groups, *question.system.plants))
        raise ScenarioError(Problem(f"--elcc {name}", "is no plant, unit, storage or group in service", cure))
    return plants


def findings_as_json(findings: Findings) -> dict[str, Any]:
    """Return everything as plain numbers and texts."""
    system = findings.question.system
    return {
        "system": system.name,
        "hours": system.time.hours,
        "weather_years": len(system.weathers),
        "seed": findings.plan.seed,
        "measures": list(system.measures),
        "rates_not_published": list(system.assumed),
        "simulation": as_json(findings.adequacy),
        "exact": None if findings.exact is None else asdict(findings.exact),
        "credits": [_credit_as_json(credit) for credit in findings.credits],
    }


def _credit_as_json(credit: Credit) -> dict[str, Any]:
    plain = {name: getattr(credit, name) for name in ("group", "capacity_mw", "measure", "years", "added_load_mw")}
    for name in ("elcc_mw", "efc_mw"):
        estimate = getattr(credit, name)
        plain[name] = estimate.as_json() | {"interval_95": list(interval_95(estimate))}
    return plain
