"""Photographs with simulated LR, made on the device for several steps at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import torch
from torch import Tensor

from srnet_cli.data.camera.drawing import UNIFORM_NUMBERS, noise_of_steps
from srnet_cli.data.camera.simulation import bicubic_zoom, photograph, ranges_of
from srnet_cli.data.device.photographs import CROP_NUMBERS, DevicePhotographs, budget
from srnet_cli.data.labels import enhanced_residual_tensor, upscale
from srnet_cli.data.photo_source import SimulatedSource
from srnet_cli.data.sources import Batch, Problem, TrainingSource, ValidationItem

#: patches for which a page of photographs stays, where not all fit
PATCHES_OF_A_PAGE = 65_536
#: patches whose uniform numbers are drawn at once
BLOCK = 64
#: streams of random numbers
_BLOCKS, _NOISE = 2, 3


@dataclass(frozen=True)
class DeviceSource:
    """``source`` with crops, camera and labels on the device.

    Crop and camera of a patch depend on the seed and its own number; its noise on the first number of its
    step, how many there are in this process, and the kind of the device. Patches of several steps are
    computed together; that changes them by the rounding of sums at most.
    """

    source: SimulatedSource
    photographs: DevicePhotographs

    @property
    def scale(self) -> int:
        return self.source.scale

    @property
    def description(self) -> str:
        """See ``TrainingSource.description``."""
        pages = self.photographs.pages
        where = "all on the device" if pages == 1 else f"on the device in turns, a part of {pages} at a time"
        return f"{self.source.description}; {where}"

    @property
    def left_out(self) -> tuple[Problem, ...]:
        """See ``TrainingSource.left_out``."""
        return self.source.left_out

    def validation(self) -> Sequence[ValidationItem]:
        """See ``TrainingSource.validation``."""
        return self.source.validation()

    def batch(self, indices: Sequence[int], seed: int, patch: int, device: torch.device | str) -> Batch:
        """Make the patches of one step; see ``batches``."""
        return self.batches([indices], seed, patch, device)[0]

    def batches(
        self, steps: Sequence[Sequence[int]], seed: int, patch: int, device: torch.device | str
    ) -> list[Batch]:
        """See ``SteppedSource.batches``."""
        made: list[Batch] = []
        for page, same in groupby(steps, lambda indices: indices[0] // PATCHES_OF_A_PAGE):
            made += self._of_page(list(same), page, seed, patch, torch.device(device))
        return made

    def _of_page(
        self, steps: Sequence[Sequence[int]], page: int, seed: int, patch: int, device: torch.device
    ) -> Iterator[Batch]:
        counts = [len(indices) for indices in steps]
        table = torch.cat([_uniform(seed, indices) for indices in steps])
        crops, camera = table[:, :CROP_NUMBERS], table[:, CROP_NUMBERS:]
        hr = self.photographs.crops(crops, patch * self.scale, page, seed)
        ranges = ranges_of(self.source.kind)
        if ranges is None:
            lr = bicubic_zoom(hr, self.scale, ())
        else:
            seeds = [_derived(seed, indices[0], _NOISE) for indices in steps]
            noise = noise_of_steps(seeds, counts, device)
            hr, lr = photograph(hr, self.scale, camera, noise, ranges)
        residual: Sequence[Tensor | None] = [None] * len(steps)
        if self.source.residual is not None:
            enlarged = upscale(lr, self.scale, self.source.residual)
            residual = torch.split(enhanced_residual_tensor(hr, enlarged), counts)
        parts = (torch.split(pictures, counts) for pictures in (lr, hr))
        return map(Batch, *parts, residual)


def on_device(source: TrainingSource, device: torch.device, room: int | None = None) -> TrainingSource:
    """Bring ``source`` to the device if it is one of photographs that can be there; else return it as it is.

    ``room`` is the number of bytes that photographs may take there; None: a share of what is free.
    """
    if not isinstance(source, SimulatedSource):
        return source
    try:
        photographs = DevicePhotographs(source.photos, device, budget(device) if room is None else room)
    except ValueError:
        return source
    return DeviceSource(source, photographs)


def _derived(seed: int, number: int, stream: int) -> int:
    """Derive a 63-bit number; neighbours and streams share nothing."""
    sequence = np.random.SeedSequence((seed, number), spawn_key=(stream,))
    return int(sequence.generate_state(1, np.uint64)[0] >> 1)


def _uniform(seed: int, indices: Sequence[int]) -> Tensor:
    """Draw the uniform numbers of patches, a row each; for ``BLOCK`` successive numbers at once."""
    tables = {number: _block(seed, number) for number in sorted({index // BLOCK for index in indices})}
    return torch.stack([tables[index // BLOCK][index % BLOCK] for index in indices])


def _block(seed: int, number: int) -> Tensor:
    generator = torch.Generator().manual_seed(_derived(seed, number, _BLOCKS))
    return torch.rand(BLOCK, CROP_NUMBERS + UNIFORM_NUMBERS, generator=generator, dtype=torch.float64)
