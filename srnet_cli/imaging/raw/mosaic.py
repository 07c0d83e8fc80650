"""The mosaic of a Bayer sensor: as stored, and as four half-resolution channels for networks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from srnet_cli.errors import DataError, InputError
from srnet_cli.imaging.orientation import upright
from srnet_cli.imaging.raw.files import crop_box, opened, orientation_of, structure_of
from srnet_cli.imaging.raw.options import Gains

#: positions (row, column) in the 2×2 cell in channel order: R, G, B, G for RGGB
POSITIONS = ((0, 0), (0, 1), (1, 1), (1, 0))


@dataclass(frozen=True)
class Mosaic:
    """Values as the sensor stored them, before any colour."""

    #: H×W sensor values of the part that the camera shows, not turned
    values: NDArray[np.uint16]
    #: the colours of the 2×2 pattern at the upper left corner: 0 red, 1 green, 2 blue
    pattern: tuple[tuple[int, int], tuple[int, int]]
    #: value of black at the four places of the pattern, row by row
    black_levels: tuple[float, float, float, float]
    white_level: float
    #: as-shot gains at the four places of the pattern, row by row; green is 1
    gains: tuple[float, float, float, float]
    #: EXIF orientation 1..8: how the values must be turned to be upright
    orientation: int = 1


def read_mosaic(path: Path, max_pixels: int = 250_000_000) -> Mosaic:
    """Read the sensor values of a Bayer RAW file.

    Example:
        >>> read_mosaic(Path("photo.ARW")).pattern
        ((0, 1), (1, 2))

    Raises:
        InputError: as :func:`develop`, or the file has no 2×2 mosaic (already demosaicked, or X-Trans).
    """
    structure = structure_of(path)
    with opened(path, structure, max_pixels) as raw:
        if raw.raw_pattern is None or raw.raw_pattern.shape != (2, 2):
            raise InputError(
                "has no 2×2 Bayer mosaic", path=path, remedy="use a model that takes developed pictures"
            )
        top, left, height, width = crop_box(raw.sizes)
        # Channels of LibRaw: red, green, blue, second green.
        channels = np.roll(raw.raw_pattern, (-top, -left), axis=(0, 1)).ravel()
        gains = _camera_gains(raw)
        levels = raw.camera_white_level_per_channel
        return Mosaic(
            values=np.array(raw.raw_image_visible[top : top + height, left : left + width], np.uint16),
            pattern=_two_by_two([(0, 1, 2, 1)[channel] for channel in channels]),
            black_levels=_four([raw.black_level_per_channel[channel] for channel in channels]),
            white_level=float(min(levels) if levels and min(levels) > 0 else raw.white_level),
            gains=_four([gains[channel] for channel in channels]),
            orientation=orientation_of(raw, structure),
        )


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
        DataError: when the pattern is not a Bayer pattern.
    """
    height, width = values.shape[0] // 2 * 2, values.shape[1] // 2 * 2
    # Of even size, the 2×2 cell turns exactly as the whole does.
    turned = upright(values[:height, :width], orientation)
    cell, levels = upright(pattern, orientation), upright(black, orientation)
    red = np.argwhere(cell == 0)
    if len(red) != 1 or cell[1 - red[0][0], 1 - red[0][1]] != 2:
        raise DataError(f"the mosaic's pattern {cell.tolist()} is not a Bayer pattern")
    row, column = (int(v) for v in red[0])
    from_red = np.roll(levels, (-row, -column), axis=(0, 1))
    packed = pack_mosaic(turned[row:, column:], from_red, white)
    return PackedMosaic(packed, (turned.shape[0], turned.shape[1]), (row, column))


def pack_mosaic(
    values: NDArray[np.uint16],
    black: float | NDArray[np.float32] = 512.0,
    white: float = 16383.0,
) -> NDArray[np.float32]:
    """Return (mosaic − black)/(white − black), not clipped, as (H/2)×(W/2)×4 float32.

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


def _camera_gains(raw: Any) -> Gains:
    """Return gains of LibRaw's four channels with green 1: as shot, else daylight, else none."""
    for candidate in (raw.camera_whitebalance, raw.daylight_whitebalance):
        if candidate is not None and len(candidate) >= 3 and min(candidate[:3]) > 0:
            red, green, blue = (float(value) for value in candidate[:3])
            second = float(candidate[3]) if len(candidate) > 3 and candidate[3] > 0 else green
            return red / green, 1.0, blue / green, second / green
    return 1.0, 1.0, 1.0, 1.0


def _four(values: list[Any]) -> tuple[float, float, float, float]:
    first, second, third, fourth = (float(value) for value in values)
    return first, second, third, fourth


def _two_by_two(values: list[int]) -> tuple[tuple[int, int], tuple[int, int]]:
    first, second, third, fourth = values
    return (first, second), (third, fourth)
