"""Cameras of which every part but the tested ones does nothing."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from srnet_cli.data.camera.drawing import draw_parameters
from srnet_cli.data.camera.parameters import CameraParameters, CameraRanges

SEEDS = list(range(50, 62))
COUNT = len(SEEDS)
#: a camera that adds nothing
IDEAL = CameraRanges(
    raw_share=0.0, blur=(0.01, 0.011), anisotropy=(1.0, 1.0), defocus_share=0.0, motion_share=0.0,
    shift=(0.0, 0.0), colour_shift=(0.0, 0.0), colour_mix=(0.0, 0.0), shot_noise=(-12.0, -12.0),
    luma_reduction=(0.0, 0.0), chroma_reduction=(0.0, 0.0), chroma_blur=(0.05, 0.05), unsharpened_share=1.0,
    resized_share=0.0, uncompressed_share=1.0, pattern_share=0.0,
)  # fmt: skip


def drawn(ranges: CameraRanges, count: int = COUNT) -> CameraParameters:
    return draw_parameters(list(range(50, 50 + count)), ranges)


def smooth_scene() -> Tensor:
    """Coloured waves, well below LR's highest frequency, as often as there are seeds."""
    y, x = torch.meshgrid(torch.arange(96.0), torch.arange(96.0), indexing="ij")
    waves = [128 + 60 * torch.sin(x / (9 + i)) * torch.cos(y / (11 - i)) for i in range(3)]
    return torch.stack(waves)[None].repeat(COUNT, 1, 1, 1)


def point() -> Tensor:
    """A bright square between LR pixels 11 and 12 of ×4."""
    scene = torch.zeros(COUNT, 3, 96, 96)
    scene[..., 46:50, 46:50] = 1.0
    return scene


def centroids(spread: Tensor) -> tuple[Tensor, Tensor]:
    """Where each channel's light lies against the scene's centre, in LR pixels: x, y."""
    place, whole = torch.arange(24.0), spread.sum((2, 3))
    x, y = ((spread.sum(dim) * place).sum(2) / whole - 11.5 for dim in (2, 3))
    return x, y


def noise_like(shape: tuple[int, ...]) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def step_scene(low: float, high: float, side: int) -> Tensor:
    """Two halves, left and right."""
    step = torch.full((COUNT, 3, side, side), low)
    step[..., side // 2 :] = high
    return step


def blurred_blocks() -> Tensor:
    """Grey noise without contrast between single LR pixels, enlarged four times."""
    grey = torch.rand(COUNT, 1, 24, 24, generator=torch.Generator().manual_seed(0)).mul(255).round()
    enlarged: Tensor = F.interpolate(F.avg_pool2d(grey, 3, 1, 1), scale_factor=4)
    return enlarged.expand(-1, 3, -1, -1).contiguous()
