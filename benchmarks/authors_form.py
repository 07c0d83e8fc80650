"""SRNet computed the way its authors wrote it: the yardstick of the speed measurements.

Same weights, same function; but each branch of MPR-SA pools, turns and convolves by itself, its BatchNorm
is a layer of its own, gates are tiled to all channels, the mean shifts are 1×1 convolutions, maps are
float32 in N×C×H×W memory, and every step makes a new tensor. Only the auxiliary stream's upsampler is
skipped unless asked for; the authors' code always runs it, which would make this form slower still.
"""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srnet_cli.network.attention import GATES, GROUPS, MPRSA, GateConv, MixedAttention
from srnet_cli.network.blocks import MeanShift, NetworkOutput, ResidualBlock
from srnet_cli.network.srnet import SRNet, Stream


class AuthorsForm(nn.Module):
    """Wraps a trained two-stream SRNet with channel attention and MPR-SA, wired as the released code."""

    def __init__(self, network: SRNet) -> None:
        super().__init__()
        o = network.options
        if not o.auxiliary or o.attention != "ca+mpr-sa" or o.wiring != "code" or o.res_scale != 1.0:
            raise ValueError("the authors' form is the published SRNet")
        self.network = network.eval()

    @torch.inference_mode()
    def forward(self, lr: Tensor, residual: bool = False) -> NetworkOutput:
        main, auxiliary = self.network, self.network.model_ssl
        assert auxiliary is not None
        rat_head = _head(auxiliary, lr)
        rat_body = _body(auxiliary, rat_head) + rat_head
        fused = _mixed(cast(MixedAttention, main.CALayer_head), _head(main, lr) - rat_body)
        features = _mixed(cast(MixedAttention, main.CALayer_tail), _body(main, fused) + rat_head) + fused
        label = _tail(auxiliary, rat_body) if residual else None
        return NetworkOutput(_tail(main, features), label)


def _head(stream: Stream, lr: Tensor) -> Tensor:
    features: Tensor = stream.head(_shift(stream.sub_mean, lr))
    return features


def _shift(shift: nn.Module, x: Tensor) -> Tensor:
    assert isinstance(shift, MeanShift)
    return F.conv2d(x, shift.weight, shift.bias)


def _body(stream: Stream, x: Tensor) -> Tensor:
    *blocks, last = stream.body
    for block in blocks:
        first, relu, second, attention = cast(ResidualBlock, block).body
        x = x + _mixed(cast(MixedAttention, attention), second(relu(first(x))))
    y: Tensor = last(x)
    return y


def _tail(stream: Stream, x: Tensor) -> Tensor:
    return _shift(stream.add_mean, stream.tail(x))


def _mixed(attention: MixedAttention, x: Tensor) -> Tensor:
    channel, spatial = attention.attn1, cast(MPRSA, attention.attn2)
    x = x * channel.conv_du(F.adaptive_avg_pool2d(x, 1))
    branches = zip(GROUPS, spatial.branches, strict=True)
    one, two, four = (_branch(branch, groups, x) for groups, branch in branches)
    return x * torch.sigmoid(one + two + four).repeat(1, x.shape[1] // GATES, 1, 1)


def _branch(branch: GateConv, groups: int, x: Tensor) -> Tensor:
    n, channels, height, width = x.shape
    pooled = x.view(n, groups, channels // groups, height, width).mean(dim=2)
    turned = torch.cat([torch.rot90(pooled, turns, dims=(2, 3)) for turns in range(4)], dim=1)
    gates: Tensor = branch.bn(branch.conv(turned))
    return gates
