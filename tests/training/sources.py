"""Small sources of training data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from srnet_cli.data import Batch, ValidationItem
from srnet_cli.data.camera.simulation import bicubic_zoom
from srnet_cli.data.labels import enhanced_residual_tensor, upscale
from srnet_cli.data.sources import Problem


def drawing(seed: int, side: int = 96) -> NDArray[np.uint8]:
    """Lines, discs and boxes in random colours, side×side×3."""
    rng = np.random.default_rng(seed)
    picture = np.full((side, side, 3), rng.integers(60, 200, 3), np.uint8)
    for _ in range(side // 3):
        colour = tuple(int(v) for v in rng.integers(0, 255, 3))
        start, end = (tuple(int(v) for v in rng.integers(0, side, 2)) for _ in range(2))
        kind = rng.integers(3)
        if kind == 0:
            cv2.line(picture, start, end, colour, int(rng.integers(1, 5)), cv2.LINE_AA)
        elif kind == 1:
            cv2.circle(picture, start, int(rng.integers(3, 20)), colour, -1, cv2.LINE_AA)
        else:
            cv2.rectangle(picture, start, end, colour, int(rng.integers(1, 4)))
    return picture


def write_drawings(folder: Path, count: int = 8, side: int = 96) -> Path:
    """A folder of PNG files."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        cv2.imwrite(str(folder / f"drawing{number}.png"), drawing(number, side))
    return folder


@dataclass(frozen=True)
class Drawings:
    """Patches of drawings, LR by bicubic reduction. ``poison`` is the number of a patch that holds NaN."""

    scale: int = 2
    poison: int | None = None
    held_out: int = 1
    description: str = "drawings"
    left_out: tuple[Problem, ...] = ()

    def batch(self, indices: Sequence[int], seed: int, patch: int, device: torch.device | str) -> Batch:
        pictures = [drawing(1000 * seed + index, patch * self.scale) for index in indices]
        hr = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float().to(device)
        lr = bicubic_zoom(hr, self.scale, [0] * len(hr))
        residual = enhanced_residual_tensor(hr, upscale(lr, self.scale))
        if self.poison in indices:
            hr = hr * torch.nan
        return Batch(lr, hr, residual)

    def validation(self) -> Sequence[ValidationItem]:
        return [self._item(number) for number in range(self.held_out)]

    def _item(self, number: int) -> ValidationItem:
        hr = drawing(10**6 + number, 64)
        tensor = torch.from_numpy(hr).permute(2, 0, 1)[None].float()
        lr = bicubic_zoom(tensor, self.scale, [0])[0].permute(1, 2, 0).byte().numpy()
        return ValidationItem(f"drawing {number}", lr, hr)
