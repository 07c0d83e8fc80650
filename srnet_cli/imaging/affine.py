"""Affine maps of pixel coordinates: 2×3 float64 arrays that take (x, y).

Pixel centres are at integers, as in OpenCV.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Affine = NDArray[np.float64]


def identity() -> Affine:
    return np.eye(2, 3)


def translation(x: float, y: float) -> Affine:
    return np.array([[1.0, 0.0, x], [0.0, 1.0, y]])


def scaling(factor: float, offset: tuple[float, float] = (0.0, 0.0)) -> Affine:
    """Make the map (x, y) → factor·(x, y) + offset."""
    return np.array([[factor, 0.0, offset[0]], [0.0, factor, offset[1]]])


def compose(*maps: Affine) -> Affine:
    """Chain maps, the last one applied first: compose(a, b)(x) = a(b(x))."""
    product = np.eye(3)
    for one in maps:
        product = product @ np.vstack([one, (0.0, 0.0, 1.0)])
    return product[:2]


def invert(affine: Affine) -> Affine:
    """Invert a map.

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


def corners(height: int, width: int, margin: float = 0.0) -> NDArray[np.float64]:
    """List the centres of a frame's corner pixels, ``margin`` pixels inside it: top left, top right, bottom
    right, bottom left."""
    right, bottom = width - 1 - margin, height - 1 - margin
    return np.array([[margin, margin], [right, margin], [right, bottom], [margin, bottom]], np.float64)


def inscribed_box(quadrilateral: NDArray[np.float64]) -> tuple[float, float, float, float]:
    """Find top, left, bottom, right of a rectangle in a nearly upright quadrilateral (as ``corners``)."""
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = quadrilateral.tolist()
    return max(y0, y1), max(x0, x3), min(y2, y3), min(x1, x2)
