"""Texts of the workbook: (Chinese, English) by key."""

from __future__ import annotations

WORDS: dict[str, tuple[str, str]] = {
    "side": ("来源或去向", "Side"),
    "sources": ("来源", "Sources"),
    "uses": ("去向", "Uses"),
    "energy": ("电量", "Energy"),
    "share": ("占比", "Share"),
    "level": ("层级", "Level"),
    "name": ("名称", "Name"),
    "region": ("全市", "Region"),
    "lower_limit": ("下限", "Lower limit"),
    "upper_limit": ("上限", "Upper limit"),
    "rate_pv": ("弃光率", "Curtailment rate of PV"),
    "rate_wind": ("弃风率", "Curtailment rate of wind"),
}
