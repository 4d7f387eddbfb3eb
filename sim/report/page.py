"""A run folder → ``report.html``: one file that opens offline, in Chinese and English.

The folder alone is enough. Both languages are in the page, the reader switches between them; figures are plotly
specifications whose open places the page fills in (``figures``), tables are HTML, and plotly.js is embedded.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from scenarios.errors import InvariantError, ScenarioError, did_you_mean
from sim.report import figures as fig
from sim.report import units as u
from sim.report.content import TECHS, Content
from sim.report.findings import findings
from sim.report.phrases import reason_text
from sim.report.tables import CONFIDENCES, all_tables
from sim.report.units import LANGUAGES, Both, same
from sim.report.words import WORDS, word
from sim.runs import read_run

REPORT_FILE = "report.html"
SECTIONS = (
    "overview", "balance", "dispatch", "renewables", "causes", "storage", "grid", "voltage", "reliability", "plan",
    "cost", "assumptions", "facts",
)  # fmt: skip
HOURS_OF_WEEK = 168
HOURS_BEFORE = 72
FACTORS = {
    "zh": {"power": 0.1, "energy": 0.01, "money": 1e-8, "content": 0.1},
    "en": {"power": 1.0, "energy": 1.0, "money": 1e-6, "content": 1.0},
}
"""From MW, GWh, CNY, MWh to 万千瓦, 亿千瓦时, 亿元, 万千瓦时 and to MW, GWh, CNY million, MWh."""
LOADING_STEPS = ((0.0, "#9aa7b1"), (0.5, "#4a8fc0"), (0.8, "#e69f00"), (1.0, "#c63d00"))
"""Where a colour of the map begins (fraction of the rating)."""

Pairs = list[tuple[Both, Both]]

CARTESIAN = {"bar", "box", "heatmap", "scatter"}
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
    figures = fig.all_figures(content)
    data = _data(content, figures)
    return fill_template(
        "report.html.j2", lang, data, {**_context(content), "figures": figures, "sections": SECTIONS}
    )


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


# --- what the script gets ---------------------------------------------------------------------------------------


def _data(content: Content, figures: Mapping[str, Any]) -> dict[str, Any]:
    hours = len(content.system)
    return {
        "title": {"zh": _title(content).zh, "en": _title(content).en},
        "words": {key: list(value) for key, value in WORDS.items()},
        "factors": FACTORS,
        "loading_steps": [{"from": start, "colour": colour} for start, colour in LOADING_STEPS],
        "heat_units": {kind: "price" if kind.startswith("price") else "power" for kind in fig.HEAT_CHOICES},
        "figures": figures,
        "hourly": fig.hourly_store(content),
        "map": fig.map_elements(content),
        "first_week": _first_week(content),
        "last_week": max(0, hours - HOURS_OF_WEEK),
        "first_hour": _first_hour(content),
        "failed_hours": np.flatnonzero(content.loading.isna().all(axis=1)).tolist(),
    }


def _title(content: Content) -> Both:
    return Both(content.info["title_zh"], content.info["title_en"])


def hour_of(content: Content, stamp: str) -> int:
    """Return the position of a time stamp on the page's hours."""
    return int((pd.Timestamp(stamp) - content.system.index[0]) / pd.Timedelta(hours=1))


def _worst(content: Content) -> list[dict[str, Any]]:
    """Return the hours of interest that exist and say something (unserved load only when there is some)."""
    found = content.metrics["network"]["worst_hours"]
    return [
        {"name": word(f"worst_{key}"), "hour": hour_of(content, item["time"])}
        for key, item in found.items()
        if item is not None and item.get("mw", 1.0) > 0
    ]


def _first_hour(content: Content) -> int:
    worst = content.metrics["network"]["worst_hours"]["highest_loading"]
    return 0 if worst is None else hour_of(content, worst["time"])


def _first_week(content: Content) -> int:
    """Return the first hour of the week around the highest curtailment, at a midnight."""
    worst = content.metrics["network"]["worst_hours"]["highest_curtailment"]
    hour = 0 if worst is None else hour_of(content, worst["time"]) - HOURS_BEFORE
    last = max(0, len(content.system) - HOURS_OF_WEEK)
    return max(0, min(last, hour // 24 * 24))


# --- what the template gets -------------------------------------------------------------------------------------


def _context(content: Content) -> dict[str, Any]:
    hours = len(content.system)
    return {
        "title": _title(content),
        "created": content.info["created"],
        "identity": _identity(content),
        "evidence": _evidence(content),
        "evidence_of": _evidence_of(content),
        "findings": findings(content),
        "tiles": tiles(content),
        "mix": _mix(content),
        "tables": all_tables(content),
        "worst": _worst(content),
        "first_week": _first_week(content),
        "last_week": max(0, hours - HOURS_OF_WEEK),
        "first_hour": _first_hour(content),
        "last_hour": hours - 1,
        "heat_choices": fig.HEAT_CHOICES,
        "utilisation_note": _as_sentence(reason_text(content.metrics["utilisation"]["note"])),
        "causes": _causes(content),
        "demand_response": _demand_response(content),
        "loading_steps": _legend(),
        "losses": _losses(content),
        "voltage_facts": _voltage(content),
        "reliability_facts": _reliability(content),
        "reliability_elsewhere": word("reliability_elsewhere", scenario=same(content.info["scenario"])),
        "plan_summary": _plan_summary(content),
        "cost_facts": _cost(content),
        "weather": [(same(site), reason_text(text)) for site, text in _origins(content)],
        "notes": [Both(note["zh"], note["en"]) for note in content.info["provenance"]["notes"]],
        "run_facts": _run_facts(content),
    }


def _as_sentence(text: Both) -> Both:
    """Return a remark of another stage as a sentence of its own."""
    return Both(text.zh, f"{text.en[:1].upper()}{text.en[1:].rstrip('.')}.")


def _origins(content: Content) -> Iterable[tuple[str, str]]:
    return list(content.info["provenance"]["weather_origin"].items())


def _identity(content: Content) -> Pairs:
    time, network = content.static["time"], content.metrics["network"]
    start = pd.Timestamp(time["start"])
    end = start + timedelta(hours=time["steps"] * time["step_h"])
    origins = sorted({text for _, text in _origins(content)})
    return [
        (word("scenario"), same(content.info["scenario"])),
        (word("year"), same(start.year)),
        (word("period"), same(f"{start:%Y-%m-%d %H:%M} – {end:%Y-%m-%d %H:%M}")),
        (word("weather"), Both(*("; ".join(reason_text(text).of(lang) for text in origins) for lang in LANGUAGES))),
        (word("hours_solved"), u.hours(network["hours_solved"])),
        (word("hours_failed"), u.hours(network["hours_failed"])),
        (word("run"), same(content.info["run_hash"])),
    ]


def _main_evidence(content: Content) -> Mapping[str, Any]:
    """Return the row of the evidence that the first page shows: circuit kilometres where there, else the first."""
    rows = content.info["network"]["evidence"]
    return next((row for row in rows if "km" in row["what"]), rows[0])


def _evidence(content: Content) -> list[dict[str, Any]]:
    row = _main_evidence(content)
    total = sum(row[key] for key in CONFIDENCES)
    shares = {key: row[key] / total if total else 0.0 for key in CONFIDENCES}
    return [{"key": key, "share": round(share, 4), "text": u.percent(share)} for key, share in shares.items()]


def _evidence_of(content: Content) -> Both:
    return word("evidence_of", what=reason_text(_main_evidence(content)["what"]))


def _mix(content: Content) -> list[dict[str, Any]]:
    """Return each technology's share of the net generation: a picture that is there before any script runs."""
    generation = content.metrics["energy_gwh"]["generation"]
    total = generation["total"]
    shares = {tech: generation[tech] / total if total > 0 else 0.0 for tech in TECHS}
    return [
        {
            "name": word(f"kind_{tech}"),
            "share": round(share, 4),
            "colour": fig.COLOURS[tech],
            "text": Both(
                *(f"{u.energy(generation[tech]).of(lang)} ({u.percent(share).of(lang)})" for lang in LANGUAGES)
            ),
        }
        for tech, share in shares.items()
    ]


def tiles(content: Content) -> list[dict[str, Any]]:
    """Return the six figures of the first screen, each with its section."""
    return [
        _tile_absorbed(content),
        _tile_curtailment(content),
        _tile_unserved(content),
        _tile_loading(content),
        _tile_voltage(content),
        _tile_plan(content),
    ]


def _tile(key: str, section: str, value: Both, note: Both, mark: str = "") -> dict[str, Any]:
    return {"key": key, "name": word(f"tile_{key}"), "section": section, "value": value, "note": note, "mark": mark}


def _tile_absorbed(content: Content) -> dict[str, Any]:
    total = content.metrics["curtailment"]["total"]
    note = word("tile_absorbed_note", available=u.energy(total["available_gwh"]))
    return _tile("absorbed", "renewables", u.energy(total["available_gwh"] - total["gwh"]), note)


def _tile_curtailment(content: Content) -> dict[str, Any]:
    parts = content.metrics["curtailment"]
    pv, wind = u.percent(parts["pv"]["rate"]), u.percent(parts["wind"]["rate"])
    value = Both(f"{pv.zh} / {wind.zh}", f"{pv.en} / {wind.en}")
    total = parts["total"]
    note = word("tile_curtailment_note", rate=u.percent(total["rate"]), energy=u.energy(total["gwh"]))
    return _tile("curtailment", "renewables", value, note)


def _tile_unserved(content: Content) -> dict[str, Any]:
    reliability = content.metrics["reliability"]
    note = word("tile_unserved_note", hours=u.hours(reliability["unserved_hours"]))
    mark = "bad" if reliability["eens_mwh"] > 0 else "good"
    return _tile("unserved", "reliability", u.energy(reliability["eens_mwh"] / 1000), note, mark)


def _tile_loading(content: Content) -> dict[str, Any]:
    loading, worst = (
        content.metrics["network"]["loading"],
        content.metrics["network"]["worst_hours"]["highest_loading"],
    )
    note = same(u.NONE)
    if worst is not None:
        note = word(
            "tile_loading_note", name=content.branch_name(worst["name"]), time=same(u.moment(worst["time"]))
        )
    mark = "bad" if (loading["max"] or 0.0) > loading["limit"] else "good"
    return _tile("loading", "grid", u.percent(loading["max"]), note, mark)


def _tile_voltage(content: Content) -> dict[str, Any]:
    voltage = content.metrics["network"]["voltage"]
    counts = {side: same(u.fixed(voltage[f"{side}_element_hours"])) for side in ("low", "high")}
    mark = "bad" if voltage["hours_with_violation"] > 0 else "good"
    return _tile("voltage", "voltage", u.percent(voltage["rate"]), word("tile_voltage_note", **counts), mark)


def _tile_plan(content: Content) -> dict[str, Any]:
    counts = {key: same(value) for key, value in plan_counts(content).items()}
    value = word("tile_plan_value", met=counts["met"], judged=counts["judged"])
    return _tile("plan", "plan", value, word("tile_plan_note", others=counts["others"]))


def plan_counts(content: Content) -> dict[str, int]:
    """Return how many published targets there are, can be judged, and are met."""
    verdicts = [row["met"] for row in content.metrics["plan"]]
    judged = sum(verdict is not None for verdict in verdicts)
    met = sum(verdict is True for verdict in verdicts)
    return {"all": len(verdicts), "judged": judged, "met": met, "others": len(verdicts) - judged}


def _plan_summary(content: Content) -> Both:
    counts = {key: same(value) for key, value in plan_counts(content).items() if key != "others"}
    return word("plan_summary", **counts)


def _causes(content: Content) -> Pairs:
    """Return curtailment by cause, empty when the run did not separate causes."""
    causes = content.metrics["curtailment"]["by_cause"]
    if set(causes) == {"not_attributed"}:
        return []
    return [(reason_text(cause), u.energy(part["gwh"])) for cause, part in causes.items()]


def _demand_response(content: Content) -> Pairs:
    use = content.metrics["demand_response"]
    return [
        (word("shed_energy"), u.energy(use["shed_gwh"])),
        (word("shed_hours"), u.hours(use["shed_hours"])),
        (word("shed_max"), u.power(use["shed_max_mw"])),
        (word("shift_energy"), u.energy(use["shift_up_gwh"])),
        (word("shift_hours"), u.hours(use["shift_hours"])),
    ]


def _legend() -> list[dict[str, Any]]:
    starts = [start for start, _ in LOADING_STEPS]
    ends = [*starts[1:], None]
    texts = [
        f"> {start:.0%}" if end is None else f"{start:.0%}–{end:.0%}"
        for start, end in zip(starts, ends, strict=True)
    ]
    return [{"colour": colour, "text": text} for (_, colour), text in zip(LOADING_STEPS, texts, strict=True)]


def _losses(content: Content) -> Pairs:
    network = content.metrics["network"]
    losses, balance = network["losses"], network["balance"]
    return [
        (word("losses_gwh"), u.energy(losses["gwh"])),
        (word("losses_share"), u.percent(losses["share_of_generation"])),
        (word("losses_max"), u.power(losses["max_mw"])),
        (word("losses_difference"), u.energy(losses["estimate_minus_ac_gwh"])),
        (word("loss_rounds"), same(network["loss_rounds"])),
        (word("mismatch"), same(_tiny(balance["max_mismatch_pu"], "pu"))),
        (word("residual"), same(_tiny(balance["ac_max_residual_mw"], "MW"))),
    ]


def _tiny(value: float | None, unit: str) -> str:
    return u.NONE if value is None else f"{value:.1e} {unit}"


def _voltage(content: Content) -> Pairs:
    voltage = content.metrics["network"]["voltage"]
    limits = [
        (word("voltage_limits", level=same(level)), same(f"{band['low']:g} – {band['high']:g} pu"))
        for level, band in voltage["limits_pu"].items()
    ]
    return [
        (word("voltage_rate"), u.percent(voltage["rate"])),
        (word("voltage_rate_weighted"), u.percent(voltage["load_weighted_rate"])),
        (word("hours_with_violation"), u.hours(voltage["hours_with_violation"])),
        *limits,
    ]


def _reliability(content: Content) -> Pairs:
    reliability = content.metrics["reliability"]
    percent = reliability["bulk_equivalent_reliability_percent"]
    return [
        (word("eens"), u.energy(reliability["eens_mwh"] / 1000)),
        (word("unserved_hours"), u.hours(reliability["unserved_hours"])),
        (word("bulk_reliability"), u.percent(None if percent is None else percent / 100)),
        (word("bulk_outage"), same(f"{u.significant(reliability['bulk_equivalent_outage_h'])} h")),
        (word("below_minimum"), u.hours(reliability["coal_below_minimum_hours"])),
    ]


def _cost(content: Content) -> Pairs:
    cost, emissions = content.metrics["cost"], content.metrics["emissions"]
    return [
        (word("cost_operating"), u.money(cost["operating_cny"])),
        (word("cost_per_mwh"), _per_mwh(cost["operating_cny_per_mwh"])),
        (word("cost_penalty"), u.money(cost["penalty_cny"])),
        (word("mean_price"), _per_mwh(cost["mean_price_cny_per_mwh"])),
        (word("co2_total"), u.mass(emissions["co2_t"])),
        (word("coal_total"), u.mass(emissions["coal_tce"])),
        (word("co2_intensity"), same(f"{u.significant(emissions['co2_kg_per_mwh'])} kg/MWh")),
    ]


def _per_mwh(value: float | None) -> Both:
    return Both(f"{u.significant(value)} 元/MWh", f"CNY {u.significant(value)}/MWh")


def _run_facts(content: Content) -> Pairs:
    total_s = sum(content.info["timings_s"].values())
    facts = [
        (word("scenario"), same(content.info["scenario"])),
        (word("run"), same(content.info["run_hash"])),
        (word("created"), same(u.moment(content.info["created"]))),
        (word("seed"), same(content.info["seed"])),
        (word("duration_total"), same(f"{total_s:.1f} s")),
    ]
    return (
        facts
        if content.record.step_h >= 1
        else [*facts, (word("shown_hourly"), same(f"{content.record.step_h:g} h"))]
    )
