"""LPIPS: what goes into the package, and what a user reads when it or its weights are missing."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any
from urllib.error import URLError

import numpy as np
import pytest
import torch

from srnet_cli.errors import MissingExtraError
from srnet_cli.metrics.perceptual import Lpips


class MeanDistance(torch.nn.Module):
    """Stands for the package's network: the mean absolute difference of what it is given."""

    def __init__(self, net: str, version: str, verbose: bool) -> None:
        super().__init__()
        assert (version, verbose) == ("0.1", False)
        self.net = net

    def forward(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        assert first.ndim == 4
        assert first.shape[:2] == (1, 3)
        assert not self.training
        assert max(first.abs().max(), second.abs().max()) <= 1.0
        return (first - second).abs().mean().view(1, 1, 1, 1)


def test_pictures_reach_the_network_between_minus_one_and_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lpips", SimpleNamespace(LPIPS=MeanDistance))
    metric = Lpips("vgg")
    black, white = np.zeros((12, 10, 3), np.uint8), np.full((12, 10, 3), 255, np.uint8)
    framed = white.copy()
    framed[0], framed[:, -1] = 0, 0
    assert metric(black, white) == pytest.approx(2.0)
    assert metric(framed, white, shave=1) == 0.0
    assert metric.name == "LPIPS vgg v0.1"
    with pytest.raises(ValueError, match="one shape"):
        metric(black, white[:4])


def test_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lpips", None)
    with pytest.raises(MissingExtraError, match=r"srnet-cli\[lpips\]"):
        Lpips()


def test_missing_backbone_says_where_it_belongs(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(**_: Any) -> Any:
        raise URLError("no route to host")

    monkeypatch.setitem(sys.modules, "lpips", SimpleNamespace(LPIPS=offline))
    with pytest.raises(MissingExtraError, match=r"checkpoints: the weights of LPIPS's backbone 'alex'"):
        Lpips()
