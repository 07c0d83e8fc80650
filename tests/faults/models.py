"""Models for the fault tests."""

from __future__ import annotations

import torch
from torch import nn

from srnet_cli.models.card import Card
from srnet_cli.network.registry import build_network

OPTIONS = {"n_feats": 8, "n_resblocks": 1, "attention": "mpr-sa"}


def tiny(scale: int, tile: int = 32) -> tuple[nn.Module, Card]:
    """The smallest SRNet with random weights, and its card."""
    torch.manual_seed(scale)
    network = build_network("srnet", scale, **OPTIONS).eval()
    return network, Card("tiny", "srnet", scale, OPTIONS, tile=tile, overlap=8)
