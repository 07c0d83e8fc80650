from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from srnet_cli.data.camera.lens import through_lens
from srnet_cli.data.camera.parameters import CameraRanges
from srnet_cli.imaging.srgb import srgb_to_linear
from tests.data.camera.cameras import COUNT, IDEAL, centroids, drawn, point, smooth_scene

UNSHIFTED = replace(CameraRanges(), shift=(0.0, 0.0), colour_shift=(0.0, 0.0))


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_an_ideal_lens_averages_light(scale: int) -> None:
    light = srgb_to_linear(smooth_scene() / 255)
    assert torch.allclose(through_lens(light, scale, drawn(IDEAL)), F.avg_pool2d(light, scale), atol=2e-3)


def test_the_lens_neither_moves_nor_brightens() -> None:
    light = srgb_to_linear(smooth_scene() / 255)
    assert through_lens(light, 4, drawn(UNSHIFTED)).mean() == pytest.approx(light.mean().item(), rel=0.01)
    spread = through_lens(point(), 4, drawn(UNSHIFTED))
    assert torch.allclose(spread.sum((2, 3)), torch.ones(()), atol=0.01)
    for place in centroids(spread):
        assert torch.allclose(place, torch.zeros(()), atol=0.01)


def test_blur_has_the_drawn_width() -> None:
    p = drawn(replace(IDEAL, blur=(0.8, 0.8)))
    row = through_lens(point(), 4, p)[:, 1].sum(1)
    variance = (row * (torch.arange(24.0) - 11.5) ** 2).sum(1) / row.sum(1)
    # Of the blur, the point's own side of a pixel, and the pixel's aperture.
    assert torch.allclose(variance, torch.tensor(0.8**2 + 2 / 12), atol=0.02)


@pytest.mark.parametrize(
    ("changes", "second_moment"),
    [
        # A disc of radius r has r²/4 along each axis, a line of length l has l²/12 along itself.
        ({"defocus_share": 1.0, "defocus": (1.2, 1.2)}, 2 * 1.2**2 / 4),
        ({"motion_share": 1.0, "motion": (1.8, 1.8)}, 1.8**2 / 12),
    ],
)
def test_defocus_and_motion_spread_light_as_far_as_was_drawn(
    changes: dict[str, object], second_moment: float
) -> None:
    # A little blur beneath, so that a sharp rim does not ring.
    sharp, spread = (
        through_lens(point(), 4, drawn(replace(IDEAL, blur=(0.5, 0.5), **more)))[:, 1]  # type: ignore[arg-type]
        for more in ({}, changes)
    )
    place = (torch.arange(24.0) - 11.5) ** 2
    square = place.view(1, -1) + place.view(-1, 1)
    moments = [(s * square).sum((1, 2)) / s.sum((1, 2)) for s in (sharp, spread)]
    assert torch.allclose(moments[1] - moments[0], torch.full((COUNT,), second_moment), atol=0.05)


def test_colour_shift_moves_red_and_blue_alone() -> None:
    p = drawn(replace(IDEAL, blur=(0.6, 0.6)))
    p = replace(p, red_shift_x=torch.full((COUNT,), 0.4), blue_shift_y=torch.full((COUNT,), -0.4))
    x, y = centroids(through_lens(point(), 4, p))
    # The grid moves right, so the picture moves left.
    assert torch.allclose(x, torch.tensor([-0.4, 0.0, 0.0]), atol=0.02)
    assert torch.allclose(y, torch.tensor([0.0, 0.0, 0.4]), atol=0.02)
