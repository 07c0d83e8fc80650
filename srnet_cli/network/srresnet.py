"""SRResNet as the authors compared it: instance normalisation, no mean shift."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from torch import Tensor, nn

from srnet_cli.network.architecture import Architecture, Recognised, Shapes, Variant, count_indices, scale_of
from srnet_cli.network.blocks import NetworkOutput, Upsampler, conv


@dataclass(frozen=True)
class SRResNetOptions:
    scale: int = 4
    #: feature channels
    n_feats: int = 64
    n_resblocks: int = 16
    #: 3 for RGB; 4 for a packed RAW mosaic
    in_channels: int = 3


class InstanceNormBlock(nn.Module):
    """Two convolutions with instance normalisation, and the input added."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = conv(channels, channels, bias=False)
        self.in1 = nn.InstanceNorm2d(channels, affine=True)
        self.relu = nn.LeakyReLU(0.2, inplace=True)
        self.conv2 = conv(channels, channels, bias=False)
        self.in2 = nn.InstanceNorm2d(channels, affine=True)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.in2(self.conv2(self.relu(self.in1(self.conv1(x)))))
        return x + y


class SRResNet(nn.Module):
    """N×3×H×W to N×3×sH×sW, RGB on the 0..255 scale."""

    def __init__(self, options: SRResNetOptions | None = None) -> None:
        super().__init__()
        self.options = o = options or SRResNetOptions()
        self.conv_input = conv(o.in_channels, o.n_feats, 9, bias=False)
        self.relu = nn.LeakyReLU(0.2, inplace=True)
        self.residual = nn.Sequential(*(InstanceNormBlock(o.n_feats) for _ in range(o.n_resblocks)))
        self.conv_mid = conv(o.n_feats, o.n_feats, bias=False)
        self.bn_mid = nn.InstanceNorm2d(o.n_feats, affine=True)
        self.upscale = Upsampler(o.scale, o.n_feats, relu=False)
        self.conv_output = conv(o.n_feats, 3, 9, bias=False)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(
                    module.weight, 0.0, sqrt(2 / (module.kernel_size[0] ** 2 * module.out_channels))
                )
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    @property
    def scale(self) -> int:
        return self.options.scale

    def forward(self, lr: Tensor, residual: bool = False) -> NetworkOutput:
        shallow = self.relu(self.conv_input(lr))
        deep = self.bn_mid(self.conv_mid(self.residual(shallow))) + shallow
        return NetworkOutput(self.conv_output(self.upscale(deep)))


def _read(shapes: Shapes) -> Recognised:
    sizes = {
        "n_feats": shapes["conv_input.weight"][0],
        "n_resblocks": count_indices(shapes, r"residual\.(\d+)\.conv1\.weight"),
        "in_channels": shapes["conv_input.weight"][1],
    }
    return Recognised("srresnet", scale_of(shapes, "upscale"), sizes)


ARCHITECTURE = Architecture(
    SRResNet, SRResNetOptions, {"srresnet": Variant()}, traces=("conv_input.weight",), read=_read
)
