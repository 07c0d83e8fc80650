"""Local entropy of a residual: that of the histogram in a window about each pixel."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import ceil, sqrt

import cv2
import numpy as np
from numpy.typing import NDArray

#: side of the window in pixels when the user names none
DEFAULT_WINDOW = 15

# Histograms are kept for at most about this many cells. More pixels share a cell then: a map of 24
# megapixels would otherwise need six thousand million histogram bins, and no eye could tell.
_MAX_CELLS = 3_000_000
# Histogram bins held at a time by one thread.
_BINS_AT_ONCE = 64_000_000


@dataclass(frozen=True)
class Sampling:
    """The fineness of a picture's entropy map.

    The picture is cut into cells of ``step`` × ``step`` pixels; a window is ``cells`` × ``cells`` of them.
    With ``step`` 1 the map is exact at every pixel, else it is interpolated between cell centres.
    """

    step: int
    cells: int

    @property
    def window(self) -> int:
        """Side of the window in pixels."""
        return self.step * self.cells


def sampling(height: int, width: int, window: int) -> Sampling:
    """Choose the sampling for a picture: exact while small, else with a step of about a third window.

    Where no step divides ``window``, the window used is the nearest that one can make up.

    Raises:
        ValueError: ``window`` is even or below 3.
    """
    if window < 3 or window % 2 == 0:
        raise ValueError(f"an entropy window needs an odd number of pixels from 3, not {window}")
    needed = ceil(sqrt(height * width / _MAX_CELLS))
    coarsest = window // 3
    plans = [
        Sampling(step, max(3, 2 * round((window / step - 1) / 2) + 1))
        for step in range(min(needed, coarsest), coarsest + 1)
    ]
    return min(plans, key=lambda plan: (abs(plan.window - window), plan.step))


def entropy_map(residual: NDArray[np.uint8], window: int = DEFAULT_WINDOW) -> NDArray[np.float32]:
    """Compute the Shannon entropy in bits of the values in a square window about each pixel.

    All channels share one histogram of 256 bins. At the border the window holds only what lies inside the
    picture. Equal to scikit-image's ``filters.rank.entropy`` where ``sampling`` has step 1.

    Args:
        residual: H×W or H×W×C, 0..255.
        window: side in pixels, odd.

    Returns:
        H×W, 0 (constant) to min(8, log2(C·window²)).

    Raises:
        ValueError: ``window`` is even or below 3, or the picture is empty or not 8 bit.
    """
    if residual.dtype != np.uint8 or residual.ndim not in (2, 3) or residual.size == 0:
        raise ValueError(f"an entropy map needs an 8-bit picture, not {residual.shape} {residual.dtype}")
    height, width = residual.shape[:2]
    plan = sampling(height, width, window)
    rows, columns = ceil(height / plan.step), ceil(width / plan.step)
    strip = max(2 * plan.cells, _BINS_AT_ONCE // (256 * columns))

    def compute(top: int) -> NDArray[np.float32]:
        return _strip_entropy(residual, plan, top, min(rows, top + strip))

    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as threads:
        entropies = np.concatenate(list(threads.map(compute, range(0, rows, strip))))
    if plan.step == 1:
        return entropies
    size = (columns * plan.step, rows * plan.step)
    enlarged = cv2.resize(entropies, size, interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(enlarged[:height, :width], np.float32)


def _strip_entropy(residual: NDArray[np.uint8], plan: Sampling, top: int, bottom: int) -> NDArray[np.float32]:
    """Compute entropies at rows ``top`` to ``bottom`` of cells: log2 N - (sum over bins of c·log2 c) / N."""
    reach = plan.cells // 2
    first = max(0, top - reach)
    counts = _cell_histograms(residual, plan.step, first, bottom + reach)
    kept = slice(top - first, bottom - first)
    pixels = _window_sums(counts.sum(axis=0, dtype=np.float32), plan.cells)[kept]
    table = np.arange(int(pixels.max()) + 1, dtype=np.float32)
    table[1:] *= np.log2(table[1:])
    total = np.zeros_like(pixels)
    for level in range(len(counts)):
        if counts[level].any():
            sums = _window_sums(counts[level].astype(np.float32), plan.cells)[kept]
            total += table[sums.astype(np.intp)]
    entropies = np.log2(pixels) - total / pixels
    # One stray value in the largest window is far above this; below it is rounding about zero.
    entropies[entropies < 1e-5] = 0.0
    return np.asarray(entropies, np.float32)


def _cell_histograms(residual: NDArray[np.uint8], step: int, first: int, last: int) -> NDArray[np.uint16]:
    """Count levels × rows × columns of cells, for the rows of cells ``first`` to ``last`` that exist."""
    height, width = residual.shape[:2]
    columns = ceil(width / step)
    last = min(last, ceil(height / step))
    levels = int(residual[first * step : last * step].max()) + 1
    column = (np.arange(width) // step).astype(np.int32)
    column = column.reshape((1, width) + (1,) * (residual.ndim - 2))
    counts = np.empty((levels, last - first, columns), np.uint16)
    for row in range(first, last):
        values = residual[row * step : (row + 1) * step]
        bins = np.bincount((values * np.int32(columns) + column).reshape(-1), minlength=levels * columns)
        counts[:, row - first] = bins.reshape(levels, columns)
    return counts


def _window_sums(counts: NDArray[np.float32], cells: int) -> NDArray[np.float32]:
    # Whole numbers far below 2^24 add up exactly in float32.
    sums = cv2.boxFilter(counts, cv2.CV_32F, (cells, cells), normalize=False, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(sums, np.float32)
