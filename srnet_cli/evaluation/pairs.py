"""Pairs of pictures to measure on: an LR picture and what should become of it."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from srnet_cli.data.preparation import Item
from srnet_cli.data.shots.frames import read_rgb
from srnet_cli.errors import DataError
from srnet_cli.imaging.resize import matlab_bicubic

Pixels8 = NDArray[np.uint8]


@dataclass(frozen=True)
class LoadedPair:
    """``lr`` h×w×3 and ``hr`` sh×sw×3, both uint8 RGB."""

    lr: Pixels8
    hr: Pixels8
    #: what was done to the files' pictures, if that matters to the figures
    note: str | None = None


class PairItem(Protocol):
    """One pair that is read when it is needed."""

    @property
    def name(self) -> str:
        """Unique in its set."""

    @property
    def scene(self) -> str:
        """Pairs of one scene are not independent of each other."""

    @property
    def files(self) -> tuple[Path, ...]:
        """The user's own files that it is read from."""

    def load(self) -> LoadedPair:
        """Read or make both pictures; DataError when that fails."""


@dataclass(frozen=True)
class PairSet:
    """Pairs that are averaged over."""

    name: str
    scale: int
    #: how the LR pictures came about, in a few words
    origin: str
    items: tuple[PairItem, ...]
    #: what the user should know about the set
    notes: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return f"{self.name} ×{self.scale}, {self.origin}"


@dataclass(frozen=True)
class SimulatedItem:
    """A sharp picture that is reduced by the plain bicubic filter or by the model of a camera."""

    name: str
    path: Path
    scale: int
    degradation: str

    @property
    def scene(self) -> str:
        return self.name

    @property
    def files(self) -> tuple[Path, ...]:
        return (self.path,)

    def load(self) -> LoadedPair:
        hr = _multiple_of(read_rgb(self.path), self.scale)
        if self.degradation == "bicubic":
            return LoadedPair(matlab_bicubic(hr, hr.shape[0] // self.scale, hr.shape[1] // self.scale), hr)
        return LoadedPair(_camera(hr, self.scale, self.name), hr)


@dataclass(frozen=True)
class FileItem:
    """Two picture files; LR of HR's own size (a zoom shot enlarged to it) is reduced first."""

    name: str
    scene: str
    lr: Path
    hr: Path
    scale: int

    @property
    def files(self) -> tuple[Path, ...]:
        return self.lr, self.hr

    def load(self) -> LoadedPair:
        lr, hr = read_rgb(self.lr), read_rgb(self.hr)
        note = None
        if lr.shape == hr.shape:
            lr = reduced_back(_multiple_of(lr, self.scale), self.scale)
            note = f"LR pictures of HR's own size were reduced {self.scale} times first"
        height, width = lr.shape[0] * self.scale, lr.shape[1] * self.scale
        # HR whose sides the scale does not divide keeps a few pixels more.
        if not (0 <= hr.shape[0] - height < self.scale and 0 <= hr.shape[1] - width < self.scale):
            raise DataError(
                f"HR of {hr.shape[1]}×{hr.shape[0]} is neither {self.scale} times its LR of "
                f"{lr.shape[1]}×{lr.shape[0]} nor of the same size",
                path=self.hr,
            )
        return LoadedPair(lr, np.ascontiguousarray(hr[:height, :width]), note)


@dataclass(frozen=True)
class PreparedItem:
    """A real zoom pair from the cache, and the files of its sequence."""

    item: Item
    files: tuple[Path, ...]

    @property
    def name(self) -> str:
        return self.item.name

    @property
    def scene(self) -> str:
        return self.item.scene

    def load(self) -> LoadedPair:
        return LoadedPair(np.array(self.item.open("lr")), np.array(self.item.open("hr")))


def centre_crop(pair: LoadedPair, scale: int, side: int) -> LoadedPair:
    """Cut the published evaluation crop: ``side`` HR pixels and the LR pixels that belong to them.

    Raises:
        DataError: when the picture is smaller.
    """
    small = side // scale
    if min(pair.lr.shape[:2]) < small:
        raise DataError(f"{pair.hr.shape[1]}×{pair.hr.shape[0]} is too small for a centre crop of {side}")
    top, left = ((length - small) // 2 for length in pair.lr.shape[:2])
    lr = pair.lr[top : top + small, left : left + small]
    hr = pair.hr[scale * top : scale * (top + small), scale * left : scale * (left + small)]
    return LoadedPair(np.ascontiguousarray(lr), np.ascontiguousarray(hr), pair.note)


def reduced_back(pixels: Pixels8, scale: int) -> Pixels8:
    """Bring an enlarged LR picture back to its own size; sides must be multiples of ``scale``.

    Takes every ``scale``-th pixel where pixels were repeated, else the antialiased bicubic filter.
    """
    small = pixels[::scale, ::scale]
    if np.array_equal(small.repeat(scale, axis=0).repeat(scale, axis=1), pixels):
        return np.ascontiguousarray(small)
    return matlab_bicubic(pixels, *small.shape[:2])


def camera_seed(name: str) -> int:
    """Derive a picture's simulated camera from its name alone: a subset gets the same LR pictures."""
    digest = hashlib.sha256(os.fsencode(f"{name}#0")).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def _camera(hr: Pixels8, scale: int, name: str) -> Pixels8:
    import torch

    from srnet_cli.data.camera.simulation import camera_picture

    tensor = torch.tensor(hr, dtype=torch.float32).permute(2, 0, 1)[None]
    with torch.inference_mode():
        lr = camera_picture(tensor, scale, camera_seed(name))
    return np.ascontiguousarray(lr[0].byte().permute(1, 2, 0).numpy())


def _multiple_of(pixels: Pixels8, scale: int) -> Pixels8:
    """Drop rows and columns beyond a multiple of ``scale`` at the bottom and on the right."""
    height, width = (length // scale * scale for length in pixels.shape[:2])
    if not height or not width:
        raise DataError(f"{pixels.shape[1]}×{pixels.shape[0]} is too small to be reduced {scale} times")
    return np.ascontiguousarray(pixels[:height, :width])
