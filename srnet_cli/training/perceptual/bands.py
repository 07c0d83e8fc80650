"""The high band of a picture: what its LR does not hold."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

#: of the blur that is taken away, LR pixels
SIGMA = 0.75


def high_band(picture: Tensor, scale: int) -> Tensor:
    """Subtract a Gaussian blur of 0.75 LR pixels. N×3×H×W on any scale to the same, about 0.

    Low frequencies then belong to the pixel loss alone.
    """
    count, channels, height, width = picture.shape
    sigma = SIGMA * scale
    reach = min(math.ceil(2.5 * sigma), height - 1, width - 1)
    x = torch.arange(-reach, reach + 1, dtype=picture.dtype, device=picture.device)
    kernel = torch.exp(-0.5 * (x / sigma) ** 2)
    kernel = kernel / kernel.sum()
    planes = picture.reshape(count * channels, 1, height, width)
    padded = F.pad(planes, (reach, reach, reach, reach), mode="reflect")
    smooth = F.conv2d(F.conv2d(padded, kernel.view(1, 1, 1, -1)), kernel.view(1, 1, -1, 1))
    return picture - smooth.view_as(picture)
