"""Pairs of picture files as items that the cache prepares."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from srnet_cli.data.paired.layouts import find_layout
from srnet_cli.data.paired.names import match_folders, match_tagged
from srnet_cli.data.preparation import Prepared
from srnet_cli.data.shots.frames import read_rgb
from srnet_cli.data.sources import Problem
from srnet_cli.errors import DataError
from srnet_cli.imaging.listing import list_pictures
from srnet_cli.reading import check_input

_SEQUENCE_ITEM = re.compile(r"^(\d+)_\d+$")


@dataclass(frozen=True)
class FolderJob:
    """A pair of picture files that is checked and kept decoded."""

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
        return {"scale": self.scale, "equal_size": "area"}

    def run(self) -> Prepared:
        lr, hr = read_rgb(self.lr), read_rgb(self.hr)
        enlarged = lr.shape == hr.shape
        if enlarged:
            lr = _reduced(lr, self.scale)
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
        return Prepared(arrays, {"files": [self.lr.name, self.hr.name], "lr_reduced": enlarged})


def find_pairs(root: Path, scale: int, mosaic: bool) -> tuple[list[FolderJob], list[Problem]]:
    """Pair the pictures of every LR and HR folder of ``root`` by name, sorted; with what cannot be paired.

    Raises:
        DataError: when there are LR and HR pictures, but not one pair.
    """
    jobs: list[FolderJob] = []
    problems: list[Problem] = []
    layout = find_layout(root, scale)
    for folders in layout:
        if folders.tagged:
            found = match_tagged(list_pictures(folders.lr, raw=False), scale)
        else:
            found = match_folders(
                list_pictures(folders.lr, raw=False), list_pictures(folders.hr, raw=False), scale
            )
        problems += [Problem(f"{folders.prefix}{problem.name}", problem.reason) for problem in found.problems]
        for stem, (lr, hr) in sorted(found.pairs.items()):
            packed = folders.packed / f"{stem}.npy" if mosaic else None
            if packed is not None and not packed.is_file():
                problems.append(Problem(f"{folders.prefix}{stem}", "has no packed mosaic in ARW/"))
            else:
                jobs.append(FolderJob(f"{folders.prefix}{stem}", lr, hr, packed, scale))
    if layout and not jobs:
        raise DataError(f"no pair of LR and HR ({told(problems)})", path=root)
    return jobs, problems


def recognise_pairs(root: Path, scale: int) -> tuple[Path, str] | None:
    """Recognise a folder of pairs; returns where it starts and the sentence that tells the user so.

    Raises:
        DataError: when there are LR pictures and no pair can be made of them.
    """
    layout = find_layout(root, scale)
    if not layout:
        return None
    jobs, problems = find_pairs(root, scale, mosaic=False)
    where = " and ".join(f"{f.lr}" if f.tagged else f"{f.lr} with {f.hr}" for f in layout)
    rest = f", {len(problems)} not paired ({told(problems)})" if problems else ""
    return root, f"{where}: {len(jobs)} pairs of LR and HR pictures{rest}"


def told(problems: Sequence[Problem]) -> str:
    """Tell the first few problems in one line."""
    more = [f"and {len(problems) - 3} more"] if len(problems) > 3 else []
    return (
        "; ".join([f"{problem.name}: {problem.reason}" for problem in problems[:3]] + more) or "no pictures"
    )


def _reduced(lr: NDArray[np.uint8], scale: int) -> NDArray[np.uint8]:
    """Bring an LR picture that was enlarged to HR's size back to its own: each pixel the mean of its area."""
    height, width = lr.shape[0] // scale, lr.shape[1] // scale
    if not height or not width:
        raise DataError(f"{lr.shape[1]}×{lr.shape[0]} is too small to be reduced {scale} times")
    whole = np.ascontiguousarray(lr[: height * scale, : width * scale])
    return np.asarray(cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _read_packed(path: Path, lr_size: tuple[int, int]) -> NDArray[np.float32]:
    try:
        check_input(path, DataError)
        # Mapped: a header that claims more than the file holds is refused before anything is allocated.
        packed = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path.name} cannot be read: {error}") from error
    expected = (lr_size[0] // 2, lr_size[1] // 2, 4)
    if not isinstance(packed, np.ndarray):
        raise DataError(f"{path.name} is an archive, not one array")
    if packed.shape != expected:
        raise DataError(f"{path.name} has the shape {packed.shape}, not {expected}")
    values = np.asarray(packed, np.float32)
    if not np.isfinite(values).all():
        raise DataError(f"{path.name} is damaged: some of its values are no numbers")
    return values
