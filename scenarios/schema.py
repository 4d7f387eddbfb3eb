"""A scenario: settings (from TOML and overrides, ``scenarios.settings``) + tables (from CSV, ``scenarios.tables``).

``scenarios.load`` makes it; every later stage only reads it.
"""

from __future__ import annotations

from functools import cached_property

from pydantic import BaseModel, ConfigDict

from scenarios import tables as t
from scenarios.settings import Settings
from scenarios.timeaxis import TimeAxis


class Tables(BaseModel):
    """All tables of a scenario, checked row by row and against each other; those with a default may be absent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    buses: tuple[t.Bus, ...]
    lines: tuple[t.Line, ...]
    line_types: tuple[t.LineType, ...]
    trafos: tuple[t.Trafo, ...]
    shunts: tuple[t.Shunt, ...]
    plants: tuple[t.Plant, ...]
    storages: tuple[t.Storage, ...]
    loads: tuple[t.Load, ...]
    exports: tuple[t.ExportChannel, ...]
    boundary: tuple[t.Boundary, ...]
    technologies: tuple[t.Technology, ...]
    counties: tuple[t.County, ...]
    weather_normals: tuple[t.WeatherNormal, ...]
    hydro_energy: tuple[t.HydroEnergy, ...]
    hydro_months: tuple[t.HydroMonth, ...]
    load_shape: tuple[t.LoadShape, ...]
    reliability: tuple[t.ReliabilityRate, ...]
    plan_targets: tuple[t.PlanTarget, ...]
    sections: tuple[t.NetworkSection, ...] = ()
    flexible_loads: tuple[t.FlexibleLoad, ...] = ()
    shed_blocks: tuple[t.ShedBlock, ...] = ()
    common_towers: tuple[t.CommonTower, ...] = ()


class Scenario(BaseModel):
    """Settings and tables of one simulation; the only input of every stage."""

    model_config = ConfigDict(frozen=True, extra="forbid", ignored_types=(cached_property,))

    settings: Settings
    tables: Tables

    @cached_property
    def time(self) -> TimeAxis:
        """The simulated time axis."""
        return self.settings.time.axis()

    @property
    def year(self) -> int:
        """Simulated calendar year; decides which elements are in service."""
        return self.settings.time.year

    @cached_property
    def plants(self) -> tuple[t.Plant, ...]:
        """Plants of the region's account that are in service, with capacities scaled by ``scale.*``."""
        factor = {"pv": self.settings.scale.pv, "wind": self.settings.scale.wind}
        return tuple(
            plant.model_copy(update={"unit_mw": plant.unit_mw * factor.get(plant.tech, 1.0)})
            for plant in self.tables.plants
            if plant.account == "bijie" and plant.in_service(self.year) and factor.get(plant.tech, 1.0) > 0
        )

    @cached_property
    def storages(self) -> tuple[t.Storage, ...]:
        """Storage in service, scaled by ``scale.storage``."""
        factor = self.settings.scale.storage
        return tuple(
            item.model_copy(update={"power_mw": item.power_mw * factor, "energy_mwh": item.energy_mwh * factor})
            for item in self.tables.storages
            if item.in_service(self.year) and factor > 0
        )

    @cached_property
    def flexible_loads(self) -> tuple[t.FlexibleLoad, ...]:
        """Flexible loads in service."""
        return tuple(item for item in self.tables.flexible_loads if item.in_service(self.year))

    @cached_property
    def shed_blocks(self) -> tuple[t.ShedBlock, ...]:
        """Blocks of shedding in service; that of the settings is one too if its hours are limited."""
        response = self.settings.demand_response
        own = (response.block(),) if response.on_call else ()
        return (*own, *(item for item in self.tables.shed_blocks if item.in_service(self.year)))

    def plants_of(self, *techs: str) -> tuple[t.Plant, ...]:
        """Return the plants in service of the given technologies, in table order."""
        return tuple(plant for plant in self.plants if plant.tech in techs)

    @cached_property
    def technologies(self) -> dict[str, t.Technology]:
        """Operating parameters by name."""
        return {row.technology: row for row in self.tables.technologies}

    @cached_property
    def counties(self) -> dict[str, t.County]:
        """Counties by Chinese name."""
        return {row.county: row for row in self.tables.counties}
