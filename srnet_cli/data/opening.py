"""From a path to a source that can be trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from srnet_cli.data.cache import Item, Progress
from srnet_cli.data.detection import Detection, detect_source
from srnet_cli.data.pair_source import PatchSampler
from srnet_cli.data.photo_source import SimulatedSource
from srnet_cli.data.preparation import PreparationReport, SourceOptions, kind_and_root, prepare_source
from srnet_cli.data.shots.sequences import Problem
from srnet_cli.data.sources import Batch, TrainingSource, ValidationItem
from srnet_cli.data.splits import held_out_scenes, published_split
from srnet_cli.errors import DataError

__all__ = [
    "Detection",
    "PairSource",
    "PreparationReport",
    "SourceOptions",
    "detect_source",
    "open_source",
    "pair_source",
    "prepare_source",
]


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
        """What was found but is not used, and why."""
        return self.report.left_out

    def batch(self, indices: Sequence[int], seed: int, patch: int, device: torch.device | str) -> Batch:
        """See ``TrainingSource.batch``."""
        return self.sampler.batch(indices, seed, patch, device)

    def validation(self) -> Sequence[ValidationItem]:
        """See ``TrainingSource.validation``."""
        return [self._whole(item) for item in self.held_out]

    def evaluation(self) -> Sequence[ValidationItem]:
        """The data's own test pairs, or where it has none the held-out ones."""
        return [self._whole(item) for item in self.test or self.held_out]

    def _whole(self, item: Item) -> ValidationItem:
        lr = item.open("mosaic") * 255 if self.sampler.mosaic else item.open("lr")
        return ValidationItem(item.name, lr, item.open("hr"))


def open_source(
    path: Path,
    options: SourceOptions,
    progress: Progress | None = None,
) -> TrainingSource:
    """Prepare what has to be and open it for training.

    Raises:
        DataError: when there is nothing to train on; names the first reasons.
        OutputError: when the cache cannot be written.
        UsageError: for a pairing that does not exist at the scale.
    """
    kind, root = kind_and_root(path, options)
    if kind == "photos":
        smallest = max(options.smallest_photo, 2 * options.scale)
        return SimulatedSource.open(root, options.scale, options.degradation, options.residual, smallest)
    report = prepare_source(path, options, progress)
    source = pair_source(report, options)
    if not source.sampler.items:
        reasons = "; ".join(f"{p.name}: {p.reason}" for p in report.left_out[:3])
        if not reasons and source.test:
            reasons = "all are in test/"
        raise DataError(f"no pair to train on{f' ({reasons})' if reasons else ''}", path=path)
    return source


def pair_source(report: PreparationReport, options: SourceOptions) -> PairSource:
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
    sampler = PatchSampler(tuple(training), options.scale, options.residual, options.pairs.mosaic)
    scenes = len({item.scene for item in training})
    description = (
        f"{len(training)} pairs ×{options.scale} from {scenes} scenes; "
        f"{len(held_out)} held out, {len(test)} for testing, {len(report.left_out)} left out"
    )
    return PairSource(sampler, tuple(held_out), test, report, description)
