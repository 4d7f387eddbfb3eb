"""An outcome → who generated, curtailed and consumed how much: energy by plant, technology, county and month.

    powers [hours × plants]  →  PlantAccount per plant  →  sums by technology and by county

A plant's energy is power × ``step_h`` at its busbar (net). Gross generation adds the own use of coal plants,
net / (1 − aux), which is what Chinese statistics call 发电量 and what the plan's 60 TWh mean; wind, PV and hydro
are modelled at the busbar, and their small own use is not added.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from profiles.records import Profiles
from scenarios.records import Floats
from scenarios.schema import Scenario
from scenarios.tables import Plant, Technology
from sim.dispatch.model import DispatchCase, DispatchResult
from sim.outcome import Outcome

TECHS = ("coal", "hydro", "wind", "pv")
RENEWABLES = ("wind", "pv")
MWH_PER_GWH = 1000.0
KG_PER_T = 1000.0
NEGLIGIBLE_MW = 1e-6
"""Power below which nothing happened: rounding of a solver, not operation."""


@dataclass(frozen=True, slots=True)
class PlantAccount:
    """Energies of one plant over the simulated period.

    ``available_gwh`` is what wind and sun offered after inverter clipping, ``clipped_gwh`` what inverters lost;
    both are ``None`` for coal and hydro. ``starts`` counts starts of units.
    """

    plant: Plant
    generation_gwh: float
    gross_gwh: float
    available_gwh: float | None
    clipped_gwh: float | None
    spilled_gwh: float
    starts: int
    coal_tce: float
    co2_t: float

    @property
    def curtailed_gwh(self) -> float:
        """Energy that was available and not accepted, GWh; 0 for plants that are not curtailed."""
        return 0.0 if self.available_gwh is None else self.available_gwh - self.generation_gwh


def gwh(power_mw: Floats, step_h: float) -> float:
    """Return the energy of all values of a power array together, GWh."""
    return float(power_mw.sum()) * step_h / MWH_PER_GWH


def number(value: float) -> float | None:
    """Return a plain float, or ``None`` for what is not a number."""
    return float(value) if np.isfinite(value) else None


def share(part: float, whole: float) -> float | None:
    """Return part / whole, or ``None`` where there is no whole."""
    return part / whole if whole > 0 else None


def whole_number(value: float) -> float | int:
    """Return an integer where the value is one: 8760 hours are 8760, a quarter of an hour is 0.25."""
    return int(value) if float(value).is_integer() else float(value)


def plant_accounts(outcome: Outcome) -> tuple[PlantAccount, ...]:
    """Return the account of every plant in service, in the order coal, hydro, renewables of the dispatch."""
    plants = {plant.plant_id: plant for plant in outcome.scenario.plants}
    flows = _flows_gwh(outcome.case, outcome.dispatch, outcome.profiles)
    technologies = outcome.scenario.technologies
    return tuple(_account(plants[name], flows, technologies[plants[name].technology]) for name in flows["net"])


def _flows_gwh(case: DispatchCase, result: DispatchResult, profiles: Profiles) -> Mapping[str, Mapping[str, float]]:
    """Return energy by kind and plant, GWh; ``starts`` are counts."""
    to_gwh = case.time.step_h / MWH_PER_GWH

    def by_name(names: tuple[str, ...], totals: Floats) -> dict[str, float]:
        return dict(zip(names, totals.tolist(), strict=True))

    return {
        "net": by_name(case.coal, result.coal_mw.sum(axis=0) * to_gwh)
        | by_name(case.hydros, result.hydro_mw.sum(axis=0) * to_gwh)
        | by_name(case.renewables, result.renewable_mw.sum(axis=0) * to_gwh),
        "available": by_name(case.renewables, case.available_mw.sum(axis=0) * to_gwh),
        "clipped": by_name(profiles.renewables, profiles.clipped_gwh),
        "spilled": by_name(case.hydros, result.hydro_spilled_mwh.sum(axis=0) / MWH_PER_GWH),
        "starts": by_name(case.coal, result.coal_starts.sum(axis=0).astype(float)),
    }


def _account(plant: Plant, flows: Mapping[str, Mapping[str, float]], technology: Technology) -> PlantAccount:
    name = plant.plant_id
    net_gwh = flows["net"][name]
    return PlantAccount(
        plant=plant,
        generation_gwh=net_gwh,
        gross_gwh=net_gwh / (1.0 - (technology.aux_pu if plant.tech == "coal" else 0.0)),
        available_gwh=flows["available"].get(name),
        clipped_gwh=flows["clipped"].get(name),
        spilled_gwh=flows["spilled"].get(name, 0.0),
        starts=int(flows["starts"].get(name, 0.0)),
        coal_tce=net_gwh * MWH_PER_GWH * technology.coal_gce_per_kwh / KG_PER_T,
        co2_t=net_gwh * MWH_PER_GWH * technology.co2_t_per_mwh,
    )


def of_tech(accounts: Iterable[PlantAccount], *techs: str) -> tuple[PlantAccount, ...]:
    """Return the accounts of the given technologies."""
    return tuple(account for account in accounts if account.plant.tech in techs)


def by_county(accounts: Iterable[PlantAccount]) -> dict[str, tuple[PlantAccount, ...]]:
    """Return the accounts of each county, counties in order of first appearance."""
    counties: dict[str, list[PlantAccount]] = {}
    for account in accounts:
        counties.setdefault(account.plant.county, []).append(account)
    return {county: tuple(members) for county, members in counties.items()}


def system_powers_mw(outcome: Outcome) -> dict[str, Floats]:
    """Return the power of the whole system by kind [hours], MW, each ≥ 0 as in the dispatch's balance."""
    result, case = outcome.dispatch, outcome.case
    techs = {plant.plant_id: plant.tech for plant in outcome.scenario.plants}
    wind = np.array([techs[name] == "wind" for name in case.renewables], dtype=bool)
    return {
        "coal": result.coal_mw.sum(axis=1),
        "hydro": result.hydro_mw.sum(axis=1),
        "wind": result.renewable_mw[:, wind].sum(axis=1),
        "pv": result.renewable_mw[:, ~wind].sum(axis=1),
        "wind_available": case.available_mw[:, wind].sum(axis=1),
        "pv_available": case.available_mw[:, ~wind].sum(axis=1),
        "discharge": result.discharge_mw.sum(axis=1),
        "charge": result.charge_mw.sum(axis=1),
        "unserved": result.unserved_mw.sum(axis=1),
        "shed": result.shed_mw.sum(axis=1),
        "shift_down": result.shift_down_mw.sum(axis=1),
        "shift_up": result.shift_up_mw.sum(axis=1),
        "load": case.load_mw.sum(axis=1),
        "flexible": result.flexible_mw.sum(axis=1),
        "export": result.export_mw.sum(axis=1),
        "export_contract": case.export_mw.sum(axis=1),
        "loss": result.loss_mw,
        "below_minimum": result.below_minimum_mw,
    }


SOURCES = ("coal", "hydro", "wind", "pv", "discharge", "unserved", "shed", "shift_down")
USES = ("load", "flexible", "shift_up", "export", "charge", "loss")


def balance_residual_mw(powers_mw: Mapping[str, Floats]) -> Floats:
    """Return sources − uses of the dispatch [hours], MW: zero in every hour of a sound result."""
    given = np.sum([powers_mw[name] for name in SOURCES], axis=0)
    taken = np.sum([powers_mw[name] for name in USES], axis=0)
    return np.asarray(given - taken, dtype=np.float64)


def curtailed_mw(powers_mw: Mapping[str, Floats]) -> Floats:
    """Return the wind and PV that was available and not accepted [hours], MW."""
    accepted = powers_mw["wind"] + powers_mw["pv"]
    return np.asarray(powers_mw["wind_available"] + powers_mw["pv_available"] - accepted, dtype=np.float64)


def residual_load_mw(powers_mw: Mapping[str, Floats]) -> Floats:
    """Return load + export − available wind and PV [hours], MW: what others must cover."""
    offered = powers_mw["wind_available"] + powers_mw["pv_available"]
    return np.asarray(powers_mw["load"] + powers_mw["export"] - offered, dtype=np.float64)


def load_gwh_by_county(scenario: Scenario, case: DispatchCase) -> dict[str, float]:
    """Return the demand of each county over the period, GWh."""
    county_of = {load.load_id: load.county for load in scenario.tables.loads}
    totals: dict[str, float] = {}
    for name, power_mw in zip(case.loads, case.load_mw.T, strict=True):
        county = county_of[name]
        totals[county] = totals.get(county, 0.0) + gwh(power_mw, case.time.step_h)
    return totals
