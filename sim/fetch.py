"""What the command ``weather fetch`` does: one file per site and year, and how to use it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from rich.console import Console

from profiles.nasa_power import fetch_year
from scenarios.schema import Scenario


def fetch_weather(scenario: Scenario, years: Iterable[int], folder: Path) -> None:
    """Download every year of every site into ``folder`` as ``<site>-<year>.csv``; files that are there stay."""
    console = Console(highlight=False)
    folder.mkdir(parents=True, exist_ok=True)
    for year in years:
        for name, site in scenario.settings.weather.sites.items():
            path = folder / f"{name}-{year}.csv"
            if not path.exists():
                fetch_year(site, year, path)
            console.print(f"{path}: {site.name_zh} {site.name_en} {year}", soft_wrap=True)
        files = " ".join(
            f"--weather {name}={folder / f'{name}-{year}.csv'}" for name in scenario.settings.weather.sites
        )
        console.print(f"使用 Use: simulate.py run --set time.year={year} {files}", soft_wrap=True)
