"""Whether what a device made of a tile can be right, and what it made of a tile whose result is known."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from srnet_cli.network.blocks import NetworkOutput

#: side of the grid of blocks whose means are compared
BLOCKS = 8
#: levels by which a block's mean may leave the input's before the tile is computed again elsewhere
STRAY = 12.0
#: share of the picture's own spread by which a device may miss a known result (root mean square); 1 at
#: least is added to the spread
TRIAL_TOLERANCE = 0.05
#: what two right computations of a tile differ by, as such a share
AGREEMENT = 0.05
TRIAL_SIDE = 32


def trial_tile(planes: int = 3) -> Tensor:
    """Draw the built-in tile: slopes, an edge, stripes and a bright spot; 1×3×32×32, 0..255.

    With four ``planes`` it is a mosaic, R, G, B, G.
    """
    y, x = torch.meshgrid(torch.arange(TRIAL_SIDE), torch.arange(TRIAL_SIDE), indexing="ij")
    slope = 40 + 4.0 * x + 2.0 * y
    edge = torch.where(x + y > TRIAL_SIDE, 60.0, 0.0)
    stripes = torch.where((x // 2 + y // 3) % 2 == 0, 12.0, -12.0)
    spot = torch.where((x - 8) ** 2 + (y - 22) ** 2 < 9, 50.0, 0.0)
    tile = torch.stack([slope + edge, slope + stripes, 200 - slope + spot]).clamp(0, 255).unsqueeze(0)
    return tile if planes == 3 else tile[:, [0, 1, 2, 1]]


def agrees(made: Tensor, expected: Tensor, tolerance: float) -> bool:
    """Tell whether two pictures are the same but for rounding."""
    if made.shape != expected.shape:
        return False
    made, expected = made.float().cpu(), expected.float().cpu()
    spread = float(expected.std()) + 1
    # False for NaN too.
    return bool((made - expected).pow(2).mean().sqrt() <= tolerance * spread)


def is_plausible(lr: Tensor, output: NetworkOutput) -> bool:
    """Compare block means of a result with those of its input; False for NaN, black, garbage and holes.

    A right result of a picture that is nearly noise may be found implausible, too: then it is computed again,
    which costs time only.
    """
    sr, lr = output.sr, lr[:, :3]
    block = max(1, min(lr.shape[-2:]) // BLOCKS)
    scale = sr.shape[-1] // lr.shape[-1]
    if sr.shape[-1] != lr.shape[-1] * scale or sr.shape[-2] != lr.shape[-2] * scale:
        return False
    strays = (F.avg_pool2d(sr, block * scale) - F.avg_pool2d(lr, block)).abs().amax()
    # A block of one value, where the input's is of several, was never computed.
    holes = ((_range(sr, block * scale) == 0) & (_range(lr, block) > 0)).any()
    whole = torch.isfinite(sr.sum()) if output.residual is None else torch.isfinite(output.residual.sum())
    return bool((strays <= STRAY) & ~holes & whole)


def _range(picture: Tensor, block: int) -> Tensor:
    return F.max_pool2d(picture, block) + F.max_pool2d(-picture, block)
