"""Annual figures of sampled years → estimates with their standard errors."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from scenarios.records import Floats


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over years and its standard error."""

    value: float
    standard_error: float

    def as_json(self) -> dict[str, float | None]:
        """Return both numbers; what was never seen, or seen in one year only, has no standard error."""
        known = self.value != 0 and math.isfinite(self.standard_error)
        return {"value": self.value, "standard_error": self.standard_error if known else None}


def mean_of(values: Floats) -> Estimate:
    """Return the mean and s/√N; of a single year the error is unknown (NaN)."""
    count = len(values)
    error = float(values.std(ddof=1)) / np.sqrt(count) if count > 1 else float("nan")
    return Estimate(float(values.mean()), float(error))


def ratio_of(above: Floats, below: Floats) -> Estimate | None:
    """Return mean / mean and its standard error by the delta method; ``None`` when the divisor is 0."""
    if below.mean() == 0:
        return None
    ratio = float(above.mean() / below.mean())
    return Estimate(ratio, mean_of((above - ratio * below) / below.mean()).standard_error)
