from __future__ import annotations

import sys

import pytest
import torch
from torch import Tensor, nn

from srnet_cli.compute.processes import Processes
from srnet_cli.errors import MissingExtraError, UsageError
from srnet_cli.training.losses import Sample, Setting
from srnet_cli.training.perceptual import features
from srnet_cli.training.perceptual.features import FeatureLoss
from srnet_cli.training.setup import prepare
from tests.training.runs import CPU, run_tiny, tiny
from tests.training.sources import Drawings


class Seen(nn.Module):
    """Gives back the picture, and remembers it."""

    pictures: list[Tensor]

    def __init__(self) -> None:
        super().__init__()
        self.pictures = []

    def forward(self, picture: Tensor) -> list[Tensor]:
        self.pictures.append(picture)
        return [picture]


def make(monkeypatch: pytest.MonkeyPatch, seed: int = 1) -> tuple[FeatureLoss, Seen]:
    seen = Seen()
    monkeypatch.setattr(features, "FeatureNetwork", lambda: seen)
    options = tiny(feature_weight=1.0, feature_crop=32, seed=seed)
    return FeatureLoss(Setting(options, 4, True, CPU, torch.float32)), seen


def sample(step: int, side: int = 64) -> Sample:
    y, x = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    hr = torch.stack([y, x, y]).float().expand(2, 3, side, side)
    return Sample(hr, hr, (1.5 * hr).requires_grad_(True), None, None, step)


def test_a_crop_is_compared_that_moves_with_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    loss, seen = make(monkeypatch)
    corners = []
    for step in range(12):
        assert loss(sample(step)).item() == pytest.approx(0.5, rel=1e-4)
        truth = seen.pictures[-2]
        assert truth.shape == (2, 3, 32, 32)
        corners.append((int(truth[0, 0, 0, 0]), int(truth[0, 1, 0, 0])))
    assert len(set(corners)) > 8
    # No lattice: all of the scale's phases are seen.
    assert {corner[0] % 4 for corner in corners} == {0, 1, 2, 3}
    again, seen = make(monkeypatch)
    again(sample(5))
    assert (int(seen.pictures[0][0, 0, 0, 0]), int(seen.pictures[0][0, 1, 0, 0])) == corners[5]


def test_small_patches_leave_room_to_move(monkeypatch: pytest.MonkeyPatch) -> None:
    loss, seen = make(monkeypatch)
    loss(sample(0, side=32))
    assert seen.pictures[0].shape[-1] == 28


def test_patches_count_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mean over processes is that of the joint batch, whatever the pictures' brightness."""
    loss, _ = make(monkeypatch)
    hr = torch.cat([torch.full((1, 3, 64, 64), value) for value in (10.0, 200.0)])
    sr = hr * torch.tensor([1.2, 1.4]).view(2, 1, 1, 1)
    assert loss(Sample(hr, hr, sr, None, None)).item() == pytest.approx(0.3, rel=1e-4)


def test_without_the_extra_it_is_said_before_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)
    with pytest.raises(MissingExtraError, match="pip install"):
        prepare(tiny(feature_weight=1.0), 2, Processes(CPU), lambda line: None)


def test_a_crop_too_small_for_the_network_is_refused() -> None:
    with pytest.raises(UsageError, match="--feature-crop"):
        tiny(feature_crop=16)


def test_a_run_with_features_goes_on_bit_by_bit(tmp_path: object) -> None:
    pytest.importorskip("efficientnet_lite_pytorch", reason="needs the extra 'perceptual'")
    from pathlib import Path

    folder = Path(str(tmp_path))
    options = tiny(feature_weight=5.0, patch_size=24, steps=4, feature_crop=32, validate_every=100)
    source = Drawings(held_out=0)
    whole = run_tiny(folder / "whole", options, source)
    run_tiny(folder / "broken", options, source, stop_after=2)
    resumed = run_tiny(folder / "broken", options, source, resume=True)
    theirs = whole.state.network.state_dict()
    for name, tensor in resumed.state.network.state_dict().items():
        assert torch.equal(tensor, theirs[name]), name
