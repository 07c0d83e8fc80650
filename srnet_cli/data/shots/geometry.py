"""Crops and affine maps between the shots of a sequence.

An affine map is a 2×3 float64 array that takes (x, y) pixel coordinates; pixel centres are at integers, as in
OpenCV.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from srnet_cli.imaging.boxes import Box

Affine = NDArray[np.float64]

IDENTITY: tuple[tuple[float, ...], ...] = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))


def field_of_view_box(height: int, width: int, ratio: float) -> Box:
    """The central part of a frame that a lens with a 1/``ratio`` times longer focal length sees.

    Per side of n pixels: from ceil((n − n·ratio)/2) to floor((n + n·ratio)/2).
    """
    top, bottom = math.ceil((height - height * ratio) / 2), math.floor((height + height * ratio) / 2)
    left, right = math.ceil((width - width * ratio) / 2), math.floor((width + width * ratio) / 2)
    return Box(top, left, bottom - top, right - left)


def centre_box(height: int, width: int, crop_height: int, crop_width: int) -> Box:
    """A centred crop; its corner is trunc((size − crop)/2) per side.

    Raises:
        ValueError: when the crop is larger than the frame or has no pixels.
    """
    if not (0 < crop_height <= height and 0 < crop_width <= width):
        raise ValueError(f"a {crop_width}×{crop_height} crop does not fit a {width}×{height} frame")
    top, left = (height - crop_height) // 2, (width - crop_width) // 2
    return Box(top, left, crop_height, crop_width)


def identity() -> Affine:
    return np.array(IDENTITY)


def translation(x: float, y: float) -> Affine:
    return np.array([[1.0, 0.0, x], [0.0, 1.0, y]])


def scaling(factor: float, offset: tuple[float, float] = (0.0, 0.0)) -> Affine:
    """(x, y) → factor·(x, y) + offset."""
    return np.array([[factor, 0.0, offset[0]], [0.0, factor, offset[1]]])


def compose(*maps: Affine) -> Affine:
    """The map that applies the last of ``maps`` first: compose(a, b)(x) = a(b(x))."""
    product = np.eye(3)
    for one in maps:
        product = product @ np.vstack([one, (0.0, 0.0, 1.0)])
    return product[:2]


def invert(affine: Affine) -> Affine:
    """The inverse map.

    Raises:
        ValueError: when the map has none.
    """
    if abs(float(np.linalg.det(affine[:, :2]))) < 1e-9:
        raise ValueError("the transform collapses the picture and has no inverse")
    full = np.linalg.inv(np.vstack([affine, (0.0, 0.0, 1.0)]))
    inverse: Affine = full[:2]
    return inverse


def apply(affine: Affine, points: NDArray[np.float64] | Sequence[tuple[float, float]]) -> NDArray[np.float64]:
    """Map N×2 points (x, y)."""
    p = np.asarray(points, np.float64)
    moved: NDArray[np.float64] = p @ affine[:, :2].T + affine[:, 2]
    return moved


def zoom_about_centres(from_size: tuple[int, int], to_size: tuple[int, int], factor: float) -> Affine:
    """The map between two frames (height, width) of one viewpoint that share their optical axis.

    Each frame's centre maps to the other's, and one pixel of the first is ``factor`` pixels of the second.
    """
    (h1, w1), (h2, w2) = from_size, to_size
    x = (w2 - 1) / 2 - factor * (w1 - 1) / 2
    y = (h2 - 1) / 2 - factor * (h1 - 1) / 2
    return scaling(factor, (x, y))


def corners(height: int, width: int, margin: float = 0.0) -> NDArray[np.float64]:
    """The centres of a frame's four corner pixels, ``margin`` pixels inside it: top left, top right, bottom
    right, bottom left."""
    right, bottom = width - 1 - margin, height - 1 - margin
    return np.array([[margin, margin], [right, margin], [right, bottom], [margin, bottom]], np.float64)


def inscribed_box(quadrilateral: NDArray[np.float64]) -> tuple[float, float, float, float]:
    """Top, left, bottom, right of an upright rectangle in a nearly upright quadrilateral (as ``corners``)."""
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = quadrilateral.tolist()
    return max(y0, y1), max(x0, x3), min(y2, y3), min(x1, x2)
