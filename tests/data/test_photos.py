from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from srnet_cli.data.photos import PhotoCache, dihedral
from srnet_cli.errors import DataError
from srnet_cli.imaging import Picture, write_picture


def write(path: Path, height: int, width: int, seed: int = 0, dtype: type = np.uint8) -> None:
    top = np.iinfo(dtype).max + 1
    pixels = np.random.default_rng(seed).integers(0, top, (height, width, 3), dtype=dtype)
    write_picture(Picture(pixels), path)


def test_photos_are_cached_as_8_bit_and_small_ones_left_out(tmp_path: Path) -> None:
    write(tmp_path / "a.png", 40, 60)
    write(tmp_path / "deep.png", 50, 50, dtype=np.uint16)
    write(tmp_path / "small.png", 20, 60)
    cache = PhotoCache.load(tmp_path, smallest=32)
    assert cache.names == ("a", "deep")
    assert [p.dtype for p in cache.photos] == [torch.uint8, torch.uint8]
    assert cache.photos[0].shape == (3, 40, 60)


def test_a_folder_without_a_fitting_photo_is_an_error(tmp_path: Path) -> None:
    write(tmp_path / "small.png", 20, 60)
    with pytest.raises(DataError, match="at least 32×32"):
        PhotoCache.load(tmp_path, smallest=32)


def test_a_patch_depends_on_its_seed_only() -> None:
    photos = tuple(torch.randint(0, 256, (3, 64, 80), dtype=torch.uint8) for _ in range(3))
    cache = PhotoCache(("a", "b", "c"), photos)
    together = cache.patches([4, 5, 6], 16)
    assert together.shape == (3, 3, 16, 16)
    assert torch.equal(together[1:2], cache.patches([5], 16))


def test_the_more_detailed_crop_is_taken() -> None:
    photo = torch.zeros(3, 64, 64, dtype=torch.uint8)
    photo[:, :, 32:] = torch.randint(0, 256, (3, 64, 32), dtype=torch.uint8)
    cache = PhotoCache(("half",), (photo,))
    biased = cache.patches(range(60), 8, candidates=4).float().std(dim=(1, 2, 3))
    plain = cache.patches(range(60), 8, candidates=1).float().std(dim=(1, 2, 3))
    assert (biased > 10).float().mean() > 0.85
    assert (plain > 10).float().mean() < 0.75


def test_the_eight_flips_and_transposes_are_all_different() -> None:
    square = torch.arange(9).view(1, 3, 3)
    assert len({tuple(dihedral(square, which).flatten().tolist()) for which in range(8)}) == 8
