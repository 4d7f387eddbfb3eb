"""The network as adequacy sees it: the record of buses, branches and what stands at them.

Branches are linear (DC): flow = susceptance × angle difference, within a rating. Each stands for some equal
circuits that fail one by one. Demands are the loads of each bus, then the export channels; plants, renewables and
storages of the system stand at the bus that ``bus_of`` names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from scenarios.records import Floats, Ints, axes, record


@dataclass(frozen=True, slots=True)
class Label:
    """A place as a person knows it: its name in the tables, in Chinese and in English."""

    name: str
    zh: str
    en: str


@record
class Network:
    """Buses and branches. ``limit_mw`` and ``susceptance`` (in any one unit) are those of all circuits together.

    One circuit of a branch is up for ``mean_up_h`` hours on average and then down for ``mean_down_h``; it ages in
    hour t of a weather year by ``ageing`` of its zone: 1 in a plain hour, more in ice. ``demand_bus`` and
    ``county`` (positions) are those of each demand: first the loads, then the channels of export. ``load_share``
    splits the system's load over its buses, ``export_share`` its export over the channels.
    """

    buses: tuple[str, ...]
    branches: tuple[Label, ...]
    demands: tuple[Label, ...]
    counties: tuple[Label, ...]
    bus_of: Mapping[str, int]
    from_bus: Ints = axes("branches", dtype=int)
    to_bus: Ints = axes("branches", dtype=int)
    susceptance: Floats = axes("branches")
    limit_mw: Floats = axes("branches")
    circuits: Ints = axes("branches", dtype=int)
    mean_up_h: Floats = axes("branches")
    mean_down_h: Floats = axes("branches")
    zone: Ints = axes("branches", dtype=int)
    ageing: Floats = axes("weathers", "hours", "zones")
    demand_bus: Ints = axes("demands", dtype=int)
    county: Ints = axes("demands", dtype=int)
    load_share: Floats = axes("weathers", "hours", "loads")
    export_share: Floats = axes("hours", "channels")

    def check(self) -> None:
        """Refuse what no method could reckon with; it would be a fault of the program that made the network."""
        loads, channels = self.load_share.shape[2], self.export_share.shape[1]
        laws = {
            "demands": len(self.demands) == loads + channels,
            "susceptance": bool((self.susceptance > 0).all()),
            "ratings": bool((self.limit_mw >= 0).all() and np.isfinite(self.limit_mw).all()),
            "circuits": bool((self.circuits >= 1).all()),
            "ageing": bool((self.ageing > 0).all()),
            "durations": bool((self.mean_up_h > 0).all() and (self.mean_down_h > 0).all()),
            "counties": len(self.counties) < 64,
        }
        broken = [law for law, kept in laws.items() if not kept]
        if broken:
            raise ValueError("Network: " + ", ".join(broken))

    @property
    def loads(self) -> int:
        """Number of demands that are loads; the others are channels of export."""
        return int(self.load_share.shape[2])
