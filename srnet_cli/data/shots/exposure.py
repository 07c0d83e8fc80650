"""The difference in exposure and white balance between two aligned shots, in linear light."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from srnet_cli.imaging.srgb import linear_to_srgb, srgb_to_linear

#: values outside are clipped or noise in one of the shots
_DARKEST, _BRIGHTEST = 12, 243
#: share of usable pixels under which nothing is said about colour
_LEAST_SHARE = 0.01

_LINEAR = srgb_to_linear(np.arange(256) / 255)


@dataclass(frozen=True)
class ColourDifference:
    """Light of the HR shot over light of the LR shot, per channel R, G, B; 1 is equal."""

    gains: tuple[float, float, float]

    @property
    def stops(self) -> float:
        """Photographic stops by which the HR shot is brighter."""
        return float(np.mean(np.log2(self.gains)))

    @property
    def warmth(self) -> float:
        """Stops of red over blue that the HR shot has more than the LR shot."""
        return math.log2(self.gains[0] / self.gains[2])


def measure_colour(lr: NDArray[np.uint8], hr: NDArray[np.uint8]) -> ColourDifference | None:
    """Compare an aligned pair: ``lr`` h×w×3 and ``hr`` sh×sw×3, sRGB.

    None when too few pixels are well exposed in both shots.
    """
    scale = hr.shape[0] // lr.shape[0]
    blocks = hr.reshape(lr.shape[0], scale, lr.shape[1], scale, 3)
    usable = ((lr > _DARKEST) & (lr < _BRIGHTEST)).all(-1)
    usable &= ((blocks > _DARKEST) & (blocks < _BRIGHTEST)).all((1, 3, 4))
    if usable.mean() < _LEAST_SHARE:
        return None
    gains = []
    for channel in range(3):
        light = _LINEAR[blocks[..., channel]].mean((1, 3))[usable].sum()
        gains.append(float(light / _LINEAR[lr[..., channel]][usable].sum()))
    r, g, b = gains
    return ColourDifference((r, g, b))


def match_colour(hr: NDArray[np.uint8], difference: ColourDifference) -> NDArray[np.uint8]:
    """Give ``hr`` the exposure and white balance of its LR shot; clipped highlights stay clipped."""
    matched = np.empty_like(hr)
    for channel, gain in enumerate(difference.gains):
        light = np.clip(_LINEAR / gain, 0.0, 1.0)
        table = np.rint(255 * linear_to_srgb(light)).astype(np.uint8)
        # A clipped value says only "at least this bright"; darkening it would make grey highlights.
        table[255] = 255
        matched[..., channel] = table[hr[..., channel]]
    return matched
