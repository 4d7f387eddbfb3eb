"""Write input files to start from: a complete example that runs, and empty tables with their headers."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path
from typing import get_args

from scenarios.errors import Problem, ScenarioError
from scenarios.load import BUILT_IN
from scenarios.schema import Tables

EXAMPLE = """\
# A scenario of your own: it starts from the plan of 2025 and uses the tables beside this file.
extends = "plan-2025"
name = "example"
title_en = "My grid"
title_zh = "我的电网"
tables = "tables"

# [scale]
# pv = 2.0
"""


def write_templates(folder: Path) -> str:
    """Write ``example/`` and ``empty/`` into a new folder and return what was written, in words.

    Raises ``ScenarioError`` when the folder exists and is not empty, or cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ScenarioError(Problem(str(folder), "is there already", "name a new folder"))
    try:
        _write_example(folder / "example")
        _write_empty(folder / "empty")
    except OSError as error:
        raise ScenarioError(
            Problem(str(folder), f"cannot be written ({error.strerror})", "choose another")
        ) from None
    scenario = folder / "example" / "scenario.toml"
    return f"{scenario} runs as it is; {folder / 'empty'} has the headers only."


def _write_example(folder: Path) -> None:
    shutil.copytree(BUILT_IN / "bijie", folder / "tables")
    (folder / "scenario.toml").write_text(EXAMPLE, encoding="utf-8")


def _write_empty(folder: Path) -> None:
    folder.mkdir(parents=True)
    for name, info in Tables.model_fields.items():
        columns = get_args(info.annotation)[0].model_fields
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerow(columns)
