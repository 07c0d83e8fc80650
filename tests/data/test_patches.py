"""Patches: aligned, equal for equal seeds, labels as those of the whole picture."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from srnet_cli.data.choices import LabelInterpolation
from srnet_cli.data.labels import enhanced_residual, residual_image, upscale
from srnet_cli.data.patches import PatchSampler
from srnet_cli.data.preparation import Item
from srnet_cli.data.prepared import cache
from srnet_cli.errors import DataError
from tests.data.work import Arrays

SIZES = {"a": (40, 60), "b": (33, 47), "c": (24, 24)}
SCALE = 2


def picture(seed: int, height: int, width: int) -> NDArray[np.uint8]:
    """Smooth noise: no two places look the same, and bicubic has something to do."""
    small = np.random.default_rng(seed).integers(0, 256, (height // 4 + 1, width // 4 + 1, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC))


def pair(seed: int, height: int, width: int) -> dict[str, NDArray[np.uint8]]:
    hr = picture(seed, SCALE * height, SCALE * width)
    return {"lr": np.ascontiguousarray(hr[::SCALE, ::SCALE]), "hr": hr}


@pytest.fixture(scope="module")
def items(tmp_path_factory: pytest.TempPathFactory) -> tuple[Item, ...]:
    jobs = [Arrays(name, pair(seed, *size)) for seed, (name, size) in enumerate(SIZES.items())]
    return cache.prepare(jobs, tmp_path_factory.mktemp("patches"), workers=1).items


@pytest.fixture(scope="module")
def sampler(items: tuple[Item, ...]) -> PatchSampler:
    return PatchSampler(items, SCALE)


def equal(a: torch.Tensor, b: torch.Tensor) -> bool:
    return bool(torch.equal(a, b))


def test_shapes_and_ranges(sampler: PatchSampler) -> None:
    batch = sampler.batch(range(5), seed=1, patch=16, device="cpu")
    assert batch.residual is not None
    assert batch.lr.shape == (5, 3, 16, 16)
    assert batch.hr.shape == batch.residual.shape == (5, 3, 32, 32)
    for tensor in (batch.lr, batch.hr, batch.residual):
        assert tensor.dtype == torch.float32
        assert tensor.min() >= 0
        assert tensor.max() <= 255
        assert equal(tensor, tensor.round())


def test_lr_and_hr_are_the_same_place_turned_the_same_way(sampler: PatchSampler) -> None:
    """LR is every second pixel of HR, so wherever a patch is from, one of four offsets gives LR back."""
    batch = sampler.batch(range(40), seed=0, patch=12, device="cpu")
    for lr, hr in zip(batch.lr, batch.hr, strict=True):
        assert any(equal(lr, hr[:, y::2, x::2]) for y in (0, 1) for x in (0, 1))


def test_a_patch_depends_on_its_number_and_the_seed_only(sampler: PatchSampler) -> None:
    whole = sampler.batch(range(20), seed=3, patch=12, device="cpu")
    for index in (0, 7, 19):
        alone = sampler.batch([index], seed=3, patch=12, device="cpu")
        assert equal(alone.lr[0], whole.lr[index])
        assert equal(alone.hr[0], whole.hr[index])
        assert alone.residual is not None
        assert whole.residual is not None
        assert equal(alone.residual[0], whole.residual[index])
    assert not equal(sampler.batch(range(20), seed=4, patch=12, device="cpu").lr, whole.lr)


def test_a_reopened_cache_gives_the_same_patches(items: tuple[Item, ...], sampler: PatchSampler) -> None:
    again = PatchSampler(tuple(reversed(items)), SCALE)
    one, other = (s.batch(range(9), seed=5, patch=12, device="cpu") for s in (sampler, again))
    assert equal(one.lr, other.lr)


def test_every_pair_is_drawn_equally_often(sampler: PatchSampler, items: tuple[Item, ...]) -> None:
    """Tell by its colours which pair a patch is from: each HR patch is looked for in all pictures."""
    batch = sampler.batch(range(12), seed=2, patch=12, device="cpu")
    colours = {item.name: {tuple(c) for c in item.open("hr").reshape(-1, 3).tolist()} for item in items}
    drawn = Counter(
        next(name for name, known in colours.items() if {tuple(c) for c in hr} <= known)
        for hr in batch.hr.permute(0, 2, 3, 1).reshape(12, -1, 3).int().tolist()
    )
    assert drawn == {"a": 4, "b": 4, "c": 4}


@pytest.mark.parametrize("method", ["bicubic", "nearest"])
def test_labels_are_cut_from_the_whole_pictures_label(
    items: tuple[Item, ...], method: LabelInterpolation
) -> None:
    """At the border and inside, the label of a patch is that of Pillow for the whole picture."""
    smallest = items[2]
    lr, hr = np.array(smallest.open("lr")), np.array(smallest.open("hr"))
    enlarged = Image.fromarray(lr).resize(hr.shape[1::-1], getattr(Image.Resampling, method.upper()))
    label = enhanced_residual(residual_image(hr, np.asarray(enlarged)))
    sampler = PatchSampler((smallest,), SCALE, method)
    batch = sampler.batch(range(60), seed=0, patch=11, device="cpu")
    assert batch.residual is not None
    places = Counter(
        place_of(hr, label, target, residual)
        for target, residual in zip(batch.hr, batch.residual, strict=True)
    )
    corners = {place[:2] for place in places}
    assert min(row for row, _ in corners) == 0
    assert max(row for row, _ in corners) == hr.shape[0] - 22
    assert len({place[2] for place in places}) == 8  # all flips and transposes occur


def place_of(
    hr: NDArray[np.uint8], label: NDArray[np.uint8], target: torch.Tensor, residual: torch.Tensor
) -> tuple[int, int, int]:
    """Row, column and turn of a patch, found by its HR; fails unless the label is from there as well."""
    for turn in range(8):
        a, b = (t.permute(1, 2, 0).numpy() for t in (target, residual))
        if turn & 1:
            a, b = a.swapaxes(0, 1), b.swapaxes(0, 1)
        if turn & 2:
            a, b = a[::-1], b[::-1]
        if turn & 4:
            a, b = a[:, ::-1], b[:, ::-1]
        side = a.shape[0]
        for row in range(0, hr.shape[0] - side + 1, SCALE):
            for column in range(0, hr.shape[1] - side + 1, SCALE):
                if np.array_equal(hr[row : row + side, column : column + side], a):
                    assert np.array_equal(label[row : row + side, column : column + side], b)
                    return row, column, turn
    raise AssertionError("the patch is from nowhere")


def test_without_labels_none_are_made(items: tuple[Item, ...]) -> None:
    assert PatchSampler(items, SCALE, None).batch([0], 0, 12, "cpu").residual is None


def test_pictures_smaller_than_the_patch_are_passed_over(sampler: PatchSampler) -> None:
    assert sampler.batch(range(6), 0, 30, "cpu").lr.shape == (6, 3, 30, 30)
    assert sampler.batch(range(3), 0, 40, "cpu").lr.shape == (3, 3, 40, 40)
    with pytest.raises(
        DataError, match="no pair is as large as a patch of 41×41 LR pixels; the largest has 40"
    ):
        sampler.batch([0], 0, 41, "cpu")


def test_mosaic_patches_lie_where_the_target_does(tmp_path: Path) -> None:
    arrays: dict[str, NDArray[np.uint8] | NDArray[np.float32]] = dict(pair(7, 40, 48))
    green = arrays["lr"][::2, ::2, 1].astype(np.float32) / 255
    arrays["mosaic"] = np.stack([green, green, green, green], -1)
    items = cache.prepare([Arrays("m", arrays)], tmp_path, workers=1).items
    batch = PatchSampler(items, SCALE, mosaic=True).batch(range(20), 0, 8, "cpu")
    assert batch.lr.shape == (20, 4, 8, 8)
    assert batch.hr.shape == (20, 3, 32, 32)
    for lr, hr in zip(batch.lr, batch.hr, strict=True):
        offsets = [hr[1, y::4, x::4] for y in (0, 3) for x in (0, 3)]
        assert any(torch.allclose(lr[0], part, atol=1e-3) for part in offsets)


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
@pytest.mark.parametrize("method", ["bicubic", "nearest"])
def test_upscaling_equals_pillow_in_every_bit(scale: int, method: LabelInterpolation) -> None:
    pixels = np.random.default_rng(scale).integers(0, 256, (17, 29, 3), dtype=np.uint8)
    size = (29 * scale, 17 * scale)
    expected = np.asarray(Image.fromarray(pixels).resize(size, getattr(Image.Resampling, method.upper())))
    found = upscale(torch.from_numpy(pixels).permute(2, 0, 1)[None], scale, method)
    assert np.array_equal(found[0].permute(1, 2, 0).numpy(), expected)
