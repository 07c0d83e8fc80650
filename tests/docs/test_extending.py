"""The examples of docs/extending.md do what the page says."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from srnet_cli.imaging import Picture, write_picture
from srnet_cli.network import registry
from srnet_cli.training.options import TrainOptions
from srnet_cli.training.recipe import resolved
from srnet_cli.training.session import run_training

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "extending.md"


@pytest.fixture(scope="module")
def page() -> Iterator[dict[str, Any]]:
    """Everything that the page's Python defines, run from top to bottom as one module."""
    module = ModuleType("page")
    sys.modules["page"] = module  # dataclasses look their module up
    before = dict(registry.NETWORKS._entries)
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert len(blocks) >= 6
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), module.__dict__)
    yield module.__dict__
    registry.NETWORKS._entries = before
    del sys.modules["page"]


def test_the_network_enlarges(page: dict[str, Any]) -> None:
    network = page["network"]
    assert network(torch.rand(2, 3, 6, 9)).sr.shape == (2, 3, 12, 18)
    with pytest.raises(ValueError, match="registered already"):
        registry.NETWORKS.register("plain", registry.NETWORKS["edsr"])


def test_the_network_is_trained_by_its_name(page: dict[str, Any], tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for part, side in (("LR", 40), ("HR", 80)):
        (tmp_path / "data" / part).mkdir(parents=True)
        for name in "abc":
            pixels = random.integers(0, 256, (side, side, 3), dtype=np.uint8)
            write_picture(Picture(pixels), tmp_path / "data" / part / f"{name}.png")
    options = TrainOptions(
        data=tmp_path / "data",
        output=tmp_path / "run",
        cache=tmp_path / "cache",
        model="plain",
        scale=2,
        n_feats=16,
        steps=2,
        batch_size=2,
        patch_size=16,
        validate_every=2,
        validation_crop=64,
        device="cpu",
    )
    assert run_training(resolved(options), resume=False).step == 2
    assert 'architecture = "plain"' in (tmp_path / "run" / "card.toml").read_text(encoding="utf-8")


def test_the_source_gives_what_training_needs(page: dict[str, Any]) -> None:
    source = page["Gratings"]()
    batch = source.batch(range(3), 5, 16, "cpu")
    assert batch.lr.shape == (3, 3, 16, 16) and batch.hr.shape == (3, 3, 64, 64)
    assert float(batch.lr.min()) >= 0 and float(batch.lr.max()) <= 255
    (item,) = source.validation()
    assert item.lr.shape == (48, 48, 3) and item.hr.shape == (192, 192, 3) and item.hr.dtype == np.uint8


def test_the_metric_refuses_other_shapes(page: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="differ"):
        page["largest_error"](np.zeros((4, 4, 3), np.uint8), np.zeros((4, 5, 3), np.uint8))
