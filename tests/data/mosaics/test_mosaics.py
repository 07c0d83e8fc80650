"""Mosaics simulated from photographs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from srnet_cli.data.camera.parameters import CameraRanges
from srnet_cli.data.kinds import SourceOptions
from srnet_cli.data.mosaics.simulation import MosaicRanges, mosaic_zoom, pack
from srnet_cli.data.mosaics.source import MosaicSource
from srnet_cli.data.opening import open_source
from srnet_cli.data.sources import space_of
from srnet_cli.data.zoom_pairs import PairOptions
from srnet_cli.imaging.colour.mosaic import to_root
from srnet_cli.imaging.srgb import srgb_to_linear
from tests.training.sources import write_drawings

QUIET = replace(CameraRanges(), shot_noise=(-11.0, -11.0))
PLAIN = MosaicRanges(as_it_is_share=1.0, odd_share=0.0)


def test_planes_are_where_rggb_has_them() -> None:
    numbers = torch.arange(3 * 4 * 4.0).view(1, 3, 4, 4)
    packed = pack(numbers)
    assert packed.shape == (1, 4, 2, 2)
    assert packed[0, 0].tolist() == numbers[0, 0, ::2, ::2].tolist()
    assert packed[0, 1].tolist() == numbers[0, 1, ::2, 1::2].tolist()
    assert packed[0, 2].tolist() == numbers[0, 2, 1::2, 1::2].tolist()
    assert packed[0, 3].tolist() == numbers[0, 1, 1::2, ::2].tolist()


@pytest.mark.parametrize("grey", [0, 20, 128, 255])
def test_grey_is_the_root_of_its_light_in_all_planes(grey: int) -> None:
    hr = torch.full((3, 3, 64, 64), float(grey))
    lr, target = mosaic_zoom(hr, 4, [1, 2, 3], QUIET, PLAIN)
    expected = 255 * float(to_root(srgb_to_linear(torch.tensor(grey / 255))))
    assert (lr.shape, target.shape) == ((3, 4, 8, 8), (3, 3, 64, 64))
    assert torch.allclose(target, torch.full_like(target, expected), atol=0.1)
    assert torch.allclose(lr, torch.full_like(lr, expected), atol=0.5)


def test_what_is_overexposed_is_white_and_not_magenta() -> None:
    hr = torch.full((2, 3, 64, 64), 250.0)
    brighter = MosaicRanges(as_it_is_share=0.0, exposure=(1.0, 1.0), odd_share=0.0)
    lr, target = mosaic_zoom(hr, 4, [1, 2], QUIET, brighter)
    assert float(lr.min()) > 254 and torch.equal(target, torch.full_like(target, 255.0))


def test_odd_pixels_are_few_and_not_in_the_target() -> None:
    hr = torch.full((1, 3, 256, 256), 128.0)
    many = MosaicRanges(as_it_is_share=1.0, odd_share=1.0, odd_pixels=(-2.0, -2.0))
    lr, target = mosaic_zoom(hr, 4, [5], QUIET, many)
    quiet, same = mosaic_zoom(hr, 4, [5], QUIET, PLAIN)
    odd = ((lr - quiet).abs() > 1).float().mean()
    assert 0.001 < float(odd) < 0.03 and torch.equal(target, same)


def test_more_noise_at_higher_speed() -> None:
    hr = torch.full((1, 3, 256, 256), 128.0)
    spreads = [
        float(mosaic_zoom(hr, 4, [3], replace(CameraRanges(), shot_noise=(noise, noise)), PLAIN)[0].std())
        for noise in (-5.0, -4.0, -3.0)
    ]
    assert spreads == sorted(spreads) and spreads[2] > 5 * spreads[0]


def test_a_patch_depends_on_seed_and_number_alone(tmp_path: Path) -> None:
    source = open_source(
        write_drawings(tmp_path / "photos", count=6),
        SourceOptions(pairs=PairOptions(mosaic=True), smallest_photo=64),
    )
    assert isinstance(source, MosaicSource)
    assert (source.scale, space_of(source, True)) == (8, "camera")
    together, alone = source.batch([2, 3, 4], 1, 8, "cpu"), source.batch([3], 1, 8, "cpu")
    assert together.lr.shape == (3, 4, 8, 8) and together.hr.shape == (3, 3, 64, 64)
    assert torch.allclose(together.lr[1], alone.lr[0], atol=0.01)
    assert torch.allclose(together.hr[1], alone.hr[0], atol=0.01)
    assert not torch.allclose(together.hr[0], together.hr[1], atol=1)
    assert float(together.lr.min()) >= 0 and float(together.lr.max()) <= 255


def test_held_out_photographs_are_measured_on(tmp_path: Path) -> None:
    source = MosaicSource.open(write_drawings(tmp_path / "photos", count=6), 4, 64)
    held_out = source.validation()
    assert held_out and source.held_out is not None
    assert {item.name for item in held_out} == set(source.held_out.names)
    assert held_out[0].lr.shape == (12, 12, 4) and held_out[0].hr.shape == (96, 96, 3)
    again = MosaicSource.open(tmp_path / "photos", 4, 64).validation()
    assert (again[0].lr == held_out[0].lr).all()
