"""A run folder → its hourly frames, the rows of its plants, and their energies; how closely figures must agree."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from grid.model import FlowStatus
from sim.runs import RunRecord

RELATIVE = 1e-9
ABSOLUTE = 1e-6
"""A figure agrees within ``RELATIVE`` of its size or within ``ABSOLUTE`` of its unit (1 kWh for GWh)."""
TECHS = ("coal", "hydro", "wind", "pv")


def agree(stored: Any, rederived: Any, figure: str = "") -> bool:
    """Whether two values are the same: texts exactly, numbers within the tolerance, ``None`` only with ``None``."""
    if isinstance(stored, str) or stored is None or rederived is None or isinstance(rederived, str):
        return bool(stored == rederived)
    absolute = 0.0 if figure.endswith("mismatch_pu") else ABSOLUTE
    return math.isclose(stored, rederived, rel_tol=RELATIVE, abs_tol=absolute)


class Hours:
    """The frames of a run, the rows of its plants, and their energies in GWh."""

    def __init__(self, run: RunRecord) -> None:
        self.run = run
        self.static = run.static
        self.step_h = run.step_h
        self.system = run.hourly("system")
        self.net = run.quantity("plants", "generation_mw")
        self.available = run.quantity("plants", "available_mw")
        self.solved = self.system["flow_status"] <= int(FlowStatus.SOLVED_BY_FALLBACK)
        self.plants: dict[str, dict[str, Any]] = {str(name): self.static["plants"][name] for name in self.net}
        self.net_gwh = self.each_gwh(self.net)
        self.gross_gwh = {name: value * _gross_per_net(self.plants[name]) for name, value in self.net_gwh.items()}
        self.available_gwh = self.each_gwh(self.available)

    def gwh(self, power_mw: pd.Series) -> float:
        """Return the energy of a series, GWh."""
        return float(power_mw.sum()) * self.step_h / 1000.0

    def each_gwh(self, power_mw: pd.DataFrame) -> dict[str, float]:
        """Return the energy of every column, GWh."""
        return {str(name): float(value) * self.step_h / 1000.0 for name, value in power_mw.sum().items()}

    def hours(self, flags: pd.Series) -> float:
        """Return how long a condition held, h."""
        return float(flags.sum()) * self.step_h

    def of(self, tech: str, county: str | None = None) -> list[str]:
        """Return the plants of a technology, in one county or in all."""
        rows = self.plants.items()
        return [name for name, row in rows if row["tech"] == tech and county in (None, row["county"])]

    def called(self) -> Iterator[tuple[str, pd.Series]]:
        """Yield the blocks of shedding on call, and what each shed, MW."""
        for name in self.static["shed_blocks"]:
            yield name, self.run.quantity("plants", "called_mw")[name]

    def renewables(self, county: str | None = None) -> list[str]:
        """Return the wind and PV plants, in one county or in all."""
        return [*self.of("wind", county), *self.of("pv", county)]


def _gross_per_net(plant: Mapping[str, Any]) -> float:
    """Return gross per net generation: own use is counted for coal only."""
    return 1.0 / (1.0 - plant["aux_pu"]) if plant["tech"] == "coal" else 1.0


def dispatch_residual_mw(system: pd.DataFrame) -> pd.Series:
    """Return what is given − what is taken in the system file, MW [hours]."""
    given = ["coal_mw", "hydro_mw", "wind_mw", "pv_mw", "discharge_mw", "unserved_mw", "shed_mw", "shift_down_mw"]
    taken = ["load_mw", "flexible_mw", "shift_up_mw", "export_mw", "charge_mw", "loss_mw"]
    return system[given].sum(axis=1) - system[taken].sum(axis=1)
