"""The parts of a picture that panels show."""

from __future__ import annotations

import numpy as np

from srnet_cli.evaluation.outputs.views import DETAIL, make_view
from srnet_cli.imaging.boxes import Box


def test_the_box_that_was_asked_for_is_shown_of_lr_and_of_every_result() -> None:
    hr = np.random.default_rng(0).integers(0, 256, (500, 700, 3)).astype(np.uint8)
    lr = np.zeros((125, 175, 3), np.uint8)
    box = Box(10, 600, 60, 90)
    view = make_view(hr, {"bicubic": hr}, lr, box)
    assert view.detail == box
    assert np.array_equal(view.closer(view.results["bicubic"]), hr[box.slices])
    assert view.whole.max() == 0
    assert view.whole.shape[1] == round(700 / view.reduction)


def test_a_box_that_does_not_fit_leaves_the_place_of_the_largest_error() -> None:
    hr = np.zeros((300, 300, 3), np.uint8)
    wrong = hr.copy()
    wrong[200:, 150:250] = 255
    view = make_view(hr, {"bicubic": wrong}, None, Box(250, 250, 100, 100))
    assert (view.detail.height, view.detail.top) == (DETAIL, 300 - DETAIL)


def test_a_box_larger_than_the_part_is_shown_whole() -> None:
    hr = np.random.default_rng(1).integers(0, 256, (600, 600, 3)).astype(np.uint8)
    box = Box(50, 20, 500, 560)
    view = make_view(hr, {"bicubic": hr}, None, box)
    assert view.closer(view.hr).shape == (500, 560, 3)
