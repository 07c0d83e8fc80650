"""SAN, the second-order attention network (Dai et al., CVPR 2019)."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.amp.autocast_mode import is_autocast_available

from srnet_cli.network.architecture import Architecture, Recognised, Shapes, Variant, count_indices, scale_of
from srnet_cli.network.blocks import MeanShift, NetworkOutput, Upsampler, conv

#: side of the central window whose covariance is taken
COVARIANCE_WINDOW = 200
#: below this a covariance is that of a flat map, and its root is zero
SMALLEST_TRACE = 1e-20


@dataclass(frozen=True)
class SANOptions:
    scale: int = 4
    n_resgroups: int = 10
    #: blocks in each group
    n_resblocks: int = 16
    #: feature channels
    n_feats: int = 64
    #: squeeze factor of second-order attention
    reduction: int = 16


class NonLocal(nn.Module):
    """Every pixel plus a weighted sum over the pixels that resemble it: softmax(θᵀφ)·g."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = channels // 4
        self.g = nn.Sequential(nn.Conv2d(channels, inner, 1), nn.MaxPool2d(2))
        self.W = nn.Conv2d(inner, channels, 1)
        self.theta = nn.Conv2d(channels, inner, 1)
        self.phi = nn.Sequential(nn.Conv2d(channels, inner, 1), nn.MaxPool2d(2))
        # An identity at the start of training.
        nn.init.zeros_(self.W.weight)
        assert self.W.bias is not None
        nn.init.zeros_(self.W.bias)

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = (_as_rows(m) for m in (self.theta(x), self.phi(x), self.g(x)))
        with _full_precision(x):
            # Products of features reach 10⁶, beyond float16.
            mixed = F.scaled_dot_product_attention(query, key, value, scale=1.0)
        y: Tensor = self.W(mixed.transpose(1, 2).reshape(len(x), -1, *x.shape[2:]).to(x.dtype))
        return y + x


class QuadrantNonLocal(nn.Module):
    """The non-local block on each quadrant of the map by itself."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.non_local = NonLocal(channels)

    def forward(self, x: Tensor) -> Tensor:
        middle_row, middle_column = x.shape[2] // 2, x.shape[3] // 2
        halves = (x[:, :, :middle_row], x[:, :, middle_row:])
        rows = [
            torch.cat([self.non_local(q) for q in (h[..., :middle_column], h[..., middle_column:])], dim=3)
            for h in halves
        ]
        return torch.cat(rows, dim=2)


class SecondOrderAttention(nn.Module):
    """Scales every channel by a gate computed from the root of the channels' covariance."""

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        self.conv_du = nn.Sequential(
            nn.Conv2d(channels, channels // reduction, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels // reduction, channels, 1),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        root = covariance_root(_centre(x))
        gate: Tensor = self.conv_du(root.mean(dim=1)[:, :, None, None].to(x.dtype))
        return x * gate


class PlainBlock(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv_first = nn.Sequential(
            conv(channels, channels), nn.ReLU(inplace=True), conv(channels, channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv_first(x)
        return y + x


class SecondOrderGroup(nn.Module):
    """Residual blocks, second-order attention, a convolution, and the input added."""

    def __init__(self, options: SANOptions) -> None:
        super().__init__()
        self.rcab = nn.Sequential(*(PlainBlock(options.n_feats) for _ in range(options.n_resblocks)))
        self.soca = SecondOrderAttention(options.n_feats, options.reduction)
        self.conv_last = conv(options.n_feats, options.n_feats)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv_last(self.soca(self.rcab(x)))
        return y + x


class SAN(nn.Module):
    """N×3×H×W (H and W at least 4) to N×3×sH×sW, RGB on the 0..255 scale."""

    def __init__(self, options: SANOptions | None = None) -> None:
        super().__init__()
        self.options = o = options or SANOptions()
        self.gamma = nn.Parameter(torch.zeros(1))
        self.sub_mean = MeanShift(-1)
        self.add_mean = MeanShift(+1)
        self.head = nn.Sequential(conv(3, o.n_feats))
        self.non_local = QuadrantNonLocal(o.n_feats)
        self.RG = nn.ModuleList(SecondOrderGroup(o) for _ in range(o.n_resgroups))
        # Never used by the released network either; here so that its checkpoints load.
        self.conv_last = conv(o.n_feats, o.n_feats)
        self.tail = nn.Sequential(Upsampler(o.scale, o.n_feats, relu=False), conv(o.n_feats, 3))

    @property
    def scale(self) -> int:
        return self.options.scale

    def forward(self, lr: Tensor, residual: bool = False) -> NetworkOutput:
        first = self.non_local(self.head(self.sub_mean(lr)))
        x = first
        for group in self.RG:
            x = group(x) + self.gamma * first
        return NetworkOutput(self.add_mean(self.tail(self.non_local(x) + first)))


def covariance_root(x: Tensor) -> Tensor:
    """Compute the square root of the channels' covariance over all pixels: N×C×H×W → N×C×C.

    Newton–Schulz, five steps, in float32 or better whatever the precision of ``x`` and of autocast: squares
    of features overflow float16, and the iteration amplifies rounding. The root of a flat map is zero.
    """
    with _full_precision(x):
        pixels = _at_least_float32(x).flatten(2)
        centred = pixels - pixels.mean(dim=2, keepdim=True)
        covariance = centred @ centred.transpose(1, 2) / pixels.shape[2]
        trace = covariance.diagonal(dim1=1, dim2=2).sum(dim=1).clamp_min(SMALLEST_TRACE)[:, None, None]
        identity3 = 3 * torch.eye(x.shape[1], dtype=pixels.dtype, device=x.device)
        normalised = covariance / trace
        z = (identity3 - normalised) / 2
        y = normalised @ z
        for _ in range(3):
            p = (identity3 - z @ y) / 2
            y, z = y @ p, p @ z
        return trace.sqrt() * (y @ (identity3 - z @ y)) / 2


def _centre(x: Tensor) -> Tensor:
    height, width = (min(size, COVARIANCE_WINDOW) for size in x.shape[2:])
    top, left = (x.shape[2] - height) // 2, (x.shape[3] - width) // 2
    return x[:, :, top : top + height, left : left + width]


def _as_rows(x: Tensor) -> Tensor:
    """Put pixels in rows, N×C×H×W → N×HW×C, in float32 or better."""
    return _at_least_float32(x).flatten(2).transpose(1, 2)


def _at_least_float32(x: Tensor) -> Tensor:
    return x if x.dtype == torch.float64 else x.float()


def _full_precision(x: Tensor) -> AbstractContextManager[object]:
    device = x.device.type
    # The meta device, on which costs are counted, does not have autocast.
    return torch.autocast(device, enabled=False) if is_autocast_available(device) else nullcontext()


def _read(shapes: Shapes) -> Recognised:
    n_feats = shapes["head.0.weight"][0]
    sizes = {
        "n_resgroups": count_indices(shapes, r"RG\.(\d+)\.conv_last\.weight"),
        "n_resblocks": count_indices(shapes, r"RG\.0\.rcab\.(\d+)\.conv_first\.0\.weight"),
        "n_feats": n_feats,
        "reduction": n_feats // shapes["RG.0.soca.conv_du.0.weight"][0],
    }
    return Recognised("san", scale_of(shapes, "tail.0"), sizes)


ARCHITECTURE = Architecture(
    SAN, SANOptions, {"san": Variant()}, traces=("RG.0.conv_last.weight",), read=_read
)
