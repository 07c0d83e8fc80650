"""Which library computes a network on the processor: torch's fast forms, or ncnn."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from srnet_cli.compute import measurements, processor, vulkan
from srnet_cli.compute.devices import processor_device
from srnet_cli.compute.measurements import Speed
from srnet_cli.inference import choice
from srnet_cli.inference.choice import engines_for, processor_form
from srnet_cli.network.registry import build_network


class ByNcnn(nn.Module):
    """In the place of :class:`NcnnNetwork`."""

    def __init__(self, network: nn.Module, dtype: torch.dtype, device: torch.device) -> None:
        super().__init__()


@pytest.fixture
def avx2(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A processor with AVX2 and no more, with ncnn installed and nothing measured."""
    monkeypatch.setattr(processor, "has_bf16", lambda: False)
    monkeypatch.setattr(processor, "is_without_avx512", lambda: True)
    monkeypatch.setattr(vulkan, "installed", lambda: True)
    monkeypatch.setattr(choice, "NcnnNetwork", ByNcnn)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def small(name: str) -> nn.Module:
    return build_network(name, 2, n_feats=16, n_resblocks=1)


def by_ncnn(name: str, dtype: torch.dtype = torch.float32) -> bool:
    return isinstance(processor_form(small(name), dtype), ByNcnn)


def test_without_measurements_the_light_network_goes_to_ncnn(avx2: None) -> None:
    assert by_ncnn("srnet_lite") and not by_ncnn("srnet")


@pytest.mark.parametrize("light", ["torch", "ncnn"])
@pytest.mark.parametrize("full", ["torch", "ncnn"])
def test_what_was_measured_decides(avx2: None, light: measurements.Engine, full: measurements.Engine) -> None:
    measurements.keep({processor_device(): Speed(3, 30, light, full)})
    assert by_ncnn("srnet_lite") == (light == "ncnn")
    assert by_ncnn("srnet") == (full == "ncnn")


def test_wider_processors_and_other_types_stay_with_torch(
    avx2: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert engines_for(small("srnet_lite"), torch.bfloat16) == ("torch",)
    assert engines_for(build_network("rcan", 2, n_feats=16), torch.float32) == ("torch",)
    monkeypatch.setattr(processor, "is_without_avx512", lambda: False)
    assert not by_ncnn("srnet_lite")
    monkeypatch.setattr(processor, "has_bf16", lambda: True)
    assert engines_for(small("srnet_lite"), torch.float32) == ("torch",)


def test_without_ncnn_everything_stays_with_torch(avx2: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vulkan, "installed", lambda: False)
    assert not by_ncnn("srnet_lite")
