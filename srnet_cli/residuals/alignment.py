"""Registration of an enlarged LR picture to its HR picture, to fractions of a pixel."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from srnet_cli.data.shots import registration
from srnet_cli.data.shots.geometry import zoom_about_centres
from srnet_cli.errors import DataError, InputError, RegistrationError
from srnet_cli.imaging.affine import Affine, apply, compose, corners, identity, inscribed_box, invert
from srnet_cli.imaging.boxes import Box
from srnet_cli.imaging.registration import SURE, Motion, grey, register
from srnet_cli.imaging.resize import Interpolation

# Below this correlation the registration has not found itself, or the two pictures show different things.
_MIN_CORRELATION = 0.6
# Degrees and share of the size that no lens or hand explains between two shots of one scene.
_MOST_TURN, _MOST_SCALING = 10.0, 0.15
_WARPS: dict[Interpolation, int] = {
    "nearest": cv2.INTER_NEAREST,
    "bilinear": cv2.INTER_LINEAR,
    "bicubic": cv2.INTER_CUBIC,
    "lanczos": cv2.INTER_LANCZOS4,
}
# Pixels at the edge of a moved picture whose interpolation reached outside.
_BLEED = 2
# Pixels that a picture in place may be off: registration ends that close, on which side the processor says.
_IN_PLACE = 1e-3


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
    box = _common_box(invert(matrix), hr.shape, hr.shape)
    if box.height * box.width < 0.25 * hr.shape[0] * hr.shape[1]:
        raise _failure("the alignment found leaves less than a quarter of the picture in common")
    found = _plausible(Alignment(motion, _rows(matrix), correlation, box))
    moved = _warped(lr_up, matrix, hr.shape, "bicubic")
    return found, np.ascontiguousarray(moved[box.slices]), np.ascontiguousarray(hr[box.slices])


@dataclass(frozen=True)
class AlignedViews:
    """A wide shot's part of the field of view of a long one, at its size: H×W×3, as ``hr`` cut to ``box``.

    ``nominal`` is as the focal lengths alone say, ``lr_up`` as registered; either enlarged once.
    """

    alignment: Alignment
    nominal: NDArray[np.uint8]
    lr_up: NDArray[np.uint8]
    hr: NDArray[np.uint8]


def align_views(
    lr: NDArray[np.uint8],
    hr: NDArray[np.uint8],
    pixel_ratio: float,
    motion: Motion,
    interpolation: Interpolation,
) -> AlignedViews:
    """Cut the field of view of a long shot out of a wide one and register the two, as training pairs are.

    Args:
        lr, hr: H×W×3 of the wide and the long shot, 0..255.
        pixel_ratio: HR pixels that a LR pixel spans, as the focal lengths say.

    Raises:
        InputError: there is no such view, a shot is flat, or they do not show the same thing.
    """
    nominal = zoom_about_centres(hr.shape[:2], lr.shape[:2], 1 / pixel_ratio)
    try:
        found = registration.align(lr, hr, pixel_ratio, motion)
    except DataError as error:
        raise _failure(error.reason) from error
    correlation = found.quality.correlation
    if correlation < SURE:
        raise _failure(f"the best alignment correlates by no more than {correlation:.2f}")
    to_lr = invert(found.lr_to_hr)
    box = _common_box(found.lr_to_hr, lr.shape, hr.shape)
    if box.height * box.width < 0.25 * hr.shape[0] * hr.shape[1]:
        raise _failure("less than a quarter of HR is in LR's picture")
    alignment = _plausible(Alignment(motion, _rows(compose(invert(nominal), to_lr)), correlation, box))
    first, last = (
        np.ascontiguousarray(_warped(lr, matrix, hr.shape, interpolation)[box.slices])
        for matrix in (nominal, to_lr)
    )
    return AlignedViews(alignment, first, last, np.ascontiguousarray(hr[box.slices]))


def _warped(
    lr: NDArray[np.uint8], matrix: Affine, shape: tuple[int, ...], interpolation: Interpolation
) -> NDArray[np.uint8]:
    """Sample LR where ``matrix`` takes the pixels of a picture of that shape."""
    warped = cv2.warpAffine(
        lr,
        matrix,
        (shape[1], shape[0]),
        flags=_WARPS[interpolation] | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(warped, np.uint8)


def _rows(matrix: Affine) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    (a, b, c), (d, e, f) = matrix.tolist()
    return (a, b, c), (d, e, f)


def _plausible(found: Alignment) -> Alignment:
    """Return what was found, if a lens and a hand can have done it."""
    if abs(found.rotation) > _MOST_TURN:
        raise _failure(f"a turn by {found.rotation:.1f}° is not plausible")
    if abs(found.magnification - 1) > _MOST_SCALING:
        raise _failure(f"a further enlargement ×{found.magnification:.3f} is not plausible")
    return found


def _register(lr_up: NDArray[np.uint8], hr: NDArray[np.uint8], motion: Motion) -> tuple[Affine, float]:
    try:
        matrix, correlation = register(grey(lr_up), grey(hr), motion, identity())
    except RegistrationError as error:
        raise _failure(error.reason) from error
    if correlation < _MIN_CORRELATION:
        raise _failure(f"the best alignment correlates by no more than {correlation:.2f}")
    return matrix, correlation


def _failure(reason: str) -> InputError:
    remedy = (
        "--focal-lengths LR,HR where the lenses differ and the files do not say; "
        "--align none compares them as they are"
    )
    return InputError(f"LR cannot be aligned to HR: {reason}", remedy=remedy)


def _common_box(lr_to_hr: Affine, lr: tuple[int, ...], hr: tuple[int, ...]) -> Box:
    """Find the upright rectangle of HR inside the moved LR; both by their shapes."""
    height, width = hr[:2]
    sides = inscribed_box(apply(lr_to_hr, corners(lr[0], lr[1])))
    # A picture that stays in place keeps its edge pixels; a moved one loses those that were made up.
    top, left = (0 if side <= _IN_PLACE else math.ceil(side) + _BLEED for side in sides[:2])
    bottom, right = (
        whole if side >= whole - 1 - _IN_PLACE else math.floor(side) + 1 - _BLEED
        for side, whole in zip(sides[2:], (height, width), strict=True)
    )
    return Box(top, left, max(0, bottom - top), max(0, right - left))
