"""The camera's own development: demosaicking, colours, sharpening."""

from __future__ import annotations

import torch
from torch import Tensor

from srnet_cli.data.camera import colour, demosaic
from srnet_cli.data.camera.parameters import CameraParameters
from srnet_cli.data.camera.reduction import reduce_with_kernels


def develop(sensor: Tensor, p: CameraParameters) -> Tensor:
    """Develop white-balanced sensor values to linear sRGB, through a Bayer mosaic."""
    full = demosaic.hamilton_adams(sensor, p.bayer_phase)
    return colour.apply_matrix(full, colour.camera_to_srgb(p.colour_mix)).clamp(0, 1)


def sharpen(picture: Tensor, p: CameraParameters) -> Tensor:
    """Apply an unsharp mask with a 5×5 Gaussian."""
    position = torch.arange(-2.0, 3.0, device=picture.device)
    profile = torch.exp(-0.5 * (position.view(1, -1) / p.sharpening_radius.view(-1, 1)) ** 2)
    profile = profile / profile.sum(dim=1, keepdim=True)
    kernels = profile.unsqueeze(2) * profile.unsqueeze(1)
    blurred = reduce_with_kernels(picture, 1, kernels)
    return picture + p.sharpening.view(-1, 1, 1, 1) * (picture - blurred)
