"""Published plan targets ↔ this simulation: each quantity the planning documents promise, beside what came out.

A target is *judged* (``met`` true or false) only when the simulation can say so; otherwise ``met`` is ``None``
and ``reason`` says why. Bounds: ``min`` and ``max`` bind as they are; ``about`` (左右, or a number without a
bound) is met within ``ABOUT`` of the target, and by any larger value where more is what the plan wants; ``named``
projects are met when the elements that stand for them are in service.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from scenarios.schema import Scenario
from scenarios.tables import Bus, Line, Plant, PlanTarget, Trafo
from scenarios.timeaxis import TimeAxis
from sim.outcome import Outcome

ABOUT = 0.10
"""Relative deviation from an ``about`` target that still counts as met: our reading, the documents give none."""
MORE_IS_FINE = (
    "bijie_nonfossil_capacity_share",
    "bijie_nonfossil_energy_share",
    "bijie_demand_response",
    "bijie_500kv_transformer",
    "bijie_500kv_lines",
)
"""Targets written as ``about`` which a larger value meets as well."""
FIVE_YEAR_PLAN = range(2021, 2026)
"""Years of the 14th five-year plan, to which ``new`` elements of the implementation plan of 2023 belong."""
EXTRA_HIGH_KV = 400.0
MWH_PER_GWH = 1000.0
GWH_PER_TWH = 1000.0
PERCENT = 100.0
NONFOSSIL = ("hydro", "wind", "pv")
OUTSIDE = "boundary"

Metrics = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a simulation says about a target: a value, and whether it may be judged by it.

    ``reason`` says why it may not (then ``judged`` is false), or what the value stands for.
    """

    value: float | None
    judged: bool = True
    reason: str = ""


def plan_targets(outcome: Outcome, metrics: Metrics) -> list[dict[str, Any]]:
    """Return every published target of the scenario's tables with the simulated value and whether it is met."""
    return [_row(target, _answer(target, outcome, metrics)) for target in outcome.scenario.tables.plan_targets]


def _row(target: PlanTarget, answer: Answer) -> dict[str, Any]:
    value, goal = answer.value, target.value
    judged = answer.judged and value is not None and goal is not None
    return {
        "key": target.key,
        "quantity": target.quantity,
        "region": target.region,
        "year": target.year,
        "value": value,
        "target": goal,
        "deviation": value / goal - 1.0 if value is not None and goal else None,
        "unit": target.unit,
        "bound": target.bound,
        "met": is_met(value or 0.0, goal or 0.0, _bound(target)) if judged else None,
        "reason": answer.reason,
        "source": target.source,
        "wording": target.wording,
    }


def _bound(target: PlanTarget) -> str:
    return "about or more" if target.key in MORE_IS_FINE and target.bound == "about" else target.bound


def is_met(value: float, target: float, bound: str) -> bool:
    """Return whether a value meets a target under its bound; rounding of a sum does not fail it."""
    slack = 1e-9 * max(1.0, abs(target))
    if bound == "max":
        return value <= target + slack
    if bound == "about":
        return abs(value - target) <= ABOUT * abs(target) + slack
    if bound == "about or more":
        return value >= target - ABOUT * abs(target) - slack
    return value >= target - slack


def _answer(target: PlanTarget, outcome: Outcome, metrics: Metrics) -> Answer:
    if target.key in _CANNOT:
        return Answer(None, False, _CANNOT[target.key])
    if target.key not in _ANSWERS:
        return Answer(None, False, _unknown(target, outcome.scenario))
    answer = _ANSWERS[target.key](outcome, metrics)
    if target.year is not None and outcome.scenario.year < target.year:
        return Answer(answer.value, False, f"promised for {target.year}, simulated is {outcome.scenario.year}")
    return answer


def _unknown(target: PlanTarget, scenario: Scenario) -> str:
    if target.region != scenario.settings.region_key:
        return f"is about {target.region}; the simulation covers {scenario.settings.region_key}"
    return "no figure of this simulation corresponds to it"


def _whole_year(time: TimeAxis) -> bool:
    return time.hours >= len(TimeAxis.of_year(time.start.year))


def _yearly(outcome: Outcome, value: float | None, note: str = "") -> Answer:
    if _whole_year(outcome.case.time):
        return Answer(value, True, note)
    return Answer(value, False, f"a yearly figure; only {outcome.case.time.hours:g} h were simulated")


def _generation(outcome: Outcome, metrics: Metrics) -> Answer:
    gross_gwh = metrics["energy_gwh"]["generation_gross"]["total"]
    return _yearly(outcome, gross_gwh / GWH_PER_TWH, "gross generation, own use included")


def _export(outcome: Outcome, metrics: Metrics) -> Answer:
    return _yearly(outcome, metrics["energy_gwh"]["export"] / GWH_PER_TWH)


def _nonfossil_energy_share(outcome: Outcome, metrics: Metrics) -> Answer:
    gross = metrics["energy_gwh"]["generation_gross"]
    clean = sum(gross[tech] for tech in NONFOSSIL)
    return _yearly(outcome, PERCENT * clean / gross["total"] if gross["total"] > 0 else None)


def _capacity_mw(plants: tuple[Plant, ...]) -> float:
    return float(sum(plant.capacity_mw for plant in plants))


def _capacity_of(*techs: str) -> Callable[[Outcome, Metrics], Answer]:
    return lambda outcome, metrics: Answer(_capacity_mw(outcome.scenario.plants_of(*techs)))


def _nonfossil_capacity_share(outcome: Outcome, metrics: Metrics) -> Answer:
    total = _capacity_mw(outcome.scenario.plants)
    clean = _capacity_mw(outcome.scenario.plants_of(*NONFOSSIL))
    return Answer(PERCENT * clean / total if total > 0 else None)


def _smaller_base(outcome: Outcome, metrics: Metrics) -> Answer:
    """Return the PV capacity of the smaller of the two counties, since each is to have a gigawatt base."""
    pv = outcome.scenario.plants_of("pv")
    of_county = {name: _capacity_mw(tuple(p for p in pv if p.county == name)) for name in ("威宁", "赫章")}
    smaller = min(of_county, key=lambda name: of_county[name])
    return Answer(of_county[smaller], True, f"the smaller of the two: {smaller}")


def _coal_minimum(outcome: Outcome, metrics: Metrics) -> Answer:
    minimum_pu = outcome.case.coal_minimum_pu
    if minimum_pu.size == 0:
        return Answer(None, False, "no coal plant is in service")
    return Answer(PERCENT * float(minimum_pu.max()), True, "the least flexible plant")


def _response_share(outcome: Outcome, metrics: Metrics) -> Answer:
    peak_mw = float(outcome.case.load_mw.sum(axis=1).max()) if outcome.case.load_mw.size else 0.0
    if peak_mw <= 0:
        return Answer(None, False, "there is no load")
    return Answer(PERCENT * float(outcome.case.sheddable_mw.max()) / peak_mw, True, "load that can be shed")


def _voltage(outcome: Outcome, metrics: Metrics) -> Answer:
    rate = metrics["network"]["voltage"]["rate"]
    note = "220 and 500 kV buses only: an equivalent, the published rate counts supply points of all levels"
    return Answer(None if rate is None else PERCENT * rate, rate is not None, note)


def _outage_time(outcome: Outcome, metrics: Metrics) -> Answer:
    return Answer(metrics["reliability"]["bulk_equivalent_outage_h"], False, _NO_CUSTOMERS)


def _supply(outcome: Outcome, metrics: Metrics) -> Answer:
    return Answer(metrics["reliability"]["bulk_equivalent_reliability_percent"], False, _NO_CUSTOMERS)


def _is_new(row: Bus | Line | Trafo, year: int) -> bool:
    return row.in_service(year) and row.in_service_from in FIVE_YEAR_PLAN


def _inside(scenario: Scenario) -> dict[str, Bus]:
    return {bus.bus_id: bus for bus in scenario.tables.buses if bus.county != OUTSIDE}


def _new_stations(outcome: Outcome, metrics: Metrics) -> Answer:
    buses = _inside(outcome.scenario).values()
    new = [
        b
        for b in buses
        if b.kind == "substation" and b.vn_kv >= EXTRA_HIGH_KV and _is_new(b, outcome.scenario.year)
    ]
    return Answer(float(len(new)))


def _new_transformers(outcome: Outcome, metrics: Metrics) -> Answer:
    inside, year = _inside(outcome.scenario), outcome.scenario.year
    new = [t for t in outcome.scenario.tables.trafos if _is_new(t, year) and t.hv_bus in inside]
    return Answer(float(sum(trafo.n_parallel * trafo.sn_mva for trafo in new)))


def _new_lines(outcome: Outcome, metrics: Metrics) -> Answer:
    inside, year = _inside(outcome.scenario), outcome.scenario.year
    new = [
        line
        for line in outcome.scenario.tables.lines
        if line.vn_kv >= EXTRA_HIGH_KV and _is_new(line, year) and {line.from_bus, line.to_bus} & set(inside)
    ]
    return Answer(
        sum(line.circuits * line.length_km for line in new), True, "circuit-km put into service 2021–2025"
    )


def _all_in_service(table: str, *names: str) -> Callable[[Outcome, Metrics], Answer]:
    """Return the answer 1 or 0: whether all the elements that stand for a named project are in service."""

    def answer(outcome: Outcome, metrics: Metrics) -> Answer:
        present = _in_service_names(outcome.scenario, table)
        return Answer(float(all(name in present for name in names)), True, f"stands for it: {', '.join(names)}")

    return answer


def _units_in_service(name: str) -> Callable[[Outcome, Metrics], Answer]:
    def answer(outcome: Outcome, metrics: Metrics) -> Answer:
        units = sum(plant.units for plant in outcome.scenario.plants if plant.plant_id == name)
        return Answer(float(units), True, f"stands for it: {name}")

    return answer


def _in_service_names(scenario: Scenario, table: str) -> set[str]:
    rows = getattr(scenario.tables, table)
    key = {"buses": "bus_id", "lines": "line_id", "trafos": "trafo_id"}[table]
    return {str(getattr(row, key)) for row in rows if row.in_service(scenario.year)}


def _pumped_sites(outcome: Outcome, metrics: Metrics) -> Answer:
    sites = sum(item.kind == "phs" for item in outcome.scenario.storages)
    return Answer(float(sites), False, "sites under study, no date promised")


_NO_CUSTOMERS = (
    "the published figure counts customers; the value is the bulk equivalent of unserved load without any random "
    "outage and cannot judge it"
)

_ANSWERS: dict[str, Callable[[Outcome, Metrics], Answer]] = {
    "bijie_generation": _generation,
    "bijie_export": _export,
    "bijie_nonfossil_capacity": _capacity_of(*NONFOSSIL),
    "bijie_nonfossil_capacity_share": _nonfossil_capacity_share,
    "bijie_nonfossil_energy_share": _nonfossil_energy_share,
    "bijie_wind_capacity": _capacity_of("wind"),
    "bijie_pv_capacity": _capacity_of("pv"),
    "weining_hezhang_bases": _smaller_base,
    "bijie_coal_flexibility_min": _coal_minimum,
    "bijie_demand_response": _response_share,
    "bijie_500kv_stations": _new_stations,
    "bijie_500kv_transformer": _new_transformers,
    "bijie_500kv_lines": _new_lines,
    "line_shexiang_yaxi_2": _all_in_service("lines", "SX500-YAXI500-II"),
    "line_wusa_shexiang_2": _all_in_service("lines", "WUSA500-JHH500", "JHH500-SX500"),
    "station_jinhaihu": _all_in_service("buses", "JHH500"),
    "station_wusa_expansion": _all_in_service("trafos", "T-WUSA-2"),
    "station_donghong": _all_in_service("buses", "DH220"),
    "plant_weihe": _units_in_service("C11"),
    "plant_jinyuan_zhijin": _units_in_service("C10"),
    "phs_sites": _pumped_sites,
    "customer_outage_time": _outage_time,
    "supply_reliability": _supply,
    "voltage_compliance": _voltage,
}

_CANNOT = {
    "bijie_pv_key_projects": (
        "the tables group PV by bus and do not mark which of it the plan lists as key projects"
    ),
    "spic_base": "the tables do not record who owns a plant",
    "rural_supply_reliability": "rural distribution networks are not part of the 500/220 kV grid",
    "hydro_wind_solar_regions": "a regional grouping without a number to compare",
    "thermal_wind_solar_regions": "a regional grouping without a number to compare",
    "rooftop_pv": "rooftop PV is below 220 kV and the document gives no capacity",
    "waste_to_energy": "plants of this kind are below 220 kV and not in the tables",
    "pv_hydrogen": "no electrolyser is in the tables and the document gives no capacity",
    "high_load_industry": "no such load is in the tables and the document gives no size",
    "ev_charging": "charging points are below 220 kV",
    "new_corridor_renewable_share": "a rule for new corridors of the province; the model has no new corridor",
    "realtime_tariff": "an example of another city",
}
