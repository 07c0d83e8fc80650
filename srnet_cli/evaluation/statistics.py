"""Means with the uncertainty that so few pictures leave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

#: resamples of a bootstrap; the seed is fixed, so that the same figures give the same interval
RESAMPLES, SEED = 10_000, 1
#: share of the resampled means that the interval holds
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Mean:
    """A mean over ``count`` pictures and its confidence interval, None where fewer than two scenes are."""

    value: float
    low: float | None
    high: float | None
    count: int

    @property
    def beyond_chance(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def mean_with_interval(values: Sequence[float], scenes: Sequence[str]) -> Mean:
    """Mean of ``values`` with its 95 % percentile bootstrap interval.

    Whole scenes are resampled, because pictures of one scene are not independent.

    Raises:
        ValueError: for no values, or another number of scenes.
    """
    if not values or len(values) != len(scenes):
        raise ValueError(f"{len(values)} values of {len(scenes)} scenes have no mean")
    found, group = np.unique(np.array(scenes), return_inverse=True)
    sums = np.bincount(group, weights=np.array(values))
    counts = np.bincount(group)
    value = float(np.mean(values))
    if len(found) < 2:
        return Mean(value, None, None, len(values))
    drawn = np.random.default_rng(SEED).integers(0, len(found), (RESAMPLES, len(found)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    tail = 50 * (1 - CONFIDENCE)
    low, high = np.percentile(means, (tail, 100 - tail))
    return Mean(value, float(low), float(high), len(values))
