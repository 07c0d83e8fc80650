"""The cost of a network in multiply-accumulates, counted without computing anything."""

from __future__ import annotations

import copy
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from srnet_cli.network.attention import MPRSA

#: side of the low-resolution input of the published figures (which call them GFLOPs)
PUBLISHED_SIDE = 64


def multiply_accumulates(
    network: nn.Module, height: int = PUBLISHED_SIDE, width: int = PUBLISHED_SIDE, *, residual: bool = True
) -> int:
    """Multiply-accumulates of all convolutions for one input of 3×``height``×``width``.

    Counted as published: convolutions only, the mean colours' 1×1 convolutions among them, and with the
    auxiliary picture where the network has one (``residual=False`` leaves it out, as a zoom does). The
    network itself is left as it is.

    Raises:
        ValueError: when the network cannot take that size (MPR-SA needs a square).
    """
    counted = copy.deepcopy(network).to("meta").eval()
    total = 0

    def count(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        total += _cost(module, inputs[0], output)

    for module in counted.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | MPRSA):
            module.register_forward_hook(count)
    channels = getattr(getattr(network, "options", None), "in_channels", 3)
    with torch.no_grad():
        counted(torch.empty(1, channels, height, width, device="meta"), residual=residual)
    return total


def _cost(module: Any, given: Tensor, output: Tensor) -> int:
    if isinstance(module, MPRSA):
        # It applies its branches' kernels itself, in another form than they are published in.
        taps = sum(branch.conv.weight.numel() for branch in module.branches)
        return taps * output.shape[-2] * output.shape[-1] * output.shape[0]
    taps = prod(module.kernel_size) * module.in_channels * module.out_channels // module.groups
    # Each output pixel of a convolution takes all its taps; so does each input pixel of a transposed one.
    pixels = given if isinstance(module, nn.ConvTranspose2d) else output
    return int(taps * pixels.shape[-2] * pixels.shape[-1] * output.shape[0])
