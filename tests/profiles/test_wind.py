"""Wind power against windpowerlib's ModelChain, published yields, and arithmetic by hand."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest
import windpowerlib
from scipy.special import gamma
from weather_cases import scenario, weather
from windpowerlib.modelchain import ModelChain

from profiles.wind import (
    RidgeAir,
    Turbine,
    WindOutput,
    fleet_power_pu,
    generate_wind,
    load_fleet,
    pressure_at,
    turbine_power_pu,
    with_losses,
)
from scenarios.errors import ScenarioError
from scenarios.records import Floats
from scenarios.settings import TurbineShare, Wind


def machine(turbine: str, hub_height_m: float = 100.0) -> Turbine:
    return load_fleet(Wind(fleet=(TurbineShare(turbine=turbine, share=1.0, hub_height_m=hub_height_m),)))[0]


@cache
def output(*overrides: str) -> WindOutput:
    return generate_wind(scenario(*overrides), weather(*overrides))


def full_load_hours(*overrides: str) -> float:
    return float(output(*overrides).available_mw.sum() / sum(p.capacity_mw for p in scenario().plants_of("wind")))


@pytest.mark.parametrize("turbine", ["N131/3000", "V90/2000", "SWT142/3150", "VS112/2500"])
def test_the_power_is_that_of_the_library_s_model_chain(turbine: str) -> None:
    rng = np.random.default_rng(3)
    wind = np.concatenate([np.linspace(0.0, 36.0, 361), rng.weibull(2.0, 400) * 7.0])
    kelvin, pascal = rng.uniform(262.0, 300.0, wind.size), rng.uniform(74_000.0, 79_000.0, wind.size)
    air = RidgeAir(wind[:, None], kelvin[:, None], pascal[:, None])
    ours = fleet_power_pu(air, [machine(turbine)])[:, 0]
    columns = pd.MultiIndex.from_tuples(
        [("wind_speed", 100.0), ("temperature", 100.0), ("pressure", 0), ("roughness_length", 0)]
    )
    frame = pd.DataFrame(
        np.column_stack([wind, kelvin - 0.0065 * 100, pascal, np.full(wind.size, 0.1)]), columns=columns
    )
    plant = windpowerlib.WindTurbine(hub_height=100.0, turbine_type=turbine)
    chain = ModelChain(plant, density_correction=True).run_model(frame)
    theirs = np.asarray(chain.power_output) / plant.nominal_power
    assert ours == pytest.approx(theirs, rel=1e-10, abs=1e-12)
    assert ours.max() == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize(
    ("turbine", "hours"), [("SWT142/3150", 2795), ("N131/3000", 2578), ("VS112/2500", 2240), ("V90/2000", 1968)]
)
def test_gross_full_load_hours_are_the_independent_ones(turbine: str, hours: int) -> None:
    # Computed elsewhere with windpowerlib: Weibull k = 2, mean 6.0 m/s at hub, 778 hPa at 2237 m, 100 m hub.
    share = (np.arange(20_000) + 0.5) / 20_000
    wind = (-np.log(1 - share)) ** 0.5 * 6.0 / gamma(1.5)
    full = np.ones((20_000, 1))
    air = RidgeAir(wind[:, None], full * (273.15 + 11.3), full * 77_800.0)
    assert fleet_power_pu(air, [machine(turbine)]).mean() * 8760 == pytest.approx(hours, rel=0.015)


def hand_turbine() -> Turbine:
    share = TurbineShare(turbine="made by hand", share=1.0, hub_height_m=100.0)
    return Turbine(share, np.array([3.0, 7.5, 12.5, 25.0]), np.array([0.0, 0.4, 1.0, 1.0]))


def power_at(wind_ms: float, density: float) -> float:
    return float(turbine_power_pu(np.array([[wind_ms]]), np.array([[density]]), hand_turbine())[0, 0])


def test_a_curve_by_hand() -> None:
    # At 1.225 kg/m³ as it stands: 5.25 m/s is half way from 3 to 7.5, so 0.2; 10 m/s half way to 12.5, so 0.7.
    assert power_at(5.25, 1.225) == pytest.approx(0.2)
    assert power_at(10.0, 1.225) == pytest.approx(0.7)
    assert [power_at(v, 1.225) for v in (0.0, 2.99, 25.01, 60.0)] == [0.0, 0.0, 0.0, 0.0]
    # In thin air of 1.225 / 1.331 kg/m³ the point of 7.5 m/s moves by 1.331^(1/3) = 1.1 to 8.25 m/s and that of
    # 12.5 by 1.331^(2/3) = 1.21 to 15.125 m/s; half way between, 11.6875 m/s, the power is 0.7.
    assert power_at(8.25, 1.225 / 1.331) == pytest.approx(0.4)
    assert power_at(11.6875, 1.225 / 1.331) == pytest.approx(0.7)


def test_thin_air_carries_less() -> None:
    wind = np.linspace(0, 20, 200)[:, None]
    thick, thin = (turbine_power_pu(wind, np.full_like(wind, rho), machine("N131/3000")) for rho in (1.1, 0.9))
    assert (thin <= thick + 1e-12).all()
    assert thin.sum() < 0.98 * thick.sum()


def test_pressure_and_density_on_the_ridge() -> None:
    # Hypsometric: 9.80665 · 1000 / (287.05 · 273.15) = 0.12507; exp(−0.12507) = 0.88243.
    one = np.ones((1, 1))
    assert pressure_at(80_000.0 * one, 273.15 * one, 1000.0 * one)[0, 0] == pytest.approx(
        80_000 * 0.88243, rel=1e-4
    )
    # Independent: 0.931 kg/m³ at 100 m above 2400 m, for 778 hPa at 2237 m; 11.3 °C there.
    ridge_k = 273.15 + 11.3 - 0.0065 * 163
    pressure = pressure_at(77_800.0 * one, 283.9 * one, 163.0 * one)
    density = windpowerlib.density.barometric(pressure, 0.0, 100.0, ridge_k - 0.65)
    assert density[0, 0] == pytest.approx(0.931, rel=0.01)


def test_unknown_turbines_are_all_named_with_a_cure() -> None:
    parts = ("N131-3000", "V90/2000", "SWT-142/3150")
    fleet = tuple(TurbineShare(turbine=name, share=1 / 3, hub_height_m=90) for name in parts)
    with pytest.raises(ScenarioError) as error:
        load_fleet(Wind(fleet=fleet))
    first, second = error.value.problems
    assert (first.place, first.cure) == ("wind.fleet[0].turbine", 'did you mean "N131/3000"?')
    assert (second.place, second.cure) == ("wind.fleet[2].turbine", 'did you mean "SWT142/3150"?')


def losses_only(**changes: float) -> Wind:
    values = {"wake_efficiency": 0.9, "availability": 0.8, "electrical_efficiency": 0.7, "iced_power_pu": 0.25}
    return scenario().settings.wind.model_copy(update=values | changes)


def iced_between(first: int, last: int, hours: int) -> Floats:
    return with_losses(
        np.ones((hours, 2)), (np.arange(hours) >= first) & (np.arange(hours) < last), losses_only(), 1.0
    )


def test_losses_and_icing_by_hand() -> None:
    # 0.9 · 0.8 · 0.7 = 0.504 everywhere, a quarter of it in the middle of a long spell of ice.
    power = iced_between(20, 60, 80)
    assert power[[0, 10, 70], :] == pytest.approx(0.504)
    assert power[30:50] == pytest.approx(0.126)
    # The spread of icing over the farms moves no energy: 40 h at a quarter, 40 h full.
    assert power.sum(axis=0) == pytest.approx(0.504 * (40 + 40 * 0.25))


def test_full_load_hours_are_those_of_the_region() -> None:
    # Guizhou 1821–2069 h in 2018–23 (NEA/CEC), Bijie's ridges 1,964–2,107 h (single farms): mean of two years.
    seeds = [f"weather.seed={seed}" for seed in (1, 2)]
    assert 1850 < np.mean([full_load_hours(seed) for seed in seeds]) < 2050


def test_dispersion_moves_little_energy_and_calms_the_fleet() -> None:
    one_mast = ("dispersion.wind_sigma_ms=0", "dispersion.smoothing_h=0")
    alone, spread = output(*one_mast), output()
    assert spread.available_mw.sum() == pytest.approx(alone.available_mw.sum(), rel=0.02)
    ramps = [np.abs(np.diff(case.available_mw.sum(axis=1))) for case in (alone, spread)]
    assert ramps[1].max() < 0.6 * ramps[0].max()
    # Hourly changes of a region rarely exceed 15–20 % of its capacity (Holttinen 2005, Wind Energy 8(2)).
    assert np.percentile(ramps[1], 99) < 0.16 * 4700


def test_each_group_keeps_the_fleet_s_energy() -> None:
    # Wind at every group has the site's mean and spread, so groups of one county differ by chance alone.
    plants = scenario().plants_of("wind")
    hours = output().available_mw.sum(axis=0) / [plant.capacity_mw for plant in plants]
    weining = [value for value, plant in zip(hours, plants, strict=True) if plant.county == "威宁"]
    assert np.std(weining) < 0.05 * np.mean(weining)


@pytest.mark.parametrize("step_h", [0.5, 0.25])
def test_finer_steps_have_nearly_the_same_energy(step_h: float) -> None:
    spring = ("time.start=2025-04-10", "time.hours=240")
    fine = output(*spring, f"time.step_h={step_h}").available_mw.sum() * step_h
    assert fine == pytest.approx(output(*spring).available_mw.sum(), rel=0.03)


def test_days_of_a_year_are_the_same_alone_but_for_their_ends() -> None:
    # The mean over 12 h misses its neighbours at the ends, the smoothing of farms and ice adds up to 4 h more.
    part = output("time.start=2025-04-10", "time.hours=72").available_mw
    first = 24 * (31 + 28 + 31 + 9)
    whole = output().available_mw[first : first + 72]
    assert part[11:-11] == pytest.approx(whole[11:-11], abs=1e-6)
    assert part.sum() == pytest.approx(whole.sum(), rel=0.15)
