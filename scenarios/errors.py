"""Every failure a user can meet, as one small tree; each class knows its exit code.

    WumengError
    ├── ScenarioError        2   bad scenario, override or argument
    ├── DataError            3   bad table, weather file or network
    ├── PowerFlowError       4   no hour solved, or any hour unsolved with --strict
    ├── SimulationError      1   the simulation itself could not be carried out
    └── InvariantError      70   our own fault: a result broke a law it must obey

A message lists *all* problems found, one line each: place, value, bound, cure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where, what, and how to mend it.

    ``place`` is a file with a row or key (``plants.csv row 4 (C3), column cap_mw``), ``what`` says value and
    bound, ``cure`` is an instruction; it may be empty when ``what`` already tells.
    """

    place: str
    what: str
    cure: str = ""

    def __str__(self) -> str:
        """Return the line a user reads."""
        return f"{self.place}: {self.what}" + (f" → {self.cure}" if self.cure else "")


class WumengError(Exception):
    """A failure with a message for the user; ``problems`` holds the parts, ``exit_code`` the process result."""

    exit_code = 1
    headline = "The simulation failed"

    def __init__(self, problems: str | Problem | Iterable[Problem]) -> None:
        if isinstance(problems, str):
            problems = Problem("", problems)
        self.problems = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__(self._message())

    def _message(self) -> str:
        lines = [str(problem).removeprefix(": ") for problem in self.problems]
        if len(lines) == 1:
            return lines[0]
        return f"{len(lines)} problems:\n" + "\n".join(f"  • {line}" for line in lines)


class ScenarioError(WumengError):
    """The scenario file, an override or an argument is wrong."""

    exit_code = 2
    headline = "The scenario or an argument is not valid"


class DataError(WumengError):
    """A table, a weather file or the network is wrong."""

    exit_code = 3
    headline = "The input data is not valid"


class PowerFlowError(WumengError):
    """No hour could be solved, or some hour could not and the user asked to be strict."""

    exit_code = 4
    headline = "The power flow failed"


class SimulationError(WumengError):
    """The simulation could not be carried out."""

    exit_code = 1


class InvariantError(WumengError):
    """A result broke a law it must obey; this is a fault of the program."""

    exit_code = 70
    headline = "Internal check failed; please report this"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``did you mean "x"?`` for the nearest known word, or the list of known words."""
    options = sorted(known)
    near = get_close_matches(word, options, n=1, cutoff=0.6)
    return f'did you mean "{near[0]}"?' if near else "known: " + ", ".join(options)
