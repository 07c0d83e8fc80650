"""Colour-matched and shift-tolerant PSNR recover changes that were made on purpose."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from srnet_cli.metrics import fit_colour, psnr_colour_matched, psnr_rgb, psnr_shift_tolerant


@pytest.fixture(scope="module")
def scene() -> NDArray[np.uint8]:
    """Smooth structure of all sizes, none of it clipped."""
    random = np.random.default_rng(0)
    layers = [cv2.GaussianBlur(random.normal(size=(160, 200, 3)), (0, 0), s) * s for s in (1.5, 4, 12)]
    total = np.sum(layers, axis=0)
    return np.asarray(128 + 30 * total / total.std(), np.float32).clip(30, 225).astype(np.uint8)


def test_colour_fit_recovers_gain_and_offset(scene: NDArray[np.uint8]) -> None:
    gain, offset = np.array([0.9, 1.1, 0.8]), np.array([10.0, -12.0, 20.0])
    cast = np.rint(scene * gain + offset).astype(np.uint8)
    match = fit_colour(scene, cast)
    assert match.gain == pytest.approx(gain, abs=0.01)
    assert match.offset == pytest.approx(offset, abs=1.0)
    assert psnr_rgb(scene, cast) < 35
    assert psnr_colour_matched(scene, cast) > 48


def test_colour_fit_does_not_shrink_contrast_of_a_blurred_or_moved_picture(
    scene: NDArray[np.uint8],
) -> None:
    moved = np.roll(cv2.GaussianBlur(scene, (0, 0), 2), 2, axis=1)
    assert fit_colour(moved, scene).gain == pytest.approx((1.0, 1.0, 1.0), abs=0.06)


def test_colour_fit_of_a_flat_picture_is_an_offset() -> None:
    grey, lighter = np.full((9, 9, 3), 100, np.uint8), np.full((9, 9, 3), 117, np.uint8)
    match = fit_colour(grey, lighter)
    assert match.gain == (1.0, 1.0, 1.0)
    assert match.offset == (17.0, 17.0, 17.0)
    assert np.array_equal(match.apply(grey), lighter)


def test_colour_match_clips_at_the_peak() -> None:
    bright = np.full((4, 4, 3), 60000, np.uint16)
    match = fit_colour(np.full((4, 4, 3), 30000, np.uint16), bright)
    assert np.all(match.apply(bright, peak=65535.0) == 65535)


@pytest.mark.parametrize(("down", "right"), [(0, 0), (3, -2), (-4, 4)])
def test_whole_shifts_are_found(scene: NDArray[np.uint8], down: int, right: int) -> None:
    displaced = np.roll(scene, (-down, -right), axis=(0, 1))
    shifted = psnr_shift_tolerant(displaced, scene)
    assert (shifted.down, shifted.right) == (down, right)
    assert shifted.psnr == np.inf


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_shift_between_pixels_is_found(scene: NDArray[np.uint8], dtype: type) -> None:
    matrix = np.array([[1, 0, -1.4], [0, 1, 2.25]])
    displaced = cv2.warpAffine(
        scene, matrix, scene.shape[1::-1], flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
    )
    shifted = psnr_shift_tolerant(displaced.astype(dtype), scene.astype(dtype))
    assert (shifted.down, shifted.right) == pytest.approx((-2.25, 1.4), abs=0.1)
    assert shifted.psnr > psnr_rgb(displaced, scene) + 10


def test_never_below_the_plain_figure_inside_the_border(scene: NDArray[np.uint8]) -> None:
    noise = np.random.default_rng(5).integers(0, 256, scene.shape, dtype=np.uint8)
    assert psnr_shift_tolerant(noise, scene, shave=2).psnr >= psnr_rgb(noise, scene, shave=2 + 4 + 4)


def test_bad_pairs_are_refused(scene: NDArray[np.uint8]) -> None:
    with pytest.raises(ValueError, match="one shape"):
        fit_colour(scene, scene[:100])
    with pytest.raises(ValueError, match="too small"):
        psnr_shift_tolerant(scene[:16, :16], scene[:16, :16])
