"""NASA POWER: an answer of its form becomes a file that the reader takes; only the network is faked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import requests

from profiles.intake import read_weather_file
from profiles.nasa_power import fetch_year
from scenarios.errors import DataError, SimulationError
from scenarios.load import load_scenario
from scenarios.timeaxis import TimeAxis

SITE = load_scenario("tiny").settings.weather.sites["weining"]
YEAR = 2023
NO_VALUE = -999.0


class Answer:
    """What the service answers for the days asked for: hour k of the request has temperature k / 1000 °C."""

    ok = True

    def __init__(self, asked: dict[str, Any], gaps: int = 0) -> None:
        hours = pd.date_range(asked["start"], pd.Timestamp(asked["end"]) + pd.Timedelta(hours=23), freq="h")
        keys = hours.strftime("%Y%m%d%H")
        local = (hours.hour + 8) % 24
        series = {
            "ALLSKY_SFC_SW_DWN": np.where((local > 7) & (local < 18), 400.0, 0.0),
            "T2M": np.arange(len(hours)) / 1000,
            "WS10M": np.full(len(hours), 3.5),
            "PS": np.full(len(hours), 77.9),  # kPa
        }
        series["T2M"][100 : 100 + gaps] = NO_VALUE
        self.series = {name: dict(zip(keys, values.tolist(), strict=True)) for name, values in series.items()}
        self.asked = asked

    def json(self) -> dict[str, Any]:
        wanted = self.asked["parameters"].split(",")
        return {
            "properties": {"parameter": {name: self.series[name] for name in wanted}},
            "header": {"fill_value": NO_VALUE},
            "times": {},
            "parameters": {},
            "geometry": {"coordinates": [104.28, 26.87, 2100.0]},
        }


def fake(monkeypatch: pytest.MonkeyPatch, answer) -> None:
    monkeypatch.setattr(requests, "get", lambda url, params: answer(params))


def test_the_year_is_local_and_the_units_are_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Asked from 31 Dec 2022 0 h UTC on; the local year begins at 16 h UTC, which is hour 16 of the request."""
    fake(monkeypatch, Answer)
    path = tmp_path / "weining-2023.csv"
    fetch_year(SITE, YEAR, path)
    raw = read_weather_file(path, TimeAxis.of_year(YEAR))
    assert len(raw.time) == 8760
    assert raw.time.start == pd.Timestamp("2023-01-01T00:00:00+08:00")
    assert raw.temp_air_c[[0, 8759]] == pytest.approx([0.016, 8.775], abs=1e-4)
    assert raw.pressure_pa[0] == pytest.approx(77_900.0)
    assert raw.wind_at == "station"
    assert raw.ghi_wm2[12] == 400.0  # noon, local time
    assert [item.name for item in tmp_path.iterdir()] == [path.name]


def test_hours_without_a_value_are_counted_and_no_file_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    fake(monkeypatch, lambda asked: Answer(asked, gaps=5))
    with pytest.raises(DataError, match="temp_air_c: 5 of 8760 hours have no value"):
        fetch_year(SITE, YEAR, tmp_path / "a.csv")
    assert not list(tmp_path.iterdir())


def refuse(asked: dict[str, Any]) -> Any:
    raise requests.ConnectionError("no route")


class Refusal:
    ok = False

    def __init__(self, asked: dict[str, Any]) -> None: ...

    def json(self) -> dict[str, Any]:
        return {"messages": ["Please provide a valid date."]}


class Strange(Refusal):
    ok = True


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (refuse, "cannot be reached → check the connection"),
        (Refusal, "the service refuses: .*valid date"),
        (Strange, "the answer cannot be read .* try again later"),
    ],
)
def test_what_the_network_does_is_said_with_a_cure(
    answer, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    fake(monkeypatch, answer)
    with pytest.raises(SimulationError, match=message):
        fetch_year(SITE, YEAR, tmp_path / "a.csv")
    assert not list(tmp_path.iterdir())
