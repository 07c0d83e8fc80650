"""From a path to a test set: real zoom sequences, paired folders, prepared sets, or sharp pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from srnet_cli.data.camera.simulation import VERSION as CAMERA_VERSION
from srnet_cli.data.choices import Pairing
from srnet_cli.data.kinds import SourceOptions
from srnet_cli.data.opening import detect_source, prepare_source
from srnet_cli.data.pair_source import split_pairs
from srnet_cli.data.paired.jobs import find_pairs
from srnet_cli.data.preparation import Item, Progress
from srnet_cli.data.zoom_pairs import PairOptions
from srnet_cli.errors import DataError
from srnet_cli.evaluation.pairs import FileItem, PairSet, PreparedItem, SimulatedItem
from srnet_cli.imaging.listing import list_pictures

TestSplit = Literal["auto", "scene", "published", "all"]

#: folders that may hold the sharp pictures
_HR_FOLDERS = ("", "HR", "GTmod12", "original")


@dataclass(frozen=True)
class DataOptions:
    """Options that make test pairs of data; those for other kinds of data are not used."""

    #: "bicubic" or "camera": how sharp pictures are reduced
    degradation: str = "bicubic"
    #: which real pairs: the data's own test part, else held-out scenes (auto), the items of the published
    #: runs, or all
    split: TestSplit = "auto"
    #: how shots of SR-RAW are paired
    pairing: Pairing = "ratio"
    #: give HR the exposure and white balance of its LR shot
    match_colour: bool = False
    #: where prepared pairs are kept; None: the user's cache folder
    cache: Path | None = None
    #: processes that prepare; None: one for each CPU
    workers: int | None = None


def open_test_set(
    path: Path, scale: int, options: DataOptions = DataOptions(), progress: Progress | None = None
) -> PairSet:
    """Find the pairs of ``path`` at ``scale``.

    Raises:
        DataError: when there is nothing to measure on.
        OutputError: when the cache of real zoom pairs cannot be written.
    """
    if not path.exists():
        raise DataError("does not exist", path=path)
    if path.is_file():
        return _simulated(path, [path], scale, options.degradation)
    jobs, problems = find_pairs(path, scale, mosaic=False)
    if jobs:
        kept = [job for job in jobs if job.name.startswith("test/")] or jobs
        items = tuple(FileItem(job.name, job.scene, job.lr, job.hr, scale) for job in kept)
        notes = tuple(f"{p.name}: {p.reason}" for p in problems)
        return PairSet(path.resolve().name, scale, "LR as supplied", items, notes)
    pictures = [_pictures(path / name) for name in _HR_FOLDERS]
    if detects_sequences(path, scale):
        return _sequences(path, scale, options, progress)
    found = next((p for p in pictures if p), None)
    if found is None:
        raise DataError(
            "holds nothing to evaluate on",
            path=path,
            remedy="LR/ with HR/, a folder of sharp pictures, or SR-RAW's sequences",
        )
    return _simulated(path, found, scale, options.degradation)


def detects_sequences(path: Path, scale: int) -> bool:
    """Tell whether a folder holds shots at several focal lengths."""
    try:
        return detect_source(path, scale).kind == "sequences"
    except DataError:
        return False


def _simulated(path: Path, pictures: Sequence[Path], scale: int, degradation: str) -> PairSet:
    stems = [p.stem for p in pictures]
    names = [p.stem if stems.count(p.stem) == 1 else p.name for p in pictures]
    items = tuple(SimulatedItem(n, p, scale, degradation) for n, p in zip(names, pictures, strict=True))
    name = path.stem if path.is_file() else path.resolve().name
    return PairSet(name, scale, f"LR by {_ORIGINS[degradation]}", items)


#: the camera's version is part of it: figures behind another one are not set beside these
_ORIGINS = {"bicubic": "bicubic reduction", "camera": f"simulated camera {CAMERA_VERSION}"}


def _sequences(path: Path, scale: int, options: DataOptions, progress: Progress | None) -> PairSet:
    # The test part alone is prepared where there is one: the training part takes hours.
    own_test = options.split == "auto" and detects_sequences(path / "test", scale)
    root = path / "test" if own_test else path
    source = SourceOptions(
        scale=scale,
        kind="sequences",
        pairs=PairOptions(scale=scale, recipe=options.pairing, match_colour=options.match_colour),
        split="published" if options.split == "published" else "scene",
        cache=options.cache,
        workers=options.workers,
    )
    report = prepare_source(root, source, progress)
    notes = [f"{p.name}: {p.reason}" for p in report.left_out]
    chosen: tuple[Item, ...] = report.items
    if not own_test and options.split != "all":
        parts = split_pairs(report, source)
        chosen = (parts.test if options.split == "auto" else ()) or parts.held_out
        if not chosen and report.items:
            chosen = report.items
            notes.append("too few scenes to hold any out: all pairs are measured, trained on or not")
    if not chosen:
        raise DataError(f"no pair to measure on ({'; '.join(notes[:3])})", path=path)
    items = tuple(PreparedItem(item, _sequence_files(root, item.name)) for item in chosen)
    return PairSet(path.resolve().name, scale, f"real zoom pairs, {options.pairing}", items, tuple(notes))


def _sequence_files(root: Path, name: str) -> tuple[Path, ...]:
    """List the shots and texts of the sequence of a pair, whose name begins with its folder in the data."""
    folder = (root / name).parent
    found = folder if folder.is_dir() else root
    return tuple(path for path in found.iterdir() if path.is_file())


def _pictures(folder: Path) -> list[Path]:
    return list_pictures(folder, raw=False) if folder.is_dir() else []
