"""Means with the uncertainty that so few pictures leave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

#: resamples of a bootstrap; the seed is fixed, so that the same figures give the same interval
RESAMPLES, SEED = 10_000, 1
#: chance that the interval holds the mean of all pictures of this kind
CONFIDENCE = 0.95
#: below this many scenes no interval is given: their scatter says too little
FEWEST_SCENES = 5


@dataclass(frozen=True)
class Mean:
    """A mean over ``count`` pictures and its confidence interval, None where there are too few scenes."""

    value: float
    low: float | None
    high: float | None
    count: int

    @property
    def beyond_chance(self) -> bool:
        """True where the interval leaves out zero."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def mean_with_interval(values: Sequence[float], scenes: Sequence[str]) -> Mean:
    """Average ``values``, with the mean's 95 % bootstrap interval.

    Whole scenes are resampled, because pictures of one scene are not independent. The plain percentile
    interval is too narrow for a handful of scenes; its tails are moved outwards as in Hesterberg, "What
    Teachers Should Know About the Bootstrap", The American Statistician 69 (2015), section 3.3.

    Raises:
        ValueError: for no values, or another number of scenes.
    """
    if not values or len(values) != len(scenes):
        raise ValueError(f"{len(values)} values of {len(scenes)} scenes have no mean")
    found, group = np.unique(np.array(scenes), return_inverse=True)
    sums = np.bincount(group, weights=np.array(values))
    counts = np.bincount(group)
    value = float(np.mean(values))
    if len(found) < FEWEST_SCENES:
        return Mean(value, None, None, len(values))
    drawn = np.random.default_rng(SEED).integers(0, len(found), (RESAMPLES, len(found)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    tail = 100 * _expanded_tail(len(found))
    low, high = np.percentile(means, (tail, 100 - tail))
    return Mean(value, float(low), float(high), len(values))


def _expanded_tail(count: int) -> float:
    """Compute the share of resampled means to leave out on each side, for ``count`` independent scenes."""
    normal = NormalDist()
    z, degrees = normal.inv_cdf((1 + CONFIDENCE) / 2), count - 1
    # Student's quantile by its expansion about the normal one: 0.3 % off at four degrees of freedom.
    student = (
        z
        + (z**3 + z) / (4 * degrees)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * degrees**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * degrees**3)
    )
    return normal.cdf(-((count / degrees) ** 0.5) * student)
