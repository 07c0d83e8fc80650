from __future__ import annotations

import math
from dataclasses import fields, replace

import pytest
import torch

from srnet_cli.data.camera.drawing import draw_parameters
from srnet_cli.data.camera.parameters import CameraRanges
from srnet_cli.data.camera.simulation import (
    bicubic_zoom,
    camera_picture,
    camera_zoom,
    degradation,
    mixed_zoom,
)
from tests.data.camera.cameras import COUNT, IDEAL, SEEDS, blurred_blocks, drawn, smooth_scene
from tests.data.camera.test_demosaic import scene


def test_a_patch_depends_on_its_seed_and_not_on_its_batch() -> None:
    smooth = smooth_scene()
    together = camera_zoom(smooth, 4, SEEDS)
    assert torch.equal(together, torch.cat([camera_zoom(smooth[:1], 4, [seed]) for seed in SEEDS]))
    assert torch.equal(together[3:7], camera_zoom(smooth[3:7], 4, SEEDS[3:7]))
    assert not torch.equal(together[0], together[1])


def test_lr_is_of_whole_levels() -> None:
    lr = camera_zoom(smooth_scene(), 4, SEEDS)
    assert lr.shape == (COUNT, 3, 24, 24)
    assert torch.equal(lr, lr.round().clamp(0, 255))


def test_a_whole_picture_may_have_any_size_and_repeats() -> None:
    hr = smooth_scene()[:1, :, :92, :]
    for seed in range(6):
        lr = camera_picture(hr, 4, seed)
        assert lr.shape == (1, 3, 23, 24) and torch.equal(lr, camera_picture(hr, 4, seed))
        assert (lr - camera_zoom(hr, 4, [seed])).abs().mean() < 12


def test_an_ideal_camera_stores_what_it_saw() -> None:
    hr = blurred_blocks()
    lr = camera_zoom(hr, 4, SEEDS, IDEAL)
    assert (lr - hr[..., ::4, ::4])[..., 2:-2, 2:-2].abs().mean() < 8


def test_mixed_is_the_camera_or_bicubic() -> None:
    hr, seeds = smooth_scene()[:1].repeat(40, 1, 1, 1), list(range(40))
    mixed, camera, bicubic = (make(hr, 4, seeds) for make in (mixed_zoom, camera_zoom, bicubic_zoom))
    is_camera, is_bicubic = ((mixed == made).flatten(1).all(1) for made in (camera, bicubic))
    assert bool((is_camera ^ is_bicubic).all())
    # 4 are to be expected, with a standard deviation of 1.9; these seeds always draw the same.
    assert 1 <= int(is_bicubic.sum()) <= 9


def test_shares_hold_and_raw_has_no_engine() -> None:
    ranges = CameraRanges(bicubic_share=0.1)
    p = draw_parameters(range(4000), ranges)
    assert p.bicubic.mean() == pytest.approx(0.1, abs=0.02)
    assert p.raw.mean() == pytest.approx(1 / 3, abs=0.03)
    assert p.resized.mean() == pytest.approx((1 - 0.1 - 1 / 3) * ranges.resized_share, abs=0.03)
    raw = p.rows(p.raw > 0)
    assert raw.sharpening.max() == 0 and raw.jpeg_quality.min() == 100 and raw.resized.max() == 0
    assert raw.luma_reduction.max() == 0 and raw.chroma_reduction.max() == 0


def test_drawn_values_keep_to_their_ranges_and_fill_them() -> None:
    ranges = CameraRanges()
    p = drawn(ranges, 500)
    for name in (
        *("blur", "anisotropy", "red_gain", "luma_window", "chroma_blur"),
        *("sharpening_radius", "coring", "capture"),
    ):
        low, high = getattr(ranges, name)
        values = getattr(p, name)
        assert values.min() >= low - 1e-6 and values.max() <= high + 1e-6
        assert values.max() - values.min() > 0.8 * (high - low)
    assert sorted(p.bayer_phase.unique().tolist()) == [0, 1, 2, 3]
    assert math.isclose(float(p.pattern_colours.max()), 255)
    assert {len(getattr(p, f.name)) for f in fields(p)} == {500}


def test_grey_stays_grey_through_matrix_white_balance_and_mosaic() -> None:
    grey = scene().mean(dim=1, keepdim=True).repeat(COUNT, 3, 1, 1).round()
    lr = camera_zoom(grey, 4, SEEDS, replace(IDEAL, colour_mix=(0.0, 1.0)))
    assert (lr - lr.mean(dim=1, keepdim=True)).abs().mean() < 1.0


def test_an_unknown_degradation_is_refused() -> None:
    assert degradation("camera") is camera_zoom
    assert degradation("mixed") is mixed_zoom
    with pytest.raises(ValueError, match="blurry"):
        degradation("blurry")
