"""Channel attention, single-scale spatial attention, and MPR-SA.

All take and return N×C×H×W. Sources: specification sections 2.1, 2.2 and 3.
"""

from __future__ import annotations

from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

AttentionKind = Literal["none", "ca", "sa", "mpr-sa", "ca+sa", "ca+mpr-sa"]
ATTENTION_KINDS: tuple[AttentionKind, ...] = get_args(AttentionKind)

#: gate maps of MPR-SA; channel c is scaled by map c mod 8
GATES = 8
#: channel groups that are averaged, one branch each
GROUPS = (1, 2, 4)
#: groups whose means every branch's kernel can read; the coarser means are means of these
FINEST = max(GROUPS)


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


class GroupGates(nn.Module):
    """Eight gates a pixel, tiled over the channels, from the means over four consecutive channel groups.

    What happens between means and gates is the subclass's.

    Raises:
        ValueError: when the channels are not divisible by 8.
    """

    #: what messages call it
    TITLE: str
    pooling: Tensor
    tiling: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        if channels % GATES:
            raise ValueError(f"{self.TITLE} needs a multiple of {GATES} channels, not {channels}")
        # Averaging and tiling as constant 1×1 convolutions: they, and their gradients, keep channels_last,
        # where reductions and broadcasts over five dimensions fall back to strided copies (a third of a
        # training step on the CPU).
        self.register_buffer("pooling", pooling_kernels(channels, FINEST), persistent=False)
        self.register_buffer("tiling", _tiling(channels), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return x * F.conv2d(self.gates(x), self.tiling)

    def gates(self, x: Tensor) -> Tensor:
        """The eight gates, N×8×H×W in 0..1."""
        raise NotImplementedError

    def means(self, x: Tensor) -> Tensor:
        """The group means, N×4×H×W."""
        return F.conv2d(x, self.pooling)


class MPRSA(GroupGates):
    """Multi-pooling rotation spatial attention.

    For 1, 2 and 4 consecutive channel groups: the group means, turned by 0, 90, 180 and 270 degrees
    counter-clockwise, go through a 7×7 convolution and BatchNorm to eight maps; the sum of the three is
    the logit of eight gates, tiled over the channels.

    Raises:
        ValueError: when the channels are not divisible by 8, or a map is not square (a quarter turn
            of it would have another shape).
    """

    TITLE = "MPR-SA"

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.spatial1 = GateConv(4 * GROUPS[0], GATES)
        self.spatial2 = GateConv(4 * GROUPS[1], GATES)
        self.spatial3 = GateConv(4 * GROUPS[2], GATES)

    @property
    def branches(self) -> tuple[GateConv, GateConv, GateConv]:
        """In the order of ``GROUPS``."""
        return self.spatial1, self.spatial2, self.spatial3

    def gates(self, x: Tensor) -> Tensor:
        """The eight gates, N×8×S×S in 0..1."""
        if x.shape[2] != x.shape[3]:
            raise ValueError(
                "MPR-SA compares a map with its quarter turns and needs a square, "
                f"not {x.shape[2]}×{x.shape[3]}"
            )
        turns = quarter_turns(self.means(x))
        if x.is_contiguous(memory_format=torch.channels_last):
            turns = turns.contiguous(memory_format=torch.channels_last)
        # Means over one and two groups are means of the four: all branches read the same sixteen maps.
        logits = sum(
            branch.bn(F.conv2d(turns, over_finest_groups(branch.conv.weight, groups), padding=3))
            for branch, groups in zip(self.branches, GROUPS, strict=True)
        )
        return torch.sigmoid(logits)


class LocalAttention(GroupGates):
    """Gates from the means around each pixel; no turns, no whole-map means.

    Each output pixel depends on its neighbourhood only, so results do not depend on how a picture is cut.

    Raises:
        ValueError: when the channels are not divisible by 8.
    """

    TITLE = "local attention"
    #: pixels on each side that a gate depends on
    REACH = 1

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.conv = nn.Conv2d(FINEST, GATES, 2 * self.REACH + 1, padding=self.REACH)

    def gates(self, x: Tensor) -> Tensor:
        """The eight gates, N×8×H×W in 0..1."""
        return torch.sigmoid(self.conv(self.means(x)))


def pooling_kernels(channels: int, groups: int) -> Tensor:
    """The 1×1 kernels that average each of ``groups`` consecutive channel groups: groups×C×1×1."""
    # On the CPU by name: networks are built under a meta device, where a constant would have no value.
    means = torch.eye(groups, device="cpu").repeat_interleave(channels // groups, dim=1)
    return (means * groups / channels).view(groups, channels, 1, 1)


def _tiling(channels: int) -> Tensor:
    """The 1×1 kernels that hand gate map c mod 8 to channel c: C×8×1×1."""
    return torch.eye(GATES, device="cpu").repeat(channels // GATES, 1).view(channels, GATES, 1, 1)


def over_finest_groups(weight: Tensor, groups: int) -> Tensor:
    """Kernels over the turned means of ``groups`` groups, as kernels over those of four: O×16×7×7.

    The mean over a coarse group is the mean of the finer ones in it, so its kernel spreads evenly over them.
    """
    share = FINEST // groups
    return weight.repeat_interleave(share, dim=1) / share


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
