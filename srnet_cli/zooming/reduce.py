"""Area-true reduction of strips as they come, from a model's scale to the scale that was asked for."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from srnet_cli.imaging.depth import STEPS
from srnet_cli.imaging.srgb import linear_to_srgb, srgb_to_linear

Rows = NDArray[np.float32]


class AreaReducer:
    """Averages a stream of rows to fewer rows and columns.

    Output pixel i covers the input from ``(start + i)·factor`` to ``(start + i + 1)·factor`` on each axis;
    each input pixel counts with the share of it that is covered. ``factor`` is at least 1; with a factor of
    1 pixels are copied and ``start`` is rounded.
    """

    def __init__(
        self, factor: float, start: tuple[float, float], size: tuple[int, int], given: tuple[int, int]
    ) -> None:
        self._rows = _Cover(factor, start[0], size[0], given[0])
        self._columns = _Cover(factor, start[1], size[1], given[1])
        self._pending: NDArray[np.float32] | None = None
        self._pending_top = 0
        self._done = 0

    def push(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take the next input rows (h×W×C) and return the output rows that they complete, possibly none."""
        narrow = self._columns.gather(rows, axis=1, outputs=(0, self._columns.count), first=0)
        pending = narrow if self._pending is None else np.concatenate([self._pending, narrow])
        available = self._pending_top + len(pending)
        end = self._rows.completed_by(available)
        result = self._rows.gather(pending, axis=0, outputs=(self._done, end), first=self._pending_top)
        needed = self._rows.first_input(end) if end < self._rows.count else available
        self._pending = pending[needed - self._pending_top :]
        self._pending_top = needed
        self._done = end
        return result


class _Cover:
    """The inputs that each output covers along one axis, and their shares."""

    def __init__(self, factor: float, start: float, count: int, length: int) -> None:
        if factor == 1:
            start = round(start)
        self.count = count
        begin = (start + np.arange(count)) * factor
        end = np.minimum(begin + factor, length)
        begin = np.minimum(begin, length - 1e-6)
        # Rounding of the borders must not make a sliver of a further pixel count.
        first = np.floor(begin + 1e-6).astype(np.intp)
        taps = first[:, None] + np.arange(math.ceil(factor) + 1)
        share = np.minimum(taps + 1, end[:, None]) - np.maximum(taps, begin[:, None])
        share = np.clip(share, 0, 1)
        share[share < 1e-5] = 0
        self._taps = np.minimum(taps, length - 1)
        self._share = (share / share.sum(axis=1, keepdims=True)).astype(np.float32)
        self._last = np.where(share > 0, self._taps, -1).max(axis=1)

    def first_input(self, output: int) -> int:
        return int(self._taps[output, 0])

    def completed_by(self, available: int) -> int:
        """Count the outputs that need only inputs below ``available``."""
        return int(np.searchsorted(self._last, available))

    def gather(
        self, values: NDArray[np.float32], axis: int, outputs: tuple[int, int], first: int
    ) -> NDArray[np.float32]:
        """Make outputs from–to along ``axis`` of ``values``, whose first entry is input number ``first``."""
        chosen = slice(*outputs)
        shape = [1] * values.ndim
        shape[axis] = outputs[1] - outputs[0]
        total: NDArray[np.float32] | None = None
        for tap in range(self._taps.shape[1]):
            share = self._share[chosen, tap]
            if not share.any() and total is not None:
                continue
            index = np.clip(self._taps[chosen, tap] - first, 0, values.shape[axis] - 1)
            part = np.take(values, index, axis=axis)
            if not np.all(share == 1):
                part = part * share.reshape(shape)
            total = part if total is None else total + part
        assert total is not None
        return total


def reduced_in_light(reduce: Callable[[Rows], Rows]) -> Callable[[Rows], Rows]:
    """Return ``reduce`` for rows of sRGB, 0..255, in linear light: means of codes are too dark at edges."""
    light = srgb_to_linear(np.arange(255 * STEPS + 1, dtype=np.float32) / np.float32(255 * STEPS))

    def push(rows: Rows) -> Rows:
        coded = np.rint(rows.clip(0, 255) * np.float32(STEPS)).astype(np.uint16)
        return linear_to_srgb(reduce(light[coded])) * np.float32(255)

    return push
