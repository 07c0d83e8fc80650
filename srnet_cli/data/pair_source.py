"""Prepared pairs as a source: those to train on, those held out, those for the test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from srnet_cli.data.kinds import SourceOptions
from srnet_cli.data.patches import PatchSampler
from srnet_cli.data.preparation import Item, PreparationReport
from srnet_cli.data.sources import Batch, Problem, ValidationItem
from srnet_cli.data.splits import held_out_scenes
from srnet_cli.data.sr_raw.pairing import published_split


@dataclass(frozen=True)
class PairSource:
    """Prepared pairs as a ``TrainingSource``. ``held_out`` and ``test`` are never trained on."""

    sampler: PatchSampler
    held_out: tuple[Item, ...]
    #: the pairs of the data's own ``test/`` part
    test: tuple[Item, ...]
    report: PreparationReport
    description: str

    @property
    def scale(self) -> int:
        return self.sampler.scale * (2 if self.sampler.mosaic else 1)

    @property
    def left_out(self) -> tuple[Problem, ...]:
        """Everything that was found but is not used, and why."""
        return self.report.left_out

    def batch(self, indices: Sequence[int], seed: int, patch: int, device: torch.device | str) -> Batch:
        """See ``TrainingSource.batch``."""
        return self.sampler.batch(indices, seed, patch, device)

    def validation(self) -> Sequence[ValidationItem]:
        """See ``TrainingSource.validation``."""
        return [self._whole(item) for item in self.held_out]

    def evaluation(self) -> Sequence[ValidationItem]:
        """Return the data's own test pairs, or where it has none the held-out ones."""
        return [self._whole(item) for item in self.test or self.held_out]

    def _whole(self, item: Item) -> ValidationItem:
        lr = item.open("mosaic") * 255 if self.sampler.mosaic else item.open("lr")
        return ValidationItem(item.name, lr, item.open("hr"))


def split_pairs(report: PreparationReport, options: SourceOptions) -> PairSource:
    """Split prepared pairs into training, held-out and test pairs.

    Raises:
        DataError: when the published ranges do not fit the data.
    """
    test = tuple(item for item in report.items if item.name.startswith("test/"))
    rest = [item for item in report.items if not item.name.startswith("test/")]
    if options.split == "published":
        training, held_out = published_split(rest, options.scale)
    else:
        names = held_out_scenes(item.scene for item in rest)
        training = [item for item in rest if item.scene not in names]
        held_out = [item for item in rest if item.scene in names]
    sampler = PatchSampler(
        tuple(training), options.scale, options.residual, options.pairs.mosaic, options.label
    )
    scenes = len({item.scene for item in training})
    description = (
        f"{len(training)} pairs ×{options.scale} from {scenes} scenes; "
        f"{len(held_out)} held out, {len(test)} for testing, {len(report.left_out)} left out"
    )
    if any(item.report.get("lr_reduced") for item in report.items):
        description += f"; LR pictures of HR's own size were reduced {options.scale} times first"
    return PairSource(sampler, tuple(held_out), test, report, description)
