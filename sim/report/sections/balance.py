"""Energy balance: what each source gave and where it went, by month."""

from __future__ import annotations

from sim.report.cells import (
    Table,
    energy,
    energy_head,
    hours_head,
    label,
    plain,
    power,
    power_head,
    text_head,
)
from sim.report.charts import (
    Spec,
    axis,
    bars,
    figure,
    quantity,
)
from sim.report.content import SOURCES, TECHS, USES, Content
from sim.report.section import Section
from sim.report.words import word


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


def monthly_balance(content: Content) -> Spec:
    """Return sources and uses of every month, two stacks side by side."""
    monthly = content.monthly_gwh
    traces = []
    for group, kinds in (("sources", SOURCES), ("uses", USES)):
        for kind in kinds:
            if monthly[kind].abs().sum() > 0:
                y = quantity(monthly[kind], "energy")
                traces.append(bars(kind, list(monthly.index), y, "energy", offsetgroup=group))
    return figure(traces, 400, barmode="stack", xaxis={"type": "category"}, yaxis=axis("axis_energy"))


SECTION = Section("balance", tables=(balance, technologies, channels), figures={"balance": monthly_balance})
