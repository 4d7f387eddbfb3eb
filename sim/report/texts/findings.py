"""Texts of what is wrong with a run: (Chinese, English) by key."""

from __future__ import annotations

WORDS: dict[str, tuple[str, str]] = {
    "find_sound": (
        "没有未收敛小时、失负荷、过载或电压越限。",
        "Nothing is wrong: no failed hour, no unserved load, no overload, no voltage outside its limits.",
    ),
    "find_failed": (
        "{all}中有{failed}潮流未收敛；这些小时不计入电网指标，也不作任何填补。",
        "{failed} of {all} could not be solved; they are in no figure of the grid, and nothing was filled in.",
    ),
    "find_unserved": ("有{energy}负荷未能供应，历时{hours}。", "{energy} of load could not be served, in {hours}."),
    "find_overloads": (
        "{count}个元件超过额定值，共{hours}；最重：{names}。",
        "Elements loaded above their rating: {count}, in {hours}; the worst: {names}.",
    ),
    "find_planned_overloads": (
        "调度计划中有{count}个支路或断面超过限额，电量{energy}：没有别的出路。",
        "Branches or sections that the dispatch plans above their limits, having no other way: {count}, {energy}.",
    ),
    "find_corrected": (
        "交流校正：{before}存在越限或不收敛，重新调度{days}天后剩{left}，多弃{energy}。",
        "AC correction: {before} in trouble; {days} days dispatched anew, {left} remain, {energy} more curtailed.",
    ),
    "find_security": (
        "{count}个单一故障不满足N-1；最常见：{worst}（{hours}）。",
        "Single losses that the grid does not stand (N-1): {count}; most often {worst} ({hours}).",
    ),
    "find_voltages": (
        "{count}条母线电压越限，共{hours}；最差：{names}。",
        "Buses outside their voltage limits: {count}, in {hours}; the worst: {names}.",
    ),
    "find_below_minimum": (
        "煤电低于最小技术出力运行{hours}（少发{energy}），即系统下调能力不足。",
        "Coal had to run below its technical minimum in {hours} (by {energy}): the system could not go down.",
    ),
    "find_export_less": (
        "外送电量{sent}，少于合同{contract}。",
        "{sent} were sent out, less than the contracted {contract}.",
    ),
    "find_export_more": (
        "外送电量{sent}，多于合同{contract}。",
        "{sent} were sent out, more than the contracted {contract}.",
    ),
    "find_spilled": ("水电弃水电量{energy}。", "{energy} of hydro was spilled."),
    "find_slack": (
        "网损估计的余差由外部电网平衡：最大{power}，全期净值{net}。",
        "The surrounding grid covers what the loss estimate missed: at most {power}, {net} net over the period.",
    ),
    "find_partial": (
        "只模拟了{hours}，不是全年；年度目标不作判定。",
        "Only {hours} were simulated, not a year; yearly targets are not judged.",
    ),
    "find_repairs": (
        "气象数据作了{count}类修正，涉及{values}个数值。",
        "Kinds of repairs of the weather data: {count}, touching {values} values.",
    ),
    "find_sizing": (
        "按规则放大了{count}条假设线路，使其能送出所接电源。",
        "Assumed lines enlarged by rule, so that they can carry the plants behind them: {count}.",
    ),
    "find_left_overloaded": (
        "{count}个元件在校核方式下超过额定值，但资料属实而未作改动。",
        "Elements above their rating in the sizing situations that were left as recorded: {count}.",
    ),
}
