"""Attention in its fast form: gates by small matrix products, and one multiplication of the map."""

from __future__ import annotations

import copy
from functools import lru_cache
from typing import Any, cast

import torch
from torch import Tensor, nn

from srnet_cli.inference.folding import group_columns
from srnet_cli.inference.fused import FusedConv, weights
from srnet_cli.network.attention import ChannelAttention, GateForm, MixedAttention

#: channels that a gate convolution needs for a matrix unit to be busy
BUSY_CHANNELS = 32
#: means that are moved as one number of their total size
PACKED_GROUPS = 4


def attention_form(
    attention: nn.Module | None,
    channels: int,
    dtype: torch.dtype,
    device: torch.device,
    factor: float = 1.0,
) -> nn.Module:
    """Make ``form(y, skip)`` that computes ``factor · attention(y) + skip`` and may overwrite ``y``."""
    if attention is None:
        return Unattended()
    channel: ChannelAttention | None = None
    spatial: nn.Module | None = attention
    if type(attention) is ChannelAttention:
        channel, spatial = attention, None
    elif type(attention) is MixedAttention:
        channel, spatial = attention.attn1, attention.attn2
    # A class states the form itself; what it inherits could be that of other gates.
    if spatial is not None and "gate_form" not in vars(type(spatial)):
        return PlainAttention(attention, device, factor)
    gates: GateForm | None = None if spatial is None else cast(Any, spatial).gate_form()
    return GatedAttention(channel, gates, channels, dtype, device, factor)


class Unattended(nn.Module):
    """No attention at a fusion point."""

    def forward(self, y: Tensor, skip: Tensor | None) -> Tensor:
        return y if skip is None else y.add_(skip)


class PlainAttention(nn.Module):
    """An attention without a fast form as it is, in float32."""

    def __init__(self, attention: nn.Module, device: torch.device, factor: float) -> None:
        super().__init__()
        self.attention = copy.deepcopy(attention).eval().requires_grad_(False).to(device, torch.float32)
        self.factor = factor

    def forward(self, y: Tensor, skip: Tensor | None) -> Tensor:
        attended: Tensor = self.attention(y.float()) * self.factor
        result = attended if skip is None else attended + skip
        return result.to(y.dtype).contiguous(memory_format=torch.channels_last)


class GatedAttention(nn.Module):
    """Channel attention, a gated spatial attention, or both, as one multiplication."""

    def __init__(
        self,
        channel: ChannelAttention | None,
        spatial: GateForm | None,
        channels: int,
        dtype: torch.dtype,
        device: torch.device,
        factor: float,
    ) -> None:
        super().__init__()
        self.factor = factor
        self.channel = None if channel is None else ChannelGate(channel, device)
        self.spatial = None if spatial is None else SpatialGate(spatial, channels, dtype, device)

    def forward(self, y: Tensor, skip: Tensor | None) -> Tensor:
        multiplier = self._multiplier(y, 0)
        return y.mul_(multiplier) if skip is None else torch.addcmul(skip, y, multiplier, out=y)

    def inside(self, y: Tensor, skip: Tensor) -> Tensor:
        """Compute as ``forward`` without the rim of ``y`` whose gates would see zeros; ``skip`` lacks it."""
        rim = (y.shape[2] - skip.shape[2]) // 2
        return torch.addcmul(skip, cropped(y, rim), self._multiplier(y, rim))

    def _multiplier(self, y: Tensor, rim: int) -> Tensor:
        """Compute what each value is multiplied by, without a rim: N×C×1×1 or N×C×(H-2·rim)×(W-2·rim)."""
        n, channels, height, width = y.shape
        pixels = y.permute(0, 2, 3, 1).reshape(n, height * width, channels)
        scale = None if self.channel is None else self.channel(pixels).to(y.dtype)
        if self.spatial is None:
            assert scale is not None
            scales: Tensor = (scale * self.factor).view(n, channels, 1, 1)
            return scales
        gates: Tensor = self.spatial(pixels, height, scale, self.factor, rim)
        return gates.view(n, height - 2 * rim, width - 2 * rim, channels).permute(0, 3, 1, 2)


class ChannelGate(nn.Module):
    """The gates of channel attention: N×P×C pixels → N×C float32."""

    squeeze: Tensor
    squeeze_bias: Tensor
    excite: Tensor
    excite_bias: Tensor

    def __init__(self, attention: ChannelAttention, device: torch.device) -> None:
        super().__init__()
        squeeze, _, excite, _ = attention.conv_du
        for name, layer in (("squeeze", squeeze), ("excite", excite)):
            kernel, bias = weights(layer)
            matrix = kernel.flatten(1).t().contiguous().to(device, torch.float32)
            self.register_buffer(name, matrix, persistent=False)
            self.register_buffer(f"{name}_bias", bias.to(device, torch.float32), persistent=False)

    def forward(self, pixels: Tensor) -> Tensor:
        # A sum over the leading axis runs at memory speed; a mean over the same axis, or one that returns
        # another type, first copies the map. The accumulator is float32 either way.
        sums = pixels.sum(dim=1) if pixels.dtype != torch.float16 else pixels.sum(dim=1, dtype=torch.float32)
        hidden = torch.addmm(self.squeeze_bias, sums.float(), self.squeeze, alpha=1 / pixels.shape[1]).relu_()
        return torch.addmm(self.excite_bias, hidden, self.excite).sigmoid_()


class SpatialGate(nn.Module):
    """The gates of a spatial attention, spread over the channels: N×P×C.

    Channel scales are not applied to the map first; they go into the weights of the two small matrix
    products that read and write all channels.
    """

    pool: Tensor
    spread: Tensor

    def __init__(self, form: GateForm, channels: int, dtype: torch.dtype, device: torch.device) -> None:
        super().__init__()
        kernel, bias, self.groups, self.turns = form
        self.gates, maps = kernel.shape[:2]
        # One convolution for each number of columns taken together; the widest that divides the map is used.
        self.convs = nn.ModuleDict()
        columns = 1
        while columns == 1 or columns * maps <= BUSY_CHANNELS:
            grouped = group_columns(kernel, bias, columns)
            self.convs[str(columns)] = FusedConv(*grouped, dtype=dtype, device=device, activation="sigmoid")
            columns *= 2
        size = channels // self.groups
        pool = torch.eye(self.groups).repeat_interleave(size, dim=0) / size
        self.register_buffer("pool", pool.to(device, dtype), persistent=False)
        spread = torch.eye(self.gates).repeat(1, channels // self.gates)
        self.register_buffer("spread", spread.to(device, dtype), persistent=False)

    def forward(
        self, pixels: Tensor, height: int, scale: Tensor | None, factor: float, rim: int = 0
    ) -> Tensor:
        """Compute the gates of all pixels but those of a ``rim``."""
        n, count, _ = pixels.shape
        width = count // height
        if self.turns > 1 and height != width:
            raise ValueError(f"attention that turns its map needs a square, not {height}×{width}")
        pool = self.pool.expand(n, -1, -1) if scale is None else self.pool * scale.unsqueeze(2)
        means = torch.bmm(pixels, pool)
        if self.turns > 1:
            means = _stack_turns(means, height, self.turns)
        gates = self._gates(means.view(n, height, width, self.groups * self.turns))
        if rim:
            inner = gates.view(n, height, width, self.gates)[:, rim : height - rim, rim : width - rim]
            gates = inner.reshape(n, -1, self.gates)
        spread = self.spread.expand(n, -1, -1) if scale is None else self.spread * scale.unsqueeze(1)
        return torch.bmm(gates, spread if factor == 1.0 else spread * factor)

    def _gates(self, stack: Tensor) -> Tensor:
        """Convolve N×H×W×k turned means to N×HW×g gates."""
        n, height, width, maps = stack.shape
        columns = max(int(name) for name in self.convs if width % int(name) == 0)
        grouped = stack.view(n, height, width // columns, maps * columns).permute(0, 3, 1, 2)
        gates: Tensor = self.convs[str(columns)](grouped)
        return gates.permute(0, 2, 3, 1).reshape(n, height * width, self.gates)


def cropped(maps: Tensor, rim: int) -> Tensor:
    """View maps without ``rim`` pixels on each side."""
    return maps[:, :, rim : maps.shape[2] - rim, rim : maps.shape[3] - rim] if rim else maps


def _stack_turns(means: Tensor, size: int, turns: int) -> Tensor:
    """Put the quarter turns of a square map's means beside each other: N×P×k → N×P×(turns·k)."""
    n, count, groups = means.shape
    index = _turned_index(size, turns, means.device)
    if means.device.type != "cpu" or n > 1 or groups != PACKED_GROUPS:
        return means.index_select(1, index).view(n, count, turns * groups)
    # On the CPU, in one dimension, a pixel's four means move fastest as one number of their total size.
    whole = means.view(torch.complex128 if means.dtype == torch.float32 else torch.float64).flatten()
    return whole.index_select(0, index).view(means.dtype).view(n, count, turns * groups)


@lru_cache(maxsize=8)
def _turned_index(size: int, turns: int, device: torch.device) -> Tensor:
    """List the pixels that the quarter turns put at each pixel of a square map: turns·size² indices."""
    index = torch.arange(size * size, device=device, dtype=torch.int32).view(size, size)
    return torch.stack([torch.rot90(index, turn) for turn in range(turns)], dim=2).flatten()
