"""The lens, and the area of a pixel, as optical transfer functions: what makes light of LR out of HR's.

Goodman, Introduction to Fourier Optics, chapter 6. Frequencies are in cycles per captured pixel.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from srnet_cli.data.camera.parameters import CameraParameters

#: border of reflected pixels around a patch, captured pixels: as far as the widest blur reaches
_LENS_MARGIN = 4


def through_lens(light: Tensor, scale: int, p: CameraParameters) -> Tensor:
    """Blur linear light and gather it into pixels ``scale`` times as large: N×3×sH×sW → N×3×H×W.

    The blur is applied as a product in the frequency domain, at no cost for its width; the reflected border
    keeps the transform's periodicity out of the picture.
    """
    height, width = light.shape[2:]
    margin = _LENS_MARGIN * scale
    mode = "reflect" if margin < min(height, width) else "replicate"
    padded = F.pad(light, (margin, margin, margin, margin), mode=mode)
    size = (padded.shape[2], padded.shape[3])
    y = torch.fft.fftfreq(size[0], device=light.device).view(1, -1, 1) * scale
    x = torch.fft.rfftfreq(size[1], device=light.device).view(1, 1, -1) * scale
    transfer = (
        gaussian_transfer(x, y, p)
        * defocus_transfer(x, y, p)
        * motion_transfer(x, y, p)
        * pixel_transfer(x, y, scale)
    )
    spectrum = torch.fft.rfft2(padded) * transfer.unsqueeze(1) * shift_transfer(x, y, p, scale)
    # Rows that are left out need not be made: taking each ``scale``-th is folding the spectrum.
    folded = spectrum.unflatten(2, (scale, size[0] // scale)).mean(dim=2)
    blurred: Tensor = torch.fft.irfft2(folded, s=(size[0] // scale, size[1]))
    top = margin // scale
    return blurred[:, :, top : top + height // scale, margin : margin + width : scale].clamp(min=0)


def gaussian_transfer(x: Tensor, y: Tensor, p: CameraParameters) -> Tensor:
    """Aberrations and diffraction as a Gaussian with two axes; x, y in cycles per captured pixel."""
    cos, sin = _column(torch.cos(p.angle)), _column(torch.sin(p.angle))
    wide = _column(p.blur)
    narrow = wide * _column(p.anisotropy)
    along, across = cos * x + sin * y, cos * y - sin * x
    return torch.exp(-2 * math.pi**2 * ((wide * along) ** 2 + (narrow * across) ** 2))


def defocus_transfer(x: Tensor, y: Tensor, p: CameraParameters) -> Tensor:
    """Disc of confusion of geometrical optics: 2 J₁(z)/z with z = 2π r f."""
    z = (2 * math.pi * _column(p.defocus) * torch.hypot(x, y)).clamp(min=1e-3)
    bessel: Tensor = torch.special.bessel_j1(z)
    return 2 * bessel / z


def motion_transfer(x: Tensor, y: Tensor, p: CameraParameters) -> Tensor:
    """Camera that moves evenly along a line during exposure: sinc of length times frequency."""
    cos, sin = _column(torch.cos(p.motion_angle)), _column(torch.sin(p.motion_angle))
    transfer: Tensor = torch.sinc(_column(p.motion) * (cos * x + sin * y))
    return transfer


def pixel_transfer(x: Tensor, y: Tensor, scale: int) -> Tensor:
    """Mean of the ``scale``×``scale`` HR pixels under a captured pixel (Dirichlet kernel)."""

    def mean(f: Tensor) -> Tensor:
        fine = f / scale
        return torch.where(fine == 0, 1.0, torch.sinc(f) / torch.sinc(fine))

    return mean(x) * mean(y)


def shift_transfer(x: Tensor, y: Tensor, p: CameraParameters, scale: int) -> Tensor:
    """Shift of the grid and lateral colour shift, N×3; the pixel's centre moved to its first HR pixel."""
    none = torch.zeros_like(p.shift_x)
    shift_x = p.shift_x.view(-1, 1) + torch.stack([p.red_shift_x, none, p.blue_shift_x], dim=1)
    shift_y = p.shift_y.view(-1, 1) + torch.stack([p.red_shift_y, none, p.blue_shift_y], dim=1)
    centre = (scale - 1) / (2 * scale)
    phase = (shift_x + centre).view(-1, 3, 1, 1) * x + (shift_y + centre).view(-1, 3, 1, 1) * y
    return torch.polar(torch.ones_like(phase), 2 * math.pi * phase)


def _column(values: Tensor) -> Tensor:
    return values.view(-1, 1, 1)
