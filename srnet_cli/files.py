"""Files that appear whole or not at all.

Everything this program writes goes through :func:`atomic_path`: a temporary file in a hidden folder beside
the target (:mod:`srnet_cli.temporaries`), flushed to the disk, then renamed.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import shutil
import sys
import unicodedata
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from srnet_cli.errors import ExistsError, OutputError
from srnet_cli.reading import refuse_harmed
from srnet_cli.temporaries import OwnFolder, remove_stray_temporaries

_OTHER_OUTPUT = "name another output"

#: what the operating system's refusal means to the user: reason and remedy
_CAUSES = {
    errno.ENOSPC: ("the disk is full", "free some space or choose another output folder"),
    errno.EDQUOT: ("the disk quota is used up", "free some space or choose another output folder"),
    errno.EFBIG: ("the file would be larger than the file system allows", "choose another output folder"),
    errno.EROFS: ("the file system is read-only", "choose another output folder"),
    errno.EACCES: ("no permission to write there", "choose another output folder"),
    errno.EPERM: ("no permission to write there", "choose another output folder"),
    errno.ENAMETOOLONG: ("the file name is too long", "choose a shorter name"),
    errno.EIO: ("the disk reports an input/output error", None),
}


@contextmanager
def atomic_path(target: Path, *, overwrite: bool) -> Iterator[Path]:
    """Give a temporary path to write to, which becomes ``target`` when the block ends without an error.

    The temporary has the target's name, so that writers that go by the suffix work.
    When the block raises, the temporary is removed and what was at ``target`` stays as it was. Without
    ``overwrite`` an existing target is never replaced, not even one that appears while the block runs.

    Raises:
        ExistsError: the target exists and ``overwrite`` is off.
        OutputError: it is a folder, its folder is missing or not writable, or the disk refuses (full,
            quota, read-only).
    """
    target = Path(target)
    _check_target(target, overwrite)
    remove_stray_temporaries(target.parent)
    with ExitStack() as undo:
        # First, so that a folder without write permission is refused before any work is done.
        own = OwnFolder(target)
        undo.callback(own.remove)
        with _explained(target, own.path):
            own.make()
        temporary = own.path / target.name
        with _explained(target, temporary):
            temporary.touch(exist_ok=False)
            yield temporary
        with _explained(target, temporary):
            _flush(temporary)
            _move(temporary, target, overwrite)


def write_text(target: Path, text: str, *, overwrite: bool) -> None:
    """Write ``text`` as UTF-8 by way of :func:`atomic_path`, which says what is raised."""
    with atomic_path(target, overwrite=overwrite) as temporary:
        temporary.write_bytes(as_utf8(text))


def as_utf8(text: str) -> bytes:
    """Encode a text that may hold names of files, which need not be UTF-8.

    Their other bytes are written as JSON and Python write them, so that a document stays readable.

    Example:
        >>> as_utf8("M\\udcfcnchen.png")
        b'M\\\\udcfcnchen.png'
    """
    return text.encode("utf-8", "backslashreplace")


class Identities:
    """Answers whether two paths lead to one file, by what the file system knows and not by their text.

    ``standing`` has the identities of open files, such as standard input, by the paths that stand for them:
    a copy, or a folder whose files are handed on.
    """

    def __init__(self, standing: Mapping[Path, Hashable] | None = None) -> None:
        self._folders: dict[Path, Hashable] = {}
        self._standing = standing or {}

    def place(self, path: Path) -> Hashable:
        """Give the identity of a name in its folder, whether anything has it or not.

        Folders are told by device and inode, so links and bind mounts lead to the same; names that a file
        system may take for the same (case, composed letters) are the same.
        """
        parent = path.absolute().parent
        if parent not in self._folders:
            self._folders[parent] = _folder_identity(Path(os.path.realpath(parent)))
        return self._folders[parent], _folded(path.name)

    def file(self, path: Path) -> Hashable:
        """Give device and inode of what a path leads to; of what is not there, its place."""
        for place in (path, *path.parents):
            if place in self._standing:
                return self._standing[place]
        try:
            found = path.stat()
        except (OSError, ValueError):
            return self.place(path)
        return found.st_dev, found.st_ino


@dataclass(frozen=True)
class Task:
    """The files that one step of a command reads, the first of which it is about, and those it writes."""

    reads: tuple[Path, ...]
    writes: tuple[Path, ...]


def refusals(tasks: Sequence[Task], identities: Identities) -> list[OutputError | None]:
    """Find the tasks that would write what any of them reads, or what an earlier one writes.

    Gives an error or None for each, before any work.

    Raises:
        InputError: as :func:`refuse_harmed`: no other task may be done, either.
    """
    inputs = [path for task in tasks for path in task.reads]
    refuse_harmed(inputs)
    readers = {identify(path): path for identify in (identities.file, identities.place) for path in inputs}
    writers: dict[Hashable, Path] = {}
    found = []
    for task in tasks:
        error = None
        for path in task.writes:
            own = task.reads[0]
            place = identities.place(path)
            reader = readers.get(place) or readers.get(identities.file(path))
            if reader is not None:
                whose = "its own input" if reader == own else f"{reader}, another input"
                error = OutputError(f"the result would replace {whose}", path=own, remedy=_OTHER_OUTPUT)
            elif writers.setdefault(place, own) != own:
                reason = f"the result would replace that of {writers[place]}"
                error = OutputError(f"{reason}, {path}", path=own, remedy=_OTHER_OUTPUT)
            if error is not None:
                break
        found.append(error)
    return found


def refuse_replacing(reads: Sequence[Path], writes: Sequence[Path]) -> None:
    """Refuse to write what the same command reads, whatever it is called, before any work.

    Raises:
        OutputError: naming what would be replaced.
        InputError: as :func:`refuse_harmed`.
    """
    error = refusals([Task(tuple(reads), tuple(writes))], Identities())[0] if reads else None
    if error is not None:
        raise error


def _folder_identity(folder: Path) -> Hashable:
    """Device and inode of the nearest folder that is there, and the names below it."""
    for place in (folder, *folder.parents):
        try:
            found = place.stat()
        except (OSError, ValueError):
            continue
        return (found.st_dev, found.st_ino, *map(_folded, folder.relative_to(place).parts))
    return str(folder)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def make_folder(folder: Path) -> None:
    """Make a folder with all folders above it; one that is there is fine.

    Raises:
        OutputError: when a file is in the way, or the disk refuses.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason, remedy = _cause(error)
        if isinstance(error, FileExistsError | NotADirectoryError):
            reason, remedy = "something of that name is not a folder", "choose another output"
        raise OutputError(f"the folder cannot be made: {reason}", path=folder, remedy=remedy) from error


def make_subfolder(folder: Path) -> None:
    """Make a folder in one that others may have filled; one that is there is fine, unless a link leads to it.

    Raises:
        OutputError: as :func:`make_folder`, or it is a link.
    """
    refuse_link(folder)
    make_folder(folder)


def refuse_link(folder: Path) -> None:
    """Refuse a link in the place of a folder that others may have put there.

    Raises:
        OutputError: it is one, wherever it leads.
    """
    if folder.is_symlink():
        raise OutputError(
            "is a link, and files would be written where it leads",
            path=folder,
            remedy="remove the link, or choose another output",
        )


@contextmanager
def folder_for(folder: Path) -> Iterator[None]:
    """Have a folder while the block writes into it; what was made for it is removed if it stays empty.

    Raises:
        OutputError: as :func:`make_folder`.
    """
    missing = list(itertools.takewhile(lambda place: not place.exists(), (folder, *folder.parents)))
    make_folder(folder)
    try:
        yield
    finally:
        # One that is not empty, or that another process has removed, ends it.
        with contextlib.suppress(OSError):
            for place in missing:
                place.rmdir()


def _check_target(target: Path, overwrite: bool) -> None:
    with _explained(target, target):
        refuse_other_than_file(target)
        if not overwrite and os.path.lexists(target):
            raise ExistsError("exists already", path=target, remedy="--overwrite replaces it")
        if not target.parent.is_dir():
            raise OutputError("its folder does not exist", path=target, remedy=f"create {target.parent}")


def refuse_other_than_file(target: Path) -> None:
    """Refuse what no file takes the place of: a device belongs to the system, and somebody reads from a pipe.

    Raises:
        OutputError: the path leads to such a thing, is a folder, or can be none.
    """
    with _explained(target, target):
        is_folder, is_other = target.is_dir(), target.exists() and not target.is_file()
    if is_folder:
        raise OutputError("is a folder, not a file", path=target, remedy="name another output")
    if is_other:
        raise OutputError(
            "is a device or a pipe, which is never replaced",
            path=target,
            remedy="name a file; where a command can write to standard output, its help says how",
        )


def _flush(path: Path) -> None:
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def _move(temporary: Path, target: Path, overwrite: bool) -> None:
    if overwrite:
        refuse_other_than_file(target)
        with contextlib.suppress(FileNotFoundError):
            shutil.copymode(target, temporary)
        temporary.replace(target)
    else:
        _move_to_free_name(temporary, target)
    _flush_folder(target.parent)


def _move_to_free_name(temporary: Path, target: Path) -> None:
    # A hard link fails when the name is taken, a rename would silently replace it.
    try:
        os.link(temporary, target)
    except FileExistsError:
        raise ExistsError("exists already", path=target, remedy="--overwrite replaces it") from None
    except OSError:
        # File systems without hard links (FAT, some network shares): check again, then rename.
        _check_target(target, overwrite=False)
        temporary.rename(target)


def _flush_folder(folder: Path) -> None:
    if sys.platform == "win32":
        return
    # Some network file systems cannot flush a folder; the file itself is safe by then.
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def _explained(target: Path, temporary: Path) -> Iterator[None]:
    """Turn the operating system's refusals about our own file into an OutputError."""
    try:
        yield
    except OSError as error:
        named = error.filename is not None
        if named and Path(os.fsdecode(error.filename)) not in (temporary, target):
            raise
        if not named and error.errno not in _CAUSES:
            raise  # a library's, about something else
        reason, remedy = _cause(error)
        raise OutputError(f"cannot be written: {reason}", path=target, remedy=remedy) from error


def _cause(error: OSError) -> tuple[str, str | None]:
    """Reason and remedy."""
    unknown = ((error.strerror or "unknown").lower(), None)
    return _CAUSES.get(error.errno or 0, unknown)
