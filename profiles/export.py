"""Contracted energy of a year and its daily shape → power sent out over each channel.

    day 1.0, night night_pu, straight flanks of flank_h around 9 h and 23 h → scaled so that the full year's energy
    is exact → shares of the channels

Planning documents name 毕电送深 and 黔电送粤 but publish no curve: the shape is an assumption of the scenario.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scenarios.errors import Problem, ScenarioError
from scenarios.records import Floats, axes, record
from scenarios.schema import Scenario
from scenarios.settings import Export
from scenarios.tables import ExportChannel
from scenarios.timeaxis import TimeAxis

DAY_FROM_H = 9.0
DAY_TO_H = 23.0
SAMPLES_PER_DAY = 1440
"""The shape is averaged from minutes: exact for straight lines with corners on full minutes."""


@record
class ExportOutput:
    """Contract curve by channel."""

    channels: tuple[str, ...]
    export_mw: Floats = axes("hours", "channels")


def generate_export(scenario: Scenario) -> ExportOutput:
    """Return the contract curve of the scenario's channels, in the order of the table.

    Raises ``ScenarioError`` naming all channels whose contract exceeds what they can carry.
    """
    channels = scenario.tables.exports
    total_mw = contract_mw(scenario.settings.export, scenario.time) * scenario.settings.scale.export
    shares = np.array([channel.share for channel in channels])
    export = total_mw[:, None] * (shares / shares.sum() if shares.size else shares)
    _check_limits(channels, export)
    return ExportOutput(tuple(channel.channel_id for channel in channels), export)


def _check_limits(channels: Sequence[ExportChannel], export_mw: Floats) -> None:
    peaks = export_mw.max(axis=0)
    problems = [
        Problem(
            f"exports.csv ({channel.channel_id})",
            f"the contract asks {peak:.0f} MW of a channel that carries {channel.limit_mw:.0f} MW",
            "lower export.annual_gwh or scale.export, change the shares, or raise limit_mw",
        )
        for channel, peak in zip(channels, peaks, strict=True)
        if peak > channel.limit_mw
    ]
    if problems:
        raise ScenarioError(problems)


def contract_mw(export: Export, time: TimeAxis) -> Floats:
    """Return the contracted power of all channels together ``[hours]``, MW.

    The same day repeats all year; its level makes the energy of the whole calendar year (365 or 366 days)
    ``export.annual_gwh``, whatever part of it is simulated.
    """
    shape = daily_shape(export, time.step_h)
    days = len(TimeAxis.of_year(time.start.year)) / 24
    level_mw = export.annual_gwh * 1e3 / (days * shape.sum() * time.step_h)
    position = round(time.start.hour / time.step_h) + np.arange(len(time))
    return np.asarray(level_mw * shape[position % len(shape)])


def daily_shape(export: Export, step_h: float) -> Floats:
    """Return the shape of a day ``[steps of a day]``, interval means relative to the day level."""
    minutes = (np.arange(SAMPLES_PER_DAY) + 0.5) * 24 / SAMPLES_PER_DAY
    day = np.maximum(_day_share(minutes, export.flank_h), _day_share(minutes + 24, export.flank_h))
    level = export.night_pu + (1.0 - export.night_pu) * day
    return np.asarray(level.reshape(round(24 / step_h), -1).mean(axis=1))


def _day_share(hour: Floats, flank_h: float) -> Floats:
    """Return 1 by day, 0 by night and the straight flanks between, for hours 0–48 (after midnight: hour + 24)."""
    inside_h = np.minimum(hour - DAY_FROM_H, DAY_TO_H - hour)
    if flank_h == 0:
        return (inside_h > 0).astype(np.float64)
    return np.clip(inside_h / flank_h + 0.5, 0.0, 1.0)
