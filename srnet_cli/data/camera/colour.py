"""A camera's colour matrix, on tensors N×3×H×W of linear light in 0..1."""

from __future__ import annotations

import torch
from torch import Tensor

#: Camera RGB to linear sRGB of a typical Bayer sensor; rows sum to 1, so white stays white.
TYPICAL_CAMERA = ((1.75, -0.60, -0.15), (-0.20, 1.55, -0.35), (0.02, -0.50, 1.48))


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
