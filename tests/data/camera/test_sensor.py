from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from srnet_cli.data.camera import colour
from srnet_cli.data.camera.development import develop
from srnet_cli.data.camera.drawing import noise_from_seeds
from srnet_cli.data.camera.sensor import expected_noise, record
from srnet_cli.imaging.srgb import srgb_to_linear
from tests.data.camera.cameras import COUNT, IDEAL, SEEDS, drawn


def test_noise_is_what_the_camera_expects() -> None:
    p = drawn(replace(IDEAL, shot_noise=(-3.5, -3.5), colour_mix=(0.0, 1.0)))
    grey = torch.full((COUNT, 3, 128, 128), srgb_to_linear(torch.tensor(0.5)).item())
    luma = colour.rgb_to_ycbcr(develop(record(grey, p, noise_from_seeds(SEEDS)), p))[:, 0]
    expected = expected_noise(luma[:, None].mean((2, 3), keepdim=True), p).flatten()
    assert (luma.std((1, 2)) / expected).median() == pytest.approx(1.0, abs=0.2)


@pytest.mark.parametrize("level", [0.1, 0.6])
def test_variance_is_read_noise_and_shot_noise_that_grows_with_the_light(level: float) -> None:
    p = drawn(replace(IDEAL, shot_noise=(-3.0, -3.0), read_over_shot=(-2.0, -2.0)))
    p = replace(p, red_gain=torch.ones(COUNT), blue_gain=torch.ones(COUNT))
    values = record(torch.full((COUNT, 3, 128, 128), level), p, noise_from_seeds(SEEDS))
    assert values.var((2, 3)).mean() == pytest.approx(1e-3 * (level + 0.01), rel=0.03)
    assert values.mean() == pytest.approx(level, abs=1e-3)


def test_white_balance_and_matrix_are_undone_by_development() -> None:
    scene = torch.rand(COUNT, 3, 1, 1, generator=torch.Generator().manual_seed(0)) * 0.3 + 0.2
    p = drawn(replace(IDEAL, colour_mix=(0.0, 1.0)))
    developed = develop(record(scene.expand(-1, -1, 32, 32), p, noise_from_seeds(SEEDS)), p)
    assert torch.allclose(srgb_to_linear(developed / 255), scene.expand_as(developed), atol=2e-3)
