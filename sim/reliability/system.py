"""A region with everything that serves it: the record that all adequacy methods share.

Units fail and are repaired; renewables give what the weather year offers; hydro plants have water for each day;
storages carry energy from surplus to shortage; ``measures`` says in which order storage, demand response and
reduced export are used before load goes unserved.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import fields
from typing import Any

import numpy as np

from scenarios.records import Bools, Floats, Ints, axes, record
from scenarios.timeaxis import TimeAxis
from sim.reliability.network import Network

PLAIN = -1
"""``unit_hydro`` of a unit whose energy is not limited."""


@record
class AdequacySystem:
    """A system to be assessed. Powers in MW at the sending end, energies in MWh, times in h.

    A unit is up for ``mean_up_h`` on average, then down for ``mean_down_h``; a share ``derated_share`` of its
    outages only takes it down to ``derated_mw``. Between the steps ``out_from`` and ``out_to`` it is in planned
    maintenance. ``unit_hydro`` is the hydro plant that the unit belongs to, or ``PLAIN``. Export counts as demand;
    ``load_uncertainty`` is the standard deviation of the annual forecast error, as a share of the load. Without
    ``export`` among ``measures`` the export is firm. ``assumed`` names the rates that rest on assumptions.
    With a ``network`` the same things stand at its buses, and its branches fail and limit.
    """

    name: str
    time: TimeAxis
    weathers: tuple[str, ...]
    units: tuple[str, ...]
    hydros: tuple[str, ...]
    renewables: tuple[str, ...]
    storages: tuple[str, ...]
    measures: tuple[str, ...]
    assumed: tuple[str, ...]
    unit_plant: tuple[str, ...]
    load_uncertainty: float
    capacity_mw: Floats = axes("units")
    derated_mw: Floats = axes("units")
    derated_share: Floats = axes("units")
    mean_up_h: Floats = axes("units")
    mean_down_h: Floats = axes("units")
    out_from: Ints = axes("units", dtype=int)
    out_to: Ints = axes("units", dtype=int)
    unit_hydro: Ints = axes("units", dtype=int)
    renewable_capacity_mw: Floats = axes("renewables")
    renewable_mw: Floats = axes("weathers", "hours", "renewables")
    load_mw: Floats = axes("weathers", "hours")
    response_mw: Floats = axes("weathers", "hours")
    export_mw: Floats = axes("hours")
    hydro_budget_mwh: Floats = axes("days", "hydros")
    hydro_minimum_mw: Floats = axes("days", "hydros")
    storage_power_mw: Floats = axes("storages")
    storage_energy_mwh: Floats = axes("storages")
    storage_charge_efficiency: Floats = axes("storages")
    storage_discharge_efficiency: Floats = axes("storages")
    storage_self_discharge_per_h: Floats = axes("storages")
    network: Network | None = None

    def check(self) -> None:
        """Refuse what no method could reckon with; it would be a fault of the program that made the system."""
        laws = {
            "days": len(self.hydro_budget_mwh) == self.time.day[-1] + 1,
            "durations": bool((self.mean_up_h > 0).all() and (self.mean_down_h > 0).all()),
            "derated": bool((self.derated_mw <= self.capacity_mw).all() and (self.derated_mw >= 0).all()),
            "hydro units": bool((self.unit_hydro < len(self.hydros)).all()),
            "finite": all(bool(np.isfinite(getattr(self, n)).all()) for n in ("load_mw", "renewable_mw")),
        }
        broken = [law for law, kept in laws.items() if not kept]
        if broken:
            raise ValueError("AdequacySystem: " + ", ".join(broken))

    @property
    def plants(self) -> tuple[str, ...]:
        """Names of everything that can be left out: plants, renewables, storages, in order, each once."""
        return tuple(dict.fromkeys((*self.unit_plant, *self.renewables, *self.storages)))

    @property
    def unavailability(self) -> Floats:
        """Long-run share of time in which a unit is not fully up [units]: MTTR / (MTTF + MTTR)."""
        return np.asarray(self.mean_down_h / (self.mean_up_h + self.mean_down_h))

    @property
    def demand_mwh(self) -> float:
        """Load of the span, mean over the weather years, MWh."""
        return float(self.load_mw.sum(axis=1).mean() * self.time.step_h)

    def capacity_of(self, plants: Collection[str]) -> float:
        """Return the capacity of plants, renewables and storages together, MW."""
        parts = (
            (self.unit_plant, self.capacity_mw),
            (self.renewables, self.renewable_capacity_mw),
            (self.storages, self.storage_power_mw),
        )
        return float(
            sum(mw for names, all_mw in parts for name, mw in zip(names, all_mw, strict=True) if name in plants)
        )

    def without(self, plants: Collection[str]) -> AdequacySystem:
        """Return the system without some plants, renewables or storages; all else stays, also maintenance."""
        return replaced(
            self,
            **_chosen(self, "units", [name not in plants for name in self.unit_plant]),
            unit_plant=tuple(name for name in self.unit_plant if name not in plants),
            **_chosen(self, "renewables", [name not in plants for name in self.renewables]),
            **_chosen(self, "storages", [name not in plants for name in self.storages]),
            **_dry(self, [name in plants for name in self.hydros]),
        )


def replaced(system: AdequacySystem, **changes: Any) -> AdequacySystem:
    """Return a copy with some fields changed."""
    values = {item.name: getattr(system, item.name) for item in fields(system)}
    return AdequacySystem(**(values | changes))


def _chosen(system: AdequacySystem, axis: str, keep: list[bool]) -> dict[str, Any]:
    """Return the fields along an axis, cut to what is kept."""
    mask: Bools = np.array(keep, dtype=bool)
    names = tuple(name for name, kept in zip(getattr(system, axis), keep, strict=True) if kept)
    cut: dict[str, Any] = {axis: names}
    for item in fields(system):
        names_of_axes = item.metadata.get("axes", ())
        if axis in names_of_axes:
            cut[item.name] = np.compress(mask, getattr(system, item.name), axis=names_of_axes.index(axis))
    return cut


def _dry(system: AdequacySystem, left_out: list[bool]) -> dict[str, Any]:
    """Return hydro tables in which the plants left out have no water; their places stay, units refer to them."""
    kept = 1.0 - np.array(left_out, dtype=np.float64)
    return {
        "hydro_budget_mwh": system.hydro_budget_mwh * kept,
        "hydro_minimum_mw": system.hydro_minimum_mw * kept,
    }


def keys_of(names: Iterable[str]) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """Return a number for each unit or circuit that depends on its name alone, so that its fate does too."""
    digests = (hashlib.blake2b(name.encode(), digest_size=8).digest() for name in names)
    return np.array([int.from_bytes(digest, "little") for digest in digests], dtype=np.uint64)
