"""Sequences of shots of one scene at several focal lengths, found on disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from srnet_cli.data.shots.frames import Shot, focal_length
from srnet_cli.data.sources import Problem
from srnet_cli.errors import DataError
from srnet_cli.imaging.formats import FORMATS, format_of, is_raw_path
from srnet_cli.imaging.listing import list_folders, list_pictures

#: subsets of SR-RAW as downloaded
PARTS = ("train", "test")


@dataclass(frozen=True)
class ShotSequence:
    """Shots of one scene, longest focal length first; every focal length is known and occurs once."""

    #: ``train/00001``, ``00001``, or the folder's own name
    name: str
    folder: Path
    shots: tuple[Shot, ...]
    #: what the user should know although the sequence is used
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Discovery:
    """The sequences of a folder, and what in it cannot be used."""

    sequences: tuple[ShotSequence, ...]
    problems: tuple[Problem, ...]


FoundShots = Mapping[str, tuple[Shot, ...]]
Repair = Callable[[FoundShots], tuple[FoundShots, tuple[Problem, ...], tuple[Problem, ...]]]


def discover(root: Path, repair: Repair | None = None) -> Discovery:
    """Find every sequence in SR-RAW's folders (``train/``, ``test/``), in one flat folder of sequence
    folders, or the one sequence that ``root`` itself is.

    ``repair`` may rearrange the shots that were found before they are judged (see ``repairs``); it returns
    them with what it left out and what should be known about sequences that it changed.

    Raises:
        DataError: when ``root`` is not a folder or holds no shots at all.
    """
    folders = sequence_folders(root)
    found: FoundShots = {name: _with_focals(find_shots(folder)) for name, folder in folders.items()}
    problems: list[Problem] = []
    notes: dict[str, list[str]] = {}
    if repair is not None:
        found, left_out, changed = repair(found)
        problems += left_out
        for change in changed:
            notes.setdefault(change.name, []).append(change.reason)
    sequences = []
    for name, shots in found.items():
        sequence, trouble = _judge(ShotSequence(name, folders[name], shots, tuple(notes.get(name, ()))))
        problems += trouble
        if sequence is not None:
            sequences.append(sequence)
    return Discovery(tuple(sequences), tuple(problems))


def sequence_folders(root: Path) -> dict[str, Path]:
    """List the folders that hold shots, by the name of their sequence.

    Raises:
        DataError: when ``root`` is not a folder or holds no shots at all.
    """
    if not root.is_dir():
        raise DataError("is not a folder", path=root)
    parts = [root / part for part in PARTS if (root / part).is_dir()]
    found = {
        f"{part.name}/{folder.name}": folder
        for part in parts
        for folder in list_folders(part)
        if find_shots(folder)
    }
    if not found:
        found = {folder.name: folder for folder in list_folders(root) if find_shots(folder)}
    if not found and find_shots(root):
        found = {root.resolve().name: root}
    if not found:
        raise DataError(
            "holds no shots", path=root, remedy="give the folder with train/ and test/, or one scene"
        )
    return found


def find_shots(folder: Path) -> tuple[Shot, ...]:
    """Match the RAW files and pictures of a folder by name; focal lengths are not read yet."""
    raws: dict[str, Path] = {}
    pictures: dict[str, list[Path]] = {}
    for path in list_pictures(folder):
        if is_raw_path(path):
            raws.setdefault(path.stem, path)
        else:
            pictures.setdefault(path.stem, []).append(path)
    return tuple(
        Shot(
            name=name,
            rgb=min(pictures.get(name, ()), key=_preference, default=None),
            raw=raws.get(name),
        )
        for name in sorted(raws.keys() | pictures.keys())
    )


def _preference(path: Path) -> tuple[bool, int]:
    """Rank the camera's own JPEG before converted pictures of its name, those in the order of the table."""
    found = format_of(path)
    return found is not FORMATS["jpeg"], list(FORMATS.values()).index(found) if found else 0


def _with_focals(shots: tuple[Shot, ...]) -> tuple[Shot, ...]:
    def known(shot: Shot) -> Shot:
        try:
            return replace(shot, focal=focal_length(shot))
        except DataError:
            return shot

    # Thousands of small reads, each of which mostly waits for the disk.
    with ThreadPoolExecutor(max_workers=8) as pool:
        return tuple(pool.map(known, shots))


def _judge(sequence: ShotSequence) -> tuple[ShotSequence | None, list[Problem]]:
    """Leave out shots that cannot be used; None when fewer than two remain."""
    problems: list[Problem] = []
    by_focal: dict[float, Shot] = {}
    for shot in sequence.shots:
        label = f"{sequence.name}/{shot.name}"
        if shot.focal is None:
            problems.append(Problem(label, _why_unknown(shot)))
        elif shot.focal in by_focal:
            other = by_focal[shot.focal].name
            problems.append(
                Problem(label, f"has the focal length of {other}, {shot.focal:g} mm; {other} is used")
            )
        else:
            by_focal[shot.focal] = shot
    shots = tuple(by_focal[focal] for focal in sorted(by_focal, reverse=True))
    if len(shots) < 2:
        count = "no usable shot" if not shots else "only one usable shot"
        return None, [*problems, Problem(sequence.name, f"{count}; a pair needs two focal lengths")]
    notes = sequence.notes
    if list(shots) != sorted(shots, key=lambda shot: shot.name):
        notes += ("shots are not numbered from the longest focal length down; ordered by focal length",)
    return replace(sequence, shots=shots, notes=notes), problems


def _why_unknown(shot: Shot) -> str:
    try:
        focal_length(shot)
    except DataError as error:
        return error.reason
    return "no focal length"
