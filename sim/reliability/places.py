"""Sampled years at network level → risk by bus and county, and which branches limit then."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from scenarios.records import Floats
from sim.reliability.estimates import Estimate, mean_of
from sim.reliability.network import Label, Network
from sim.reliability.networked import Where


@dataclass(frozen=True, slots=True)
class PlaceRisk:
    """Hours of shortage and energy unserved of a bus, a channel of export or a county, per sampled span."""

    label: Label
    lolh_h: Estimate
    eue_mwh: Estimate


@dataclass(frozen=True, slots=True)
class Binding:
    """Hours in which a branch limits while load goes unserved somewhere, per sampled span.

    It limits when a higher rating would spare something that is priced: load, export, response, storage or water.
    """

    label: Label
    hours: Estimate


@dataclass(frozen=True, slots=True)
class ByPlace:
    """Risk by demand and by county in the order of the network; limiting branches, the longest first.

    Which of several buses goes short is the network's to say only where a branch limits; else it is shared.
    ``programmes_per_year`` is in how many steps the quick look did not do.
    """

    demands: tuple[PlaceRisk, ...]
    counties: tuple[PlaceRisk, ...]
    binding: tuple[Binding, ...]
    programmes_per_year: float


def risk_by_place(network: Network, where: Where) -> ByPlace:
    """Return where the risk of a sample lies."""
    in_county = network.county[:, None] == np.arange(len(network.counties))
    binding = [
        Binding(label, mean_of(hours))
        for label, hours in zip(network.branches, where.binding_h.T, strict=True)
        if hours.any()
    ]
    return ByPlace(
        demands=_risks(network.demands, where.demand_h, where.demand_mwh),
        counties=_risks(network.counties, where.county_h, where.demand_mwh @ in_county),
        binding=tuple(sorted(binding, key=lambda item: -item.hours.value)),
        programmes_per_year=where.programmes / len(where.demand_h),
    )


def _risks(labels: Iterable[Label], hours: Floats, energy_mwh: Floats) -> tuple[PlaceRisk, ...]:
    triples = zip(labels, hours.T, energy_mwh.T, strict=True)
    return tuple(PlaceRisk(label, mean_of(h), mean_of(mwh)) for label, h, mwh in triples)


def places_as_json(found: ByPlace) -> dict[str, Any]:
    """Return everything as plain numbers and names."""
    return {
        "buses": [_risk_as_json(risk) for risk in found.demands],
        "counties": [_risk_as_json(risk) for risk in found.counties],
        "limiting_branches": [
            {"name": item.label.name, "hours_with_shortage": item.hours.as_json()} for item in found.binding
        ],
        "steps_solved_as_programme_per_year": found.programmes_per_year,
    }


def _risk_as_json(risk: PlaceRisk) -> dict[str, Any]:
    label = risk.label
    names = {"name": label.name, "name_zh": label.zh, "name_en": label.en}
    return {**names, "lolh_h": risk.lolh_h.as_json(), "eue_mwh": risk.eue_mwh.as_json()}
