"""A Bayer mosaic as four half-resolution channels, for networks that take the sensor's own values."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: the mosaic's four positions (row, column) in channel order: R, G, B, G for an RGGB sensor (specification 9.6)
POSITIONS = ((0, 0), (0, 1), (1, 1), (1, 0))


def pack_mosaic(
    values: NDArray[np.uint16],
    black: float | NDArray[np.float32] = 512.0,
    white: float = 16383.0,
) -> NDArray[np.float32]:
    """(mosaic − black)/(white − black), not clipped, as (H/2)×(W/2)×4 float32.

    ``black`` is one level or a 2×2 array of the levels at the four positions; the defaults are those of the
    SR-RAW camera. An odd last row or column is dropped.

    Raises:
        ValueError: when white is not above black.
    """
    levels = np.broadcast_to(np.asarray(black, np.float32), (2, 2))
    if not (levels < white).all():
        raise ValueError(f"white level {white} is not above black level {levels.max()}")
    height, width = values.shape[0] // 2 * 2, values.shape[1] // 2 * 2
    channels = [
        (values[r:height:2, c:width:2].astype(np.float32) - levels[r, c]) / np.float32(white - levels[r, c])
        for r, c in POSITIONS
    ]
    return np.stack(channels, axis=-1)


def black_by_position(pattern: NDArray[np.int_], by_colour: NDArray[np.float32]) -> NDArray[np.float32]:
    """Black levels at the 2×2 positions of a pattern of colour indices (0 R, 1 G, 2 B, 3 the second G), from
    levels in that order."""
    return np.asarray(by_colour, np.float32)[np.asarray(pattern)]
