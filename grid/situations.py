"""The net of a scenario → how it is usually run: injections of a dozen situations between night and sunny noon.

    load and export at usual shares │ PV × {0 … 0.6} × wind {0.1 … 0.6} of capacity │ hydro │ coal gives the rest

They are where the power flow of an hour starts from (``grid.base``): rough on purpose, and without any influence on
its result beyond the tolerance. All shares are assumptions about a system that is run mostly on coal.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from scenarios.records import Floats

LOAD, EXPORT, HYDRO = 0.7, 1.0, 0.4
"""Shares of the peak load, of the mean contract, of hydro capacity."""

SUN, WIND = (0.2, 0.0, 0.4, 0.6), (0.3, 0.1, 0.6)
"""Shares of PV and of wind capacity; the first of both make the usual situation, which comes first."""

LOSSES = 0.03
LEAST_COAL, MOST_COAL = 0.15, 0.9
"""Shares of coal capacity between which it gives the rest; what is left over is up to the surrounding grid."""


def situations(net: Any, channels: set[str]) -> pd.DataFrame:
    """Return the table ``situation, bus, p_mw, q_mvar`` (generation − load) of a net of ``build_net``.

    ``channels`` are the names of the loads that are exports.
    """
    buses = net.bus.index.to_numpy()
    exported = net.load.name.isin(channels).to_numpy()
    load = _at(buses, net.load.bus[~exported], net.load.p_mw[~exported])
    load_mvar = _at(buses, net.load.bus[~exported], net.load.q_mvar[~exported])
    export = _at(buses, net.load.bus[exported], net.load.p_mw[exported])
    coal, hydro = (_capacity(buses, net.gen, kind) for kind in ("coal", "hydro"))
    sun, wind = (_capacity(buses, net.sgen, kind) for kind in ("pv", "wind"))
    fixed = HYDRO * hydro - LOAD * load - EXPORT * export
    tables = []
    for number, (of_sun, of_wind) in enumerate(product(SUN, WIND)):
        p_mw = fixed + of_sun * sun + of_wind * wind
        lost = LOSSES * (LOAD * load + EXPORT * export).sum()
        share = (lost - p_mw.sum()) / max(coal.sum(), 1e-9)
        p_mw = p_mw + np.clip(share, LEAST_COAL, MOST_COAL) * coal
        tables.append(pd.DataFrame({"situation": number, "bus": buses, "p_mw": p_mw, "q_mvar": -LOAD * load_mvar}))
    return pd.concat(tables, ignore_index=True)


def _capacity(buses: Floats, plants: pd.DataFrame, kind: str) -> Floats:
    """Return the capacity of the plants of a kind at each bus, MW [buses]."""
    if "max_p_mw" not in plants:  # pandapower adds the column with the first plant
        return np.zeros(len(buses))
    chosen = plants["type"] == kind
    return _at(buses, plants.bus[chosen], plants.max_p_mw[chosen])


def _at(buses: Floats, bus: pd.Series, value: pd.Series) -> Floats:
    """Return the sums of values by bus [buses]."""
    return value.groupby(bus.to_numpy()).sum().reindex(buses, fill_value=0.0).to_numpy(dtype=np.float64)
