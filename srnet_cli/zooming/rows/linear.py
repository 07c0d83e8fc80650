"""Means and interpolations of rows as small matrix products, which every device is fast at.

Rows are H×W×C float32, contiguous: pixels of a row lie one after the other, and so do their channels.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

#: pixels of a row that are blurred by one matrix
BLUR_BLOCK = 64


def block_means(rows: Tensor, side: int) -> Tensor:
    """Average blocks of ``side``×``side`` pixels: sH×sW×C to H×W×C."""
    if side == 1:
        return rows
    height, width, channels = rows.shape[0] // side, rows.shape[1] // side, rows.shape[2]
    parts = rows.reshape(height, side, width * side * channels)
    total = parts[:, 0] + parts[:, 1]
    for index in range(2, side):
        total += parts[:, index]
    matrix = _mean_matrix(side, channels, rows.device)
    return (total.view(height * width, side * channels) @ matrix).view(height, width, channels)


@lru_cache(maxsize=16)
def _mean_matrix(side: int, channels: int, device: torch.device) -> Tensor:
    return torch.eye(channels, device=device).repeat(side, 1) / side**2


def enlarged(low: Tensor, scale: int) -> Tensor:
    """Enlarge by linear interpolation and leave out the outermost pixels, which only give the slope.

    (H+2)×(W+2)×C to sH×sW×C.
    """
    high, wide, channels = low.shape
    windows = low.contiguous().view(high, wide * channels).unfold(1, 3 * channels, channels)
    across = windows.reshape(-1, 3 * channels) @ _across_matrix(scale, channels, low.device)
    down = _down_matrix(high - 2, scale, low.device) @ across.view(high, -1)
    return down.view((high - 2) * scale, (wide - 2) * scale, channels)


def _shares(scale: int) -> list[list[float]]:
    """List for each of the pixels that one becomes the shares of the one before, itself and the one after."""
    shares = []
    for index in range(scale):
        beyond = (index + 0.5) / scale - 0.5
        shares.append([max(-beyond, 0.0), 1 - abs(beyond), max(beyond, 0.0)])
    return shares


@lru_cache(maxsize=16)
def _across_matrix(scale: int, channels: int, device: torch.device) -> Tensor:
    """Make one pixel and its neighbours, 3·C values, ``scale`` pixels: 3C×sC."""
    shares = torch.tensor(_shares(scale), device=device)
    eye = torch.eye(channels, device=device)
    return torch.kron(shares.t().contiguous(), eye)


@lru_cache(maxsize=64)
def _down_matrix(rows: int, scale: int, device: torch.device) -> Tensor:
    """Make ``rows`` + 2 rows ``rows``·``scale``: the same shares along the columns."""
    shares = torch.tensor(_shares(scale))
    matrix = torch.zeros(rows, scale, rows + 2)
    for row in range(rows):
        matrix[row, :, row : row + 3] = shares
    return matrix.view(rows * scale, rows + 2).to(device)


def weighed_sums(maps: Tensor, weights: Tensor, numbers: Tensor) -> Tensor:
    """Sum rows of ``maps`` (N×W×C) by ``weights`` (k), once for each row of ``numbers`` (n×k, on the CPU)."""
    # On the CPU, where the order of additions is always the same.
    matrix = torch.zeros(len(numbers), len(maps))
    matrix.scatter_add_(1, numbers, weights.cpu().expand(numbers.shape).contiguous())
    return (matrix.to(maps.device) @ maps.reshape(len(maps), -1)).view(len(numbers), *maps.shape[1:])


def blurred_across(maps: Tensor, weights: Tensor) -> Tensor:
    """Blur along the rows, reflecting at the border (which is repeated): H×W×C to H×W×C."""
    height, width, channels = maps.shape
    reach, blocks = len(weights) // 2, -(-width // BLUR_BLOCK)
    before = reflected_twice(torch.arange(-reach, 0, device=maps.device), width)
    beyond = reflected_twice(torch.arange(width, blocks * BLUR_BLOCK + reach, device=maps.device), width)
    padded = torch.cat([maps.index_select(1, before), maps, maps.index_select(1, beyond)], dim=1)
    size, step = (BLUR_BLOCK + 2 * reach) * channels, BLUR_BLOCK * channels
    windows = padded.view(height, -1).unfold(1, size, step)
    blurred = windows.reshape(-1, size) @ _band(weights, channels)
    return blurred.view(height, -1, channels)[:, :width]


@lru_cache(maxsize=8)
def _band(weights: Tensor, channels: int) -> Tensor:
    """Make the matrix that blurs ``BLUR_BLOCK`` pixels of ``channels`` out of those and their neighbours."""
    taps = len(weights)
    matrix = weights.new_zeros(BLUR_BLOCK + taps - 1, BLUR_BLOCK)
    for column in range(BLUR_BLOCK):
        matrix[column : column + taps, column] = weights
    return torch.kron(matrix, torch.eye(channels, device=weights.device))


def reflected_twice(indices: Tensor, length: int) -> Tensor:
    """Fold indices into 0 … length-1 by reflection that repeats the border: means are kept."""
    folded = indices.remainder(2 * length)
    return torch.where(folded >= length, 2 * length - 1 - folded, folded)
