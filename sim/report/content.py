"""A run folder → everything that tables and figures ask for: names, sums by month, hourly values.

Hours are what the page shows: a run with shorter steps is shown as hourly means (loadings and voltages likewise);
sums are always taken over the steps themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from sim.accounts import SOURCES, TECHS, USES
from sim.reliability.adequacy_files import read_adequacy
from sim.reliability.security_files import read_security
from sim.report.units import Both, same
from sim.report.words import word
from sim.runs import RunRecord

__all__ = ["BASES", "OUTSIDE", "SOURCES", "TECHS", "USES", "Content"]

BASES = ("威宁", "赫章")
"""Counties of the gigawatt PV bases in 毕节市新型综合能源基地建设实施方案 (2023-05-25)."""
MWH_PER_GWH = 1000.0
OUTSIDE = "boundary"


@dataclass(frozen=True, eq=False)
class Content:
    """A run with the names and sums that a page needs; everything is derived from the folder alone."""

    record: RunRecord

    @property
    def info(self) -> Mapping[str, Any]:
        """``run.json``."""
        return self.record.info

    @cached_property
    def metrics(self) -> Mapping[str, Any]:
        """The figures of the run."""
        return self.record.metrics

    @cached_property
    def static(self) -> Mapping[str, Any]:
        """Names and places of all elements."""
        return self.record.static

    @cached_property
    def security(self) -> dict[str, Any] | None:
        """The security study of the run, ``None`` where the command ``secure`` has not made it."""
        return read_security(self.record.folder)

    @cached_property
    def adequacy(self) -> dict[str, Any] | None:
        """The adequacy study kept in the run folder, ``None`` where there is none."""
        return read_adequacy(self.record.folder)

    @cached_property
    def system(self) -> pd.DataFrame:
        """System powers of every hour, MW [hours × kinds]; the columns without their unit."""
        frame = self.record.hourly("system")
        return self._hours(frame.rename(columns=lambda name: name.removesuffix("_mw")))

    @cached_property
    def loading(self) -> pd.DataFrame:
        """Loading of every branch, fraction of its rating [hours × branches]."""
        return self._hours(self.record.quantity("branches", "loading_fraction"))

    @cached_property
    def voltage(self) -> pd.DataFrame:
        """Voltage of every bus, pu [hours × buses]."""
        return self._hours(self.record.quantity("buses", "vm_pu"))

    def _hours(self, frame: pd.DataFrame) -> pd.DataFrame:
        return frame if self.record.step_h >= 1 else frame.resample("h").mean()

    @cached_property
    def monthly_gwh(self) -> pd.DataFrame:
        """Energy by month, GWh [months × sources and uses], from the steps of the hourly file."""
        frame = self.record.hourly("system")
        chosen = frame[[f"{kind}_mw" for kind in (*SOURCES, *USES)]].rename(
            columns=lambda name: name.removesuffix("_mw")
        )
        months = chosen.index.strftime("%Y-%m")  # type: ignore[attr-defined]
        return chosen.groupby(months).sum() * self.record.step_h / MWH_PER_GWH

    @cached_property
    def monthly_available_gwh(self) -> pd.DataFrame:
        """Available wind and PV by month, GWh [months × technologies]."""
        frame = self.record.hourly("system")[["wind_available_mw", "pv_available_mw"]]
        months = frame.index.strftime("%Y-%m")  # type: ignore[attr-defined]
        return frame.groupby(months).sum() * self.record.step_h / MWH_PER_GWH

    def energy_gwh(self, file: str, quantity: str) -> dict[str, float]:
        """Return the energy of a power (such as ``export_mw``) of an hourly file by thing, GWh."""
        sums = self.record.quantity(file, quantity).sum() * self.record.step_h / MWH_PER_GWH
        return {str(name): float(value) for name, value in sums.items()}

    def capacity_mw(self, *techs: str, county: str | None = None) -> float:
        """Return the installed capacity of technologies, in one county or in all, MW."""
        chosen = (
            plant["capacity_mw"]
            for plant in self.static["plants"].values()
            if plant["tech"] in techs and county in (None, plant["county"])
        )
        return float(sum(chosen))

    def county_name(self, county: str) -> Both:
        """Return a county's name in both languages."""
        if county == OUTSIDE:
            return word("outside")
        return Both(county, self.static["counties"].get(county, {}).get("name_en", county))

    def name_of(self, row: Mapping[str, Any], name: str) -> Both:
        """Return an element's name in both languages; its id where it has none."""
        return Both(row.get("name_zh") or name, row.get("name_en") or row.get("name_zh") or name)

    def bus_name(self, name: str) -> Both:
        """Return a bus's name in both languages."""
        return self.name_of(self.static["buses"].get(name, {}), name)

    def branch_name(self, name: str) -> Both:
        """Return a branch's name: the names of its ends, and the level or kind."""
        row = self.static["branches"].get(name)
        if row is None:
            return same(name)
        start, end = self.bus_name(row["from"]), self.bus_name(row["to"])
        if row["kind"] == "trafo":
            return Both(f"{start.zh} 主变 {name}", f"{start.en} transformer {name}")
        twin = f" ({name})" if len(self.parallel(name)) > 1 else ""
        return Both(f"{start.zh} – {end.zh}{twin}", f"{start.en} – {end.en}{twin}")

    def parallel(self, name: str) -> tuple[str, ...]:
        """Return all branches between the two buses of a branch, itself among them."""
        row = self.static["branches"][name]
        return self._parallels[frozenset((row["from"], row["to"]))]

    @cached_property
    def _parallels(self) -> Mapping[frozenset[str], tuple[str, ...]]:
        found: dict[frozenset[str], tuple[str, ...]] = {}
        for name, row in self.static["branches"].items():
            ends = frozenset((row["from"], row["to"]))
            found[ends] = (*found.get(ends, ()), name)
        return found

    def branch_kv(self, name: str) -> float:
        """Return the nominal voltage of a branch (of a transformer: of its high side), kV."""
        row = self.static["branches"][name]
        return float(self.static["buses"][row["from"]]["vn_kv"])

    def hour_of(self, stamp: str) -> int:
        """Return the position of a time stamp on the page's hours."""
        return int((pd.Timestamp(stamp) - self.system.index[0]) / pd.Timedelta(hours=1))

    def element_name(self, name: str) -> Both:
        """Return the name of a branch or a bus."""
        return self.branch_name(name) if name in self.static["branches"] else self.bus_name(name)
