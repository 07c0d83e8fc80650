"""The details of a picture that are worth a look: where it has most texture."""

from __future__ import annotations

import cv2
import numpy as np

from srnet_cli.imaging.boxes import Box
from srnet_cli.imaging.depth import to_8_bit
from srnet_cli.imaging.picture import Pixels

#: of the reduced picture in which texture is looked for: noise of single pixels is gone there
_LONGEST_SIDE = 1024


def textured_details(
    pixels: Pixels, height: int, width: int, count: int = 1, within: Box | None = None
) -> list[Box]:
    """Find boxes of ``height``×``width`` pixels, at most ``count``, that do not overlap; most texture first.

    ``pixels`` is H×W×3; a box is as large as the picture, or the part ``within``, at most.
    """
    area = within or Box(0, 0, *pixels.shape[:2])
    height, width = min(height, area.height), min(width, area.width)
    part = to_8_bit(pixels[area.slices])
    factor = max(1.0, max(part.shape[:2]) / _LONGEST_SIDE)
    small = cv2.resize(
        part, (round(part.shape[1] / factor), round(part.shape[0] / factor)), interpolation=cv2.INTER_AREA
    )
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)
    slopes = np.abs(cv2.Sobel(grey, cv2.CV_32F, 1, 0)) + np.abs(cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    rows, columns = max(1, round(height / factor)), max(1, round(width / factor))
    sums = cv2.integral(slopes)
    texture = (
        sums[rows:, columns:] - sums[:-rows, columns:] - sums[rows:, :-columns] + sums[:-rows, :-columns]
    )
    found: list[Box] = []
    for _ in range(count):
        top, left = np.unravel_index(int(np.argmax(texture)), texture.shape)
        if found and texture[top, left] < 0:
            break
        texture[max(0, top - rows) : top + rows, max(0, left - columns) : left + columns] = -1
        found.append(
            Box(
                area.top + min(round(float(top) * factor), area.height - height),
                area.left + min(round(float(left) * factor), area.width - width),
                height,
                width,
            )
        )
    return found
