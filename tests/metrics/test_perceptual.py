"""LPIPS: what goes into the package, and what a user reads when it or its weights are missing."""

from __future__ import annotations

import hashlib
import socket
import sys
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from srnet_cli.errors import MissingExtraError, WeightsError
from srnet_cli.metrics.perceptual import BACKBONES, Lpips, _alexnet, _vgg16


class Slices(torch.nn.Module):
    """A backbone as the package cuts it, with torchvision's numbers inside."""

    def __init__(self) -> None:
        super().__init__()
        self.slice1, self.slice2 = torch.nn.Sequential(), torch.nn.Sequential()
        self.slice1.add_module("0", torch.nn.Conv2d(3, 2, 3))
        self.slice2.add_module("3", torch.nn.Conv2d(2, 2, 3))


class MeanDistance(torch.nn.Module):
    """Stands for the package's network: the mean absolute difference of what it is given."""

    def __init__(self, net: str, version: str, verbose: bool, pnet_rand: bool) -> None:
        super().__init__()
        # Without pnet_rand torchvision downloads weights, and unpickles what it finds.
        assert (version, verbose, pnet_rand) == ("0.1", False, True)
        self.net = Slices()

    def forward(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        assert first.ndim == 4
        assert first.shape[:2] == (1, 3)
        assert not self.training
        assert max(first.abs().max(), second.abs().max()) <= 1.0
        return (first - second).abs().mean().view(1, 1, 1, 1)


STATE = {f"features.{n}.{kind}": torch.full(shape, n + 1.0) for n, kind, shape in (
    (0, "weight", (2, 3, 3, 3)), (0, "bias", (2,)), (3, "weight", (2, 2, 3, 3)), (3, "bias", (2,)),
    (6, "weight", (1,)),
)}  # fmt: skip


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Torch's folder of weights, which is empty, and no way to a network."""
    monkeypatch.setitem(sys.modules, "lpips", SimpleNamespace(LPIPS=MeanDistance))
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("asked the network"))
    (tmp_path / "checkpoints").mkdir()
    return tmp_path / "checkpoints"


def put_backbone(hub: Path, document: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    name = BACKBONES["alex"][0]
    torch.save(document, hub / name)
    digest = hashlib.sha256((hub / name).read_bytes()).hexdigest()
    monkeypatch.setitem(BACKBONES, "alex", (name, digest))
    return hub / name


def test_pictures_reach_the_network_between_minus_one_and_one(
    hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_backbone(hub, STATE, monkeypatch)
    metric = Lpips()
    black, white = np.zeros((12, 10, 3), np.uint8), np.full((12, 10, 3), 255, np.uint8)
    framed = white.copy()
    framed[0], framed[:, -1] = 0, 0
    assert metric(black, white) == pytest.approx(2.0)
    assert metric(framed, white, shave=1) == 0.0
    assert metric.name == "LPIPS alex v0.1"
    with pytest.raises(ValueError, match="one shape"):
        metric(black, white[:4])


def test_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lpips", None)
    with pytest.raises(MissingExtraError, match=r"pip install .*lpips"):
        Lpips()


def test_the_backbone_is_read_by_us(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_backbone(hub, STATE, monkeypatch)
    parameters = dict(Lpips()._network.net.named_parameters())
    assert parameters["slice1.0.weight"].unique().tolist() == [1.0]
    assert parameters["slice2.3.bias"].unique().tolist() == [4.0]


@pytest.mark.parametrize("backbone", ["alex", "vgg"])
def test_missing_backbone_says_where_it_belongs(hub: Path, backbone: Any) -> None:
    with pytest.raises(MissingExtraError, match=r"are not there .*put https://download") as caught:
        Lpips(backbone)
    assert caught.value.path == hub / BACKBONES[backbone][0]


class Touch:
    """Runs code when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (Path.touch, (self.path,))


def test_nothing_in_the_backbone_is_executed(
    hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even of a file with the right checksum; one with another is not looked at."""
    path = put_backbone(hub, {**STATE, "x": Touch(tmp_path / "executed")}, monkeypatch)
    with pytest.raises(WeightsError, match="nothing of it was executed"):
        Lpips()
    path.write_bytes(path.read_bytes() + b"more")
    with pytest.raises(WeightsError, match="not torchvision's file"):
        Lpips()
    assert not (tmp_path / "executed").exists()


def test_backbones_are_torchvisions() -> None:
    """Numbers and shapes of its files, whose weights are filled in by name; counts from their papers."""
    alex, vgg = _alexnet().features, _vgg16().features
    assert [i for i, layer in enumerate(alex) if isinstance(layer, torch.nn.Conv2d)] == [0, 3, 6, 8, 10]
    assert sum(p.numel() for p in alex.parameters()) == 2_469_696
    assert alex(torch.zeros(1, 3, 224, 224)).shape == (1, 256, 6, 6)
    last = [i for i, layer in enumerate(vgg) if isinstance(layer, torch.nn.Conv2d)][-1]
    assert (len(vgg), last, sum(p.numel() for p in vgg.parameters())) == (31, 28, 14_714_688)


@pytest.mark.parametrize("backbone", ["alex", "vgg"])
def test_the_package_itself_takes_a_backbone(
    hub: Path, backbone: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With random weights in torchvision's names; beside whatever torchvision there is."""
    monkeypatch.delitem(sys.modules, "lpips")
    if find_spec("lpips") is None:
        pytest.skip("needs the extra 'lpips'")
    features = {"alex": _alexnet, "vgg": _vgg16}[backbone]().features
    torch.save({f"features.{name}": t for name, t in features.state_dict().items()}, hub / "net.pth")
    digest = hashlib.sha256((hub / "net.pth").read_bytes()).hexdigest()
    monkeypatch.setitem(BACKBONES, backbone, ("net.pth", digest))
    black, white = np.zeros((64, 64, 3), np.uint8), np.full((64, 64, 3), 255, np.uint8)
    metric = Lpips(backbone)
    assert metric(black, black) == 0.0
    assert metric(black, white) > 0.0
