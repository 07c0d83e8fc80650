"""Figures of a pair: the four published ones, and the share of lost light."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from srnet_cli.imaging.resize import resize
from srnet_cli.residuals.figures import lost_shares, measure


def load(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


@pytest.fixture(scope="module")
def hr(parity: Path) -> NDArray[np.uint8]:
    return load(parity / "motivation/hr.png")


@pytest.fixture(scope="module")
def expected(parity: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((parity / "motivation/motivation.json").read_text())
    return document


def test_published_figures_of_the_real_zoom(
    parity: Path, hr: NDArray[np.uint8], expected: dict[str, Any]
) -> None:
    figures = measure(load(parity / "motivation/lr.png"), hr).figures
    known = expected["zoom_nearest"]
    assert f"{figures.psnr_rgb:.2f} {figures.entropy:.3f}" == "16.85 5.935"
    assert figures.psnr_rgb == pytest.approx(known["psnr_rgb_all_pixels"], rel=1e-9)
    assert figures.entropy == pytest.approx(known["entropy_residual_rgb"], rel=1e-9)
    assert figures.entropy_channels == pytest.approx(known["entropy_residual_per_channel"], rel=1e-9)
    assert figures.entropy_enhanced == pytest.approx(known["entropy_enhanced_rgb"], rel=1e-9)
    assert figures.mae == pytest.approx(known["mean_abs_residual"], rel=1e-9)


@pytest.mark.parametrize(
    ("down", "up", "name"),
    [
        ("nearest", "nearest", "sr_nearest"),
        ("bicubic", "bicubic", "sr_bicubic"),
        ("bicubic", "nearest", "sr_bicubic_down_nearest_up"),
    ],
)
def test_published_figures_of_the_synthetic_reduction(
    hr: NDArray[np.uint8], expected: dict[str, Any], down: Any, up: Any, name: str
) -> None:
    figures = measure(resize(resize(hr, 256, 256, down), 1024, 1024, up), hr).figures
    assert figures.psnr_rgb == pytest.approx(expected[name]["psnr_rgb_all_pixels"], rel=1e-9)
    assert figures.entropy == pytest.approx(expected[name]["entropy_residual_rgb"], rel=1e-9)
    if name == "sr_nearest":
        assert f"{figures.psnr_rgb:.2f} {figures.entropy:.3f}" == "24.76 3.369"


def test_equal_pictures_have_lost_nothing() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    figures = measure(picture, picture).figures
    assert figures.psnr_rgb == figures.psnr_y == np.inf
    assert (figures.mae, figures.entropy, figures.entropy_enhanced) == (0, 0, 0)
    assert figures.lost_shares == (1.0, *[0.0] * 9)


def test_lost_shares_by_hand() -> None:
    hr = np.full((1, 7, 3), 100, np.uint8)
    hr[0, 5:] = 0
    lost = np.array([[0, 9, 10, 55, 255, 0, 1]], np.uint8)
    # 0 %, 9 %, 10 %, 55 %, 255 %; black that stayed black; black that did not.
    shares = np.array(lost_shares(np.repeat(lost[..., None], 3, axis=2), hr)) * 7
    assert shares == pytest.approx([3, 1, 0, 0, 0, 1, 0, 0, 0, 2])


def test_lost_shares_of_channels_by_hand() -> None:
    hr = np.array([[[100, 50, 0], [10, 10, 0]]], np.uint8)
    lost = np.array([[[9, 5, 200], [10, 255, 0]]], np.uint8)
    # 9 %, 10 %, black: no proportion; 100 %, 2550 %, black.
    shares = np.array(lost_shares(lost, hr, "channels")) * 4
    assert shares == pytest.approx([1, 1, 0, 0, 0, 0, 0, 0, 0, 2])
    black = np.zeros_like(hr)
    assert lost_shares(lost, black, "channels") == (0.0,) * 10
    grey = np.repeat(np.arange(1, 201, dtype=np.uint8).reshape(10, 20)[..., None], 3, axis=2)
    assert lost_shares(grey // 3, grey, "channels") == lost_shares(grey // 3, grey)


def test_every_share_falls_into_the_bin_of_exact_arithmetic() -> None:
    light = np.arange(256).repeat(256).reshape(256, 256)
    lost = np.tile(np.arange(256), (256, 1))
    pictures = [np.repeat(v.astype(np.uint8)[..., None], 3, axis=2) for v in (lost, light)]
    exact = np.zeros(10)
    for a, b in zip(lost.reshape(-1).tolist(), light.reshape(-1).tolist(), strict=True):
        exact[min(9, 10 * a // b if b else 9 * (a > 0))] += 1
    assert np.array(lost_shares(*pictures)) * lost.size == pytest.approx(exact)
