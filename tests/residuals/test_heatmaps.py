"""Heatmaps value by value; plots by what must be in them."""

from __future__ import annotations

import sys
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray

from srnet_cli.errors import UsageError
from srnet_cli.residuals.entropy import entropy_map
from srnet_cli.residuals.figures import measure
from srnet_cli.residuals.heatmaps import (
    DEFAULT_COLORMAP,
    automatic_high,
    colormap_table,
    entropy_top,
    heatmap_image,
    loss_map,
)
from srnet_cli.residuals.panel import Scene, figure_rows, histogram_image, overview_image


def scene(height: int = 60, width: int = 80, changes: tuple[str, ...] = ()) -> Scene:
    random = np.random.default_rng(0)
    hr = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
    lr = np.clip(hr + random.normal(0, 12, hr.shape), 0, 255).astype(np.uint8)
    residual = measure(lr, hr)
    return Scene(lr, hr, residual, entropy_map(residual.plain), 15, "enlarged ×4, bicubic", changes)


def test_values_get_their_colours() -> None:
    values = np.array([[-5.0, 0.0, 60.0, 100.0, 900.0]])
    picture = heatmap_image(values, 0.0, 100.0, "viridis", colour_bar=False)
    table = colormap_table("viridis")
    assert picture.shape == (1, 5, 3)
    assert np.array_equal(picture[0], table[[0, 0, 153, 255, 255]])


def test_strips_do_not_show() -> None:
    values = np.arange(1200.0)[:, None].repeat(3, axis=1)
    picture = heatmap_image(values, 0.0, 1199.0, "gray", colour_bar=False)
    assert np.array_equal(picture[:, 0, 0], np.rint(np.arange(1200) * 255 / 1199).astype(np.uint8))


@pytest.mark.parametrize("height", [20, 101, 800])
def test_colour_bar_stands_beside_the_untouched_picture(height: int) -> None:
    values = np.random.default_rng(0).random((height, 90))
    alone = heatmap_image(values, 0.0, 1.0, colour_bar=False)
    both = heatmap_image(values, 0.0, 1.0, label="bits")
    assert both.shape[0] == height
    assert np.array_equal(both[:, :90], alone)
    bar = both[:, 90:].reshape(-1, 3)
    assert bar.shape[0] >= 10 * height
    top_colour = colormap_table(DEFAULT_COLORMAP)[250].astype(int)
    if height > 100:  # below, the bar is but a smear
        assert np.abs(bar.astype(int) - top_colour).sum(axis=1).min() < 24
    assert (bar == 255).all(axis=1).mean() > 0.3  # on white


def test_default_colour_map_rises_in_lightness() -> None:
    lightness = colormap_table(DEFAULT_COLORMAP) @ np.array([0.2126, 0.7152, 0.0722])
    assert np.all(np.diff(lightness[::8]) > 0)


def test_unknown_colour_map_and_empty_range_are_usage_errors() -> None:
    with pytest.raises(UsageError, match="unknown colour map 'rainbow7'"):
        colormap_table("rainbow7")
    with pytest.raises(UsageError, match="low below high"):
        heatmap_image(np.zeros((4, 4)), 3.0, 3.0)


def test_loss_map_is_the_mean_of_the_channels() -> None:
    residual = np.array([[[0, 10, 20], [255, 255, 255]]], np.uint8)
    assert loss_map(residual) == pytest.approx(np.array([[10.0, 255.0]]))


def test_automatic_range_leaves_out_the_few_highest() -> None:
    values = np.full((100, 100), 20.0, np.float32)
    values[0, :5] = 250.0
    assert automatic_high(values) == 20.0
    assert automatic_high(np.zeros((9, 9), np.float32)) == 1.0


def test_entropy_range_is_what_the_window_can_hold() -> None:
    assert entropy_top(15) == 8.0
    assert entropy_top(3) == pytest.approx(np.log2(27))


@pytest.mark.parametrize("shape", [(60, 80), (200, 20), (12, 300)])
@pytest.mark.parametrize("changes", [(), ("aligned (affine)", "colours matched")])
def test_overview_is_drawn_for_every_shape(shape: tuple[int, int], changes: tuple[str, ...]) -> None:
    panel = overview_image(scene(*shape, changes), 0.0, 60.0)
    assert panel.dtype == np.uint8
    assert panel.shape[2] == 3
    assert 1500 < panel.shape[1] < 1800
    assert (panel == 255).all(axis=2).mean() > 0.1  # it has a white ground
    assert panel.std() > 30


def test_overview_shows_lr_hr_and_the_false_colours() -> None:
    shown = scene(64, 64)
    flat = Scene(
        np.full_like(shown.lr_up, (200, 30, 30)),
        np.full_like(shown.hr, (30, 30, 200)),
        shown.residual,
        np.zeros_like(shown.entropies),
        15,
        "as given",
    )
    panel = overview_image(flat, 0.0, 60.0, "viridis").reshape(-1, 3)
    lowest: NDArray[np.uint8] = colormap_table("viridis")[0]
    for colour in ((200, 30, 30), (30, 30, 200), tuple(lowest.tolist())):
        assert (panel == np.array(colour)).all(axis=1).mean() > 0.08


def test_overview_is_the_same_on_every_run() -> None:
    assert np.array_equal(overview_image(scene(), 0.0, 60.0), overview_image(scene(), 0.0, 60.0))


def test_histogram_is_drawn() -> None:
    picture = histogram_image(scene().residual)
    assert picture.shape[1] > picture.shape[0]
    assert (picture == 255).all(axis=2).mean() > 0.5


def test_identical_pictures_can_be_drawn() -> None:
    hr = scene().hr
    residual = measure(hr, hr)
    same = Scene(hr, hr, residual, entropy_map(residual.plain), 15, "as given")
    assert overview_image(same, 0.0, 1.0).size
    assert dict(figure_rows(residual.figures))["PSNR, RGB"] == "∞ dB"


def test_drawing_leaves_the_users_matplotlib_alone() -> None:
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    overview_image(scene(), 0.0, 60.0)
    assert dict(mpl.rcParams) == before
    pyplot: ModuleType | None = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or not pyplot.get_fignums()
