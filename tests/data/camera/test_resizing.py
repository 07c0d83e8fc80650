from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from srnet_cli.data.camera.resizing import reduce_bicubic, resampling_matrix
from srnet_cli.data.camera.simulation import bicubic_zoom, camera_zoom
from srnet_cli.imaging.resize import matlab_bicubic
from tests.data.camera.cameras import IDEAL, SEEDS, smooth_scene


@pytest.mark.parametrize("choice", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("step", [0.75, 1.0, 1.6])
def test_resampling_keeps_brightness_and_place(choice: float, step: float) -> None:
    matrix = resampling_matrix(64, 32, torch.tensor([step]), torch.tensor([choice]))[0]
    assert torch.allclose(matrix.sum(1), torch.ones(32), atol=1e-5)
    place = matrix @ torch.arange(64.0)
    expected = (torch.arange(32.0) + 0.5) * step - 0.5
    assert torch.allclose(place[4:28], expected[4:28], atol=0.13)


def test_the_bicubic_choice_is_the_antialiased_bicubic() -> None:
    matrix = resampling_matrix(64, 32, torch.tensor([2.0]), torch.tensor([0.0]))[0]
    hr = torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(matrix @ hr[0, 0] @ matrix.T, reduce_bicubic(hr, 2)[0, 0], atol=1e-5)


def test_resized_pictures_stay_in_place() -> None:
    smooth = smooth_scene()
    lr = camera_zoom(smooth, 4, SEEDS, replace(IDEAL, resized_share=1.0, capture=(0.8, 2.0)))
    expected = F.avg_pool2d(smooth, 4)
    best = {
        (dy, dx): float((lr.roll((dy, dx), (2, 3)) - expected)[..., 3:-3, 3:-3].abs().mean())
        for dy in (-1, 0, 1)
        for dx in (-1, 0, 1)
    }
    assert min(best, key=lambda k: best[k]) == (0, 0)
    assert best[0, 0] < 4


def test_bicubic_is_the_one_of_the_literature() -> None:
    hr = torch.from_numpy(np.random.default_rng(3).integers(0, 256, (1, 3, 48, 64)).astype(np.float32))
    expected = matlab_bicubic(hr[0].permute(1, 2, 0).numpy(), 12, 16)
    assert np.allclose(reduce_bicubic(hr, 4)[0].permute(1, 2, 0).numpy(), expected, atol=1e-3)
    assert torch.equal(bicubic_zoom(hr, 4, [0]), reduce_bicubic(hr, 4).clamp(0, 255).round())
