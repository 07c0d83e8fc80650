"""Peak signal-to-noise ratios: over colour, over luma as the field has it, and as SRNet's authors had it.

Pictures are …×H×W×C (RGB) arrays on a scale 0..``peak``. ``shave`` drops that many pixels on each side.
Equal pictures give ``inf``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

# Luma of ITU-R BT.601 in MATLAB's rgb2ycbcr: 16 + these · RGB/255.
_BT601 = np.array((65.481, 128.553, 24.966)) / 255.0
# The weights in the authors' benchmark code.
_PUBLISHED_LUMA = np.array((65.738, 129.057, 25.064)) / 256.0
# Rows taken at a time, so that a picture of any size needs little memory in double precision.
_STRIP = 256

_Plane = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def quantise(values: NDArray[np.floating], peak: float = 255.0) -> NDArray[np.floating]:
    """Clip to 0..``peak`` and round half to even: what a picture loses when it is saved.

    Example:
        >>> quantise(np.array([-3.0, 1.5, 300.0]))
        array([  0.,   2., 255.])
    """
    return np.asarray(np.rint(np.clip(values, 0.0, peak)), values.dtype)


def psnr_rgb(result: ArrayLike, reference: ArrayLike, *, shave: int = 0, peak: float = 255.0) -> float:
    """Compute the PSNR in dB over all channels and pixels.

    The authors' logs quantise ``result`` first and shave the scale plus 6.

    Raises:
        ValueError: the shapes differ, or nothing is left after shaving.

    Example:
        >>> black = np.zeros((16, 16, 3), np.uint8)
        >>> round(psnr_rgb(black, black + np.uint8(1)), 2)
        48.13
    """
    first, second = _pair(result, reference, shave)
    if not _coded(first, second):
        return _psnr(result, reference, lambda rgb: rgb, shave, peak)
    return _decibels(cv2.norm(first, second, cv2.NORM_L2SQR), first.size, peak)


def psnr_y(result: ArrayLike, reference: ArrayLike, *, shave: int = 0, peak: float = 255.0) -> float:
    """Compute the PSNR in dB of ``luma``: the field's usual figure, shave = scale.

    Raises:
        ValueError: the shapes differ, the pictures are not RGB, or nothing is left after shaving.

    Example:
        >>> black = np.zeros((16, 16, 3), np.uint8)
        >>> psnr_y(black, black)
        inf
    """
    return _psnr(result, reference, lambda rgb: luma(rgb, peak), shave, peak)


def psnr_y_published(
    result: ArrayLike, reference: ArrayLike, *, shave: int = 0, peak: float = 255.0
) -> float:
    """Compute the PSNR in dB of the luma as published: quantised ``result``, shave = scale.

    The weights sum to 0.859, so a grey error gains 1.32 dB over ``psnr_rgb``.

    Raises:
        ValueError: the shapes differ, the pictures are not RGB, or nothing is left after shaving.

    Example:
        >>> black = np.zeros((16, 16, 3), np.uint8)
        >>> round(psnr_y_published(black, black + np.uint8(1)), 2)
        49.45
    """
    return _psnr(result, reference, lambda rgb: _weighted(rgb, _PUBLISHED_LUMA), shave, peak)


def luma(rgb: ArrayLike, peak: float = 255.0) -> NDArray[np.float64]:
    """Compute the Y of MATLAB's ``rgb2ycbcr`` on integer pictures: BT.601, 16..235 of 255, rounded.

    Args:
        rgb: …×H×W×3 on the scale 0..``peak``.

    Returns:
        …×H×W on the same scale.

    Example:
        >>> luma(np.array([255, 255, 255])).item()
        235.0
    """
    return np.rint(_weighted(np.asarray(rgb, np.float64), _BT601) + 16.0 * peak / 255.0)


def mae(result: ArrayLike, reference: ArrayLike) -> float:
    """Compute the mean absolute error over all values, in the pictures' own unit.

    Raises:
        ValueError: the shapes differ.

    Example:
        >>> black = np.zeros((16, 16, 3), np.uint8)
        >>> mae(black, black + np.uint8(3))
        3.0
    """
    first, second = _pair(result, reference, 0)
    if _coded(first, second):
        return cv2.norm(first, second, cv2.NORM_L1) / first.size
    return sum(float(np.abs(a - b).sum()) for a, b in _strips(first, second)) / first.size


def _psnr(result: ArrayLike, reference: ArrayLike, plane: _Plane, shave: int, peak: float) -> float:
    total, count = 0.0, 0
    for first, second in _strips(*_pair(result, reference, shave)):
        error = plane(first) - plane(second)
        total += float(np.square(error).sum())
        count += error.size
    return _decibels(total, count, peak)


def _decibels(total: float, count: int, peak: float) -> float:
    """Compute the PSNR of a sum of ``count`` squared errors."""
    return math.inf if total == 0.0 else 10.0 * math.log10(peak * peak * count / total)


def _coded(first: NDArray[np.generic], second: NDArray[np.generic]) -> bool:
    """Tell whether OpenCV can sum the differences: of 8-bit pictures exactly, and ten times
    as fast."""
    return first.dtype == second.dtype == np.uint8 and first.ndim == 3 and first.shape[2] <= 4


def _weighted(rgb: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    if rgb.shape[-1] != 3:
        raise ValueError(f"luma needs RGB, not {rgb.shape[-1]} channels")
    return np.asarray(rgb @ weights, np.float64)


def _pair(result: ArrayLike, reference: ArrayLike, shave: int) -> tuple[NDArray[Any], NDArray[Any]]:
    first, second = np.asarray(result), np.asarray(reference)
    if first.shape != second.shape or first.ndim < 3:
        raise ValueError(f"need two H×W×C pictures of one shape, not {first.shape} and {second.shape}")
    if shave < 0 or 2 * shave >= min(first.shape[-3:-1]) or first.size == 0:
        raise ValueError(f"nothing is left of {first.shape} after shaving {shave} pixels")
    kept = np.s_[..., shave : first.shape[-3] - shave, shave : first.shape[-2] - shave, :]
    return first[kept], second[kept]


def _strips(
    first: NDArray[np.generic], second: NDArray[np.generic]
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    for top in range(0, first.shape[-3], _STRIP):
        rows = np.s_[..., top : top + _STRIP, :, :]
        yield first[rows].astype(np.float64), second[rows].astype(np.float64)
