"""Attention against the authors' modules."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srnet_cli.network.attention import (
    ATTENTIONS,
    MPRSA,
    ChannelAttention,
    build_attention,
    over_finest_groups,
    pooling_kernels,
    quarter_turns,
)
from tests.network.fixtures import error, load_into


@pytest.fixture(scope="module")
def arrays(parity: Path) -> dict[str, Any]:
    with np.load(parity / "attention_64.npz") as file:
        return dict(file)


@pytest.mark.parametrize(
    ("name", "kind"), [("ca", "ca"), ("sa", "sa"), ("mprsa", "mpr-sa"), ("mix", "ca+mpr-sa")]
)
def test_output_is_the_authors(arrays: dict[str, Any], name: str, kind: Any) -> None:
    module = build_attention(kind, 64, 16)
    assert module is not None
    load_into(module, arrays, f"{name}/sd/")
    assert error(module(torch.from_numpy(arrays[f"{name}/input"])), arrays[f"{name}/output"]) <= 1e-5


def test_mprsa_in_float64(arrays: dict[str, Any]) -> None:
    module = load_into(MPRSA(64), arrays, "mprsa/sd/").double()
    output = module(torch.from_numpy(arrays["mprsa/input"]).double())
    assert error(output, arrays["mprsa/output_f64"]) <= 1e-12


def test_mprsa_inside(arrays: dict[str, Any]) -> None:
    module = MPRSA(64)
    load_into(module, arrays, "mprsa/sd/")
    x = torch.from_numpy(arrays["mprsa/input"])
    for groups in (1, 2, 4):
        assert error(F.conv2d(x, pooling_kernels(x.shape[1], groups)), arrays[f"mprsa/pool{groups}"]) <= 1e-5
    turned = quarter_turns(torch.from_numpy(arrays["mprsa/pool4"]))
    assert error(turned[: len(arrays["mprsa/rot4"])], arrays["mprsa/rot4"]) <= 1e-5
    assert error(module.gates(x), arrays["mprsa/gate8"]) <= 1e-5


def branch_by_branch(module: MPRSA, x: Tensor) -> Tensor:
    """MPR-SA as it is defined: a convolution and a BatchNorm for each branch."""
    turns = quarter_turns(F.conv2d(x, module.pooling))
    logits = [
        branch.bn(F.conv2d(turns, over_finest_groups(branch.conv.weight, groups), padding=3))
        for branch, groups in zip(module.branches, (1, 2, 4), strict=True)
    ]
    return x * F.conv2d(torch.sigmoid(logits[0] + logits[1] + logits[2]), module.tiling)


def trained(module: MPRSA) -> MPRSA:
    """With BatchNorms that differ from each other and from new ones."""
    for branch in module.branches:
        nn.init.uniform_(branch.bn.weight, 0.5, 1.5)
        nn.init.normal_(branch.bn.bias)
        branch.bn.get_buffer("running_mean").normal_()
        branch.bn.get_buffer("running_var").uniform_(0.5, 2)
    return module


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("compiled", [False, True])
def test_one_convolution_and_one_norm_are_the_three_branches(training: bool, compiled: bool) -> None:
    torch.manual_seed(0)
    joined = trained(MPRSA(16)).double().train(training)
    apart = copy.deepcopy(joined)
    x = torch.randn(2, 16, 12, 12, dtype=torch.float64).contiguous(memory_format=torch.channels_last)
    slope = torch.randn_like(x)
    found: list[list[Tensor]] = []
    # The eager backend traces as compiling does, and needs no compiler.
    one = torch.compile(joined, backend="eager") if compiled else joined
    for module, call in ((joined, one), (apart, lambda x: branch_by_branch(apart, x))):
        given = x.clone().requires_grad_()
        made = call(given)
        (made * slope).sum().backward()
        assert given.grad is not None
        gradients = [p.grad for p in module.parameters() if p.grad is not None]
        found.append([made.detach(), given.grad, *gradients, *module.state_dict().values()])
    assert len(found[0]) == len(found[1]) == 2 + 9 + 18
    for new, old in zip(*found, strict=True):
        assert (new - old).abs().max() <= 1e-10 * old.abs().max()


def test_quarter_turn_is_counter_clockwise() -> None:
    x = torch.arange(9.0).view(1, 1, 3, 3)
    once = quarter_turns(x)[0, 1]
    assert all(once[i, j] == x[0, 0, j, 2 - i] for i in range(3) for j in range(3))


def test_non_square_is_an_error() -> None:
    with pytest.raises(ValueError, match="square, not 8×12"):
        MPRSA(16)(torch.zeros(1, 16, 8, 12))


def test_impossible_sizes_are_errors() -> None:
    with pytest.raises(ValueError, match="multiple of 8"):
        MPRSA(12)
    with pytest.raises(ValueError, match="cannot be reduced"):
        ChannelAttention(8, 16)


def test_every_kind_is_built_and_others_are_refused() -> None:
    for kind in ATTENTIONS:
        module = build_attention(kind, 16, 4)
        assert (module is None) == (kind == "none")
        if module is not None:
            x = torch.ones(1, 16, 8, 8)
            assert module(x).shape == x.shape
    wrong: Any = "mpr"
    with pytest.raises(ValueError, match="unknown attention 'mpr'"):
        build_attention(wrong, 16, 4)
