"""Registration of an enlarged LR picture to its HR picture, to fractions of a pixel."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from srnet_cli.errors import InputError

Motion = Literal["translation", "euclidean", "affine"]

_MODELS = {
    "translation": cv2.MOTION_TRANSLATION,
    "euclidean": cv2.MOTION_EUCLIDEAN,
    "affine": cv2.MOTION_AFFINE,
}
# Longest sides of the pictures that are registered one after the other: the small ones find a shift of
# many pixels, the large ones its fraction. Beyond the last, a step is a small fraction of a pixel.
_LEVELS = (384, 1024, 3072)
_MAX_ITERATIONS = 100
_PRECISION = 1e-6
# Below this correlation the two pictures do not show the same thing.
_MIN_CORRELATION = 0.3
# Pixels at the edge of a moved picture whose interpolation reached outside.
_BLEED = 2


@dataclass(frozen=True)
class Alignment:
    """How LR was moved onto HR.

    ``matrix`` is 2×3 and takes positions (x right, y down, in HR pixels) of HR to those of the enlarged LR.
    ``box`` is the part of HR (left, top, right, bottom) that the moved LR covers.
    """

    motion: Motion
    matrix: tuple[tuple[float, float, float], tuple[float, float, float]]
    #: correlation coefficient of the two pictures after the registration, at most 1
    correlation: float
    box: tuple[int, int, int, int]

    @property
    def shift(self) -> tuple[float, float]:
        """How far the centre of the picture was moved, in HR pixels: (right, down)."""
        left, top, right, bottom = self.box
        x, y = (left + right - 1) / 2, (top + bottom - 1) / 2
        (a, b, c), (d, e, f) = self.matrix
        return x - (a * x + b * y + c), y - (d * x + e * y + f)

    @property
    def rotation(self) -> float:
        """Degrees that LR was turned clockwise."""
        return -math.degrees(math.atan2(self.matrix[1][0], self.matrix[0][0]))

    @property
    def magnification(self) -> float:
        """By how much LR was enlarged along a side."""
        (a, b, _), (d, e, _) = self.matrix
        return 1.0 / math.sqrt(abs(a * e - b * d))


def align(
    lr_up: NDArray[np.uint8], hr: NDArray[np.uint8], motion: Motion
) -> tuple[Alignment, NDArray[np.uint8], NDArray[np.uint8]]:
    """Register the enlarged LR picture to HR by enhanced correlation (ECC; Evangelidis and Psarakis 2008).

    ECC does not mind a difference of exposure between the two.

    Args:
        lr_up, hr: H×W×3 of one shape, 0..255.

    Returns:
        What was found, then the moved LR and the HR picture, both cut to the part that both cover.

    Raises:
        InputError: the pictures are flat or do not show the same thing.
    """
    matrix, correlation = _register(_grey(lr_up), _grey(hr), motion)
    box = _common_box(matrix, hr.shape[0], hr.shape[1])
    left, top, right, bottom = box
    if (right - left) * (bottom - top) < 0.25 * hr.shape[0] * hr.shape[1]:
        raise _failure("the alignment found leaves less than a quarter of the picture in common")
    moved = cv2.warpAffine(
        lr_up,
        matrix,
        (hr.shape[1], hr.shape[0]),
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    (a, b, c), (d, e, f) = matrix.tolist()
    found = Alignment(motion, ((a, b, c), (d, e, f)), correlation, box)
    kept = np.s_[top:bottom, left:right]
    return found, np.ascontiguousarray(moved[kept]), np.ascontiguousarray(hr[kept])


def _register(
    lr_up: NDArray[np.uint8], hr: NDArray[np.uint8], motion: Motion
) -> tuple[NDArray[np.float64], float]:
    longest = max(hr.shape)
    matrix, correlation = np.eye(2, 3), 0.0
    sides = sorted({min(longest, side) for side in _LEVELS})
    for level, side in enumerate(sides):
        moving, fixed = (_reduced(picture, side / longest) for picture in (lr_up, hr))
        factor_x, factor_y = fixed.shape[1] / hr.shape[1], fixed.shape[0] / hr.shape[0]
        starts = [_scaled(matrix, factor_x, factor_y)]
        if level == 0:
            starts.append(_phase_shift(moving, fixed))
        start = max(starts, key=lambda m: _correlation(moving, fixed, m))
        found, correlation = _ecc(moving, fixed, start, motion)
        matrix = _scaled(found, 1 / factor_x, 1 / factor_y)
    if correlation < _MIN_CORRELATION:
        raise _failure(f"the best alignment correlates by no more than {correlation:.2f}")
    return matrix, correlation


def _ecc(
    moving: NDArray[np.uint8], fixed: NDArray[np.uint8], start: NDArray[np.float64], motion: Motion
) -> tuple[NDArray[np.float64], float]:
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, _MAX_ITERATIONS, _PRECISION)
    try:
        everywhere = np.full_like(fixed, 255)
        correlation, found = cv2.findTransformECC(
            fixed, moving, start.astype(np.float32), _MODELS[motion], stop, everywhere, 5
        )
    except cv2.error as error:  # flat pictures, or an iteration that ran away
        raise _failure("the pictures are flat or do not show the same thing") from error
    if not (np.isfinite(found).all() and math.isfinite(correlation)):
        raise _failure("the pictures are flat or do not show the same thing")
    return np.asarray(found, np.float64), float(correlation)


def _failure(reason: str) -> InputError:
    return InputError(
        f"LR cannot be aligned to HR: {reason}", remedy="--align none compares them as they are"
    )


def _grey(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)


def _reduced(picture: NDArray[np.uint8], factor: float) -> NDArray[np.uint8]:
    if factor >= 1.0:
        return picture
    size = (max(1, round(picture.shape[1] * factor)), max(1, round(picture.shape[0] * factor)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def _scaled(matrix: NDArray[np.float64], factor_x: float, factor_y: float) -> NDArray[np.float64]:
    """The same motion for pictures ``factor`` times as large, pixel centres at whole numbers."""
    to_new = np.array([[factor_x, 0, (factor_x - 1) / 2], [0, factor_y, (factor_y - 1) / 2], [0, 0, 1]])
    return np.asarray((to_new @ np.vstack([matrix, [0, 0, 1]]) @ np.linalg.inv(to_new))[:2], np.float64)


def _phase_shift(moving: NDArray[np.uint8], fixed: NDArray[np.uint8]) -> NDArray[np.float64]:
    """A shift by phase correlation: finds what is too far away for ECC."""
    window = cv2.createHanningWindow((fixed.shape[1], fixed.shape[0]), cv2.CV_32F)
    (right, down), _ = cv2.phaseCorrelate(fixed.astype(np.float32), moving.astype(np.float32), window)
    return np.array([[1.0, 0.0, right], [0.0, 1.0, down]])


def _correlation(moving: NDArray[np.uint8], fixed: NDArray[np.uint8], matrix: NDArray[np.float64]) -> float:
    size = (fixed.shape[1], fixed.shape[0])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(moving, matrix, size, flags=flags)
    inside = cv2.warpAffine(np.full_like(moving, 255), matrix, size, flags=flags) == 255
    if inside.sum() < 0.25 * inside.size:
        return -1.0
    first, second = moved[inside].astype(np.float64), fixed[inside].astype(np.float64)
    first, second = first - first.mean(), second - second.mean()
    spread = math.sqrt(float((first * first).sum()) * float((second * second).sum()))
    return float((first * second).sum()) / spread if spread > 0 else 0.0


def _common_box(matrix: NDArray[np.float64], height: int, width: int) -> tuple[int, int, int, int]:
    """The upright rectangle of HR inside the moved LR: left, top, right, bottom."""
    inverse = cv2.invertAffineTransform(matrix)
    corners = np.array([[0, 0, 1], [width - 1, 0, 1], [0, height - 1, 1], [width - 1, height - 1, 1]])
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = (corners @ inverse.T).tolist()
    left, right = max(x0, x2, 0.0), min(x1, x3, width - 1.0)
    top, bottom = max(y0, y1, 0.0), min(y2, y3, height - 1.0)
    # A picture that stays in place keeps its edge pixels; a moved one loses those that were made up.
    edges = [
        0 if edge in (0.0, end) else _BLEED
        for edge, end in zip((left, top, right, bottom), (0, 0, width - 1.0, height - 1.0), strict=True)
    ]
    return (
        math.ceil(left) + edges[0],
        math.ceil(top) + edges[1],
        max(0, math.floor(right) + 1 - edges[2]),
        max(0, math.floor(bottom) + 1 - edges[3]),
    )
