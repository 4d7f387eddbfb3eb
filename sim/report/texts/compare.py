"""Texts of the comparison of runs: (Chinese, English) by key."""

from __future__ import annotations

WORDS: dict[str, tuple[str, str]] = {
    "compare_title": ("{count} 次运行的比较", "Comparison of {count} runs"),
    "compare_same": ("所比较的数值没有差别。", "None of the compared figures differs."),
    "compare_unchanged": ("没有变化。", "Nothing changed."),
    "compare_same_settings": ("没有差别。", "none differs."),
    "compare_hours_differ": (
        "各次运行的时段长短不同，电量与成本不能直接相比。",
        "The runs cover different numbers of hours; energies and costs do not compare directly.",
    ),
    "compare_hours_failed": (
        "有的小时未收敛，电网指标只含已收敛的小时。",
        "Some hours were not solved; figures of the grid are of the solved hours only.",
    ),
    "compare_code_differs": (
        "各次运行所用的程序版本不同，差别可能来自程序。",
        "The runs were made by different versions of the program; that may be the cause of a difference.",
    ),
    "section_differences": ("差别", "Differences"),
    "section_changes": ("变化的构成", "What changed"),
    "section_curves": ("持续曲线", "Duration curves"),
    "section_all_figures": ("全部数值", "All figures"),
    "figure": ("指标", "Figure"),
    "table_compared": ("逐项比较", "Figure by figure"),
    "table_settings_differ": ("不同的参数", "Settings that differ"),
    "figure_compare_energy": ("各次运行的电量来源。", "Sources of energy of each run."),
    "figure_compare_curtailment": ("弃电量的变化，按县。", "The change of curtailment, by county."),
    "figure_compare_cost": ("成本（目标函数）的变化，按项。", "The change of cost (objective), by part."),
    "figure_compare_curtailed": ("弃电功率持续曲线。", "Duration curves of curtailed power."),
    "figure_compare_residual": ("净负荷持续曲线。", "Duration curves of residual load."),
    "figure_compare_loading": (
        "每小时负载率最高元件的持续曲线。",
        "Duration curves of each hour's highest loading.",
    ),
    "figure_compare_price": ("边际电价持续曲线。", "Duration curves of the marginal price."),
}
