from __future__ import annotations

import numpy as np
import pytest

from srnet_cli.imaging.boxes import Box
from srnet_cli.zooming.tiles import Grid, reflected, take, window


@pytest.mark.parametrize("length", [1, 5, 16, 40, 41, 97])
@pytest.mark.parametrize(("size", "overlap"), [(16, 4), (24, 8), (16, 0)])
def test_weights_of_all_tiles_add_up_to_one_everywhere_in_the_region(
    length: int, size: int, overlap: int
) -> None:
    grid = Grid(Box(0, 0, length, 1), size, overlap)
    total = np.zeros(1000)
    for top in grid.tops():
        total[100 + top * 2 : 100 + (top + size) * 2] += window(grid, 2)
    assert np.allclose(total[100 : 100 + 2 * length], 1, atol=1e-6)


def test_no_tile_is_wasted() -> None:
    grid = Grid(Box(0, 0, 16 * 3 - 4, 1), 24, 8)
    assert grid.rows == 3
    assert grid.columns == 1


def test_the_rim_of_a_tile_never_counts() -> None:
    weights = window(Grid(Box(0, 0, 50, 50), 24, 8), 2)
    assert np.all(weights[:4] == 0)
    assert np.all(weights[-4:] == 0)
    assert weights[24] == 1


@pytest.mark.parametrize(("size", "overlap"), [(16, 8), (16, 6), (16, -4)])
def test_an_impossible_overlap_is_refused(size: int, overlap: int) -> None:
    with pytest.raises(ValueError, match="overlap"):
        Grid(Box(0, 0, 9, 9), size, overlap)


def test_reflection_does_not_repeat_the_border() -> None:
    assert reflected(-2, 8, 4).tolist() == [2, 1, 0, 1, 2, 3, 2, 1]
    assert reflected(-7, 3, 1).tolist() == [0, 0, 0]


def test_a_tile_reaching_over_the_corner_is_numpys_reflection() -> None:
    pixels = np.arange(5 * 4 * 3).reshape(5, 4, 3)
    expected = np.pad(pixels, ((3, 3), (2, 5), (0, 0)), mode="reflect")[:8, :8]
    assert np.array_equal(take(pixels, -3, -2, 8), expected)
