"""Texts of the causes of curtailment: (Chinese, English) by key."""

from __future__ import annotations

WORDS: dict[str, tuple[str, str]] = {
    "causes_note": (
        "归因方法：同一时段在网损不变的条件下重新调度，逐级加入限制；每一级多弃的电量归于该级。"
        "级次的先后是一种选择：排在前面的原因先占。各机组各小时的份额不为负，合计等于弃电量。",
        "How causes are told apart: the same period is dispatched again with the same losses, and limits are added "
        "rung by rung; what a rung curtails in addition is the share of its cause. The order is a choice: what "
        "comes first takes first. Shares of plants and hours are never negative and add up to what was curtailed.",
    ),
    "causes_increase_note": (
        "「逐级增量」为各级调度的原始差值；若某级反而少弃（为负），其份额记为零。",
        "“Increase” is the plain difference between the dispatches of two rungs; where it is negative, the share "
        "is 0.",
    ),
    "causes_network_note": (
        "网络原因所涉元件多为假设线路；由假设线路得出的瓶颈不是对实际电网的结论。",
        "Most of the network is assumed; a bottleneck of an assumed line is no finding about the real grid.",
    ),
    "cause": ("原因", "Cause"),
    "cause_surplus": ("电力盈余", "surplus"),
    "cause_flexibility": ("调节能力不足", "inflexible coal"),
    "cause_network": ("网络约束", "network limits"),
    "cause_security": ("N-1安全约束", "N-1 security"),
    "cause_ac": ("交流校正", "AC correction"),
    "cause_means": ("含义", "Meaning"),
    "cause_means_surplus": (
        "风电、光伏与必用水电超过负荷、外送上限与储能之和",
        "wind, PV and water exceed load, the top of the export band, and storage",
    ),
    "cause_means_flexibility": (
        "煤电最小出力、必开机组、启停与爬坡",
        "technical minimum, must-run, commitment and ramps of coal",
    ),
    "cause_means_network": (
        "全接线方式下线路、主变与断面限额",
        "ratings of branches and sections with everything in service",
    ),
    "cause_means_security": ("任一回路停运后的限额", "the same limits after the loss of any circuit"),
    "cause_means_ac": (
        "交流潮流所作的校正：电压、无功",
        "what the AC power flow corrected: voltages, reactive flow",
    ),
    "cause_means_none": ("本次运行未计入", "not part of this operation"),
    "cause_share": ("占弃电", "Share"),
    "cause_increase": ("逐级增量", "Increase"),
    "cause_of_pv": ("光伏", "PV"),
    "cause_of_wind": ("风电", "wind"),
    "cause_rows": ("受限元件或断面", "Element or section"),
    "cause_limit": ("限额", "Limit"),
    "cause_rows_none": ("没有元件或断面到限。", "no element or section was at its limit."),
    "cause_direction": ("方向", "Direction"),
    "cause_forward": ("正向", "forwards"),
    "cause_backward": ("反向", "backwards"),
    "cause_binding_hours": ("到限", "At limit"),
    "cause_curtailing_hours": ("其中弃电", "With curtailment"),
    "cause_from_to": ("{start}→{end}", "{start} → {end}"),
    "cause_without": ("{row}（{lost}停运后）", "{row}, after the loss of {lost}"),
    "cause_section_row": ("断面{name}", "section {name}"),
    "table_causes": ("弃电原因", "Curtailment by cause"),
    "table_cause_counties": ("各县弃电原因", "Curtailment by county and cause"),
    "table_cause_plants": ("各电站弃电原因", "Curtailment by plant and cause"),
    "table_cause_rows": ("到限的元件与断面", "Elements and sections at their limit"),
    "figure_cause_months": ("各月弃电量，按原因。", "Curtailed energy by month and cause."),
    "figure_cause_heat": ("弃电功率：逐日（横轴）逐时（纵轴）。", "Curtailed power: day across, hour of day up."),
    "axis_hours_curtailed": ("弃电小时数", "Hours of curtailment"),
    "hover_hours_power": ("%{x:,.0f} 小时 ≥ %{y:,.1f} 万千瓦", "%{x:,.0f} h ≥ %{y:,.0f} MW"),
    "figure_cause_duration": (
        "弃电功率持续曲线：全部，以及各原因各自排序。",
        "Duration curves of curtailed power: in all, and of every cause by itself.",
    ),
}
