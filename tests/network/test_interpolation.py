"""Interpolation against Pillow's, in floating point."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from srnet_cli.models.store import parameter_count
from srnet_cli.network.registry import build_network, interpolation_names

FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


def test_all_are_there_and_have_no_parameters() -> None:
    assert set(interpolation_names()) == set(FILTERS)
    assert all(parameter_count(build_network(name, 2)) == 0 for name in FILTERS)


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_equals_pillow(name: str, scale: int) -> None:
    pixels = np.random.default_rng(1).uniform(0, 255, (11, 17)).astype(np.float32)
    theirs = np.asarray(Image.fromarray(pixels).resize((17 * scale, 11 * scale), FILTERS[name]))
    ours = build_network(name, scale)(torch.from_numpy(pixels)[None, None]).sr[0, 0].numpy()
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() <= 1e-3


@pytest.mark.parametrize("name", FILTERS)
def test_a_flat_picture_stays_flat_to_its_border(name: str) -> None:
    flat = torch.full((1, 3, 5, 2), 37.0)
    assert torch.allclose(build_network(name, 4)(flat).sr, torch.full((1, 3, 20, 8), 37.0), atol=1e-4)


@pytest.mark.parametrize("name", FILTERS)
def test_one_pixel_and_other_channel_counts(name: str) -> None:
    assert torch.allclose(
        build_network(name, 3)(torch.ones(2, 1, 1, 1)).sr, torch.ones(2, 1, 3, 3), atol=1e-6
    )
