"""Folders of paired pictures: ``LR/`` with ``HR/``, or the authors' ``SRRAW/X4/{train,test}/{LR,HR,ARW}``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from srnet_cli.data.shots.frames import read_rgb
from srnet_cli.data.shots.sequences import PARTS, Problem
from srnet_cli.data.zoom_pairs import Prepared
from srnet_cli.errors import DataError
from srnet_cli.imaging.listing import list_pictures

_SCALE_SUFFIX = re.compile(r"_?[xX]\d+$")
_SEQUENCE_ITEM = re.compile(r"^(\d+)_\d+$")


@dataclass(frozen=True)
class FolderJob:
    """Check one pair of picture files and keep it decoded."""

    name: str
    lr: Path
    hr: Path
    #: the authors' packed mosaic (.npy), or None
    packed: Path | None
    scale: int

    @property
    def scene(self) -> str:
        """``00012`` of the authors' ``00012_00005``; else every picture is a scene of its own."""
        part, _, stem = self.name.rpartition("/")
        match = _SEQUENCE_ITEM.match(stem)
        scene = match[1] if match else stem
        return f"{part}/{scene}" if part else scene

    @property
    def group(self) -> str:
        return self.name

    def inputs(self) -> tuple[Path, ...]:
        return (self.lr, self.hr) if self.packed is None else (self.lr, self.hr, self.packed)

    def parameters(self) -> Mapping[str, Any]:
        return {"scale": self.scale}

    def run(self) -> Prepared:
        lr, hr = read_rgb(self.lr), read_rgb(self.hr)
        height, width = lr.shape[0] * self.scale, lr.shape[1] * self.scale
        spare = (hr.shape[0] - height, hr.shape[1] - width)
        # An HR picture whose sides the scale does not divide keeps a few pixels more.
        if not all(0 <= pixels < self.scale for pixels in spare):
            raise DataError(
                f"{self.hr.name} is {hr.shape[1]}×{hr.shape[0]}, not {self.scale} times the "
                f"{lr.shape[1]}×{lr.shape[0]} of its LR picture"
            )
        arrays: dict[str, NDArray[Any]] = {"lr": lr, "hr": np.ascontiguousarray(hr[:height, :width])}
        if self.packed is not None:
            arrays["mosaic"] = _read_packed(self.packed, lr.shape[:2])
        return Prepared(arrays, {"files": [self.lr.name, self.hr.name]})


def find_pair_folders(root: Path, scale: int) -> dict[str, Path]:
    """Folders that hold ``LR`` and ``HR``, by the prefix of their items' names; empty when there are none."""
    for base in (root, root / f"X{scale}", root / "SRRAW" / f"X{scale}"):
        if _is_paired(base):
            return {"": base}
        parts = {f"{part}/": base / part for part in PARTS if _is_paired(base / part)}
        if parts:
            return parts
    return {}


def find_pairs(root: Path, scale: int, mosaic: bool) -> tuple[list[FolderJob], list[Problem]]:
    """Pairs of equally named pictures (an ``x4`` at the end of the LR name is ignored), sorted by HR name."""
    jobs: list[FolderJob] = []
    problems: list[Problem] = []
    for prefix, folder in find_pair_folders(root, scale).items():
        lrs = {_SCALE_SUFFIX.sub("", stem): path for stem, path in _pictures(folder / "LR").items()}
        hrs = _pictures(folder / "HR")
        for stem in sorted(lrs.keys() | hrs.keys()):
            name = f"{prefix}{stem}"
            packed = folder / "ARW" / f"{stem}.npy"
            if stem not in hrs:
                problems.append(Problem(name, "has no picture in HR/"))
            elif stem not in lrs:
                problems.append(Problem(name, "has no picture in LR/"))
            elif mosaic and not packed.is_file():
                problems.append(Problem(name, "has no packed mosaic in ARW/"))
            else:
                jobs.append(FolderJob(name, lrs[stem], hrs[stem], packed if mosaic else None, scale))
    return jobs, problems


def _is_paired(folder: Path) -> bool:
    return (folder / "LR").is_dir() and (folder / "HR").is_dir()


def _pictures(folder: Path) -> dict[str, Path]:
    return {p.stem: p for p in list_pictures(folder, raw=False)}


def _read_packed(path: Path, lr_size: tuple[int, int]) -> NDArray[np.float32]:
    try:
        packed = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise DataError(f"{path.name} cannot be read: {error}") from error
    expected = (lr_size[0] // 2, lr_size[1] // 2, 4)
    if packed.shape != expected:
        raise DataError(f"{path.name} has the shape {packed.shape}, not {expected}")
    return np.asarray(packed, np.float32)
