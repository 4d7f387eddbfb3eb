"""A name, a plan and the groups asked for → all findings about the adequacy of a system.

published name or scenario → system → simulation, exact values where they apply, capacity credits
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from scenarios.errors import Problem, ScenarioError, did_you_mean
from scenarios.generating_system import PUBLISHED_SYSTEMS
from scenarios.schema import Scenario
from scenarios.tables import PlanTarget
from sim.progress import Stages
from sim.reliability.adequacy import Adequacy, Plan, as_json, assess
from sim.reliability.build import regional_system
from sim.reliability.convolution import Exact, applies, exact
from sim.reliability.credit import Credit, Goal, capacity_credit, interval_95
from sim.reliability.published import published_system
from sim.reliability.system import AdequacySystem, replaced

CUSTOMER_TARGETS = ("supply_reliability", "customer_outage_time")
"""Keys of the plan's customer figures: 供电可靠率 and 用户平均停电时间."""

Groups = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Question:
    """What is studied: a system, its titles, what a credit keeps, the groups of plants that may be named.

    ``targets`` are the plan's customer figures, beside which the bulk equivalents are shown.
    """

    system: AdequacySystem
    title_zh: str
    title_en: str
    goal: Goal = field(default_factory=Goal)
    groups: Groups = field(default_factory=dict)
    targets: Mapping[str, PlanTarget] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """The answers; ``exact`` where the convolution applies, ``one_node`` the same years without the network."""

    question: Question
    plan: Plan
    adequacy: Adequacy
    exact: Exact | None
    credits: tuple[Credit, ...]
    one_node: Adequacy | None = None


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
    groups = {**techs, "storage": system.storages}
    return Question(system, settings.title_zh, settings.title_en, goal, groups, _customer_targets(scenario))


def _customer_targets(scenario: Scenario) -> dict[str, PlanTarget]:
    return {row.key: row for row in scenario.tables.plan_targets if row.key in CUSTOMER_TARGETS}


def answer(question: Question, plan: Plan, asked: Iterable[str], stages: Stages) -> Findings:
    """Return all findings; ``asked`` names plants or groups whose capacity credit is wanted."""
    wanted = {name: members(question, name) for name in asked}
    system = question.system
    with stages.stage("sampling", "Sequential simulation · 序贯蒙特卡洛模拟"):
        adequacy = assess(system, plan, stages)
    one_node = _as_one_node(system, replace(plan, years=adequacy.years, error=None), stages)
    known = None
    if applies(system):
        with stages.stage("convolution", "Exact convolution · 解析卷积"):
            known = exact(system)
    credits = []
    for name, plants in wanted.items():
        with stages.stage("credit", f"Capacity credit of {name} · 容量可信度"):
            credits.append(capacity_credit(system, name, plants, plan, question.goal, stages))
    return Findings(question, plan, adequacy, known, tuple(credits), one_node)


def _as_one_node(system: AdequacySystem, plan: Plan, stages: Stages) -> Adequacy | None:
    """Return the same years without the network, which tells how much of the risk is the network's."""
    if system.network is None:
        return None
    with stages.stage("one_node", "The same years as one node · 单节点对照"):
        return assess(replaced(system, network=None), plan, stages)


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
        "level": "copper" if system.network is None else "network",
        "seed": findings.plan.seed,
        "measures": list(system.measures),
        "rates_not_published": list(system.assumed),
        "simulation": as_json(findings.adequacy),
        "one_node": None if findings.one_node is None else as_json(findings.one_node),
        "exact": None if findings.exact is None else asdict(findings.exact),
        "plan_targets": {key: _target_as_json(row) for key, row in findings.question.targets.items()},
        "credits": [_credit_as_json(credit) for credit in findings.credits],
    }


def _target_as_json(row: PlanTarget) -> dict[str, Any]:
    return {"value": row.value, "unit": row.unit, "source": row.source}


def _credit_as_json(credit: Credit) -> dict[str, Any]:
    plain = {name: getattr(credit, name) for name in ("group", "capacity_mw", "measure", "years", "added_load_mw")}
    for name in ("elcc_mw", "efc_mw"):
        estimate = getattr(credit, name)
        plain[name] = estimate.as_json() | {"interval_95": list(interval_95(estimate))}
    return plain
