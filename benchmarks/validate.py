"""Figures of the default scenario beside published ones and beside other programs, as a Markdown table.

    python -m benchmarks.validate

Each row names the figure, what was found, what it is held against, and the source of that.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from grid.compile import compile_net
from grid.network import build_net
from grid.reference import solve as solve_by_pandapower
from profiles.generate import generate
from profiles.inspect import Inspection, inspect_weather
from profiles.records import Profiles
from profiles.weather import make_weather
from scenarios.load import load_scenario
from scenarios.records import Floats
from scenarios.schema import Scenario
from sim.injections import hours_of
from sim.losses import flow_options
from sim.metrics import summarise
from sim.outcome import Outcome
from sim.pipeline import simulate
from sim.progress import Stages

FACTS = "docs/explanation/weather.md"
SAMPLE_STEP = 365
"""Every how many hours pandapower solves one again: 24 hours of a year, all hours of the day."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    figure: str
    found: str
    held_against: str
    source: str

    def __str__(self) -> str:
        """Return the Markdown row."""
        return f"| {self.figure} | {self.found} | {self.held_against} | {self.source} |"


def table(seeds: int = 10) -> str:
    """Return the whole table; takes about a minute."""
    head = ["| figure | found | held against | source |", "|---|---|---|---|"]
    rows = [*weather_rows(seeds), *outcome_rows(simulate(load_scenario(), Stages()))]
    return "\n".join([*head, *map(str, rows)])


# --- weather and generation, averaged over seeds ---


def weather_rows(seeds: int) -> Iterator[Row]:
    """Yield weather and yield figures averaged over ``seeds`` synthetic years."""
    found = [_year(seed) for seed in range(1, seeds + 1)]
    ghi = np.mean([inspection.ghi_kwh_m2 for _, inspection, _ in found], axis=0)
    normals = _normals(found[0][0])
    yield Row("GHI Weining, year", f"{ghi[:, 0].sum():.1f} kWh/m²", "1310 kWh/m²", "derived normal, see " + FACTS)
    worst = 100 * np.abs(ghi[:, 0] / normals - 1).max()
    yield Row("GHI Weining, worst month", f"{worst:.2f} % off", "≤ 2 %", "monthly normals")
    for name, number, low, high in (("wind lag 1 h", 0, 0.85, 0.95), ("wind lag 6 h", 1, 0.5, 0.7)):
        value = np.mean([inspection.wind_lag[number, 0] for _, inspection, _ in found])
        yield Row(f"{name}, Weining", f"{value:.2f}", f"{low}–{high}", "Weining station, de-noised")
    for tech, county, wanted in (
        ("pv", "威宁", "1050–1250 h"),
        ("pv", "赫章", "950–1150 h"),
        ("wind", "威宁", "1850–2150 h"),
        ("wind", "赫章", "1850–2150 h"),
    ):
        hours = np.mean([full_load_hours(scenario, profiles, tech, county) for scenario, _, profiles in found])
        yield Row(
            f"full-load hours {tech} {county}", f"{hours:.0f} h", wanted, "NEA/CEC series, plants in the press"
        )
    ramps = np.mean([np.percentile(_ramps(profiles), 99) for _, _, profiles in found])
    yield Row("hourly ramp of wind + PV, p99", f"{ramps:.0f} MW", "2,300 MW", "the same 12 GW as one mast")


def _year(seed: int) -> tuple[Scenario, Inspection, Profiles]:
    scenario = load_scenario("plan-2025", [f"weather.seed={seed}"])
    weather = make_weather(scenario)
    return scenario, inspect_weather(scenario, weather), generate(scenario, weather)


def _normals(scenario: Scenario) -> Floats:
    rows = [row for row in scenario.tables.weather_normals if row.site == "weining"]
    return np.array([row.ghi_kwh_m2 for row in sorted(rows, key=lambda row: row.month)])


def full_load_hours(scenario: Scenario, profiles: Profiles, tech: str, county: str) -> float:
    """Return available energy / capacity of a technology in a county, h."""
    plants = {plant.plant_id: plant for plant in scenario.plants_of(tech) if plant.county == county}
    columns = [number for number, name in enumerate(profiles.renewables) if name in plants]
    energy_mwh = profiles.available_mw[:, columns].sum() * profiles.time.step_h
    return float(energy_mwh / sum(plant.capacity_mw for plant in plants.values()))


def _ramps(profiles: Profiles) -> Floats:
    total_mw: Floats = profiles.available_mw.sum(axis=1)
    return np.abs(np.diff(total_mw))


# --- one year through the whole chain ---


def outcome_rows(outcome: Outcome) -> Iterator[Row]:
    """Yield balances, agreement with pandapower and yearly figures beside published ones."""
    network = summarise(outcome)["network"]
    balance = network["balance"]
    yield Row("hours solved", f"{network['hours_solved']}", f"{len(outcome.case.time)}", "every hour")
    yield Row("largest bus mismatch", f"{balance['max_mismatch_pu']:.1e} pu", "≤ 1e-8 pu", "tolerance")
    schedule, ac = balance["schedule_max_residual_mw"], balance["ac_max_residual_mw"]
    yield Row("energy balance of the dispatch", f"{schedule:.1e} MW", "≤ 1e-6 MW", "largest hour")
    yield Row("energy balance of the AC result", f"{ac:.1e} MW", "≤ 1e-3 MW", "Σ injections − Σ branch losses")
    yield from _pandapower_rows(outcome)
    yield from _yearly_rows(summarise(outcome))


def _pandapower_rows(outcome: Outcome) -> Iterator[Row]:
    hours = np.arange(0, len(outcome.case.time), SAMPLE_STEP)
    net = build_net(outcome.scenario)
    reference = solve_by_pandapower(
        net, compile_net(net), hours_of(outcome.injections, hours), flow_options(outcome.scenario)
    )
    solved = reference.solved
    voltage = np.nanmax(np.abs(reference.vm_pu - outcome.flow.vm_pu[hours])[solved])
    angle = np.nanmax(np.abs(reference.va_deg - outcome.flow.va_deg[hours])[solved])
    what = f"{solved.sum()} of {len(hours)} sampled hours"
    yield Row("largest ΔV to pandapower.runpp", f"{voltage:.1e} pu", "≤ 1e-8 pu", what)
    yield Row("largest Δθ to pandapower.runpp", f"{angle:.1e}°", "≤ 1e-6°", what)


def _yearly_rows(metrics: dict[str, Any]) -> Iterator[Row]:
    rate = metrics["utilisation"]["all_causes"]
    energy = metrics["energy_gwh"]
    guizhou = "Guizhou 2022–Jan 2025 (NEA/CEC monthly series)"
    yield Row("utilisation of PV", f"{100 * rate['pv']:.1f} %", "96.2–99.4 %", guizhou)
    yield Row("utilisation of wind", f"{100 * rate['wind']:.1f} %", "99.6–99.7 %", guizhou)
    plan = "毕节市新型综合能源基地建设实施方案 (2023)"
    yield Row("gross generation", f"{energy['generation_gross']['total'] / 1000:.1f} TWh", "≥ 60 TWh", plan)
    yield Row("sent out", f"{energy['export'] / 1000:.1f} TWh", "40 TWh", plan)
    yield Row("load", f"{energy['load'] / 1000:.1f} TWh", "about 16 TWh", "derived: 60 − 40 − own use − losses")
    share = 100 * metrics["network"]["losses"]["share_of_generation"]
    yield Row("losses of the 500/220 kV grid", f"{share:.2f} %", "about 1 %", "typical, recalled")


if __name__ == "__main__":
    sys.stdout.write(table() + "\n")
