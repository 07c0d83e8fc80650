"""Colours under transparent pixels, which are not seen and which a network would smear into what is seen."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from srnet_cli.imaging.picture import Pixels

Values = NDArray[np.float32]


#: alpha, 0..1, below which a colour counts for less the less it is seen
FAINT = 16 / 255
#: pixels around what is seen better in which that is so: as far as networks and the tie of colours reach
REACH = 32


def extend_colours(pixels: Pixels, alpha: Pixels) -> Pixels:
    """Continue the visible colours under pixels that are wholly transparent, or nearly so beside others."""
    weight = alpha.astype(np.float32) / np.float32(np.iinfo(alpha.dtype).max)
    near = np.asarray(cv2.dilate((weight >= FAINT).astype(np.uint8), np.ones((2 * REACH + 1,) * 2, np.uint8)))
    faint = (weight < FAINT) & ((near > 0) | (weight == 0))
    if not faint.any() or not weight.any():
        return pixels
    filled = _filled(pixels.astype(np.float32), np.where(faint, np.float32(0), weight))
    share = np.square(weight / np.float32(FAINT))[..., None]
    mixed = np.rint(filled + share * (pixels - filled)).astype(pixels.dtype)
    return np.where(faint[..., None], mixed, pixels)


def _filled(colours: Values, weight: Values) -> Values:
    """Fill pixels without weight from the picture at half the size, which is filled the same way."""
    height, width = weight.shape
    if weight.min() > 0 or height * width == 1:
        return colours
    size = ((width + 1) // 2, (height + 1) // 2)
    small_weight = np.asarray(cv2.resize(weight, size, interpolation=cv2.INTER_AREA), np.float32)
    weighted = np.asarray(
        cv2.resize(colours * weight[..., None], size, interpolation=cv2.INTER_AREA), np.float32
    )
    small = weighted / np.maximum(small_weight, np.float32(1e-6))[..., None]
    large = cv2.resize(
        _filled(small.astype(np.float32), small_weight), (width, height), interpolation=cv2.INTER_LINEAR
    )
    return np.where(weight[..., None] > 0, colours, np.asarray(large, np.float32))
