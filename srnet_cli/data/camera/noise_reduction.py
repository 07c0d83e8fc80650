"""The noise reduction of a camera's JPEG engine: gentle on luma, strong on chroma."""

from __future__ import annotations

import torch
from torch import Tensor

from srnet_cli.data.camera import colour
from srnet_cli.data.camera.parameters import CameraParameters, plane
from srnet_cli.data.camera.sensor import expected_noise
from srnet_cli.data.camera.smoothing import edge_preserving, gaussian_blur

#: standard deviation of the noise of Cb and Cr over that of luma, measured on flat simulated patches
#: behind white balance and demosaicking; luma has the expected noise itself, within a tenth
_CHROMA_NOISE = 0.7


def reduce_noise(picture: Tensor, p: CameraParameters) -> Tensor:
    """Smooth luma where its contrast is near the noise, and chroma more strongly and widely.

    Chroma is also low-passed at any level of noise, as engines do against the false colours of demosaicking:
    real pictures have lost 10 dB of chroma at half the highest frequency where luma has lost none.
    """
    ycbcr = colour.rgb_to_ycbcr(picture)
    luma, chroma = ycbcr[:, :1], ycbcr[:, 1:]
    noise = expected_noise(gaussian_blur(luma, p.luma_window), p)
    smooth_luma = edge_preserving(luma, p.luma_window, plane(p.luma_reduction) * noise)
    threshold = plane(p.chroma_reduction) * _CHROMA_NOISE * noise
    smooth_chroma = edge_preserving(gaussian_blur(chroma, p.chroma_blur), p.chroma_window, threshold)
    return colour.ycbcr_to_rgb(torch.cat([smooth_luma, smooth_chroma], dim=1))
