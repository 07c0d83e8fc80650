"""The sensor: colours of the camera, shot noise and read noise."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from srnet_cli.data.camera import colour
from srnet_cli.data.camera.parameters import CameraParameters


def record(linear: Tensor, p: CameraParameters, seeds: Sequence[int]) -> Tensor:
    """Turn light into white-balanced, noisy values: N×3×H×W in 0..1, all colours at every pixel."""
    gains = torch.stack([p.red_gain, torch.ones_like(p.red_gain), p.blue_gain], dim=1).view(-1, 3, 1, 1)
    sensor = (colour.apply_matrix(linear, colour.srgb_to_camera(p.colour_mix)) / gains).clamp(min=0)
    shot = p.shot_noise.view(-1, 1, 1, 1)
    variance = shot * sensor + shot * p.read_over_shot.view(-1, 1, 1, 1)
    return ((sensor + variance.sqrt() * _normal(sensor, seeds)) * gains).clamp(0, 1)


def _normal(like: Tensor, seeds: Sequence[int]) -> Tensor:
    """Draw standard normal noise of the shape of ``like``, each patch from its own seed."""
    noise = torch.empty_like(like)
    for patch, seed in zip(noise, seeds, strict=True):
        patch.normal_(generator=torch.Generator(like.device).manual_seed(seed))
    return noise
