"""Numbers → what people read, in Chinese and in English at once.

Chinese engineers think in 万千瓦, 亿千瓦时 and 亿元, English readers in MW, GWh and CNY; the same number has two
texts. A headline shows three significant digits, a column of a table fixed decimals so that it adds up by eye.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from markupsafe import Markup, escape

NONE = "–"
MW_PER_WAN_KW = 10.0
GWH_PER_YI_KWH = 100.0
CNY_PER_YI = 1e8
T_PER_WAN = 1e4
LANGUAGES = ("zh", "en")


@dataclass(frozen=True, slots=True)
class Both:
    """One text in both languages; in HTML both are there and the page shows one of them."""

    zh: str
    en: str

    def __html__(self) -> str:
        """Return escaped HTML: plain text when both are equal, else one marked span per language."""
        if self.zh == self.en:
            return str(escape(self.zh))
        return str(Markup('<span lang="zh-CN">{}</span><span lang="en">{}</span>').format(self.zh, self.en))

    def of(self, lang: str) -> str:
        """Return the text in one language, ``zh`` or ``en``."""
        return self.zh if lang == "zh" else self.en


def same(text: object) -> Both:
    """Return a text that reads the same in both languages."""
    return Both(str(text), str(text))


def known(value: float | None) -> bool:
    """Whether there is a number to show."""
    return value is not None and math.isfinite(value)


def significant(value: float | None, digits: int = 3) -> str:
    """Return a number rounded to significant digits, with thousands separators: 41237 → ``41,200``."""
    if value is None or not math.isfinite(value):
        return NONE
    if value == 0:
        return "0"
    exponent = int(f"{value:.{digits - 1}e}".partition("e")[2])  # of the rounded number: 0.9996 counts as 1.00
    decimals = digits - 1 - exponent
    return _signed(round(value, decimals), max(0, decimals))


def fixed(value: float | None, decimals: int = 0) -> str:
    """Return a number with fixed decimals and thousands separators."""
    return NONE if value is None or not math.isfinite(value) else _signed(value, decimals)


def _signed(value: float, decimals: int) -> str:
    """Return the number with a true minus sign, and never a minus before zero."""
    text = f"{abs(value):,.{decimals}f}"
    return f"−{text}" if value < 0 and any(digit in "123456789" for digit in text) else text


def power(value_mw: float | None) -> Both:
    """Return a power: 万千瓦 or MW."""
    if value_mw is None:
        return same(NONE)
    return Both(f"{significant(value_mw / MW_PER_WAN_KW)}万千瓦", f"{significant(value_mw)} MW")


def energy(value_gwh: float | None) -> Both:
    """Return an energy: 亿千瓦时 or GWh, small ones in 万千瓦时 or MWh."""
    if value_gwh is None:
        return same(NONE)
    small = abs(value_gwh) < 0.1 * GWH_PER_YI_KWH
    chinese = (value_gwh * 100, "万千瓦时") if small else (value_gwh / GWH_PER_YI_KWH, "亿千瓦时")
    english = (value_gwh * 1000, "MWh") if abs(value_gwh) < 1.0 else (value_gwh, "GWh")
    return Both(f"{significant(chinese[0])}{chinese[1]}", f"{significant(english[0])} {english[1]}")


def percent(share: float | None) -> Both:
    """Return a share as a percentage; near 100 % as many digits as tell it from 100."""
    if share is None or not math.isfinite(share):
        return same(NONE)
    value = 100.0 * share
    text = fixed(value, _percent_decimals(value))
    return Both(f"{text}%", f"{text} %")


def _percent_decimals(value: float) -> int:
    """Return decimals for three significant digits, or for two of the distance from 100 where that is small."""
    gap = abs(100.0 - value)
    if value == 0 or gap == 0:
        return 0
    if gap < 10:
        return min(6, max(1, 1 - math.floor(math.log10(gap))))
    return min(4, max(0, 2 - math.floor(math.log10(abs(value)))))


LEAST_CNY = 0.01


def money(value_cny: float | None) -> Both:
    """Return an amount: 亿元, or millions and billions of CNY; less than a fen is rounding, so nothing."""
    if value_cny is None:
        return same(NONE)
    value_cny = 0.0 if abs(value_cny) < LEAST_CNY else value_cny
    english = (value_cny / 1e9, "bn") if abs(value_cny) >= 1e9 else (value_cny / 1e6, "m")
    return Both(f"{significant(value_cny / CNY_PER_YI)}亿元", f"CNY {significant(english[0])} {english[1]}")


def mass(value_t: float | None) -> Both:
    """Return a mass of fuel or gas: 万吨 or kt."""
    if value_t is None:
        return same(NONE)
    return Both(f"{significant(value_t / T_PER_WAN)}万吨", f"{significant(value_t / 1000)} kt")


def hours(value_h: float | None) -> Both:
    """Return a number of hours."""
    if value_h is None:
        return same(NONE)
    text = fixed(value_h, 0 if float(value_h).is_integer() else 2)
    return Both(f"{text}小时", f"{text} h")


def energy_cell(value_gwh: float | None) -> Both:
    """Return an energy of a table column whose head says 亿千瓦时 or GWh."""
    return Both(fixed(None if value_gwh is None else value_gwh / GWH_PER_YI_KWH, 2), fixed(value_gwh, 0))


def small_energy_cell(value_gwh: float | None) -> Both:
    """Return an energy of a table column whose head says 万千瓦时 or MWh."""
    if value_gwh is None:
        return same(NONE)
    return Both(fixed(value_gwh * 100, 0), fixed(value_gwh * 1000, 0))


def power_cell(value_mw: float | None) -> Both:
    """Return a power of a table column whose head says 万千瓦 or MW."""
    return Both(fixed(None if value_mw is None else value_mw / MW_PER_WAN_KW, 1), fixed(value_mw, 0))


def moment(stamp: str | None) -> str:
    """Return an ISO time stamp as local time without offset: ``2025-04-10 13:00``."""
    return NONE if not stamp else stamp[:16].replace("T", " ")
