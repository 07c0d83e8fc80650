"""Registration: the place of every pixel of a wide shot in a longer one, and how well it is known."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from srnet_cli.data.shots.geometry import zoom_about_centres
from srnet_cli.errors import DataError, RegistrationError
from srnet_cli.imaging.affine import Affine, compose, invert, scaling, translation
from srnet_cli.imaging.registration import COARSEST_SIDE, Grey, Motion, grey, moved, phase_shift, register

#: what the lens and the hands may move between shots, as a part of the common field of view
_SEARCH = 0.15
#: grey levels of standard deviation under which there is nothing to hold on to
_FLAT = 1.5
#: side of the blocks in which the remaining shift is measured, LR pixels, and how many there are per side
_BLOCK, _BLOCKS = 24, 6


@dataclass(frozen=True)
class Quality:
    """Measure of how well two shots lie on each other, at the wide shot's resolution."""

    #: correlation coefficient over the common field of view, −1..1
    correlation: float
    #: LR pixels that blocks of the picture are still off: their median, and the 90th percentile
    misalignment: float
    misalignment_p90: float


@dataclass(frozen=True)
class Registration:
    """A map between two shots: ``lr_to_hr`` takes pixels of the wide shot to those of the long one."""

    lr_to_hr: Affine
    quality: Quality


@dataclass(frozen=True)
class _Common:
    """The long shot reduced to the wide shot's pixel size, and the maps from it (template coordinates)."""

    template: Grey
    to_hr: Affine
    #: the wide shot around the common field of view, and where its corner is in the whole wide shot
    search: Grey
    search_corner: tuple[int, int]
    #: template to ``search`` coordinates as the focal lengths alone say
    nominal: Affine


def align(
    lr: NDArray[np.uint8], hr: NDArray[np.uint8], ratio: float, model: Motion = "affine"
) -> Registration:
    """Align a wide shot with a longer one of the same scene.

    ``lr`` and ``hr`` are H×W×3 RGB (their sizes may differ); ``ratio`` is the focal length of ``hr`` over
    that of ``lr``, above 1.

    Raises:
        DataError: when a shot has no features, or ECC does not converge at full resolution.
    """
    common = _common_view(grey(lr), grey(hr), ratio)
    _refuse_flat(common.template, "the longer shot")
    _refuse_flat(common.search, "the wider shot where they overlap")
    try:
        warp, _ = register(common.search, common.template, model, common.nominal)
    except RegistrationError as error:
        raise DataError("the shots could not be aligned: ECC did not converge") from error
    return Registration(_to_full(common, warp), _quality(common, warp))


def measure(lr: NDArray[np.uint8], hr: NDArray[np.uint8], ratio: float, lr_to_hr: Affine) -> Quality:
    """Measure how well a given map, for instance one read from ``tform.txt``, aligns the two shots.

    Raises:
        DataError: when a shot has no features.
    """
    common = _common_view(grey(lr), grey(hr), ratio)
    _refuse_flat(common.template, "the longer shot")
    x, y = common.search_corner
    warp = compose(translation(-x, -y), invert(lr_to_hr), common.to_hr)
    return _quality(common, warp)


def _common_view(lr: Grey, hr: Grey, ratio: float) -> _Common:
    height, width = int(hr.shape[0] / ratio), int(hr.shape[1] / ratio)
    if min(height, width) < COARSEST_SIDE:
        raise DataError(f"the common field of view is only {width}×{height} pixels of the wider shot")
    # An exact box, not a rounded size: the reduction is by the same factor in both directions, so that a
    # rotation stays a rotation.
    left, top = (hr.shape[1] - width * ratio) / 2, (hr.shape[0] - height * ratio) / 2
    template = Image.fromarray(hr).resize(
        (width, height), Image.Resampling.BOX, (left, top, left + width * ratio, top + height * ratio)
    )
    to_hr = scaling(ratio, (ratio * 0.5 - 0.5 + left, ratio * 0.5 - 0.5 + top))

    to_lr = compose(zoom_about_centres(hr.shape[:2], lr.shape[:2], 1 / ratio), to_hr)
    margin = 8 + int(_SEARCH * max(height, width))
    x0, y0 = int(max(0, to_lr[0, 2] - margin)), int(max(0, to_lr[1, 2] - margin))
    x1 = int(min(lr.shape[1], to_lr[0, 2] + width + margin))
    y1 = int(min(lr.shape[0], to_lr[1, 2] + height + margin))
    search = np.ascontiguousarray(lr[y0:y1, x0:x1])
    return _Common(
        np.asarray(template, np.float32), to_hr, search, (x0, y0), compose(translation(-x0, -y0), to_lr)
    )


def _refuse_flat(picture: Grey, which: str) -> None:
    if picture.size == 0 or float(cv2.GaussianBlur(picture, (0, 0), 2.0).std()) < _FLAT:
        raise DataError(f"{which} has no features to align by")


def _to_full(common: _Common, warp: Affine) -> Affine:
    x, y = common.search_corner
    return compose(common.to_hr, invert(compose(translation(x, y), warp)))


def _quality(common: _Common, warp: Affine) -> Quality:
    found, valid = moved(common.search, warp, common.template.shape)
    # Equal sharpness: the wide shot has its lens and demosaicking at this pixel size, the other does not.
    a, b = (np.asarray(cv2.GaussianBlur(p, (0, 0), 1.2), np.float32) for p in (common.template, found))
    if valid.mean() < 0.25:
        return Quality(0.0, float("inf"), float("inf"))
    correlation = float(np.corrcoef(a[valid], b[valid])[0, 1])
    shifts = _block_shifts(a, b, valid)
    if not shifts:
        return Quality(correlation, float("inf"), float("inf"))
    return Quality(correlation, float(np.median(shifts)), float(np.percentile(shifts, 90)))


def _block_shifts(a: Grey, b: Grey, valid: NDArray[np.bool_]) -> list[float]:
    """Lengths of the shifts between equal blocks, by phase correlation; featureless blocks are left out."""
    height, width = a.shape
    shifts = []
    for top, tall in _blocks(height):
        for left, wide in _blocks(width):
            block = np.s_[top : top + tall, left : left + wide]
            if valid[block].all() and a[block].std() >= _FLAT and b[block].std() >= _FLAT:
                shifts.append(_shift(a[block], b[block]))
    return shifts


def _blocks(side: int) -> list[tuple[int, int]]:
    """Start and length of the blocks along one side."""
    count = int(np.clip(side // _BLOCK, 1, _BLOCKS))
    length = side // count
    # OpenCV's phase correlation is half a pixel off where it has to pad, or where the length is odd.
    while length % 2 or cv2.getOptimalDFTSize(length) != length:
        length -= 1
    return [(int(start), length) for start in np.linspace(0, side - length, count)]


def _shift(a: Grey, b: Grey) -> float:
    return float(np.hypot(*phase_shift(_normal(b), _normal(a))))


def _normal(block: Grey) -> Grey:
    return np.asarray((block - block.mean()) / block.std(), np.float32)
