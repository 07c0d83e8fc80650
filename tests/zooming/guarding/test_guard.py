"""Devices that fail, as stand-ins: whatever they do, the picture is the processor's or as good."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from typer.testing import CliRunner

from srnet_cli.compute import processor, vulkan
from srnet_cli.errors import DeviceError
from srnet_cli.imaging import Picture, write_picture
from srnet_cli.imaging.boxes import Box
from srnet_cli.inference.forms import to_inference
from srnet_cli.inference.ncnn_form.networks import write_network
from srnet_cli.main import app
from srnet_cli.models.store import LoadedModel
from srnet_cli.network.blocks import NetworkOutput
from srnet_cli.zooming.engine import Engine, EngineOptions
from srnet_cli.zooming.guarding import ways as ways_module
from srnet_cli.zooming.guarding.guard import GuardedNetwork, Way, note_devices
from srnet_cli.zooming.guarding.looks import is_plausible, trial_tile
from tests.zooming.models import light_model, nearest_model

CARD = torch.device("vulkan", 0)
#: what a stand-in does to a right result, or instead of one
Fault = Callable[[Tensor, NetworkOutput], NetworkOutput]


def black(lr: Tensor, output: NetworkOutput) -> NetworkOutput:
    return NetworkOutput(torch.zeros_like(output.sr), None)


def nan(lr: Tensor, output: NetworkOutput) -> NetworkOutput:
    output.sr[..., 5, 5] = torch.nan
    return output


def half_a_tile(lr: Tensor, output: NetworkOutput) -> NetworkOutput:
    output.sr[..., output.sr.shape[-2] // 2 :, :] = 0
    return output


def garbage(lr: Tensor, output: NetworkOutput) -> NetworkOutput:
    return NetworkOutput(output.sr.flip(3) * 1.5 - 30, None)


def raising(lr: Tensor, output: NetworkOutput) -> NetworkOutput:
    raise DeviceError("vkQueueSubmit failed -4")


def wrong_shape(lr: Tensor, output: NetworkOutput) -> NetworkOutput:
    return NetworkOutput(output.sr[..., :-1], None)


FAULTS = [black, nan, half_a_tile, garbage, raising, wrong_shape]


def too_small(most: int) -> Fault:
    def fault(lr: Tensor, output: NetworkOutput) -> NetworkOutput:
        if lr.shape[-1] > most:
            raise MemoryError("vkAllocateMemory failed -2")
        return output

    return fault


class Faulty(nn.Module):
    """A network on a device with a fault, which shows after so many tiles."""

    def __init__(self, network: nn.Module, fault: Fault | None, after: int = 0) -> None:
        super().__init__()
        self.form = to_inference(network)
        self.fault, self.after, self.calls = fault, after, 0
        radius: int | None = getattr(self.form, "receptive_radius", None)
        if radius is not None:
            self.receptive_radius = radius

    def forward(self, lr: Tensor, residual: bool = False) -> NetworkOutput:
        output: NetworkOutput = self.form(lr, residual)
        self.calls += 1
        return output if self.fault is None or self.calls <= self.after else self.fault(lr, output)


def guarded(
    model: LoadedModel, faults: dict[torch.dtype, Fault | None], after: int = 1, strict: bool = False
) -> tuple[GuardedNetwork, list[str]]:
    """Guard a model on a card that has these faults after the built-in tile, then on the processor."""

    def way(dtype: torch.dtype, fault: Fault | None) -> Way:
        def open_way(tile: Tensor) -> tuple[nn.Module, Tensor]:
            network = Faulty(model.network, fault, after)
            return network, network(tile).sr

        return Way(CARD, dtype, open_way)

    said: list[str] = []
    last = Way(torch.device("cpu"), torch.float32, lambda tile: (to_inference(model.network), None))
    ways = [*(way(dtype, fault) for dtype, fault in faults.items()), last]
    return GuardedNetwork(model.network, ways, strict=strict, tell=said.append), said


@pytest.fixture(autouse=True)
def one_card(monkeypatch: pytest.MonkeyPatch) -> None:
    card = vulkan.Card(0, "Stand-in 9000", "discrete", 1 << 30)
    monkeypatch.setattr(vulkan, "cards", lambda: (card,))


def drawn(height: int = 70, width: int = 90) -> np.ndarray[Any, np.dtype[np.uint8]]:
    y, x = np.mgrid[:height, :width]
    values = 30 + 2 * x + y + 25 * ((x // 9 + y // 7) % 2)
    return np.stack([values, 250 - values // 2, values // 3 + 20], axis=2).clip(0, 255).astype(np.uint8)


def zoomed(engine: Engine, pixels: np.ndarray[Any, np.dtype[np.uint8]]) -> np.ndarray[Any, Any]:
    box = Box(0, 0, pixels.shape[0], pixels.shape[1])
    return np.concatenate([strip.sr.numpy() for strip in engine.strips(pixels, box)])


def on_the_processor(model: LoadedModel, **options: Any) -> Engine:
    return Engine(model, EngineOptions(device="cpu", precision="fp32", **options))


@pytest.mark.parametrize("after", [0, 1, 3], ids=["at once", "after the trial", "later"])
@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_a_card_does_the_picture_is_right(fault: Fault, after: int) -> None:
    model, pixels = nearest_model(tile=32), drawn()
    engine = on_the_processor(model)
    expected = zoomed(engine, pixels)
    engine.network, said = guarded(model, {torch.float16: fault, torch.float32: fault}, after)
    names = note_devices(engine.network, engine.device)
    assert np.allclose(zoomed(engine, pixels), expected, atol=1e-3)
    assert len(said) == 2 and "vulkan:0 in fp32 computes instead" in said[0]
    assert "Stand-in 9000" in said[0] and "cpu in fp32 computes instead" in said[1]
    assert names()[-1] == "cpu"


@pytest.mark.parametrize("fault", FAULTS)
def test_float32_is_tried_before_the_processor(fault: Fault) -> None:
    model, pixels = nearest_model(tile=32), drawn()
    engine = on_the_processor(model)
    expected = zoomed(engine, pixels)
    engine.network, said = guarded(model, {torch.float16: fault, torch.float32: None})
    names = note_devices(engine.network, engine.device)
    assert np.allclose(zoomed(engine, pixels), expected, atol=1e-3)
    assert len(said) == 1 and names() == ["vulkan:0"]


@pytest.mark.parametrize("fault", FAULTS)
def test_strict_makes_it_an_error(fault: Fault) -> None:
    model = nearest_model(tile=32)
    engine = on_the_processor(model)
    engine.network, said = guarded(model, {torch.float32: fault}, strict=True)
    with pytest.raises(DeviceError, match="--strict"):
        zoomed(engine, drawn())
    with pytest.raises(DeviceError, match="vulkan:0 in fp32"):
        guarded(model, {torch.float32: fault}, after=0, strict=True)
    assert not said


def test_a_card_without_memory_gets_smaller_tiles() -> None:
    model, pixels = nearest_model(tile=128), drawn(200, 220)
    engine = on_the_processor(model)
    expected = zoomed(engine, pixels)
    engine.network, said = guarded(model, {torch.float32: too_small(64)})
    names = note_devices(engine.network, engine.device)
    assert np.allclose(zoomed(engine, pixels), expected, atol=1e-3)
    assert (engine.tile, said, names()) == (64, [], ["vulkan:0"])


def test_a_card_too_small_for_any_tile_leaves_it_to_the_processor() -> None:
    model, pixels = nearest_model(tile=128), drawn(200, 220)
    engine = on_the_processor(model)
    expected = zoomed(engine, pixels)
    engine.network, said = guarded(model, {torch.float32: too_small(40)})
    assert np.allclose(zoomed(engine, pixels), expected, atol=1e-3)
    assert len(said) == 1 and "vkAllocateMemory failed" in said[0]


def test_memory_that_runs_out_in_the_middle_leaves_the_rest_to_the_processor() -> None:
    model, pixels = nearest_model(tile=128), drawn(400, 220)
    engine = on_the_processor(model)
    expected = zoomed(engine, pixels)
    engine.network, said = guarded(model, {torch.float32: too_small(0)}, after=5)
    names = note_devices(engine.network, engine.device)
    assert np.allclose(zoomed(engine, pixels), expected, atol=1e-3)
    assert len(said) == 1 and names() == ["vulkan:0", "cpu"]


def test_a_network_that_is_just_like_that_is_believed() -> None:
    """A network of random weights keeps no means: its tiles look wrong, and the processor's are the same."""
    model, pixels = light_model(), drawn()
    with torch.no_grad():
        model.network.get_parameter("tail.bias").add_(60)
    engine = on_the_processor(model, keep_colours=False)
    expected = zoomed(engine, pixels)
    engine.network, said = guarded(model, {torch.float32: None})
    names = note_devices(engine.network, engine.device)
    assert np.allclose(zoomed(engine, pixels), expected, atol=1e-2)
    assert not said and names() == ["vulkan:0"]


def test_a_black_input_may_give_a_black_picture() -> None:
    lr = torch.zeros(1, 3, 32, 32)
    assert is_plausible(lr, NetworkOutput(torch.zeros(1, 3, 64, 64)))
    lr[..., 9] = 3
    assert not is_plausible(lr, NetworkOutput(torch.zeros(1, 3, 64, 64)))


def test_a_residual_that_is_not_a_number_is_noticed() -> None:
    lr = trial_tile()
    sr = lr.repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert is_plausible(lr, NetworkOutput(sr, sr))
    assert not is_plausible(lr, NetworkOutput(sr, sr * torch.nan))


class StandInRunner:
    """ncnn's place taken by torch: computes the network, with a fault."""

    fault: Fault | None = None
    network: nn.Module

    def __init__(self, program: vulkan.Program, **given: Any) -> None:
        pass

    def __call__(self, given: Any, results: Any) -> list[Any]:
        return list(_parts(type(self).network, given, type(self).fault))[: len(results)]


def _parts(network: nn.Module, given: Any, fault: Fault | None) -> Iterator[Any]:
    """Compute what the layers would: the picture less the repeated input, before the pixel shuffle."""
    written = write_network(network)
    lr = torch.from_numpy(given).unsqueeze(0) - written.shift
    output: NetworkOutput = to_inference(network)(lr, True)
    if fault is not None:
        output = fault(lr, output)
    repeated = torch.nn.functional.interpolate(lr, scale_factor=written.scale)
    yield torch.pixel_unshuffle(output.sr - repeated, written.factor)[0].numpy()
    residual = repeated * 0 if output.residual is None else output.residual + written.shift
    yield torch.pixel_unshuffle(residual, written.factor)[0].numpy()


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("fault", [None, black, raising])
def test_the_command_ends_well_and_names_the_device(
    fault: Fault | None, strict: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from srnet_cli.models.store import load_model

    network = load_model("srnet-lite-x2").network
    monkeypatch.setattr(StandInRunner, "fault", fault)
    monkeypatch.setattr(StandInRunner, "network", network, raising=False)
    monkeypatch.setattr(vulkan, "Runner", StandInRunner)
    monkeypatch.setattr(vulkan, "installed", lambda: True)
    # The processor is torch's: ncnn's place is taken.
    monkeypatch.setattr(processor, "is_without_avx512", lambda: False)
    # In the child the card is well: it fails later.
    monkeypatch.setattr(
        vulkan, "try_in_child", lambda p, given, card, half: list(_parts(network, given, None))
    )
    monkeypatch.setattr(ways_module, "is_writable", lambda network: True)
    write_picture(Picture(drawn()), tmp_path / "a.png")
    arguments = ["zoom", str(tmp_path / "a.png"), "-s", "2", "--fast", "--device", "vulkan", "--json"]
    result = CliRunner().invoke(app, [*arguments, *(["--strict"] if strict else [])])
    (document,) = json.loads(result.stdout)["results"]
    if fault is not None and strict:
        assert (result.exit_code, document["status"]) == (1, "failed")
        assert "--strict" in document["error"]
        return
    assert result.exit_code == 0, result.output
    assert document["devices"] == (["vulkan:0"] if fault is None else ["cpu"])
