"""Mosaics as networks read them, the encoding of it and of the camera colours that they give.

Light is linear, black at 0, white-balanced with the smallest gain 1, and white at 1: what is above is
clipped, as a developer does it, so that a saturated sensor is white and not magenta. Its square root makes
shot noise nearly even: the variance of light is proportional to light, and the root's slope takes that out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from srnet_cli.imaging.colour.shoulder import shoulder
from srnet_cli.imaging.srgb import linear_to_srgb

if TYPE_CHECKING:
    from torch import Tensor

Values = TypeVar("Values", NDArray[np.float32], NDArray[np.float64], "Tensor")
Matrix = tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]

#: steps of the table that develops; a root is told from the next by them, as 16 bits tell them
STEPS = 65_535


@dataclass(frozen=True)
class BalancedMosaic:
    """An upright Bayer mosaic, packed, and what makes a picture of camera colours in the same encoding."""

    #: h×w×4 uint16: roots of light × 65,535, in the order R, G, B, G of RGGB
    values: NDArray[np.uint16]
    #: rows and columns (0 or 1) of ``values`` before the picture's first, which are its reflection
    pad: tuple[int, int]
    #: camera colours to linear sRGB; white stays white
    to_srgb: Matrix
    #: by which light is brightened, and clipped at white
    stops: float = 0.0
    #: by which it is brightened then, and kept in range by a shoulder
    baseline: float = 0.0

    @property
    def curve(self) -> NDArray[np.float32]:
        """The table that develops the roots of linear sRGB, 0..``STEPS``, to sRGB of 0..1."""
        return _curve(self.stops, self.baseline)


@lru_cache(maxsize=4)
def _curve(stops: float, baseline: float) -> NDArray[np.float32]:
    light: NDArray[np.float64] = (np.arange(STEPS + 1) / STEPS) ** 2
    bright = np.asarray(np.minimum(light * 2.0**stops, 1.0) * 2.0**baseline, np.float64)
    return np.asarray(linear_to_srgb(shoulder(bright, 2.0**baseline)), np.float32)


def to_root(light: Values) -> Values:
    """Encode linear light of 0..1.

    Example:
        >>> to_root(np.array([0.0, 0.25, 1.5], np.float32))
        array([0. , 0.5, 1. ], dtype=float32)
    """
    clipped: Values = light.clip(0, 1)
    return clipped**0.5
