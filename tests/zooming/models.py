"""Small models for tests: real networks with random weights, and one that only enlarges."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from srnet_cli.models.card import Card
from srnet_cli.models.store import LoadedModel
from srnet_cli.network.blocks import NetworkOutput
from srnet_cli.network.registry import build_network


class Nearest(nn.Module):
    """Repeats pixels: whatever the tiling does wrong shows exactly. Its residual is 255 minus the picture."""

    predicts_residual = True

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, lr: Tensor, residual: bool = False) -> NetworkOutput:
        sr = lr.repeat_interleave(self.scale, dim=2).repeat_interleave(self.scale, dim=3)
        return NetworkOutput(sr, 255 - sr if residual else None)


def nearest_model(scale: int = 2, tile: int = 32, overlap: int = 8) -> LoadedModel:
    card = Card(name=f"nearest-x{scale}", architecture="nearest", scale=scale, tile=tile, overlap=overlap)
    return LoadedModel(Nearest(scale), card, Path())


def random_model(scale: int = 2, tile: int = 48, overlap: int = 16) -> LoadedModel:
    """A small SRNet with random weights and lively BatchNorm statistics."""
    torch.manual_seed(scale)
    network = build_network("srnet", scale, n_feats=16, n_resblocks=2)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_var, 0.5, 2.0)
            nn.init.uniform_(module.weight, 0.5, 1.5)
    card = Card(
        name="random",
        architecture="srnet",
        scale=scale,
        options={"n_feats": 16, "n_resblocks": 2},
        tile=tile,
        overlap=overlap,
    )
    return LoadedModel(network.eval(), card, Path())


def light_model(scale: int = 2, tile: int = 48) -> LoadedModel:
    """A small SRNetLite with random weights: sees 9 pixels far."""
    torch.manual_seed(scale)
    options = {"n_feats": 16, "n_resblocks": 2}
    network = build_network("srnet_lite", scale, **options)
    card = Card("light", "srnet_lite", scale, options, tile=tile, overlap=0, light=True)
    return LoadedModel(network.eval(), card, Path())


def single_stream_model(architecture: str, options: dict[str, Any], scale: int = 2) -> LoadedModel:
    """A small network without an auxiliary stream."""
    torch.manual_seed(scale)
    card = Card("single", architecture, scale, options, tile=32, overlap=8)
    return LoadedModel(build_network(architecture, scale, **options).eval(), card, Path())


def noise(height: int, width: int, seed: int = 0, dtype: type = np.uint8) -> NDArray[np.uint8]:
    top = np.iinfo(dtype).max + 1
    return np.random.default_rng(seed).integers(0, top, (height, width, 3), dtype=dtype)


def smooth_scene(height: int, width: int) -> NDArray[np.uint8]:
    """Gradients, edges and some texture: where a seam would be seen."""
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    red = 0.5 + 0.4 * np.sin(9 * x + 4 * y)
    green = 0.3 + 0.5 * x * y + 0.1 * np.sin(40 * x * y)
    blue = np.where((x - 0.5) ** 2 + (y - 0.3) ** 2 < 0.05, 0.9, 0.35 + 0.3 * y)
    return (np.stack([red, green, blue], axis=2).clip(0, 1) * 255).astype(np.uint8)
