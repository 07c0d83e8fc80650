"""The sharpening of a camera's JPEG engine, up to the halos of phones."""

from __future__ import annotations

from torch import Tensor

from srnet_cli.data.camera import colour
from srnet_cli.data.camera.parameters import CameraParameters, plane
from srnet_cli.data.camera.sensor import expected_noise
from srnet_cli.data.camera.smoothing import gaussian_blur


def sharpen(picture: Tensor, p: CameraParameters) -> Tensor:
    """Unsharp masking of luma, with coring: contrast near the noise is spared.

    All three colours receive luma's detail, as in engines that work in YCbCr. Amounts of 1 and more with
    radii over 1 give the white and black halos of phones.
    """
    luma = colour.rgb_to_ycbcr(picture)[:, :1]
    detail = luma - gaussian_blur(luma, p.sharpening_radius)
    spared = plane(p.coring) * expected_noise(luma, p)
    cored = detail * detail**2 / (detail**2 + spared**2 + 1e-6)
    return picture + plane(p.sharpening) * cored
