"""Findings about adequacy as plain types ↔ ``adequacy.json`` in a folder; in a run folder the page shows it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from scenarios.errors import Problem, ScenarioError
from sim.reliability.kept import read_kept

ADEQUACY_FILE = "adequacy.json"
FORMAT = 1
"""Version of the layout of ``adequacy.json``; a reader refuses any other."""

Json = dict[str, Any]


def as_text(record: Json) -> str:
    """Return the findings as they are printed and kept."""
    return json.dumps({"format": FORMAT, **record}, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def write_adequacy(folder: Path, text: str) -> Path:
    """Write the findings into a folder, which is made if needed; a reader never sees half a file.

    Raises ``ScenarioError`` when the folder cannot be written.
    """
    path = folder / ADEQUACY_FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.part")
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        cure = "name a folder that can be written"
        raise ScenarioError(Problem(f"--out {folder}", f"cannot be written ({error.strerror})", cure)) from None
    return path


def read_adequacy(folder: Path) -> Json | None:
    """Return the findings kept in a folder, ``None`` when there are none; ``DataError`` for an unusable file."""
    return read_kept(folder / ADEQUACY_FILE, FORMAT, "repeat the command `adequacy … --out`")
