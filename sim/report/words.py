"""Every text of page, workbook and comparison in Chinese and English, by key (``texts``).

A text may have named gaps: ``word("find_failed", failed=…, all=…)``; what goes in may itself be in both languages.
What other stages wrote in English only is in ``phrases``.
"""

from __future__ import annotations

from sim.report.texts import (
    absorption,
    adequacy,
    causes,
    compare,
    figures,
    findings,
    kinds,
    overview,
    page,
    relief,
    sections,
    security,
    sweep,
    tables,
    workbook,
)
from sim.report.units import Both

SUBJECTS = (
    page,
    overview,
    findings,
    kinds,
    sections,
    figures,
    tables,
    workbook,
    compare,
    absorption,
    causes,
    relief,
    security,
    adequacy,
    sweep,
)
WORDS = {key: both for subject in SUBJECTS for key, both in subject.WORDS.items()}


def word(key: str, **gaps: Both) -> Both:
    """Return a text in both languages with its gaps filled; raises ``KeyError`` for an unknown key."""
    chinese, english = WORDS[key]
    if not gaps:
        return Both(chinese, english)
    return Both(
        chinese.format(**{name: value.zh for name, value in gaps.items()}),
        english.format(**{name: value.en for name, value in gaps.items()}),
    )
