"""The blur of the lens and the area of a pixel, which make LR out of HR."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from srnet_cli.data.camera.parameters import CameraParameters


def lens_kernels(p: CameraParameters, scale: int) -> Tensor:
    """Compute lens blur, sub-pixel shift and the area of one LR pixel as one kernel for each patch: N×K×K.

    K is even when ``scale`` is, so that the kernel's centre is the centre of an LR pixel.
    """
    radius = math.ceil(3 * 0.7 * scale)
    size = 2 * radius + scale
    # The Gaussian is sampled four times as fine as the HR grid, then summed over both pixels' areas.
    fine = 4
    count = (size + scale) * fine - 1
    position = (torch.arange(count, device=p.blur.device, dtype=torch.float32) - (count - 1) / 2) / fine
    y = position.view(1, -1, 1) - p.shift_y.view(-1, 1, 1) * scale
    x = position.view(1, 1, -1) - p.shift_x.view(-1, 1, 1) * scale
    cos, sin = torch.cos(p.angle).view(-1, 1, 1), torch.sin(p.angle).view(-1, 1, 1)
    wide = (p.blur * scale).view(-1, 1, 1)
    narrow = wide * p.anisotropy.view(-1, 1, 1)
    gaussian = torch.exp(-0.5 * (((cos * x + sin * y) / wide) ** 2 + ((cos * y - sin * x) / narrow) ** 2))
    area = F.avg_pool2d(gaussian.unsqueeze(1), (scale * fine, scale * fine), stride=1)
    kernels = F.avg_pool2d(area, fine, stride=fine).squeeze(1)
    return kernels / kernels.sum(dim=(1, 2), keepdim=True)
