"""What other stages and tables say in English only → Chinese: plan targets, units, reasons, states.

A sentence that is not known here stays English in both languages, so that nothing is lost.
"""

from __future__ import annotations

import re
from functools import partial

from sim.report.units import Both, power, same

PLAN: dict[str, str] = {
    "bijie_generation": "全市发电量",
    "bijie_export": "外送电量",
    "bijie_nonfossil_capacity": "非化石能源装机",
    "bijie_nonfossil_capacity_share": "非化石能源装机占比",
    "bijie_nonfossil_energy_share": "非化石能源发电量占比",
    "bijie_wind_capacity": "风电装机",
    "bijie_pv_capacity": "光伏装机",
    "bijie_pv_key_projects": "规划重点光伏项目",
    "weining_hezhang_bases": "威宁、赫章百万千瓦级光伏基地（各）",
    "spic_base": "国家电投千万千瓦级综合能源基地",
    "bijie_coal_flexibility_min": "煤电机组最低负荷",
    "bijie_demand_response": "需求侧响应能力占最大负荷",
    "bijie_500kv_stations": "新建500千伏变电站",
    "bijie_500kv_transformer": "新增500千伏变电容量",
    "bijie_500kv_lines": "新建500千伏线路",
    "line_shexiang_yaxi_2": "500千伏奢香—鸭溪二回",
    "line_wusa_shexiang_2": "500千伏乌撒—奢香二回",
    "station_jinhaihu": "500千伏金海湖变",
    "station_wusa_expansion": "500千伏乌撒变主变扩建",
    "plant_weihe": "威赫电厂及其送出",
    "plant_jinyuan_zhijin": "金元织金电厂及其送出",
    "station_donghong": "220千伏织金东红变",
    "phs_sites": "抽水蓄能站址",
    "hydro_wind_solar_regions": "水风光一体化区域",
    "thermal_wind_solar_regions": "风光火储多能互补区域",
    "rooftop_pv": "整县屋顶分布式光伏",
    "waste_to_energy": "垃圾焚烧发电",
    "pv_hydrogen": "光伏制氢示范",
    "high_load_industry": "源网荷储一体化低碳高载能项目",
    "ev_charging": "新建充电桩",
    "customer_outage_time": "用户平均停电时间",
    "supply_reliability": "供电可靠率",
    "rural_supply_reliability": "农村电网供电可靠率",
    "voltage_compliance": "综合电压合格率",
    "guizhou_pv_2025": "贵州光伏装机（2025年）",
    "guizhou_wind_2025": "贵州风电装机（2025年）",
    "guizhou_biomass_2025": "贵州生物质发电装机（2025年）",
    "guizhou_pv_2030": "贵州光伏装机（2030年）",
    "guizhou_wind_2030": "贵州风电装机（2030年）",
    "guizhou_hydro_2030": "贵州水电装机（2030年）",
    "guizhou_coal_share_2025": "贵州煤电装机占比（2025年）",
    "guizhou_new_storage_2025": "贵州新型储能（2025年）",
    "guizhou_new_storage_2030": "贵州新型储能（2030年）",
    "guizhou_phs_2030": "贵州抽水蓄能（2030年）",
    "guizhou_peak_response_2025": "贵州尖峰负荷响应能力（2025年）",
    "guizhou_peak_response_2030": "贵州尖峰负荷响应能力（2030年）",
    "new_corridor_renewable_share": "新增跨省区通道可再生能源电量占比",
    "realtime_tariff": "24小时实时电价",
}
"""The quantity of each row of plan_targets.csv."""

UNITS: dict[str, tuple[str, float]] = {
    "TWh": ("亿千瓦时", 10.0),
    "GWh": ("亿千瓦时", 0.01),
    "MW": ("万千瓦", 0.1),
    "MVA": ("万千伏安", 0.1),
    "km": ("公里", 1.0),
    "h/yr": ("小时/年", 1.0),
    "%": ("%", 1.0),
    "count": ("个", 1.0),
    "circuit": ("回", 1.0),
    "station": ("座", 1.0),
    "project": ("项", 1.0),
    "unit": ("台", 1.0),
    "site": ("处", 1.0),
    "region": ("个", 1.0),
    "plant": ("座", 1.0),
}
"""The Chinese unit of a plan target's unit, and how many of it make one."""

REASONS: dict[str, str] = {
    # plan targets
    r"promised for (\d+), simulated is (\d+)": r"目标年为\1年，模拟年为\2年",
    r"is about (.+); the simulation covers (.+)": r"针对\1；本模拟只含\2",
    r"no figure of this simulation corresponds to it": "本模拟没有对应的结果",
    r"a yearly figure; only (.+) h were simulated": r"年度指标；只模拟了\1小时",
    r"gross generation, own use included": "毛发电量，含厂用电",
    r"the smaller of the two: (.+)": r"取两县中较小者：\1",
    r"no coal plant is in service": "没有煤电在运",
    r"the least flexible plant": "最不灵活的电厂",
    r"there is no load": "没有负荷",
    r"load that can be shed": "可削减负荷",
    r"220 and 500 kV buses only: .+": "仅含220、500千伏母线，属等效值；公布值统计各电压等级的供电点",
    r"stands for it: (.+)": r"以此代表：\1",
    r"sites under study, no date promised": "站址在研究中，未定投产时间",
    r"circuit-km put into service 2021–2025": "2021–2025年投运的回路公里",
    r"the published figure counts customers; .+": "公布值按用户统计；此值为输电层失负荷等效值，不含随机停运",
    r"the tables group PV by bus .+": "数据表按母线汇总光伏，未标出重点项目",
    r"the tables do not record who owns a plant": "数据表不记录电站业主",
    r"rural distribution networks are not part of .+": "农村配电网不在500/220千伏电网之内",
    r"a regional grouping without a number to compare": "区域划分，没有可比数值",
    r"rooftop PV is below 220 kV .+": "屋顶光伏在220千伏以下，文件未给出容量",
    r"plants of this kind are below 220 kV .+": "此类电站在220千伏以下，不在数据表中",
    r"no electrolyser is in the tables .+": "数据表中没有电解槽，文件未给出容量",
    r"no such load is in the tables .+": "数据表中没有此类负荷，文件未给出规模",
    r"charging points are below 220 kV": "充电桩在220千伏以下",
    r"a rule for new corridors of the province; .+": "针对省内新增通道的规定；模型中没有新增通道",
    r"an example of another city": "其他城市的示例",
    # how an hour ended
    r"solved to the tolerance": "收敛",
    r"solved to the tolerance after a fallback .+": "经备用算法（完整牛顿法、阻尼或连续化）收敛",
    r"not converged: no solution was found from any start": "未收敛：从任何初值都没有得到解",
    r"not converged: no solution was found from any start: (.+) % of the schedule could be solved; .+":
        r"未收敛：只有计划的\1%可解",
    r"an island with load or generation has no node that can balance it(.*)": r"孤岛中有负荷或电源而无平衡节点\1",
    r"an injection or a set point of this hour is not a finite number(.*)": r"该小时的注入或设定值不是有限数\1",
    r"solved by (.+) in (\d+) iterations": r"由备用算法（\1）经\2次迭代收敛",
    # curtailment
    r"every simulated cause lies in the system, .+":
        "模拟的各种弃电原因都属系统原因（不模拟电站停运），两种口径因此相同。",
    # network
    r"buses": "母线数",
    r"lines": "线路数",
    r"trafos": "主变数",
    r"shunts": "并联补偿数",
    r"plants": "电站数",
    r"storages": "储能数",
    r"loads": "负荷点数",
    r"exports": "外送通道数",
    r"boundary": "边界节点数",
    r"circuit km": "线路回路公里",
    r"MVA": "主变容量（兆伏安）",
    r"(\S+) \((.+)\): not in service in (\d+)": r"\1（\2）：\3年未投运",
    r"(\S+) \((.+)\): not connected to (.+) in (\d+)": r"\1（\2）：\4年未与\3连通",
    r"(\S+) \((.+)\): bus (\S+) is not in service in (\d+)": r"\1（\2）：母线\3在\4年未投运",
    r"(\S+) \((.+)\): bus (\S+) is not connected to (.+) in (\d+)": r"\1（\2）：母线\3在\5年未与\4连通",
    # the sizing rule and what the network check found doubtful
    r"(\d+ MW) in a (.+), against a normal rating of (\d+ MW)": r"\2：潮流\1，正常额定\3",
    r"(\S+) \((published|derived|assumed), not changed\): (.+)": r"\1（\2，未更改）：\3",
    r"sunny and windy noon, light load": "晴朗大风的中午、低负荷",
    r"windy night, light load": "大风夜间、低负荷",
    r"wet season, sunny noon": "丰水期晴朗中午",
    r"windy winter evening, peak load": "冬季大风傍晚、高峰负荷",
    r"published": "已公布",
    r"derived": "推导",
    r"assumed": "假设",
    r"(\S+\.csv) \((.+?)\)(, column \S+)?: (.+?)( → .+)?": r"\1（\2）\3：\4\5",
    r", column (\S+)": r"，\1列",
    r" → (.+)": r" → \1",
    r"(.+) kV is no nominal voltage": r"\1千伏不是标称电压",
    r"known: (.+)": r"标称电压：\1",
    r"(.+) % is unusual \((.+) … (.+) %\)": r"\1%不常见（通常为\2…\3%）",
    r"stands at the boundary node (\S+), which holds its own voltage": r"位于边界节点\1，该节点自行维持电压",
    r"(.+) km is shorter than the great circle of its ends, (.+) km": r"\1公里短于两端的大圆距离（\2公里）",
    r"(.+) km is more than (.+) times the great circle, (.+) km": r"\1公里超过大圆距离（\3公里）的\2倍",
    r"check the length and the coordinates": "请核对长度和坐标",
    r"x/r is (.+), usual are (.+) … (.+)": r"x/r为\1，通常为\2…\3",
    r"check r_ohm_per_km and x_ohm_per_km": "请核对r_ohm_per_km和x_ohm_per_km",
    r"waves would travel at (.+) times the speed of light \(cables: about 0\.5\)":
        r"波速为光速的\1倍（电缆约为0.5）",
    r"check x_ohm_per_km and c_nf_per_km": "请核对x_ohm_per_km和c_nf_per_km",
    # sources of the tables, where they are remarks rather than titles
    r"city total derived from (.+) \(600-400 亿kWh\), county split by population/GDP/industry":
        r"全市总量由\1推导（600−400亿千瓦时），各县按人口、生产总值和产业分摊",
    r"recalled industry knowledge, not verified here": "行业常识（凭记忆，未核实）",
    r"planning documents": "规划文件",
    r"named in (.+)": r"见于\1",
    r"(.+) and (\S+\.\S+)": r"\1和\2",
    # weather
    r"synthetic year, seed (\d+)": r"合成年（种子\1）",
    r"derived from (.+), seed (\d+)": r"由\1推导（种子\2）",
    r"(.+), EPW typical year(.*)": r"\1，EPW典型年\2",
}  # fmt: skip


def reason_text(english: str) -> Both:
    """Return a sentence of another stage in both languages; what fills its gaps is translated likewise."""
    power_mw = re.fullmatch(r"([\d.]+) MW", english)
    if power_mw:
        return Both(power(float(power_mw[1])).zh, english)
    for pattern, chinese in REASONS.items():
        match = re.fullmatch(pattern, english)
        if match:
            return Both(re.sub(r"\\(\d)", partial(_filled, match), chinese), english)
    return same(english)


def _filled(match: re.Match[str], gap: re.Match[str]) -> str:
    return reason_text(match[int(gap[1])] or "").zh


def target_unit(unit: str) -> tuple[Both, float]:
    """Return a plan target's unit in both languages, and the factor that makes its number Chinese."""
    chinese, factor = UNITS.get(unit, (unit, 1.0))
    return Both(chinese, unit), factor
