"""The authors' way from frames and transforms to training pairs, step by step.

Zhang et al., "Zoom to Learn, Learn to Zoom", CVPR 2019.

Two bilinear warps and two Lanczos resizes blur the target; it is here for parity with the published figures.
The default way is ``shots.registration`` and ``shots.resampling``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from srnet_cli.data.shots.geometry import centre_box, field_of_view_box
from srnet_cli.errors import DataError
from srnet_cli.imaging.affine import Affine, invert

RGB = NDArray[np.uint8]
T = TypeVar("T", bound=np.generic)
Item = TypeVar("Item")

#: LR frame and HR frame by scale
FRAMES: dict[int, tuple[tuple[int, int], ...]] = {4: ((5, 1), (6, 2), (7, 3)), 8: ((6, 1),)}

#: first and last item of training and of validation by scale, 1-based in sorted order
PUBLISHED_RANGES = {4: ((1, 1300), (1301, 1314)), 8: ((1, 482), (483, 497))}

#: pixels that are kept off the border of the LR crop, on each side of the packed mosaic's halves
_MARGIN = 20


@dataclass(frozen=True)
class PublishedPair:
    """``lr`` 2h×2w×3 and ``hr`` 2hS×2wS×3, uint8; ``mosaic`` h×w×4 float32, or None without a RAW file."""

    lr: RGB
    hr: RGB
    mosaic: NDArray[np.float32] | None


@dataclass(frozen=True)
class Focals:
    """Focal lengths in mm of a sequence's reference frame and of the two frames of a pair."""

    reference: float
    lr: float
    hr: float


def build_pair(
    lr_frame: RGB,
    hr_frame: RGB,
    mosaic: NDArray[np.float32] | None,
    focals: Focals,
    lr_map: Affine,
    hr_map: Affine,
    scale: int,
) -> PublishedPair:
    """Make one training pair exactly as the authors' code makes it.

    ``lr_frame`` and ``hr_frame`` are the shots as developed by the camera, H×W×3; ``mosaic`` is the packed
    mosaic of the LR shot (see ``imaging.raw.mosaic``); the maps are those of ``tform.txt``.

    Raises:
        DataError: when the LR shot is too wide or the HR shot too narrow to leave any picture.
    """
    height, width = lr_frame.shape[:2]
    h = int(height * focals.lr / focals.reference / 2 - _MARGIN)
    w = int(width * focals.lr / focals.reference / 2 - _MARGIN)
    if h <= 0 or w <= 0:
        raise DataError("the field of view common with the reference leaves no picture")
    target = align_target(hr_frame, focals.hr / focals.reference, lr_map, hr_map)
    zoom = focals.reference / focals.lr
    hr = _centre(target, int(2 * h * zoom), int(2 * w * zoom))
    return PublishedPair(
        lr=_centre(lr_frame, 2 * h, 2 * w),
        hr=_lanczos(hr, 2 * h * scale, 2 * w * scale),
        mosaic=None if mosaic is None else _centre(mosaic, h, w),
    )


def align_target(hr_frame: RGB, ratio: float, lr_map: Affine, hr_map: Affine) -> RGB:
    """Put the HR shot at the reference's field of view as the LR shot sees it (HR1 to HR3)."""
    return warp(warp(to_reference_view(hr_frame, ratio), hr_map), invert(lr_map))


def to_reference_view(frame: RGB, ratio: float) -> RGB:
    """Crop the reference's field of view (``ratio`` = focal length over the reference's) and enlarge it by
    1/ratio, sides truncated to integers."""
    cropped = frame[field_of_view_box(frame.shape[0], frame.shape[1], ratio).slices]
    return _lanczos(cropped, int(cropped.shape[0] / ratio), int(cropped.shape[1] / ratio))


def warp(picture: RGB, affine: Affine) -> RGB:
    """Sample out(x) = in(affine·x), bilinear, zero outside, same size."""
    warped = cv2.warpAffine(
        picture,
        affine.astype(np.float32),
        (picture.shape[1], picture.shape[0]),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
    )
    return np.asarray(warped, np.uint8)


def _lanczos(picture: RGB, height: int, width: int) -> RGB:
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS))


def _centre(picture: NDArray[T], height: int, width: int) -> NDArray[T]:
    try:
        box = centre_box(picture.shape[0], picture.shape[1], height, width)
    except ValueError as error:
        raise DataError(f"the shots overlap too little: {error}") from error
    return np.ascontiguousarray(picture[box.slices])


def published_split(items: Sequence[Item], scale: int) -> tuple[list[Item], list[Item]]:
    """Take the training and validation items of the published runs; ``items`` sorted by name.

    Some validation items share a scene with training items.

    Raises:
        DataError: when there is no published range for the scale, or there are too few items for it.
    """
    if scale not in PUBLISHED_RANGES:
        raise DataError(f"no published ranges for ×{scale}", remedy="--split scene holds out whole scenes")
    train, validation = PUBLISHED_RANGES[scale]
    if len(items) < validation[0]:
        raise DataError(
            f"{len(items)} items; the published validation items are {validation[0]}–{validation[1]}",
            remedy="--split scene holds out whole scenes",
        )
    return list(items[train[0] - 1 : train[1]]), list(items[validation[0] - 1 : validation[1]])
