from __future__ import annotations

import pytest

from srnet_cli.errors import UsageError
from srnet_cli.imaging.boxes import Box
from srnet_cli.zooming.frame import plan_frame, plan_passes


def test_scale_is_output_over_input() -> None:
    frame = plan_frame(100, 151, 2.5)
    assert (frame.height, frame.width) == (250, 378)
    assert frame.region == Box(0, 0, 100, 151)


def test_the_camera_frame_is_the_centre_at_the_inputs_own_size() -> None:
    frame = plan_frame(100, 200, 4, "camera")
    assert (frame.height, frame.width) == (100, 200)
    assert frame.region == Box(37, 75, 26, 50)
    assert (frame.top, frame.left) == (2.0, 0.0)


@pytest.mark.parametrize("scale", [0.5, 16.5, float("nan")])
def test_a_scale_out_of_range_is_refused(scale: float) -> None:
    with pytest.raises(UsageError, match="outside 1 to 16"):
        plan_frame(10, 10, scale)


@pytest.mark.parametrize("crop", [Box(0, 0, 11, 5), Box(-1, 0, 5, 5), Box(0, 0, 0, 5)])
def test_a_crop_must_lie_inside(crop: Box) -> None:
    with pytest.raises(UsageError, match="not inside"):
        plan_frame(10, 10, 2, "full", crop)


def test_crop_and_camera_frame_exclude_each_other() -> None:
    with pytest.raises(UsageError, match="exclude"):
        plan_frame(10, 10, 2, "camera", Box(0, 0, 5, 5))


@pytest.mark.parametrize(
    ("scale", "available", "expected"),
    [
        (1, [4], ()),
        (2, [4], (4,)),
        (3, [2, 4, 8], (4,)),
        (4.1, [4], (4, 4)),
        (5, [2, 4], (4, 2)),
        (8, [2, 4, 8], (8,)),
        (16, [2, 4], (4, 4)),
        (16, [2], (2, 2, 2, 2)),
    ],
)
def test_passes_are_the_least_that_reach_the_scale(
    scale: float, available: list[int], expected: tuple[int, ...]
) -> None:
    assert plan_passes(scale, available) == expected


def test_a_scale_that_no_chain_reaches_is_an_error() -> None:
    with pytest.raises(UsageError, match="reaches"):
        plan_passes(16, [1])
