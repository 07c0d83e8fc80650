"""RCAN: residual groups of channel-attention blocks (Zhang et al., ECCV 2018)."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from srnet_cli.network.architecture import Architecture, Recognised, Shapes, Variant, count_indices, scale_of
from srnet_cli.network.attention import ChannelAttention
from srnet_cli.network.blocks import MeanShift, NetworkOutput, ResidualBlock, Upsampler, conv


@dataclass(frozen=True)
class RCANOptions:
    scale: int = 4
    n_resgroups: int = 10
    #: blocks in each group; 16 as compared, 20 in RCAN's own paper
    n_resblocks: int = 16
    #: feature channels
    n_feats: int = 64
    #: squeeze factor of channel attention
    reduction: int = 16


class ResidualGroup(nn.Module):
    """Channel-attention blocks, a convolution, and the input added."""

    def __init__(self, options: RCANOptions) -> None:
        super().__init__()
        o = options
        blocks = (
            ResidualBlock(o.n_feats, ChannelAttention(o.n_feats, o.reduction)) for _ in range(o.n_resblocks)
        )
        self.body = nn.Sequential(*blocks, conv(o.n_feats, o.n_feats))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.body(x)
        return y + x


class RCAN(nn.Module):
    """N×3×H×W to N×3×sH×sW, RGB on the 0..255 scale."""

    def __init__(self, options: RCANOptions | None = None) -> None:
        super().__init__()
        self.options = o = options or RCANOptions()
        self.sub_mean = MeanShift(-1)
        self.add_mean = MeanShift(+1)
        self.head = nn.Sequential(conv(3, o.n_feats))
        groups = (ResidualGroup(o) for _ in range(o.n_resgroups))
        self.body = nn.Sequential(*groups, conv(o.n_feats, o.n_feats))
        self.tail = nn.Sequential(Upsampler(o.scale, o.n_feats, relu=False), conv(o.n_feats, 3))

    @property
    def scale(self) -> int:
        return self.options.scale

    def forward(self, lr: Tensor, residual: bool = False) -> NetworkOutput:
        shallow = self.head(self.sub_mean(lr))
        return NetworkOutput(self.add_mean(self.tail(self.body(shallow) + shallow)))


def _read(shapes: Shapes) -> Recognised:
    n_feats = shapes["head.0.weight"][0]
    sizes = {
        "n_resgroups": count_indices(shapes, r"body\.(\d+)\.body\.0\.body\.0\.weight"),
        "n_resblocks": count_indices(shapes, r"body\.0\.body\.(\d+)\.body\.0\.weight"),
        "n_feats": n_feats,
        "reduction": n_feats // shapes["body.0.body.0.body.3.conv_du.0.weight"][0],
    }
    return Recognised("rcan", scale_of(shapes, "tail.0"), sizes)


ARCHITECTURE = Architecture(
    RCAN, RCANOptions, {"rcan": Variant()}, traces=("body.0.body.0.body.0.weight",), read=_read
)
