"""Records check their axes when they are made and cannot be changed afterwards."""

from __future__ import annotations

import numpy as np
import pytest

from scenarios.records import Floats, Ints, axes, record


@record
class Sample:
    """Things by hour."""

    things: tuple[str, ...]
    power_mw: Floats = axes("hours", "things")
    loss_mw: Floats = axes("hours")
    count: Ints = axes("things", dtype=int)

    def check(self) -> None:
        if (self.loss_mw < 0).any():
            raise ValueError("losses cannot be negative")


def sample(**changes) -> Sample:
    values = {
        "things": ("a", "b"),
        "power_mw": np.zeros((3, 2)),
        "loss_mw": np.zeros(3),
        "count": np.zeros(2, dtype=int),
    }
    return Sample(**(values | changes))


def test_arrays_are_read_only_and_the_original_is_not():
    original = np.zeros((3, 2))
    made = sample(power_mw=original)
    with pytest.raises(ValueError, match="read-only"):
        made.power_mw[0, 0] = 1.0
    original[0, 0] = 1.0


def test_fields_cannot_be_replaced():
    with pytest.raises(AttributeError):
        sample().loss_mw = np.ones(3)


def test_an_axis_is_as_long_as_the_names_say():
    with pytest.raises(
        ValueError, match=r"Sample.power_mw: shape \(3, 3\), wanted \('hours', 'things'\) = \(3, 2\)"
    ):
        sample(power_mw=np.zeros((3, 3)))


def test_equal_axis_names_have_equal_lengths():
    with pytest.raises(ValueError, match=r"Sample.loss_mw: shape \(4,\), wanted \('hours',\) = \(3,\)"):
        sample(loss_mw=np.zeros(4))


def test_a_wrong_kind_of_number_is_refused():
    with pytest.raises(TypeError, match=r"Sample\.count: dtype float64, wanted int64"):
        sample(count=np.zeros(2))


def test_a_record_may_add_checks_of_its_own():
    with pytest.raises(ValueError, match="losses cannot be negative"):
        sample(loss_mw=np.array([0.0, -1.0, 0.0]))
