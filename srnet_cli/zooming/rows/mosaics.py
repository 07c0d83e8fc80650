"""Packed mosaics as the input of a zoom, and the camera colours that networks make of them, developed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from srnet_cli.imaging.boxes import Box
from srnet_cli.imaging.colour.mosaic import STEPS, BalancedMosaic
from srnet_cli.imaging.picture import Pixels
from srnet_cli.zooming.rows.samples import parts
from srnet_cli.zooming.rows.strips import Strip

_PEAK = 255.0
#: planes of a mosaic
_PLANES = 4
#: red lies a quarter of a cell before its middle, and blue as far behind: shares of the two samples around
_NEAR, _FAR = 0.75, 0.25


def cells(region: Box, cell: int, pad: tuple[int, int] = (0, 0)) -> Box:
    """Find the pixels that a network reads, of ``cell``×``cell`` of the picture's, which hold a region.

    ``pad`` rows and columns stand before the picture's first.
    """
    top, left = (start + before for start, before in zip((region.top, region.left), pad, strict=True))
    first_row, first_column = top // cell, left // cell
    rows, columns = -(-(top + region.height) // cell), -(-(left + region.width) // cell)
    return Box(first_row, first_column, rows - first_row, columns - first_column)


def tied_colours(pixels: Pixels) -> Pixels:
    """Return the colours that a result's means are tied to: pixels, or those of a mosaic's cells, H×W×3.

    The samples of a cell lie at different places, which would be taken for colour at every edge; so they are
    interpolated at its middle.
    """
    if pixels.shape[2] != _PLANES:
        return pixels
    forth = np.array([_NEAR, _FAR])
    red = cv2.sepFilter2D(pixels[..., 0], -1, forth, forth, anchor=(0, 0), borderType=cv2.BORDER_REFLECT_101)
    back = forth[::-1].copy()
    blue = cv2.sepFilter2D(pixels[..., 2], -1, back, back, anchor=(1, 1), borderType=cv2.BORDER_REFLECT_101)
    green = (pixels[..., 1].astype(np.uint32) + pixels[..., 3] + 1) // 2
    return np.stack([red, green.astype(pixels.dtype), blue], axis=2)


def centred(lr: Tensor) -> Tensor:
    """Return the colours of what a network reads, N×3×H×W: of a mosaic those of its cells, roughly placed."""
    if lr.shape[1] != _PLANES:
        return lr
    return torch.stack([lr[:, 0], (lr[:, 1] + lr[:, 3]) / 2, lr[:, 2]], dim=1)


class MosaicRows:
    """Rows of camera colours, developed, and cut to the region that was asked for.

    ``whole`` are the packed pixels that hold the region, ``scale`` the result's pixels for one of the sensor.
    """

    def __init__(self, mosaic: BalancedMosaic, region: Box, scale: int) -> None:
        self.whole = cells(region, 2, mosaic.pad)
        top, left = mosaic.pad
        self._first = (region.top + top - 2 * self.whole.top) * scale
        self._end = self._first + region.height * scale
        column = (region.left + left - 2 * self.whole.left) * scale
        self._columns = slice(column, column + region.width * scale)
        self._mosaic = mosaic

    def cut(self, strips: Iterable[Strip]) -> Iterator[Strip]:
        """Give developed rows, h×w×3 of sRGB, 0..255, for those of the network, h×w×3 of roots, 0..255.

        A residual stays in the roots.
        """
        for strip in strips:
            begin, end = (min(max(row - strip.top, 0), len(strip.sr)) for row in (self._first, self._end))
            if begin < end:
                inside = np.s_[begin:end, self._columns]
                residual = None if strip.residual is None else strip.residual[inside]
                top = strip.top + begin - self._first
                yield Strip(top, self._developed(strip.sr[inside]), residual)

    @torch.inference_mode()
    def _developed(self, rows: Tensor) -> Tensor:
        """Develop rows, whose memory is written to."""
        rows, shape = rows.contiguous(), rows.shape
        # The table's steps of light, straight from the network's.
        steps = torch.tensor(self._mosaic.to_srgb, device=rows.device).mul_((STEPS / _PEAK) ** 2)
        curve = torch.from_numpy(self._mosaic.curve * np.float32(_PEAK)).to(rows.device)
        for chosen in parts(rows):
            part = rows[chosen]
            light = functional.linear(part.clamp_(0, _PEAK).square_(), steps)
            roots = light.clamp_(0, STEPS**2).sqrt_().add_(0.5)
            torch.index_select(curve, 0, roots.int().view(-1), out=part.view(-1))
        return rows.view(shape)
