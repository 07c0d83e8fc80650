"""Bayer mosaic and edge-directed demosaicking in tensors."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from srnet_cli.data.camera.colour import constant

#: pixels of reflection around the mosaic: as far as the interpolation reaches, and even
MARGIN = 4


def hamilton_adams(picture: Tensor, phase: Tensor) -> Tensor:
    """Sample N×3×H×W on a Bayer mosaic and interpolate it again.

    Green along the direction of the smaller gradient with a second-order correction from the sampled
    colour, red and blue as bilinear colour differences (Hamilton and Adams, US patent 5,629,734, expired).
    ``phase`` (N, 0..3) says which of RGGB's four corners is at the upper left: bit 0 shifts by a column,
    bit 1 by a row. Height and width must exceed ``MARGIN``.
    """
    # Reflection at a pixel keeps its row's and column's parity, so the mosaic goes on beyond the border.
    picture = F.pad(picture, (MARGIN, MARGIN, MARGIN, MARGIN), mode="reflect")
    red, green, blue = (mask.unsqueeze(1).to(picture) for mask in bayer_masks(phase, *picture.shape[2:]))
    mosaic = picture[:, 0:1] * red + picture[:, 1:2] * green + picture[:, 2:3] * blue
    full_green = torch.where(green.bool(), mosaic, _directed_green(mosaic))
    difference = mosaic - full_green
    full_red = full_green + _fill(difference * red, red)
    full_blue = full_green + _fill(difference * blue, blue)
    full = torch.cat([full_red, full_green, full_blue], dim=1)
    return full[:, :, MARGIN:-MARGIN, MARGIN:-MARGIN]


def bayer_masks(phase: Tensor, height: int, width: int) -> tuple[Tensor, Tensor, Tensor]:
    """Mark the places where red, green and blue are sampled: three boolean N×H×W."""
    rows = torch.arange(height, device=phase.device).view(1, -1, 1) + (phase // 2).view(-1, 1, 1)
    columns = torch.arange(width, device=phase.device).view(1, 1, -1) + (phase % 2).view(-1, 1, 1)
    odd_row, odd_column = rows % 2 == 1, columns % 2 == 1
    return ~odd_row & ~odd_column, odd_row ^ odd_column, odd_row & odd_column


def _directed_green(mosaic: Tensor) -> Tensor:
    """Estimate green at red and blue pixels (values elsewhere have no meaning)."""
    padded = F.pad(mosaic, (2, 2, 2, 2), mode="reflect")
    height, width = mosaic.shape[2:]

    def at(dy: int, dx: int) -> Tensor:
        return padded[:, :, 2 + dy : 2 + dy + height, 2 + dx : 2 + dx + width]

    curve_x = 2 * mosaic - at(0, -2) - at(0, 2)
    curve_y = 2 * mosaic - at(-2, 0) - at(2, 0)
    along_x = (at(0, -1) + at(0, 1)) / 2 + curve_x / 4
    along_y = (at(-1, 0) + at(1, 0)) / 2 + curve_y / 4
    gradient_x = (at(0, -1) - at(0, 1)).abs() + curve_x.abs()
    gradient_y = (at(-1, 0) - at(1, 0)).abs() + curve_y.abs()
    blend = torch.where(gradient_x < gradient_y, along_x, along_y)
    return torch.where(gradient_x == gradient_y, (along_x + along_y) / 2, blend)


def _fill(samples: Tensor, mask: Tensor) -> Tensor:
    """Fill a quarter-density grid bilinearly (zero where ``mask`` is 0)."""
    kernel = constant((0.5, 1.0, 0.5), samples.device, samples.dtype)
    weights = (kernel.view(3, 1) * kernel.view(1, 3)).view(1, 1, 3, 3)

    def spread(x: Tensor) -> Tensor:
        return F.conv2d(F.pad(x, (1, 1, 1, 1)), weights)

    return spread(samples) / spread(mask)
