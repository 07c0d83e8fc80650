"""Building blocks shared by SRNet and the networks it is compared with.

Tensors are N×C×H×W, RGB, 0..255. Parameter names follow the authors' checkpoints (``body``, ``conv_du``, …).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

#: Mean colour of DIV2K on the 0..255 scale (0.4488, 0.4371, 0.4040 times 255), subtracted at the input.
RGB_MEAN = (114.444, 111.4605, 103.02)


class NetworkOutput(NamedTuple):
    """The result of every network.

    ``sr`` is N×3×sH×sW on the 0..255 scale, unclamped. ``residual`` is the predicted enhanced residual of
    the same shape (of the first elements only, if so asked), or None: when the network has no auxiliary
    stream, or it was not asked for.
    """

    sr: Tensor
    residual: Tensor | None = None


def planes_of(network: nn.Module) -> int:
    """Count the planes that a network reads: 3 of a picture, 4 of a mosaic."""
    planes: int = getattr(getattr(network, "options", None), "in_channels", 3)
    return planes


def shared_rows(rows: int, share: float) -> int:
    """Return how many of a batch's ``rows`` a share of it (0..1, 0 excluded) is: at least one."""
    return max(1, math.ceil(share * rows - 1e-9))


def conv(in_channels: int, out_channels: int, kernel_size: int = 3, bias: bool = True) -> nn.Conv2d:
    """Make a convolution that keeps height and width (odd ``kernel_size``)."""
    return nn.Conv2d(in_channels, out_channels, kernel_size, padding=kernel_size // 2, bias=bias)


class MeanShift(nn.Conv2d):
    """Adds (``sign`` 1) or subtracts (``sign`` -1) the mean colour; frozen, and kept in checkpoints."""

    def __init__(self, sign: int) -> None:
        super().__init__(3, 3, kernel_size=1)
        # On the CPU by name: under a meta device, building these would import the whole of torch's compiler.
        cpu = torch.device("cpu")
        with torch.no_grad():
            self.weight.copy_(torch.eye(3, device=cpu).view(3, 3, 1, 1))
            assert self.bias is not None
            self.bias.copy_(sign * torch.tensor(RGB_MEAN, device=cpu))
        self.requires_grad_(False)

    def forward(self, input: Tensor) -> Tensor:
        # The weight is the identity: adding the bias is the whole convolution (and exact in low precision).
        assert self.bias is not None
        return input + self.bias.view(1, 3, 1, 1)


class ResidualBlock(nn.Module):
    """``y = x + res_scale · A(conv(ReLU(conv(x))))`` with an optional attention ``A``."""

    def __init__(self, channels: int, attention: nn.Module | None = None, res_scale: float = 1.0) -> None:
        super().__init__()
        layers: list[nn.Module] = [conv(channels, channels), nn.ReLU(inplace=True), conv(channels, channels)]
        if attention is not None:
            layers.append(attention)
        self.body = nn.Sequential(*layers)
        self.res_scale = res_scale

    def forward(self, x: Tensor) -> Tensor:
        branch: Tensor = self.body(x)
        return x + (branch if self.res_scale == 1.0 else branch * self.res_scale)


def normalise_together(maps: Tensor, norms: Sequence[nn.BatchNorm2d]) -> list[Tensor]:
    """Apply several BatchNorms of one kind, each to its own part of the channels, as a single one.

    Their parameters, and their statistics, which follow in training, stay those of each.
    """
    first, training = norms[0], norms[0].training
    means, variances = ([getattr(norm, name) for norm in norms] for name in ("running_mean", "running_var"))
    mean, variance = torch.cat(means), torch.cat(variances)
    weight, bias = torch.cat([norm.weight for norm in norms]), torch.cat([norm.bias for norm in norms])
    momentum = 0.0 if first.momentum is None else first.momentum
    normalised = F.batch_norm(maps, mean, variance, weight, bias, training, momentum, first.eps)
    if training:
        with torch.no_grad():
            for norm, own_mean, own_variance in zip(
                norms, mean.chunk(len(norms)), variance.chunk(len(norms)), strict=True
            ):
                assert norm.running_mean is not None and norm.running_var is not None
                assert norm.num_batches_tracked is not None
                norm.running_mean.copy_(own_mean)
                norm.running_var.copy_(own_variance)
                norm.num_batches_tracked.add_(1)
    return list(normalised.chunk(len(norms), dim=1))


class Upsampler(nn.Sequential):
    """Sub-pixel upsampling by ``scale`` (a power of two, or 3); ``relu`` puts a ReLU after every shuffle.

    Raises:
        ValueError: for any other scale.
    """

    def __init__(self, scale: int, channels: int, relu: bool) -> None:
        layers: list[nn.Module] = []
        for factor in _shuffle_factors(scale):
            layers += [conv(channels, factor * factor * channels), nn.PixelShuffle(factor)]
            if relu:
                layers.append(nn.ReLU(inplace=True))
        super().__init__(*layers)

    @torch.no_grad()
    def repeat_pixels(self, layer: int) -> None:
        """Make the stage whose convolution is ``layer`` copy each pixel (nearest neighbour)."""
        convolution = self[layer]
        assert isinstance(convolution, nn.Conv2d) and convolution.bias is not None
        weight, copies = convolution.weight, convolution.out_channels // convolution.in_channels
        middle = weight.shape[-1] // 2
        nn.init.zeros_(weight)
        weight[:, :, middle, middle] = torch.eye(convolution.in_channels).repeat_interleave(copies, dim=0)
        nn.init.zeros_(convolution.bias)


def _shuffle_factors(scale: int) -> list[int]:
    if scale == 3:
        return [3]
    if scale < 2 or scale & (scale - 1):
        raise ValueError(f"scale {scale} is neither 3 nor a power of two")
    return [2] * (scale.bit_length() - 1)
