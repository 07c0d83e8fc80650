"""Area-true reduction of strips as they come, from a model's scale to the scale that was asked for."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from srnet_cli.imaging.srgb import linear_to_srgb, srgb_to_linear
from srnet_cli.zooming.rows.linear import block_means
from srnet_cli.zooming.rows.samples import parts


class AreaReducer:
    """Averages a stream of rows to fewer rows and columns.

    Output pixel i covers the input from ``(start + i)·factor`` to ``(start + i + 1)·factor`` on each axis;
    each input pixel counts with the share of it that is covered. ``factor`` is at least 1; with a factor of
    1 pixels are taken as they are and ``start`` is rounded.
    """

    def __init__(
        self, factor: float, start: tuple[float, float], size: tuple[int, int], given: tuple[int, int]
    ) -> None:
        self._rows = _Cover(factor, start[0], size[0], given[0])
        self._columns = _Cover(factor, start[1], size[1], given[1])
        self._blocks = all(_lie_on_blocks(factor, *axis) for axis in zip(start, size, given, strict=True))
        self._factor = round(factor)
        self._pending: Tensor | None = None
        self._pending_top = 0
        self._done = 0

    @torch.inference_mode()
    def push(self, rows: Tensor) -> Tensor:
        """Take the next input rows (h×W×C) and return the output rows that they complete, possibly none."""
        if self._blocks and self._pending is None and len(rows) % self._factor == 0:
            result = block_means(rows, self._factor)
            self._pending_top += len(rows)
            self._done += len(result)
            return result
        narrow = self._columns.gather(rows, axis=1, outputs=(0, self._columns.count), first=0)
        pending = narrow if self._pending is None else torch.cat([self._pending, narrow])
        available = self._pending_top + len(pending)
        end = self._rows.completed_by(available)
        result = self._rows.gather(pending, axis=0, outputs=(self._done, end), first=self._pending_top)
        needed = min(self._rows.first_input(end), available) if end < self._rows.count else available
        # Copied, so that the rows already given are not kept alive.
        self._pending = pending[needed - self._pending_top :].clone() if needed < available else None
        self._pending_top = needed
        self._done = end
        return result


def _lie_on_blocks(factor: float, start: float, size: int, given: int) -> bool:
    """Tell whether all outputs of an axis are means of whole pixels, and none is left out."""
    return factor == round(factor) and start == 0 and size * factor == given


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
        self._copied = factor == 1

    def first_input(self, output: int) -> int:
        return int(self._taps[output, 0])

    def completed_by(self, available: int) -> int:
        """Count the outputs that need only inputs below ``available``."""
        return int(np.searchsorted(self._last, available))

    def gather(self, values: Tensor, axis: int, outputs: tuple[int, int], first: int) -> Tensor:
        """Make outputs from–to along ``axis`` of ``values``, whose first entry is input number ``first``."""
        begin, end = outputs
        chosen, count = slice(begin, end), end - begin
        if self._copied:
            return values.narrow(axis, self.first_input(begin) - first if count else 0, count)
        shape = [1] * values.ndim
        shape[axis] = count
        total: Tensor | None = None
        for tap in range(self._taps.shape[1]):
            share = self._share[chosen, tap]
            if not share.any() and total is not None:
                continue
            index = np.clip(self._taps[chosen, tap] - first, 0, values.shape[axis] - 1)
            part = values.index_select(axis, torch.from_numpy(index).to(values.device))
            part *= torch.from_numpy(share).to(values.device).view(shape)
            total = part if total is None else total.add_(part)
        assert total is not None
        return total


def reduced_in_light(reduce: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """Return ``reduce`` for rows of sRGB, 0..255, in linear light: means of codes are too dark at edges.

    The rows that it is given are overwritten.
    """

    @torch.inference_mode()
    def push(rows: Tensor) -> Tensor:
        _in_place(rows, _to_light)
        reduced = reduce(rows)
        _in_place(reduced, _to_codes)
        return reduced

    return push


def _in_place(rows: Tensor, change: Callable[[Tensor], Tensor]) -> None:
    """Change rows a few at a time, so that what is needed meanwhile is small."""
    for chosen in parts(rows):
        part = rows[chosen]
        part.copy_(change(part))


def _to_light(rows: Tensor) -> Tensor:
    return srgb_to_linear(rows.clamp(0, 255).div_(255))


def _to_codes(light: Tensor) -> Tensor:
    return linear_to_srgb(light).mul_(255)
