from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from srnet_cli.errors import DeviceError, UsageError, WeightsError
from srnet_cli.imaging.boxes import Box
from srnet_cli.inference.fused import FusedConv
from srnet_cli.models.store import LoadedModel
from srnet_cli.network.blocks import NetworkOutput
from srnet_cli.zooming.engine import Engine, EngineOptions

from .models import light_model, nearest_model, noise, random_model, smooth_scene


def whole(engine: Engine, pixels: NDArray[np.uint8], region: Box | None = None) -> NDArray[np.float32]:
    strips = list(engine.strips(pixels, region or Box(0, 0, *pixels.shape[:2])))
    tops = np.cumsum([0, *(len(s.sr) for s in strips)])[:-1]
    assert [s.top for s in strips] == tops.tolist()
    return np.concatenate([s.sr.numpy() for s in strips])


def fp32(model: LoadedModel, **options: object) -> Engine:
    return Engine(model, EngineOptions(device="cpu", precision="fp32", **options))  # type: ignore[arg-type]


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 50), (3, 200), (37, 53), (32, 32), (97, 101)])
def test_tiling_changes_nothing_for_a_network_that_only_repeats_pixels(height: int, width: int) -> None:
    pixels = noise(height, width)
    result = whole(fp32(nearest_model(2)), pixels)
    assert np.allclose(result, pixels.repeat(2, axis=0).repeat(2, axis=1), atol=1e-3)


def test_a_region_sees_the_picture_around_it() -> None:
    pixels = noise(90, 80)
    engine = fp32(nearest_model(4))
    result = whole(engine, pixels, Box(30, 21, 17, 40))
    expected = pixels[30:47, 21:61].repeat(4, axis=0).repeat(4, axis=1)
    assert np.allclose(result, expected, atol=1e-3)


def test_sixteen_bits_keep_their_precision() -> None:
    pixels = noise(20, 20, dtype=np.uint16)
    result = whole(fp32(nearest_model(2)), pixels)
    assert np.allclose(result * 257, pixels.repeat(2, axis=0).repeat(2, axis=1), atol=0.02)


def test_inside_a_tile_the_result_is_the_network_itself() -> None:
    model = random_model(2, tile=48, overlap=12)
    pixels = noise(48, 48)
    lead = 3 + 6
    first = np.pad(pixels, ((lead, 0), (lead, 0), (0, 0)), mode="reflect")[:48, :48]
    with torch.no_grad():
        sr = model.network(torch.from_numpy(first.transpose(2, 0, 1).copy())[None].float()).sr
    alone = slice(0, 2 * (48 - lead - 9))
    expected = sr[0].permute(1, 2, 0).numpy()[2 * lead :, 2 * lead :][alone, alone]
    engine = fp32(model, keep_colours=False)
    assert np.allclose(whole(engine, pixels)[alone, alone], expected, atol=2e-2)


@pytest.mark.parametrize("tile", [None, 36, 56])
def test_tiles_of_the_light_network_equal_the_whole(tile: int | None) -> None:
    pixels = noise(53, 70)
    reach = 9
    context = np.pad(pixels, ((reach, reach), (reach, reach), (0, 0)), mode="reflect")
    model = light_model()
    with torch.no_grad():
        sr = model.network(torch.from_numpy(context.transpose(2, 0, 1).copy())[None].float()).sr
    expected = sr[0].permute(1, 2, 0).numpy()[2 * reach : -2 * reach, 2 * reach : -2 * reach]
    assert np.allclose(whole(fp32(model, tile=tile, keep_colours=False), pixels), expected, atol=1e-3)


@pytest.mark.parametrize(
    ("height", "width", "most"),
    [(20, 30, 2.5), (170, 240, 1.2), (4000, 6000, 1.1)],
)
def test_the_light_networks_tiles_waste_little(height: int, width: int, most: float) -> None:
    engine = fp32(light_model(tile=256))
    assert engine.computed(engine.grid(Box(0, 0, height, width))) <= most * height * width


def test_the_light_network_computes_what_its_grid_says() -> None:
    engine = fp32(light_model())
    region, pixels = Box(0, 0, 70, 90), noise(70, 90)
    assert engine.inside is not None
    made = 0

    def count(module: torch.nn.Module, given: object, output: torch.Tensor) -> None:
        nonlocal made
        made += output.shape[2] * output.shape[3]

    convolutions = [module for module in engine.network.modules() if isinstance(module, FusedConv)]
    body = [module for module in convolutions if module.kernel.shape[:2] == (16, 16)]
    for module in body:
        module.register_forward_hook(count)
    whole(engine, pixels)
    # The average over all maps is that of these, but for the few before and after them.
    assert made / len(body) == pytest.approx(engine.computed(engine.grid(region)), rel=0.06)


def test_what_a_tile_shows_at_its_rim_is_discarded() -> None:
    class Spoilt(torch.nn.Module):
        def forward(self, lr: torch.Tensor, residual: bool = False) -> NetworkOutput:
            sr = lr.repeat_interleave(2, 2).repeat_interleave(2, 3)
            sr[:, :, :4] = sr[:, :, -4:] = 99_999
            sr[:, :, :, :4] = sr[:, :, :, -4:] = 99_999
            return NetworkOutput(sr)

    engine = fp32(nearest_model(2, tile=32, overlap=8), keep_colours=False)
    engine.network = Spoilt()
    pixels = noise(70, 60)
    assert np.allclose(whole(engine, pixels), pixels.repeat(2, axis=0).repeat(2, axis=1), atol=1e-3)


@pytest.mark.parametrize("model", [light_model(tile=64), nearest_model(2, tile=64, overlap=8)])
@pytest.mark.parametrize(("height", "width"), [(20, 30), (176, 132)])
def test_a_tile_larger_than_the_picture_computes_no_more_than_the_picture_needs(
    model: LoadedModel, height: int, width: int
) -> None:
    grid = fp32(model, tile=2048).grid(Box(0, 0, height, width))
    assert (grid.rows, grid.columns) == (1, 1)
    assert grid.height <= max(64, max(height, width) + 48)
    pixels = noise(height, width)
    whole_tile, card_tile = (whole(fp32(model, tile=tile), pixels) for tile in (2048, 64))
    assert np.allclose(whole_tile, card_tile, atol=1e-2)


@pytest.mark.parametrize("batch", [2, 3, 8])
def test_the_batch_size_changes_no_byte(batch: int) -> None:
    model, pixels = random_model(), smooth_scene(90, 130)
    single = whole(fp32(model), pixels)
    assert np.array_equal(whole(fp32(model, batch=batch), pixels), single)


def test_twice_gives_the_same_bytes() -> None:
    model, pixels = random_model(), smooth_scene(60, 70)
    first = whole(Engine(model, EngineOptions(device="cpu")), pixels)
    assert np.array_equal(whole(Engine(model, EngineOptions(device="cpu")), pixels), first)


def seam_excess(engine: Engine, pixels: NDArray[np.uint8]) -> float:
    """Largest step across tile borders over the largest step anywhere else, in what tiling itself changes.

    The picture is zoomed with two tilings whose borders lie elsewhere; their difference has the picture's
    own edges removed, so what remains are the tiles.
    """
    height, width = pixels.shape[:2]
    result = whole(engine, pixels).mean(axis=2)
    grid, s = engine.grid(Box(0, 0, height, width)), engine.scale
    steps = np.abs(np.diff(result, axis=1))
    # In region coordinates tile i's fade begins at i·stride - fade.
    borders = [
        x * s
        for i in range(1, grid.columns)
        for x in range(i * grid.strides[1] - grid.fade, i * grid.strides[1] + 1)
        if 0 < x * s < width * s - 1
    ]
    at_borders = np.zeros(steps.shape[1], dtype=bool)
    for border in borders:
        at_borders[border : border + s] = True
    assert at_borders.any()
    return float(steps[:, at_borders].max() / steps[:, ~at_borders].max())


def test_no_step_across_a_tile_border_exceeds_those_elsewhere_with_random_weights() -> None:
    # The scene repeats with no relation to the tiles, so its own steps are alike at and off their borders.
    y, x = np.mgrid[0:120, 0:180]
    scene = (127 + 60 * np.sin(x / 3.1) * np.cos(y / 4.3) + 40 * np.sin((x + y) / 7.7)).astype(np.uint8)
    pixels = np.stack([scene, scene, 255 - scene], axis=2)
    assert seam_excess(fp32(random_model()), pixels) <= 1.0


def test_no_step_across_a_tile_border_exceeds_those_elsewhere_with_trained_weights() -> None:
    from srnet_cli.models.store import load_model

    y, x = np.mgrid[0:150, 0:260]
    scene = (127 + 60 * np.sin(x / 3.1) * np.cos(y / 4.3) + 40 * np.sin((x + y) / 7.7)).astype(np.uint8)
    pixels = np.stack([scene, scene, 255 - scene], axis=2)
    assert seam_excess(fp32(load_model("srnet-x4")), pixels) <= 1.0


def test_the_ensemble_undoes_its_flips() -> None:
    pixels = noise(40, 40)
    result = whole(fp32(nearest_model(2), ensemble=True), pixels)
    assert np.allclose(result, pixels.repeat(2, axis=0).repeat(2, axis=1), atol=1e-3)


def test_the_residual_comes_along_only_when_asked_for() -> None:
    pixels = noise(40, 50)
    engine = fp32(nearest_model(2))
    plain = list(engine.strips(pixels, Box(0, 0, 40, 50)))
    both = list(engine.strips(pixels, Box(0, 0, 40, 50), residual=True))
    assert all(s.residual is None for s in plain)
    residual = np.concatenate([s.residual.numpy() for s in both if s.residual is not None])
    assert np.allclose(residual, 255 - np.concatenate([s.sr.numpy() for s in both]), atol=1e-3)


class OutOfMemoryAbove(torch.nn.Module):
    """Fails like torch does when a batch is larger than ``batch``, or a tile than ``tile``."""

    def __init__(self, inner: torch.nn.Module, batch: int, tile: int) -> None:
        super().__init__()
        self.inner, self.batch, self.tile = inner, batch, tile

    def forward(self, lr: torch.Tensor, residual: bool = False) -> NetworkOutput:
        if lr.shape[0] > self.batch or lr.shape[2] > self.tile:
            raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory")
        output: NetworkOutput = self.inner(lr, residual)
        return output


def test_out_of_memory_halves_the_batch_and_changes_nothing() -> None:
    model, pixels = random_model(), smooth_scene(90, 200)
    expected = whole(fp32(model), pixels)
    engine = fp32(model, batch=8)
    engine.network = OutOfMemoryAbove(engine.network, batch=2, tile=48)
    assert np.array_equal(whole(engine, pixels), expected)


def test_out_of_memory_then_halves_the_tile() -> None:
    engine = fp32(nearest_model(2, tile=128, overlap=16), batch=2)
    engine.network = OutOfMemoryAbove(engine.network, batch=1, tile=64)
    pixels = noise(90, 200)
    assert np.allclose(whole(engine, pixels), pixels.repeat(2, axis=0).repeat(2, axis=1), atol=1e-3)
    assert engine.tile == 64


def test_out_of_memory_for_good_is_a_clear_error() -> None:
    engine = fp32(nearest_model(2, tile=128, overlap=16))
    engine.network = OutOfMemoryAbove(engine.network, batch=1, tile=8)
    with pytest.raises(DeviceError, match="out of memory"):
        whole(engine, noise(90, 200))


def test_values_that_are_no_numbers_are_named() -> None:
    engine = fp32(nearest_model(2))

    class Broken(torch.nn.Module):
        def forward(self, lr: torch.Tensor, residual: bool = False) -> NetworkOutput:
            return NetworkOutput(lr.repeat_interleave(2, 2).repeat_interleave(2, 3) * float("nan"))

    engine.network = Broken()
    with pytest.raises(WeightsError, match="nearest-x2 gave values that are no numbers"):
        whole(engine, noise(20, 20))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is CUDA here")
def test_cuda_where_there_is_none_is_a_clear_error() -> None:
    with pytest.raises(DeviceError, match="there is none"):
        Engine(nearest_model(), EngineOptions(device="cuda"))


def test_an_unknown_precision_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="int3"):
        Engine(nearest_model(), EngineOptions(device="cpu", precision="int3"))


def test_the_engine_takes_the_pattern_out_where_the_card_says_so() -> None:
    model = random_model(2, tile=48, overlap=12)
    pixels = smooth_scene(96, 80)
    plain = whole(fp32(model, keep_colours=False), pixels)
    levelled = whole(
        fp32(replace(model, card=replace(model.card, patterned=True)), keep_colours=False), pixels
    )
    cells = [result[32:-32, 32:-32].reshape(64, 2, 48, 2, 3) for result in (plain, levelled)]
    spread = [cell.mean(axis=(0, 2)).std(axis=(0, 1)).max() for cell in cells]
    assert 0 < np.abs(plain - levelled).max() <= 1.1
    assert spread[1] < 0.8 * spread[0]
