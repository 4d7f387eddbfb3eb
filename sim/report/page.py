"""A run folder → ``report.html``: one file that opens offline, in Chinese and English.

The folder alone is enough. Both languages are in the page, the reader switches between them; figures are plotly
specifications whose open places the page fills in (``figures``), tables are HTML, and plotly.js is embedded.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from scenarios.errors import InvariantError, ScenarioError, did_you_mean
from sim.report import charts
from sim.report import units as u
from sim.report.content import Content
from sim.report.sections import SECTIONS, all_context, all_figures, all_tables
from sim.report.sections.dispatch import first_week, last_week
from sim.report.sections.grid import first_hour
from sim.report.sections.network_map import LOADING_STEPS, map_elements
from sim.report.sections.renewables import HEAT_CHOICES
from sim.report.units import LANGUAGES, Both, same
from sim.report.words import WORDS, word
from sim.runs import read_run

REPORT_FILE = "report.html"
FACTORS = {
    "zh": {"power": 0.1, "energy": 0.01, "money": 1e-8, "content": 0.1, "mass": 1e-4},
    "en": {"power": 1.0, "energy": 1.0, "money": 1e-6, "content": 1.0, "mass": 1e-3},
}
"""From MW, GWh, CNY, MWh, t to 万千瓦, 亿千瓦时, 亿元, 万千瓦时, 万吨 and to MW, GWh, CNY million, MWh, kt."""
CARTESIAN = {"bar", "box", "contour", "heatmap", "scatter"}
"""Trace types of plotly.js's cartesian bundle that the pages use; others need the complete script."""


def write_report(folder: Path, lang: str = "zh") -> Path:
    """Write the page of a run folder into it and return its path; ``lang`` is what it opens in, ``zh`` or ``en``.

    Raises ``DataError`` when the folder is not a complete run, ``ScenarioError`` for an unknown language.
    """
    content = Content(read_run(folder))
    path = folder / REPORT_FILE
    path.write_text(render(content, lang), encoding="utf-8")
    return path


def render(content: Content, lang: str) -> str:
    """Return the page as text."""
    figures = all_figures(content)
    context = {
        **all_context(content),
        "title": _title(content),
        "created": content.info["created"],
        "tables": all_tables(content),
        "figures": figures,
        "sections": [section.name for section in SECTIONS],
    }
    return fill_template("report.html.j2", lang, _data(content, figures), context)


def fill_template(template: str, lang: str, data: Mapping[str, Any], context: Mapping[str, Any]) -> str:
    """Return a page of the house: ``data`` goes to its script, ``context`` to its template."""
    if lang not in LANGUAGES:
        raise ScenarioError(f'unknown language "{lang}"; {did_you_mean(lang, LANGUAGES)}')
    environment = Environment(
        loader=PackageLoader("sim.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"t": word, "word": word, "lang": lang, "moment": lambda stamp: same(u.moment(stamp))}
    shared = {
        "css": _asset("page.css"),
        "early_js": _asset("early.js"),
        "app_js": _asset("page.js"),
        "plotly_js": Markup(plotly_js(complete=not trace_types(data["figures"]) <= CARTESIAN)),
        "content_json": Markup(script_json(data)),
    }
    return environment.get_template(template).render(**shared, **context)


def script_json(data: Mapping[str, Any]) -> str:
    """Return JSON that can stand in a script element: no ``<``, no line separators of JavaScript."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _asset(name: str) -> Markup:
    """Return a style sheet or script of ours; it is written by us and goes in as it is."""
    return Markup((Path(__file__).parent / "templates" / name).read_text(encoding="utf-8"))


def trace_types(figures: Mapping[str, Any]) -> set[str]:
    """Return the plotly trace types that figures use."""
    return {str(trace.get("type", "scatter")) for figure in figures.values() for trace in figure["data"]}


@lru_cache(maxsize=2)
def plotly_js(complete: bool) -> str:
    """Return plotly.js: its cartesian bundle, which opens three times as fast, or the complete one.

    Raises ``InvariantError`` if it could end its script element.
    """
    source = _complete_plotly_js() if complete else str(_asset("vendor/plotly-cartesian.min.js"))
    if "</script" in source.lower():
        raise InvariantError("plotly.js contains </script and cannot be embedded")
    return source


def _complete_plotly_js() -> str:
    from plotly.offline import get_plotlyjs  # noqa: PLC0415  (plotly takes a third of a second to import)

    return str(get_plotlyjs())


def _data(content: Content, figures: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "title": {"zh": _title(content).zh, "en": _title(content).en},
        "words": {key: list(value) for key, value in WORDS.items()},
        "factors": FACTORS,
        "loading_steps": [{"from": start, "colour": colour} for start, colour in LOADING_STEPS],
        "heat_units": {kind: "price" if kind.startswith("price") else "power" for kind in HEAT_CHOICES},
        "figures": figures,
        "hourly": charts.hourly_store(content),
        "map": map_elements(content),
        "first_week": first_week(content),
        "last_week": last_week(content),
        "first_hour": first_hour(content),
        "failed_hours": np.flatnonzero(content.loading.isna().all(axis=1)).tolist(),
    }


def _title(content: Content) -> Both:
    return Both(content.info["title_zh"], content.info["title_en"])
