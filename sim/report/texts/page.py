"""Texts of the frame of the page: (Chinese, English) by key."""

from __future__ import annotations

WORDS: dict[str, tuple[str, str]] = {
    "program": ("乌蒙 Wumeng", "Wumeng"),
    "skip": ("跳到正文", "Skip to the content"),
    "sections": ("目录", "Sections"),
    "switch_language": ("切换到英文", "Switch to Chinese"),
    "switch_theme": ("深色或浅色", "Dark or light"),
    "print": ("打印", "Print"),
    "filter": ("筛选…", "Filter…"),
    "colon": ("：", ": "),
    "empty": ("本次运行没有数据。", "this run has no data for it."),
    "footer": (
        "由乌蒙（Wumeng）生成，模拟完成于 {created}。时间均为北京时间（UTC+8），时刻为时段起点。",
        "Made by Wumeng; simulated {created}. All times are UTC+08:00 and label the start of their interval.",
    ),
    "section_overview": ("总览", "Overview"),
    "section_balance": ("电量平衡", "Energy balance"),
    "section_dispatch": ("调度运行", "Dispatch"),
    "section_renewables": ("新能源消纳", "Wind and PV"),
    "section_causes": ("弃电原因", "Causes of curtailment"),
    "section_storage": ("储能与需求响应", "Storage and demand response"),
    "section_grid": ("电网潮流", "The grid"),
    "section_voltage": ("电压", "Voltages"),
    "section_reliability": ("可靠性", "Reliability"),
    "section_plan": ("规划目标", "Plan targets"),
    "section_cost": ("成本与排放", "Cost and emissions"),
    "section_assumptions": ("假设与数据来源", "Assumptions and sources"),
    "section_facts": ("运行信息", "About this run"),
}
