from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from srnet_cli.data import Batch
from srnet_cli.errors import UsageError
from srnet_cli.network.blocks import NetworkOutput
from srnet_cli.training.losses import HybridLoss, rloss, rnlloss
from tests.training.runs import hybrid_loss


def named(loss: HybridLoss, output: NetworkOutput, hr: Tensor, residual: Tensor | None) -> dict[str, Tensor]:
    return dict(zip(loss.names, loss(output, Batch(hr, hr, residual)), strict=True))


@pytest.fixture(scope="module")
def fixture(parity: Path) -> dict[str, Tensor]:
    with np.load(parity / "losses_metrics.npz") as arrays:
        return {name: torch.from_numpy(arrays[name]) for name in arrays}


@pytest.fixture(scope="module")
def expected(parity: Path) -> dict[str, float]:
    document: dict[str, float] = json.loads((parity / "losses_metrics.json").read_text())
    return document


def test_losses_equal_the_authors(fixture: dict[str, Tensor], expected: dict[str, float]) -> None:
    sr, hr, true, predicted = (fixture[name] for name in ("sr", "hr", "label_true", "label_pred"))
    losses = named(hybrid_loss(), NetworkOutput(sr, predicted), hr, true)
    assert losses["sr"].item() == pytest.approx(expected["l1_sr"], rel=1e-9)
    assert losses["residual"].item() == pytest.approx(expected["l1_label"], rel=1e-9)
    assert losses["total"].item() == pytest.approx(expected["l1_sr"] + expected["l1_label"], rel=1e-9)
    written = rloss(sr, hr, predicted, true, "as_written")
    called = rloss(sr, hr, predicted, true, "as_called")
    assert written.item() == pytest.approx(expected["rloss_as_written"], rel=1e-9)
    assert called.item() == pytest.approx(expected["rloss_as_called"], rel=1e-9)
    assert rnlloss(sr, hr, predicted, true).item() == pytest.approx(expected["rnlloss_n16"], rel=1e-9)


def test_weights_and_relational_losses_add_up(fixture: dict[str, Tensor], expected: dict[str, float]) -> None:
    output = NetworkOutput(fixture["sr"], fixture["label_pred"])
    weights = {"sr_weight": 0.5, "residual_weight": 2.0, "rloss_weight": 3.0, "rnlloss_weight": 4.0}
    loss = hybrid_loss(**weights, rloss_order="as_called")
    losses = named(loss, output, fixture["hr"], fixture["label_true"])
    parts = [0.5 * expected["l1_sr"], 2 * expected["l1_label"]]
    parts += [3 * expected["rloss_as_called"], 4 * expected["rnlloss_n16"]]
    assert losses["total"].item() == pytest.approx(sum(parts), rel=1e-9)
    assert losses["rnlloss"].item() == pytest.approx(expected["rnlloss_n16"], rel=1e-9)


def test_a_single_stream_network_has_the_first_loss_only() -> None:
    hr = torch.rand(1, 3, 8, 8)
    losses = named(hybrid_loss(has_residual=False), NetworkOutput(hr + 2), hr, None)
    assert losses["total"].item() == pytest.approx(2, abs=1e-5)
    assert losses.keys() == {"total", "sr"}


def test_half_precision_outputs_are_summed_in_full_precision() -> None:
    hr = torch.full((1, 3, 64, 64), 100.0)
    losses = named(hybrid_loss(has_residual=False), NetworkOutput((hr + 1).bfloat16()), hr, None)
    assert losses["total"].dtype == torch.float32
    assert losses["total"].item() == 1.0


def test_what_cannot_be_computed_is_refused() -> None:
    picture = torch.rand(1, 3, 24, 24)
    with pytest.raises(ValueError, match="cannot be cut into"):
        rnlloss(picture, picture, picture, picture)
    with pytest.raises(ValueError, match="auxiliary stream's residual"):
        named(hybrid_loss(rloss_weight=1.0), NetworkOutput(picture), picture, None)
    with pytest.raises(UsageError, match="need an auxiliary stream"):
        hybrid_loss(has_residual=False, rloss_weight=1.0)
    with pytest.raises(ValueError, match="true residual"):
        named(hybrid_loss(), NetworkOutput(picture, picture), picture, None)


def test_a_share_of_the_residuals_is_compared() -> None:
    hr = torch.rand(4, 3, 8, 8) * 255
    loss = hybrid_loss(residual_share=0.5)
    assert loss.asked == {"residual": True, "share": 0.5} and "share" not in hybrid_loss().asked
    apart = torch.tensor([1.0, 3.0, 50.0, 50.0]).reshape(4, 1, 1, 1)
    losses = named(loss, NetworkOutput(hr, hr[:2] + apart[:2]), hr, hr)
    assert losses["residual"].item() == pytest.approx(2.0, rel=1e-4)


def test_relational_losses_compare_whole_batches() -> None:
    with pytest.raises(UsageError, match="--rloss-weight compares whole batches"):
        hybrid_loss(residual_share=0.5, rloss_weight=1.0)
