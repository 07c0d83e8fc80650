"""Other projects' networks, by spandrel and by a stand-in with the same interface."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from srnet_cli.errors import MissingExtraError, WeightsError
from srnet_cli.evaluation.methods import MethodOptions, load_catalogue
from srnet_cli.models.peers import _spandrel, load_any_model, load_peer
from srnet_cli.zooming.engine import EngineOptions


@dataclass
class Descriptor:
    """As spandrel's ImageModelDescriptor: called with pictures 0..1, answers clamped ones."""

    model: nn.Module
    scale: int = 2
    input_channels: int = 3
    output_channels: int = 3
    purpose: str = "SR"

    @property
    def architecture(self) -> Any:
        return SimpleNamespace(name="Shuffler")

    def eval(self) -> Descriptor:
        self.model.eval()
        return self

    def __call__(self, picture: Tensor) -> Tensor:
        result: Tensor = self.model(picture)
        return result.clamp(0, 1)


class UnsupportedModelError(Exception):
    pass


def shuffler() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 12, 3, padding=1), nn.PixelShuffle(2))


class Loader:
    def __init__(self, device: str) -> None:
        assert device == "cpu"

    def load_from_state_dict(self, state: dict[str, Tensor]) -> Descriptor:
        if set(state) != set(shuffler().state_dict()):
            raise UnsupportedModelError
        network = shuffler()
        network.load_state_dict(state)
        return Descriptor(network, input_channels=1 if float(state["0.bias"].sum()) == 12 else 3)


@pytest.fixture
def spandrel(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("spandrel")
    module.__dict__.update(
        ModelLoader=Loader,
        ImageModelDescriptor=Descriptor,
        UnsupportedModelError=UnsupportedModelError,
        canonicalize_state_dict=lambda state: state,
    )
    monkeypatch.setitem(sys.modules, "spandrel", module)


@pytest.mark.usefixtures("spandrel")
def test_a_peer_enlarges_pictures_on_its_own_scale(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = shuffler()
    zeros = {name: tensor * 0 for name, tensor in network.state_dict().items()}
    torch.save({"params": zeros, "params_ema": network.state_dict(), "iter": 5}, tmp_path / "net.pth")
    options = MethodOptions(peers=(tmp_path / "net.pth",), engine=EngineOptions("cpu", "fp32"))
    catalogue = load_catalogue(options)
    method = catalogue.methods(2)[-1]
    lr = np.random.default_rng(0).integers(0, 256, (30, 40, 3)).astype(np.uint8)
    with torch.no_grad():
        expected = (
            network(torch.tensor(lr).permute(2, 0, 1)[None] / 255).clamp(0, 1)[0].permute(1, 2, 0) * 255
        )
    difference = np.abs(method.run(lr)[2:-2, 2:-2] - expected.numpy()[2:-2, 2:-2])
    assert (catalogue.scales, method.name, method.parameters) == ((2,), "net", 336)
    assert method.published_macs == 64 * 64 * 27 * 12
    assert difference.max() <= 0.51


@pytest.mark.usefixtures("spandrel")
def test_what_is_no_rgb_enlarger_is_refused(tmp_path: Path) -> None:
    torch.save(nn.Linear(2, 2).state_dict(), tmp_path / "other.pth")
    with pytest.raises(WeightsError, match="no network that spandrel knows"):
        load_peer(tmp_path / "other.pth")
    grey = {name: torch.ones_like(tensor) for name, tensor in shuffler().state_dict().items()}
    torch.save(grey, tmp_path / "grey.pth")
    with pytest.raises(WeightsError, match="Shuffler is not an enlarger of RGB pictures"):
        load_peer(tmp_path / "grey.pth")
    with pytest.raises(WeightsError, match="there is no such file"):
        load_peer(tmp_path / "missing.pth")


class Evil:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return Path.mkdir, (Path("executed"),)  # type: ignore[return-value]


@pytest.mark.usefixtures("spandrel")
def test_nothing_in_a_checkpoint_is_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"params": Evil()}, tmp_path / "evil.pth")
    with pytest.raises(WeightsError):
        load_peer(tmp_path / "evil.pth")
    assert not (tmp_path / "executed").exists()


def test_without_the_extra_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "spandrel", None)
    (tmp_path / "net.pth").touch()
    with pytest.raises(MissingExtraError, match="spandrel"):
        load_peer(tmp_path / "net.pth")


@pytest.mark.usefixtures("spandrel")
def test_a_model_of_anyones_is_loaded_by_its_file(tmp_path: Path) -> None:
    torch.save(shuffler().state_dict(), tmp_path / "net.pth")
    found = load_any_model(tmp_path / "net.pth")
    assert (found.card.architecture, found.card.scale) == ("peer:Shuffler", 2)
    assert load_any_model("srnet-lite-x4").card.architecture == "srnet_lite"
    torch.save(nn.Linear(2, 2).state_dict(), tmp_path / "other.pth")
    with pytest.raises(WeightsError, match="no network that spandrel knows"):
        load_any_model(tmp_path / "other.pth")


def test_without_spandrel_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "spandrel", None)
    torch.save(shuffler().state_dict(), tmp_path / "net.pth")
    with pytest.raises(MissingExtraError, match="no network known here") as caught:
        load_any_model(tmp_path / "net.pth")
    assert "spandrel" in str(caught.value.remedy)


@pytest.mark.parametrize("wrap", [None, "params", "params_ema"])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_spandrel_itself_loads_what_it_knows(tmp_path: Path, wrap: str | None, prefix: str) -> None:
    """A Real-ESRGAN of its own class with random weights; beside whatever torchvision there is."""
    if find_spec("spandrel") is None:
        pytest.skip("needs the extra 'peers'")
    _spandrel(tmp_path)
    torch.manual_seed(0)
    network = import_module("spandrel.architectures.Compact.__arch.SRVGG").SRVGGNetCompact(
        num_feat=8, num_conv=2, upscale=2
    )
    state = {prefix + name: tensor for name, tensor in network.state_dict().items()}
    torch.save(state if wrap is None else {wrap: state}, tmp_path / "net.pth")
    model = load_any_model(tmp_path / "net.pth")
    assert (model.card.architecture, model.card.scale) == ("peer:RealESRGAN Compact", 2)
    lr = torch.rand(1, 3, 17, 23)
    with torch.no_grad():
        expected = network(lr).clamp(0, 1) * 255
        assert torch.allclose(model.network(lr * 255).sr, expected, atol=1e-2)
