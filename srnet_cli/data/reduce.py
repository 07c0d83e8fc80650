"""Reduction of pictures in tensors: per-patch kernels, and MATLAB's antialiased bicubic."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def reduce_with_kernels(pictures: Tensor, scale: int, kernels: Tensor) -> Tensor:
    """Correlate each picture with its own kernel at every ``scale``-th pixel, borders reflected.

    ``pictures`` N×C×H×W, ``kernels`` N×K×K with K - scale even; returns N×C×H/scale×W/scale. Only the
    kept pixels are computed. Borders of pictures smaller than the kernel are repeated instead.
    """
    n, channels, height, width = pictures.shape
    size = kernels.shape[-1]
    margin = (size - scale) // 2
    mode = "reflect" if margin < min(height, width) else "replicate"
    padded = F.pad(pictures, (margin, margin, margin, margin), mode=mode)
    weights = kernels.to(pictures.dtype).unsqueeze(1).repeat_interleave(channels, dim=0)
    flat = padded.view(1, n * channels, *padded.shape[2:])
    reduced = F.conv2d(flat, weights, stride=scale, groups=n * channels)
    return reduced.view(n, channels, *reduced.shape[2:])


def reduce_bicubic(pictures: Tensor, scale: int) -> Tensor:
    """MATLAB ``imresize(…, 1/scale)``: cubic (a = -0.5) widened by ``scale``, borders mirrored.

    N×C×H×W with H and W divisible by ``scale``; not rounded, range slightly beyond the input's.
    """
    for dim in (2, 3):
        size = pictures.shape[dim]
        matrix = bicubic_matrix(size, size // scale).to(pictures)
        pictures = torch.tensordot(pictures, matrix, dims=([dim], [1])).movedim(-1, dim)
    return pictures


def bicubic_matrix(size: int, reduced: int) -> Tensor:
    """Weights of MATLAB's bicubic reduction from ``size`` to ``reduced`` samples: reduced×size, float64."""
    scale = size / reduced
    centre = (torch.arange(reduced, dtype=torch.float64) + 0.5) * scale - 0.5
    reach = int(2 * scale + 2)
    taps = centre.floor().long().view(-1, 1) + torch.arange(-reach, reach + 1)
    weights = _cubic((taps - centre.view(-1, 1)) / scale)
    weights = weights / weights.sum(dim=1, keepdim=True)
    # Mirror with the border sample repeated: … 1 0 0 1 … as MATLAB does.
    folded = taps % (2 * size)
    folded = torch.where(folded >= size, 2 * size - 1 - folded, folded)
    return torch.zeros(reduced, size, dtype=torch.float64).scatter_add_(1, folded, weights)


def _cubic(x: Tensor) -> Tensor:
    """Keys' cubic kernel with a = -0.5."""
    x = x.abs()
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return torch.where(x <= 1, near, torch.where(x <= 2, far, torch.zeros_like(x)))
