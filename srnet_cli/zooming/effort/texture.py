"""Where there is nothing to find: tiles whose slopes are so small that the light network does as well.

What the full network gains over the light one in squared error grows with the slopes of the input, once these
are blurred so that noise does not count. ``python -m benchmarks.effort`` measures it.
"""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from srnet_cli.imaging.depth import STEPS
from srnet_cli.imaging.picture import Pixels
from srnet_cli.zooming.tiles import Grid, take

Effort = Literal["auto", "full", "light"]
EFFORTS: tuple[Effort, ...] = ("auto", "full", "light")

#: mean slope, in levels (0..255) a pixel, below which a tile is left to the light network
PLAIN_SLOPE = 4.5
#: standard deviation, in pixels, of the blur that takes noise away
BLUR = 1.0


def mean_slope(tile: NDArray[np.generic]) -> float:
    """Average the slopes of the grey values of H×W×3 samples: levels (0..255) a pixel.

    Example:
        >>> ramp = np.arange(64, dtype=np.uint8)[None, :, None].repeat(64, 0).repeat(3, 2)
        >>> 0.9 < mean_slope(ramp) < 1
        True
    """
    grey = np.asarray(cv2.cvtColor(np.ascontiguousarray(tile), cv2.COLOR_RGB2GRAY), np.float32)
    grey = np.asarray(cv2.GaussianBlur(grey, (0, 0), BLUR), np.float32)
    down, across = np.diff(grey, axis=0)[:, :-1], np.diff(grey, axis=1)[:-1]
    return float(np.hypot(down, across).mean()) / (STEPS if tile.dtype == np.uint16 else 1)


def plain_lefts(pixels: Pixels, grid: Grid, top: int) -> frozenset[int]:
    """Choose, of the row of tiles at ``top``, those for the light network, by their first column."""
    return frozenset(
        left
        for left in grid.lefts()
        if mean_slope(take(pixels, top, left, grid.height, grid.width)) < PLAIN_SLOPE
    )


def plain_share(pixels: Pixels, grid: Grid) -> float:
    """Compute the share of a grid's tiles that are for the light network, 0..1."""
    count = sum(len(plain_lefts(pixels, grid, top)) for top in grid.tops())
    return count / (grid.rows * grid.columns)
