"""Absorption capacity: time of one answer and of a frontier, beside PyPSA's rolling optimisation of the same years.

    python -m benchmarks absorb [--weather-years 20] [--points 8] [--pypsa /path/to/venv/bin/python] [--days 14]

PyPSA (in a Python of its own: recent versions want another pandas) solves some days of the base year by
``optimize_with_rolling_horizon`` (48 h ahead, 24 h kept, HiGHS), and what that takes is projected to a year and to
as many years as our studies simulated. It is given less to do than we do, all in its favour: our commitment as
fixed bands, hydro at the day's mean, no AC power flow, no alternation with losses. Everything runs in one go; CPU
time is compared, which a busy machine does not stretch.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from scenarios.load import load_scenario
from sim.absorption.annual import Study, WeatherYear, at_sizes, evaluate, operate_at, prepare, weather_year
from sim.absorption.study import Findings, Question, answer
from sim.dispatch.commitment import commit
from sim.dispatch.limits import branch_limit_mw
from sim.operation import Operation
from sim.progress import Stages

PEER = Path(__file__).with_name("absorb_peer.py")
QUIET = Stages(quiet=True)
HOURS_PER_DAY = 24


def main(arguments: list[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks absorb", description=__doc__.splitlines()[0])
    parser.add_argument("--weather-years", type=int, default=20)
    parser.add_argument("--points", type=int, default=8)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--pypsa", metavar="PYTHON", default=os.environ.get("WUMENG_PYPSA_PYTHON"))
    parser.add_argument("--days", type=int, default=14, help="days that PyPSA solves")
    given = parser.parse_args(arguments)
    warm_up()
    one = Question(("weining",), jobs=given.jobs)
    years = [timed("one site", one)]
    if given.weather_years:
        more = Question(("weining",), weather_years=given.weather_years, jobs=given.jobs)
        timed(f"one site, {given.weather_years} weather years", more)
    pair = Question(("weining", "hezhang"), frontier_points=given.points, jobs=given.jobs)
    years.append(timed("frontier of two sites", pair))
    if given.pypsa:
        compare_with_pypsa(given.pypsa, given.days, years)
    else:
        print("PyPSA: not measured; name its interpreter with --pypsa or WUMENG_PYPSA_PYTHON")
    return 0


def warm_up() -> None:
    """Load compiled kernels, so that no figure holds compilation."""
    study = prepare(load_scenario("tiny"), ["weining"])
    operate_at(study, weather_year(study), study.base_mw)


def timed(what: str, question: Question) -> int:
    """Answer a question about ``plan-2025``, print how long it took, and return how many years were simulated."""
    began, cpu_began = time.perf_counter(), time.process_time()
    findings = answer(load_scenario("plan-2025"), question, QUIET)
    seconds, cpu_s = time.perf_counter() - began, time.process_time() - cpu_began
    count = years_of(findings)
    print(f"{what}: {seconds:.1f} s ({cpu_s:.1f} s CPU), {count} years of the scenario's weather", flush=True)
    for item in findings.answers:
        site = findings.study.sites[item.site]
        spread = (
            ""
            if item.spread is None
            else " P10 {:.0f}, P50 {:.0f}, P90 {:.0f} MW".format(*item.spread.quantiles_mw)
        )
        print(f"    {site.title_en}: {item.capacity_mw:.0f} MW{spread}", flush=True)
    return count


def years_of(findings: Findings) -> int:
    """Return how many years of the scenario's own weather a study simulated."""
    sizes = {point.sizes_mw for item in findings.answers for point in item.points}
    return len(sizes | {point.sizes_mw for point in findings.frontier.points} if findings.frontier else sizes)


def compare_with_pypsa(python: str, days: int, years: list[int]) -> None:
    """Let PyPSA roll over some days of the base year, and print what whole studies would take it."""
    study = prepare(load_scenario("plan-2025"), ["weining"])
    year = weather_year(study)
    operation = operate_at(study, year, study.base_mw)
    began = time.process_time()
    evaluate(study, year, study.base_mw)
    ours_s = time.process_time() - began
    peer = by_pypsa(python, case_arrays(study, year, operation, days))
    per_year_s = peer["cpu_s"] / days * len(operation.case.time) / HOURS_PER_DAY
    print(f"a year of ours: {ours_s:.2f} s CPU (commitment, dispatch and AC power flow, twice)")
    print(f"PyPSA {peer['pypsa']}: {days} days in {peer['cpu_s']:.1f} s CPU ({peer['seconds']:.1f} s)")
    print(f"    projected: {per_year_s / 60:.1f} min CPU a year, {per_year_s / ours_s:.0f} times ours")
    for what, count in zip(("one site", "frontier"), years, strict=True):
        print(f"    {what}: {count} years, projected {count * per_year_s / 3600:.1f} h CPU")
    mine = operation.case.available_mw - operation.result.renewable_mw
    print(
        f"    curtailed in these days: ours {mine[: days * HOURS_PER_DAY].sum():.0f} MWh, "
        f"PyPSA {peer['curtailed_mwh']:.0f} MWh"
    )


def case_arrays(study: Study, year: WeatherYear, operation: Operation, days: int) -> dict[str, Any]:
    """Return the first days of a year as plain arrays: what PyPSA is given."""
    scenario, _ = at_sizes(study, year, study.base_mw)
    case, hours = operation.case, slice(0, days * HOURS_PER_DAY)
    place = {name: column for column, name in enumerate(study.model.buses)}
    tables = scenario.tables
    bus_of = {row.plant_id: place[row.bus_id] for row in scenario.plants}
    bus_of |= {row.storage_id: place[row.bus_id] for row in scenario.storages}
    bus_of |= {row.load_id: place[row.bus_id] for row in tables.loads}
    bus_of |= {row.channel_id: place[row.bus_id] for row in tables.exports}
    coal_mw = commit(case).units_on[hours] * case.coal_unit_mw
    fixed = np.zeros((days * HOURS_PER_DAY, len(place)))
    np.add.at(fixed.T, [bus_of[name] for name in case.loads], case.load_mw[hours].T)
    fixed[:, study.model.slack_bus] += case.loss_mw[hours, None] * study.model.slack_weight
    day_mean_mw = (case.hydro_budget_mwh / case.day_hours[:, None])[case.time.day[hours]]
    return {
        "line_from": study.model.from_bus,
        "line_to": study.model.to_bus,
        "line_x_pu": 1.0 / np.abs(study.model.y_ft_pu),
        "line_mw": branch_limit_mw(study.model),
        "fixed_mw": fixed,
        "coal_bus": [bus_of[name] for name in case.coal],
        "coal_low_mw": coal_mw * case.coal_minimum_pu,
        "coal_high_mw": coal_mw,
        "coal_price": case.coal_cost,
        "hydro_bus": [bus_of[name] for name in case.hydros],
        "hydro_mw": np.minimum(day_mean_mw, case.hydro_capacity_mw),
        "renewable_bus": [bus_of[name] for name in case.renewables],
        "renewable_mw": case.available_mw[hours],
        "export_bus": [bus_of[name] for name in case.channels],
        "export_low_mw": case.export_low_mw[hours],
        "export_high_mw": case.export_high_mw[hours],
        "storage_bus": [bus_of[name] for name in case.storages],
        "storage_mw": case.storage_power_mw,
        "storage_mwh": case.storage_energy_mwh,
        "storage_in": case.storage_charge_efficiency,
        "storage_out": case.storage_discharge_efficiency,
        "price_curtailed": case.price_curtailed,
        "price_export_up": case.price_export_up,
        "price_unserved": case.price_unserved,
        "price_storage": case.price_storage,
    }


def by_pypsa(python: str, arrays: dict[str, Any]) -> dict[str, Any]:
    """Return what PyPSA says of a case: seconds, curtailed energy, version."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "case.npz"
        np.savez(path, **arrays)
        done = subprocess.run([python, str(PEER), str(path)], capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))
