"""A data set's pairs brought into the cache. Imports no torch: preparation needs none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from srnet_cli.data import cache
from srnet_cli.data.cache import Item, Progress
from srnet_cli.data.detection import Kind, detect_source
from srnet_cli.data.folder_pairs import find_pairs
from srnet_cli.data.shots.pairing import make_pairs
from srnet_cli.data.shots.sequences import Problem, discover
from srnet_cli.data.sr_raw.repairs import repair_published
from srnet_cli.data.zoom_pairs import Job, PairJob, PairOptions, release_frames
from srnet_cli.errors import DataError

if TYPE_CHECKING:
    from srnet_cli.data.labels import LabelInterpolation

Split = Literal["scene", "published"]


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
    residual: LabelInterpolation | None = "bicubic"
    #: what makes LR out of photographs: "camera", "mixed" or "bicubic"
    degradation: str = "mixed"
    #: photographs with a side below this are left out
    smallest_photo: int = 384
    #: cache folder; None for the user's
    cache: Path | None = None
    #: processes that prepare; None for one for each CPU
    workers: int | None = None


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


def prepare_source(
    path: Path,
    options: SourceOptions,
    progress: Progress | None = None,
) -> PreparationReport:
    """Bring the cache up to date for real pairs or paired folders; photographs need no preparation.

    Raises:
        DataError: when there is nothing to prepare.
        OutputError: when the cache cannot be written.
        UsageError: for a pairing that does not exist at the scale.
    """
    kind, root = kind_and_root(path, options)
    if kind == "photos":
        raise DataError("photographs need no preparation", path=path, remedy="just train on them")
    jobs, left_out, notes = _jobs(kind, root, options)
    folder = cache.set_folder(options.cache or cache.default_cache(), root, _set_name(kind, options))
    try:
        done = cache.prepare(jobs, folder, options.workers, progress)
    finally:
        release_frames()
    return PreparationReport(done.items, (*left_out, *done.left_out), tuple(notes), done.made, folder)


def kind_and_root(path: Path, options: SourceOptions) -> tuple[Kind, Path]:
    """What the data is, asked for or detected, and where it starts."""
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
