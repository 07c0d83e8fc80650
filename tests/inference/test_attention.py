"""Attention in the fast network: by its gate form where its class has one, else as it is."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from srnet_cli.inference.attention import GatedAttention, PlainAttention
from srnet_cli.inference.forms import to_inference
from srnet_cli.inference.srnet import InferenceSRNet
from srnet_cli.network.attention import ATTENTIONS, Attention, GateForm, LocalAttention, SpatialAttention
from srnet_cli.network.registry import build_network
from tests.network.fixtures import error, picture


class Loudest(nn.Module):
    """Gates from the largest value at each pixel: not a form that is known."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weigh = nn.Conv2d(1, channels, 5, padding=2)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.norm(self.weigh(x.amax(dim=1, keepdim=True))))


class Wide(nn.Module):
    """Gates from the means of two halves, by a wide convolution; states its form."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.half = channels // 2
        self.conv = nn.Conv2d(2, 4, 9, padding=4)

    def forward(self, x: Tensor) -> Tensor:
        means = torch.stack([half.mean(dim=1) for half in x.split(self.half, dim=1)], dim=1)
        gates = torch.sigmoid(self.conv(means))
        return x * gates.repeat(1, x.shape[1] // 4, 1, 1)

    def gate_form(self) -> GateForm:
        assert self.conv.bias is not None
        return GateForm(self.conv.weight.detach().double(), self.conv.bias.detach().double(), groups=2)


class Halved(LocalAttention):
    """Other gates than those of its base, whose form it must not be given."""

    def gates(self, x: Tensor) -> Tensor:
        return super().gates(x) / 2


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(
    ("kind", "form"), [(Loudest, PlainAttention), (Wide, GatedAttention), (Halved, PlainAttention)]
)
def test_a_new_attention_computes_the_same_inside_the_fast_network(
    kind: type[nn.Module], form: type[nn.Module], dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ATTENTIONS, "new", Attention(lambda channels, reduction: kind(channels), ()))
    torch.manual_seed(0)
    network = build_network("srnet", 2, n_feats=16, n_resblocks=2, attention="new", res_scale=0.5).eval()
    fast = to_inference(network, dtype=dtype)
    assert isinstance(fast, InferenceSRNet)
    assert type(fast.main.get_submodule("blocks.0.attention")) is form
    with torch.no_grad():
        expected, got = network(picture(20), True), fast(picture(20), True)
    tolerance = 5e-6 if dtype == torch.float32 else 0.01
    assert error(got.sr, expected.sr) <= tolerance
    assert got.residual is not None and error(got.residual, expected.residual) <= tolerance


@pytest.mark.parametrize("kind", ["sa", "mpr-sa", "ca+mpr-sa"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_statistics_beyond_half_precision(kind: str, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    network = build_network("srnet", 2, n_feats=16, n_resblocks=1, attention=kind).eval()
    exact = unusual_statistics(network)
    with torch.no_grad():
        expected = network(picture(16)).sr
    got = to_inference(network, dtype=dtype)(picture(16)).sr
    assert error(got, expected) <= (5e-6 if dtype == torch.float32 else 0.01)
    assert all(torch.equal(network.state_dict()[name], value) for name, value in exact.items())


def test_statistics_beyond_half_precision_of_attention_that_runs_as_it_is() -> None:
    attention = Loudest(8).eval()
    unusual_statistics(attention)
    features = torch.randn(1, 8, 6, 6).half()
    form = PlainAttention(attention, torch.device("cpu"), 1.0)
    with torch.no_grad():
        assert error(form(features, None), attention(features.float())) <= 2e-3


def unusual_statistics(network: nn.Module) -> dict[str, Tensor]:
    """Give every BatchNorm means and variances that float16 cannot hold, and gates that depend on them."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None and module.running_var is not None
            module.running_mean.fill_(7e4)
            module.running_var.fill_(1e5)
            nn.init.constant_(module.bias, 7e4 / 1e5**0.5)
    return {name: value.clone() for name, value in network.state_dict().items() if "running_" in name}


def test_spatial_attention_states_its_form() -> None:
    assert SpatialAttention().eval().gate_form().kernel.dtype == torch.float64
