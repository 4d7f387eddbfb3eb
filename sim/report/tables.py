"""A run → the tables of the page: cells that read well in both languages and still sort as numbers.

A cell carries what is shown and what is sorted by. Columns whose unit differs by language say so in their head.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sim.report import units as u
from sim.report.content import BASES, TECHS, Content
from sim.report.phrases import PLAN, reason_text, target_unit
from sim.report.units import Both, same
from sim.report.words import word

RENEWABLES = ("wind", "pv")
SHORT = 8
"""Length of a text that is not broken, Chinese characters."""
CONFIDENCES = ("published", "derived", "assumed")


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


def all_tables(content: Content) -> dict[str, Table]:
    """Return every table of the page by name; one without rows is there and empty."""
    makers: tuple[Callable[[Content], Table], ...] = (
        balance, technologies, curtailment, bases, counties, plants, channels, storages, branches, buses,
        status, failures, plan, costs, emissions, evidence, repairs, sizing, left_overloaded, left_out,
        network_warnings, sources, worst_hours, settings, versions, timings, hashes,
    )  # fmt: skip
    return {table.name: table for table in (make(content) for make in makers)}


# --- energy -----------------------------------------------------------------------------------------------------


def balance(content: Content) -> Table:
    """Return sources and uses by month; columns that are zero all year are left out."""
    monthly = content.monthly_gwh
    kinds = [kind for kind in monthly.columns if kind in TECHS or monthly[kind].abs().sum() > 0]
    rows = [
        (label(str(month)), *(energy(float(value)) for value in row[kinds])) for month, row in monthly.iterrows()
    ]
    total = monthly[kinds].sum()
    foot = (label(word("sum")), *(energy(float(value)) for value in total))
    heads = (text_head("month"), *(energy_head(f"kind_{kind}") for kind in kinds))
    return Table("balance", heads, tuple(rows), (foot,))


def technologies(content: Content) -> Table:
    """Capacity, generation and full-load hours by technology."""
    generation, gross = (
        content.metrics["energy_gwh"]["generation"],
        content.metrics["energy_gwh"]["generation_gross"],
    )
    hours = content.metrics["utilisation"]["full_load_hours"]["by_tech"]
    rows = [
        (
            label(word(f"kind_{tech}")),
            power(content.capacity_mw(tech)),
            energy(gross[tech]),
            energy(generation[tech]),
            plain(hours[tech]),
        )
        for tech in TECHS
    ]
    total = (
        label(word("sum")),
        power(content.capacity_mw(*TECHS)),
        energy(gross["total"]),
        energy(generation["total"]),
    )
    heads = (
        text_head("technology"),
        power_head("capacity"),
        energy_head("gross"),
        energy_head("net"),
        hours_head("full_load_hours"),
    )
    return Table("technologies", heads, tuple(rows), ((*total, label("")),))


def _absorption_heads(first: str) -> tuple[Head, ...]:
    return (
        text_head(first),
        power_head("capacity"),
        energy_head("available"),
        energy_head("accepted"),
        energy_head("curtailed"),
        unit_head("curtailment_rate", "%"),
        hours_head("full_load_hours"),
    )


def _absorption(name: Both, capacity_mw: float, part: Mapping[str, Any], hours: float | None) -> tuple[Cell, ...]:
    """Return the cells of one group of wind or PV with its full-load hours."""
    accepted = part["available_gwh"] - part["gwh"]
    figures = (energy(part["available_gwh"]), energy(accepted), energy(part["gwh"]))
    return (label(name), power(capacity_mw), *figures, rate(part["rate"]), plain(hours))


def curtailment(content: Content) -> Table:
    """Available, accepted and curtailed energy by technology, with 利用率 on both official bases."""
    metrics = content.metrics
    both_bases = (metrics["utilisation"]["all_causes"], metrics["utilisation"]["system_causes"])
    hours = metrics["utilisation"]["full_load_hours"]["by_tech"]
    rows = [
        (
            *_absorption(
                word(f"kind_{tech}"), content.capacity_mw(tech), metrics["curtailment"][tech], hours[tech]
            ),
            *(rate(basis[tech]) for basis in both_bases),
        )
        for tech in RENEWABLES
    ]
    total = _absorption(word("sum"), content.capacity_mw(*RENEWABLES), metrics["curtailment"]["total"], None)
    foot = (*total, *(rate(basis["total"]) for basis in both_bases))
    heads = (
        *_absorption_heads("technology"),
        unit_head("utilisation_all", "%"),
        unit_head("utilisation_system", "%"),
    )
    return Table("curtailment", heads, tuple(rows), (foot,))


def counties(content: Content) -> Table:
    """Wind and PV by county."""
    rows, hours = [], content.metrics["utilisation"]["full_load_hours"]["by_county"]
    for county, parts in content.metrics["curtailment"]["by_county"].items():
        for tech in RENEWABLES:
            capacity = content.capacity_mw(tech, county=county)
            if capacity > 0:
                cells = _absorption(content.county_name(county), capacity, parts[tech], hours[county][tech])
                rows.append((cells[0], label(word(f"kind_{tech}")), *cells[1:]))
    heads = _absorption_heads("county")
    return Table("counties", (heads[0], text_head("technology"), *heads[1:]), tuple(rows), search=True)


def bases(content: Content) -> Table:
    """Return the bases of Weining and Hezhang that the plan names."""
    found = counties(content)
    names = {content.county_name(county).zh for county in BASES}
    return Table("bases", found.heads, tuple(row for row in found.rows if row[0].text.zh in names))


def plants(content: Content) -> Table:
    """Every plant in service."""
    by_plant = content.metrics["curtailment"]["by_plant"]
    hours = content.metrics["utilisation"]["full_load_hours"]["by_plant"]
    generated = content.energy_gwh("plants", "generation_mw")
    rows = []
    for name, plant in content.static["plants"].items():
        part = by_plant.get(name, {"available_gwh": None, "gwh": None, "rate": None})
        rows.append(
            (
                label(content.name_of(plant, name)),
                label(word(f"kind_{plant['tech']}")),
                label(content.county_name(plant["county"])),
                power(plant["capacity_mw"]),
                energy(generated[name]),
                energy(part["available_gwh"]),
                small_energy(part["gwh"]),
                rate(part["rate"]),
                plain(hours[name]),
                label(word(f"confidence_{plant['confidence']}"), plant["confidence"]),
            )
        )
    heads = (
        text_head("plant"), text_head("technology"), text_head("county"), power_head("capacity"),
        energy_head("net"), energy_head("available"), small_energy_head("curtailed"),
        unit_head("curtailment_rate", "%"), hours_head("full_load_hours"), text_head("confidence"),
    )  # fmt: skip
    return Table("plants", heads, tuple(rows), search=True)


def channels(content: Content) -> Table:
    """Return what each export channel sent out, beside its contract (from the hourly file)."""
    sent, contract = content.energy_gwh("plants", "export_mw"), content.energy_gwh("plants", "contract_mw")
    rows = [
        (
            label(content.name_of(row, name)),
            power(row["limit_mw"]),
            energy(contract.get(name)),
            energy(sent.get(name)),
        )
        for name, row in content.static["channels"].items()
        if name in sent
    ]
    heads = (text_head("channel"), power_head("limit"), energy_head("contract"), energy_head("sent_out"))
    return Table("channels", heads, tuple(rows))


def storages(content: Content) -> Table:
    """Use of every storage."""
    use = content.metrics["storage"]["by_storage"]
    rows = [
        (
            label(content.name_of(row, name)),
            label(name),
            label(word(f"storage_{row['kind']}")),
            power(row["power_mw"]),
            small_energy(row["energy_mwh"] / 1000),
            small_energy(use[name]["charge_gwh"]),
            small_energy(use[name]["discharge_gwh"]),
            plain(use[name]["cycles"], 1),
            label(word(f"confidence_{row['confidence']}"), row["confidence"]),
        )
        for name, row in content.static["storages"].items()
    ]
    total = content.metrics["storage"]
    blank = label("")
    foot = (
        label(word("sum")), blank, blank, blank, blank, small_energy(total["charge_gwh"]),
        small_energy(total["discharge_gwh"]), plain(total["cycles"], 1), blank,
    )  # fmt: skip
    heads = (
        text_head("storage"), text_head("id"), text_head("storage_kind"), power_head("power"),
        small_energy_head("content"),
        small_energy_head("charged"), small_energy_head("discharged"), Head(word("cycles")),
        text_head("confidence"),
    )  # fmt: skip
    return Table("storages", heads, tuple(rows), (foot,) if rows else ())


# --- network ----------------------------------------------------------------------------------------------------


def branches(content: Content) -> Table:
    """All lines and transformers, the most loaded first."""
    loading = content.metrics["network"]["loading"]
    by_branch = sorted(loading["by_branch"].items(), key=lambda item: -(item[1]["max"] or 0.0))
    rows = [_branch_row(content, name, figures, loading["limit"]) for name, figures in by_branch]
    heads = (
        text_head("element"), text_head("id"), unit_head("voltage_level", "kV"), text_head("confidence"),
        unit_head("loading_max", "%"), unit_head("loading_p99", "%"), unit_head("loading_mean", "%"),
        hours_head("overloaded_hours"), text_head("time_of_max"),
    )  # fmt: skip
    return Table("branches", heads, tuple(rows), search=True, picks=tuple(name for name, _ in by_branch))


def _branch_row(content: Content, name: str, figures: Mapping[str, Any], limit: float) -> tuple[Cell, ...]:
    row = content.static["branches"][name]
    confidence = row.get("confidence", "assumed")
    over = "bad" if (figures["max"] or 0.0) > limit else ""
    return (
        label(content.branch_name(name)),
        label(name),
        plain(content.branch_kv(name)),
        label(word(f"confidence_{confidence}"), confidence),
        number(u.fixed(_times_100(figures["max"]), 1), figures["max"], over),
        number(u.fixed(_times_100(figures["p99"]), 1), figures["p99"]),
        number(u.fixed(_times_100(figures["mean"]), 1), figures["mean"]),
        plain(figures["overloaded_hours"], 0, over),
        label(u.moment(figures["time_of_max"])),
    )


def _times_100(value: float | None) -> float | None:
    return None if value is None else 100 * value


def buses(content: Content) -> Table:
    """Return the voltage of every bus that is judged."""
    rows = []
    for name, figures in content.metrics["network"]["voltage"]["by_bus"].items():
        bus = content.static["buses"][name]
        outside = figures["low_hours"] + figures["high_hours"] > 0
        rows.append(
            (
                label(content.name_of(bus, name)),
                label(name),
                plain(bus["vn_kv"]),
                label(content.county_name(bus.get("county", ""))),
                plain(figures["min_pu"], 4),
                plain(figures["max_pu"], 4),
                plain(figures["low_hours"], 0, "bad" if figures["low_hours"] else ""),
                plain(figures["high_hours"], 0, "bad" if figures["high_hours"] else ""),
                rate(figures["rate"], "bad" if outside else ""),
            )
        )
    heads = (
        text_head("bus"), text_head("id"), unit_head("voltage_level", "kV"), text_head("county"),
        unit_head("voltage_min", "pu"), unit_head("voltage_max", "pu"), hours_head("too_low"),
        hours_head("too_high"), unit_head("compliance", "%"),
    )  # fmt: skip
    return Table("buses", heads, tuple(rows), search=True)


def status(content: Content) -> Table:
    """How the hours of the power flow ended."""
    rows = [
        (label(reason_text(row["sentence"])), plain(row["hours"]))
        for row in content.metrics["network"]["by_status"].values()
        if row["hours"] > 0
    ]
    return Table("status", (text_head("status"), hours_head("hours")), tuple(rows))


def failures(content: Content) -> Table:
    """Return the hours that were not solved plainly."""
    rows = [
        (label(u.moment(row["time"])), label(reason_text(row["message"])))
        for row in content.metrics["network"]["messages"]
    ]
    return Table("failures", (text_head("time"), text_head("what_is_known")), tuple(rows))


WORST_UNITS: dict[str, Callable[[float | None], Both]] = {
    "mw": u.power,
    "loading": u.percent,
    "vm_pu": lambda value: same(f"{u.fixed(value, 4)} pu"),
}


def worst_hours(content: Content) -> Table:
    """Return the hours that an engineer looks at first."""
    rows = []
    for key, found in content.metrics["network"]["worst_hours"].items():
        if found is None or found.get("mw") == 0:
            continue
        unit = next(name for name in WORST_UNITS if name in found)
        where = content.element_name(found["name"]) if "name" in found else same("")
        value = number(WORST_UNITS[unit](found[unit]), None)
        rows.append((label(word(f"worst_{key}")), label(u.moment(found["time"])), value, label(where)))
    heads = (text_head("worst"), text_head("time"), Head(word("value")), text_head("element"))
    return Table("worst_hours", heads, tuple(rows))


# --- plan, cost, emissions --------------------------------------------------------------------------------------


def plan(content: Content) -> Table:
    """Every published target beside the simulation, those that can be judged first."""
    order = {False: 0, True: 1, None: 2}
    rows = [_plan_row(row) for row in sorted(content.metrics["plan"], key=lambda row: order[row["met"]])]
    heads = (
        text_head("plan_verdict"), text_head("plan_quantity"), Head(word("plan_target")), Head(word("plan_value")),
        text_head("unit"), text_head("plan_quote"), text_head("plan_reason"),
    )  # fmt: skip
    return Table("plan", heads, tuple(rows), search=True)


def _plan_row(row: Mapping[str, Any]) -> tuple[Cell, ...]:
    verdict = {True: "met", False: "missed", None: "not_judged"}[row["met"]]
    marks = {True: "good", False: "bad", None: "quiet"}
    region = f"{row['region']}, {row['year']}" if row["year"] else row["region"]
    unit, factor = target_unit(row["unit"] or "")
    bound = {"min": "≥ ", "max": "≤ ", "about": "≈ "}.get(row["bound"], "")
    return (
        label(word(f"plan_{verdict}"), marks[row["met"]]),
        label(Both(PLAN.get(row["key"], row["wording"]), f"{row['quantity']} ({region})")),
        _in_target_unit(row["target"], factor, bound),
        _in_target_unit(row["value"], factor, ""),
        label(unit),
        label(f"“{row['wording']}” — {row['source']}"),
        label(reason_text(row["reason"])),
    )


def _in_target_unit(value: float | None, factor: float, bound: str) -> Cell:
    if value is None:
        return number(u.NONE, None)
    return number(Both(bound + target_number(value * factor), bound + target_number(value)), value)


def target_number(value: float) -> str:
    """Return the value of a target as planning documents write it: 99.915, 13,000, 7.45."""
    return f"{value:,.5g}" if abs(value) < 1000 else u.fixed(value, 0)


def costs(content: Content) -> Table:
    """Return the parts of the cost; penalties are prices of the model."""
    cost = content.metrics["cost"]
    rows = [
        (label(word(f"cost_{name}")), number(u.money(value), value))
        for name, value in cost["parts_cny"].items()
        if abs(value) >= 1.0
    ]
    foot = tuple(
        (label(word(f"cost_{name}")), number(u.money(cost[f"{name}_cny"]), None))
        for name in ("operating", "penalty", "total")
    )
    return Table("costs", (text_head("cost_part"), Head(word("amount"))), tuple(rows), foot)


def emissions(content: Content) -> Table:
    """CO2 and coal by plant."""
    rows = [
        (
            label(content.name_of(content.static["plants"][name], name)),
            plain(row["co2_t"] / 1e4, 1),
            plain(row["coal_tce"] / 1e4, 1),
            plain(content.metrics["utilisation"]["starts_by_plant"].get(name)),
        )
        for name, row in content.metrics["emissions"]["by_plant"].items()
    ]
    total = content.metrics["emissions"]
    foot = (label(word("sum")), plain(total["co2_t"] / 1e4, 1), plain(total["coal_tce"] / 1e4, 1), label(""))
    ten_kt = Both("万吨", "10 kt")
    heads = (text_head("plant"), Head(word("co2"), ten_kt), Head(word("coal_tce"), ten_kt), Head(word("starts")))
    return Table("emissions", heads, tuple(rows), (foot,))


# --- where it comes from ----------------------------------------------------------------------------------------


def evidence(content: Content) -> Table:
    """How much of the network is published, derived and assumed."""
    rows = []
    for row in content.info["network"]["evidence"]:
        total = sum(row[name] for name in CONFIDENCES)
        shares = (rate(row[name] / total if total else None) for name in CONFIDENCES)
        rows.append((label(reason_text(row["what"])), plain(total), *shares))
    heads = (
        text_head("what"),
        Head(word("total")),
        *(unit_head(f"confidence_{name}", "%") for name in CONFIDENCES),
    )
    return Table("evidence", heads, tuple(rows))


def repairs(content: Content) -> Table:
    """Documented repairs of the weather."""
    rows = [
        (
            label(row["site"]),
            label(Both(row["finding_zh"], row["finding_en"])),
            label(Both(row["action_zh"], row["action_en"])),
            plain(row["values"]),
        )
        for row in content.info["provenance"]["weather_repairs"]
    ]
    heads = (text_head("site"), text_head("finding"), text_head("action"), Head(word("values_touched")))
    return Table("repairs", heads, tuple(rows))


def sizing(content: Content) -> Table:
    """Assumed lines that were made larger by rule."""
    rows = [
        (
            label(content.branch_name(row["line_id"])),
            label(row["line_id"]),
            label(row["before"]),
            label(row["after"]),
            label(row["reason"]),
        )
        for row in content.info["network"]["sizing_changes"]
    ]
    heads = tuple(text_head(key) for key in ("element", "id", "before", "after", "reason"))
    return Table("sizing", heads, tuple(rows))


def _sentences(name: str, sentences: Iterable[str]) -> Table:
    """Return a table of sentences."""
    return Table(name, (text_head("what"),), tuple((label(reason_text(text)),) for text in sentences), search=True)


def left_overloaded(content: Content) -> Table:
    """Elements that exceed their rating in the sizing situations and were not changed."""
    return _sentences("left_overloaded", content.info["network"]["left_overloaded"])


def left_out(content: Content) -> Table:
    """Rows of the tables that are not part of the network of the year."""
    return _sentences("left_out", content.info["network"]["left_out"])


def network_warnings(content: Content) -> Table:
    """Return what the network check found doubtful."""
    return _sentences("network_warnings", content.info["network"]["warnings"])


def sources(content: Content) -> Table:
    """Where the rows of the tables come from, the most used source first."""
    counts: dict[tuple[str, str], int] = {}
    for part in ("buses", "branches", "plants", "storages", "loads", "channels"):
        for row in content.static[part].values():
            if row.get("source"):
                key = (row["source"], row["confidence"])
                counts[key] = counts.get(key, 0) + 1
    rows = [
        (label(source), label(word(f"confidence_{confidence}"), confidence), plain(count))
        for (source, confidence), count in sorted(counts.items(), key=lambda item: -item[1])
    ]
    heads = (text_head("source"), text_head("confidence"), Head(word("elements")))
    return Table("sources", heads, tuple(rows), search=True)


# --- run facts --------------------------------------------------------------------------------------------------


def settings(content: Content) -> Table:
    """Every setting of the scenario as it was used."""
    rows = [(label(key), label(str(value))) for key, value in flat(content.info["settings"])]
    return Table("settings", (text_head("setting"), text_head("value")), tuple(rows), search=True)


def flat(tree: Any, path: str = "") -> Iterable[tuple[str, Any]]:
    """Yield the leaves of nested settings with their dotted path."""
    items: Iterable[tuple[str, Any]]
    if isinstance(tree, Mapping):
        items = tree.items()
    elif isinstance(tree, Sequence) and not isinstance(tree, str):
        items = ((str(position), value) for position, value in enumerate(tree))
    else:
        yield path, tree
        return
    for key, value in items:
        yield from flat(value, f"{path}.{key}" if path else key)


def versions(content: Content) -> Table:
    """Versions of the program and its libraries."""
    rows = [(label(name), label(value)) for name, value in content.info["versions"].items()]
    return Table("versions", (text_head("library"), text_head("version")), tuple(rows))


def timings(content: Content) -> Table:
    """Seconds by stage."""
    rows = [(label(name), plain(value, 2)) for name, value in content.info["timings_s"].items()]
    return Table("timings", (text_head("stage"), unit_head("duration", "s")), tuple(rows))


def hashes(content: Content) -> Table:
    """Fingerprints of everything the result depends on."""
    rows = [(label(name), label(value)) for name, value in content.info["hashes"].items()]
    return Table("hashes", (text_head("what"), text_head("fingerprint")), tuple(rows))
