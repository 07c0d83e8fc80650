"""Head and residual blocks, which the fast forms have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn

from srnet_cli.inference.attention import GatedAttention, attention_form, cropped
from srnet_cli.inference.fused import FusedConv, weights
from srnet_cli.network.attention import LocalAttention
from srnet_cli.network.blocks import MeanShift, NetworkOutput, ResidualBlock
from srnet_cli.network.lite import SRNetLite
from srnet_cli.network.raw import SRNetRaw
from srnet_cli.network.srnet import Stream

#: pixels on each side that an output of a block with local attention depends on
BLOCK_REACH = 2 + LocalAttention.REACH


class InferenceBody(nn.Module):
    """Head and blocks of a network or of one of its streams."""

    shift: Tensor | None

    def __init__(
        self, network: Stream | SRNetLite | SRNetRaw, dtype: torch.dtype, device: torch.device
    ) -> None:
        super().__init__()
        self.dtype = dtype
        self.head = FusedConv(*weights(network.head[0]), dtype=torch.float32, device=device)
        mean_shift = getattr(network, "sub_mean", None)
        mean = mean_shift.bias if isinstance(mean_shift, MeanShift) else None
        self.register_buffer(
            "shift", None if mean is None else mean.detach().to(device).view(1, -1, 1, 1), persistent=False
        )
        *blocks, last = network.body
        self.blocks = nn.Sequential(*(InferenceBlock(cast(ResidualBlock, b), dtype, device) for b in blocks))
        self.last = FusedConv(*weights(last), dtype=dtype, device=device)

    def shifted(self, lr: Tensor) -> Tensor:
        """Subtract the mean colour from the input."""
        shifted = lr if self.shift is None else lr + self.shift
        return shifted.contiguous(memory_format=torch.channels_last)

    def shallow(self, shifted: Tensor, inside: bool = False) -> Tensor:
        """Compute the head's features, in float32: in bfloat16 the input alone would be half a level off."""
        features: Tensor = self.head(shifted, inside=inside)
        return features.to(self.dtype)

    def deep(self, features: Tensor, add: Tensor) -> Tensor:
        """Run the body with its last convolution, and add ``add``."""
        y: Tensor = self.last(self.blocks(features), add)
        return y


class InferenceBlock(nn.Module):
    """A residual block: two convolutions, the attention, and the addition."""

    def __init__(self, block: ResidualBlock, dtype: torch.dtype, device: torch.device) -> None:
        super().__init__()
        first, _, second, *attention = block.body
        kernel, bias = weights(second)
        # Attention is not linear, but its gates are: a factor on the branch can only move behind them.
        factor = 1.0 if attention else block.res_scale
        self.first = FusedConv(*weights(first), dtype=dtype, device=device, activation="relu")
        self.second = FusedConv(kernel * factor, bias * factor, dtype=dtype, device=device)
        self.attention: nn.Module | None = None
        if attention:
            self.attention = attention_form(attention[0], len(kernel), dtype, device, block.res_scale)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.first(x)
        y: Tensor = (
            self.second(hidden, x) if self.attention is None else self.attention(self.second(hidden), x)
        )
        return y

    def inside(self, x: Tensor) -> Tensor:
        """Compute only what does not see beyond ``x``, with a gated attention that sees one pixel far."""
        y = self.second(self.first(x, inside=True), inside=True)
        attention = cast(GatedAttention, self.attention)
        return attention.inside(y, cropped(x, BLOCK_REACH))


def one_by_one(run: Callable[[Tensor, bool], NetworkOutput], lr: Tensor, residual: bool) -> NetworkOutput:
    """Compute a batch's tiles one by one where they are on the CPU.

    The maps of a single tile stay in cache, and the batch size cannot change the result.
    """
    if lr.device.type != "cpu" or len(lr) == 1:
        return run(lr, residual)
    outputs = [run(tile.unsqueeze(0), residual) for tile in lr.unbind()]
    labels = [output.residual for output in outputs if output.residual is not None]
    return NetworkOutput(torch.cat([output.sr for output in outputs]), torch.cat(labels) if labels else None)
