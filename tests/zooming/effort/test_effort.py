from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

import srnet_cli
from srnet_cli.errors import UsageError
from srnet_cli.imaging.boxes import Box
from srnet_cli.models.store import LoadedModel, load_model
from srnet_cli.zooming.batch import ZoomRequest, run_batch
from srnet_cli.zooming.chain import Engines, ModelChoice
from srnet_cli.zooming.effort.texture import PLAIN_SLOPE, mean_slope, plain_share
from srnet_cli.zooming.engine import Engine, EngineOptions
from tests.zooming.models import light_model, nearest_model, noise

OPTIONS = EngineOptions(device="cpu", precision="fp32", keep_colours=False)


def engine(model: LoadedModel, lighter: LoadedModel | None = None) -> Engine:
    return Engine(model, OPTIONS, None if lighter is None else Engine(lighter, OPTIONS))


def whole(made_by: Engine, pixels: NDArray[np.uint8], residual: bool = False) -> NDArray[np.float32]:
    strips = made_by.strips(pixels, Box(0, 0, *pixels.shape[:2]), residual)
    return np.concatenate([(s.sr if s.residual is None else s.residual).numpy() for s in strips])


def half_plain(height: int = 90, width: int = 200) -> NDArray[np.uint8]:
    """A slow ramp on the left, noise on the right."""
    pixels = np.linspace(90, 140, width).astype(np.uint8)[None, :, None].repeat(height, 0).repeat(3, 2)
    pixels[:, width // 2 :] = noise(height, width - width // 2)
    return pixels


def test_noise_of_a_sensor_is_plain_and_a_pattern_is_not() -> None:
    random = np.random.default_rng(0)
    grainy = (120 + random.normal(0, 4, (64, 64, 3))).round().astype(np.uint8)
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::8] = stripes[:, 1::8] = stripes[:, 2::8] = 120
    assert mean_slope(grainy) < PLAIN_SLOPE < mean_slope(stripes)
    assert mean_slope(stripes.astype(np.uint16) * 257) == pytest.approx(mean_slope(stripes), rel=1e-3)


def test_the_light_network_does_the_plain_tiles_and_the_full_one_the_others() -> None:
    pixels, full, light = half_plain(), nearest_model(2), light_model(2)
    both = engine(full, light)
    mixed = whole(both, pixels)
    assert np.allclose(mixed[:, :100], whole(engine(light), pixels)[:, :100], atol=1e-3)
    assert np.allclose(mixed[:, 300:], whole(engine(full), pixels)[:, 300:], atol=1e-3)
    assert 0 < both.light_tiles < both.tiles
    grid = both.grid(Box(0, 0, *pixels.shape[:2]))
    assert both.light_tiles / both.tiles == plain_share(pixels, grid)
    both.begin_picture()
    assert both.tiles == both.light_tiles == 0


def test_a_light_tile_is_what_the_light_network_makes_of_the_whole_picture() -> None:
    """Its context is the picture's own, so faded together the two results of one network are that result."""
    pixels = np.asarray(cv2.GaussianBlur(noise(70, 150), (0, 0), 12), np.uint8)
    light = light_model(2)
    assert np.allclose(
        whole(engine(nearest_model(2), light), pixels), whole(engine(light), pixels), atol=1e-2
    )


def test_the_residual_comes_from_both() -> None:
    pixels = half_plain()
    residual = whole(engine(nearest_model(2), light_model(2)), pixels, residual=True)
    assert residual.shape == (180, 400, 3)
    assert np.allclose(residual[:, 300:], 255 - pixels[:, 150:].repeat(2, 0).repeat(2, 1), atol=1e-3)


def test_engines_take_the_light_model_of_the_same_scale() -> None:
    (auto,) = Engines(ModelChoice(effort="auto", engine=OPTIONS)).for_scale(4)
    assert auto.card.name == "srnet-x4" and auto.lighter is not None
    assert auto.lighter.card.name == "srnet-lite-x4" and auto.lighter.crisp == auto.crisp == 1
    (light,) = Engines(ModelChoice(effort="light", crisp=0.5, engine=OPTIONS)).for_scale(4)
    assert light.card.name == "srnet-lite-x4" and light.crisp == 0.5
    (full,) = Engines(ModelChoice(engine=OPTIONS)).for_scale(4)
    assert full.lighter is None


@pytest.mark.parametrize("model", ["srnet-x8", "srnet-lite-x4"])
def test_a_model_without_a_light_one_beside_it_is_refused_at_once(model: str) -> None:
    for effort in ("auto", "light"):
        with pytest.raises(UsageError, match="no light model beside"):
            Engines(ModelChoice(model, effort=effort)).check(4)
    Engines(ModelChoice(effort="auto")).check(8)


def test_contradictions_are_refused() -> None:
    with pytest.raises(UsageError, match="--fast"):
        ZoomRequest(fast=True, effort="auto")
    with pytest.raises(UsageError, match="none of auto"):
        srnet_cli.zoom(noise(8, 8), 4, effort="great")  # type: ignore[call-overload]
    with pytest.raises(UsageError, match="loaded"):
        srnet_cli.zoom(noise(8, 8), 4, model=load_model("srnet-lite-x4"), effort="auto")


def test_a_batch_tells_the_share_of_light_tiles(tmp_path: Path) -> None:
    plain = np.full((20, 30, 3), 120, np.uint8)
    srnet_cli.write_picture(srnet_cli.Picture(plain), tmp_path / "a.png")
    shares = {}
    for effort in ("auto", "full", "light"):
        request = ZoomRequest(effort=effort, engine=OPTIONS, overwrite=True)
        (made,) = run_batch([tmp_path / "a.png"], tmp_path / "b.png", request) or []
        shares[effort] = made.document()["light_share"]
    assert shares == {"auto": 1, "full": 0, "light": 1}
    assert np.array_equal(srnet_cli.zoom(plain, 4, effort="auto"), srnet_cli.zoom(plain, 4, effort="light"))
