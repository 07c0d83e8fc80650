from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from srnet_cli.data.camera import demosaic


def scene(seed: int = 0, size: int = 96) -> Tensor:
    """A smooth coloured picture, 1×3×size×size."""
    rng = np.random.default_rng(seed)
    coarse = rng.random((3, 3, 3)).astype(np.float32) * 200 + 25
    fine = cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC).clip(0, 255)
    return torch.from_numpy(fine.transpose(2, 0, 1).copy())[None].round()


@pytest.mark.parametrize("phase", [0, 1, 2, 3])
def test_demosaicking_keeps_sampled_values_and_restores_smooth_pictures(phase: int) -> None:
    picture = scene() / 255
    phases = torch.tensor([phase])
    result = demosaic.hamilton_adams(picture, phases)
    for channel, mask in enumerate(demosaic.bayer_masks(phases, 96, 96)):
        assert torch.allclose(result[:, channel][mask], picture[:, channel][mask], atol=1e-6)
    assert (result - picture)[:, :, 3:-3, 3:-3].abs().max() < 0.02
