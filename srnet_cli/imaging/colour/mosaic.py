"""The encoding in which networks read mosaics and give camera colours.

Light is linear, black at 0, white-balanced with the smallest gain 1, and white at 1: what is above is clipped,
as a developer does it, so that a saturated sensor is white and not magenta. Its square root makes shot noise
nearly even: the variance of light is proportional to light, and the root's slope takes that out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

Values = TypeVar("Values", NDArray[np.float32], "Tensor")


def to_root(light: Values) -> Values:
    """Encode linear light of 0..1.

    Example:
        >>> to_root(np.array([0.0, 0.25, 1.5], np.float32))
        array([0. , 0.5, 1. ], dtype=float32)
    """
    root: Values = light.clip(0, 1) ** 0.5
    return root


def to_light(root: Values) -> Values:
    """Decode to linear light of 0..1."""
    light: Values = root.clip(0, 1) ** 2
    return light
