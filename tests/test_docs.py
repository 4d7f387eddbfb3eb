"""The reference pages say what the code says, and the READMEs name commands that exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from docs.generate import HERE, pages

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("name", ["scenario.md", "tables.md"])
def test_a_reference_page_is_what_the_code_says(name: str):
    committed = (HERE / name).read_text(encoding="utf-8")
    assert committed == pages()[name], "run `python -m docs.generate`"


def documents() -> list[Path]:
    return [ROOT / "README.md", ROOT / "README.zh.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_every_command_in_the_documents_exists():
    listing = subprocess.run(
        [sys.executable, "simulate.py", "--help"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    named = {
        word
        for path in documents()
        for word in re.findall(r"simulate\.py ([a-z]+)", path.read_text(encoding="utf-8"))
    }
    missing = {word for word in named if not re.search(rf"│ {word}\s", listing)}
    assert named
    assert not missing


def test_links_between_documents_lead_somewhere():
    broken = [
        f"{path.relative_to(ROOT)}: {target}"
        for path in documents()
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))
        if not (path.parent / target).exists()
    ]
    assert not broken
