"""A folder of sharp photographs as a source; LR is simulated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from srnet_cli.data.camera.simulation import Degradation, degradation, draw_patterns
from srnet_cli.data.choices import LabelInterpolation, LabelName
from srnet_cli.data.labels import label_tensor
from srnet_cli.data.photos import PhotoCache
from srnet_cli.data.sources import Batch, Problem, ValidationItem
from srnet_cli.data.splits import held_out_scenes

#: of the held-out photographs' simulated LR; any number, but always the same
_VALIDATION_SEED = 20_190_707
#: sides of validation pictures are cut to this, so that they are quickly evaluated
_VALIDATION_SIDE = 1024


_MODELS = {
    "camera": "a camera with a shorter lens",
    "mixed": "a camera with a shorter lens, some by bicubic reduction",
    "bicubic": "bicubic reduction",
}


@dataclass(frozen=True)
class SimulatedSource:
    """Patches of ``photos`` reduced by ``degrade`` on the trainer's device."""

    photos: PhotoCache
    held_out: PhotoCache | None
    degrade: Degradation
    scale: int
    residual: LabelInterpolation | None
    description: str
    left_out: tuple[Problem, ...] = ()
    #: replace a share of the patches by patterns of flat colours
    patterns: bool = False
    #: how LR is made: the name of ``degrade``
    kind: str = "mixed"
    #: what is taught of each patch
    label: LabelName = "residual"

    @classmethod
    def open(
        cls, folder: Path, scale: int, kind: str, residual: LabelInterpolation | None, smallest: int
    ) -> SimulatedSource:
        """Load the photographs of ``folder`` with sides of at least ``smallest`` pixels.

        ``kind`` is a name of ``camera.simulation.degradation``. A few photographs are held out, by name.

        Raises:
            DataError: when there are none.
            ValueError: for another ``kind``.
        """
        degrade = degradation(kind)
        everything = PhotoCache.load(folder, smallest)
        names = held_out_scenes(everything.names)
        training, held_out = part(everything, names, keep=False), part(everything, names, keep=True)
        description = (
            f"{len(training.names)} photographs in {folder}, LR simulated by {_MODELS[kind]} (×{scale}); "
            f"{len(held_out.names)} held out, {len(everything.left_out)} left out"
        )
        return cls(
            photos=training,
            held_out=held_out if names else None,
            degrade=degrade,
            scale=scale,
            residual=residual,
            description=description,
            left_out=everything.left_out,
            patterns=kind != "bicubic",
            kind=kind,
        )

    def batch(self, indices: Sequence[int], seed: int, patch: int, device: torch.device | str) -> Batch:
        """See ``TrainingSource.batch``."""
        seeds = [patch_seed(seed, index) for index in indices]
        hr = self.photos.patches(seeds, patch * self.scale).to(device).float()
        if self.patterns:
            hr = draw_patterns(hr, seeds)
        lr = self.degrade(hr, self.scale, seeds)
        residual = None
        if self.residual is not None:
            residual = label_tensor(hr, lr, self.scale, self.residual, self.label)
        return Batch(lr, hr, residual)

    def validation(self) -> Sequence[ValidationItem]:
        """See ``TrainingSource.validation``: whole photographs, cut to at most 1024 pixels a side."""
        if self.held_out is None:
            return ()
        pairs = zip(self.held_out.names, self.held_out.photos, strict=True)
        return [self._validation_item(i, name, photo) for i, (name, photo) in enumerate(pairs)]

    def _validation_item(self, number: int, name: str, photo: Tensor) -> ValidationItem:
        hr = middle(photo, self.scale)
        lr = self.degrade(hr, self.scale, [patch_seed(_VALIDATION_SEED, number)])
        return ValidationItem(name, _picture(lr), _picture(hr))


def part(photos: PhotoCache, names: frozenset[str], keep: bool) -> PhotoCache:
    """Take the photographs of these names, or with ``keep`` false the others."""
    chosen = [i for i, name in enumerate(photos.names) if (name in names) == keep]
    return PhotoCache(tuple(photos.names[i] for i in chosen), tuple(photos.photos[i] for i in chosen))


def middle(photo: Tensor, scale: int) -> Tensor:
    """Cut the middle of a held-out photograph, 3×H×W, for validation: 1×3×h×w, float32.

    Its sides are multiples of ``scale``, at most 1024.
    """
    height, width = (min(side, _VALIDATION_SIDE) // scale * scale for side in photo.shape[1:])
    top, left = (photo.shape[1] - height) // 2, (photo.shape[2] - width) // 2
    return photo[None, :, top : top + height, left : left + width].float()


def patch_seed(seed: int, index: int) -> int:
    """Derive one 63-bit number for a patch; neighbours share nothing."""
    return int(np.random.SeedSequence((seed, index)).generate_state(1, np.uint64)[0] >> 1)


def _picture(tensor: Tensor) -> NDArray[np.uint8]:
    return np.ascontiguousarray(tensor[0].round().clamp(0, 255).byte().permute(1, 2, 0).cpu().numpy())
