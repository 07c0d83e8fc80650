"""Channel attention, single-scale spatial attention, and MPR-SA.

All take and return N×C×H×W. Sources: specification sections 2.1, 2.2 and 3.
"""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor, nn

AttentionKind = Literal["none", "ca", "sa", "mpr-sa", "ca+sa", "ca+mpr-sa"]
ATTENTION_KINDS: tuple[AttentionKind, ...] = get_args(AttentionKind)

#: gate maps of MPR-SA; channel c is scaled by map c mod 8
GATES = 8
#: channel groups that are averaged, one branch each
GROUPS = (1, 2, 4)


class ChannelAttention(nn.Module):
    """Scales every channel by a gate computed from the channel means of the whole map.

    Raises:
        ValueError: when ``reduction`` leaves no channel.
    """

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()
        squeezed = channels // reduction
        if squeezed < 1:
            raise ValueError(f"{channels} channels cannot be reduced {reduction} times")
        self.conv_du = nn.Sequential(
            nn.Conv2d(channels, squeezed, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(squeezed, channels, 1),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        gate: Tensor = self.conv_du(x.mean(dim=(2, 3), keepdim=True))
        return x * gate


class GateConv(nn.Module):
    """7×7 convolution without bias, then BatchNorm; no activation."""

    def __init__(self, in_maps: int, out_maps: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_maps, out_maps, 7, padding=3, bias=False)
        # momentum 0.01: the published checkpoints' running statistics were gathered with it
        self.bn = nn.BatchNorm2d(out_maps, eps=1e-5, momentum=0.01)

    def forward(self, x: Tensor) -> Tensor:
        gates: Tensor = self.bn(self.conv(x))
        return gates


class SpatialAttention(nn.Module):
    """Single-scale spatial attention: one gate per pixel from the mean over all channels."""

    def __init__(self) -> None:
        super().__init__()
        self.spatial = GateConv(1, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.spatial(x.mean(dim=1, keepdim=True)))


class MPRSA(nn.Module):
    """Multi-pooling rotation spatial attention.

    For 1, 2 and 4 consecutive channel groups: the group means, turned by 0, 90, 180 and 270 degrees
    counter-clockwise, go through a 7×7 convolution and BatchNorm to eight maps; the sum of the three is
    the logit of eight gates, tiled over the channels.

    Raises:
        ValueError: when the channels are not divisible by 8, or a map is not square (a quarter turn
            of it would have another shape).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        if channels % GATES:
            raise ValueError(f"MPR-SA needs a multiple of {GATES} channels, not {channels}")
        self.channels = channels
        self.spatial1 = GateConv(4 * GROUPS[0], GATES)
        self.spatial2 = GateConv(4 * GROUPS[1], GATES)
        self.spatial3 = GateConv(4 * GROUPS[2], GATES)

    def forward(self, x: Tensor) -> Tensor:
        n, channels, height, width = x.shape
        gates = self.gates(x)
        return (x.view(n, channels // GATES, GATES, height, width) * gates.unsqueeze(1)).view_as(x)

    def gates(self, x: Tensor) -> Tensor:
        """The eight gates, N×8×H×W in 0..1."""
        if x.shape[2] != x.shape[3]:
            raise ValueError(
                "MPR-SA compares a map with its quarter turns and needs a square, "
                f"not {x.shape[2]}×{x.shape[3]}"
            )
        fine = group_means(x, GROUPS[2])
        # Means over larger groups are means of the finer ones: the features are read once, not three times.
        middle, coarse = group_means(fine, GROUPS[1]), group_means(fine, GROUPS[0])
        logits = (
            self.spatial1(quarter_turns(coarse))
            + self.spatial2(quarter_turns(middle))
            + self.spatial3(quarter_turns(fine))
        )
        return torch.sigmoid(logits)


def group_means(x: Tensor, groups: int) -> Tensor:
    """Mean over each of ``groups`` consecutive channel groups: N×C×H×W → N×groups×H×W."""
    n, channels, height, width = x.shape
    return x.view(n, groups, channels // groups, height, width).mean(dim=2)


def quarter_turns(maps: Tensor) -> Tensor:
    """Maps turned by 0, 90, 180, 270 degrees counter-clockwise, rotation-major: N×k×S×S → N×4k×S×S."""
    return torch.cat([torch.rot90(maps, turns, dims=(2, 3)) for turns in range(4)], dim=1)


class MixedAttention(nn.Module):
    """Channel attention, then a spatial attention."""

    def __init__(self, channel: ChannelAttention, spatial: nn.Module) -> None:
        super().__init__()
        self.attn1 = channel
        self.attn2 = spatial

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.attn2(self.attn1(x))
        return y


def build_attention(kind: AttentionKind, channels: int, reduction: int) -> nn.Module | None:
    """The attention module called ``kind``, or None for ``none``.

    Raises:
        ValueError: for an unknown kind.
    """
    match kind:
        case "none":
            return None
        case "ca":
            return ChannelAttention(channels, reduction)
        case "sa":
            return SpatialAttention()
        case "mpr-sa":
            return MPRSA(channels)
        case "ca+sa":
            return MixedAttention(ChannelAttention(channels, reduction), SpatialAttention())
        case "ca+mpr-sa":
            return MixedAttention(ChannelAttention(channels, reduction), MPRSA(channels))
    raise ValueError(f"unknown attention {kind!r}; one of {', '.join(ATTENTION_KINDS)}")
