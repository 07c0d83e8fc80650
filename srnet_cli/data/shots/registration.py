"""Where every pixel of a wide shot lies in a longer one: ECC from coarse to fine, and how well it worked.

ECC: Evangelidis and Psarakis, "Parametric Image Alignment Using Enhanced Correlation Coefficient
Maximization", PAMI 2008; it does not mind a difference in exposure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from srnet_cli.data.shots.geometry import Affine, compose, invert, scaling, translation, zoom_about_centres
from srnet_cli.errors import DataError

MotionModel = Literal["affine", "euclidean", "translation"]

_MOTIONS = {
    "affine": cv2.MOTION_AFFINE,
    "euclidean": cv2.MOTION_EUCLIDEAN,
    "translation": cv2.MOTION_TRANSLATION,
}
#: the coarsest level of the pyramid keeps at least this many pixels on its short side
_COARSEST_SIDE = 20
#: what the lens and the hands may move between shots, as a part of the common field of view
_SEARCH = 0.15
#: grey levels of standard deviation under which there is nothing to hold on to
_FLAT = 1.5
#: side of the blocks in which the remaining shift is measured, LR pixels, and how many there are per side
_BLOCK, _BLOCKS = 24, 6

Grey = NDArray[np.float32]


@dataclass(frozen=True)
class Quality:
    """How well two shots lie on each other, measured at the wide shot's resolution."""

    #: correlation coefficient over the common field of view, −1..1
    correlation: float
    #: LR pixels that blocks of the picture are still off: their median, and the 90th percentile
    misalignment: float
    misalignment_p90: float


@dataclass(frozen=True)
class Alignment:
    """``lr_to_hr`` takes pixel coordinates of the wide shot to those of the long one."""

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
    lr: NDArray[np.uint8], hr: NDArray[np.uint8], ratio: float, model: MotionModel = "affine"
) -> Alignment:
    """Align a wide shot with a longer one of the same scene.

    ``lr`` and ``hr`` are H×W×3 RGB (their sizes may differ); ``ratio`` is the focal length of ``hr`` over
    that of ``lr``, above 1.

    Raises:
        DataError: when a shot has no features, or ECC does not converge at full resolution.
    """
    common = _common_view(grey(lr), grey(hr), ratio)
    _refuse_flat(common.template, "the longer shot")
    _refuse_flat(common.search, "the wider shot where they overlap")
    warp = _coarse_to_fine(common, model)
    return Alignment(_to_full(common, warp), _quality(common, warp))


def measure(lr: NDArray[np.uint8], hr: NDArray[np.uint8], ratio: float, lr_to_hr: Affine) -> Quality:
    """How well a given map, for instance one read from ``tform.txt``, aligns the two shots.

    Raises:
        DataError: when a shot has no features.
    """
    common = _common_view(grey(lr), grey(hr), ratio)
    _refuse_flat(common.template, "the longer shot")
    x, y = common.search_corner
    warp = compose(translation(-x, -y), invert(lr_to_hr), common.to_hr)
    return _quality(common, warp)


def grey(rgb: NDArray[np.uint8]) -> Grey:
    """Luma of H×W×3 RGB, 0..255 float."""
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.float32)


def _common_view(lr: Grey, hr: Grey, ratio: float) -> _Common:
    height, width = int(hr.shape[0] / ratio), int(hr.shape[1] / ratio)
    if min(height, width) < _COARSEST_SIDE:
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


def _coarse_to_fine(common: _Common, model: MotionModel) -> Affine:
    """Template to search coordinates."""
    templates, searches = [common.template], [common.search]
    while min(templates[-1].shape) >= 2 * _COARSEST_SIDE:
        templates.append(_half(templates[-1]))
        searches.append(_half(searches[-1]))
    levels = range(len(templates) - 1, -1, -1)
    warp = common.nominal.copy()
    warp[:, 2] /= 2 ** (len(templates) - 1)
    # Few parameters while little is known: a shift, then a rotation, then the whole model.
    stages = [(levels[0], "translation"), (levels[0], "euclidean"), *((level, model) for level in levels)]
    if model == "translation":
        stages = [(level, model) for level in levels]
    current = levels[0]
    for level, motion in stages:
        if level != current:
            warp[:, 2] *= 2
            current = level
        try:
            warp = _ecc(templates[level], searches[level], warp, _MOTIONS[motion])
        except cv2.error as error:
            if level == 0:
                raise DataError("the shots could not be aligned: ECC did not converge") from error
            # A blurred level may be too poor; the next finer one starts from what was known before.
    return warp


def _half(picture: Grey) -> Grey:
    """Blur and keep every second pixel: coordinates are exactly halved."""
    return np.asarray(cv2.pyrDown(picture), np.float32)


def _ecc(template: Grey, search: Grey, start: Affine, motion: int) -> Affine:
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 200, 1e-6)
    # ECC warps the mask along with the picture: what lies outside the frame does not count.
    mask = np.full(search.shape, 255, np.uint8)
    _, warp = cv2.findTransformECC(template, search, start.astype(np.float32), motion, criteria, mask, 5)
    return np.asarray(warp, np.float64)


def _to_full(common: _Common, warp: Affine) -> Affine:
    x, y = common.search_corner
    return compose(common.to_hr, invert(compose(translation(x, y), warp)))


def _quality(common: _Common, warp: Affine) -> Quality:
    size = (common.template.shape[1], common.template.shape[0])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved = np.asarray(cv2.warpAffine(common.search, warp, size, flags=flags), np.float32)
    inside = np.ones(common.search.shape, np.float32)
    valid = np.asarray(cv2.warpAffine(inside, warp, size, flags=flags)) > 0.999
    # Equal sharpness: the wide shot has its lens and demosaicking at this pixel size, the other has not.
    a, b = (np.asarray(cv2.GaussianBlur(p, (0, 0), 1.2), np.float32) for p in (common.template, moved))
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
    window = cv2.createHanningWindow((a.shape[1], a.shape[0]), cv2.CV_32F)
    (x, y), _ = cv2.phaseCorrelate(_normal(a), _normal(b), window)
    return float(np.hypot(x, y))


def _normal(block: Grey) -> Grey:
    return np.asarray((block - block.mean()) / block.std(), np.float32)
