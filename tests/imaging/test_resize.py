"""Resizing against Pillow, against hand-computed values, and against MATLAB's documented behaviour."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from srnet_cli.imaging.resize import matlab_bicubic, resize

SIZES = [(31, 50), (60, 17), (97, 143), (1, 1), (47, 61)]
FILTERS = ["nearest", "bilinear", "bicubic", "lanczos"]


@pytest.fixture
def picture() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (47, 61, 3), dtype=np.uint8)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("method", FILTERS)
def test_eight_bit_is_pillow(picture: NDArray[np.uint8], method: str, size: tuple[int, int]) -> None:
    expected = Image.fromarray(picture).resize(size[::-1], Image.Resampling[method.upper()])
    assert np.array_equal(resize(picture, *size, method), np.asarray(expected))  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [(31, 50), (97, 143)])
@pytest.mark.parametrize("method", [*FILTERS[1:]])
def test_sixteen_bit_agrees_with_eight(
    picture: NDArray[np.uint8], method: str, size: tuple[int, int]
) -> None:
    picture = picture // 2 + 64  # no overshoot, which 8 bit would clip between Pillow's two passes
    deep = resize(picture.astype(np.uint16) * 257, *size, method)  # type: ignore[arg-type]
    shallow = resize(picture, *size, method)  # type: ignore[arg-type]
    assert deep.dtype == np.uint16
    # Pillow rounds 8-bit pictures between the passes, so a level and a half is the most they differ.
    assert np.abs(deep / 257 - shallow).max() < 1.5


def test_sixteen_bit_keeps_its_depth() -> None:
    ramp = np.tile(np.arange(1000, 1064, dtype=np.uint16), (8, 1))
    enlarged = resize(ramp, 8, 640, "bicubic")
    assert np.array_equal(np.unique(enlarged), np.arange(1000, 1064))


def test_sixteen_bit_overshoot_is_clipped() -> None:
    edge = np.zeros((16, 16), np.uint16)
    edge[:, 8:] = 65535
    enlarged = resize(edge, 64, 64, "lanczos")
    assert np.all(enlarged[:, :20] < 1000)
    assert np.all(enlarged[:, -20:] > 64000)


def test_nearest_repeats_pixels(picture: NDArray[np.uint8]) -> None:
    expected = np.repeat(np.repeat(picture, 4, axis=0), 4, axis=1)
    for dtype in (np.uint8, np.uint16, np.float32):
        assert np.array_equal(resize(picture.astype(dtype), 188, 244, "nearest"), expected)


@pytest.mark.parametrize("channels", [None, 1, 2, 3, 4])
@pytest.mark.parametrize("method", FILTERS)
def test_shape_and_type_are_kept(channels: int | None, method: str) -> None:
    shape = (12, 10) if channels is None else (12, 10, channels)
    for dtype in (np.uint8, np.uint16, np.float32):
        pixels = np.full(shape, 200, dtype)
        resized = resize(pixels, 6, 7, method)  # type: ignore[arg-type]
        assert resized.shape == (6, 7, *shape[2:])
        assert resized.dtype == dtype
        assert np.allclose(resized, 200)


def test_four_channels_are_independent() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (12, 10, 4), dtype=np.uint8)
    alone = resize(np.ascontiguousarray(pixels[..., :3]), 30, 30, "bicubic")
    assert np.array_equal(resize(pixels, 30, 30, "bicubic")[..., :3], alone)


def test_same_size_is_a_copy(picture: NDArray[np.uint8]) -> None:
    copy = resize(picture, 47, 61, "bicubic")
    assert np.array_equal(copy, picture)
    assert not np.shares_memory(copy, picture)


@pytest.mark.parametrize("size", [(0, 5), (5, -1)])
def test_empty_size_is_refused(picture: NDArray[np.uint8], size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="cannot resize"):
        resize(picture, *size, "bicubic")
    with pytest.raises(ValueError, match="cannot resize"):
        matlab_bicubic(picture, *size)


def test_unknown_interpolation_and_type_are_refused(picture: NDArray[np.uint8]) -> None:
    with pytest.raises(ValueError, match="unknown interpolation 'cubic'"):
        resize(picture, 5, 5, "cubic")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="cannot resize float64"):
        resize(picture.astype(np.float64), 5, 5, "bicubic")  # type: ignore[type-var]


def test_matlab_halving_has_the_known_taps() -> None:
    # imresize(x, 0.5) of an impulse: the cubic kernel at odd quarters, stretched by two.
    impulse = np.zeros((1, 32), np.float32)
    impulse[0, 16] = 1
    reduced = matlab_bicubic(impulse, 1, 16)[0]
    taps = 0.5 * np.array([cubic(0.5 * (16 - (2 * i + 0.5))) for i in range(16)])
    assert np.allclose(reduced, taps, atol=1e-7)


def cubic(x: float) -> float:
    x = abs(x)
    if x <= 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0


def test_matlab_mirrors_the_border() -> None:
    ramp = np.arange(16, dtype=np.float32)[None, :]
    mirrored = np.concatenate([ramp[:, ::-1], ramp, ramp[:, ::-1]], axis=1)
    assert np.allclose(matlab_bicubic(ramp, 1, 4), matlab_bicubic(mirrored, 1, 12)[:, 4:8], atol=1e-5)


def test_matlab_rounds_integers_between_the_axes(picture: NDArray[np.uint8]) -> None:
    columns_first = matlab_bicubic(matlab_bicubic(picture, 47, 15), 12, 15)
    assert np.array_equal(matlab_bicubic(picture, 12, 15), columns_first)  # 15/61 is the smaller factor


def test_matlab_keeps_constants() -> None:
    for dtype in (np.uint8, np.uint16, np.float32):
        assert np.allclose(matlab_bicubic(np.full((9, 11, 3), 173, dtype), 4, 25), 173)
