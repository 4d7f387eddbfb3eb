"""Plants and weather sites → groups of plants under one sky, with what their counties say of them.

A county names the weather site whose weather it has; a group is all plants of one technology whose counties name
the same site. The stages of generation work group by group and write into the columns of the plant table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from profiles.dispersion import Field, Origin, Places, Sampler
from profiles.records import Weather
from scenarios.records import Floats, Ints
from scenarios.schema import Scenario
from scenarios.settings import WeatherSite
from scenarios.tables import County, Plant

LAPSE_K_PER_M = 0.0065
"""Fall of air temperature with height, K/m (International Standard Atmosphere, ISO 2533)."""


@dataclass(frozen=True, slots=True)
class Group:
    """Plants under the sky of one weather site; ``column`` is the site's column in the weather.

    ``rows`` are the positions of ``plants`` in the sequence that was grouped; ``counties`` go with the plants.
    """

    site: WeatherSite
    column: int
    rows: Ints
    plants: tuple[Plant, ...]
    counties: tuple[County, ...]

    def county_row(self, value: Callable[[County], float]) -> Floats:
        """Return a value of each plant's county as ``[1 × plants]``, to broadcast against the hours."""
        return np.array([[value(county) for county in self.counties]], dtype=np.float64)

    def capacity_mw(self) -> Floats:
        """Return the capacities, MW (AC), as ``[1 × plants]``."""
        return np.array([[plant.capacity_mw for plant in self.plants]], dtype=np.float64)


def groups_by_site(scenario: Scenario, weather: Weather, plants: Sequence[Plant]) -> list[Group]:
    """Return the plants grouped by the weather site of their county; sites without plants are left out.

    Raises ``KeyError`` when a county or its site is unknown; ``profiles.generate`` tells the user before.
    """
    counties = [scenario.counties[plant.county] for plant in plants]
    groups = []
    for column, name in enumerate(weather.sites):
        rows = np.array([i for i, county in enumerate(counties) if county.weather_site == name], dtype=np.int64)
        if rows.size:
            site = scenario.settings.weather.sites[name]
            groups.append(
                Group(site, column, rows, tuple(plants[i] for i in rows), tuple(counties[i] for i in rows))
            )
    return groups


def field_of(scenario: Scenario, name: str, hourly_memory: float) -> Field:
    """Return the random field of a technology under the scenario's seed."""
    settings = scenario.settings
    return Field(name, settings.weather.seed, settings.dispersion.correlation_km, hourly_memory)


def places_of(scenario: Scenario, group: Group, sampler: Sampler) -> Places:
    """Return the group on the map whose origin is the reference site."""
    sites = scenario.settings.weather
    reference = sites.sites[sites.reference_site]
    origin = Origin(reference.lat, reference.lon)
    return Places(
        sampler,
        origin.plane_km(group.site.lat, group.site.lon),
        tuple(origin.plane_km(plant.lat, plant.lon) for plant in group.plants),
        scenario.settings.dispersion.correlation_km,
    )
