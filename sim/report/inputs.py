"""What people see of the inputs: tables of weather and network on the terminal, a page of weather curves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots
from rich.console import Console
from rich.table import Table

from grid.checks import NetworkReport
from grid.model import FlowResult, GridModel
from profiles.inspect import Inspection

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
"""Okabe & Ito's palette: told apart by colour-blind readers."""


def _say(lang: str, chinese: str, english: str) -> str:
    return chinese if lang == "zh" else english


# --- weather ---


def print_inspection(found: Inspection, lang: str, console: Console) -> None:
    """Print origin, monthly values, statistics, repairs and suspicious hours of each site."""
    for number, site in enumerate(found.sites):
        console.print(f"[bold]{site}[/bold]  {found.origin[number]}")
        console.print(_months(found, number, lang))
        console.print(_statistics(found, number, lang))
    for repair in found.repairs:
        finding, action = (
            (repair.finding_zh, repair.action_zh) if lang == "zh" else (repair.finding_en, repair.action_en)
        )
        console.print(f"{_say(lang, '修正', 'Repaired')}  {repair.site}: {finding} → {action} ({repair.values})")
    for item in found.suspicions:
        what = item.what_zh if lang == "zh" else item.what_en
        console.print(
            f"{_say(lang, '可疑', 'Suspicious')}  {item.site}: {what}, {item.hours} h, {item.first[0]:%F %H:%M}"
        )
    if not found.suspicions:
        console.print(_say(lang, "未发现可疑时刻。", "No suspicious hours."))


def _months(found: Inspection, number: int, lang: str) -> Table:
    table = Table(show_edge=False, pad_edge=False)
    for heading in (
        _say(lang, "月", "month"),
        _say(lang, "辐照 kWh/m²", "GHI kWh/m²"),
        _say(lang, "气温 °C", "temperature °C"),
        _say(lang, "山脊风速 m/s", "ridge wind m/s"),
        _say(lang, "覆冰 h", "iced h"),
    ):
        table.add_column(heading, justify="right")
    columns = (found.ghi_kwh_m2, found.temp_mean_c, found.wind_mean_ms, found.iced_h)
    for row, month in enumerate(found.months):
        table.add_row(
            str(month), *(f"{column[row, number]:.{d}f}" for column, d in zip(columns, (1, 1, 2, 0), strict=True))
        )
    table.add_section()
    table.add_row(
        _say(lang, "合计", "all"),
        f"{found.ghi_kwh_m2[:, number].sum():.0f}",
        f"{found.temp_mean_c[:, number].mean():.1f}",
        f"{found.wind_mean_ms[:, number].mean():.2f}",
        f"{found.iced_h[:, number].sum():.0f}",
    )
    return table


def _statistics(found: Inspection, number: int, lang: str) -> str:
    lags = ", ".join(
        f"{lag} h {value:.2f}" for lag, value in zip(found.lag_h, found.wind_lag[:, number], strict=True)
    )
    return _say(
        lang,
        f"晴空指数标准差：逐时 {found.clearness_hour_sd[number]:.2f}，逐日 {found.clearness_day_sd[number]:.2f}；"
        f"风速自相关 {lags}",
        f"clear-sky index: hourly s.d. {found.clearness_hour_sd[number]:.2f}, daily "
        f"{found.clearness_day_sd[number]:.2f}; autocorrelation of wind {lags}",
    )


def draw_weather(found: Inspection, path: Path, lang: str) -> None:
    """Write a page with monthly values and duration curves of each site; it opens offline."""
    titles = [
        _say(lang, "月辐照 kWh/m²", "GHI by month, kWh/m²"),
        _say(lang, "月平均山脊风速 m/s", "ridge wind by month, m/s"),
        _say(lang, "月平均气温 °C", "temperature by month, °C"),
        _say(lang, "月覆冰小时 h", "iced hours by month"),
        _say(lang, "辐照持续曲线 W/m²", "GHI duration curve, W/m²"),
        _say(lang, "风速持续曲线 m/s", "wind duration curve, m/s"),
    ]
    figure = make_subplots(rows=3, cols=2, subplot_titles=titles, vertical_spacing=0.1)
    monthly = (found.ghi_kwh_m2, found.wind_mean_ms, found.temp_mean_c, found.iced_h)
    months = list(found.months)
    percent = [100 * share for share in found.share]
    for number, site in enumerate(found.sites):
        style = {"name": site, "legendgroup": site, "marker_color": COLOURS[number % len(COLOURS)]}
        for panel, values in enumerate(monthly):
            bars = go.Bar(x=months, y=values[:, number], showlegend=panel == 0, **style)
            figure.add_trace(bars, row=panel // 2 + 1, col=panel % 2 + 1)
        for panel, curve in enumerate((found.ghi_curve_wm2, found.wind_curve_ms)):
            line = go.Scatter(x=percent, y=curve[:, number], mode="lines", showlegend=False, **style)
            figure.add_trace(line, row=3, col=panel + 1)
    figure.update_layout(template="simple_white", height=900, title="; ".join(dict.fromkeys(found.origin)))
    figure.write_html(path, include_plotlyjs=True, full_html=True)


# --- network ---


def print_network(report: NetworkReport, lang: str, console: Console) -> None:
    """Print how much of the network is published, derived and assumed, and what was changed or left out."""
    table = Table(
        show_edge=False, pad_edge=False, title=_say(lang, f"{report.year} 年网架", f"Network of {report.year}")
    )
    table.add_column("")
    for heading in _say(lang, "公布 推算 假设 公布比例", "published derived assumed share").split():
        table.add_column(heading, justify="right")
    for row in report.evidence:
        amounts = (row.published, row.derived, row.assumed)
        table.add_row(row.what, *(f"{amount:,.0f}" for amount in amounts), f"{100 * row.published_share:.1f} %")
    console.print(table)
    for change in report.sizing_changes:
        console.print(f"{_say(lang, '按容量配置', 'Sized')}  {change}", soft_wrap=True)
    for overload in report.left_overloaded:
        console.print(f"{_say(lang, '仍过载', 'Left overloaded')}  {overload}", soft_wrap=True)
    for item in report.left_out:
        console.print(f"{_say(lang, '未投入', 'Left out')}  {item}", soft_wrap=True)
    for warning in report.warnings:
        console.print(f"{_say(lang, '注意', 'Note')}  {warning}", soft_wrap=True)


SAME_PU = 1e-7
"""Voltages that differ by more are not the same solution."""


def print_snapshot(
    model: GridModel, flow: FlowResult, hour: int, reference: FlowResult, stamp: str, console: Console
) -> None:
    """Print voltages, most loaded branches and losses of an hour, and how far pandapower is from them."""
    order = np.argsort(-flow.loading[hour])[:10]
    current_ka = flow.current_ka(model)[0][hour]
    table = Table(show_edge=False, pad_edge=False, title=f"{stamp}  负载率最高 most loaded")
    for heading in ("", "P MW", "Q Mvar", "I kA", "%"):
        table.add_column(heading, justify="left" if not heading else "right")
    for branch in order:
        table.add_row(
            model.branches[branch],
            f"{flow.p_from_mw[hour, branch]:.1f}",
            f"{flow.q_from_mvar[hour, branch]:.1f}",
            f"{current_ka[branch]:.3f}",
            f"{100 * flow.loading[hour, branch]:.1f}",
        )
    console.print(table)
    low, high = int(np.nanargmin(flow.vm_pu[hour])), int(np.nanargmax(flow.vm_pu[hour]))
    console.print(
        f"V {flow.vm_pu[hour, low]:.4f} pu ({model.buses[low]}) – "
        f"{flow.vm_pu[hour, high]:.4f} pu ({model.buses[high]}); "
        f"网损 losses {flow.loss_mw[hour]:.2f} MW; 平衡节点 slack {flow.slack_mw[hour].sum():+.3f} MW; "
        f"失配 mismatch {flow.mismatch_pu[hour]:.1e} pu"
    )
    apart = np.nanmax(np.abs(flow.vm_pu[hour] - reference.vm_pu[0]))
    console.print(
        f"pandapower.runpp: |ΔV| ≤ {apart:.1e} pu, "
        f"|Δθ| ≤ {np.nanmax(np.abs(flow.va_deg[hour] - reference.va_deg[0])):.1e}°"
    )
    if apart > SAME_PU:
        ours, theirs = flow.control_mvar[hour], reference.control_mvar[0]
        most = int(np.nanargmax(np.abs(ours - theirs)))
        bus = model.buses[model.control_bus[most]]
        console.print(
            f"无功相差最大 largest difference in reactive power: {bus} {ours[most]:.2f}, "
            f"pandapower {theirs[most]:.2f} Mvar; "
            "其机组到限后不再恢复 it never releases a generator that reached a limit"
        )
