"""The networks as ncnn's layers: on its processor kernels, and on a Vulkan device where there is one."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from srnet_cli.compute import vulkan
from srnet_cli.errors import DeviceError
from srnet_cli.inference.forms import to_inference
from srnet_cli.inference.ncnn_form.layers import Layers
from srnet_cli.inference.ncnn_form.network import NcnnNetwork
from srnet_cli.inference.ncnn_form.networks import is_writable, write_network
from srnet_cli.models.store import load_model
from srnet_cli.network.blocks import NetworkOutput
from srnet_cli.network.registry import build_network

needs_ncnn = pytest.mark.skipif(not vulkan.installed(), reason="ncnn is not installed")


def lively(name: str, scale: int, **options: Any) -> nn.Module:
    """Build a small network with random weights and BatchNorm statistics that matter."""
    torch.manual_seed(scale)
    network = build_network(name, scale, n_feats=16, n_resblocks=2, **options)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_var, 0.5, 2.0)
            nn.init.uniform_(module.weight, 0.5, 1.5)
    return network.eval()


def drawn(side: int, count: int = 1) -> Tensor:
    """Draw a picture of slopes, an edge and fine noise: N×3×S×S."""
    torch.manual_seed(7)
    slope = torch.linspace(20, 220, side).expand(count, 3, side, side).clone()
    slope[..., side // 3 :] -= 60
    return (slope + 8 * torch.randn(count, 3, side, side)).clamp(0, 255)


def distance(made: NetworkOutput, expected: NetworkOutput) -> float:
    """Find the largest difference of any value, relative to the largest value."""
    pairs = [(made.sr, expected.sr)]
    if expected.residual is not None:
        assert made.residual is not None
        pairs.append((made.residual, expected.residual))
    return max(float((a - b).abs().max() / b.abs().max()) for a, b in pairs)


def decibels(made: Tensor, expected: Tensor) -> float:
    return float(10 * torch.log10(255**2 / (made - expected).pow(2).mean()))


@needs_ncnn
@pytest.mark.parametrize("side", [24, 37])
@pytest.mark.parametrize(
    ("name", "scale", "options"),
    [
        ("srnet", 2, {}),
        ("srnet", 3, {}),
        ("srnet", 4, {"attention": "ca+sa"}),
        ("srnet", 8, {"attention": "mpr-sa"}),
        ("srnet", 2, {"attention": "none"}),
        ("edsr", 4, {"res_scale": 0.1}),
        ("rcan_minus_msa", 2, {"res_scale": 0.5}),
        ("srnet_lite", 2, {}),
        ("srnet_lite", 4, {}),
    ],
)
def test_ncnn_computes_what_torch_does(name: str, scale: int, options: dict[str, Any], side: int) -> None:
    network = lively(name, scale, **options)
    lr = drawn(side, 2)
    made = NcnnNetwork(network, torch.float32, torch.device("cpu"))(lr, residual=True)
    expected = to_inference(network)(lr, residual=True)
    assert made.sr.shape == expected.sr.shape == (2, 3, side * scale, side * scale)
    assert distance(made, expected) < 1e-4


@needs_ncnn
def test_the_residual_is_given_only_when_it_is_asked_for() -> None:
    network = NcnnNetwork(lively("srnet_lite", 2), torch.float32, torch.device("cpu"))
    assert network(drawn(16)).residual is None
    assert network.receptive_radius == 9


def test_what_is_not_written_is_refused_in_one_line() -> None:
    for network in (build_network("rcan", 2, n_feats=16), lively("srnet_figure", 2)):
        assert not is_writable(network)
        with pytest.raises(DeviceError, match="srnet's own networks") as refusal:
            write_network(network)
        assert "--device cpu" in str(refusal.value)


def test_a_value_with_several_readers_is_split() -> None:
    layers = Layers()
    x = layers.input("x")
    layers.combine("add", layers.relu(x), x)
    lines = layers.text().splitlines()
    assert lines[:2] == ["7767517", "4 5"]
    assert lines[2:] == [
        "Input x 0 1 x",
        "Split x_split 1 2 x x_0 x_1",
        "ReLU relu1 1 1 x_0 relu1",
        "BinaryOp binaryop2 2 1 relu1 x_1 binaryop2 0=0",
    ]


def needs_a_card() -> int:
    """Find the first Vulkan device, a software one too; skip the test where there is none."""
    if not vulkan.installed():
        pytest.skip("ncnn is not installed")
    if not vulkan.cards():
        pytest.skip("there is no Vulkan device, not even a software one (Debian: mesa-vulkan-drivers)")
    return 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
@pytest.mark.parametrize("name", ["srnet-lite-x4", "srnet-x4"])
def test_a_vulkan_device_computes_the_released_models(name: str, dtype: torch.dtype) -> None:
    card = needs_a_card()
    network = load_model(name).network
    lr = drawn(64 if name == "srnet-lite-x4" else 37)
    made = NcnnNetwork(network, dtype, torch.device("vulkan", card))(lr, residual=True)
    expected = to_inference(network)(lr, residual=True)
    assert made.residual is not None and expected.residual is not None
    limit = 100 if dtype == torch.float32 else 65
    assert decibels(made.sr, expected.sr) > limit
    assert decibels(made.residual, expected.residual) > limit - 5


def test_a_child_process_computes_the_same() -> None:
    card = needs_a_card()
    network = lively("srnet_lite", 2)
    written = write_network(network)
    lr = drawn(24)
    (parts, _) = vulkan.try_in_child(written.program, written.shifted(lr), card, False)
    made = written.output(lr, torch.from_numpy(parts).unsqueeze(0), None)
    assert distance(made, to_inference(network)(lr)) < 1e-4
