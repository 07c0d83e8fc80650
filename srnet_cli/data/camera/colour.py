"""sRGB's transfer curve and a camera's colour matrix, on tensors N×3×H×W in 0..1."""

from __future__ import annotations

import torch
from torch import Tensor

#: Camera RGB to linear sRGB of a typical Bayer sensor; rows sum to 1, so white stays white.
TYPICAL_CAMERA = ((1.75, -0.60, -0.15), (-0.20, 1.55, -0.35), (0.02, -0.50, 1.48))


def srgb_to_linear(picture: Tensor) -> Tensor:
    """IEC 61966-2-1 decoding."""
    return torch.where(picture <= 0.04045, picture / 12.92, ((picture.clamp(min=0) + 0.055) / 1.055) ** 2.4)


def linear_to_srgb(light: Tensor) -> Tensor:
    """IEC 61966-2-1 encoding."""
    return torch.where(
        light <= 0.0031308, light * 12.92, 1.055 * light.clamp(min=0.0031308) ** (1 / 2.4) - 0.055
    )


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
