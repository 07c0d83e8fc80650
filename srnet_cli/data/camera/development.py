"""The camera's development of sensor values to sRGB."""

from __future__ import annotations

from torch import Tensor

from srnet_cli.data.camera import colour, demosaic
from srnet_cli.data.camera.parameters import CameraParameters
from srnet_cli.imaging.srgb import linear_to_srgb


def develop(sensor: Tensor, p: CameraParameters) -> Tensor:
    """Demosaic sensor values and convert them to sRGB, 0..255."""
    full = demosaic.hamilton_adams(sensor, p.bayer_phase)
    linear = colour.apply_matrix(full, colour.camera_to_srgb(p.colour_mix)).clamp(0, 1)
    return linear_to_srgb(linear) * 255
