"""CUDA graphs: the same results, and plain calls where there is no CUDA."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from srnet_cli.inference.forms import to_inference
from srnet_cli.inference.graphed import GraphedNetwork
from srnet_cli.network.registry import build_network


def picture(n: int, seed: int) -> Tensor:
    return torch.rand(n, 3, 32, 32, generator=torch.Generator().manual_seed(seed)) * 255


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_without_cuda_calls_stay_plain() -> None:
    torch.manual_seed(0)
    plain = to_inference(build_network("srnet_lite", 2, n_feats=16, n_resblocks=1))
    graphed = GraphedNetwork(plain)
    assert graphed.receptive_radius == plain.receptive_radius
    for n in (1, 2):
        for residual in (False, True):
            expected, got = plain(picture(n, n), residual), graphed(picture(n, n), residual)
            assert torch.equal(got.sr, expected.sr)
            assert (got.residual is None) == (not residual)


@pytest.mark.cuda
@pytest.mark.parametrize("name", ["srnet", "srnet_lite", "edsr"])
def test_replays_give_what_plain_calls_give(name: str) -> None:
    torch.manual_seed(0)
    network = build_network(name, 4, n_feats=16, n_resblocks=2)
    plain = to_inference(network, dtype=torch.bfloat16, device="cuda")
    graphed = GraphedNetwork(plain)
    results = [graphed(picture(2, seed).cuda()).sr for seed in range(3)]
    for seed, found in enumerate(results):
        assert (found - plain(picture(2, seed).cuda()).sr).abs().max() < 0.5
    graphed.forget()
    assert torch.equal(graphed(picture(2, 0).cuda()).sr, results[0])
