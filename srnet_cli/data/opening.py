"""From a path to a source: what it holds, preparing it, opening it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import torch

from srnet_cli.data import cache
from srnet_cli.data.cache import Item, Progress
from srnet_cli.data.folders import find_pair_folders, find_pairs
from srnet_cli.data.pairing import make_pairs
from srnet_cli.data.patches import PatchSampler
from srnet_cli.data.photos import PHOTO_SUFFIXES
from srnet_cli.data.preparation import Job, PairJob, PairOptions
from srnet_cli.data.repairs import repair_published
from srnet_cli.data.sequences import PARTS, Problem, discover, find_shots
from srnet_cli.data.simulated import SimulatedSource
from srnet_cli.data.sources import Batch, TrainingSource, ValidationItem
from srnet_cli.data.splits import held_out_scenes, published_split
from srnet_cli.data.upscale import Upscale
from srnet_cli.errors import DataError

Kind = Literal["sequences", "pairs", "photos"]
Split = Literal["scene", "published"]

#: a folder with more shots than this is a collection of photographs, not one scene
_MOST_SHOTS = 20
#: folders that are looked into before a data set is taken for something else
_SAMPLE = 20


@dataclass(frozen=True)
class SourceOptions:
    """How data becomes training patches. Fields that do not concern the kind of data found are not used."""

    scale: int = 4
    #: what the data is; None decides by what is found
    kind: Kind | None = None
    #: how real zoom pairs are made; its scale is set to this one's
    pairs: PairOptions = field(default_factory=PairOptions)
    #: hold out whole scenes, or the item numbers of the published runs
    split: Split = "scene"
    #: how LR is enlarged for the enhanced residual; None for networks without the auxiliary stream
    residual: Upscale | None = "bicubic"
    #: what makes LR out of photographs: "camera" or "bicubic"
    degradation: str = "camera"
    #: photographs with a side below this are left out
    smallest_photo: int = 384
    #: cache folder; None for the user's
    cache: Path | None = None
    #: processes that prepare; None for one for each CPU
    workers: int | None = None


@dataclass(frozen=True)
class Detection:
    """What a path was taken for, and the sentence that tells the user so."""

    kind: Kind
    root: Path
    sentence: str


@dataclass(frozen=True)
class PreparationReport:
    """The outcome of preparing a data set."""

    items: tuple[Item, ...]
    #: what is not used, and why
    left_out: tuple[Problem, ...]
    #: what is used although something is unusual about it
    notes: tuple[Problem, ...]
    #: pairs that were made now; the others were in the cache
    made: int
    folder: Path

    @property
    def sentence(self) -> str:
        scenes = len({item.scene for item in self.items})
        found = len(self.items) - min(self.made, len(self.items))
        return (
            f"{len(self.items)} pairs from {scenes} scenes ({found} were in the cache), "
            f"{len(self.left_out)} left out; prepared in {self.folder}"
        )


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


def detect_source(path: Path, scale: int = 4) -> Detection:
    """Decide by what a folder holds: pairs in ``LR/`` and ``HR/``, shots at several focal lengths, or photos.

    Raises:
        DataError: when it is none of these.
    """
    if not path.is_dir():
        raise DataError("is not a folder" if path.exists() else "does not exist", path=path)
    paired = find_pair_folders(path, scale)
    if paired:
        where = " and ".join(str(folder) for folder in paired.values())
        return Detection("pairs", path, f"{where}: pairs of pictures in LR/ and HR/")
    sequences = _describe_sequences(path)
    if sequences is not None:
        return Detection("sequences", path, f"{path}: {sequences}")
    for folder in (path, path / "HR", path / "train"):
        count = _count_photos(folder)
        if count:
            return Detection("photos", folder, f"{folder}: {count} photographs, zoom will be simulated")
    raise DataError(
        "holds no training data that I know",
        path=path,
        remedy="sequence folders of RAW and JPG shots, LR/ with HR/, or a folder of photographs",
    )


def prepare_source(
    path: Path,
    options: SourceOptions = SourceOptions(),
    progress: Progress | None = None,
) -> PreparationReport:
    """Bring the cache up to date for real pairs or paired folders; photographs need no preparation.

    Raises:
        DataError: when there is nothing to prepare.
        OutputError: when the cache cannot be written.
        UsageError: for a pairing that does not exist at the scale.
    """
    kind, root = _kind_and_root(path, options)
    if kind == "photos":
        raise DataError("photographs need no preparation", path=path, remedy="just train on them")
    jobs, left_out, notes = _jobs(kind, root, options)
    folder = cache.set_folder(options.cache or cache.default_cache(), root, _set_name(kind, options))
    done = cache.prepare(jobs, folder, options.workers, progress)
    return PreparationReport(done.items, (*left_out, *done.left_out), tuple(notes), done.made, folder)


def open_source(
    path: Path,
    options: SourceOptions = SourceOptions(),
    progress: Progress | None = None,
) -> TrainingSource:
    """Prepare what has to be and open it for training.

    Raises:
        DataError: when there is nothing to train on; names the first reasons.
        OutputError: when the cache cannot be written.
        UsageError: for a pairing that does not exist at the scale.
    """
    kind, root = _kind_and_root(path, options)
    if kind == "photos":
        smallest = max(options.smallest_photo, 2 * options.scale)
        return SimulatedSource.open(root, options.scale, options.degradation, options.residual, smallest)
    report = prepare_source(path, options, progress)
    source = pair_source(report, options)
    if not source.sampler.items:
        reasons = "; ".join(f"{p.name}: {p.reason}" for p in report.left_out[:3])
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


def _kind_and_root(path: Path, options: SourceOptions) -> tuple[Kind, Path]:
    if options.kind is not None:
        return options.kind, path
    found = detect_source(path, options.scale)
    return found.kind, found.root


def _set_name(kind: Kind, options: SourceOptions) -> str:
    return f"x{options.scale}-{options.pairs.recipe if kind == 'sequences' else kind}"


def _jobs(kind: Kind, root: Path, options: SourceOptions) -> tuple[list[Job], list[Problem], list[Problem]]:
    """What to prepare, what is left out already, and notes."""
    if kind == "pairs":
        folder_jobs, problems = find_pairs(root, options.scale, options.pairs.mosaic)
        return list(folder_jobs), problems, []
    found = discover(root, repair_published)
    how = replace(options.pairs, scale=options.scale)
    jobs: list[Job] = []
    left_out, notes = list(found.problems), []
    for sequence in found.sequences:
        pairs, problems = make_pairs(sequence, options.scale, how.recipe)
        jobs += [PairJob(pair, how) for pair in pairs]
        left_out += problems
        notes += [Problem(sequence.name, note) for note in sequence.notes]
        notes += _developed_here([pair.name for pair in pairs if None in (pair.lr.rgb, pair.hr.rgb)])
    return jobs, left_out, notes


def _developed_here(names: Sequence[str]) -> list[Problem]:
    return [Problem(name, "a JPG is missing; both shots are developed from RAW") for name in names]


def _describe_sequences(path: Path) -> str | None:
    """What sequences there are; None when it does not look like sequences."""
    parts = {part: _shot_folders(path / part) for part in PARTS if (path / part).is_dir()}
    if any(_any_scene(folders) for folders in parts.values()):
        counts = " and ".join(f"{len(folders)} in {part}/" for part, folders in parts.items() if folders)
        return f"sequences of shots at several focal lengths, {counts}"
    folders = _shot_folders(path)
    if _any_scene(folders):
        return f"{len(folders)} sequences of shots at several focal lengths"
    if _is_scene(path):
        return f"{len(find_shots(path))} shots of one scene at several focal lengths"
    return None


def _shot_folders(folder: Path) -> list[Path]:
    return [
        f for f in sorted(folder.iterdir()) if f.is_dir() and not f.name.startswith(".") and find_shots(f)
    ]


def _any_scene(folders: Sequence[Path]) -> bool:
    return any(_is_scene(folder) for folder in folders[:_SAMPLE])


def _is_scene(folder: Path) -> bool:
    """A few shots that are RAW files, or pictures numbered as a camera or SR-RAW does."""
    shots = find_shots(folder)
    if not 1 <= len(shots) <= _MOST_SHOTS:
        return False
    return any(shot.raw is not None for shot in shots) or all(shot.number is not None for shot in shots)


def _count_photos(folder: Path) -> int:
    if not folder.is_dir():
        return 0
    return sum(p.suffix.lower() in PHOTO_SUFFIXES for p in folder.iterdir())
