"""The rows of the result under one row of tiles, on the device that computes the tiles.

Of each tile only the bands that it shares with its neighbours are weighed, in place, and added; all else is
copied once. Lengths are pixels of the result unless said otherwise.
"""

from __future__ import annotations

import torch
from torch import Tensor

from srnet_cli.zooming.tiles import Grid, ramp


class Canvas:
    """Takes the results of a grid's tiles row by row and gives finished rows of the region.

    Memory holds one strip, as high as the tiles stand apart and as wide as the region.
    """

    def __init__(self, grid: Grid, scale: int, channels: int, device: torch.device) -> None:
        self._grid, self._scale = grid, scale
        self._height, self._width = grid.region.height * scale, grid.region.width * scale
        self._stride, self._step = (stride * scale for stride in grid.strides)
        self._fade = grid.fade * scale
        rising = torch.from_numpy(ramp(self._fade)).to(device)
        self._across = rising.view(1, -1, 1), 1 - rising.view(1, -1, 1)
        self._down = rising.view(-1, 1, 1), 1 - rising.view(-1, 1, 1)
        self._shape = (self._stride + self._fade, self._width, channels)
        self._row, self._device = 0, device
        self._values = self._fresh()

    def _fresh(self) -> Tensor:
        # Not higher than what is left of the region below the first row of the strip.
        left = self._height - self._row * self._stride + self._fade
        return torch.empty((min(self._shape[0], left), *self._shape[1:]), device=self._device)

    @torch.inference_mode()
    def place(self, tile: Tensor, column: int) -> None:
        """Add a tile of the current row, h×w×C without the rim that is discarded; it may be overwritten."""
        grid, fade = self._grid, self._fade
        if fade:
            if column:
                tile[:, :fade] *= self._across[0]
            if column < grid.columns - 1:
                tile[:, -fade:] *= self._across[1]
            if self._row:
                tile[:fade] *= self._down[0]
            if self._row < grid.rows - 1:
                tile[-fade:] *= self._down[1]
        begin = column * self._step - fade
        left, right = max(begin, 0), min(begin + tile.shape[1], self._width)
        rows = min(len(tile), len(self._values))
        part, target = tile[:rows, left - begin : right - begin], self._values[:rows, left:right]
        shared = fade if column else 0
        # The rows above are shared with the tiles of the row before, which are in the strip already.
        target[fade:, shared:] = part[fade:, shared:]
        if fade:
            target[:fade] += part[:fade]
            target[fade:, :shared] += part[fade:, :shared]

    @torch.inference_mode()
    def finish(self) -> tuple[int, Tensor] | None:
        """End a row of tiles: the finished rows of the region, and the number of the first."""
        fade, top = self._fade, self._row * self._stride - self._fade
        values, last = self._values, self._row == self._grid.rows - 1
        end = len(values) if last else self._stride
        begin = fade if self._row == 0 else 0
        self._row += 1
        if not last:
            self._values = self._fresh()
            shared = values[end:]
            self._values[: len(shared)] = shared
        return (top + begin, values[begin:end]) if end > begin else None
