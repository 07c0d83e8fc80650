"""RAW files zoomed from their mosaic."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import srnet_cli
from srnet_cli.errors import UsageError, WeightsError
from srnet_cli.imaging import Picture, read_picture
from srnet_cli.imaging.boxes import Box
from srnet_cli.imaging.depth import to_8_bit
from srnet_cli.models.card import Card
from srnet_cli.models.store import LoadedModel
from srnet_cli.network.blocks import NetworkOutput
from srnet_cli.network.registry import build_network
from srnet_cli.zooming.chain import Engines
from srnet_cli.zooming.engine import Engine, EngineOptions
from srnet_cli.zooming.forecast.pace import Paces
from srnet_cli.zooming.frame import Frame, plan_frame
from srnet_cli.zooming.guarding.guard import GuardedNetwork
from srnet_cli.zooming.guarding.looks import is_plausible, trial_tile
from srnet_cli.zooming.guarding.ways import _processor
from srnet_cli.zooming.pipeline import tile_count, zoom_picture
from srnet_cli.zooming.rows.mosaics import cells, tied_colours
from tests.captures import Capture, write_dng
from tests.scene import sample_scene
from tests.zooming.models import nearest_model, smooth_scene

CPU = EngineOptions(device="cpu", precision="fp32")


def raw_model(scale: int = 4, plain: bool = False, tile: int = 48) -> LoadedModel:
    """A small network for mosaics with random weights; ``plain`` only interpolates."""
    torch.manual_seed(scale)
    options = {"n_feats": 16, "n_resblocks": 1}
    network = build_network("srnet_raw", 2 * scale, **options)
    if plain:
        torch.nn.init.zeros_(network.tail.weight)
        torch.nn.init.zeros_(network.tail.bias)
    else:
        with torch.no_grad():
            network.tail.weight *= 0.3  # within the range of pictures
    card = Card("raw", "srnet_raw", 2 * scale, options, "camera", tile=tile, overlap=0, light=True)
    return LoadedModel(network.eval(), card, Path())


def captured(folder: Path, capture: Capture | None = None, height: int = 72, width: int = 88) -> Picture:
    path = folder / "a.dng"
    write_dng(path, sample_scene(height, width), capture or Capture())
    return read_picture(path, mosaic="beside")


def zoomed(
    picture: Picture, frame: Frame, model: LoadedModel, options: EngineOptions = CPU
) -> NDArray[np.int64]:
    made = zoom_picture(picture, frame, [Engine(model, options)])
    assert made.mosaic is None
    return to_8_bit(made.pixels).astype(np.int64)


@pytest.mark.parametrize("pattern", ["RGGB", "BGGR", "GRBG", "GBRG"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_a_smooth_scene_comes_out_as_it_is_developed(tmp_path: Path, pattern: str, orientation: int) -> None:
    path = tmp_path / "a.dng"
    scene = (smooth_scene(48, 64) / 255.0) ** 2.2 * 0.8
    scene[..., 2] = scene[..., 1] * 0.5
    write_dng(path, scene, Capture(pattern=pattern, orientation=orientation))
    picture = read_picture(path, mosaic="beside")
    frame = plan_frame(picture.height, picture.width, 4.0)
    made = zoomed(picture, frame, raw_model(plain=True))
    assert made.shape == (4 * picture.height, 4 * picture.width, 3)
    small = made.reshape(picture.height, 4, picture.width, 4, 3).mean(axis=(1, 3))
    difference = (small - to_8_bit(picture.pixels))[4:-4, 4:-4]
    assert np.abs(difference.mean(axis=(0, 1))).max() < 0.5
    assert np.abs(difference).mean() < 1.5


@pytest.mark.parametrize("pattern", ["RGGB", "BGGR"])
@pytest.mark.parametrize("tile", [32, 40])
def test_tiles_of_any_size_give_the_same_picture(tmp_path: Path, pattern: str, tile: int) -> None:
    picture = captured(tmp_path, Capture(pattern=pattern))
    frame = plan_frame(picture.height, picture.width, 4.0)
    whole = zoomed(picture, frame, raw_model(), EngineOptions("cpu", "fp32", tile=256))
    tiled = zoomed(picture, frame, raw_model(), EngineOptions("cpu", "fp32", tile=tile))
    assert np.abs(whole - tiled).max() <= 1


@pytest.mark.parametrize("box", [Box(11, 20, 30, 25), Box(0, 0, 9, 9), Box(41, 63, 31, 25)])
@pytest.mark.parametrize("pattern", ["RGGB", "GBRG"])
def test_a_crop_is_a_part_of_the_whole(tmp_path: Path, box: Box, pattern: str) -> None:
    picture = captured(tmp_path, Capture(pattern=pattern))
    options = EngineOptions("cpu", "fp32", keep_colours=False)
    whole = zoomed(picture, plan_frame(picture.height, picture.width, 4.0), raw_model(), options)
    part = zoomed(picture, plan_frame(picture.height, picture.width, 4.0, crop=box), raw_model(), options)
    rows, columns = (
        slice(4 * box.top, 4 * (box.top + box.height)),
        slice(4 * box.left, 4 * (box.left + box.width)),
    )
    assert np.abs(whole[rows, columns] - part).max() <= 1


@pytest.mark.parametrize("scale", [1.0, 2.0, 3.3])
def test_smaller_scales_are_reduced_in_light(tmp_path: Path, scale: float) -> None:
    picture = captured(tmp_path)
    frame = plan_frame(picture.height, picture.width, scale)
    made = zoomed(picture, frame, raw_model(plain=True))
    assert made.shape[:2] == (round(picture.height * scale), round(picture.width * scale))
    assert abs(made.mean() - to_8_bit(picture.pixels).mean()) < 2


def test_noise_gives_no_colour_cast(tmp_path: Path) -> None:
    path = tmp_path / "a.dng"
    write_dng(path, np.full((96, 96, 3), (0.2, 0.1, 0.05)), Capture(read_noise=20.0, full_well=4000))
    picture = read_picture(path, mosaic="beside")
    made = zoomed(picture, plan_frame(96, 96, 4.0), raw_model(plain=True))
    difference = made[64:-64, 64:-64].mean(axis=(0, 1)) - to_8_bit(picture.pixels)[16:-16, 16:-16].mean(
        axis=(0, 1)
    )
    assert np.abs(difference).max() < 1.5


@pytest.mark.parametrize("scale", [1.5, 8.0])
def test_from_python(tmp_path: Path, scale: float, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.dng"
    write_dng(path, sample_scene(32, 40))
    second = Engine(nearest_model(2), CPU)
    monkeypatch.setattr(Engines, "for_scale", lambda self, scale: [second] if scale > 1 else [])
    made = srnet_cli.zoom(path, scale, model=raw_model(), engine=CPU)
    assert made.pixels.shape == (round(32 * scale), round(40 * scale), 3)
    with pytest.raises(WeightsError, match="takes the mosaic"):
        srnet_cli.zoom(np.zeros((16, 16, 3), np.uint8), 2, model=raw_model(), engine=CPU)


def test_a_picture_has_no_mosaic() -> None:
    picture = Picture(smooth_scene(32, 32))
    with pytest.raises(WeightsError, match="takes the mosaic of a RAW file"):
        zoom_picture(picture, plan_frame(32, 32, 4.0), [Engine(raw_model(), CPU)])


def test_flips_would_move_colours() -> None:
    with pytest.raises(UsageError, match="--ensemble flips"):
        Engine(raw_model(), EngineOptions("cpu", ensemble=True))


def test_a_second_pass_takes_the_developed_result(tmp_path: Path) -> None:
    picture = captured(tmp_path, height=32, width=40)
    engines = [Engine(raw_model(plain=True), CPU), Engine(nearest_model(2), CPU)]
    made = zoom_picture(picture, plan_frame(32, 40, 8.0), engines)
    once = zoom_picture(picture, plan_frame(32, 40, 4.0), engines[:1])
    assert made.pixels.shape == (256, 320, 3)
    repeated = once.pixels.repeat(2, axis=0).repeat(2, axis=1).astype(np.int64)
    assert np.abs(made.pixels.astype(np.int64) - repeated).max() <= 257 * 3


def test_tiles_are_counted_in_cells() -> None:
    frame = plan_frame(96, 96, 4.0)
    assert tile_count(frame, [Engine(raw_model(tile=64), CPU)]) >= 1
    assert cells(Box(3, 4, 5, 6), 2) == Box(1, 2, 3, 3)
    assert cells(Box(3, 4, 5, 6), 2, (1, 1)) == Box(2, 2, 3, 4)
    assert cells(Box(3, 4, 5, 6), 1) == Box(3, 4, 5, 6)


def test_colours_of_cells_are_taken_at_their_middle() -> None:
    # A slope along x: of the sensor's pixels, 2x + 1 is the middle of cell x.
    x = np.arange(24)
    slope = np.broadcast_to(1000 + 100 * x, (16, 24))
    packed = np.stack([slope[::2, ::2], slope[::2, 1::2], slope[1::2, 1::2], slope[1::2, ::2]], axis=2)
    tied = tied_colours(packed.astype(np.uint16))
    expected = 1000 + 100 * (2 * np.arange(12) + 0.5)
    assert np.abs(tied[:, 1:-1].astype(float) - expected[1:-1, None]).max() <= 1
    assert tied_colours(packed[..., :3].astype(np.uint16)).shape == (8, 12, 3)


def test_how_long_it_takes_is_measured_on_mosaics(tmp_path: Path) -> None:
    paces = Paces(tmp_path / "paces.json")
    frame = plan_frame(32, 32, 4)
    assert paces.seconds(frame, [Engine(raw_model(tile=32), CPU)]) > 0


def test_a_card_that_computes_it_is_looked_after() -> None:
    network = raw_model(plain=True).network
    guarded = GuardedNetwork(network, [_processor(network), _processor(network)])
    tile = trial_tile(4)
    made = guarded(tile)
    assert made.sr.shape == (1, 3, 256, 256) and is_plausible(tile, made)
    assert not is_plausible(tile, NetworkOutput(torch.zeros_like(made.sr)))
