"""Measures of the camera's comparison, on pictures whose answer is known."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.camera import comparison
from benchmarks.camera.measures import Pixels, flat_noise, halo, measure
from benchmarks.camera.pairs import HEIGHT, WIDTH
from benchmarks.camera.parts import PHOTOGRAPH, draw_parts
from tests.training.sources import drawing


def picture(seed: int = 0) -> Pixels:
    drawn = cv2.resize(drawing(seed, 384), (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    return np.asarray(drawn, np.float32)


def test_of_the_scene_itself_nothing_was_lost() -> None:
    measured = measure(picture(), picture())
    bands = [value for name, value in measured.items() if "band" in name]
    assert bands == pytest.approx([0.0] * len(bands), abs=1e-3)
    assert measured["sharpness"] == pytest.approx(1.0, abs=1e-4)


def test_blur_costs_the_highest_frequencies_most() -> None:
    blurred = np.asarray(cv2.GaussianBlur(picture(), (0, 0), 0.8), np.float32)
    measured = measure(blurred, picture())
    assert measured["luma_band_8"] < measured["luma_band_6"] < measured["luma_band_4"] < 0.1
    assert measured["sharpness"] < 0.9


def test_noise_in_flat_areas_is_the_noise_that_was_added() -> None:
    scene = np.full((HEIGHT, WIDTH, 3), 120, np.float32)
    noise = np.random.default_rng(0).normal(0, 4, (HEIGHT, WIDTH, 3)).astype(np.float32)
    noise[..., 1:] = 0
    measured = flat_noise(scene + noise, scene)
    # Of 64 values in a block, a plane takes three degrees of freedom.
    assert measured["noise_luma"] == pytest.approx(4 * np.sqrt(61 / 64), rel=0.1)
    assert measured["noise_chroma"] < 0.01
    assert np.isnan(measured["noise_luma_dark"])
    assert abs(measured["correlation_luma"]) < 0.1


def test_a_halo_is_measured_as_a_share_of_its_step() -> None:
    scene = np.full((HEIGHT, WIDTH), 60, np.float32)
    scene[:, WIDTH // 2 :] = 160
    lr = scene.copy()
    lr[:, WIDTH // 2 + 1] += 20
    over, under = halo(lr, scene)
    assert over == pytest.approx(0.2, abs=0.02) and under == pytest.approx(0.0, abs=0.02)


def test_pairs_are_compared_camera_by_camera(tmp_path: Path) -> None:
    for part, scale in (("LR", 1), ("HR", 4)):
        (tmp_path / part).mkdir()
        for seed, name in enumerate(("nikon_1", "iphone_1")):
            side = (40 * scale, 48 * scale)
            pixels = cv2.resize(drawing(seed, 192), side[::-1], interpolation=cv2.INTER_AREA)
            cv2.imwrite(str(tmp_path / part / f"{name}.png"), pixels)
    found = comparison.compare(tmp_path, draws=2, every=1)
    assert found["pictures"] == {"nikon": 1, "iphone": 1}
    assert 0 <= found["coverage"]["iphone"]["simulated"]["luma_band_5"] <= 1
    text = comparison.table({"drawings": found})
    assert "| drawings, 1 pairs | nikon | sharpness |" in text


@pytest.mark.skipif(not PHOTOGRAPH.exists(), reason="the example photographs are not there")
def test_the_parts_are_drawn(tmp_path: Path) -> None:
    draw_parts(tmp_path / "parts.jpg")
    drawn = cv2.imread(str(tmp_path / "parts.jpg"))
    assert drawn is not None and drawn.shape[1] > 1000 and drawn.std() > 30
