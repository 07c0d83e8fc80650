"""Patterns of two colours: patches whose colours and edges a zoom must not change."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from srnet_cli.data.camera.drawing import Normal
from srnet_cli.data.camera.jpeg import take
from srnet_cli.data.camera.parameters import CameraParameters


def with_patterns(hr: Tensor, p: CameraParameters, normal: Normal) -> Tensor:
    """Replace the chosen HR patches by flat colour, rows, columns, checkers, dither or waves of two colours.

    Half of the patterns have saturated colours. Cells are 1 to 64 HR pixels wide. Smooth waves, 8 to 512 HR
    pixels long, teach that not all that is smooth is a blurred edge: a network trained without them gave
    waves of 40 pixels a quarter more contrast.
    """
    n, _, height, width = hr.shape
    cell = (2**p.pattern_cell).view(-1, 1, 1, 1)
    y = torch.arange(height, device=hr.device).view(1, 1, -1, 1) // cell
    x = torch.arange(width, device=hr.device).view(1, 1, 1, -1) // cell
    kind = p.pattern.view(-1, 1, 1, 1)
    # Dither: one random sign for each cell, read from noise at the cell's place.
    random = normal(hr[:, :1])
    dither = take(random, y.view(n, -1), x.view(n, -1)) > 0
    odd = torch.where(kind == 2, y % 2, torch.where(kind == 3, x % 2, torch.where(kind == 4, (y + x) % 2, 0)))
    second = torch.where(kind == 5, dither, odd == 1)
    one, two = (p.pattern_colours[:, i].view(-1, 3, 1, 1) for i in (0, 1))
    cells = torch.where(second, two, one)
    share = 0.5 + 0.5 * _wave(height, p).unsqueeze(2) * _wave(width, p).unsqueeze(1)
    waves = one + (two - one) * share.unsqueeze(1)
    return torch.where(kind == 0, hr, torch.where(kind == 6, waves.round(), cells))


def _wave(size: int, p: CameraParameters) -> Tensor:
    """Sine of eight cells' length: N×size."""
    length = 8.0 * 2**p.pattern_cell
    return torch.sin(2 * math.pi * torch.arange(size, device=length.device) / length.view(-1, 1))
