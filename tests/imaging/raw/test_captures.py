"""The capture writer makes files that LibRaw opens bit-exactly and that develop to the scene."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from srnet_cli.imaging import RawOptions, read_focal_length, read_mosaic, read_picture
from tests import captures
from tests.captures import Capture, write_arw, write_dng
from tests.scene import sample_scene, srgb_to_linear


def smooth_scene(height: int = 64, width: int = 96) -> np.ndarray:
    """Linear colours that vary slowly, so that demosaicking restores them."""
    y, x = np.mgrid[:height, :width]
    return np.stack([0.1 + 0.6 * x / width, 0.2 + 0.5 * y / height, 0.6 - 0.4 * x / width], axis=2)


@pytest.mark.parametrize("pattern", ["RGGB", "BGGR", "GRBG", "GBRG"])
def test_mosaic_comes_back_bit_exactly(tmp_path: Path, pattern: str) -> None:
    capture = Capture(pattern=pattern, black_level=(500, 510, 520, 530), white_level=4000, read_noise=3.0)
    path = tmp_path / "a.dng"
    write_dng(path, smooth_scene(), capture)
    mosaic = read_mosaic(path)
    np.testing.assert_array_equal(mosaic.values, captures.mosaic(smooth_scene(), capture))
    assert ["RGB"[c] for row in mosaic.pattern for c in row] == list(pattern)
    assert mosaic.black_levels == (500, 510, 520, 530)
    assert mosaic.white_level == 4000
    gains = {"R": 2.2, "G": 1.0, "B": 1.6}
    assert mosaic.gains == pytest.approx([gains[c] for c in pattern], abs=1e-4)


@pytest.mark.parametrize("write", [write_dng, write_arw])
def test_develops_to_the_scene(tmp_path: Path, write) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / ("a.dng" if write is write_dng else "a.arw")
    write(path, smooth_scene())
    picture = read_picture(path, RawOptions(demosaic="linear"))
    linear = srgb_to_linear(picture.pixels[4:-4, 4:-4] / 65535)
    if write is write_arw:
        # LibRaw takes the brightest value of an ARW into account for white.
        linear *= smooth_scene()[4:-4, 4:-4].mean() / linear.mean()
    np.testing.assert_allclose(linear, smooth_scene()[4:-4, 4:-4], atol=0.012)
    assert read_focal_length(path) == 35.0


def test_noise_is_repeatable_and_grows_with_light() -> None:
    capture = Capture(read_noise=4.0, seed=3)
    dark, bright = np.full((64, 64, 3), 0.05), np.full((64, 64, 3), 0.8)
    np.testing.assert_array_equal(captures.mosaic(dark, capture), captures.mosaic(dark, capture))
    assert (
        captures.mosaic(bright, capture)[::2, ::2].std()
        > 1.5 * captures.mosaic(dark, capture)[::2, ::2].std()
    )


def test_sample_capture(tmp_path: Path) -> None:
    path = tmp_path / "sample.dng"
    assert captures.main([str(path)]) == 0
    picture = read_picture(path)
    assert picture.pixels.shape == (320, 480, 3)
    assert picture.raw
    assert picture.metadata.focal_length == 35.0
    # Neutral parts of the chart show no cast, and the exposure uses the range.
    scene = sample_scene()
    neutral = (np.ptp(scene, axis=2) < 0.02) & (scene.mean(axis=2) > 0.2)
    means = picture.pixels[neutral].mean(axis=0)
    assert np.ptp(means) < 0.02 * means.mean()
    assert np.percentile(picture.pixels, 99.5) > 50_000
    assert np.percentile(picture.pixels, 1) < 20_000


def test_wrong_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    assert captures.main([]) == 2
    assert "usage" in capsys.readouterr().err
