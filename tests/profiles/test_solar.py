"""PV against pvlib's own system classes, arithmetic by hand, and the full-load hours of plants in Guizhou."""

from __future__ import annotations

from functools import cache

import numpy as np
import pvlib
import pytest
from weather_cases import scenario, weather

from profiles.solar import (
    LOWEST_BEAM_COS,
    PvOutput,
    Sky,
    array_power_pu,
    diffuse_reflection,
    generate_pv,
    inverted_pu,
    plane_irradiance,
    plane_of_arrays,
    split_like_site,
)
from profiles.sun import Place, SunPosition, clear_sky_ghi, split_ghi, sun_at
from scenarios.records import Floats
from scenarios.settings import Pv
from scenarios.timeaxis import TimeAxis

WEINING = Place(26.87, 104.28, 2237.0)
SPRING = ("time.start=2025-04-10", "time.hours=240")
WEEK = TimeAxis.of("2025-04-10", 168)


@cache
def output(*overrides: str) -> PvOutput:
    return generate_pv(scenario(*overrides), weather(*overrides))


@cache
def spring_sun() -> SunPosition:
    return sun_at(WEINING, WEEK.middles())


def sky_of_clearness(clearness: float, temp_c: float = 15.0, wind_ms: float = 2.0) -> Sky:
    """The sky of one plant in a spring week at a constant clearness."""
    sun = spring_sun()
    ghi = clearness * clear_sky_ghi(WEINING, sun)[:, None]
    dni, dhi = split_ghi(ghi, sun)
    return Sky(ghi, dni, dhi, np.full_like(ghi, temp_c), np.full_like(ghi, wind_ms))


def full_load_hours(county: str, *overrides: str) -> float:
    plants = scenario(*overrides).plants_of("pv")
    columns = [i for i, plant in enumerate(plants) if plant.county == county]
    capacity = sum(plants[i].capacity_mw for i in columns)
    return float(output(*overrides).available_mw[:, columns].sum() / capacity)


def library_system(pv: Pv) -> pvlib.pvsystem.PVSystem:
    mount = pvlib.pvsystem.FixedMount(pv.tilt_deg, pv.azimuth_deg)
    array = pvlib.pvsystem.Array(
        mount,
        albedo=pv.albedo,
        module_parameters={"pdc0": pv.dc_ac_ratio, "gamma_pdc": pv.temperature_coefficient_per_k},
        temperature_model_parameters={"u_c": 25.0, "u_v": 1.2},
    )
    rated = {"pdc0": 1.0 / pv.inverter_efficiency, "eta_inv_nom": pv.inverter_efficiency}
    return pvlib.pvsystem.PVSystem([array], inverter_parameters=rated)


def test_the_plane_of_array_is_that_of_pvlib_s_system() -> None:
    sky, sun, pv = sky_of_clearness(0.7), spring_sun(), Pv()
    front, _ = plane_irradiance(sky, sun, plane_of_arrays(sun, pv), pv)
    theirs = library_system(pv).get_irradiance(
        sun.zenith_deg,
        sun.azimuth_deg,
        sky.dni_wm2[:, 0],
        sky.ghi_wm2[:, 0],
        sky.dhi_wm2[:, 0],
        dni_extra=sun.extra_normal_wm2,
        model="haydavies",
    )
    assert front[:, 0] == pytest.approx(np.asarray(theirs["poa_global"]), rel=1e-12, abs=1e-9)
    assert front.max() > 700


def test_power_after_the_glass_is_that_of_pvlib_s_system() -> None:
    sky, sun, pv = sky_of_clearness(0.9), spring_sun(), Pv(losses=0.0, availability=1.0, dc_ac_ratio=1.3)
    front, absorbed = plane_irradiance(sky, sun, plane_of_arrays(sun, pv), pv)
    system = library_system(pv)
    cell = system.get_cell_temperature(front[:, 0], sky.temp_air_c[:, 0], sky.wind_ms[:, 0], model="pvsyst")
    ac = system.get_ac("pvwatts", system.pvwatts_dc(absorbed[:, 0], cell))
    assert array_power_pu(sky, sun, pv)[0][:, 0] == pytest.approx(np.maximum(ac, 0.0), abs=1e-12)


def test_a_flat_array_sees_the_global_irradiance() -> None:
    # Tilt 0: beam · cos(zenith) + diffuse = GHI, nothing from the ground.
    sky, sun, pv = sky_of_clearness(0.7), spring_sun(), Pv(tilt_deg=0.0)
    front, absorbed = plane_irradiance(sky, sun, plane_of_arrays(sun, pv), pv)
    high = sun.zenith_deg < 80
    assert front[high] == pytest.approx(sky.ghi_wm2[high])
    assert (absorbed[high] < front[high]).all()


def test_the_inverter_by_hand() -> None:
    # Rated DC 1 / .98 = 1.020408 per AC. At DC 0.5: ζ = .5 · .98 = .49; η = .98 / .9637 · (−.0162 · .49
    # − .0059 / .49 + .9858) = 1.016914 · .965821 = .982157; AC .491079, · .99 = .486168. At the rated DC the
    # bracket is .9637, so AC is 1. At DC 1.2: AC 1 · .99; clipped (1.2 − 1.020408) · .98 · .99 = .174240.
    ac, clipped = inverted_pu(np.array([[0.0], [0.5], [1 / 0.98], [1.2]]), Pv())
    assert ac[:, 0] == pytest.approx([0.0, 0.486168, 0.99, 0.99], abs=1e-6)
    assert clipped[:, 0] == pytest.approx([0.0, 0.0, 0.0, 0.174240], abs=1e-6)


def test_losses_come_before_the_inverter() -> None:
    # A DC power that would be clipped alone is not after 14 % of losses: 1.1 · 1.0 · .86 = .946 < 1.02.
    bright = sky_of_clearness(1.05, temp_c=-10.0)
    assert array_power_pu(bright, spring_sun(), Pv(losses=0.0))[1].sum() > 0
    assert array_power_pu(bright, spring_sun(), Pv(losses=0.4))[1].sum() == 0


def test_inverters_clip_and_the_clipped_energy_is_counted() -> None:
    small, large = output("pv.dc_ac_ratio=1.1"), output("pv.dc_ac_ratio=1.6")
    capacity = np.array([plant.capacity_mw for plant in scenario().plants_of("pv")])
    assert large.available_mw.max(axis=0) == pytest.approx(0.99 * capacity)
    assert (large.clipped_gwh > 10 * small.clipped_gwh + 1e-3).all()
    # What was not clipped is what a much larger inverter would have let through, but for its efficiency.
    assert ((large.available_mw.sum(axis=0) / 1e3) > (small.available_mw.sum(axis=0) / 1e3)).all()
    ratio = (large.available_mw.sum() / 1e3 + large.clipped_gwh.sum()) / (small.available_mw.sum() / 1e3)
    assert ratio == pytest.approx(1.6 / 1.1, rel=0.01)


def test_no_power_at_night_and_never_above_capacity() -> None:
    sun = sun_at(WEINING, scenario().time.middles())
    power = output().available_mw
    assert (power[sun.zenith_deg > 95] == 0).all()
    assert power.min() >= 0
    assert (power <= [plant.capacity_mw for plant in scenario().plants_of("pv")]).all()


def test_heat_costs_power_and_losses_and_rear_gain_act_in_proportion() -> None:
    sun = spring_sun()
    cool, hot = (array_power_pu(sky_of_clearness(0.8, temp), sun, Pv())[0].sum() for temp in (5.0, 30.0))
    # 25 K · 0.34 %/K = 8.5 % of the power at 25 °C cell temperature.
    assert 1 - hot / cool == pytest.approx(0.085, abs=0.012)
    front = array_power_pu(sky_of_clearness(0.5), sun, Pv(dc_ac_ratio=0.8))[0].sum()
    rear = array_power_pu(sky_of_clearness(0.5), sun, Pv(dc_ac_ratio=0.8, bifacial_gain=0.1))[0].sum()
    assert rear / front == pytest.approx(1.1, abs=0.01)


def test_trackers_follow_the_sun_and_lie_flat_at_night() -> None:
    sun, pv = spring_sun(), Pv(mount="tracker")
    plane = plane_of_arrays(sun, pv)
    assert (plane.tilt_deg[sun.zenith_deg > 95] == 0).all()
    assert plane.tilt_deg.max() <= 60.0 + 1e-9
    morning = (sun.azimuth_deg < 120) & (sun.zenith_deg < 70)
    assert plane.azimuth_deg[morning] == pytest.approx(90.0)
    gain = output("pv.mount=tracker").available_mw.sum() / output().available_mw.sum()
    assert 1.03 < gain < 1.2


def test_diffuse_reflection_falls_between_the_library_s_values() -> None:
    sky, ground = diffuse_reflection(np.array([24.0, 25.0]))
    exact = pvlib.iam.marion_diffuse("physical", np.array([24.0, 25.0]))
    assert sky == pytest.approx(exact["sky"], abs=1e-4)
    assert ground == pytest.approx(exact["ground"], abs=2e-3)


def brightened(factor: float) -> tuple[Floats, Floats, Floats]:
    sun = spring_sun()
    site = 0.6 * clear_sky_ghi(WEINING, sun)
    return site, 1.2 * split_ghi(site, sun)[1], factor * site[:, None]


def test_a_measured_diffuse_share_is_kept_and_moved_as_erbs_moves() -> None:
    sun = spring_sun()
    site, measured, same = brightened(1.0)
    dni, dhi = split_like_site(same, site, np.minimum(measured, site), sun)
    high = sun.cos_zenith > LOWEST_BEAM_COS
    assert dhi[high, 0] == pytest.approx(np.minimum(measured, site)[high])
    for factor in (0.7, 1.3):
        ghi = brightened(factor)[2]
        dni, dhi = split_like_site(ghi, site, split_ghi(site, sun)[1], sun)
        assert dhi == pytest.approx(split_ghi(ghi, sun)[1], abs=1e-9)
        assert dhi[:, 0] + dni[:, 0] * sun.cos_zenith == pytest.approx(ghi[:, 0])


def test_full_load_hours_are_those_of_the_region() -> None:
    # Weining 1,050–1,250 h and Hezhang 950–1,150 h (AC), Guizhou 932–1092 h in 2018–24 (NEA/CEC); mean of two.
    seeds = [f"weather.seed={seed}" for seed in (1, 2)]
    assert 1100 < np.mean([full_load_hours("威宁", seed) for seed in seeds]) < 1220
    assert 1010 < np.mean([full_load_hours("赫章", seed) for seed in seeds]) < 1110


def test_dispersion_moves_no_energy_and_calms_the_fleet() -> None:
    # Yearly sums differ by chance: 0.5 % is three standard errors of the fleet's sum, seen over ten seeds.
    alone, spread = output("dispersion.pv_sigma=0"), output()
    assert spread.available_mw.sum() == pytest.approx(alone.available_mw.sum(), rel=0.005)
    ramp, calm = (np.abs(np.diff(case.available_mw.sum(axis=1))).max() for case in (alone, spread))
    assert calm < 0.85 * ramp


@pytest.mark.parametrize("step_h", [0.5, 0.25])
def test_finer_steps_have_nearly_the_same_energy(step_h: float) -> None:
    fine = output(*SPRING, f"time.step_h={step_h}").available_mw.sum(axis=0) * step_h
    assert fine == pytest.approx(output(*SPRING).available_mw.sum(axis=0), rel=0.01)


def test_whole_days_of_a_year_are_the_same_alone() -> None:
    part = output(*SPRING).available_mw
    first = 24 * (31 + 28 + 31 + 9)
    assert part == pytest.approx(output().available_mw[first : first + 240], abs=1e-6)
