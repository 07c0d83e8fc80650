"""The light network for mosaics: packed Bayer samples in, the colours of the camera out, at twice the scale.

Its body is that of ``SRNetLite``. A packed mosaic has a quarter of the sensor's positions, so the same body
costs a quarter for a sensor pixel. Each output pixel depends on ``receptive_radius`` packed pixels around it
and on nothing else. Values are square roots of white-balanced light, 0..255 (``imaging.colour.mosaic``).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srnet_cli.network.architecture import Architecture, Recognised, Shapes, Variant, count_indices
from srnet_cli.network.attention import LocalAttention
from srnet_cli.network.blocks import NetworkOutput, ResidualBlock, conv

#: planes of a packed mosaic, and their colours (0 red, 1 green, 2 blue)
PLANES = (0, 1, 2, 1)
#: row and column of each plane's samples in the 2×2 cell
PLACES = ((0, 0), (0, 1), (1, 1), (1, 0))
#: about the mean of what the network reads: zero for its first convolution, and for its padding
MIDDLE = 100.0


@dataclass(frozen=True)
class SRNetRawOptions:
    """Sizes of the network.

    Raises:
        ValueError: when ``scale`` is odd, or ``in_channels`` are not the four planes of a mosaic.
    """

    #: output pixels per packed pixel and side: twice those per pixel of the sensor
    scale: int = 8
    #: feature channels, a multiple of 8
    n_feats: int = 64
    n_resblocks: int = 6
    in_channels: int = len(PLANES)

    def __post_init__(self) -> None:
        if self.scale < 2 or self.scale % 2:
            raise ValueError(f"scale {self.scale} of packed pixels is odd; it is twice that of the sensor's")
        if self.in_channels != len(PLANES):
            raise ValueError(f"the network reads {len(PLANES)} planes of a mosaic, not {self.in_channels}")


class SRNetRaw(nn.Module):
    """``forward(mosaic)``: N×4×H×W (R, G, B, G of RGGB) to ``NetworkOutput`` of N×3×sH×sW.

    The picture is the mosaic interpolated plainly, each sample where it lies, plus what ``tail`` adds.
    """

    plain: Tensor

    def __init__(self, options: SRNetRawOptions | None = None) -> None:
        super().__init__()
        o = options or SRNetRawOptions()
        self.options = o
        self.head = nn.Sequential(conv(o.in_channels, o.n_feats))
        blocks: list[nn.Module] = [
            ResidualBlock(o.n_feats, LocalAttention(o.n_feats)) for _ in range(o.n_resblocks)
        ]
        self.body = nn.Sequential(*blocks, conv(o.n_feats, o.n_feats))
        self.tail = conv(o.n_feats, 3 * o.scale**2)
        # A constant, so it is in no file.
        self.register_buffer("plain", interpolation(o.scale), persistent=False)

    @property
    def scale(self) -> int:
        return self.options.scale

    @property
    def predicts_residual(self) -> bool:
        return False

    @property
    def receptive_radius(self) -> int:
        """Packed pixels on each side that an output pixel depends on."""
        head_body_end_and_tail, block = 3, 2 + LocalAttention.REACH
        return head_body_end_and_tail + self.options.n_resblocks * block

    def forward(self, lr: Tensor, residual: bool = False) -> NetworkOutput:
        shallow = self.head(lr - MIDDLE)
        features = self.body(shallow) + shallow
        interpolated = interpolate(lr, self.plain, self.scale)
        return NetworkOutput(interpolated + torch.pixel_shuffle(self.tail(features), self.scale))


def interpolate(mosaic: Tensor, kernel: Tensor, scale: int) -> Tensor:
    """Enlarge a mosaic N×4×H×W by the kernel of :func:`interpolation`: N×3×sH×sW float32."""
    padded = extended(mosaic.to(kernel.dtype))
    with torch.autocast(mosaic.device.type, enabled=False):
        return torch.pixel_shuffle(F.conv2d(padded, kernel), scale)


def extended(mosaic: Tensor) -> Tensor:
    """Repeat the border once, for the kernel of :func:`interpolation`."""
    return F.pad(mosaic, (1, 1, 1, 1), mode="replicate")


def interpolation(scale: int) -> Tensor:
    """Make the convolution that interpolates each plane bilinearly: 3s²×4×3×3, in the order of pixel shuffle.

    Red and blue are their one plane; green is the mean of its two.
    """
    # On the CPU by name: under a meta device a constant would have no values.
    cpu = torch.device("cpu")
    kernel = torch.zeros(3, scale, scale, len(PLANES), 3, 3, device=cpu)
    for plane, (colour, place) in enumerate(zip(PLANES, PLACES, strict=True)):
        rows, columns = (_taps(scale, (offset + 0.5) / 2) for offset in place)
        share = 1 / PLANES.count(colour)
        kernel[colour, :, :, plane] = share * rows[:, None, :, None] * columns[None, :, None, :]
    return kernel.reshape(3 * scale**2, len(PLANES), 3, 3)


def _taps(scale: int, sample: float) -> Tensor:
    """Weigh the samples of a cell and its two neighbours for each output in it; ``sample`` is their place."""
    cpu = torch.device("cpu")
    distance = (torch.arange(scale, device=cpu) + 0.5) / scale - sample
    ahead, behind = distance.clamp(min=0), (-distance).clamp(min=0)
    return torch.stack([behind, 1 - ahead - behind, ahead], dim=1)


def _read(shapes: Shapes) -> Recognised:
    n_feats, in_channels, *_ = shapes["head.0.weight"]
    if in_channels != len(PLANES):
        raise KeyError("residual_tail.weight")
    sizes = {"n_feats": n_feats, "n_resblocks": count_indices(shapes, r"body\.(\d+)\.body\.0\.weight")}
    return Recognised("srnet_raw", isqrt(shapes["tail.weight"][0] // 3), sizes)


ARCHITECTURE = Architecture(
    SRNetRaw, SRNetRawOptions, {"srnet_raw": Variant()}, traces=("head.0.weight", "tail.weight"), read=_read
)
