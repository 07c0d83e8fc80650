"""Reduction in linear light, and cleaning at a scale of 1."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from srnet_cli.errors import UsageError
from srnet_cli.imaging import Picture
from srnet_cli.zooming.batch import ZoomRequest
from srnet_cli.zooming.engine import Engine, EngineOptions
from srnet_cli.zooming.frame import Size, plan_frame
from srnet_cli.zooming.pipeline import tile_count, zoom_picture
from srnet_cli.zooming.rows.reduce import AreaReducer, reduced_in_light

from .models import nearest_model, noise


def test_half_the_light_of_white_is_no_middle_grey() -> None:
    rows = torch.tensor([[[0.0], [255.0]]])
    means = reduced_in_light(lambda light: light.mean(dim=1, keepdim=True))(rows)
    assert float(means[0, 0, 0]) == pytest.approx(187.5, abs=0.1)
    same = np.linspace(0, 255, 64, dtype=np.float32).reshape(1, 64, 1)
    given = torch.from_numpy(same.copy())
    assert reduced_in_light(lambda light: light)(given).numpy() == pytest.approx(same, abs=0.01)


def test_rows_that_complete_none_stay_none_in_light() -> None:
    reducer = AreaReducer(3.0, (0.0, 0.0), (2, 2), (6, 6))
    push = reduced_in_light(reducer.push)
    assert [len(push(torch.full((count, 6, 3), 100.0))) for count in (2, 2, 2)] == [0, 1, 1]


@pytest.mark.parametrize("raw", [False, True])
def test_through_a_model_and_back_is_the_picture(raw: bool) -> None:
    picture = Picture(noise(40, 24, dtype=np.uint16), raw=raw)
    engine = Engine(nearest_model(4), EngineOptions(device="cpu", precision="fp32", keep_colours=False))
    frame = plan_frame(40, 24, 1)
    assert tile_count(frame, [engine]) > 0
    result = zoom_picture(picture, frame, [engine]).pixels
    assert result.shape == (40, 24, 3)
    assert np.abs(result.astype(int) - picture.pixels).max() <= 2


def test_cleaning_is_for_a_scale_of_one() -> None:
    assert ZoomRequest(scale=1, clean=True).model_scale == 4
    assert 1 < ZoomRequest(scale=1, clean=True, model="srnet-x2").model_scale < 2
    assert ZoomRequest(scale=1).model_scale == 1
    with pytest.raises(UsageError, match="--clean"):
        ZoomRequest(scale=2, clean=True)
    with pytest.raises(UsageError, match="--clean"):
        ZoomRequest(scale=1, size=Size(width=100), clean=True)
