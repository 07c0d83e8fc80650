"""The curve that brings light brighter than white into range without a hard edge."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_KNEE = 0.5


def shoulder(light: NDArray[Any], brightest: float) -> NDArray[Any]:
    """Return light of 0..``brightest`` in 0..1: unchanged up to 0.5, from there bent to reach 1 at the end.

    y = k + (1−k)·u·(1+u/U²)/(1+u) with k = 0.5, u = (x−k)/(1−k), U that of the brightest (Reinhard et al.,
    SIGGRAPH 2002, equation 4): the slope at k is 1, and for ``brightest`` = 1 nothing changes.

    Example:
        >>> shoulder(np.array([0.25, 1.0, 4.0]), 4.0).round(2)
        array([0.25, 0.76, 1.  ])
    """
    limit = (max(brightest, 1.0) - _KNEE) / (1 - _KNEE)
    u = ((light - _KNEE) / (1 - _KNEE)).clip(0, limit)
    curved = _KNEE + (1 - _KNEE) * u * (1 + u / limit**2) / (1 + u)
    return np.where(light <= _KNEE, light, curved).astype(light.dtype)
