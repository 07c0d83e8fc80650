"""Baseline JPEG's loss (chroma sampling, DCT, quantisation) as batched tensor code, its grid anywhere.

The entropy coding is lossless and left out. Tables and quality scaling: ITU-T T.81 annex K and libjpeg.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from srnet_cli.data.camera import colour

#: Above this quality a picture counts as never stored as JPEG.
LOSSLESS_ABOVE = 98.0

_LUMA = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
_CHROMA = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    (99, 99, 99, 99, 99, 99, 99, 99),
    (99, 99, 99, 99, 99, 99, 99, 99),
    (99, 99, 99, 99, 99, 99, 99, 99),
    (99, 99, 99, 99, 99, 99, 99, 99),
)


def compress(pictures: Tensor, quality: Tensor, subsampled: Tensor) -> Tensor:
    """Pass pictures through the loss of JPEG files.

    ``pictures`` N×3×H×W, RGB, 0..255; ``quality`` (N) on libjpeg's scale 1..100, where above
    ``LOSSLESS_ABOVE`` the picture is returned as it is; ``subsampled`` (N, 0 or 1) stores chroma at half
    resolution (4:2:0). Returns unrounded values, which may leave 0..255.
    """
    height, width = pictures.shape[2:]
    padded = F.pad(pictures, (0, -width % 16, 0, -height % 16), mode="replicate")
    middle = colour.constant((128.0, 0.0, 0.0), pictures.device).view(1, 3, 1, 1)
    ycbcr = colour.rgb_to_ycbcr(padded) - middle
    luma = _quantise(ycbcr[:, :1], _tables(_LUMA, quality))
    chroma_tables = _tables(_CHROMA, quality)
    full = _quantise(ycbcr[:, 1:], chroma_tables)
    half = F.interpolate(
        _quantise(F.avg_pool2d(ycbcr[:, 1:], 2), chroma_tables), scale_factor=2, mode="bilinear"
    )
    chroma = torch.where(subsampled.view(-1, 1, 1, 1).bool(), half, full)
    stored = colour.ycbcr_to_rgb(torch.cat([luma + 128, chroma], dim=1))[:, :, :height, :width]
    return torch.where((quality > LOSSLESS_ABOVE).view(-1, 1, 1, 1), pictures, stored)


def _tables(base: tuple[tuple[int, ...], ...], quality: Tensor) -> Tensor:
    """Scale the quantisation tables, N×8×8."""
    table = colour.constant(base, quality.device)
    q = quality.clamp(1, 100).round()
    percent = torch.where(q < 50, 5000 / q, 200 - 2 * q)
    return ((table * percent.view(-1, 1, 1) + 50) / 100).floor().clamp(1, 255)


def _quantise(planes: Tensor, tables: Tensor) -> Tensor:
    """Round the DCT of every 8×8 block to multiples of its table: N×C×H×W, sizes multiples of 8."""
    n, c, height, width = planes.shape
    dct = _dct_matrix(planes.device)
    blocks = planes.reshape(n, c, height // 8, 8, width // 8, 8)
    step = tables.view(n, 1, 1, 8, 1, 8)
    coefficients = torch.einsum("ij,ncajbk,lk->ncaibl", dct, blocks, dct)
    coefficients = (coefficients / step).round() * step
    return torch.einsum("ji,ncajbk,kl->ncaibl", dct, coefficients, dct).reshape(planes.shape)


@lru_cache(maxsize=16)
def _dct_matrix(device: torch.device) -> Tensor:
    """Build the orthonormal DCT-II, 8×8."""
    k = torch.arange(8, device=device, dtype=torch.float32)
    matrix = torch.cos(math.pi / 8 * (k.view(1, -1) + 0.5) * k.view(-1, 1)) * 0.5
    matrix[0] *= math.sqrt(0.5)
    return matrix


def store_as_jpeg(pictures: Tensor, quality: Tensor, subsampled: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Round to 8 bit and pass through JPEG whose 16×16 grid starts ``x``, ``y`` pixels before the patch.

    Borders are repeated as far as the grid needs.
    """
    height, width = pictures.shape[2:]
    whole = pictures.clamp(0, 255).round()
    rows = torch.arange(height + 16, device=pictures.device) - y.view(-1, 1)
    columns = torch.arange(width + 16, device=pictures.device) - x.view(-1, 1)
    moved = take(whole, rows.clamp(0, height - 1), columns.clamp(0, width - 1))
    stored = compress(moved, quality, subsampled)
    rows = torch.arange(height, device=pictures.device) + y.view(-1, 1)
    columns = torch.arange(width, device=pictures.device) + x.view(-1, 1)
    return take(stored, rows, columns).clamp(0, 255).round()


def take(pictures: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Pick each picture's own rows (N×h) and columns (N×w)."""
    n, channels, _, width = pictures.shape
    some = pictures.gather(2, rows.view(n, 1, -1, 1).expand(-1, channels, -1, width))
    return some.gather(3, columns.view(n, 1, 1, -1).expand(-1, channels, some.shape[2], -1))
