"""Registration of an enlarged LR picture to its HR picture, to fractions of a pixel."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from srnet_cli.errors import InputError, RegistrationError
from srnet_cli.imaging.affine import Affine, apply, corners, identity, inscribed_box, invert
from srnet_cli.imaging.boxes import Box
from srnet_cli.imaging.registration import Motion, grey, register

# Below this correlation the two pictures do not show the same thing.
_MIN_CORRELATION = 0.3
# Pixels at the edge of a moved picture whose interpolation reached outside.
_BLEED = 2


@dataclass(frozen=True)
class Alignment:
    """The motion that took LR onto HR.

    ``matrix`` is 2×3 and takes positions (x right, y down, in HR pixels) of HR to those of the enlarged LR.
    ``box`` is the part of HR that the moved LR covers.
    """

    motion: Motion
    matrix: tuple[tuple[float, float, float], tuple[float, float, float]]
    #: correlation coefficient of the two pictures after the registration, at most 1
    correlation: float
    box: Box

    @property
    def shift(self) -> tuple[float, float]:
        """How far the centre of the picture was moved, in HR pixels: (right, down)."""
        x, y = (self.box.left + self.box.right - 1) / 2, (self.box.top + self.box.bottom - 1) / 2
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
    matrix, correlation = _register(lr_up, hr, motion)
    box = _common_box(matrix, hr.shape[0], hr.shape[1])
    if box.height * box.width < 0.25 * hr.shape[0] * hr.shape[1]:
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
    return found, np.ascontiguousarray(moved[box.slices]), np.ascontiguousarray(hr[box.slices])


def _register(lr_up: NDArray[np.uint8], hr: NDArray[np.uint8], motion: Motion) -> tuple[Affine, float]:
    try:
        matrix, correlation = register(grey(lr_up), grey(hr), motion, identity())
    except RegistrationError as error:
        raise _failure(error.reason) from error
    if correlation < _MIN_CORRELATION:
        raise _failure(f"the best alignment correlates by no more than {correlation:.2f}")
    return matrix, correlation


def _failure(reason: str) -> InputError:
    return InputError(
        f"LR cannot be aligned to HR: {reason}", remedy="--align none compares them as they are"
    )


def _common_box(matrix: Affine, height: int, width: int) -> Box:
    """Find the upright rectangle of HR inside the moved LR."""
    sides = inscribed_box(apply(invert(matrix), corners(height, width)))
    # A picture that stays in place keeps its edge pixels; a moved one loses those that were made up.
    top, left = (0 if side <= 0 else math.ceil(side) + _BLEED for side in sides[:2])
    bottom, right = (
        whole if side >= whole - 1 else math.floor(side) + 1 - _BLEED
        for side, whole in zip(sides[2:], (height, width), strict=True)
    )
    return Box(top, left, max(0, bottom - top), max(0, right - left))
