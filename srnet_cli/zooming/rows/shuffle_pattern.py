"""What pixel shuffle leaves in a result: a pattern with the period of the scale, fainter than a grey level.

What repeats with the scale repeats with every pixel of LR, and so nothing in LR can tell of it: over an area
it is the network's own. How strong it is changes with what is seen (ReLUs lie behind it, so no bias can take
it away), hence it is measured in each area and taken away there.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

#: side of an area with a pattern of its own, and of the window (Hann) that it is measured in: LR pixels
AREA, WINDOW = 8, 32
#: the most that is taken away, grey levels: a pattern beyond it would be a picture's
LIMIT = 1.0


def without_pattern(sr: Tensor, scale: int) -> Tensor:
    """Take the pattern of pixel shuffle out of N×C×sH×sW, float32 in place, any other type in float32.

    Of each area the mean of each of the s×s places of a cell is measured (the weighted mean of a window
    within the picture), and what it differs from the mean of all places is subtracted, at most ``LIMIT``.
    A picture smaller than an area is left alone: in so few cells a slope would look the same.
    """
    sr = sr.float()
    height, width = sr.shape[-2:]
    if min(height, width) < AREA * scale:
        return sr
    down, across = (_windows(side, scale, sr.device) for side in (height, width))
    places = down @ (sr @ across.T)
    down_areas, across_areas = (size // scale for size in places.shape[-2:])
    cells = places.view(*sr.shape[:2], down_areas, scale, across_areas, scale)
    excess = (cells - cells.mean(dim=(-3, -1), keepdim=True)).clamp_(-LIMIT, LIMIT)
    rows = excess.flatten(-2)[..., _places_of(width, scale, sr.device)]
    # An area after the other: a pattern as large as the picture would be written only to be read once.
    for area, strip in enumerate(torch.split(sr, AREA * scale, dim=-2)):
        strip.view(*sr.shape[:2], -1, scale, width).sub_(rows[:, :, area, None])
    return sr


@lru_cache(maxsize=16)
def _windows(side: int, scale: int, device: torch.device) -> Tensor:
    """Weigh ``side`` pixels for each area and place: (areas·s)×side; each row has the sum 1.

    Windows lie within the picture: of one that is cut off, a slope would be taken for a pattern.
    """
    size = min(WINDOW * scale, side // scale * scale)
    middles = (torch.arange(_areas(side, scale)) + 0.5) * AREA * scale
    starts = (middles - size / 2).clamp(0, side - size)
    at = (torch.arange(side) + 0.5 - starts[:, None]) / size
    hann = torch.where((at > 0) & (at < 1), torch.sin(torch.pi * at).square(), torch.zeros(()))
    places = torch.arange(side) % scale == torch.arange(scale)[:, None]
    weights = (hann[:, None] * places).double()
    return (weights / weights.sum(dim=-1, keepdim=True)).float().flatten(0, 1).to(device)


@lru_cache(maxsize=16)
def _places_of(side: int, scale: int, device: torch.device) -> Tensor:
    """Return which row of :func:`_windows` each of ``side`` pixels belongs to."""
    at = torch.arange(side)
    return (at // (AREA * scale) * scale + at % scale).to(device)


def _areas(side: int, scale: int) -> int:
    return -(-side // (AREA * scale))
