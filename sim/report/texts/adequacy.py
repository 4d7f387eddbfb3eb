"""Texts of the adequacy section: (Chinese, English) by key."""

from __future__ import annotations

WORDS: dict[str, tuple[str, str]] = {
    "section_adequacy": ("充裕性评估", "Adequacy"),
    "adequacy_missing": (
        "本次运行尚未做充裕性评估（机组、线路与主变随机停运）。先后执行 "
        "python simulate.py adequacy {scenario} --level network --out 运行目录 与 "
        "python simulate.py report 运行目录，结果补入本页。",
        "Adequacy under random outages of units and circuits has not been studied for this run. To add it to this "
        "page: python simulate.py adequacy {scenario} --level network --out RUN_FOLDER, then python simulate.py "
        "report RUN_FOLDER",
    ),
    "adequacy_scope_copper": (
        "机组随机停运的序贯蒙特卡洛模拟，全区为单节点：{years} 年，每年 {hours} 小时，"
        "气象年 {weathers} 个，种子 {seed}。",
        "Sequential simulation of random outages of units, the region as one node: {years} years of {hours} h, "
        "{weathers} weather years, seed {seed}.",
    ),
    "adequacy_scope_network": (
        "机组、线路与主变随机停运的序贯蒙特卡洛模拟，直流潮流切负荷：{years} 年，每年 {hours} 小时，"
        "气象年 {weathers} 个，种子 {seed}。",
        "Sequential simulation of random outages of units, lines and transformers with DC load shedding: {years} "
        "years of {hours} h, {weathers} weather years, seed {seed}.",
    ),
    "adequacy_equivalents": (
        "可靠率与停电时间为输电层面等效值（失负荷电量/平均负荷），不是用户口径，仅与规划值并列。",
        "Reliability and outage time are transmission-level equivalents (energy unserved / mean load), no customer "
        "figures; they only stand beside the plan's.",
    ),
    "adequacy_none": (
        "{years} 年中 0 年出现失负荷：以 95 % 置信度，出现失负荷的年份占比低于 {bound}（3/N 法则）。",
        "0 of {years} years were short: with 95 % confidence, less than {bound} of years (rule of three).",
    ),
    "adequacy_rates": (
        "停运参数并非公开值：{rates}。线路多为假定，限制作用不能视为实际电网的结论。",
        "Outage rates that are not published: {rates}. Most lines are assumed: a branch that limits is no finding "
        "about the real grid.",
    ),
    "adequacy_years": ("出现失负荷的年份", "Years with shortage"),
    "adequacy_plan_supply_reliability": ("规划供电可靠率（用户口径）", "Plan: supply reliability of customers"),
    "adequacy_plan_customer_outage_time": ("规划用户平均停电时间", "Plan: outage time of customers"),
    "adequacy_index": ("指标（每年）", "Index, per year"),
    "adequacy_estimate": ("估计值", "Estimate"),
    "adequacy_error": ("标准误差", "Standard error"),
    "adequacy_exact": ("解析值", "Exact"),
    "adequacy_one_node": ("单节点", "One node"),
    "adequacy_lole_days": ("LOLE 失负荷天数，d", "LOLE, days"),
    "adequacy_lolh_h": ("LOLH 失负荷小时，h", "LOLH, h"),
    "adequacy_eue_mwh": ("EUE 失负荷电量，MWh", "EUE, MWh"),
    "adequacy_neue_ppm": ("NEUE，百万分之", "NEUE, ppm of demand"),
    "adequacy_lolf": ("LOLF 失负荷次数", "LOLF, spells"),
    "adequacy_duration_h": ("平均持续时间，h", "Mean duration, h"),
    "adequacy_storage_mwh": ("储能补供电量，MWh", "Energy from storage, MWh"),
    "adequacy_response_mwh": ("需求响应电量，MWh", "Demand response, MWh"),
    "adequacy_export_cut_mwh": ("削减外送电量，MWh", "Export not delivered, MWh"),
    "adequacy_place": ("地点", "Place"),
    "adequacy_unserved": ("失负荷电量", "Energy unserved"),
    "adequacy_short": ("失负荷小时", "Hours of shortage"),
    "adequacy_branch": ("支路", "Branch"),
    "adequacy_plants": ("电源", "Plants"),
    "adequacy_capacity": ("装机", "Capacity"),
    "adequacy_credit": ("可信容量", "Credit"),
    "adequacy_low": ("95 % 下限", "95 % from"),
    "adequacy_high": ("95 % 上限", "95 % to"),
    "table_adequacy_indices": ("充裕性指标", "Indices of adequacy"),
    "table_adequacy_counties": ("分县区失负荷（每年）", "Shortage by county, per year"),
    "table_adequacy_buses": ("失负荷最多的母线（每年）", "Buses with most unserved energy, per year"),
    "table_adequacy_limiting": ("失负荷时起限制作用的支路（每年）", "Branches that limit in shortage, per year"),
    "table_adequacy_credits": ("容量可信度", "Capacity credit"),
}
