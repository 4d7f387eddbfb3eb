"""The export contract: exact energy in every kind of year, its shape by hand, and limits of channels."""

from __future__ import annotations

import numpy as np
import pytest
from weather_cases import scenario

from profiles.export import daily_shape, generate_export
from scenarios.errors import ScenarioError
from scenarios.settings import Export


@pytest.mark.parametrize("step_h", [1.0, 0.5, 0.25])
@pytest.mark.parametrize("year", [2024, 2025])
@pytest.mark.parametrize("flank_h", [0.0, 1.0, 2.0, 6.0])
def test_the_energy_of_a_year_is_the_contract(year: int, step_h: float, flank_h: float) -> None:
    case = scenario(f"time.year={year}", f"time.step_h={step_h}", f"export.flank_h={flank_h}")
    assert generate_export(case).export_mw.sum() * step_h / 1e3 == pytest.approx(40000.0)


def test_the_shape_of_a_day_by_hand() -> None:
    # Flanks of 2 h around 9 and 23: 0.7 until 8 h, then 0.85 at 9 h, 1.0 from 10 h. Means of hours: 8–9 h
    # 0.7 + 0.3 · 1/4 = 0.775, 9–10 h 0.925, 22–23 h 0.925, 23–24 h 0.775.
    shape = daily_shape(Export(), 1.0)
    expected = [0.7] * 8 + [0.775, 0.925] + [1.0] * 12 + [0.925, 0.775]
    assert shape == pytest.approx(expected)
    # The flanks move no energy: (14 · 1.0 + 10 · 0.7) h.
    assert shape.sum() == pytest.approx(21.0)


def test_the_longest_flank_passes_midnight() -> None:
    # 6 h around 23 h: from 20 h to 2 h; at 24 h it has fallen by 4/6: mean of 0–1 h is 0.7 + 0.3 · 1.5/6 = 0.775.
    shape = daily_shape(Export(flank_h=6.0), 1.0)
    assert shape[0] == pytest.approx(0.7 + 0.3 * 1.5 / 6)
    assert shape[1] == pytest.approx(0.7 + 0.3 * 0.5 / 6)
    assert shape[2:6] == pytest.approx(0.7)
    assert shape.sum() == pytest.approx(21.0)


def test_no_hour_jumps_as_a_contract_without_flanks_would() -> None:
    # 40 TWh / 8760 h / 0.875 = 5218.5 MW by day; 0.3 of it is 1566 MW at once without flanks, half of it with 2 h.
    with_flanks = generate_export(scenario()).export_mw.sum(axis=1)
    without = generate_export(scenario("export.flank_h=0")).export_mw.sum(axis=1)
    assert np.abs(np.diff(without)).max() == pytest.approx(0.3 * 40e6 / 8760 / 0.875)
    assert np.abs(np.diff(with_flanks)).max() == pytest.approx(0.5 * 0.3 * 40e6 / 8760 / 0.875)


def test_a_part_of_a_year_has_the_same_hours_as_the_whole() -> None:
    whole = generate_export(scenario()).export_mw
    part = generate_export(scenario("time.start=2025-04-10", "time.hours=30")).export_mw
    first = 24 * (31 + 28 + 31 + 9)
    assert part == pytest.approx(whole[first : first + 30])


def test_shares_and_scale() -> None:
    case = scenario()
    export = generate_export(case)
    shares = [channel.share for channel in case.tables.exports]
    assert export.export_mw.sum(axis=0) / export.export_mw.sum() == pytest.approx(shares, abs=1e-5)
    assert generate_export(scenario("scale.export=0.5")).export_mw == pytest.approx(0.5 * export.export_mw)


def test_a_contract_beyond_the_channels_names_each_of_them() -> None:
    # 1.36 GW per channel by day; times 3 is 4.1 GW over three channels of 3 GW (Fuquan: 3.4) and one of 4 GW.
    with pytest.raises(ScenarioError) as error:
        generate_export(scenario("scale.export=3"))
    assert len(error.value.problems) == 4
    assert "4084 MW of a channel that carries 3000 MW" in error.value.problems[0].what
    assert error.value.problems[0].place == "exports.csv (EXP-GAOPO500)"
