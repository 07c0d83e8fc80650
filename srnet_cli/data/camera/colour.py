"""Colours of tensors N×3×H×W: a camera's matrix, of linear light in 0..1, and JPEG's luma and chroma."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

#: Camera RGB to linear sRGB of a typical Bayer sensor; rows sum to 1, so white stays white.
TYPICAL_CAMERA = ((1.75, -0.60, -0.15), (-0.20, 1.55, -0.35), (0.02, -0.50, 1.48))

#: luma of Rec. 601 and the two colour differences, as in JPEG (JFIF 1.02)
TO_YCBCR = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))


@lru_cache(maxsize=64)
def constant(values: Any, device: torch.device, dtype: torch.dtype = torch.float32) -> Tensor:
    """Make a tensor of (nested tuples of) numbers, once for each device: every copy there takes time.

    It is shared, and not to be changed.
    """
    return torch.tensor(values, device=device, dtype=dtype)


@lru_cache(maxsize=16)
def _to_rgb(device: torch.device) -> Tensor:
    inverse: Tensor = torch.linalg.inv(torch.tensor(TO_YCBCR))
    return inverse.to(device)


def camera_to_srgb(mix: Tensor) -> Tensor:
    """Matrices between the identity (``mix`` 0) and the typical camera (1): length N → N×3×3."""
    typical = constant(TYPICAL_CAMERA, mix.device)
    neutral = torch.eye(3, device=mix.device)
    return neutral + mix.view(-1, 1, 1) * (typical - neutral)


def srgb_to_camera(mix: Tensor) -> Tensor:
    """Inverse of :func:`camera_to_srgb`."""
    # inv itself waits for the device, to tell of matrices without an inverse; these all have one.
    inverse: Tensor = torch.linalg.inv_ex(camera_to_srgb(mix)).inverse
    return inverse


def apply_matrix(picture: Tensor, matrices: Tensor) -> Tensor:
    """Multiply each picture's colours by its own 3×3 matrix."""
    return torch.einsum("nij,njhw->nihw", matrices, picture)


def rgb_to_ycbcr(picture: Tensor) -> Tensor:
    """Convert to luma 0..255 and colour differences -128..128."""
    return torch.einsum("ij,njhw->nihw", constant(TO_YCBCR, picture.device), picture)


def ycbcr_to_rgb(ycbcr: Tensor) -> Tensor:
    """Inverse of :func:`rgb_to_ycbcr`."""
    return torch.einsum("ij,njhw->nihw", _to_rgb(ycbcr.device), ycbcr)
