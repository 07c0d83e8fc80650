"""A folder of sharp photographs as a source of mosaics, which are simulated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from srnet_cli.data.camera.simulation import draw_patterns
from srnet_cli.data.choices import LabelName
from srnet_cli.data.labels import label_beside
from srnet_cli.data.mosaics.simulation import mosaic_zoom
from srnet_cli.data.photo_source import middle, part, patch_seed
from srnet_cli.data.photos import PhotoCache
from srnet_cli.data.sources import Batch, Problem, ValidationItem
from srnet_cli.data.splits import held_out_scenes
from srnet_cli.network.raw import interpolate, interpolation

#: of the held-out photographs' simulated mosaics; any number, but always the same
_VALIDATION_SEED = 20_190_708


@dataclass(frozen=True)
class MosaicSource:
    """Patches of ``photos`` as the simulated camera's sensor stored them, made on the trainer's device."""

    photos: PhotoCache
    held_out: PhotoCache | None
    #: HR pixels per pixel of the sensor
    sensor_scale: int
    description: str
    left_out: tuple[Problem, ...] = ()
    #: see ``sources.space_of``
    input_space: str = "camera"
    #: what an auxiliary stream is taught, None for networks without one
    label: LabelName | None = None

    @classmethod
    def open(cls, folder: Path, scale: int, smallest: int, label: LabelName | None = None) -> MosaicSource:
        """Load the photographs of ``folder`` with sides of at least ``smallest`` pixels; a few are held out.

        Raises:
            DataError: when there are none.
        """
        everything = PhotoCache.load(folder, smallest)
        names = held_out_scenes(everything.names)
        training, held_out = part(everything, names, keep=False), part(everything, names, keep=True)
        description = (
            f"{len(training.names)} photographs in {folder}, mosaics simulated (×{scale}); "
            f"{len(held_out.names)} held out, {len(everything.left_out)} left out"
        )
        held_out_or_none = held_out if names else None
        return cls(training, held_out_or_none, scale, description, everything.left_out, label=label)

    @property
    def scale(self) -> int:
        """HR pixels per packed pixel."""
        return 2 * self.sensor_scale

    def batch(self, indices: Sequence[int], seed: int, patch: int, device: torch.device | str) -> Batch:
        """See ``TrainingSource.batch``; ``patch`` counts packed pixels."""
        seeds = [patch_seed(seed, index) for index in indices]
        photos = self.photos.patches(seeds, patch * self.scale).to(device).float()
        lr, hr = mosaic_zoom(draw_patterns(photos, seeds), self.sensor_scale, seeds)
        if self.label is None:
            return Batch(lr, hr, None)
        kernel = interpolation(self.scale).to(device)
        return Batch(lr, hr, label_beside(hr, lambda: interpolate(lr, kernel, self.scale), self.label))

    def validation(self) -> Sequence[ValidationItem]:
        """See ``TrainingSource.validation``: whole photographs, cut to at most 1024 pixels a side."""
        if self.held_out is None:
            return ()
        pairs = zip(self.held_out.names, self.held_out.photos, strict=True)
        return [self._validation_item(i, name, photo) for i, (name, photo) in enumerate(pairs)]

    def _validation_item(self, number: int, name: str, photo: torch.Tensor) -> ValidationItem:
        lr, hr = mosaic_zoom(
            middle(photo, self.scale), self.sensor_scale, [patch_seed(_VALIDATION_SEED, number)]
        )
        mosaic, picture = (np.ascontiguousarray(x[0].permute(1, 2, 0).numpy()) for x in (lr, hr))
        return ValidationItem(name, mosaic, np.rint(picture).astype(np.uint8))
