"""Texts of the first screen: (Chinese, English) by key."""

from __future__ import annotations

WORDS: dict[str, tuple[str, str]] = {
    "scenario": ("情景", "Scenario"),
    "year": ("年份", "Year"),
    "period": ("模拟时段", "Period simulated"),
    "weather": ("气象", "Weather"),
    "hours_solved": ("潮流收敛", "Hours solved"),
    "hours_failed": ("潮流未收敛", "Hours failed"),
    "evidence_title": ("网架资料的可信程度", "How much of the network is known"),
    "evidence_of": ("（按{what}计）", "(of {what})"),
    "caution_assumed": (
        "提示：网架中相当一部分（220千伏为主）是假设的。假设线路上的越限或瓶颈是假设的后果，不是对实际电网的结论。",
        "Note: much of the network, above all at 220 kV, is assumed. An overload or bottleneck on an assumed line "
        "follows from the assumption and is not a finding about the real grid.",
    ),
    "mix_title": ("上网电量构成", "Where the electricity came from"),
    "level_bad": ("问题", "Problem"),
    "level_warn": ("注意", "Attention"),
    "level_note": ("说明", "Note"),
    "tile_absorbed": ("新能源消纳电量", "Wind and PV absorbed"),
    "tile_curtailment": ("弃光率 / 弃风率", "Curtailment of PV / wind"),
    "tile_unserved": ("失负荷电量", "Unserved energy"),
    "tile_loading": ("最高负载率", "Highest loading"),
    "tile_voltage": ("电压合格率", "Voltage compliance"),
    "tile_plan": ("达成的规划目标", "Plan targets met"),
    "tile_absorbed_note": ("可发 {available}", "of {available} available"),
    "tile_curtailment_note": ("合计 {rate}，{energy}", "together {rate}, {energy}"),
    "tile_unserved_note": ("历时 {hours}", "in {hours}"),
    "tile_loading_note": ("{name},{time}", "{name}, {time}"),
    "tile_voltage_note": ("{low} 母线·小时偏低，{high} 偏高", "{low} bus hours too low, {high} too high"),
    "tile_plan_value": ("{met} / {judged}", "{met} of {judged}"),
    "tile_plan_note": ("另有 {others} 项无法由本模拟判定", "{others} more cannot be judged by this simulation"),
}
