"""Strict loading of tensors into a network."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from srnet_cli.errors import WeightsError
from srnet_cli.models.tensors import load_checkpoint_into
from tests.models.samples import tiny


def test_everything_that_differs_is_listed_and_nothing_is_copied() -> None:
    network = tiny()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    state = dict(tiny(seed=1).state_dict())
    del state["head.0.bias"]
    state["body.2.bias"] = torch.zeros(7)
    state["extra"] = torch.zeros(1)
    state["model_ssl.head.0.bias"] = torch.full((16,), float("nan"))
    state["body.2.weight"] = state["body.2.weight"].to(torch.int32)
    with pytest.raises(WeightsError) as caught:
        load_checkpoint_into(network, state)
    for clause in (
        "head.0.bias is missing",
        "body.2.bias is 7 instead of 16",
        "extra is unknown to the network",
        "model_ssl.head.0.bias holds NaN or infinity",
        "body.2.weight is of type torch.int32",
    ):
        assert clause in caught.value.reason
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


def test_a_long_list_is_cut() -> None:
    with pytest.raises(WeightsError, match=r"; and \d+ more"):
        load_checkpoint_into(tiny(), {})


def test_missing_batch_counters_become_zero() -> None:
    network = tiny()
    for name, tensor in network.state_dict().items():
        if name.endswith("num_batches_tracked"):
            tensor.fill_(5)
    state = {k: v for k, v in tiny(seed=1).state_dict().items() if not k.endswith("num_batches_tracked")}
    reports = load_checkpoint_into(network, state)
    counters = {k: v for k, v in network.state_dict().items() if k.endswith("num_batches_tracked")}
    assert len(reports) == len(counters) > 0
    assert all(int(v) == 0 for v in counters.values())


def test_times_8_may_start_from_times_4_when_asked() -> None:
    source = tiny(4)
    network = tiny(8, seed=1)
    own_tail: Tensor = network.state_dict()["tail.0.6.weight"].clone()
    with pytest.raises(WeightsError, match=r"tail\.0\.6\.weight is missing"):
        load_checkpoint_into(network, source.state_dict())
    reports = load_checkpoint_into(network, source.state_dict(), allow_tail_mismatch=True)
    assert reports == [
        f"{stream}tail.0.6.{kind} is missing" for stream in ("model_ssl.", "") for kind in ("bias", "weight")
    ]
    state = network.state_dict()
    assert torch.equal(state["tail.0.6.weight"], own_tail)
    assert torch.equal(state["tail.0.0.weight"], source.state_dict()["tail.0.0.weight"])
    assert torch.equal(state["head.0.weight"], source.state_dict()["head.0.weight"])


def test_only_the_tail_is_forgiven() -> None:
    state = dict(tiny(4).state_dict())
    del state["head.0.bias"]
    with pytest.raises(WeightsError) as caught:
        load_checkpoint_into(tiny(8), state, allow_tail_mismatch=True)
    assert "head.0.bias" in caught.value.reason and "tail" not in caught.value.reason


@pytest.mark.parametrize("name", ["sub_mean.bias", "model_ssl.add_mean.bias", "add_mean.weight"])
def test_mean_colours_must_agree(name: str) -> None:
    network = tiny()
    state = {key: tensor.clone() for key, tensor in tiny().state_dict().items()}
    own = network.state_dict()[name].clone()
    state[name] += 5e-4
    load_checkpoint_into(network, state)
    assert torch.equal(network.state_dict()[name], own)
    state[name] += 1e-3
    with pytest.raises(WeightsError, match=f"{name} is off the mean colour by 0.0015"):
        load_checkpoint_into(network, state)
