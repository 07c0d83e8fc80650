"""Channel attention, single-scale spatial attention, and MPR-SA.

All take and return N×C×H×W. ``ATTENTIONS`` at the end is the table of those that a network can be built with.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srnet_cli.network.architecture import Shapes
from srnet_cli.network.blocks import normalise_together

#: gate maps of MPR-SA; channel c is scaled by map c mod 8
GATES = 8
#: channel groups that are averaged, one branch each
GROUPS = (1, 2, 4)
#: groups whose means every branch's kernel can read; the coarser means are means of these
FINEST = max(GROUPS)


class GateForm(NamedTuple):
    """The gates of a spatial attention as one convolution, followed by a sigmoid.

    The convolution reads the means over ``groups`` consecutive channel groups, turned by ``turns`` quarter
    turns (rotation-major); gate c mod n scales channel c. An attention runs fast when its class itself
    defines ``gate_form()``.
    """

    #: n×(turns·groups)×k×k with k odd, float64 on the CPU
    kernel: Tensor
    bias: Tensor
    groups: int
    turns: int = 1


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

    def folded(self) -> tuple[Tensor, Tensor]:
        """Return kernel and bias of the one convolution that equals this in evaluation mode, in float64."""
        bn = self.bn
        assert bn.running_mean is not None and bn.running_var is not None
        scale = bn.weight.detach().double() / torch.sqrt(bn.running_var.double() + bn.eps)
        kernel = self.conv.weight.detach().double() * scale.view(-1, 1, 1, 1)
        return kernel.cpu(), (bn.bias.detach().double() - bn.running_mean.double() * scale).cpu()


class SpatialAttention(nn.Module):
    """Single-scale spatial attention: one gate per pixel from the mean over all channels."""

    def __init__(self) -> None:
        super().__init__()
        self.spatial = GateConv(1, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.spatial(x.mean(dim=1, keepdim=True)))

    def gate_form(self) -> GateForm:
        return GateForm(*self.spatial.folded(), groups=1)


class GroupGates(nn.Module):
    """Eight gates a pixel, tiled over the channels, from the means over four consecutive channel groups.

    The way from means to gates is the subclass's.

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
        gates = self.gates(x)
        if not torch.compiler.is_compiling():
            return x * F.conv2d(gates, self.tiling)
        # Compiled, a broadcast is part of the kernel that it is written in, and a convolution is not.
        n, channels, height, width = x.shape
        spread = x.view(n, channels // GATES, GATES, height, width) * gates.unsqueeze(1)
        return spread.reshape(x.shape)

    def gates(self, x: Tensor) -> Tensor:
        """Compute the eight gates, N×8×H×W in 0..1."""
        raise NotImplementedError

    def means(self, x: Tensor) -> Tensor:
        """Compute the group means, N×4×H×W."""
        if not torch.compiler.is_compiling():
            return F.conv2d(x, self.pooling)
        n, channels, height, width = x.shape
        return x.view(n, FINEST, channels // FINEST, height, width).mean(dim=2)


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
        """The three gate convolutions, in the order of ``GROUPS``."""
        return self.spatial1, self.spatial2, self.spatial3

    def gates(self, x: Tensor) -> Tensor:
        """Compute the eight gates, N×8×S×S in 0..1."""
        if x.shape[2] != x.shape[3]:
            raise ValueError(
                "MPR-SA compares a map with its quarter turns and needs a square, "
                f"not {x.shape[2]}×{x.shape[3]}"
            )
        turns = quarter_turns(self.means(x))
        if x.is_contiguous(memory_format=torch.channels_last):
            turns = turns.contiguous(memory_format=torch.channels_last)
        kernels = [
            over_finest_groups(branch.conv.weight, groups)
            for branch, groups in zip(self.branches, GROUPS, strict=True)
        ]
        # Means over one and two groups are means of the four: all branches read the same sixteen maps, and
        # one convolution makes the maps of all three.
        maps = F.conv2d(turns, torch.cat(kernels), padding=3)
        norms = [branch.bn for branch in self.branches]
        # The type itself: one over the joint batch of several processes computes something else.
        joined = all(type(norm) is nn.BatchNorm2d for norm in norms)
        parts = (
            normalise_together(maps, norms)
            if joined
            else [norm(own) for norm, own in zip(norms, maps.chunk(len(norms), dim=1), strict=True)]
        )
        logits = sum(parts[1:], parts[0])
        return torch.sigmoid(logits)

    def gate_form(self) -> GateForm:
        # The branches are summed without an activation between, so their kernels over the same maps add up.
        folded = [branch.folded() for branch in self.branches]
        kernels = [over_finest_groups(kernel, n) for (kernel, _), n in zip(folded, GROUPS, strict=True)]
        bias = torch.stack([bias for _, bias in folded]).sum(0)
        return GateForm(torch.stack(kernels).sum(0), bias, FINEST, turns=4)

    def multiply_accumulates(self, output: Tensor) -> int:
        """Count as published: the branches' own kernels, which ``gates`` applies in another form."""
        taps = sum(branch.conv.weight.numel() for branch in self.branches)
        return taps * output.shape[-2] * output.shape[-1] * output.shape[0]


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
        """Compute the eight gates, N×8×H×W in 0..1."""
        return torch.sigmoid(self.conv(self.means(x)))

    def gate_form(self) -> GateForm:
        assert self.conv.bias is not None
        kernel, bias = self.conv.weight.detach(), self.conv.bias.detach()
        return GateForm(kernel.double().cpu(), bias.double().cpu(), FINEST)


def pooling_kernels(channels: int, groups: int) -> Tensor:
    """Make the 1×1 kernels that average each of ``groups`` consecutive channel groups: groups×C×1×1."""
    kernels, size = torch.zeros(groups, channels, 1, 1), channels // groups
    for group in range(groups):
        kernels[group, group * size : (group + 1) * size] = groups / channels
    return kernels


def _tiling(channels: int) -> Tensor:
    """Make the 1×1 kernels that hand gate map c mod 8 to channel c: C×8×1×1."""
    kernels = torch.zeros(channels, GATES, 1, 1)
    for gate in range(GATES):
        kernels[gate::GATES, gate] = 1
    return kernels


def over_finest_groups(weight: Tensor, groups: int) -> Tensor:
    """Spread kernels over the turned means of ``groups`` groups to those of four: O×16×7×7.

    The mean over a coarse group is the mean of the finer ones in it, so its kernel spreads evenly over them.
    """
    share = FINEST // groups
    return weight.repeat_interleave(share, dim=1) / share


def quarter_turns(maps: Tensor) -> Tensor:
    """Turn maps by 0, 90, 180, 270 degrees counter-clockwise, rotation-major: N×k×S×S → N×4k×S×S."""
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


@dataclass(frozen=True)
class Attention:
    """A kind of attention: how it is made, and how it is recognised in a file."""

    #: from channels and the squeeze factor of channel attention to the module; None: no attention
    build: Callable[[int, int], nn.Module | None]
    #: tensors, named from the attention on, by which it is known; the kind with the most that fit is taken
    traces: tuple[str, ...]
    #: the tensor whose first size is the channels over the squeeze factor
    squeeze: str | None = None


ATTENTIONS: dict[str, Attention] = {
    "none": Attention(lambda channels, reduction: None, ()),
    "ca": Attention(ChannelAttention, ("conv_du.0.weight",), "conv_du.0.weight"),
    "sa": Attention(lambda channels, reduction: SpatialAttention(), ("spatial.conv.weight",)),
    "mpr-sa": Attention(lambda channels, reduction: MPRSA(channels), ("spatial1.conv.weight",)),
    "ca+sa": Attention(
        lambda channels, reduction: MixedAttention(ChannelAttention(channels, reduction), SpatialAttention()),
        ("attn1.conv_du.0.weight", "attn2.spatial.conv.weight"),
        "attn1.conv_du.0.weight",
    ),
    "ca+mpr-sa": Attention(
        lambda channels, reduction: MixedAttention(ChannelAttention(channels, reduction), MPRSA(channels)),
        ("attn1.conv_du.0.weight", "attn2.spatial1.conv.weight"),
        "attn1.conv_du.0.weight",
    ),
}


def build_attention(kind: str, channels: int, reduction: int) -> nn.Module | None:
    """Build the attention called ``kind``; None for ``none``.

    Raises:
        ValueError: for an unknown kind.
    """
    if kind not in ATTENTIONS:
        raise ValueError(f"unknown attention {kind!r}; one of {', '.join(ATTENTIONS)}")
    return ATTENTIONS[kind].build(channels, reduction)


def recognise_attention(shapes: Shapes, prefix: str) -> str:
    """Find the kind of the attention whose tensors' names start with ``prefix``.

    Raises:
        ValueError: when its tensors are of none.
    """
    inside = {name.removeprefix(f"{prefix}.") for name in shapes if name.startswith(f"{prefix}.")}
    if not inside:
        return "none"
    fitting = [kind for kind, attention in ATTENTIONS.items() if inside.issuperset(attention.traces)]
    kind = max(fitting, key=lambda kind: len(ATTENTIONS[kind].traces), default="none")
    if not ATTENTIONS[kind].traces:
        raise ValueError(f"the tensors {prefix}.… are those of no attention known here")
    return kind
