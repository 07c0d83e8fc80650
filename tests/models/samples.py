"""Small models for these tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from srnet_cli.models.card import Card
from srnet_cli.network.registry import build_network

SIZES: dict[str, Any] = {"n_feats": 16, "n_resblocks": 2}
CARD = Card("tiny", "srnet", 2, SIZES, tile=64, overlap=8, licence="CC0-1.0")


def tiny(scale: int = 2, name: str = "srnet", seed: int = 0, **options: Any) -> nn.Module:
    torch.manual_seed(seed)
    return build_network(name, scale, **{**SIZES, **options}).eval()


def run(network: nn.Module) -> Tensor:
    lr = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(1)) * 255
    with torch.no_grad():
        sr: Tensor = network(lr).sr
    return sr


def save_pickle(document: object, path: Path, **options: Any) -> Path:
    torch.save(document, path, **options)
    return path
