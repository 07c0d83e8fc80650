"""SSIM against scikit-image and the published pair."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from skimage.metrics import structural_similarity

from srnet_cli.imaging.resize import resize
from srnet_cli.metrics import luma, ssim, ssim_y

Pair = tuple[NDArray[np.uint8], NDArray[np.uint8]]


@pytest.fixture(params=[(40, 33), (1100, 20), (7, 90)])  # 1100 rows: more than two strips
def pair(request: pytest.FixtureRequest) -> Pair:
    random = np.random.default_rng(3)
    reference = random.integers(0, 256, (*request.param, 3), dtype=np.uint8)
    noise = random.normal(0, 20, reference.shape)
    return np.clip(reference + noise, 0, 255).astype(np.uint8), reference


@pytest.mark.parametrize("data_range", [1.0, 2.0])
def test_uniform_window_is_scikit_image(pair: Pair, data_range: float) -> None:
    result, reference = pair
    expected = structural_similarity(result / 255, reference / 255, data_range=data_range, channel_axis=2)
    assert ssim(result, reference, data_range=data_range) == pytest.approx(expected, rel=1e-9)


def test_gaussian_window_is_scikit_image(pair: Pair) -> None:
    result, reference = pair
    if min(result.shape[:2]) < 11:
        with pytest.raises(ValueError, match="too few"):
            ssim_y(result, reference)
        return
    expected = structural_similarity(
        luma(result),
        luma(reference),
        data_range=255,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    assert ssim_y(result, reference) == pytest.approx(expected, rel=1e-9)


def test_published_pair(parity: Path) -> None:
    expected = json.loads((parity / "motivation/motivation.json").read_text())["ssim_zoom_bicubic"]
    with Image.open(parity / "motivation/hr.png") as hr, Image.open(parity / "motivation/lr.png") as lr:
        reference = np.asarray(hr.convert("RGB"))
        small = np.asarray(lr.convert("RGB"))[::4, ::4]
    result = resize(np.ascontiguousarray(small), reference.shape[0], reference.shape[1], "bicubic")
    assert ssim(result, reference) == pytest.approx(expected["data_range_1"], rel=1e-9)
    legacy = ssim(result, reference, data_range=2)
    assert legacy == pytest.approx(expected["data_range_2_old_skimage_default"], rel=1e-9)


def test_equal_pictures_and_shave() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (30, 30, 3), dtype=np.uint8)
    damaged = picture.copy()
    damaged[:3] = 0
    assert ssim(picture, picture) == pytest.approx(1.0)
    assert ssim(damaged, picture) < 0.95
    assert ssim(damaged, picture, shave=3) == pytest.approx(1.0)
    assert ssim_y(damaged, picture, shave=3) == pytest.approx(1.0)


def test_sixteen_bit_is_the_same_figure() -> None:
    random = np.random.default_rng(1)
    first, second = random.integers(0, 256, (2, 24, 24, 3)).astype(np.uint16)
    deep = ssim(first * 257, second * 257, peak=65535.0)
    assert deep == pytest.approx(ssim(first, second), rel=1e-9)


def test_grey_pictures() -> None:
    grey = np.random.default_rng(1).integers(0, 256, (24, 24), dtype=np.uint8)
    expected = structural_similarity(grey / 255, (255 - grey) / 255, data_range=1)
    assert ssim(grey, 255 - grey) == pytest.approx(expected, rel=1e-9)


def test_bad_pairs_are_refused() -> None:
    picture = np.zeros((12, 12, 3), np.uint8)
    with pytest.raises(ValueError, match="one shape"):
        ssim(picture, picture[:11])
    with pytest.raises(ValueError, match="too few"):
        ssim(picture, picture, shave=3)
