"""The share of plain bicubic in a result."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from srnet_cli.imaging import Picture, WriteOptions, read_picture
from srnet_cli.imaging.boxes import Box
from srnet_cli.imaging.resize import resize
from srnet_cli.zooming.engine import Engine, EngineOptions
from srnet_cli.zooming.frame import plan_frame
from srnet_cli.zooming.pipeline import zoom_picture, zoom_to_file
from srnet_cli.zooming.strength import PlainRows
from tests.zooming.models import nearest_model, noise, smooth_scene


def engine(scale: int) -> Engine:
    return Engine(nearest_model(scale), EngineOptions(device="cpu", precision="fp32"))


def off(first: np.ndarray, second: np.ndarray) -> int:
    return int(np.abs(first.astype(int) - second.astype(int)).max())


@pytest.mark.parametrize("size", [(40, 52), (97, 33), (5, 3)])
@pytest.mark.parametrize("scale", [2, 4])
def test_without_the_network_it_is_pillows_bicubic(size: tuple[int, int], scale: int) -> None:
    picture = Picture(noise(*size))
    frame = plan_frame(*size, scale)
    plain = zoom_picture(picture, frame, [engine(scale)], strength=0).pixels
    assert np.array_equal(plain, resize(picture.pixels, frame.height, frame.width, "bicubic"))


def test_sixteen_bits_and_a_chain() -> None:
    picture = Picture(noise(30, 41, dtype=np.uint16))
    plain = zoom_picture(picture, plan_frame(30, 41, 8), [engine(4), engine(2)], strength=0).pixels
    assert off(plain, resize(picture.pixels, 240, 328, "bicubic")) <= 1


def test_without_the_network_it_is_not_run(tmp_path: Path) -> None:
    picture, frame, silent = Picture(noise(300, 20)), plan_frame(300, 20, 2), engine(2)

    def computed() -> None:
        raise AssertionError("a tile was computed")

    zoom_picture(picture, frame, [silent], computed, strength=0)
    zoom_to_file(picture, frame, [silent], tmp_path / "a.png", WriteOptions(), strength=0, on_tile=computed)
    with pytest.raises(AssertionError, match="tile"):
        zoom_picture(picture, frame, [silent], computed, strength=0.01)


@pytest.mark.parametrize("scale", [1.5, 2, 3, 4, 7])
def test_the_last_of_the_network_moves_nothing(scale: float) -> None:
    """The slider's end is where its values near the end lead: the same pixels, at the same place."""
    picture = Picture(noise(31, 43, dtype=np.uint16))
    for frame in (plan_frame(31, 43, scale), plan_frame(31, 43, scale, "camera")):
        chain = [engine(2)] if scale <= 2 else [engine(4), engine(2)] if scale > 4 else [engine(4)]
        none, little = (zoom_picture(picture, frame, chain, strength=s).pixels for s in (0, 1e-4))
        assert off(none, little) <= 20


def test_between_them_it_is_linear() -> None:
    picture = Picture(noise(60, 45, dtype=np.uint16) // 2 + 16_000)  # nothing overshoots
    frame = plan_frame(60, 45, 4)
    ends = [zoom_picture(picture, frame, [engine(4)], strength=s).pixels.astype(float) for s in (0, 1)]
    for strength in (0.25, 0.5, 0.9):
        result = zoom_picture(picture, frame, [engine(4)], strength=strength).pixels
        assert np.abs(result - (ends[0] + strength * (ends[1] - ends[0]))).max() <= 1.01


@pytest.mark.parametrize(
    ("height", "width", "scale"), [(40, 64, 4.0), (41, 63, 4.0), (37, 50, 2.6), (33, 47, 3.0)]
)
def test_frames_and_crops_lie_where_the_network_has_them(height: int, width: int, scale: float) -> None:
    """A ramp, whatever is done to it, stays where it is; half a pixel aside would be seen."""
    ramp = np.arange(width) * 1000 + np.arange(height)[:, None] * 300
    picture = Picture(np.repeat(ramp.astype(np.uint16)[..., None], 3, axis=2))
    frames = [
        plan_frame(height, width, scale),
        plan_frame(height, width, scale, "camera"),
        plan_frame(height, width, scale, crop=Box(5, 7, 21, 17)),
    ]
    for frame in frames:
        sharp, plain = (zoom_picture(picture, frame, [engine(4)], strength=s).pixels for s in (1, 0))
        inner = (slice(12, -12), slice(12, -12), 0)
        difference = sharp[inner].astype(float) - plain[inner].astype(float)
        # Repeated pixels wander about the ramp by their width, but not to one side.
        assert abs(difference.mean()) < 0.03 * 1000, frame


def test_strips_are_those_of_the_whole() -> None:
    pixels = smooth_scene(50, 61).astype(np.uint16) * 257
    frame = plan_frame(50, 61, 2.5)
    plain = PlainRows(pixels, frame, aligned=False)
    whole = plain.rows(0, frame.height)
    parts = [plain.rows(first, min(17, frame.height - first)) for first in range(0, frame.height, 17)]
    assert np.abs(np.concatenate(parts) - whole).max() < 1e-3
    assert whole.shape == (frame.height, frame.width, 3)


def test_a_file_gets_what_a_picture_gets(tmp_path: Path) -> None:
    picture = Picture(noise(70, 44), alpha=noise(70, 44, seed=2)[..., 0])
    frame = plan_frame(70, 44, 3)
    zoom_to_file(picture, frame, [engine(4)], tmp_path / "a.png", WriteOptions(), strength=0.3)
    expected = zoom_picture(picture, frame, [engine(4)], strength=0.3)
    result = read_picture(tmp_path / "a.png")
    assert np.array_equal(result.pixels, expected.pixels)
    assert result.alpha is not None and expected.alpha is not None
    assert np.array_equal(result.alpha, expected.alpha)
