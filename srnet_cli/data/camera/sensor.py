"""The sensor: colours of the camera, shot noise and read noise, and the noise that the camera expects."""

from __future__ import annotations

import torch
from torch import Tensor

from srnet_cli.data.camera import colour
from srnet_cli.data.camera.drawing import Normal
from srnet_cli.data.camera.parameters import CameraParameters, plane
from srnet_cli.imaging.srgb import srgb_to_linear


def record(light: Tensor, p: CameraParameters, normal: Normal) -> Tensor:
    """Turn scene light into white-balanced, noisy sensor values: N×3×H×W in 0..1, all colours everywhere.

    Variance is affine in the signal: shot plus read noise (Foi et al., IEEE TIP 17(10), 2008). White balance
    comes *before* demosaicking, as in raw developers; otherwise green fringes appear that no camera shows.
    """
    gains = torch.stack([p.red_gain, torch.ones_like(p.red_gain), p.blue_gain], dim=1).view(-1, 3, 1, 1)
    sensor = (colour.apply_matrix(light, colour.srgb_to_camera(p.colour_mix)) / gains).clamp(min=0)
    shot = plane(p.shot_noise)
    variance = shot * (sensor + plane(p.read_over_shot))
    return ((sensor + variance.sqrt() * normal(sensor)) * gains).clamp(0, 1)


def expected_noise(luma: Tensor, p: CameraParameters) -> Tensor:
    """Standard deviation of the noise that the camera's noise profile states at each luma, 0..255.

    The sensor's variance carried through the slope of the sRGB curve; gains and matrix are left out.
    """
    level = (luma / 255).clamp(0, 1)
    linear = srgb_to_linear(level)
    slope = torch.where(
        linear <= 0.0031308, 12.92, 1.055 / 2.4 * linear.clamp(min=0.0031308) ** (1 / 2.4 - 1)
    )
    variance = plane(p.shot_noise) * (linear + plane(p.read_over_shot))
    return 255 * slope * variance.sqrt()
