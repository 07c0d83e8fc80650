from __future__ import annotations

import numpy as np
import pytest

from srnet_cli.imaging import Picture
from srnet_cli.models.store import load_model
from srnet_cli.zooming.engine import Engine, EngineOptions
from srnet_cli.zooming.frame import plan_frame
from srnet_cli.zooming.pipeline import zoom_picture
from srnet_cli.zooming.transparency import extend_colours


@pytest.mark.parametrize("strength", [1, 0.4, 0])
@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
@pytest.mark.parametrize("hidden", [(0, 0, 0), (255, 0, 255)])
def test_no_hidden_colour_is_seen(depth: type, hidden: tuple[int, int, int], strength: float) -> None:
    step = np.iinfo(depth).max // 255
    y, x = np.mgrid[0:40, 0:50]
    inside = (y - 20) ** 2 + (x - 25) ** 2 < 150
    pixels = (np.where(inside[..., None], (200, 120, 40), hidden) * step).astype(depth)
    alpha = (inside * np.iinfo(depth).max).astype(depth)
    engine = Engine(load_model("srnet-lite-x2"), EngineOptions(device="cpu", precision="fp32"))
    picture = Picture(pixels, alpha=alpha)
    result = zoom_picture(picture, plan_frame(40, 50, 2), [engine], strength=strength)
    assert result.alpha is not None
    seen = result.pixels[result.alpha > 0].astype(int) / step
    assert np.abs(seen - (200, 120, 40)).max() <= 1


@pytest.mark.parametrize("strength", [1, 0])
def test_no_hidden_colour_spreads_into_a_soft_edge(strength: float) -> None:
    y, x = np.mgrid[0:40, 0:50]
    alpha = np.clip((15 - np.hypot(y - 20, x - 25)) * 60 + 128, 0, 255).astype(np.uint8)
    pixels = np.where(alpha[..., None] > 0, (200, 120, 40), (0, 255, 255)).astype(np.uint8)
    engine = Engine(load_model("srnet-lite-x2"), EngineOptions(device="cpu", precision="fp32"))
    picture = Picture(pixels, alpha=alpha)
    result = zoom_picture(picture, plan_frame(40, 50, 2), [engine], strength=strength)
    assert result.alpha is not None
    seen = np.abs(result.pixels.astype(int) - (200, 120, 40)) * (result.alpha[..., None] / 255)
    assert seen.max() <= 1


@pytest.mark.parametrize("faint", [1, 3])
@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_a_colour_that_is_hardly_seen_leaves_no_fringe(depth: type, faint: int) -> None:
    """Enlarged with its alpha, as a plain interpolation is, green of one or three levels has no weight."""
    step = np.iinfo(depth).max // 255
    pixels = np.full((40, 50, 3), (0, 255, 0), np.uint8)
    alpha = np.full((40, 50), faint, np.uint8)
    pixels[10:30, 12:38], alpha[10:30, 12:38] = (200, 120, 40), 255
    engine = Engine(load_model("srnet-lite-x2"), EngineOptions(device="cpu", precision="fp32"))
    picture = Picture(pixels.astype(depth) * step, alpha=alpha.astype(depth) * step)
    result = zoom_picture(picture, plan_frame(40, 50, 2), [engine])
    assert result.alpha is not None
    seen = result.alpha.astype(int) / step > 128
    assert np.abs(result.pixels[seen].astype(int) / step - (200, 120, 40)).max() <= 8


def test_faint_colours_of_their_own_stay() -> None:
    """A glow away from everything, and soft edges of one colour."""
    y, x = np.mgrid[0:60, 0:80]
    pixels = np.full((60, 80, 3), (0, 200, 255), np.uint8)
    pixels[:, :30] = (200, 120, 40)
    alpha = np.where(x < 30, 255, np.where(x < 62, 0, 10)).astype(np.uint8)
    extended = extend_colours(pixels, alpha)
    for part in (np.s_[:, :30], np.s_[:, 62:]):
        assert np.array_equal(extended[part], pixels[part])
    soft = np.clip((15 - np.hypot(y - 30, x - 40)) * 20 + 128, 0, 255).astype(np.uint8)
    one = np.full((60, 80, 3), (200, 120, 40), np.uint8)
    assert np.array_equal(extend_colours(one, soft), one)
