"""A light sibling of SRNet: one stream whose features also predict the residual while it is trained.

What it keeps of SRNet: the auxiliary task on the enhanced residual, and gates from the means of channel
groups. What it gives up for speed: the second stream, and everything that looks at the whole map (channel
means, quarter turns). So each output pixel depends on ``receptive_radius`` LR pixels around it and on nothing
else, and a picture computed in tiles equals the picture computed whole. Tensors are N×3×H×W, RGB, 0..255.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srnet_cli.network.architecture import Architecture, Recognised, Shapes, Variant, count_indices
from srnet_cli.network.attention import LocalAttention
from srnet_cli.network.blocks import MeanShift, NetworkOutput, ResidualBlock, conv, shared_rows


@dataclass(frozen=True)
class SRNetLiteOptions:
    """Sizes of the light network.

    Raises:
        ValueError: when ``scale`` is below 2.
    """

    scale: int = 4
    #: feature channels, a multiple of 8
    n_feats: int = 64
    n_resblocks: int = 5

    def __post_init__(self) -> None:
        if self.scale < 2:
            raise ValueError(f"scale {self.scale} is below 2")


class SRNetLite(nn.Module):
    """``forward(lr, residual=False, share=1)``: N×3×H×W of any size in, ``NetworkOutput`` out.

    The picture is the LR pixels repeated, plus what ``tail`` adds. The residual is that of the batch's first
    ⌈``share``·N⌉ elements.
    """

    def __init__(self, options: SRNetLiteOptions | None = None) -> None:
        super().__init__()
        o = options or SRNetLiteOptions()
        self.options = o
        self.sub_mean, self.add_mean = MeanShift(-1), MeanShift(+1)
        self.head = nn.Sequential(conv(3, o.n_feats))
        blocks: list[nn.Module] = [
            ResidualBlock(o.n_feats, LocalAttention(o.n_feats)) for _ in range(o.n_resblocks)
        ]
        self.body = nn.Sequential(*blocks, conv(o.n_feats, o.n_feats))
        self.tail = conv(o.n_feats, 3 * o.scale**2)
        self.residual_tail = conv(o.n_feats, 3 * o.scale**2)

    @property
    def scale(self) -> int:
        return self.options.scale

    @property
    def predicts_residual(self) -> bool:
        return True

    @property
    def receptive_radius(self) -> int:
        """LR pixels on each side that an output pixel depends on."""
        head_body_end_and_tail, block = 3, 2 + LocalAttention.REACH
        return head_body_end_and_tail + self.options.n_resblocks * block

    def forward(self, lr: Tensor, residual: bool = False, share: float = 1.0) -> NetworkOutput:
        shallow = self.head(self.sub_mean(lr))
        features = self.body(shallow) + shallow
        sr = F.interpolate(lr, scale_factor=self.scale, mode="nearest") + self._picture(self.tail, features)
        if not residual:
            return NetworkOutput(sr)
        shown = features[: shared_rows(len(lr), share)]
        return NetworkOutput(sr, self.add_mean(self._picture(self.residual_tail, shown)))

    def _picture(self, tail: nn.Module, features: Tensor) -> Tensor:
        return torch.pixel_shuffle(tail(features), self.scale)


def _read(shapes: Shapes) -> Recognised:
    sizes = {
        "n_feats": shapes["head.0.weight"][0],
        "n_resblocks": count_indices(shapes, r"body\.(\d+)\.body\.0\.weight"),
    }
    return Recognised("srnet_lite", isqrt(shapes["residual_tail.weight"][0] // 3), sizes)


ARCHITECTURE = Architecture(
    SRNetLite, SRNetLiteOptions, {"srnet_lite": Variant()}, traces=("residual_tail.weight",), read=_read
)
