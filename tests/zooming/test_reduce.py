from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from srnet_cli.zooming.rows.reduce import AreaReducer


@pytest.mark.parametrize("factor", [1.0, 4 / 3, 1.6, 2.0, 3.2])
def test_strips_of_any_height_give_opencvs_area_reduction(factor: float) -> None:
    rng = np.random.default_rng(int(factor * 10))
    given = rng.random((96, 160, 3), dtype=np.float32) * 255
    height, width = round(96 / factor), round(160 / factor)
    reducer = AreaReducer(factor, (0, 0), (height, width), (96, 160))
    parts, row = [], 0
    while row < 96:
        step = int(rng.integers(1, 20))
        parts.append(reducer.push(torch.from_numpy(given[row : row + step])).numpy())
        row += step
    expected = cv2.resize(given, (width, height), interpolation=cv2.INTER_AREA)
    assert np.allclose(np.concatenate(parts), expected, atol=1e-3)


def test_a_fractional_start_weighs_the_pixels_it_cuts() -> None:
    ramp = np.arange(8, dtype=np.float32).reshape(1, 8, 1).repeat(8, axis=0)
    result = AreaReducer(2.0, (0.0, 0.25), (4, 3), (8, 8)).push(torch.from_numpy(ramp)).numpy()
    # Output 0 covers columns 0.5 to 2.5: half of 0, all of 1, half of 2.
    assert result[0, :, 0] == pytest.approx([1.0, 3.0, 5.0])


def test_a_factor_of_one_copies_exactly() -> None:
    given = np.random.default_rng(0).random((9, 9, 3), dtype=np.float32)
    result = AreaReducer(1.0, (2.4, 1.6), (5, 5), (9, 9)).push(torch.from_numpy(given)).numpy()
    assert np.array_equal(result, given[2:7, 2:7])
