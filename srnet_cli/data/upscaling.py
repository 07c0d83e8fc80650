"""Pillow's enlargement of 8-bit pictures as tensor arithmetic, for whole batches on any device."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import torch
from torch import Tensor

Upscale = Literal["bicubic", "nearest"]

#: bits of Pillow's fixed-point filter weights
_PRECISION = 22


def upscale(pictures: Tensor, scale: int, method: Upscale = "bicubic") -> Tensor:
    """N×C×h×w with whole values 0..255 to N×C×sh×sw, bit-equal to Pillow's ``resize`` of 8-bit pictures.

    Returns float32 on the device of the input.
    """
    if method == "nearest":
        return pictures.repeat_interleave(scale, -2).repeat_interleave(scale, -1).float()
    # Whole numbers up to 2^31: exact in float64 in whatever order they are added. MPS has no float64.
    device = pictures.device if pictures.device.type != "mps" else torch.device("cpu")
    x = pictures.to(device, torch.float64)
    x = _rounded(x @ _weights(x.shape[-1], scale).to(device).T)
    x = _rounded(_weights(x.shape[-2], scale).to(device) @ x)
    return x.to(pictures.device, torch.float32)


def _rounded(sums: Tensor) -> Tensor:
    """Back to 8 bit, as Pillow does after each of its two passes."""
    return torch.floor((sums + 2 ** (_PRECISION - 1)) / 2**_PRECISION).clamp_(0, 255)


@lru_cache(maxsize=32)
def _weights(size: int, scale: int) -> Tensor:
    """Fixed-point bicubic weights (a = −0.5, sides renormalised): scale·size × size, float64."""
    centre = (torch.arange(size * scale, dtype=torch.float64) + 0.5) / scale
    distance = (torch.arange(size, dtype=torch.float64) + 0.5 - centre[:, None]).abs()
    a = -0.5
    near = ((a + 2) * distance - (a + 3)) * distance**2 + 1
    far = (((distance - 5) * distance + 8) * distance - 4) * a
    weights = torch.where(distance < 1, near, torch.where(distance < 2, far, torch.zeros(())))
    fixed = weights / weights.sum(1, keepdim=True) * 2**_PRECISION
    return torch.sign(fixed) * torch.floor(fixed.abs() + 0.5)
