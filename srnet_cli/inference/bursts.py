"""Places where a network's result is no picture: finest black and white patterns set off some networks.

Beyond what any picture overshoots there is nothing to be saved: those places, and what lies around them, are
bicubic. Whether the network is at fault and not the pattern, a flat grey tells.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from srnet_cli.errors import WeightsError

#: results (0..255) that stray beyond this do not make a picture: fused convolutions turn a NaN within the
#: network into some number
FAR_BEYOND = 1e5
#: levels below 0 or above 255 that no sharp edge reaches
_OVERSHOOT = 255.0
#: input pixels around a burst that are taken with it, and over which it fades
_REACH, _FADE = 6, 6
_MIDDLE = 127.5


def check_plausible(values: Tensor, network: str) -> None:
    """Refuse values that do not come from a network that is in order.

    Raises:
        WeightsError: with the network's name.
    """
    if not _lies_within(values, -FAR_BEYOND, FAR_BEYOND):
        raise WeightsError(
            f"the network {network} gave values that are no numbers, or far beyond any picture",
            remedy="try --precision fp32, or another model",
        )


def bursts(sr: Tensor) -> bool:
    """Tell whether a result leaves the range of pictures anywhere."""
    return not _lies_within(sr, -_OVERSHOOT, 255 + _OVERSHOOT)


def without_bursts(sr: Tensor, lr: Tensor, scale: int) -> Tensor:
    """Put bicubic interpolation of ``lr`` (N×3×H×W) where ``sr`` (N×3×sH×sW) is no picture."""
    inside = (sr - _MIDDLE).abs() <= _MIDDLE + _OVERSHOOT
    burst = 1 - inside.all(dim=1, keepdim=True).float()
    small = functional.max_pool2d(burst, scale)
    wide = functional.max_pool2d(small, 2 * _REACH + 1, stride=1, padding=_REACH)
    share = functional.avg_pool2d(wide, 2 * _FADE + 1, stride=1, padding=_FADE, count_include_pad=False)
    share = torch.maximum(share, functional.max_pool2d(small, 3, stride=1, padding=1))
    share = functional.interpolate(share, scale_factor=scale, mode="bilinear")
    share = torch.maximum(share, burst)
    plain = functional.interpolate(lr.float(), scale_factor=scale, mode="bicubic")
    kept = torch.where(inside, sr.float(), plain)
    return (kept + share * (plain - kept)).to(sr.dtype)


def _lies_within(values: Tensor, least: float, most: float) -> bool:
    """Tell whether all values, N×C×H×W, are of a range; NaN is not."""
    # In the order in which they lie in memory: in any other a CPU takes three times as long.
    lying = values.permute(0, 2, 3, 1) if values.stride(1) == 1 else values
    low, high = torch.aminmax(lying)
    return bool((low >= least) & (high <= most))
