from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from srnet_cli.data import Batch
from srnet_cli.models.tensors import load_checkpoint_into
from srnet_cli.network.registry import build_network
from srnet_cli.training.losses import HybridLoss
from srnet_cli.training.step.stepper import Precision, Stepper, freeze_unused
from tests.training.runs import hybrid_loss
from tests.training.sources import Drawings

CPU = torch.device("cpu")


def stepper_for(network: nn.Module, loss: HybridLoss | None = None, **how: float | int | None) -> Stepper:
    dtype = next(network.parameters()).dtype
    adam = torch.optim.Adam([p for p in network.parameters() if p.requires_grad], 1e-4)
    return Stepper(network, network, adam, loss or loss_for(network), Precision(CPU, dtype), **how)  # type: ignore[arg-type]


def loss_for(network: nn.Module) -> HybridLoss:
    return hybrid_loss(bool(getattr(network, "predicts_residual", False)))


@pytest.fixture
def drawings() -> Batch:
    return Drawings().batch(range(4), 1, 16, "cpu")


def gradients(network: nn.Module) -> dict[str, Tensor]:
    return {name: p.grad for name, p in network.named_parameters() if p.grad is not None}


def test_three_steps_equal_the_authors(parity: Path) -> None:
    with np.load(parity / "srnet_tiny_x2.npz") as tiny:
        weights = {k.removeprefix("sd/"): torch.from_numpy(tiny[k]) for k in tiny if k.startswith("sd/")}
    with np.load(parity / "train_step_x2.npz") as arrays:
        recorded = {name: torch.from_numpy(arrays[name]) for name in arrays}
    norms = json.loads((parity / "train_step_x2_gradnorms.json").read_text())
    network = build_network("srnet", 2, n_feats=16, n_resblocks=2)
    load_checkpoint_into(network, weights)
    network.double()
    step = stepper_for(network)
    batch = Batch(*(recorded[name].double() for name in ("input", "hr", "label")))
    for number, (sr, label, total) in enumerate(recorded["losses"].tolist()):
        losses = step(batch).tolist()
        assert losses == pytest.approx([total, sr, label], rel=1e-6)
        if number == 0:
            found = {name: float(g.norm()) for name, g in gradients(network).items()}
            for name, norm in norms.items():
                assert found.get(name, 0.0) == pytest.approx(norm, rel=1e-4, abs=1e-7), name
    state = network.state_dict()
    after = {k.removeprefix("after/"): v for k, v in recorded.items() if k.startswith("after/")}
    assert len(after) == 25
    for name, tensor in after.items():
        assert torch.allclose(state[name].double(), tensor.double(), rtol=1e-5, atol=2e-7), name


@pytest.mark.parametrize("parts", [2, 3, 4])
def test_a_batch_in_parts_has_the_same_gradient(drawings: Batch, parts: int) -> None:
    torch.manual_seed(0)
    network = build_network("edsr_rat", 2, n_feats=16, n_resblocks=1).double()
    batch = Batch(*(t.double() for t in (drawings.lr, drawings.hr, drawings.residual) if t is not None))
    whole_losses = stepper_for(network).gradients(batch)
    whole = {name: g.clone() for name, g in gradients(network).items()}
    parts_losses = stepper_for(network, accumulate=parts).gradients(batch)
    assert torch.allclose(whole_losses, parts_losses)
    for name, gradient in gradients(network).items():
        assert torch.allclose(gradient, whole[name], atol=1e-10), name


def test_clipping_limits_the_gradient(drawings: Batch) -> None:
    network = build_network("edsr", 2, n_feats=16, n_resblocks=1)
    stepper_for(network, clip=0.5)(drawings)
    norm = torch.stack([g.norm() for g in gradients(network).values()]).norm()
    assert norm.item() == pytest.approx(0.5, rel=1e-3)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_mixed_precision_trains_float32_weights(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    network = build_network("edsr_msa", 2, n_feats=8, n_resblocks=1)
    before = network.head[0].weight.detach().clone()  # type: ignore[index,union-attr]
    adam = torch.optim.Adam([p for p in network.parameters() if p.requires_grad], 1e-2)
    step = Stepper(network, network, adam, loss_for(network), Precision(CPU, dtype))
    assert step.scaler.is_enabled() == (dtype == torch.float16)
    batch = Drawings().batch(range(2), 1, 8, "cpu")
    losses = [step(batch)[0].item() for _ in range(20)]
    assert np.isfinite(losses).all() and losses[-1] < losses[0]
    assert all(p.dtype == torch.float32 for p in network.parameters())
    assert not torch.equal(before, network.head[0].weight)  # type: ignore[index,union-attr]


@pytest.mark.parametrize(
    ("name", "options", "tails"),
    [
        # Not CALayer_tail, whose attention is no matter of scale.
        ("srnet", {"n_feats": 16, "n_resblocks": 1}, ("tail.", "model_ssl.tail.")),
        ("srnet_lite", {}, ("tail.", "residual_tail.")),
    ],
)
def test_a_tail_may_learn_alone(
    drawings: Batch, name: str, options: dict[str, int], tails: tuple[str, ...]
) -> None:
    network = build_network(name, 2, **options)
    before = {name: p.detach().clone() for name, p in network.named_parameters() if p.requires_grad}
    stepper_for(network)(drawings, tail_only=True)
    changed = {name for name, p in network.named_parameters() if name in before and not p.equal(before[name])}
    assert changed == {name for name in before if name.startswith(tails)}


def test_mean_colours_stay(drawings: Batch) -> None:
    network = build_network("srnet", 2, n_feats=16, n_resblocks=1)
    before = {k: v.clone() for k, v in network.state_dict().items() if "_mean." in k and "sub" in k}
    stepper_for(network)(drawings)
    assert before
    assert all(torch.equal(network.state_dict()[name], value) for name, value in before.items())


def test_parameters_without_gradient_are_frozen() -> None:
    network = build_network("edsr_rat", 2, n_feats=16, n_resblocks=1)
    frozen = freeze_unused(network, hybrid_loss(), 3)
    assert frozen and all(name.startswith("CALayer") for name in frozen)
    without_label = freeze_unused(network, hybrid_loss(residual_weight=0.0), 3)
    assert any(name.startswith("model_ssl.tail") for name in without_label)
    whole = build_network("srnet", 2, n_feats=16, n_resblocks=1)
    statistics = {k: v.clone() for k, v in whole.state_dict().items()}
    assert freeze_unused(whole, hybrid_loss(), 3) == []
    assert all(torch.equal(v, statistics[k]) for k, v in whole.state_dict().items())


def test_every_patch_has_its_turn_with_a_share_of_the_residuals() -> None:
    network = build_network("edsr_rat", 2, n_feats=8, n_resblocks=1)
    asked = stepper_for(network, hybrid_loss(residual_share=0.25))
    lr = torch.arange(8.0).reshape(8, 1, 1, 1).expand(8, 3, 8, 8)
    hr = torch.nn.functional.interpolate(lr, scale_factor=2)
    batch = Batch(lr, hr, hr)
    seen = []
    for number in range(4):
        turned = asked.turned(batch, number)
        assert torch.equal(turned.hr[:, 0, 0, 0], turned.lr[:, 0, 0, 0])
        output = network(turned.lr, **asked.loss.asked)
        assert len(output.sr) == 8 and output.residual is not None and len(output.residual) == 2
        seen += turned.lr[:2, 0, 0, 0].tolist()
    assert sorted(seen) == list(range(8))
    assert stepper_for(network).turned(batch, 3) is batch
