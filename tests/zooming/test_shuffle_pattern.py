from __future__ import annotations

import pytest
import torch
from torch import Tensor

from srnet_cli.zooming.rows.shuffle_pattern import LIMIT, without_pattern


def scene(height: int, width: int) -> Tensor:
    """Draw a ramp with a few soft hills: N×3×H×W."""
    y, x = torch.meshgrid(torch.arange(height) / 90, torch.arange(width) / 70, indexing="ij")
    planes = [100 + 40 * torch.sin(y + k) * torch.cos(x - k) + 20 * x for k in range(3)]
    return torch.stack(planes)[None]


def pattern(height: int, width: int, scale: int, level: float) -> Tensor:
    """Draw a pattern of one cell that grows from left to right."""
    cell = torch.randn(3, scale, scale, generator=torch.Generator().manual_seed(scale))
    cell -= cell.mean(dim=(1, 2), keepdim=True)
    cell *= level / cell.abs().max()
    whole = cell.repeat(1, -(-height // scale), -(-width // scale))[:, :height, :width]
    return whole * (0.5 + torch.linspace(0, 0.5, width))


@pytest.mark.parametrize(
    ("scale", "height", "width"), [(4, 256, 384), (2, 128, 200), (4, 244, 132), (3, 201, 96)]
)
def test_a_pattern_of_the_scale_goes_and_the_picture_stays(scale: int, height: int, width: int) -> None:
    picture, added = scene(height, width), pattern(height, width, scale, 0.5)
    plain = without_pattern(picture.clone(), scale)
    assert (plain - picture).abs().max() < 0.02
    result = without_pattern(picture + added, scale)
    assert (result - picture).square().mean().sqrt() < 0.25 * added.square().mean().sqrt()


def test_no_more_than_the_limit_is_taken_away() -> None:
    picture = scene(128, 128) + pattern(128, 128, 4, 60)
    change = (without_pattern(picture.clone(), 4) - picture).abs()
    assert 0.99 * LIMIT < change.max() <= LIMIT + 1e-3


@pytest.mark.parametrize("side", [4, 20, 32, 36])
def test_small_pictures_keep_their_slopes(side: int) -> None:
    picture = torch.arange(side).float().mul(0.2).expand(1, 3, side, side).clone()
    result = without_pattern(picture.clone(), 4)
    assert (result - picture).abs().max() < 0.01


def test_another_type_becomes_float32_and_is_not_changed_itself() -> None:
    picture = (scene(64, 64) + pattern(64, 64, 4, 0.8)).bfloat16()
    before = picture.clone()
    assert without_pattern(picture, 4).dtype == torch.float32
    assert torch.equal(picture, before)


def test_the_layout_in_memory_does_not_matter() -> None:
    picture = scene(160, 128) + pattern(160, 128, 4, 0.5)
    rows = without_pattern(picture.clone(), 4)
    last = without_pattern(picture.contiguous(memory_format=torch.channels_last), 4)
    assert torch.allclose(rows, last, atol=1e-3)
