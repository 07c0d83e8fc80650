"""PSNR and MAE against closed forms, the authors' numbers and the literature's Set5."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from srnet_cli.imaging.resize import matlab_bicubic
from srnet_cli.metrics import luma, mae, psnr_rgb, psnr_y, psnr_y_published, quantise, ssim_y


@pytest.fixture(scope="module")
def published(parity: Path) -> tuple[dict[str, NDArray[np.float64]], dict[str, Any]]:
    with np.load(parity / "losses_metrics.npz") as arrays:
        batch = {name: arrays[name].transpose(0, 2, 3, 1) for name in ("sr", "hr", "sr_quantised")}
    return batch, json.loads((parity / "losses_metrics.json").read_text())


@pytest.mark.parametrize("scale", [2, 4, 8])
def test_authors_numbers(
    published: tuple[dict[str, NDArray[np.float64]], dict[str, Any]], scale: int
) -> None:
    batch, expected = published
    result = quantise(batch["sr"])
    assert np.array_equal(result, batch["sr_quantised"])
    rgb = psnr_rgb(result, batch["hr"], shave=scale + 6)
    y = psnr_y_published(result, batch["hr"], shave=scale)
    assert rgb == pytest.approx(expected["psnr_rgb"][str(scale)], rel=1e-9)
    assert y == pytest.approx(expected["psnr_y_benchmark"][str(scale)], rel=1e-9)


@pytest.mark.parametrize(("name", "psnr", "similarity"), [("Set5", 28.42, 0.8104), ("Set14", 26.09, 0.705)])
def test_literature_bicubic(shared: Path, name: str, psnr: float, similarity: float) -> None:
    figures = [bicubic_figures(path) for path in sorted((shared / "data/testsets" / name).glob("*.png"))]
    assert np.mean([f[0] for f in figures]) == pytest.approx(psnr, abs=0.02)
    assert np.mean([f[1] for f in figures]) == pytest.approx(similarity, abs=0.001)


def bicubic_figures(path: Path, scale: int = 4) -> tuple[float, float]:
    with Image.open(path) as opened:
        picture = np.asarray(opened.convert("RGB"))
    height, width = (size // scale * scale for size in picture.shape[:2])
    hr = picture[:height, :width]
    result = matlab_bicubic(matlab_bicubic(hr, height // scale, width // scale), height, width)
    return psnr_y(result, hr, shave=scale), ssim_y(result, hr, shave=scale)


def test_constant_error_has_a_closed_form() -> None:
    # Taller than a strip, so that the sum over strips is tested too.
    reference = np.full((600, 8, 3), 100, np.uint8)
    result = reference + np.uint8(10)
    assert psnr_rgb(result, reference) == pytest.approx(20 * math.log10(255 / 10))
    assert psnr_rgb(result, reference, peak=1023.0) == pytest.approx(20 * math.log10(1023 / 10))
    assert mae(result, reference) == 10
    grey_gain = -20 * math.log10((65.738 + 129.057 + 25.064) / 256)
    assert psnr_y_published(result, reference) == pytest.approx(20 * math.log10(25.5) + grey_gain)
    assert psnr_y(result, reference) == pytest.approx(20 * math.log10(255 / 8))  # luma 102 and 110


def test_negative_differences_of_unsigned_pictures() -> None:
    dark, light = np.zeros((4, 4, 3), np.uint8), np.full((4, 4, 3), 255, np.uint8)
    assert psnr_rgb(dark, light) == pytest.approx(0.0)
    assert mae(dark, light) == 255


def test_equal_pictures_are_infinite() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    assert psnr_rgb(picture, picture) == psnr_y(picture, picture) == math.inf


def test_shave_drops_the_border() -> None:
    reference = np.full((20, 20, 3), 100, np.uint8)
    result = reference.copy()
    result[:2], result[:, -2:] = 0, 0
    assert psnr_rgb(result, reference, shave=2) == math.inf
    assert psnr_rgb(result, reference, shave=1) < 40


@pytest.mark.parametrize("scale", [1, 257])
def test_luma_of_primaries(scale: int) -> None:
    colours = np.array([[[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255]]]) * scale
    expected = np.array([[16, 235, 81.481, 144.553, 40.966]]) * scale
    assert np.array_equal(luma(colours, peak=255.0 * scale), np.rint(expected))


def test_quantise_rounds_half_to_even_and_clips() -> None:
    values = np.array([-3.0, 0.5, 1.5, 2.4, 254.6, 300.0])
    assert quantise(values).tolist() == [0, 0, 2, 2, 255, 255]


def test_bad_pairs_are_refused() -> None:
    picture = np.zeros((8, 8, 3), np.uint8)
    with pytest.raises(ValueError, match="one shape"):
        psnr_rgb(picture, picture[:7])
    with pytest.raises(ValueError, match="nothing is left"):
        psnr_rgb(picture, picture, shave=4)
    with pytest.raises(ValueError, match="luma needs RGB"):
        psnr_y(picture[..., :1], picture[..., :1])
