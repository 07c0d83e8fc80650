"""Smoothing of planes, by a Gaussian or up to edges, each picture by its own width."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

#: pixels that a Gaussian reaches: those of up to 2 pixels as far as three deviations
_BLUR_RADIUS = 6


def gaussian_blur(planes: Tensor, sigma: Tensor) -> Tensor:
    """Blur each picture with its own Gaussian (up to 2.7 pixels), borders reflected."""
    position = torch.arange(16.0, device=planes.device) - _BLUR_RADIUS
    # Of 16 numbers, the last dropped: exp of a number that fills no vector register rounds otherwise, and
    # a patch would depend on its batch.
    profile = torch.exp(-0.5 * (position / sigma.view(-1, 1).clamp(min=0.05)) ** 2)[:, : 2 * _BLUR_RADIUS + 1]
    profile = profile / profile.sum(dim=1, keepdim=True)
    profile = profile.repeat_interleave(planes.shape[1], dim=0)
    n, channels, height, width = planes.shape
    mode = "reflect" if min(height, width) > _BLUR_RADIUS else "replicate"
    padded = F.pad(planes, (_BLUR_RADIUS,) * 4, mode=mode)
    flat = padded.reshape(1, n * channels, *padded.shape[2:])
    flat = F.conv2d(flat, profile.view(n * channels, 1, -1, 1), groups=n * channels)
    flat = F.conv2d(flat, profile.view(n * channels, 1, 1, -1), groups=n * channels)
    return flat.view(n, channels, height, width)


def edge_preserving(planes: Tensor, window: Tensor, threshold: Tensor) -> Tensor:
    """Self-guided filter (He, Sun and Tang, ECCV 2010) with a Gaussian window.

    Contrast well above ``threshold`` stays; far below it, the local mean remains. A threshold of 0 changes
    nothing.
    """
    mean = gaussian_blur(planes, window)
    variance = (gaussian_blur(planes**2, window) - mean**2).clamp(min=0)
    keep = (variance + 1e-3) / (variance + 1e-3 + threshold**2)
    return gaussian_blur(keep, window) * planes + gaussian_blur((1 - keep) * mean, window)
