"""Reduction of pictures in tensors: per-patch kernels, and MATLAB's antialiased bicubic."""

from __future__ import annotations

from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from srnet_cli.imaging.resize import matlab_taps


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
    """Reduce as MATLAB's ``imresize(…, 1/scale)``: cubic (a = -0.5) widened by ``scale``, borders mirrored.

    N×C×H×W with H and W divisible by ``scale``; not rounded, range slightly beyond the input's.
    """
    for dim in (2, 3):
        size = pictures.shape[dim]
        matrix = bicubic_matrix(size, size // scale).to(pictures)
        pictures = torch.tensordot(pictures, matrix, dims=([dim], [1])).movedim(-1, dim)
    return pictures


@lru_cache(maxsize=32)
def bicubic_matrix(size: int, reduced: int) -> Tensor:
    """Weigh ``size`` samples for MATLAB's bicubic reduction to ``reduced``: reduced×size, float64."""
    weights, indices = (torch.from_numpy(values) for values in matlab_taps(size, reduced))
    return torch.zeros(reduced, size, dtype=torch.float64).scatter_add_(1, indices, weights)
