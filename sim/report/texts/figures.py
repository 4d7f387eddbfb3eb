"""Texts of figures: (Chinese, English) by key."""

from __future__ import annotations

WORDS: dict[str, tuple[str, str]] = {
    "figure_balance": (
        "各月电量：左柱为来源，右柱为去向，两柱等高。",
        "Energy by month: sources in the left stack, uses in the right one; both are equally high.",
    ),
    "figure_week": (
        "所选一周的逐时运行：出力堆叠、弃电（斜纹）、负荷、外送；用电合计含外送、充电与网损；下图为储能充放电与存量。",
        "The chosen week by the hour: generation stacked, curtailment hatched, load and export (all uses: with "
        "charging and losses); storage below.",
    ),
    "figure_absorbed": (
        "各月光伏与风电：已接纳与弃电（斜纹）。",
        "PV and wind by month: accepted, and curtailed (hatched).",
    ),
    "figure_renewables_duration": (
        "持续曲线：光伏与风电的可发与实发，以及弃电。",
        "Duration curves: PV and wind available and accepted, and what was curtailed.",
    ),
    "figure_residual_duration": (
        "持续曲线：负荷加外送，以及扣除风光可发后的净负荷。",
        "Duration curves: load and export, and what remains of them after available wind and PV.",
    ),
    "figure_heat": ("逐日（横轴）逐时（纵轴）图。", "Day of the period across, hour of day up."),
    "figure_county_curtailment": ("各县弃电量。", "Curtailed energy by county."),
    "figure_storage_day": ("一天中的平均充放电功率。", "Mean charge and discharge by hour of day."),
    "figure_storage_month": ("各月充放电量。", "Energy charged and discharged by month."),
    "figure_map": (
        "电网地理图：线宽与颜色表示负载率；方块为500千伏。主变画在同站两级母线之间。",
        "The grid by coordinates: width and colour show loading; squares are 500 kV. Transformers are drawn "
        "between the two levels of a station.",
    ),
    "figure_element_heat": ("所选元件：逐日逐时。", "The chosen element: hour by day."),
    "figure_element_duration": ("所选元件：持续曲线。", "The chosen element: duration curve."),
    "figure_loading_duration": (
        "负载率最高的元件的持续曲线（虚线：假设）。",
        "Loading duration curves of the most loaded elements (dashed: assumed).",
    ),
    "figure_voltage_500": (
        "500千伏母线电压：最小、四分位、最大；虚线为限值。",
        "500 kV buses: minimum, quartiles, maximum; limits dashed.",
    ),
    "figure_voltage_220": (
        "220千伏母线电压：最小、四分位、最大；虚线为限值。",
        "220 kV buses: minimum, quartiles, maximum; limits dashed.",
    ),
    "figure_plan": (
        "模拟值占目标的百分比；绿色达成，橙色未达成。",
        "Simulated value as a percentage of the target; green is met, orange is missed.",
    ),
    "figure_cost": ("各项成本。", "Parts of the cost."),
    "figure_price_duration": ("边际电价持续曲线。", "Duration curve of the marginal price."),
    "axis_energy": ("电量（亿千瓦时）", "Energy (GWh)"),
    "axis_power": ("功率（万千瓦）", "Power (MW)"),
    "axis_storage": ("储能（万千瓦）", "Storage (MW)"),
    "axis_content": ("存量（万千瓦时）", "Content (MWh)"),
    "axis_hour": ("时", "Hour"),
    "axis_share_of_hours": ("小时占比（%）", "Share of hours (%)"),
    "axis_loading": ("负载率（%）", "Loading (%)"),
    "axis_voltage": ("电压（pu）", "Voltage (pu)"),
    "axis_element": ("负载率（%）", "Loading (%)"),
    "axis_element_bus": ("电压（pu）", "Voltage (pu)"),
    "axis_of_target": ("占目标（%）", "Share of the target (%)"),
    "axis_money": ("亿元", "CNY million"),
    "axis_price": ("元/MWh", "CNY/MWh"),
    "format_day": ("%-m月%-d日", "%-d %b"),
    "format_month": ("%-m月%-d日", "%-d %b"),
    "hover_energy": ("%{x}：%{y:,.2f} 亿千瓦时", "%{x}: %{y:,.0f} GWh"),
    "hover_energy_h": ("%{y}：%{x:,.2f} 亿千瓦时", "%{y}: %{x:,.0f} GWh"),
    "hover_power": ("%{x}：%{y:,.1f} 万千瓦", "%{x}: %{y:,.0f} MW"),
    "hover_unified_power": ("%{y:,.1f} 万千瓦", "%{y:,.0f} MW"),
    "hover_unified_content": ("%{y:,.1f} 万千瓦时", "%{y:,.0f} MWh"),
    "hover_duration_power": ("%{x:.1f}% 的时间 ≥ %{y:,.1f} 万千瓦", "%{x:.1f} % of hours ≥ %{y:,.0f} MW"),
    "hover_duration_percent": ("%{x:.1f}% 的时间 ≥ %{y:.1f}%", "%{x:.1f} % of hours ≥ %{y:.1f} %"),
    "hover_duration_price": ("%{x:.1f}% 的时间 ≥ %{y:,.0f} 元/MWh", "%{x:.1f} % of hours ≥ %{y:,.0f} CNY/MWh"),
    "hover_duration_element": ("%{x:.1f}% 的时间 ≥ %{y:.1f}%", "%{x:.1f} % of hours ≥ %{y:.1f} %"),
    "hover_duration_element_bus": ("%{x:.1f}% 的时间 ≥ %{y:.4f} pu", "%{x:.1f} % of hours ≥ %{y:.4f} pu"),
    "hover_money": ("%{x:,.2f} 亿元<extra></extra>", "CNY %{x:,.1f} million<extra></extra>"),
    "hover_heat_power": (
        "%{x} %{y} 时：%{z:,.1f} 万千瓦<extra></extra>",
        "%{x} %{y} h: %{z:,.0f} MW<extra></extra>",
    ),
    "hover_heat_price": (
        "%{x} %{y} 时：%{z:,.0f} 元/MWh<extra></extra>",
        "%{x} %{y} h: %{z:,.0f} CNY/MWh<extra></extra>",
    ),
    "hover_heat_element": ("%{x} %{y} 时：%{z:.0f}%<extra></extra>", "%{x} %{y} h: %{z:.0f} %<extra></extra>"),
    "hover_heat_element_bus": (
        "%{x} %{y} 时：%{z:.3f} pu<extra></extra>",
        "%{x} %{y} h: %{z:.3f} pu<extra></extra>",
    ),
    "unit_power": ("万千瓦", "MW"),
    "unit_price": ("元/MWh", "CNY/MWh"),
    "unit_element": ("%", "%"),
    "unit_element_bus": ("pu", "pu"),
}
