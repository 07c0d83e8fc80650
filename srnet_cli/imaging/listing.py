"""The pictures and subfolders of a folder, the same way wherever a folder is read."""

from __future__ import annotations

import os
from pathlib import Path

from srnet_cli.errors import InputError
from srnet_cli.imaging.formats import format_of, is_raw_path

#: folders that systems and storage devices leave, besides hidden ones; of files every picture suffix tells
_SYSTEM_FOLDERS = frozenset({"$recycle.bin", "@eadir", "__macosx", "system volume information", "lost+found"})


def list_pictures(folder: Path, recursive: bool = False, raw: bool = True) -> list[Path]:
    """Return the pictures in a folder, sorted; with ``recursive`` those below it too.

    Files are pictures by their suffix. Hidden files and folders are passed over, as is what macOS, Windows
    and storage devices leave. Links are followed; a folder is entered only once, so that loops end.

    Example:
        >>> list_pictures(Path("photos"), raw=False)
        [PosixPath('photos/a.jpg'), PosixPath('photos/b.png')]

    Raises:
        InputError: the folder cannot be read.
    """

    def refuse(error: OSError) -> None:
        if error.filename == os.fspath(folder):
            raise InputError(f"cannot be read: {error.strerror}", path=folder) from error

    found: list[Path] = []
    entered: set[str] = set()
    for place, folders, names in os.walk(folder, onerror=refuse, followlinks=True):
        real = os.path.realpath(place)
        if real in entered:
            folders.clear()
            continue
        entered.add(real)
        folders[:] = sorted(name for name in folders if recursive and not _is_passed_over(name))
        files = (Path(place, name) for name in sorted(names) if not _is_passed_over(name))
        found += [file for file in files if _is_picture(file, raw) and file.is_file()]
    return found


def list_folders(folder: Path) -> list[Path]:
    """Return the subfolders of a folder, sorted, without those that :func:`list_pictures` passes over."""
    return sorted(p for p in folder.iterdir() if p.is_dir() and not _is_passed_over(p.name))


def _is_passed_over(name: str) -> bool:
    return name.startswith(".") or name.casefold() in _SYSTEM_FOLDERS


def _is_picture(file: Path, raw: bool) -> bool:
    return format_of(file) is not None and (raw or not is_raw_path(file))
