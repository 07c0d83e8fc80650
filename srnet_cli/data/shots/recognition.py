"""Folders that hold shots of scenes at several focal lengths, told from other folders by what is in them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from srnet_cli.data.shots.frames import Shot, focal_length
from srnet_cli.data.shots.sequences import PARTS, find_shots
from srnet_cli.errors import DataError
from srnet_cli.imaging.listing import list_folders

#: a folder with more shots than this is a collection of photographs, not one scene
_MOST_SHOTS = 20
#: folders that are looked into before a data set is taken for something else
_SAMPLE = 20


def recognise_sequences(path: Path, _scale: int) -> tuple[Path, str] | None:
    """Recognise sequences of shots; returns where they start and the sentence that tells the user so."""
    sequences = _describe(path)
    return None if sequences is None else (path, f"{path}: {sequences}")


def _describe(path: Path) -> str | None:
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
    return [f for f in list_folders(folder) if find_shots(f)]


def _any_scene(folders: Sequence[Path]) -> bool:
    return any(_is_scene(folder) for folder in folders[:_SAMPLE])


def _is_scene(folder: Path) -> bool:
    """Tell a scene by a few shots that are RAW files, or numbered pictures that tell their focal length."""
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
