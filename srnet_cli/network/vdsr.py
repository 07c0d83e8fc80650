"""VDSR as the authors modified it: it works on the small picture and enlarges at the end."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from srnet_cli.network.architecture import Architecture, Recognised, Shapes, Variant, count_indices, scale_of
from srnet_cli.network.blocks import MeanShift, NetworkOutput, Upsampler, conv


@dataclass(frozen=True)
class VDSROptions:
    scale: int = 4
    #: feature channels
    n_feats: int = 64
    #: convolutions before the upsampler, the first included
    n_resblocks: int = 16


class VDSR(nn.Module):
    """N×3×H×W to N×3×sH×sW, RGB on the 0..255 scale."""

    def __init__(self, options: VDSROptions | None = None) -> None:
        super().__init__()
        self.options = o = options or VDSROptions()
        self.sub_mean = MeanShift(-1)
        self.add_mean = MeanShift(+1)
        self.head = nn.Sequential(conv(3, o.n_feats))
        layers = (
            nn.Sequential(conv(o.n_feats, o.n_feats), nn.ReLU(inplace=True)) for _ in range(o.n_resblocks - 1)
        )
        self.body = nn.Sequential(*layers)
        self.tail = nn.Sequential(Upsampler(o.scale, o.n_feats, relu=False), conv(o.n_feats, 3))

    @property
    def scale(self) -> int:
        return self.options.scale

    def forward(self, lr: Tensor, residual: bool = False) -> NetworkOutput:
        shallow = self.head(self.sub_mean(lr))
        return NetworkOutput(self.add_mean(self.tail(self.body(shallow) + shallow)))


def _read(shapes: Shapes) -> Recognised:
    sizes = {
        "n_feats": shapes["head.0.weight"][0],
        "n_resblocks": count_indices(shapes, r"body\.(\d+)\.0\.weight") + 1,
    }
    return Recognised("vdsr", scale_of(shapes, "tail.0"), sizes)


ARCHITECTURE = Architecture(VDSR, VDSROptions, {"vdsr": Variant()}, traces=("body.0.0.weight",), read=_read)
