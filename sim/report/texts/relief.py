"""Texts of what would help against curtailment: (Chinese, English) by key."""

from __future__ import annotations

WORDS: dict[str, tuple[str, str]] = {
    "relief_title": ("减少弃电的措施 · {scenario}", "What would reduce curtailment · {scenario}"),
    "relief_base": (
        "基准弃电 {lost}（弃电率 {rate}），{hours}。",
        "Base: {lost} curtailed ({rate} of what was available) in {hours}.",
    ),
    "relief_best": (
        "单步效果最大：{measure}，多消纳 {recovered}（占弃电 {share}），节省运行成本 {saved}。",
        "Most by one step: {measure}, which recovers {recovered} ({share} of the curtailment) and saves {saved}.",
    ),
    "relief_nothing": ("没有弃电，无措施可比。", "Nothing is curtailed: there is nothing to recover."),
    "relief_note": (
        "一个步长：储能10万千瓦/20万千瓦时，柔性负荷（电解槽）10万千瓦，限额10万千瓦，煤电最小出力5个百分点，"
        "可转移负荷1个百分点，外送可调范围10万千瓦。每项措施在同样的天气与网损下对全时段重新调度；步长大小相同而造价不同，投资未计入。"
        "柔性负荷按超合同外送的价格付费。效果不可相加。",
        "One step is: storage 100 MW/200 MWh, flexible load (electrolyser) 100 MW, rating 100 MW, coal minimum "
        "5 points, movable load 1 point, export band 100 MW. Each is dispatched anew for the whole period with the "
        "same weather and losses. Steps are alike in size, not in cost to build; investment is not counted. "
        "Flexible load pays what export above the contract pays. Effects do not add up.",
    ),
    "relief_assumed": (
        "网架多为假设：在假设线路上扩容的效果不是对实际电网的结论。",
        "Most of the network is assumed: what the upgrade of an assumed line brings is no finding about the real "
        "grid.",
    ),
    "relief_left_out": (
        "另有 {count} 个母线或元件未逐一试算（--most 可增加）。",
        "Buses and elements that were candidates and not tried: {count} (raise it with --most).",
    ),
    "section_relief": ("措施对比", "Measures compared"),
    "figure_relief": ("各措施一个标准步长多消纳的电量。", "Energy recovered by one standard step of each measure."),
    "table_relief": ("措施排序", "Measures, ranked"),
    "relief_measure": ("措施（一个步长）", "Measure (one step)"),
    "relief_more": (
        "同类措施每种至多列三处；全部 {count} 项见图页。",
        "At most three places of a kind are listed; the page has all {count}.",
    ),
    "relief_place": ("地点", "Place"),
    "relief_recovered": ("多消纳", "Recovered"),
    "relief_share": ("占弃电", "Of the curtailment"),
    "relief_saved": ("节省运行成本", "Operating cost saved"),
    "relief_served": ("少失负荷", "Load served more"),
    "relief_storage": ("储能 10万千瓦/20万千瓦时", "storage 100 MW/200 MWh"),
    "relief_flexible_load": ("柔性负荷（电解槽）10万千瓦", "flexible load (electrolyser) 100 MW"),
    "relief_rating": ("限额提高10万千瓦", "rating +100 MW"),
    "relief_project": ("规划电网项目提前", "grid project of the plan advanced"),
    "relief_coal_minimum": ("煤电最小出力降低5个百分点", "coal minimum −5 points"),
    "relief_demand_response": ("可转移负荷增加1个百分点", "movable load +1 point"),
    "relief_export_band": ("外送可调范围增加10万千瓦", "export band +100 MW"),
    "relief_short_storage": ("储能", "storage"),
    "relief_short_flexible_load": ("柔性负荷", "flexible load"),
    "relief_short_rating": ("限额提高", "rating"),
    "relief_short_project": ("规划项目", "grid project"),
    "relief_short_coal_minimum": ("煤电最小出力降低", "coal minimum"),
    "relief_short_demand_response": ("可转移负荷", "movable load"),
    "relief_short_export_band": ("外送可调范围", "export band"),
    "relief_at": ("{measure}：{place}", "{measure}: {place}"),
    "hover_relief": ("%{y}：%{x:,.3f} 亿千瓦时<extra></extra>", "%{y}: %{x:,.2f} GWh<extra></extra>"),
}
