from __future__ import annotations

import numpy as np
import pytest
import torch

from srnet_cli.imaging.boxes import Box
from srnet_cli.zooming.rows.blending import Canvas
from srnet_cli.zooming.tiles import (
    LARGEST_STRIP,
    Grid,
    computed_pixels,
    fewest,
    ramp,
    reflected,
    squares,
    take,
)


@pytest.mark.parametrize("length", [1, 5, 16, 40, 41, 97])
@pytest.mark.parametrize(
    ("size", "overlap", "faded"), [(16, 4, True), (24, 8, True), (16, 0, True), (16, 6, False)]
)
def test_weights_of_all_tiles_add_up_to_one_everywhere_in_the_region(
    length: int, size: int, overlap: int, faded: bool
) -> None:
    for height, width in ((length, 30), (30, length)):
        grid = Grid(Box(3, 5, height, width), size, size, overlap, faded)
        side = 2 * (size - 2 * grid.discard)
        canvas, rows, done = Canvas(grid, 2, 3, torch.device("cpu")), [], 0
        for _ in grid.tops():
            for column in range(grid.columns):
                canvas.place(torch.ones(side, side, 3), column)
            finished = canvas.finish()
            if finished is not None:
                assert finished[0] == done
                done += len(finished[1])
                rows.append(finished[1])
        whole = torch.cat(rows)
        assert whole.shape == (2 * height, 2 * width, 3)
        assert torch.allclose(whole, torch.ones_like(whole), atol=1e-6)


def test_no_tile_is_wasted() -> None:
    grid = Grid(Box(0, 0, 16 * 3 - 4, 1), 24, 24, 8)
    assert grid.rows == 3
    assert grid.columns == 1


def test_the_tile_that_comes_in_gains_what_the_other_loses() -> None:
    rising = ramp(8)
    assert np.all(np.diff(rising) > 0) and 0 < rising[0] < 0.05
    assert np.allclose(rising + rising[::-1], 1)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (20, 3000), (150, 210), (832, 1200), (2000, 3000)])
@pytest.mark.parametrize("side", [64, 256, 544])
def test_chosen_tiles_cover_the_picture_and_are_no_larger_than_allowed(
    height: int, width: int, side: int
) -> None:
    region = Box(0, 0, height, width)
    for grid in (squares(region, (48, side), 16), fewest(region, side, 18, 4, shrinking=True)):
        assert grid.rows * grid.strides[0] >= height and grid.columns * grid.strides[1] >= width
        assert grid.height * grid.width <= side**2


@pytest.mark.parametrize(("height", "width"), [(2000, 3000), (3000, 2000), (4000, 6000)])
def test_few_pixels_are_computed_twice(height: int, width: int) -> None:
    region, picture = Box(0, 0, height, width), height * width
    assert squares(region, (128, 320), 16).pixels <= 1.15 * picture
    grid = fewest(region, 544, 18, 4, shrinking=True)
    assert grid.rows * grid.columns * computed_pixels(grid.height, grid.width, 18) <= 1.082 * picture


def test_a_very_wide_picture_gets_lower_tiles() -> None:
    grid = fewest(Box(0, 0, 8000, 60_000), 544, 18, 4, shrinking=True)
    assert (grid.height - 36) * 60_000 * 16 * 12 <= 2 * LARGEST_STRIP


@pytest.mark.parametrize(("size", "overlap"), [(16, 8), (16, 6), (16, -4)])
def test_an_impossible_overlap_is_refused(size: int, overlap: int) -> None:
    with pytest.raises(ValueError, match="overlap"):
        Grid(Box(0, 0, 9, 9), size, size, overlap)


def test_reflection_does_not_repeat_the_border() -> None:
    assert reflected(-2, 8, 4).tolist() == [2, 1, 0, 1, 2, 3, 2, 1]
    assert reflected(-7, 3, 1).tolist() == [0, 0, 0]


def test_a_tile_reaching_over_the_corner_is_numpys_reflection() -> None:
    pixels = np.arange(5 * 4 * 3).reshape(5, 4, 3)
    expected = np.pad(pixels, ((3, 3), (2, 5), (0, 0)), mode="reflect")[:8, :8]
    assert np.array_equal(take(pixels, -3, -2, 8, 8), expected)
