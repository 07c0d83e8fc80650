from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from srnet_cli.data.camera.drawing import noise_from_seeds
from srnet_cli.data.camera.parameters import CameraRanges
from srnet_cli.data.camera.patterns import with_patterns
from srnet_cli.data.camera.simulation import camera_zoom, draw_patterns
from tests.data.camera.cameras import drawn, smooth_scene


def test_patterns_replace_their_share() -> None:
    hr = smooth_scene()[:1].repeat(200, 1, 1, 1)
    p = drawn(replace(CameraRanges(), pattern_share=0.3), 200)
    result = with_patterns(hr, p, noise_from_seeds(list(range(200))))
    changed = (result != hr).flatten(1).any(1)
    assert changed.float().mean() == pytest.approx(0.3, abs=0.1)
    two_coloured = result[changed & (p.pattern < 6)]
    assert all(len(picture.flatten(1).unique(dim=1).T) <= 2 for picture in two_coloured)
    waves = result[(p.pattern == 6) & (p.pattern_cell >= 3)]
    assert len(waves) and waves.diff(dim=2).abs().max() < 16


def test_the_pattern_of_a_patch_depends_on_its_seed_alone() -> None:
    ranges, hr = CameraRanges(pattern_share=1.0), smooth_scene()[:6]
    whole = draw_patterns(hr, range(6), ranges)
    assert torch.equal(whole[4:5], draw_patterns(hr[4:5], [4], ranges))
    assert not torch.equal(whole[4], whole[5])


@pytest.mark.parametrize("colours", [(0.0, 0.0, 255.0), (255.0, 128.0, 0.0), (37.0, 37.0, 37.0)])
def test_flat_colours_stay(colours: tuple[float, float, float]) -> None:
    hr = torch.tensor(colours).view(1, 3, 1, 1).expand(40, 3, 96, 96).contiguous()
    lr = camera_zoom(hr, 4, list(range(40)), replace(CameraRanges(), shot_noise=(-8.0, -8.0)))
    assert (lr.mean((2, 3)) - hr[:, :, 0, 0]).abs().max() <= 3
