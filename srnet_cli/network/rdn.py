"""RDN, the residual dense network, without mean shift (Zhang et al., CVPR 2018)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from srnet_cli.network.architecture import Architecture, Recognised, Shapes, Variant, count_indices
from srnet_cli.network.blocks import NetworkOutput, conv

Configuration = Literal["A", "B"]
#: dense blocks, layers in each, growth
SIZES: dict[str, tuple[int, int, int]] = {"A": (20, 6, 32), "B": (16, 8, 64)}
#: channels between the dense blocks
TRUNK = 64


@dataclass(frozen=True)
class RDNOptions:
    """The size of the network; ``ValueError`` for one that the paper does not have."""

    scale: int = 4
    #: "B": 16 blocks of 8 layers with growth 64, the one compared; "A": 20 of 6 with growth 32
    configuration: Configuration = "B"

    def __post_init__(self) -> None:
        if self.configuration not in SIZES:
            raise ValueError(f"configuration is one of {', '.join(SIZES)}, not {self.configuration!r}")


class DenseLayer(nn.Module):
    """Appends ``growth`` new channels to its input."""

    def __init__(self, in_channels: int, growth: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(conv(in_channels, growth), nn.ReLU(inplace=True))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat((x, self.conv(x)), dim=1)


class DenseBlock(nn.Module):
    """Dense layers, fused back to the trunk's channels, and the input added."""

    def __init__(self, layers: int, growth: int) -> None:
        super().__init__()
        self.convs = nn.Sequential(*(DenseLayer(TRUNK + i * growth, growth) for i in range(layers)))
        self.LFF = conv(TRUNK + layers * growth, TRUNK, 1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.LFF(self.convs(x))
        return y + x


class RDN(nn.Module):
    """N×3×H×W to N×3×sH×sW, RGB on the 0..255 scale."""

    def __init__(self, options: RDNOptions | None = None) -> None:
        super().__init__()
        self.options = o = options or RDNOptions()
        blocks, layers, growth = SIZES[o.configuration]
        self.SFENet1 = conv(3, TRUNK)
        self.SFENet2 = conv(TRUNK, TRUNK)
        self.RDBs = nn.ModuleList(DenseBlock(layers, growth) for _ in range(blocks))
        self.GFF = nn.Sequential(conv(blocks * TRUNK, TRUNK, 1), conv(TRUNK, TRUNK))
        self.UPNet = _upsampler(o.scale, growth)

    @property
    def scale(self) -> int:
        return self.options.scale

    def forward(self, lr: Tensor, residual: bool = False) -> NetworkOutput:
        first = self.SFENet1(lr)
        x = self.SFENet2(first)
        outputs = []
        for block in self.RDBs:
            x = block(x)
            outputs.append(x)
        return NetworkOutput(self.UPNet(self.GFF(torch.cat(outputs, dim=1)) + first))


def _upsampler(scale: int, width: int) -> nn.Sequential:
    if scale == 3:
        factors = [3]
    elif scale >= 2 and scale & (scale - 1) == 0:
        factors = [2] * (scale.bit_length() - 1)
    else:
        raise ValueError(f"scale {scale} is neither 3 nor a power of two")
    layers: list[nn.Module] = []
    channels = TRUNK
    for factor in factors:
        layers += [conv(channels, factor * factor * width), nn.PixelShuffle(factor)]
        channels = width
    return nn.Sequential(*layers, conv(width, 3))


def _read(shapes: Shapes) -> Recognised:
    growth = shapes["RDBs.0.convs.0.conv.0.weight"][0]
    blocks = count_indices(shapes, r"RDBs\.(\d+)\.LFF\.weight")
    layers = count_indices(shapes, r"RDBs\.0\.convs\.(\d+)\..*weight")
    configuration = next((name for name, size in SIZES.items() if size == (blocks, layers, growth)), None)
    if configuration is None:
        raise ValueError(f"an RDN of {blocks} blocks, {layers} layers, growth {growth} is neither A nor B")
    upsampling = count_indices(shapes, r"UPNet\.(\d+)\.weight") - 1
    scale = 3 if shapes["UPNet.0.weight"][0] == 9 * growth else 2**upsampling
    return Recognised("rdn", scale, {"configuration": configuration})


ARCHITECTURE = Architecture(RDN, RDNOptions, {"rdn": Variant()}, traces=("SFENet1.weight",), read=_read)
