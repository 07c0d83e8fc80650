"""Crops and nominal maps between the shots of a sequence, as their focal lengths say."""

from __future__ import annotations

import math

from srnet_cli.imaging.affine import Affine, scaling
from srnet_cli.imaging.boxes import Box


def field_of_view_box(height: int, width: int, ratio: float) -> Box:
    """Find the central part of a frame that a lens with a 1/``ratio`` times longer focal length sees.

    Per side of n pixels: from ceil((n − n·ratio)/2) to floor((n + n·ratio)/2).
    """
    top, bottom = math.ceil((height - height * ratio) / 2), math.floor((height + height * ratio) / 2)
    left, right = math.ceil((width - width * ratio) / 2), math.floor((width + width * ratio) / 2)
    return Box(top, left, bottom - top, right - left)


def centre_box(height: int, width: int, crop_height: int, crop_width: int) -> Box:
    """Centre a crop; its corner is trunc((size − crop)/2) per side.

    Raises:
        ValueError: when the crop is larger than the frame or has no pixels.
    """
    if not (0 < crop_height <= height and 0 < crop_width <= width):
        raise ValueError(f"a {crop_width}×{crop_height} crop does not fit a {width}×{height} frame")
    top, left = (height - crop_height) // 2, (width - crop_width) // 2
    return Box(top, left, crop_height, crop_width)


def zoom_about_centres(from_size: tuple[int, int], to_size: tuple[int, int], factor: float) -> Affine:
    """Compute the map between two frames (height, width) of one viewpoint that share their optical axis.

    Each frame's centre maps to the other's, and one pixel of the first is ``factor`` pixels of the second.
    """
    (h1, w1), (h2, w2) = from_size, to_size
    x = (w2 - 1) / 2 - factor * (w1 - 1) / 2
    y = (h2 - 1) / 2 - factor * (h1 - 1) / 2
    return scaling(factor, (x, y))
