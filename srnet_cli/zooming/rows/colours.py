"""Mean colours of the result tied to the input's: the network adds detail, and never a cast.

Reduced to the input's size, a result should be the input. Where it is not, the difference is blurred until
no detail is left in it, enlarged smoothly and added: any region larger than a few input pixels gets the
input's mean colour within a small tolerance, and what is finer stays the network's. It is added by the room
that a pixel has, so that nothing of it is lost to clipping where a picture is black and white. Where the
input is one flat colour there is nothing finer, and the result is that colour. Lengths are input pixels.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import softshrink

from srnet_cli.imaging.boxes import Box
from srnet_cli.imaging.depth import STEPS
from srnet_cli.imaging.picture import Pixels
from srnet_cli.zooming.rows.linear import block_means, blurred_across, enlarged, reflected_twice, weighed_sums
from srnet_cli.zooming.rows.samples import as_float

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
#: room is never taken to be less
LEAST = 1e-3
#: bytes of the result that are corrected at a time: what a CPU's cache holds, and what keeps a GPU busy
CACHED, CACHED_GPU = 4 << 20, 64 << 20
#: columns with a correction are corrected together when so many pixels or fewer lie between them
NEAR = 32

Rows = NDArray[np.float32]


@lru_cache(maxsize=4)
def _kernel(device: torch.device) -> Tensor:
    weights = torch.exp(-0.5 * (torch.arange(-RADIUS, RADIUS + 1, dtype=torch.float64) / SIGMA) ** 2)
    return (weights / weights.sum()).float().to(device)


class ColourTie:
    """Corrects the rows of a result as they come, in place; gives each back some rows later.

    ``region`` of ``pixels`` is what was enlarged, ``scale`` times. Memory holds a few rows more than are
    pushed at once, whatever the picture's height, and nothing depends on how the rows are cut.
    """

    def __init__(self, pixels: Pixels, region: Box, scale: int) -> None:
        self._pixels, self._region, self._scale = pixels, region, scale
        #: the result reduced and its difference from the input, blurred along the rows, from `_first` on
        self._mean: Tensor | None = None
        self._difference: Tensor | None = None
        self._first = 0
        self._pushed = 0
        self._given = 0
        #: rows of the result that still lack what is below them
        self._waiting: list[Tensor] = []

    @torch.inference_mode()
    def push(self, rows: Tensor) -> list[Tensor]:
        """Take the next rows of the result, a multiple of the scale, and give the corrected ones.

        ``rows`` is h×W×3 float32, 0..255; its memory is written to.
        """
        count, device = len(rows) // self._scale, rows.device
        at_once = self._rows_at_once(device)
        means, differences = [], []
        for start in range(0, count, at_once):
            part = rows[start * self._scale : (start + at_once) * self._scale].clamp_(0, 255)
            mean = block_means(part, self._scale)
            top = self._region.top + self._pushed + start
            lr = self._input(slice(top, top + len(mean)), device)
            means.append(blurred_across(mean, _kernel(device)))
            differences.append(blurred_across(lr - mean, _kernel(device)))
        self._mean, self._difference = _joined(self._mean, means), _joined(self._difference, differences)
        self._pushed += count
        self._waiting.append(rows)
        # A row's correction is interpolated between its neighbours', and each of these is a blur.
        whole = self._pushed == self._region.height
        return self._give(self._pushed if whole else max(self._pushed - RADIUS - 1, self._given))

    def _rows_at_once(self, device: torch.device) -> int:
        """Choose how many input rows' results are corrected together: so many as stay in the CPU's cache."""
        wanted = CACHED if device.type == "cpu" else CACHED_GPU
        return max(1, wanted // (12 * self._scale**2 * self._region.width))

    def _input(self, rows: slice, device: torch.device) -> Tensor:
        """Take rows of the input as the network reads them: h×W×3 float32, 0..255."""
        return as_float(self._pixels[rows, self._region.left : self._region.right], device)

    def _give(self, end: int) -> list[Tensor]:
        given: list[Tensor] = []
        flat = self._flatness(self._given, end) if end > self._given else None
        first = self._given
        while self._given < end:
            rows = self._waiting.pop(0)
            count = min(len(rows) // self._scale, end - self._given)
            if count * self._scale < len(rows):
                # Copied, so that the rows already given are not kept alive.
                self._waiting.insert(0, rows[count * self._scale :].clone())
                rows = rows[: count * self._scale]
            at_once = self._rows_at_once(rows.device)
            for start in range(0, count, at_once):
                part = rows[start * self._scale : (start + at_once) * self._scale]
                begin = self._given + start
                self._correct(part, begin, None if flat is None else flat[begin - first :])
            given.append(rows)
            self._given += count
        kept = max(self._given - 1 - RADIUS, 0)
        # The rows at the top are also what is reflected above it; a low picture is kept whole.
        if self._first < kept and self._given > 2 * RADIUS + 2:
            assert self._mean is not None and self._difference is not None
            self._mean = self._mean[kept - self._first :].clone()
            self._difference = self._difference[kept - self._first :].clone()
            self._first = kept
        return given

    def _correct(self, rows: Tensor, start: int, flat: Rows | None) -> None:
        """Correct, in place, the rows of the result that belong to input rows from ``start`` on.

        ``flat`` says of these rows, of one above them and of those below how flat each pixel is.
        """
        assert self._mean is not None and self._difference is not None
        end = start + len(rows) // self._scale
        around = torch.arange(start - 1, end + 1).clamp(0, self._region.height - 1)
        numbers = around[:, None] + torch.arange(-RADIUS, RADIUS + 1)
        numbers = reflected_twice(numbers, self._region.height) - self._first
        low, high = int(numbers.min()), int(numbers.max()) + 1
        kernel = _kernel(rows.device)
        whole = weighed_sums(self._difference[low:high], kernel, numbers - low)
        difference = softshrink(whole, TOLERANCE)
        for left, right in _active(difference):
            columns = _around(left, right, self._region.width, rows.device)
            mean = weighed_sums(self._mean[low:high].index_select(1, columns), kernel, numbers - low)
            part = rows[:, left * self._scale : right * self._scale]
            added, towards = difference.index_select(1, columns), whole.index_select(1, columns)
            _shift(part, mean, added, towards, self._scale)
        if flat is not None and flat[: end - start + 2].any():
            self._flatten(rows, start, around, flat[: end - start + 2])

    def _flatten(self, rows: Tensor, start: int, around: Tensor, flat: Rows) -> None:
        """Give flat areas the input's own colour, in place."""
        share = torch.from_numpy(flat).to(rows.device)[..., None]
        columns = _around(0, self._region.width, self._region.width, rows.device)
        top = int(around[0])
        lr = self._input(slice(self._region.top + top, self._region.top + int(around[-1]) + 1), rows.device)
        lr = lr.index_select(0, (around - top).to(rows.device))
        for left, right in _active(share):
            chosen = columns[left : right + 2]
            part = rows[:, left * self._scale : right * self._scale]
            colour = enlarged(lr.index_select(1, chosen), self._scale)
            part += enlarged(share.index_select(1, chosen), self._scale) * (colour - part)

    def _flatness(self, start: int, end: int) -> Rows | None:
        """Say of input rows from ``start`` - 1 to ``end`` how flat each pixel's surroundings are, 0..1.

        None where nothing is flat.
        """
        reach = FLAT_RADIUS + FADE + 1
        top, bottom = max(start - reach, 0), min(end + reach, self._region.height)
        rows = slice(self._region.top + top, self._region.top + bottom)
        lr: Any = np.ascontiguousarray(self._pixels[rows, self._region.left : self._region.right])
        window = np.ones((2 * FLAT_RADIUS + 1, 1), np.uint8)
        most, least = (change(change(lr, window), window.T) for change in (cv2.dilate, cv2.erode))
        levels = FLAT_LEVELS * (STEPS if lr.dtype == np.uint16 else 1)
        contrast = np.asarray(cv2.subtract(most, least)).reshape(lr.shape)
        is_flat = np.asarray((contrast <= levels).all(axis=2))
        if not is_flat.any():
            return None
        side = (2 * FADE + 1,) * 2
        given: Rows = is_flat.astype(np.float32)
        blurred = cv2.blur(given, side, borderType=cv2.BORDER_REPLICATE)
        flat = np.asarray(blurred, np.float32).reshape(is_flat.shape)
        around = np.clip(np.arange(start - 1, end + 1), 0, self._region.height - 1)
        chosen: Rows = flat[around - top]
        return chosen


def _joined(before: Tensor | None, parts: list[Tensor]) -> Tensor:
    return torch.cat(parts if before is None else [before, *parts])


def _shift(rows: Tensor, mean: Tensor, difference: Tensor, towards: Tensor, scale: int) -> None:
    """Add the difference in place, by the room that each pixel has as against the ``mean`` around it.

    ``towards`` has the sign of the difference, also where that is zero: room is that up to white, or to
    black. A pixel's share of the room around is (peak - pixel) / (peak - mean), and it is the input's pixels
    whose terms are computed and enlarged: there are few of them.
    """
    mean = mean.clamp(LEAST, 255 - LEAST)
    peak = torch.where(towards > 0, 255.0, 0.0)
    per_level = (peak - mean).reciprocal_()
    share = enlarged(peak.mul_(per_level), scale).addcmul_(enlarged(per_level, scale), rows, value=-1)
    rows.addcmul_(enlarged(difference, scale), share.clamp_(0, MOST_ROOM)).clamp_(0, 255)


def _around(left: int, right: int, width: int, device: torch.device) -> Tensor:
    """List the columns from one before ``left`` to one beyond ``right``, within the picture."""
    return torch.arange(left - 1, right + 1, device=device).clamp(0, width - 1)


def _active(values: Tensor) -> list[tuple[int, int]]:
    """List the parts of rows (H×W×C) in which a value is not zero, or has such a neighbour, as columns.

    On a GPU that is the whole: to ask would take longer than to compute.
    """
    width = values.shape[1]
    if values.device.type != "cpu":
        return [(0, width)]
    most = values.flatten(1).abs().amax(dim=0).view(width, -1).amax(dim=1)
    columns = np.flatnonzero(most.numpy())
    if not len(columns):
        return []
    edges = np.flatnonzero(np.diff(columns) > NEAR)
    begins, ends = columns[np.r_[0, edges + 1]], columns[np.r_[edges, len(columns) - 1]]
    return [(max(int(a) - 1, 0), min(int(b) + 2, width)) for a, b in zip(begins, ends, strict=True)]
