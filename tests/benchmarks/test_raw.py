"""Simulated RAW files: what is measured on them is what was photographed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.raw import Row, Way, _figures, take, zoomed
from srnet_cli.evaluation.statistics import Mean
from srnet_cli.imaging import read_picture


@pytest.mark.parametrize("seed", [1, 2])
def test_a_simulated_file_develops_to_the_photograph(tmp_path: Path, seed: int) -> None:
    y, x = np.mgrid[0:256, 0:384]
    hr = np.stack([60 + y // 4, 90 + x // 6, 150 - y // 4], axis=2).astype(np.uint8)
    take(hr, 100, seed, tmp_path / "a.dng")
    picture = read_picture(tmp_path / "a.dng", mosaic="beside")
    assert picture.mosaic is not None
    small = hr.reshape(64, 4, 96, 4, 3).mean(axis=(1, 3))
    difference = (picture.pixels / 257 - small)[6:-6, 6:-6]
    assert np.abs(difference.mean(axis=(0, 1))).max() < 1.5
    bicubic = zoomed(tmp_path / "a.dng", Way("develop", None), None)
    assert bicubic.shape == hr.shape
    assert np.abs((bicubic.astype(float) - hr)[32:-32, 32:-32].mean(axis=(0, 1))).max() < 1.5


def test_noise_rises_with_speed(tmp_path: Path) -> None:
    flat = np.full((128, 128, 3), 120, np.uint8)
    spreads = []
    for iso in (100, 800, 6400):
        take(flat, iso, 1, tmp_path / "a.dng")
        spreads.append(float(read_picture(tmp_path / "a.dng").pixels.std()))
    assert spreads == sorted(spreads) and spreads[2] > 3 * spreads[0]


def test_a_card_states_the_model_and_what_it_was_compared_with() -> None:
    gain = Mean(0.5, 0.3, 0.7, 12)
    rows = [Row("mosaic", 100, 25.0, gain, 1), Row("develop + bicubic", 100, 24.0, Mean(-0.5, -1, 0, 12), 9)]
    figures = _figures(rows, {"mosaic": 1.234}, "mosaic", 12)
    assert figures["ISO 100"]["gain"] == 0.5 and figures["ISO 100"]["interval"] == [0.3, 0.7]
    assert figures["ISO 100"]["of_all"] == {"mosaic": 25.0, "develop + bicubic": 24.0}
    assert figures["seconds_per_sensor_megapixel"] == {"mosaic": 1.23}
