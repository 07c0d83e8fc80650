"""The pictures and subfolders of a folder, the same way wherever a folder is read."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

from srnet_cli.errors import InputError
from srnet_cli.imaging.formats import format_of, is_raw_path

#: folders that systems and storage devices leave, besides hidden ones; of files every picture suffix tells
_SYSTEM_FOLDERS = frozenset(
    # Windows, macOS, Linux
    {"$recycle.bin", "recycler", "recycled", "system volume information", "__macosx", "lost+found"}
    | {"network trash folder", "temporary items"}
    # Synology, QNAP, NetApp
    | {"@eadir", "#recycle", "#snapshot", "@recycle", "@recently-snapshot", "@tmp", "~snapshot"}
)


def list_pictures(
    folder: Path,
    recursive: bool = False,
    raw: bool = True,
    on_problem: Callable[[InputError], None] | None = None,
) -> list[Path]:
    """Return the pictures in a folder, sorted; with ``recursive`` those below it too.

    Files are pictures by their suffix. Hidden files and folders are passed over, as is what macOS, Windows
    and storage devices leave. Links are followed; a folder is entered only once, so that loops end.
    ``on_problem`` is told of subfolders that cannot be read and of pictures that are links to nothing.

    Example:
        >>> list_pictures(Path("photos"), raw=False)
        [PosixPath('photos/a.jpg'), PosixPath('photos/b.png')]

    Raises:
        InputError: the folder cannot be read.
    """

    def report(error: InputError) -> None:
        if on_problem is not None:
            on_problem(error)

    def refuse(error: OSError) -> None:
        refused = _refused(Path(os.fsdecode(error.filename)), error)
        if error.filename == os.fspath(folder):
            raise refused from error
        report(refused)

    found: list[Path] = []
    entered: set[str] = set()
    for place, folders, names in os.walk(folder, onerror=refuse, followlinks=True):
        real = os.path.realpath(place)
        if real in entered:
            folders.clear()
            continue
        entered.add(real)
        folders[:] = sorted(name for name in folders if recursive and not _is_passed_over(name))
        for name in sorted(names):
            file = Path(place, name)
            if _is_passed_over(name) or not _is_picture(file, raw):
                continue
            try:
                if not is_folder(file):
                    found.append(file)
            except InputError as error:
                report(error)
    return found


def is_folder(path: Path) -> bool:
    """Tell a folder from a file.

    Raises:
        InputError: there is nothing of this name, it is neither, or it cannot be looked at.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError as error:
        if path.is_symlink():
            raise InputError("is a link to nothing", path=path) from error
        raise InputError("there is no such file or folder", path=path) from error
    except OSError as error:
        raise _refused(path, error) from error
    except ValueError as error:
        raise InputError("there is no such file or folder", path=path) from error
    if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
        raise InputError("is neither a file nor a folder", path=path)
    return stat.S_ISDIR(mode)


def _refused(path: Path, error: OSError) -> InputError:
    return InputError(f"cannot be read: {(error.strerror or 'unknown').lower()}", path=path)


def list_folders(folder: Path) -> list[Path]:
    """Return the subfolders of a folder, sorted, without those that :func:`list_pictures` passes over."""
    return sorted(p for p in folder.iterdir() if p.is_dir() and not _is_passed_over(p.name))


def _is_passed_over(name: str) -> bool:
    return name.startswith(".") or name.casefold() in _SYSTEM_FOLDERS


def _is_picture(file: Path, raw: bool) -> bool:
    return format_of(file) is not None and (raw or not is_raw_path(file))
