"""Plain bicubic interpolation, a strip at a time: its share in a result, and of light beside one."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from srnet_cli.imaging.depth import STEPS, to_float_255
from srnet_cli.imaging.picture import Pixels
from srnet_cli.zooming.frame import Frame

#: pixels around a part that its bicubic interpolation looks at, and one to spare
MARGIN = 3
_ROWS_AT_ONCE = 256


class PlainRows:
    """A frame enlarged by Pillow's bicubic filter, in strips: no second picture is held.

    ``aligned`` rounds the frame's start to whole output pixels, as the models' own pixels lie.
    """

    def __init__(self, pixels: Pixels, frame: Frame, aligned: bool) -> None:
        self._pixels, self._scale = pixels, frame.scale
        top, left = (round(x) if aligned else x for x in (frame.top, frame.left))
        self._top = frame.region.top + top / frame.scale
        self._left = frame.region.left + left / frame.scale
        self._width = frame.width

    def rows(self, first: int, count: int) -> NDArray[np.float32]:
        """Return rows of the result from the frame's row ``first`` on: count×W×3, 0..255."""
        top = self._top + first / self._scale
        rows, y = _part(top, top + count / self._scale, self._pixels.shape[0])
        columns, x = _part(self._left, self._left + self._width / self._scale, self._pixels.shape[1])
        part: NDArray[Any] = self._pixels[rows, columns]
        # A size is rounded to whole pixels, so that a frame may end a fraction of one beyond the picture.
        beyond = [max(0, math.ceil(end) - size) for end, size in zip((y[1], x[1]), part.shape, strict=False)]
        if any(beyond):
            part = np.pad(part, ((0, beyond[0]), (0, beyond[1]), (0, 0)), "edge")
        size, box = (self._width, count), (x[0], y[0], x[1], y[1])
        if part.dtype == np.uint8:  # as Pillow itself does it, to the bit
            return _enlarged(part, size, box)
        values = to_float_255(part)
        return np.stack([_enlarged(values[..., channel], size, box) for channel in range(3)], axis=2)


def strips(plain: PlainRows, height: int) -> Iterator[NDArray[np.float32]]:
    """Give all rows from top to bottom."""
    for first in range(0, height, _ROWS_AT_ONCE):
        yield plain.rows(first, min(_ROWS_AT_ONCE, height - first))


def blend(rows: NDArray[np.float32], plain: NDArray[np.float32], strength: float) -> NDArray[np.float32]:
    """Take ``strength`` of the network's rows and the rest of the plain ones."""
    return plain + np.float32(strength) * (rows - plain)


def _enlarged(
    part: NDArray[Any], size: tuple[int, int], box: tuple[float, float, float, float]
) -> NDArray[np.float32]:
    image = Image.fromarray(np.ascontiguousarray(part))
    return np.asarray(image.resize(size, Image.Resampling.BICUBIC, box=box), np.float32)


def _part(begin: float, end: float, size: int) -> tuple[slice, tuple[float, float]]:
    """Cut from an axis of ``size`` what lies around begin..end; return it, and begin and end within it."""
    first = max(0, math.floor(begin) - MARGIN)
    last = min(size, math.ceil(end) + MARGIN)
    return slice(first, last), (begin - first, end - first)


class LightRows:
    """The light of camera colours, H×W×3 uint16, enlarged plainly beside the pixels that were made of it."""

    def __init__(self, light: NDArray[np.uint16], frame: Frame, aligned: bool) -> None:
        self._plain, self._width = PlainRows(light, frame, aligned), frame.width

    def rows(self, first: int, count: int) -> NDArray[np.uint16]:
        """Return rows of the result from the frame's row ``first`` on: count×W×3."""
        if not count:
            return np.zeros((0, self._width, 3), np.uint16)
        values = self._plain.rows(first, count) * np.float32(STEPS)
        return np.asarray(np.rint(values.clip(0, 255 * STEPS)), np.uint16)
