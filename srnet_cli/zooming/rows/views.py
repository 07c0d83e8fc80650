"""The average over the flips and transposes of tiles."""

from __future__ import annotations

import torch
from torch import Tensor

from srnet_cli.inference.interior import Interior
from srnet_cli.network.blocks import NetworkOutput

MIRRORED_VIEWS = 8


def average_views(network: Interior, lr: Tensor, residual: bool) -> NetworkOutput:
    """Average the results of the flips and transposes of a batch of squares."""
    views = [_undo(network(_view(lr, which), residual), which) for which in range(MIRRORED_VIEWS)]
    sr = torch.stack([view.sr for view in views]).mean(dim=0)
    residuals = [view.residual for view in views if view.residual is not None]
    return NetworkOutput(sr, torch.stack(residuals).mean(dim=0) if residuals else None)


def _view(lr: Tensor, which: int) -> Tensor:
    if which & 1:
        lr = lr.flip(3)
    if which & 2:
        lr = lr.flip(2)
    return lr.transpose(2, 3) if which & 4 else lr


def _undo(output: NetworkOutput, which: int) -> NetworkOutput:
    def back(picture: Tensor) -> Tensor:
        if which & 4:
            picture = picture.transpose(2, 3)
        if which & 2:
            picture = picture.flip(2)
        return picture.flip(3) if which & 1 else picture

    return NetworkOutput(back(output.sr), None if output.residual is None else back(output.residual))
