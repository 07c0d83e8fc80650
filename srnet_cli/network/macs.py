"""The cost of a network in parameters and multiply-accumulates, counted without computing anything."""

from __future__ import annotations

import copy
from math import prod
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

#: side of the low-resolution input of the published figures (which call them GFLOPs)
PUBLISHED_SIDE = 64


@runtime_checkable
class CountsItself(Protocol):
    """A module that applies kernels without a convolution module's help."""

    def multiply_accumulates(self, output: Tensor) -> int:
        """Count its own; convolutions that it calls as modules are counted by themselves."""
        ...


def parameter_count(network: nn.Module) -> int:
    """Count the trainable values; the frozen mean colours and BatchNorm statistics are not among them."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)


def multiply_accumulates(
    network: nn.Module,
    height: int = PUBLISHED_SIDE,
    width: int = PUBLISHED_SIDE,
    *,
    residual: bool = True,
    transposed_by_output: bool = False,
) -> int:
    """Count the multiply-accumulates of all convolutions for one input of 3×``height``×``width``.

    Counted as published: convolutions only, the mean colours' 1×1 convolutions among them, and with the
    auxiliary picture where the network has one (``residual=False`` leaves it out, as a zoom does). The
    published figures count all taps of a transposed convolution for each pixel that it gives
    (``transposed_by_output``), of which a stride of s computes 1/s². The network itself is left as it is.

    Raises:
        ValueError: when the network cannot take that size (MPR-SA needs a square).
    """
    counted = copy.deepcopy(network).to("meta").eval()
    total = 0

    def count(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        total += _cost(module, output if transposed_by_output else inputs[0], output)

    for module in counted.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | CountsItself):
            module.register_forward_hook(count)
    channels = getattr(getattr(network, "options", None), "in_channels", 3)
    with torch.no_grad():
        counted(torch.empty(1, channels, height, width, device="meta"), residual=residual)
    return total


def _cost(module: Any, given: Tensor, output: Tensor) -> int:
    if isinstance(module, CountsItself):
        return module.multiply_accumulates(output)
    taps = prod(module.kernel_size) * module.in_channels * module.out_channels // module.groups
    # Each output pixel of a convolution takes all its taps; so does each input pixel of a transposed one.
    pixels = given if isinstance(module, nn.ConvTranspose2d) else output
    return int(taps * pixels.shape[-2] * pixels.shape[-1] * output.shape[0])
