"""Interpolation in the shape of a network, to stand in the same tables.

The kernels are Pillow's for enlargement (bicubic with a = -0.5, weights cut at the border and normalised), in
floating point and not clipped; for 8-bit pictures Pillow rounds and clips between its two passes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

import torch
from torch import Tensor, nn

from srnet_cli.network.blocks import NetworkOutput


@dataclass(frozen=True)
class InterpolationOptions:
    scale: int = 4


class Interpolation(nn.Module):
    """N×C×H×W to N×C×sH×sW; nothing in it is trained."""

    kernel: Callable[[Tensor], Tensor]
    #: input pixels from the centre at which the kernel ends
    radius: float

    def __init__(self, options: InterpolationOptions | None = None) -> None:
        super().__init__()
        self.options = options or InterpolationOptions()

    @property
    def scale(self) -> int:
        return self.options.scale

    def forward(self, lr: Tensor, residual: bool = False) -> NetworkOutput:
        rows = self._enlarge(lr, 2)
        return NetworkOutput(self._enlarge(rows, 3))

    def _enlarge(self, x: Tensor, dim: int) -> Tensor:
        size = x.shape[dim]
        centres = (torch.arange(size * self.scale, dtype=torch.float64) + 0.5) / self.scale - 0.5
        taps = range(1 - ceil(self.radius), ceil(self.radius) + 1)
        pixels = torch.stack([centres.floor().long() + tap for tap in taps])
        weights = type(self).kernel(pixels - centres) * ((pixels >= 0) & (pixels < size))
        weights = (weights / weights.sum(dim=0)).to(x)
        pixels = pixels.clamp(0, size - 1).to(x.device)
        along = [1, 1, 1, 1]
        along[dim] = -1
        # One tap at a time: no copy of the picture for each.
        total = x.index_select(dim, pixels[0]) * weights[0].view(along)
        for index, weight in zip(pixels[1:], weights[1:], strict=True):
            total += x.index_select(dim, index) * weight.view(along)
        return total


class Nearest(Interpolation):
    """Every pixel repeated."""

    def forward(self, lr: Tensor, residual: bool = False) -> NetworkOutput:
        return NetworkOutput(lr.repeat_interleave(self.scale, 2).repeat_interleave(self.scale, 3))


class Bilinear(Interpolation):
    radius = 1.0

    @staticmethod
    def kernel(distance: Tensor) -> Tensor:
        return (1 - distance.abs()).clamp_min(0)


class Bicubic(Interpolation):
    radius = 2.0

    @staticmethod
    def kernel(distance: Tensor) -> Tensor:
        a, x = -0.5, distance.abs()
        near = ((a + 2) * x - (a + 3)) * x * x + 1
        far = (((x - 5) * x + 8) * x - 4) * a
        return torch.where(x < 1, near, torch.where(x < 2, far, torch.zeros_like(x)))


class Lanczos(Interpolation):
    radius = 3.0

    @staticmethod
    def kernel(distance: Tensor) -> Tensor:
        return torch.where(distance.abs() < 3, torch.sinc(distance) * torch.sinc(distance / 3), 0.0)
