"""Random aligned patches of prepared pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from srnet_cli.data.choices import LabelInterpolation, LabelName
from srnet_cli.data.labels import label_tensor
from srnet_cli.data.photos import dihedral
from srnet_cli.data.preparation import Item
from srnet_cli.data.sources import Batch
from srnet_cli.errors import DataError

#: LR pixels around a patch that its label depends on: two for bicubic, one for the filters' two HR pixels
_CONTEXT = 3


@dataclass(frozen=True)
class _Window:
    """Pixels of one patch with as much context as its picture has, uint8 H×W×3; its mosaic or None."""

    lr: NDArray[np.uint8]
    hr: NDArray[np.uint8]
    mosaic: NDArray[np.float32] | None
    #: where the patch starts in ``lr``: row, column
    corner: tuple[int, int]
    #: which of the eight flips and transposes
    turn: int


@dataclass(frozen=True)
class PatchSampler:
    """Random patches of prepared pairs.

    Each pair is drawn equally often: patch ``i`` is from place ``i mod n`` of the shuffle number ``i div n``.
    With ``mosaic``, LR patches are packed mosaics, whose pixels are twice as large as the LR picture's.
    """

    items: tuple[Item, ...]
    #: HR pixels per pixel of the LR picture
    scale: int
    #: how LR is enlarged for the enhanced residual; None computes none
    residual: LabelInterpolation | None = "bicubic"
    mosaic: bool = False
    #: what is taught of each pair
    label: LabelName = "residual"

    def batch(self, indices: Sequence[int], seed: int, patch: int, device: torch.device | str) -> Batch:
        """See ``TrainingSource.batch``; ``patch`` counts packed pixels with ``mosaic``.

        Raises:
            DataError: when no pair is as large as a patch, or a prepared file is gone.
        """
        items = self._large_enough(patch)
        windows = [self._window(items, index, seed, patch) for index in indices]
        lr, hr, residual = self._assemble(windows, patch * self._cell, torch.device(device))
        if not self.mosaic:
            return Batch(lr, hr, residual)
        mosaics = [_patch_of_mosaic(window, patch) for window in windows]
        return Batch(torch.stack(mosaics).to(device), hr, residual)

    @property
    def _cell(self) -> int:
        """Pixels of the LR picture per pixel and side of what is called LR."""
        return 2 if self.mosaic else 1

    def _large_enough(self, patch: int) -> tuple[Item, ...]:
        side = patch * self._cell
        items = self._by_side[np.searchsorted(self._sides, side) :]
        if not items:
            largest = self._sides[-1] // self._cell if len(self._sides) else 0
            raise DataError(
                f"no pair is as large as a patch of {patch}×{patch} LR pixels; the largest has {largest}",
                remedy="a smaller --patch-size",
            )
        return items

    @cached_property
    def _by_side(self) -> tuple[Item, ...]:
        return tuple(sorted(self.items, key=lambda item: (_short_side(item), item.name)))

    @cached_property
    def _sides(self) -> list[int]:
        return [_short_side(item) for item in self._by_side]

    def _window(self, items: Sequence[Item], index: int, seed: int, patch: int) -> _Window:
        item = items[_place(index, len(items), seed)]
        rng = np.random.Generator(np.random.Philox(np.random.SeedSequence((seed, index))))
        height, width = item.shapes["lr"][:2]
        cell, side, s = self._cell, patch * self._cell, self.scale
        y, x = (cell * int(rng.integers(0, (length - side) // cell + 1)) for length in (height, width))
        turn = int(rng.integers(0, 8))
        # Shifted inwards at the border, where the picture itself ends as the window does.
        context = _CONTEXT if self.residual else 0
        tall, wide = min(height, side + 2 * context), min(width, side + 2 * context)
        top, left = min(max(0, y - context), height - tall), min(max(0, x - context), width - wide)
        mosaic = None
        if self.mosaic:
            packed = item.open("mosaic")
            mosaic = np.array(packed[y // 2 : y // 2 + patch, x // 2 : x // 2 + patch], np.float32)
        return _Window(
            lr=np.array(item.open("lr")[top : top + tall, left : left + wide]),
            hr=np.array(item.open("hr")[s * top : s * (top + tall), s * left : s * (left + wide)]),
            mosaic=mosaic,
            corner=(y - top, x - left),
            turn=turn,
        )

    def _assemble(
        self, windows: Sequence[_Window], side: int, device: torch.device
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Label, crop and turn: labels first, so that they do not depend on where a patch was cut."""
        count, s = len(windows), self.scale
        lr = torch.empty(count, 3, side, side, device=device)
        hr = torch.empty(count, 3, s * side, s * side, device=device)
        residual = torch.empty_like(hr) if self.residual else None
        for rows in _equal_shapes(windows):
            lr_windows = _to_device([windows[row].lr for row in rows], device)
            hr_windows = _to_device([windows[row].hr for row in rows], device)
            labels = None
            if self.residual is not None:
                labels = label_tensor(hr_windows, lr_windows, s, self.residual, self.label)
            for place, row in enumerate(rows):
                (y, x), turn = windows[row].corner, windows[row].turn
                lr[row] = dihedral(lr_windows[place, :, y : y + side, x : x + side], turn)
                fine = np.s_[place, :, s * y : s * (y + side), s * x : s * (x + side)]
                hr[row] = dihedral(hr_windows[fine], turn)
                if residual is not None and labels is not None:
                    residual[row] = dihedral(labels[fine], turn)
        return lr, hr, residual


def _short_side(item: Item) -> int:
    return min(item.shapes["lr"][:2])


def _place(index: int, count: int, seed: int) -> int:
    """Choose which of ``count`` pairs patch ``index`` is from: each once before any is drawn again."""
    return int(_shuffle(count, seed, index // count)[index % count])


@lru_cache(maxsize=16)
def _shuffle(count: int, seed: int, turn: int) -> NDArray[np.int64]:
    return np.random.default_rng(np.random.SeedSequence((seed, turn), spawn_key=(1,))).permutation(count)


def _patch_of_mosaic(window: _Window, patch: int) -> Tensor:
    """Cut out 4×patch×patch, 0 black and 255 white.

    Turned as a picture, not as a sensor: channels stay what they are.
    """
    assert window.mosaic is not None
    packed = torch.from_numpy(window.mosaic).permute(2, 0, 1) * 255
    return dihedral(packed, window.turn).reshape(4, patch, patch)


def _equal_shapes(windows: Sequence[_Window]) -> list[list[int]]:
    """Group the rows of the batch by window size; nearly always a single group."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for row, window in enumerate(windows):
        groups.setdefault(window.lr.shape, []).append(row)
    return list(groups.values())


def _to_device(pictures: Sequence[NDArray[np.uint8]], device: torch.device) -> Tensor:
    """Stack to N×3×H×W uint8: eight bit travel, floats are made where they are used."""
    stacked = torch.from_numpy(np.stack(pictures))
    if device.type == "cuda":
        stacked = stacked.pin_memory()
    return stacked.to(device, non_blocking=True).permute(0, 3, 1, 2)
