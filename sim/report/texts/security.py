"""Texts of the security section: (Chinese, English) by key."""

from __future__ import annotations

WORDS: dict[str, tuple[str, str]] = {
    "section_security": ("N-1安全校核", "N-1 security"),
    "security_missing": (
        "本次运行尚未做N-1校核。以下命令逐时校核每回线路、每台主变与大机组，并将结果补入本页："
        "python simulate.py secure {scenario}",
        "N-1 has not been studied for this run. This command tries the loss of every circuit, transformer and "
        "large unit in every hour and adds the findings to this page: python simulate.py secure {scenario}",
    ),
    "security_note": (
        "任一元件断开后做交流潮流：有解、无元件超过事故限流、区内母线在事故后电压限值之内、不失去负荷或外送，则该小时通过。"
        "同一线路的各回分别断开。",
        "After the loss of one element an AC power flow must have a solution, no element may exceed its emergency "
        "rating, no bus of the region may leave its post-fault voltage band, and no load or export may be cut off. "
        "Each circuit of a line is lost by itself.",
    ),
    "security_rules": (
        "主变事故限值为 {trafo} 倍额定；500千伏 {band_500}，220千伏 {band_220}（标幺）。"
        "机组跳闸的缺额由外部电网按边界节点权重承担。"
        "“需调整”为最大过载时刻、按直流灵敏度求得的最小降出力与切负荷量，是估算值。",
        "Transformers stand {trafo} × their rating; voltages {band_500} pu at 500 kV and {band_220} pu at 220 kV. "
        "A lost unit is replaced at the boundary nodes by their weights. Relief is the least MW of generation "
        "lowered and load cut in the hour of the largest loading, by DC sensitivities: an estimate.",
    ),
    "security_hour_element": ("N-1通过率（元件×小时）", "N-1 passed, element-hours"),
    "security_element": ("N-1通过率（元件，全部小时）", "N-1 passed, elements at all hours"),
    "security_hour": ("N-1通过率（小时，全部元件）", "N-1 passed, hours by all elements"),
    "security_elements": ("校核元件数", "Elements tried"),
    "security_base": ("无故障时已越事故后限值", "Post-fault limits broken with nothing out"),
    "security_unsolved": ("故障后无解（元件·小时）", "No solution after the loss, element-hours"),
    "security_not_judged": ("基态无解、未判定", "Not judged: the base case has no solution"),
    "figure_security_months": (
        "各月至少一个元件不满足N-1的小时数。",
        "Hours of each month in which some loss fails.",
    ),
    "figure_security_losses": (
        "不满足N-1的故障：不通过的小时数（前15个）。",
        "Single losses that fail: number of hours (first 15).",
    ),
    "table_security_losses": ("不满足N-1的故障，按小时数排名", "Single losses that fail, ranked by hours"),
    "table_security_towers": (
        "不满足的同塔双回故障（N-2）",
        "Losses of common towers that fail (N-2)",
    ),
    "table_security_overloads": ("故障后过载的元件", "Elements overloaded after a loss"),
    "table_security_islands": ("解列的故障", "Losses that split the grid"),
    "loss": ("故障元件", "loss"),
    "failed_hours": ("不通过", "failed"),
    "why": ("原因", "why"),
    "worst_loading": ("事故负载率", "of emergency rating"),
    "most_loaded": ("最重元件", "most loaded"),
    "lowest_after": ("最低电压", "lowest voltage"),
    "relief": ("需调整", "relief"),
    "overloaded_steps": ("过载", "overloaded"),
    "overloaded_element": ("过载元件", "overloaded element"),
    "dark_buses": ("失电母线", "dark buses"),
    "load_lost": ("失去负荷与外送", "load and export lost"),
    "generation_lost": ("失去电源", "generation lost"),
    "towers_missing": (
        "没有不满足的故障，或未校核（选项 --n2-towers）。",
        "none fails, or they were not tried (option --n2-towers).",
    ),
    "none_fail": ("没有，全部通过", "none, all pass"),
    "axis_failed_hours": ("小时", "hours"),
}
