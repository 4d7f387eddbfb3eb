"""A study's JSON file in a run folder → its record, or a clear refusal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from scenarios.errors import DataError, Problem


def read_kept(path: Path, wanted_format: int, cure: str) -> dict[str, Any] | None:
    """Return what a study left, ``None`` when there is no file; ``DataError`` for one that cannot be used."""
    if not path.is_file():
        return None
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(Problem(str(path), f"cannot be read ({error})", cure)) from None
    if not isinstance(record, dict) or record.get("format") != wanted_format:
        raise DataError(Problem(str(path), f"is not of format {wanted_format}", cure))
    return record
