"""Real zoom pairs, and the scene that both cameras of one saw."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from benchmarks.camera.measures import Pixels
from srnet_cli.data.shots.frames import read_rgb

SCALE = 4
#: cameras of City100, as the names of its files begin
CAMERAS = ("nikon", "iphone")
#: of each pair the centre is measured, LR pixels
HEIGHT, WIDTH = 96, 128


@dataclass(frozen=True)
class Pair:
    """The centre of a real zoom pair, H×W×3 RGB, 0..255, float32; ``hr`` has ``SCALE`` times the side."""

    name: str
    lr: Pixels
    hr: Pixels

    @property
    def camera(self) -> str:
        return self.name.split("_")[0]

    @property
    def scene(self) -> Pixels:
        """HR reduced by area to LR's size."""
        height, width = self.lr.shape[:2]
        return np.asarray(cv2.resize(self.hr, (width, height), interpolation=cv2.INTER_AREA), np.float32)


def read_pairs(folder: Path, every: int) -> Iterator[Pair]:
    """Yield the centre of each camera's ``every``-th pair of ``LR/`` and ``HR/``."""
    for camera in CAMERAS:
        for path in sorted((folder / "LR").glob(f"{camera}*.png"))[::every]:
            hr_path = next((folder / "HR").glob(f"{path.stem}.*"))
            lr, hr = (read_rgb(p).astype(np.float32) for p in (path, hr_path))
            tall, wide = min(HEIGHT, lr.shape[0]), min(WIDTH, lr.shape[1])
            y, x = (lr.shape[0] - tall) // 2, (lr.shape[1] - wide) // 2
            fine = np.s_[SCALE * y : SCALE * (y + tall), SCALE * x : SCALE * (x + wide)]
            yield Pair(path.stem, lr[y : y + tall, x : x + wide], np.ascontiguousarray(hr[fine]))


def as_tensor(picture: Pixels, count: int) -> Tensor:
    """Repeat a picture ``count`` times: N×3×H×W."""
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))[None].repeat(count, 1, 1, 1)


def as_pictures(batch: Tensor) -> list[Pixels]:
    """Inverse of :func:`as_tensor`."""
    return [np.ascontiguousarray(picture) for picture in batch.permute(0, 2, 3, 1).numpy()]
