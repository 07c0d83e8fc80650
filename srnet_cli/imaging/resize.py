"""Resizing: Pillow's filters for pictures, MATLAB's bicubic for the literature's test sets."""

from __future__ import annotations

from typing import Literal, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Interpolation = Literal["nearest", "bilinear", "bicubic", "lanczos"]
INTERPOLATIONS: tuple[Interpolation, ...] = get_args(Interpolation)
Pixel = TypeVar("Pixel", np.uint8, np.uint16, np.float32)


def resize(pixels: NDArray[Pixel], height: int, width: int, interpolation: Interpolation) -> NDArray[Pixel]:
    """Resize to ``height`` × ``width`` with one of Pillow's filters.

    They are antialiased when reducing; bicubic has a = -0.5. For uint8 the result is bit-equal to Pillow's,
    for the other types it comes from the same filters in floating point.

    Example:
        >>> resize(np.full((2, 3, 3), 200, np.uint8), 8, 12, "bicubic").shape
        (8, 12, 3)

    Args:
        pixels: H×W or H×W×C of uint8, uint16 or float32, any value range.

    Returns:
        height×width[×C] of the same type; integer types rounded and clipped.

    Raises:
        ValueError: an empty size, an unknown interpolation or type.
    """
    if pixels.ndim not in (2, 3) or 0 in pixels.shape or height < 1 or width < 1:
        raise ValueError(f"cannot resize {pixels.shape} to {height}×{width}")
    if pixels.dtype not in (np.uint8, np.uint16, np.float32):
        raise ValueError(f"cannot resize {pixels.dtype}; need uint8, uint16 or float32")
    if interpolation not in INTERPOLATIONS:
        raise ValueError(f"unknown interpolation {interpolation!r}; one of {', '.join(INTERPOLATIONS)}")
    if pixels.shape[:2] == (height, width):
        return pixels.copy()
    if interpolation == "nearest":
        return _nearest(pixels, height, width)
    resampling = Image.Resampling[interpolation.upper()]
    if pixels.dtype == np.uint8 and (pixels.ndim == 2 or pixels.shape[2] in (3, 4)):
        return _pillow_8bit(pixels, height, width, resampling)
    return _pillow_float(pixels, height, width, resampling)


def _nearest(pixels: NDArray[Pixel], height: int, width: int) -> NDArray[Pixel]:
    rows = _nearest_indices(pixels.shape[0], height)
    columns = _nearest_indices(pixels.shape[1], width)
    return np.ascontiguousarray(pixels[rows][:, columns])


def _nearest_indices(size: int, new_size: int) -> NDArray[np.intp]:
    # Pillow adds up the step in floating point; asking it is the sure way to the same pixels.
    counted = Image.fromarray(np.arange(size, dtype=np.int32)[None, :])
    indices: NDArray[np.int32] = np.asarray(counted.resize((new_size, 1), Image.Resampling.NEAREST))
    return np.array(indices[0], dtype=np.intp)


def _pillow_8bit(
    pixels: NDArray[Pixel], height: int, width: int, resampling: Image.Resampling
) -> NDArray[Pixel]:
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        # As one RGBA picture Pillow would weight the colours by the fourth channel.
        planes = (_pillow_8bit(pixels[..., c], height, width, resampling) for c in range(4))
        return np.stack(list(planes), axis=-1)
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    return np.asarray(picture.resize((width, height), resampling)).astype(pixels.dtype)


def _pillow_float(
    pixels: NDArray[Pixel], height: int, width: int, resampling: Image.Resampling
) -> NDArray[Pixel]:
    planes = pixels[..., None] if pixels.ndim == 2 else pixels
    result = np.empty((height, width, planes.shape[2]), pixels.dtype)
    for channel in range(planes.shape[2]):
        plane = Image.fromarray(planes[..., channel].astype(np.float32))
        result[..., channel] = _as_type(np.asarray(plane.resize((width, height), resampling)), pixels.dtype)
    return result.reshape((height, width, *pixels.shape[2:]))


def _as_type(values: NDArray[np.float32] | NDArray[np.float64], dtype: np.dtype[Pixel]) -> NDArray[Pixel]:
    """Convert floating values to ``dtype``: rounded half up and clipped when that is an integer type."""
    if dtype == np.float32:
        return values.astype(dtype)
    peak = 255 if dtype == np.uint8 else 65535
    return np.clip(np.floor(values + 0.5), 0, peak).astype(dtype)


def matlab_bicubic(pixels: NDArray[Pixel], height: int, width: int) -> NDArray[Pixel]:
    """Resize as MATLAB's ``imresize(…, 'bicubic')``, with which the literature reduces its test sets.

    A cubic kernel (a = -0.5), stretched when reducing, mirrored borders, the axis with the smaller factor
    first, and, as MATLAB does for integer types, rounding after each axis.

    Example:
        >>> matlab_bicubic(np.full((8, 12, 3), 200, np.uint8), 2, 3).shape
        (2, 3, 3)

    Args:
        pixels: H×W or H×W×C of uint8, uint16 or float32.

    Returns:
        height×width[×C] of the same type; integer types rounded and clipped.
    """
    if 0 in pixels.shape or height < 1 or width < 1:
        raise ValueError(f"cannot resize {pixels.shape} to {height}×{width}")
    sizes = {0: height, 1: width}
    for axis in sorted(sizes, key=lambda axis: sizes[axis] / pixels.shape[axis]):
        pixels = _matlab_axis(pixels, axis, sizes[axis])
    return pixels


def _matlab_axis(pixels: NDArray[Pixel], axis: int, new_size: int) -> NDArray[Pixel]:
    if pixels.shape[axis] == new_size:
        return pixels
    weights, indices = matlab_taps(pixels.shape[axis], new_size)
    shape = [1] * pixels.ndim
    shape[axis] = new_size
    total = np.zeros((), np.float64)
    for tap in range(weights.shape[1]):
        total = total + weights[:, tap].reshape(shape) * np.take(pixels, indices[:, tap], axis=axis)
    return _as_type(total, pixels.dtype)


def matlab_taps(size: int, new_size: int) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Compute weights and source indices of ``matlab_bicubic`` along one axis, each new_size × taps."""
    factor = new_size / size
    stretch = min(factor, 1.0)
    support = 4.0 / stretch
    centre = (np.arange(new_size) + 0.5) / factor - 0.5
    first = np.floor(centre - support / 2) + 1
    positions = first[:, None] + np.arange(int(np.ceil(support)) + 1)
    weights = stretch * _cubic(stretch * (centre[:, None] - positions))
    weights /= weights.sum(axis=1, keepdims=True)
    mirrored = np.mod(positions, 2 * size).astype(np.intp)
    return weights, np.where(mirrored < size, mirrored, 2 * size - 1 - mirrored)


def _cubic(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Evaluate the cubic convolution kernel of Keys (1981) with a = -0.5."""
    x = np.abs(x)
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x <= 1, near, np.where(x < 2, far, 0.0))
