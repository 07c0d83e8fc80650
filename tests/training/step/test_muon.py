from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch

from srnet_cli.data import Batch
from srnet_cli.errors import WeightsError
from srnet_cli.network.registry import build_network
from srnet_cli.training.step.muon import Muon, orthogonalised
from srnet_cli.training.step.stepper import Precision, Stepper
from tests.training.runs import CPU, hybrid_loss, run_tiny, tiny
from tests.training.sources import Drawings
from tests.training.test_trainer import assert_equal_weights

#: enough channels for kernels that Muon takes
WIDE = {"n_feats": 16, "optimizer": "muon"}


@pytest.fixture
def drawings() -> Batch:
    return Drawings().batch(range(4), 1, 16, "cpu")


@pytest.mark.parametrize("arithmetic", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", [(3, 16, 144), (2, 64, 16), (1, 20, 20)])
def test_all_directions_are_turned_equally_far(shape: tuple[int, int, int], arithmetic: torch.dtype) -> None:
    torch.manual_seed(0)
    matrices = torch.randn(shape)
    found = orthogonalised(1e4 * matrices.to(arithmetic))
    assert found.shape == shape and found.dtype == arithmetic
    found = found.float()
    singular = torch.linalg.svdvals(found)
    assert singular.min() > 0.6 and singular.max() < 1.25
    # The exact answer keeps the singular vectors: U Vᵀ.
    u, _, v = torch.linalg.svd(matrices, full_matrices=False)
    assert (found - u @ v).norm() < 0.35 * (u @ v).norm()


def test_steps_on_kernels_have_the_size_of_adams(drawings: Batch) -> None:
    network = build_network("srnet", 2, n_feats=16, n_resblocks=1)
    before = copy.deepcopy(network)
    muon = Muon([p for p in network.parameters() if p.requires_grad], 1e-3, (0.9, 0.99))
    Stepper(network, network, muon, hybrid_loss(has_residual=False), Precision(CPU, torch.float32))(drawings)
    pairs = zip(network.named_parameters(), before.parameters(), strict=True)
    moved = {name: (new - old).pow(2).mean().sqrt().item() for (name, new), old in pairs}
    for name in ("body.0.body.0.weight", "model_ssl.body.1.weight", "tail.0.0.weight"):
        assert moved[name] == pytest.approx(0.2e-3, rel=0.25), name
    # Adam's first step is the rate itself, for every element with a gradient.
    for name in ("head.0.weight", "body.0.body.0.bias"):
        assert moved[name] == pytest.approx(1e-3, rel=0.01), name
    assert moved["sub_mean.weight"] == 0


def test_it_learns(drawings: Batch) -> None:
    torch.manual_seed(0)
    network = build_network("edsr", 2, n_feats=16, n_resblocks=2)
    muon = Muon([p for p in network.parameters() if p.requires_grad], 2e-3, (0.9, 0.99))
    step = Stepper(network, network, muon, hybrid_loss(has_residual=False), Precision(CPU, torch.float32))
    losses = [step(drawings)[0].item() for _ in range(40)]
    assert losses[-1] < 0.3 * losses[0]


def test_an_interrupted_run_goes_on_bit_by_bit(tmp_path: Path) -> None:
    whole = run_tiny(tmp_path / "whole", tiny(**WIDE))
    first = run_tiny(tmp_path / "run", tiny(**WIDE), stop_after=3)
    assert first.end.step == 3
    second = run_tiny(tmp_path / "run", tiny(**WIDE), resume=True)
    assert second.end.step == 6
    assert_equal_weights(second, whole)
    adam = run_tiny(tmp_path / "adam", tiny(**{**WIDE, "optimizer": "adam"}))
    name = "body.0.body.0.weight"
    assert not torch.equal(adam.state.network.state_dict()[name], whole.state.network.state_dict()[name])


def test_float16_gradients_are_unscaled_first(drawings: Batch) -> None:
    momenta = []
    for dtype in (torch.float32, torch.float16):
        torch.manual_seed(0)
        network = build_network("edsr", 2, n_feats=16, n_resblocks=1)
        muon = Muon([p for p in network.parameters() if p.requires_grad], 2e-3, (0.9, 0.99))
        step = Stepper(network, network, muon, hybrid_loss(has_residual=False), Precision(CPU, dtype))
        if step.scaler.is_enabled():
            # What it begins with overflows here, and the step would be left out.
            step.scaler.load_state_dict({**step.scaler.state_dict(), "scale": 256.0})
        step(drawings)
        kernel = network.get_parameter("body.0.body.0.weight")
        momenta.append(muon.state[kernel]["momentum"])
    assert (momenta[0] - momenta[1]).norm() < 0.1 * momenta[0].norm()


def test_another_optimizer_cannot_go_on(tmp_path: Path) -> None:
    run_tiny(tmp_path / "run", tiny(**WIDE), stop_after=2)
    with pytest.raises(WeightsError, match="another --optimizer"):
        run_tiny(tmp_path / "run", tiny(**{**WIDE, "optimizer": "adam"}), resume=True)
