"""Sharp photographs held in memory as 8 bit, and patches drawn from them."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from srnet_cli.data.sources import Problem
from srnet_cli.errors import DataError, InputError
from srnet_cli.imaging.listing import list_pictures


@dataclass(frozen=True)
class PhotoCache:
    """Photographs as uint8 tensors 3×H×W, all on one device."""

    names: tuple[str, ...]
    photos: tuple[Tensor, ...]
    #: photographs that are damaged or too small
    left_out: tuple[Problem, ...] = ()

    @classmethod
    def load(cls, folder: Path, smallest: int, device: torch.device | str = "cpu") -> PhotoCache:
        """Read every photograph in ``folder`` (not below it).

        Args:
            smallest: photographs with a side below this many pixels are left out.

        Raises:
            DataError: when none is left.
        """
        paths = list_pictures(folder, raw=False)
        with ThreadPoolExecutor(max_workers=4) as pool:
            loaded = list(zip(paths, pool.map(partial(_usable, smallest=smallest), paths), strict=True))
        left_out = tuple(found for _, found in loaded if isinstance(found, Problem))
        kept = [(path.stem, found) for path, found in loaded if isinstance(found, Tensor)]
        if not kept:
            reasons = "; ".join(f"{problem.name} {problem.reason}" for problem in left_out[:3])
            raise DataError(
                f"no photograph of at least {smallest}×{smallest} pixels{f' ({reasons})' if reasons else ''}",
                path=folder,
            )
        return cls(tuple(name for name, _ in kept), tuple(photo.to(device) for _, photo in kept), left_out)

    def patches(self, seeds: Sequence[int], size: int, candidates: int = 2) -> Tensor:
        """Cut one patch for each seed: N×3×size×size, uint8, on the photos' device.

        The most detailed of ``candidates`` random crops of a random photograph is taken, then turned by one
        of the eight flips and transposes. Large photographs are drawn more often, by area.
        """
        areas = np.array([p.shape[1] * p.shape[2] for p in self.photos], dtype=np.float64)
        shares = np.cumsum(areas / areas.sum())
        return torch.stack([self._patch(seed, size, candidates, shares) for seed in seeds])

    def _patch(self, seed: int, size: int, candidates: int, shares: np.ndarray) -> Tensor:
        rng = np.random.default_rng(seed)
        photo = self.photos[min(int(np.searchsorted(shares, rng.random())), len(self.photos) - 1)]
        crops = []
        for _ in range(candidates):
            y, x = (int(rng.integers(0, side - size + 1)) for side in photo.shape[1:])
            crops.append(photo[:, y : y + size, x : x + size])
        best = max(crops, key=_detail) if candidates > 1 else crops[0]
        return dihedral(best, int(rng.integers(0, 8)))


def recognise_photos(path: Path, _scale: int) -> tuple[Path, str] | None:
    """Recognise photographs in a folder, its ``HR/`` or ``train/``; returns which, and a sentence on it."""
    for folder in filter(Path.is_dir, (path, path / "HR", path / "train")):
        count = len(list_pictures(folder, raw=False))
        if count:
            return folder, f"{folder}: {count} photographs, zoom will be simulated"
    return None


def dihedral(picture: Tensor, which: int) -> Tensor:
    """Apply one of the eight flips and transposes (0 leaves it as it is): …×H×W."""
    if which & 1:
        picture = picture.flip(-1)
    if which & 2:
        picture = picture.flip(-2)
    if which & 4:
        picture = picture.transpose(-1, -2)
    return picture


def _detail(crop: Tensor) -> float:
    """Measure the mean absolute difference of green between neighbours two pixels apart."""
    green = crop[1, ::2, ::2].float()
    return float((green[1:] - green[:-1]).abs().mean() + (green[:, 1:] - green[:, :-1]).abs().mean())


def _usable(path: Path, smallest: int) -> Tensor | Problem:
    try:
        photo = _read(path)
    except InputError as error:
        return Problem(path.name, error.reason)
    if min(photo.shape[1:]) < smallest:
        return Problem(
            path.name, f"has {photo.shape[2]}×{photo.shape[1]} pixels, fewer than {smallest} a side"
        )
    return photo


def _read(path: Path) -> Tensor:
    from srnet_cli.imaging import read_8_bit

    pixels = read_8_bit(path)
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))
