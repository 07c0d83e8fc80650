"""Detail that PSNR does not judge: how much of it there is, what it is in flat areas and beside edges.

The pictures are H×W×3 uint8 of one shape, ``hr`` the truth. What a picture does not have (slopes, flat areas,
edges) cannot be measured in it: None.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

#: side of the blocks that are flat or not, pixels
BLOCK = 16
#: steepest slope of flat areas once they are smoothed, grey levels per pixel
FLAT_SLOPE = 0.5
#: of the flat blocks, the share that counts: the quieter ones, as fine texture is flat once it is smoothed
QUIET_SHARE = 0.5
#: share of the blocks below which a picture has no flat areas
FEWEST_FLAT = 0.002
#: a noise below that of rounding counts as that of rounding
ROUNDING = 12**-0.5
#: grey levels between the two sides of a strong edge
STRONG_EDGE = 64

_Picture = NDArray[np.uint8]
_Plane = NDArray[np.float32]


def sharpness_ratio(result: _Picture, hr: _Picture) -> float | None:
    """Divide the mean slope of ``result`` by that of ``hr``: 0 (flat) upwards, 1 as sharp as ``hr``.

    The slope is the absolute difference of neighbours, across and down, of the mean of the channels. Noise,
    grids and halos have slopes too: above 1 a picture is not sharper than ``hr`` but restless. Grain of
    ``hr`` that no zoom can know keeps a faithful one below 1.

    Raises:
        ValueError: the shapes differ.

    Example:
        >>> stripes = np.zeros((8, 8, 3), np.uint8)
        >>> stripes[:, ::2] = 200
        >>> sharpness_ratio(stripes // 2, stripes)
        0.5
    """
    _check(result, hr)
    slope = _slope(hr)
    return None if slope == 0 else _slope(result) / slope


def noise_ratio(result: _Picture, hr: _Picture, scale: int) -> float | None:
    """Divide the noise of ``result`` in the flat areas of ``hr`` by that of ``hr``: 0 upwards, 1 equal.

    Noise is what a Gaussian blur of ``scale`` pixels takes away: its root mean square in a block, the median
    over the flat ones (single pixels would show the steps of 8 bits). It holds grain, weaves and the grid of
    pixel shuffle. Flat are blocks of 16×16 whose blurred slope stays below 0.5 levels per pixel, and of them
    the quieter half. Below 1 a zoom is cleaner than the longer lens was. The definition is this program's
    own.

    Raises:
        ValueError: the shapes differ.

    Example:
        >>> grain = np.random.default_rng(0).normal(100, 4, (64, 64, 3))
        >>> less = 100 + (grain - 100) / 2
        >>> round(noise_ratio(less.round().astype(np.uint8), grain.round().astype(np.uint8), 4), 1)
        0.5
    """
    _check(result, hr)
    height, width = (side // BLOCK * BLOCK for side in hr.shape[:2])
    if not height or not width:
        return None
    smooth, true = _smooth_and_rest(hr[:height, :width], scale)
    slopes = _blocks(np.abs(cv2.Sobel(smooth, cv2.CV_32F, 1, 0, scale=1 / 8)), np.max)
    slopes = np.maximum(slopes, _blocks(np.abs(cv2.Sobel(smooth, cv2.CV_32F, 0, 1, scale=1 / 8)), np.max))
    flat = slopes < FLAT_SLOPE
    if flat.mean() < FEWEST_FLAT:
        return None
    noise = _blocks(np.square(true), np.mean)
    flat &= noise <= np.quantile(noise[flat], QUIET_SHARE)
    _, rest = _smooth_and_rest(result[:height, :width], scale)
    made = _blocks(np.square(rest), np.mean)
    return float(np.median(np.sqrt(made[flat])) / max(np.median(np.sqrt(noise[flat])), ROUNDING))


def halo_overshoot(result: _Picture, hr: _Picture, scale: int) -> float | None:
    """Measure how far ``result`` overshoots both sides of strong edges of ``hr``, % of their height.

    A strong edge is a pixel within ``scale`` pixels of which the mean of the channels of ``hr`` rises by 64
    levels or more. Beside it, up to 2·``scale`` pixels away, the farthest that ``result`` lies above the
    lightest or below the darkest of ``hr`` in as wide a window is divided by the rise, and averaged over all
    edges. 0 is none, sharpening halos are 2 to 30; what noise adds is well below 1 unless it is strong. The
    definition is this program's own.

    Raises:
        ValueError: the shapes differ.

    Example:
        >>> edge = np.full((32, 32, 3), 50, np.uint8)
        >>> edge[:, 16:] = 150
        >>> ringing = edge.copy()
        >>> ringing[:, 17] = 170
        >>> round(halo_overshoot(ringing, edge, 2), 3)
        20.0
    """
    _check(result, hr)
    made, true = _grey(result), _grey(hr)
    near, wide = (np.ones((2 * reach + 1, 2 * reach + 1), np.uint8) for reach in (scale, 2 * scale))
    rise = cv2.dilate(true, near) - cv2.erode(true, near)
    edges = rise >= STRONG_EDGE
    if not edges.any():
        return None
    beyond = np.maximum(made - cv2.dilate(true, wide), cv2.erode(true, wide) - made)
    farthest = cv2.dilate(np.maximum(beyond, 0), wide)
    return float(100 * (farthest[edges] / rise[edges]).mean(dtype=np.float64))


def _check(result: _Picture, hr: _Picture) -> None:
    if result.shape != hr.shape or hr.ndim != 3 or hr.size == 0:
        raise ValueError(f"need two H×W×3 pictures of one shape, not {result.shape} and {hr.shape}")


def _grey(picture: _Picture) -> _Plane:
    """Average the channels."""
    total = cv2.transform(picture.astype(np.float32), np.ones((1, 3), np.float32))
    return np.asarray(total / 3, np.float32)


def _slope(picture: _Picture) -> float:
    grey = _grey(picture)
    return sum(float(np.abs(np.diff(grey, axis=axis)).sum(dtype=np.float64)) for axis in (0, 1)) / grey.size


def _smooth_and_rest(picture: _Picture, sigma: float) -> tuple[_Plane, _Plane]:
    whole = picture.astype(np.float32)
    smooth = np.asarray(cv2.GaussianBlur(whole, (0, 0), sigma), np.float32)
    return smooth, whole - smooth


def _blocks(values: _Plane, reduce: Callable[..., Any]) -> _Plane:
    """Reduce H×W×C to a value for each block."""
    height, width, channels = values.shape
    cut = values.reshape(height // BLOCK, BLOCK, width // BLOCK, BLOCK, channels)
    return np.asarray(reduce(cut, axis=(1, 3, 4)), np.float32)
