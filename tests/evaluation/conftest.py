"""A small set of pictures and a tiny network to evaluate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from srnet_cli.compute.processes import Processes
from srnet_cli.models.card import Card
from srnet_cli.models.store import save_model
from srnet_cli.network.registry import build_network

ALONE = Processes(torch.device("cpu"))


def draw(seed: int, height: int = 96, width: int = 112) -> NDArray[np.uint8]:
    """A picture with edges, gradients and texture: H×W×3."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    picture = np.stack([y * 1.5, x * 1.2, 255 - y - x], axis=-1) * 0.6
    for _ in range(6):
        top, left = rng.integers(0, height), rng.integers(0, width)
        picture[top : top + 20, left : left + 20] = rng.integers(0, 255, 3)
    picture += 20 * np.sin(x * 0.9)[..., None] + rng.normal(0, 4, picture.shape)
    return np.clip(picture, 0, 255).astype(np.uint8)


def save(pixels: NDArray[np.uint8], path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Three sharp pictures."""
    for seed, name in enumerate(("ant", "bee", "cat")):
        save(draw(seed), tmp_path / "photos" / f"{name}.png")
    return tmp_path / "photos"


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small untrained SRNet ×2."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("models") / "tiny"
    network = build_network("srnet", 2, n_feats=16, n_resblocks=1)
    options = {"n_feats": 16, "n_resblocks": 1}
    save_model(folder, network.eval(), Card("tiny", "srnet", 2, options, tile=32, overlap=8))
    return folder
