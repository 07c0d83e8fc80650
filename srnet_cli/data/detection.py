"""What a folder holds, decided by what is found in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from srnet_cli.data.folder_pairs import find_pair_folders
from srnet_cli.data.shots.frames import Shot, focal_length
from srnet_cli.data.shots.sequences import PARTS, find_shots
from srnet_cli.errors import DataError

Kind = Literal["sequences", "pairs", "photos"]

#: a folder with more shots than this is a collection of photographs, not one scene
_MOST_SHOTS = 20
#: folders that are looked into before a data set is taken for something else
_SAMPLE = 20


@dataclass(frozen=True)
class Detection:
    """What a path was taken for, and the sentence that tells the user so."""

    kind: Kind
    root: Path
    sentence: str


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
        "no training data found",
        path=path,
        remedy="sequence folders of RAW and JPG shots, LR/ with HR/, or a folder of photographs",
    )


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
    """A few shots that are RAW files, or numbered pictures that tell their focal length."""
    shots = find_shots(folder)
    if not 1 <= len(shots) <= _MOST_SHOTS:
        return False
    if any(shot.raw is not None for shot in shots):
        return True
    return all(shot.number is not None for shot in shots) and any(_has_focal_length(shot) for shot in shots)


def _has_focal_length(shot: Shot) -> bool:
    try:
        focal_length(shot)
    except DataError:
        return False
    return True


def _count_photos(folder: Path) -> int:
    from srnet_cli.imaging import RGB_SUFFIXES

    if not folder.is_dir():
        return 0
    return sum(p.suffix.lower() in RGB_SUFFIXES for p in folder.iterdir())
