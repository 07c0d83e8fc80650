"""A Bayer mosaic as four half-resolution channels, for networks that take the sensor's own values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from srnet_cli.errors import DataError
from srnet_cli.imaging.orientation import upright

#: positions (row, column) in the 2×2 cell in channel order: R, G, B, G for RGGB (specification 9.6)
POSITIONS = ((0, 0), (0, 1), (1, 1), (1, 0))


@dataclass(frozen=True)
class PackedMosaic:
    """``values`` is h×w×4 float32 in the order R, G, B, G, whatever the sensor's pattern starts with.

    ``size`` is the height and width of the upright mosaic that it was packed from, ``corner`` the row and
    column of the red pixel in it with which the packing starts.
    """

    values: NDArray[np.float32]
    size: tuple[int, int]
    corner: tuple[int, int]


def pack_upright(
    values: NDArray[np.uint16],
    pattern: NDArray[np.int_],
    black: NDArray[np.float32],
    white: float,
    orientation: int,
) -> PackedMosaic:
    """Turn a mosaic upright and pack it from its first red pixel on.

    ``pattern`` and ``black`` are the colours (0 R, 1 G, 2 B) and black levels at the 2×2 positions of the
    stored mosaic, ``orientation`` is EXIF's.

    Raises:
        DataError: when the pattern is no Bayer pattern.
    """
    height, width = values.shape[0] // 2 * 2, values.shape[1] // 2 * 2
    # Of even size, the 2×2 cell turns exactly as the whole does.
    turned = upright(values[:height, :width], orientation)
    cell, levels = upright(pattern, orientation), upright(black, orientation)
    red = np.argwhere(cell == 0)
    if len(red) != 1 or cell[1 - red[0][0], 1 - red[0][1]] != 2:
        raise DataError(f"the mosaic's pattern {cell.tolist()} is no Bayer pattern")
    row, column = (int(v) for v in red[0])
    from_red = np.roll(levels, (-row, -column), axis=(0, 1))
    packed = pack_mosaic(turned[row:, column:], from_red, white)
    return PackedMosaic(packed, (turned.shape[0], turned.shape[1]), (row, column))


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
