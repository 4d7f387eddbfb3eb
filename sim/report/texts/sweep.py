"""Texts of the page of a sweep: (Chinese, English) by key."""

from __future__ import annotations

WORDS: dict[str, tuple[str, str]] = {
    "sweep_footer": (
        "由乌蒙（Wumeng）生成。相同的输入得到相同的页面。",
        "Made by Wumeng; equal inputs make an equal page.",
    ),
    "sweep_base": ("基准情景", "Base scenario"),
    "sweep_count": ("算例", "Cases"),
    "sweep_failed": ("失败", "Failed"),
    "sweep_axis": ("变化量", "What varies"),
    "sweep_years": ("气象年", "Weather years"),
    "sweep_case": ("算例", "Case"),
    "sweep_run": ("运行文件夹", "Run folder"),
    "sweep_message": ("原因", "Reason"),
    "sweep_band": (
        "线为各气象年的中位数，竖线为 P10–P90。",
        "Lines are medians over the weather years, bars reach from P10 to P90.",
    ),
    "sweep_lines_left_out": (
        "图中只画了前 {shown} 条线（共 {all} 条）；其余见表。",
        "The figures show the first {shown} of {all} lines; the others are in the table.",
    ),
    "sweep_all_failed": ("没有一个算例成功，因此没有图。", "No case succeeded, so there are no figures."),
    "section_sweep_figures": ("指标随变量的变化", "Figures over what varies"),
    "section_sweep_cases": ("全部算例", "All cases"),
    "section_sweep_failures": ("失败的算例", "Cases that failed"),
    "table_sweep_cases": ("逐个算例", "Case by case"),
    "table_sweep_failures": ("失败原因", "Why they failed"),
    "table_sweep_axes": ("变化量与取值", "What varies, and its values"),
    "sweep_values": ("取值", "Values"),
    "rate_total": ("新能源弃电率", "Curtailment rate of wind and PV"),
    "figure_sweep_rate_total": ("新能源弃电率。", "Curtailment rate of wind and PV."),
    "figure_sweep_rate_pv": ("弃光率。", "Curtailment rate of PV."),
    "figure_sweep_rate_wind": ("弃风率。", "Curtailment rate of wind."),
    "figure_sweep_kind_curtailed": ("弃电量。", "Energy curtailed."),
    "figure_sweep_kind_pv": ("光伏上网电量。", "PV generation."),
    "figure_sweep_kind_wind": ("风电上网电量。", "Wind generation."),
    "figure_sweep_cost_operating": ("运行成本。", "Operating cost."),
    "figure_sweep_co2_total": ("二氧化碳排放。", "Emissions of CO₂."),
    "figure_sweep_eens": ("失负荷电量。", "Energy unserved."),
    "figure_sweep_loading_max": ("最高负载率。", "Highest loading."),
    "axis_percent": ("%", "%"),
    "axis_mass": ("万吨", "kt"),
}
