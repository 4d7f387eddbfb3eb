"""The parts of tables: cells that read well in both languages and still sort as numbers.

A cell carries what is shown and what is sorted by. Columns whose unit differs by language say so in their head.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sim.report import units as u
from sim.report.units import Both, same
from sim.report.words import word

SHORT = 8
"""Length of a text that is not broken, Chinese characters."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What a cell shows, what it sorts by (``None``: nothing known), and a mark for the eye (a CSS class)."""

    text: Both
    sort: float | str | None = None
    mark: str = ""

    @property
    def is_short(self) -> bool:
        """Whether the text is kept on one line."""
        return len(self.text.zh) <= SHORT and len(self.text.en) <= 2 * SHORT

    @property
    def is_number(self) -> bool:
        """Whether the cell sorts as a number and is set flush right."""
        return not isinstance(self.sort, str)


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a column: its name, its unit, and whether it holds numbers."""

    text: Both
    unit: Both = field(default_factory=lambda: same(""))
    number: bool = True


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the page; ``search`` adds a filter box, ``picks`` makes rows select a branch on the map."""

    name: str
    heads: tuple[Head, ...]
    rows: tuple[tuple[Cell, ...], ...]
    foot: tuple[tuple[Cell, ...], ...] = ()
    search: bool = False
    picks: tuple[str, ...] = ()

    @property
    def caption(self) -> Both:
        """The title of the table."""
        return word(f"table_{self.name}")


def label(text: Both | str, mark: str = "") -> Cell:
    """Return a cell of text, sorted by its English form."""
    both = same(text) if isinstance(text, str) else text
    return Cell(both, both.en, mark)


def number(text: Both | str, value: float | None, mark: str = "") -> Cell:
    """Return a cell of a number."""
    return Cell(same(text) if isinstance(text, str) else text, value, mark)


def energy(value_gwh: float | None) -> Cell:
    """Return a cell of an energy under a head of ``energy_head``."""
    return number(u.energy_cell(value_gwh), value_gwh)


def small_energy(value_gwh: float | None) -> Cell:
    """Return a cell of a small energy, 万千瓦时 or MWh."""
    return number(u.small_energy_cell(value_gwh), value_gwh)


def power(value_mw: float | None) -> Cell:
    """Return a cell of a power, 万千瓦 or MW."""
    return number(u.power_cell(value_mw), value_mw)


def rate(share: float | None, mark: str = "") -> Cell:
    """Return a cell of a share as a percentage with two decimals."""
    return number(u.fixed(None if share is None else 100 * share, 2), share, mark)


def plain(value: float | None, decimals: int = 0, mark: str = "") -> Cell:
    """Return a cell of a number whose unit is the same in both languages."""
    return number(u.fixed(value, decimals), value, mark)


def text_head(key: str) -> Head:
    """Return the head of a column of texts."""
    return Head(word(key), number=False)


def energy_head(key: str) -> Head:
    """Return the head of a column of energies."""
    return Head(word(key), Both("亿千瓦时", "GWh"))


def small_energy_head(key: str) -> Head:
    """Return the head of a column of small energies."""
    return Head(word(key), Both("万千瓦时", "MWh"))


def power_head(key: str) -> Head:
    """Return the head of a column of powers."""
    return Head(word(key), Both("万千瓦", "MW"))


def unit_head(key: str, unit: str) -> Head:
    """Return the head of a column whose unit reads the same in both languages."""
    return Head(word(key), same(unit))


def hours_head(key: str) -> Head:
    """Return the head of a column of hours."""
    return Head(word(key), Both("小时", "h"))
