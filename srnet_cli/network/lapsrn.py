"""LapSRN, the Laplacian pyramid network (Lai et al., CVPR 2017).

The published table names it with 0.87 M parameters at ×4, but its code was not released. This is the
construction of its paper (ten convolutions and a transposed one in each level, residual and picture enlarged
side by side, levels not shared) for RGB and without biases, as the common PyTorch version has it: 873,824
parameters at ×4; with biases it would be 875,308. The paper's shallower ×8 is ``n_layers=5``.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import torch
from torch import Tensor, nn

from srnet_cli.network.architecture import Architecture, Recognised, Shapes, Variant, count_indices
from srnet_cli.network.blocks import NetworkOutput, conv


@dataclass(frozen=True)
class LapSRNOptions:
    """Sizes of the pyramid; ``ValueError`` for a scale that is not a power of two."""

    scale: int = 4
    #: feature channels
    n_feats: int = 64
    #: convolutions in each level
    n_layers: int = 10

    def __post_init__(self) -> None:
        if self.scale < 2 or self.scale & (self.scale - 1):
            raise ValueError(f"scale {self.scale} is not a power of two")


class PyramidLevel(nn.Module):
    """Features and picture, both enlarged twice."""

    def __init__(self, options: LapSRNOptions) -> None:
        super().__init__()
        n = options.n_feats
        layers: list[nn.Module] = []
        for _ in range(options.n_layers):
            layers += [conv(n, n, bias=False), _activation()]
        self.features = nn.Sequential(*layers, _doubling(n), _activation())
        self.residual = conv(n, 3, bias=False)
        self.picture = _doubling(3)

    def forward(self, features: Tensor, picture: Tensor) -> tuple[Tensor, Tensor]:
        features = self.features(features)
        return features, self.picture(picture) + self.residual(features)


class LapSRN(nn.Module):
    """N×3×H×W to N×3×sH×sW, RGB on the 0..255 scale."""

    def __init__(self, options: LapSRNOptions | None = None) -> None:
        super().__init__()
        self.options = o = options or LapSRNOptions()
        self.head = nn.Sequential(conv(3, o.n_feats, bias=False), _activation())
        self.levels = nn.ModuleList(PyramidLevel(o) for _ in range(o.scale.bit_length() - 1))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, 0.0, sqrt(2 / (9 * module.out_channels)))
            elif isinstance(module, nn.ConvTranspose2d):
                _make_bilinear(module)

    @property
    def scale(self) -> int:
        return self.options.scale

    def forward(self, lr: Tensor, residual: bool = False) -> NetworkOutput:
        return NetworkOutput(self.pyramid(lr)[-1])

    def pyramid(self, lr: Tensor) -> list[Tensor]:
        """Compute the picture at every level: ×2, ×4, … up to the scale."""
        features, picture = self.head(lr), lr
        pictures = []
        for level in self.levels:
            features, picture = level(features, picture)
            pictures.append(picture)
        return pictures


def _activation() -> nn.Module:
    return nn.LeakyReLU(0.2, inplace=True)


def _doubling(channels: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(channels, channels, 4, stride=2, padding=1, bias=False)


def _make_bilinear(module: nn.ConvTranspose2d) -> None:
    """Make it enlarge each channel by itself, bilinearly."""
    ramp = torch.tensor([0.25, 0.75, 0.75, 0.25])
    with torch.no_grad():
        module.weight.zero_()
        for channel in range(module.in_channels):
            module.weight[channel, channel] = torch.outer(ramp, ramp)


def _read(shapes: Shapes) -> Recognised:
    # The last of the indices is the transposed convolution's, which ends the level.
    sizes = {
        "n_feats": shapes["head.0.weight"][0],
        "n_layers": count_indices(shapes, r"levels\.0\.features\.(\d+)\.weight") - 1,
    }
    return Recognised("lapsrn", 2 ** count_indices(shapes, r"levels\.(\d+)\.residual\.weight"), sizes)


ARCHITECTURE = Architecture(
    LapSRN, LapSRNOptions, {"lapsrn": Variant()}, traces=("levels.0.residual.weight",), read=_read
)
