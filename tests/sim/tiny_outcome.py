"""A simulated year of four hours and three buses, small enough to be reckoned by hand.

    A500 ──T── B220 ──L── C220        T: 50 pu, L: 40 pu, both pure conductances; 0.001 pu shunt at C220; 100 MVA
    C1, H1,    W1, S1,    V1, LC
    export X,  LB
    slack

Voltages are real, so a branch of conductance g carries P_from = v_f·(v_f − v_t)·g·100 MW:

    hours 0, 1  v = 1.04, 1.03, 1.02:  T 52.0 → 51.5 MW, L 41.2 → 40.8 MW, shunt 0.10404 MW, loss 1.00404 MW
    hour 2      v = 1.04, 1.02, 0.99:  T 104 → 102 MW, L 122.4 → 118.8 MW, shunt 0.09801 MW, loss 5.69801 MW
    hour 3      the power flow found no solution

Loads close the balance of B220 and C220, C1 that of the system; the slack at A500 covers AC loss − estimate (1 MW).
"""

from dataclasses import replace
from functools import lru_cache

import numpy as np

from grid.checks import Evidence, NetworkReport
from grid.elements import elements_of
from grid.model import FlowResult, FlowStatus, GridModel, Injections
from profiles.records import Profiles, Repair, Weather
from scenarios.load import load_scenario
from scenarios.schema import Scenario
from scenarios.settings import Time
from scenarios.tables import Boundary, Bus, ExportChannel, HydroEnergy, Line, Load, Plant, Storage, Trafo
from sim.absorption.binding import BindingRow
from sim.absorption.causes import Causes
from sim.dispatch.certificate import Certificate, Sample
from sim.dispatch.limits import no_limits
from sim.dispatch.model import DispatchCase, DispatchResult
from sim.outcome import Outcome

HOURS = 4
VOLTAGES = np.array([[1.04, 1.03, 1.02], [1.04, 1.03, 1.02], [1.04, 1.02, 0.99], [np.nan] * 3])
LOADING = np.array([[0.52, 0.412], [0.52, 0.412], [1.04, 1.224], [np.nan] * 2])
WIND_MW, WIND_AVAILABLE_MW = np.array([20.0, 30, 40, 10]), np.array([25.0, 30, 40, 10])
PV_MW, PV_AVAILABLE_MW = np.array([10.0, 15, 5, 0]), np.array([10.0, 25, 5, 0])
HYDRO_MW = np.array([10.0, 0, 20, 10])
CHARGE_MW, DISCHARGE_MW = np.array([0.0, 5, 0, 0]), np.array([0.0, 0, 4, 0])
SHIFT_UP_MW, SHIFT_DOWN_MW = np.array([0.0, 2, 0, 0]), np.array([0.0, 0, 2, 0])
UNSERVED_MW, SHED_MW = np.array([0.0, 0, 3, 0]), np.array([0.0, 0, 1, 0])
EXPORT_MW, CONTRACT_MW = np.array([20.0, 21, 19, 20]), np.full(HOURS, 20.0)
LOSS_ESTIMATE_MW = np.ones(HOURS)
BUS_B_MW = np.array([-10.3, -10.3, 20.4, -30.0])
BUS_C_MW = np.array([-40.69596, -40.69596, -118.70199, -60.0])
SLACK_MW = np.array([0.00404, 0.00404, 4.69801, np.nan])
COAL_COST, CURTAILED, UNSERVED, STORAGE, SHED, SHIFT, UP, DOWN = (
    300.0,
    80.0,
    20000.0,
    15.0,
    1500.0,
    25.0,
    -30.0,
    450.0,
)
START_CNY = 600_000.0
SOURCE = {"source": "hand-made example", "confidence": "assumed", "note": ""}
SURE = {"existence_confidence": "assumed", "kv_confidence": "assumed", "coord_confidence": "assumed"}


def scenario(step_h: float = 1.0) -> Scenario:
    base = load_scenario("plan-2025")
    time = Time(year=2025, start="2025-04-10", hours=HOURS * step_h, step_h=step_h)
    settings = base.settings.model_copy(update={"name": "three-buses", "time": time})
    return Scenario(settings=settings, tables=base.tables.model_copy(update=_tables()))


def _tables() -> dict:
    return {
        "buses": (
            _bus("A500", "甲站", 500, "威宁"),
            _bus("B220", "乙站", 220, "威宁"),
            _bus("C220", "丙站", 220, "赫章"),
        ),
        "lines": (
            Line(
                line_id="L",
                from_bus="B220",
                to_bus="C220",
                vn_kv=220,
                circuits=2,
                length_km=30,
                line_type="220kV 2xJL/G1A-400/35",
                length_confidence="assumed",
                conductor_confidence="assumed",
                **SOURCE,
            ),
        ),
        "trafos": (
            Trafo(
                trafo_id="T",
                hv_bus="A500",
                lv_bus="B220",
                n_parallel=1,
                sn_mva=100,
                vn_hv_kv=525,
                vn_lv_kv=230,
                vk_percent=12,
                vkr_percent=0.2,
                pfe_kw=0,
                i0_percent=0,
                tap_steps=2,
                tap_step_percent=2.5,
                tap_position=0,
                **SOURCE,
            ),
        ),
        "shunts": (),
        "plants": (
            _plant("C1", "coal", "coal-660-usc", "A500", "威宁", 200),
            _plant("H1", "hydro", "hydro", "A500", "威宁", 20),
            _plant("W1", "wind", "wind", "B220", "威宁", 50),
            _plant("V1", "pv", "pv", "C220", "赫章", 30),
        ),
        "storages": (
            Storage(
                storage_id="S1",
                name_en="Store",
                name_zh="储能",
                kind="battery",
                bus_id="B220",
                county="威宁",
                power_mw=10,
                energy_mwh=20,
                charge_efficiency=0.9,
                discharge_efficiency=0.8,
                self_discharge_per_h=0,
                status="assumed",
                **SOURCE,
            ),
        ),
        "loads": (_load("LB", "B220", "威宁"), _load("LC", "C220", "赫章")),
        "exports": (
            ExportChannel(
                channel_id="X", bus_id="A500", name_en="Out", name_zh="外送", share=1, limit_mw=50, **SOURCE
            ),
        ),
        "boundary": (Boundary(bus_id="A500", weight=1, v_set_pu=1.04, **SOURCE),),
        "hydro_energy": (HydroEnergy(plant_id="H1", annual_gwh=60, reservoir_gwh=0, minimum_share=0, **SOURCE),),
    }


def _bus(name: str, name_zh: str, vn_kv: float, county: str) -> Bus:
    return Bus(
        bus_id=name,
        name_en=f"Station {name}",
        name_zh=name_zh,
        vn_kv=vn_kv,
        lat=27,
        lon=104.5,
        county=county,
        kind="substation",
        **SURE,
        **SOURCE,
    )


def _plant(name: str, tech: str, technology: str, bus: str, county: str, unit_mw: float) -> Plant:
    return Plant(
        plant_id=name,
        name_en=f"Plant {name}",
        name_zh=f"电厂{name}",
        tech=tech,
        technology=technology,
        units=1,
        unit_mw=unit_mw,
        county=county,
        lat=27,
        lon=104.5,
        bus_id=bus,
        account="bijie",
        minimum_pu=0.3 if tech == "coal" else 0.0,
        status="assumed",
        kv_confidence="assumed",
        **SOURCE,
    )


def _load(name: str, bus: str, county: str) -> Load:
    return Load(
        load_id=name,
        bus_id=bus,
        name_zh=name,
        county=county,
        peak_mw=100,
        power_factor=1,
        compensation=0,
        industrial_share=0,
        **SOURCE,
    )


def model() -> GridModel:
    conductance = np.array([50.0, 40.0], dtype=complex)
    return GridModel(
        sn_mva=100.0,
        buses=("A500", "B220", "C220"),
        branches=("T", "L"),
        controls=("A500",),
        vn_kv=np.array([500.0, 220.0, 220.0]),
        y_shunt_pu=np.array([0, 0, 0.001], dtype=complex),
        transit=np.zeros(3, dtype=bool),
        from_bus=np.array([0, 1]),
        to_bus=np.array([1, 2]),
        y_ff_pu=conductance,
        y_ft_pu=-conductance,
        y_tf_pu=-conductance,
        y_tt_pu=conductance,
        limit_from_ka=np.array([0.1, 0.25]),
        limit_to_ka=np.array([0.25, 0.25]),
        is_trafo=np.array([True, False]),
        control_bus=np.array([0]),
        v_set_pu=np.array([1.04]),
        q_min_mvar=np.array([-100.0]),
        q_max_mvar=np.array([100.0]),
        slack_bus=np.array([0]),
        slack_weight=np.array([1.0]),
        slack_angle_deg=np.array([0.0]),
    )


def _served_mw() -> np.ndarray:
    """[hours × (LB, LC)]: what closes the buses B220 and C220."""
    at_b = WIND_MW + DISCHARGE_MW - CHARGE_MW - BUS_B_MW
    return np.column_stack([at_b, PV_MW - BUS_C_MW])


def _coal_mw() -> np.ndarray:
    """What closes A500, and with it the system: schedule at A500 = estimate − B220 − C220."""
    return LOSS_ESTIMATE_MW - BUS_B_MW - BUS_C_MW - HYDRO_MW + EXPORT_MW


def _column(values: np.ndarray) -> np.ndarray:
    return np.asarray(values, dtype=float)[:, None]


def _two_loads(of_b: np.ndarray, of_c: np.ndarray) -> np.ndarray:
    return np.column_stack([of_b, of_c]).astype(float)


def _names() -> dict:
    return {
        "coal": ("C1",),
        "hydros": ("H1",),
        "renewables": ("W1", "V1"),
        "storages": ("S1",),
        "loads": ("LB", "LC"),
        "channels": ("X",),
    }


def case(of: Scenario) -> DispatchCase:
    none = np.zeros(HOURS)
    demand = _served_mw() + _two_loads(SHIFT_DOWN_MW - SHIFT_UP_MW, SHED_MW + UNSERVED_MW)
    hours = len(of.time) * of.time.step_h
    return DispatchCase(
        time=of.time,
        **_names(),
        coal_units=np.array([1]),
        coal_unit_mw=np.array([188.0]),
        coal_minimum_pu=np.array([0.3]),
        coal_cost=np.array([COAL_COST]),
        coal_start_hot_cny=np.array([START_CNY / 2]),
        coal_start_cold_cny=np.array([START_CNY]),
        coal_min_up_h=np.array([0.0]),
        coal_min_down_h=np.array([0.0]),
        coal_ramp_pu_per_h=np.array([1.0]),
        coal_must_run_units=np.array([[0]]),
        hydro_capacity_mw=np.array([20.0]),
        hydro_minimum_mw=np.array([[0.0]]),
        hydro_budget_mwh=np.array([[12.5 * hours]]),
        available_mw=np.column_stack([WIND_AVAILABLE_MW, PV_AVAILABLE_MW]),
        storage_power_mw=np.array([10.0]),
        storage_energy_mwh=np.array([20.0]),
        storage_charge_efficiency=np.array([0.9]),
        storage_discharge_efficiency=np.array([0.8]),
        storage_self_discharge_per_h=np.array([0.0]),
        load_mw=demand,
        loss_mw=LOSS_ESTIMATE_MW,
        export_mw=_column(CONTRACT_MW),
        export_low_mw=_column(0.9 * CONTRACT_MW),
        export_high_mw=_column(1.1 * CONTRACT_MW),
        shed_limit_mw=np.full(HOURS, 5.0),
        call_limit_mw=np.zeros((HOURS, 0)),
        shift_limit_mw=none,
        shift_energy_mwh=10.0,
        rotation_days=7,
        reserve_share_load=0.0,
        renewables_credit=1.0,
        look_ahead_h=48,
        step_window_h=24,
        price_curtailed=CURTAILED,
        price_unserved=UNSERVED,
        price_storage=STORAGE,
        price_shed=SHED,
        price_shift=SHIFT,
        price_export_up=UP,
        price_export_down=DOWN,
    )


def dispatch(of: Scenario) -> DispatchResult:
    step_h, none = of.time.step_h, np.zeros(HOURS)
    return DispatchResult(
        time=of.time,
        **_names(),
        coal_mw=_column(_coal_mw()),
        coal_units_on=np.array([[1], [0], [1], [1]]),
        coal_starts=np.array([[0], [0], [1], [0]]),
        hydro_mw=_column(HYDRO_MW),
        hydro_spilled_mwh=np.array([[10.0 * step_h]]),
        renewable_mw=np.column_stack([WIND_MW, PV_MW]),
        charge_mw=_column(CHARGE_MW),
        discharge_mw=_column(DISCHARGE_MW),
        stored_mwh=_column(10.0 + step_h * np.array([0.0, 4.5, -0.5, -0.5])),  # + 5·0.9, then − 4/0.8
        shed_mw=_two_loads(none, SHED_MW),
        shift_up_mw=_two_loads(SHIFT_UP_MW, none),
        shift_down_mw=_two_loads(SHIFT_DOWN_MW, none),
        unserved_mw=_two_loads(none, UNSERVED_MW),
        export_mw=_column(EXPORT_MW),
        flexibles=(),
        flexible_mw=np.zeros((HOURS, 0)),
        calls=(),
        called_mw=np.zeros((HOURS, 0)),
        loss_mw=LOSS_ESTIMATE_MW,
        below_minimum_mw=np.array([0.0, 7.0, 0.0, 0.0]),
        price_cny_per_mwh=np.array([300.0, -80.0, 20000.0, 300.0]),
        cost_cny=_cost(step_h),
    )


def _cost(step_h: float) -> tuple[tuple[str, float], ...]:
    """Prices × energies of the table above: 15 MWh curtailed, 9 through the store, 4 shifted, 3 unserved, …"""
    return (
        ("coal", float(_coal_mw().sum()) * step_h * COAL_COST),
        ("starts", START_CNY),
        ("storage", 9 * step_h * STORAGE),
        ("shed", 1 * step_h * SHED),
        ("shift", 4 * step_h * SHIFT),
        ("unserved", 3 * step_h * UNSERVED),
        ("export_up", 1 * step_h * UP),
        ("export_down", 1 * step_h * DOWN),
        ("export_cut", 0.0),
        ("curtailment", 15 * step_h * CURTAILED),
        ("ranking", 0.0),
    )


def causes(of: Scenario) -> Causes:
    """Of W1's 5 MW in hour 0: 2 surplus, 3 coal. Of V1's 10 MW in hour 1: 4 surplus, 5 coal, 1 behind line L."""
    step_h, none = of.time.step_h, np.zeros(HOURS)
    in_hour_0, in_hour_1 = np.array([1.0, 0, 0, 0]), np.array([0.0, 1, 0, 0])
    shares = ((2 * in_hour_0, 4 * in_hour_1), (3 * in_hour_0, 5 * in_hour_1), (none, in_hour_1))
    return Causes(
        time=of.time,
        renewables=("W1", "V1"),
        causes=("surplus", "flexibility", "network"),
        rows=(BindingRow("L", "network", 38.0, False, 2 * step_h, step_h, step_h),),
        share_mw=np.array([np.column_stack(pair) for pair in shares]),
        rung_mwh=step_h * np.array([7.0, 14.0, 15.0]),
    )


def injections() -> Injections:
    at_a = LOSS_ESTIMATE_MW - BUS_B_MW - BUS_C_MW
    return Injections(
        p_mw=np.column_stack([at_a, BUS_B_MW, BUS_C_MW]),
        q_mvar=np.zeros((HOURS, 3)),
        v_set_pu=np.array([[1.04]]),
        q_min_mvar=np.array([[-100.0]]),
        q_max_mvar=np.array([[100.0]]),
    )


def flow() -> FlowResult:
    p_from = np.array([[52.0, 41.2], [52.0, 41.2], [104.0, 122.4], [np.nan] * 2])
    p_to = np.array([[-51.5, -40.8], [-51.5, -40.8], [-102.0, -118.8], [np.nan] * 2])
    silent = np.where(np.isnan(p_from), np.nan, 0.0)
    return FlowResult(
        vm_pu=VOLTAGES,
        va_deg=VOLTAGES * 0.0,
        p_from_mw=p_from,
        q_from_mvar=silent,
        p_to_mw=p_to,
        q_to_mvar=silent,
        loading=LOADING,
        loss_mw=(p_from + p_to).sum(axis=1),
        slack_mw=_column(SLACK_MW),
        control_mvar=_column(SLACK_MW * 0.0),
        iterations=np.array([3, 3, 4, 30]),
        status=np.array(
            [FlowStatus.SOLVED, FlowStatus.SOLVED, FlowStatus.SOLVED_BY_FALLBACK, FlowStatus.NOT_CONVERGED]
        ).astype(np.int64),
        mismatch_pu=np.array([1e-10, 1e-10, 1e-9, np.nan]),
        messages=((3, "not converged at C220, mismatch 0.4 pu"),),
    )


def _weather(of: Scenario) -> Weather:
    zeros = np.zeros((HOURS, 1))
    return Weather(
        time=of.time,
        sites=("weining",),
        ghi_wm2=zeros,
        dni_wm2=zeros,
        dhi_wm2=zeros,
        temp_air_c=zeros,
        pressure_pa=zeros,
        wind_ms=zeros,
        iced=zeros.astype(bool),
        origin=("hand-made",),
        repairs=(Repair("weining", "too bright", "辐照度过高", "clipped", "截断", 74),),
    )


def _profiles(of: Scenario, of_case: DispatchCase) -> Profiles:
    return Profiles(
        time=of.time,
        renewables=("W1", "V1"),
        hydros=("H1",),
        loads=("LB", "LC"),
        channels=("X",),
        available_mw=of_case.available_mw,
        load_mw=of_case.load_mw,
        load_mvar=of_case.load_mw * 0.0,
        export_mw=of_case.export_mw,
        hydro_budget_mwh=of_case.hydro_budget_mwh,
        hydro_minimum_mw=of_case.hydro_minimum_mw,
        clipped_gwh=np.array([0.0, 0.002]),
        notes=(("a note", "说明"),),
    )


def _network(of: Scenario) -> NetworkReport:
    return NetworkReport(
        year=2025,
        elements=elements_of(of),
        evidence=(Evidence("lines, circuit-km", 15.0, 15.0, 30.0),),
        sizing_changes=(),
        left_overloaded=(),
        problems=(),
        warnings=(),
    )


@lru_cache(maxsize=4)
def outcome(step_h: float = 1.0) -> Outcome:
    of = scenario(step_h)
    of_case = case(of)
    return Outcome(
        scenario=of,
        weather=_weather(of),
        profiles=_profiles(of, of_case),
        network=_network(of),
        model=model(),
        case=of_case,
        limits=no_limits(of_case),
        dispatch=dispatch(of),
        injections=injections(),
        flow=flow(),
        causes=causes(of),
        loss_rounds=2,
        certificate=Certificate((Sample("all", 0, HOURS, 101.0, 100.0, 15.0, 14.0, 145.0),), whole=False),
        correction=None,
        timings_s=(("dispatch", 0.1), ("flow", 0.2)),
    )


def changed(record: object, **values: object) -> object:
    """Return a record with some fields replaced (records are frozen)."""
    return replace(record, **values)  # type: ignore[type-var]
