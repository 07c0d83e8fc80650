"""The long shot resampled once onto the wide shot's pixel grid, ``scale`` times as fine."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from srnet_cli.imaging.affine import Affine, apply, compose, corners, inscribed_box, invert, scaling
from srnet_cli.imaging.boxes import Box

#: HR pixels that the interpolation reaches to each side
_REACH = 4


def common_box(
    lr_size: tuple[int, int], hr_size: tuple[int, int], lr_to_hr: Affine, parity: tuple[int, int]
) -> Box:
    """Find the largest upright rectangle of whole LR pixels that the HR shot covers.

    Sizes are (height, width). Its sides are even and its corner is congruent to ``parity`` (row, column)
    modulo 2, so that the same crop of a Bayer mosaic starts with the same colour. May be empty.
    """
    reach = _REACH * max(1.0, _hr_per_lr(lr_to_hr) / 2)
    seen = apply(invert(lr_to_hr), corners(*hr_size, margin=reach))
    top, left, bottom, right = inscribed_box(seen)
    y0, x0 = (_first(edge, even) for edge, even in zip((top, left), parity, strict=True))
    y1 = min(math.floor(bottom + 0.5), lr_size[0])
    x1 = min(math.floor(right + 0.5), lr_size[1])
    height, width = max(0, y1 - y0) // 2 * 2, max(0, x1 - x0) // 2 * 2
    return Box(y0, x0, height, width)


def _first(edge: float, parity: int) -> int:
    """Find the first whole pixel after ``edge`` in the frame, of the given parity."""
    start = max(0, math.ceil(edge + 0.5))
    return start + (start - parity) % 2


def resample_target(hr: NDArray[np.uint8], lr_to_hr: Affine, box: Box, scale: int) -> NDArray[np.uint8]:
    """Resample ``hr`` as the LR shot's ``box`` would look with ``scale`` times as many pixels a side.

    Lanczos with one interpolation; where the HR shot is finer than needed it is blurred first, as little as
    keeps it from aliasing.
    """
    fine_to_lr = scaling(1 / scale, (0.5 / scale - 0.5 + box.left, 0.5 / scale - 0.5 + box.top))
    step = _hr_per_lr(lr_to_hr) / scale
    if step > 1:
        sigma = 0.5 * math.sqrt(step**2 - 1)
        hr = np.asarray(cv2.GaussianBlur(hr, (0, 0), max(sigma, 0.1)), np.uint8)
    target = cv2.warpAffine(
        hr,
        compose(lr_to_hr, fine_to_lr),
        (box.width * scale, box.height * scale),
        flags=cv2.INTER_LANCZOS4 | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REFLECT_101,
    )
    return np.asarray(target, np.uint8)


def _hr_per_lr(lr_to_hr: Affine) -> float:
    return math.sqrt(abs(float(np.linalg.det(lr_to_hr[:, :2]))))
