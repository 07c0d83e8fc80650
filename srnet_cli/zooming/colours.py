"""Mean colours of the result tied to the input's: the network adds detail, and never a cast.

Reduced to the input's size, a result should be the input. Where it is not, the difference is blurred until
no detail is left in it, enlarged smoothly and added: any region larger than a few input pixels gets the
input's mean colour within a small tolerance, and what is finer stays the network's. It is added by the room
that a pixel has, so that nothing of it is lost to clipping where a picture is black and white. Where the
input is one flat colour there is nothing finer, and the result is that colour. Lengths are input pixels.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from srnet_cli.imaging.boxes import Box
from srnet_cli.imaging.depth import to_float_255
from srnet_cli.imaging.picture import Pixels

#: standard deviation of the blur: well above what a network restores, below what an eye takes for a colour
SIGMA = 3.5
RADIUS = 10
#: levels (0..255) that a mean may be off: fine black and white that the input has as grey is darker in the
#: mean of its codes though it gives as much light, and a network that restores it is right
TOLERANCE = 2.5
#: a pixel with more room than the mean around it takes up to so many times the difference
MOST_ROOM = 2.0
#: a pixel is flat where the levels (0..255) of all around it, so far, differ by no more than this
FLAT_RADIUS, FLAT_LEVELS = 4, 0.5
#: over so many pixels on either side a flat area fades into what is not flat
FADE = 2

Rows = NDArray[np.float32]


def _kernel() -> Rows:
    weights = np.exp(-0.5 * (np.arange(-RADIUS, RADIUS + 1) / SIGMA) ** 2)
    kernel: Rows = (weights / weights.sum()).astype(np.float32)
    return kernel


class ColourTie:
    """Corrects the rows of a result as they come; gives each back some rows later.

    ``region`` of ``pixels`` is what was enlarged, ``scale`` times. Memory holds a few rows more than are
    pushed at once, whatever the picture's height, and nothing depends on how the rows are cut.
    """

    def __init__(self, pixels: Pixels, region: Box, scale: int) -> None:
        self._pixels, self._region, self._scale = pixels, region, scale
        self._kernel = _kernel()
        #: the result reduced and its difference from the input, blurred along the rows, from `_first` on
        self._blurred: Rows = np.zeros((0, region.width, 6), np.float32)
        self._first = 0
        self._pushed = 0
        self._given = 0
        #: rows of the result that still lack what is below them
        self._waiting: list[Rows] = []

    def push(self, rows: Rows) -> Iterator[Rows]:
        """Take the next rows of the result, a multiple of the scale, and give the corrected ones."""
        count = len(rows) // self._scale
        top = self._region.top + self._pushed
        lr = to_float_255(self._pixels[top : top + count, self._region.left : self._region.right])
        rows = np.clip(rows, 0, 255)
        size = (self._region.width, count)
        mean = cv2.resize(rows, size, interpolation=cv2.INTER_AREA).reshape(lr.shape)
        along = [
            cv2.sepFilter2D(values, -1, self._kernel, np.ones(1, np.float32), borderType=cv2.BORDER_REFLECT)
            for values in (mean, lr - mean)
        ]
        joined = np.concatenate([values.reshape(lr.shape) for values in along], axis=2)
        self._blurred = np.concatenate([self._blurred, joined])
        self._pushed += count
        self._waiting.append(rows)
        # A row's correction is interpolated between its neighbours', and each of these is a blur.
        whole = self._pushed == self._region.height
        return self._give(self._pushed if whole else max(self._pushed - RADIUS - 1, self._given))

    def _give(self, end: int) -> Iterator[Rows]:
        while self._given < end:
            rows = self._waiting.pop(0)
            count = min(len(rows) // self._scale, end - self._given)
            if count * self._scale < len(rows):
                # Copied, so that the rows already given are not kept alive.
                self._waiting.insert(0, rows[count * self._scale :].copy())
            yield self._corrected(rows[: count * self._scale], self._given, self._given + count)
            self._given += count
        kept = max(self._given - 1 - RADIUS, 0)
        # The rows at the top are also what is reflected above it; a low picture is kept whole.
        if self._first < kept and self._given > 2 * RADIUS + 2:
            self._blurred = self._blurred[kept - self._first :].copy()
            self._first = kept

    def _corrected(self, rows: Rows, start: int, end: int) -> Rows:
        """Correct the rows of the result that belong to input rows from ``start`` to ``end``."""
        around = np.clip(np.arange(start - 1, end + 1), 0, self._region.height - 1)
        low: Rows = np.zeros((len(around), self._region.width, 6), np.float32)
        for offset, weight in zip(range(-RADIUS, RADIUS + 1), self._kernel, strict=True):
            low += weight * self._blurred[_reflected(around + offset, self._region.height) - self._first]
        low[..., 3:] -= low[..., 3:].clip(-TOLERANCE, TOLERANCE)
        mean, difference = self._enlarged(low[..., :3]), self._enlarged(low[..., 3:])
        peak = 255 * (difference > 0).astype(np.float32)
        room = (peak - rows) / np.where(np.abs(peak - mean) < 1e-3, 1e-3, peak - mean)
        corrected = rows + difference * np.clip(room, 0, MOST_ROOM)
        flat, lr = self._flatness(start, end, around)
        if flat.any():
            corrected = corrected + self._enlarged(flat)[..., None] * (self._enlarged(lr) - corrected)
        return corrected

    def _enlarged(self, low: Rows) -> Rows:
        """Enlarge smoothly, without the row above and the row below, which only give the slope."""
        scale = self._scale
        size = (low.shape[1] * scale, low.shape[0] * scale)
        large = np.asarray(cv2.resize(low, size, interpolation=cv2.INTER_LINEAR), np.float32)
        return large.reshape(size[1], size[0], *low.shape[2:])[scale:-scale]

    def _flatness(self, start: int, end: int, around: NDArray[np.intp]) -> tuple[Rows, Rows]:
        """Say of rows ``around`` how flat each pixel's surroundings are, 0..1, and give their colours."""
        reach = FLAT_RADIUS + FADE + 1
        top, bottom = max(start - reach, 0), min(end + reach, self._region.height)
        rows = slice(self._region.top + top, self._region.top + bottom)
        lr = to_float_255(self._pixels[rows, self._region.left : self._region.right])
        window = np.ones((2 * FLAT_RADIUS + 1,) * 2, np.uint8)
        contrast = (cv2.dilate(lr, window) - cv2.erode(lr, window)).reshape(lr.shape).max(axis=2)
        flat: Rows = (contrast <= FLAT_LEVELS).astype(np.float32)
        if flat.any():
            blurred = cv2.blur(flat, (2 * FADE + 1,) * 2, borderType=cv2.BORDER_REPLICATE)
            flat = np.asarray(blurred, np.float32).reshape(flat.shape)
        return flat[around - top], lr[around - top]


def _reflected(indices: NDArray[np.intp], length: int) -> NDArray[np.intp]:
    """Fold indices into 0 … length-1 by reflection that repeats the border: means are kept."""
    folded = indices % (2 * length)
    return np.where(folded >= length, 2 * length - 1 - folded, folded)
