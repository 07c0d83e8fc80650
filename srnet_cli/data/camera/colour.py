"""Colours of tensors N×3×H×W: a camera's matrix, of linear light in 0..1, and JPEG's luma and chroma."""

from __future__ import annotations

import torch
from torch import Tensor

#: Camera RGB to linear sRGB of a typical Bayer sensor; rows sum to 1, so white stays white.
TYPICAL_CAMERA = ((1.75, -0.60, -0.15), (-0.20, 1.55, -0.35), (0.02, -0.50, 1.48))

#: luma of Rec. 601 and the two colour differences, as in JPEG (JFIF 1.02)
TO_YCBCR = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))


def camera_to_srgb(mix: Tensor) -> Tensor:
    """Matrices between the identity (``mix`` 0) and the typical camera (1): length N → N×3×3."""
    typical = torch.tensor(TYPICAL_CAMERA, device=mix.device)
    neutral = torch.eye(3, device=mix.device)
    return neutral + mix.view(-1, 1, 1) * (typical - neutral)


def srgb_to_camera(mix: Tensor) -> Tensor:
    """Inverse of :func:`camera_to_srgb`."""
    inverse: Tensor = torch.linalg.inv(camera_to_srgb(mix))
    return inverse


def apply_matrix(picture: Tensor, matrices: Tensor) -> Tensor:
    """Each picture's colours times its own 3×3 matrix."""
    return torch.einsum("nij,njhw->nihw", matrices, picture)


def rgb_to_ycbcr(picture: Tensor) -> Tensor:
    """Convert to luma 0..255 and colour differences -128..128."""
    return torch.einsum("ij,njhw->nihw", torch.tensor(TO_YCBCR, device=picture.device), picture)


def ycbcr_to_rgb(ycbcr: Tensor) -> Tensor:
    """Inverse of :func:`rgb_to_ycbcr`."""
    inverse = torch.linalg.inv(torch.tensor(TO_YCBCR, device=ycbcr.device))
    return torch.einsum("ij,njhw->nihw", inverse, ycbcr)
