"""Hidden folders with files that are not finished yet, and locks.

As long as the process lives it holds a lock in its folder; what a killed one left is removed by the next
write beside it. Only folders with our own mark in them are removed, or with nothing but a lock, and of them
only the file that the mark names.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import socket
import stat
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from srnet_cli.errors import OutputError, UsageError

if TYPE_CHECKING:
    from filelock import BaseFileLock

_FOLDER = re.compile(r"^\.srnet-(?P<host>[0-9A-Za-z_]+)-(?P<process>\d+)-\d+\.tmp$")
#: in each of these folders: the lock, and the mark with the name of the temporary file
_LOCK, _OWNER = ".lock", ".owner"
_MARK = "temporary folder of srnet; the file in it, unfinished, is:\n"
#: bytes of a mark; names have 255 at most
_LONGEST_MARK = 4096
#: another process looks at a lock for a moment only
_LOCK_SECONDS = 5.0
#: seconds until a lock that is waited for is tried again
_SECONDS_BETWEEN = 0.2
#: seconds within which a living process has marked the folder that it made, but for one that was stopped
_SECONDS_TO_MARK = 60.0
#: attempts at a folder whose name is taken, or that was swept all the same
_ATTEMPTS = 100
#: names of folders: processes of containers may have one number, and one machine's name
_NAMES = 10**12


def remove_stray_temporaries(folder: Path) -> None:
    """Remove what killed processes left in ``folder``; what living ones hold a lock on stays.

    The lock is the system's, so it holds between containers, in which process numbers mean nothing. Of other
    machines, whose locks may not be seen through a network share, everything stays.
    """
    try:
        entries = list(os.scandir(folder))
    except OSError:
        # A folder that may be written but not listed: nothing can be swept there.
        return
    for entry in entries:
        match = _FOLDER.match(entry.name)
        if match and match["host"] == _host() and entry.is_dir(follow_symlinks=False):
            _sweep(Path(entry.path), int(match["process"]))


def is_temporary(folder: Path) -> bool:
    """Tell whether a folder is named as one with a file that is not finished yet, of any machine."""
    return _FOLDER.match(folder.name) is not None


def _sweep(folder: Path, process: int) -> None:
    from filelock import Timeout

    # Without a mark yet, it may be between its making and its lock; process numbers mean nothing elsewhere.
    if _marked(folder) is None and (_lives(process) or not _is_bare(folder) or _is_young(folder)):
        return
    if not may_be_lock(folder / _LOCK):
        return
    try:
        with _lock(folder).acquire(blocking=False):
            # Whoever held it may just have ended; then only this lock is left.
            _remove(folder, _marked(folder))
    except (Timeout, OSError, NotImplementedError):
        return


def _lives(process: int) -> bool:
    """Tell whether a process of this number lives here; not asked on Windows, which keeps open files."""
    if os.name == "nt":
        return False
    try:
        os.kill(process, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True


def _is_bare(folder: Path) -> bool:
    """Tell whether nothing is in it but an empty lock: killed before it was marked, or after."""
    try:
        return all(entry.name == _LOCK and may_be_lock(Path(entry.path)) for entry in os.scandir(folder))
    except OSError:
        return False


def _is_young(folder: Path) -> bool:
    """Tell whether a folder got or lost a file just now, by this machine's clock."""
    try:
        age = time.time() - folder.stat().st_mtime
    except OSError:
        return True
    return 0.0 <= age < _SECONDS_TO_MARK


def may_be_lock(file: Path) -> bool:
    """Tell whether a file may be opened as a lock: it is not there, or empty and under no other name.

    A link would have another file locked, and emptied by releases of filelock before 4.2.1.
    """
    try:
        found = file.lstat()  # once only: whoever holds it may be about to remove it
    except OSError:
        return True
    return _is_plain(found, 0)


@contextlib.contextmanager
def held_alone(file: Path, doing: str) -> Iterator[None]:
    """Hold a lock file while the block lasts: its folder is of one process at a time.

    On file systems without locks there is no protection. The lock ends with its process, however that ends.
    ``doing`` goes on after "another process".

    Raises:
        UsageError: when another process holds it.
        OutputError: when something else has the name of the lock, or another user's tells nothing.
    """
    with contextlib.ExitStack() as held:
        if not _try_to_hold(file, doing, held):
            raise UsageError(
                f"another process {doing} in this folder",
                path=file.parent,
                remedy="wait for its end, or choose another --output folder",
            )
        yield


@contextlib.contextmanager
def held_in_turn(file: Path, doing: str, on_wait: Callable[[], None]) -> Iterator[bool]:
    """Hold a lock file as :func:`held_alone`, but wait for another process that holds it.

    Gives whether there was one; ``on_wait`` is called once when there is.

    Raises:
        OutputError: as :func:`held_alone`.
    """
    with contextlib.ExitStack() as held:
        waited = False
        while not _try_to_hold(file, doing, held):
            if not waited:
                on_wait()
            waited = True
            time.sleep(_SECONDS_BETWEEN)
        yield waited


def _try_to_hold(file: Path, doing: str, held: contextlib.ExitStack) -> bool:
    """Hold a lock until ``held`` ends, or go on without where there are none; False if it is another's."""
    from filelock import Timeout

    remedy = f"remove it, unless another process {doing} in this folder"
    if not may_be_lock(file):
        raise OutputError("is no lock: it has contents, or is a link", path=file, remedy=remedy)
    for _ in range(2):  # again where it was removed just now
        try:
            _hold(file, held)
        except FileNotFoundError:
            continue
        except (Timeout, BlockingIOError):
            return False
        except PermissionError as error:
            raise OutputError(
                "is another user's lock, and may not be read", path=file, remedy=remedy
            ) from error
        except (OSError, NotImplementedError):
            break
        # Removed while still held, so that it is not another process's.
        held.callback(_remove_file, file)
        break
    return True


def _hold(file: Path, held: contextlib.ExitStack) -> None:
    from filelock import FileLock

    # Its own way without locks of the system writes into the file, which is then none of ours any more.
    lock = FileLock(file, fallback_to_soft=False)
    try:
        lock.acquire(blocking=False)
    except PermissionError:
        held.callback(os.close, _locked_for_reading(file))
    else:
        held.callback(lock.release)


def _locked_for_reading(file: Path) -> int:
    """Lock a file that may only be read, as another user's; some network shares refuse that.

    Raises:
        FileNotFoundError: when it was removed, or none can be made in its folder.
        BlockingIOError: when another process holds it.
        PermissionError: when nothing can be told.
        NotImplementedError: on Windows.
    """
    if os.name == "nt":
        raise NotImplementedError
    import fcntl

    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not os.path.samestat(os.fstat(descriptor), file.lstat()):
                raise FileNotFoundError(file)
        except BaseException:
            os.close(descriptor)
            raise
    except (FileNotFoundError, BlockingIOError):
        raise
    except OSError as error:
        raise PermissionError(error.errno, error.strerror, os.fspath(file)) from error
    return descriptor


def _remove_file(file: Path) -> None:
    with contextlib.suppress(OSError):
        file.unlink(missing_ok=True)


def _is_file(file: Path, longest: int) -> bool:
    """Tell whether it is a regular file of so many bytes at most, no link and with no other name."""
    try:
        found = file.lstat()
    except OSError:
        return False
    return _is_plain(found, longest)


def _is_plain(found: os.stat_result, longest: int) -> bool:
    return stat.S_ISREG(found.st_mode) and found.st_nlink == 1 and found.st_size <= longest


def _lock(folder: Path) -> BaseFileLock:
    from filelock import FileLock

    return FileLock(folder / _LOCK, thread_local=False)


class OwnFolder:
    """A hidden folder beside a file that is to be written, locked and marked while its process lives.

    ``remove`` may be called whatever became of ``make``, which a signal may interrupt anywhere.
    """

    def __init__(self, target: Path) -> None:
        self._target = target
        self._lock: BaseFileLock | None = None
        self._is_own = False
        self.path = target.parent / self._name()

    @staticmethod
    def _name() -> str:
        return f".srnet-{_host()}-{os.getpid()}-{secrets.randbelow(_NAMES)}.tmp"

    def make(self) -> None:
        """Make it, and mark it once it is locked; without locks it is not marked, and never swept.

        Raises:
            OSError: the disk refuses.
            OutputError: it vanishes again and again.
        """
        for _ in range(_ATTEMPTS):
            # Said first, as a signal may come in between.
            self._is_own = True
            try:
                self.path.mkdir()
            except FileExistsError:
                # Somebody else's, or a link of somebody's: nothing in it is touched.
                self._is_own = False
                self.path = self._target.parent / self._name()
                continue
            self._lock = _lock(self.path)
            try:
                self._lock.acquire(timeout=_LOCK_SECONDS)
                (self.path / _OWNER).write_bytes(_MARK.encode() + os.fsencode(self._target.name))
            except (OSError, NotImplementedError):
                # Bare as it was, another process may have swept it.
                if not self.path.is_dir():
                    self._is_own = False
                    self.path = self._target.parent / self._name()
                    continue
            return
        raise OutputError("cannot be written: its temporary folder vanishes", path=self._target)

    def remove(self) -> None:
        """Remove it with what is in it of ours, if it was made here."""
        if not self._is_own:
            return
        try:
            _remove(self.path, self._target.name, self._lock)
        except BaseException:  # a signal's, in the middle of it
            _remove(self.path, self._target.name, self._lock)
            raise


def _marked(folder: Path) -> str | None:
    """Return the name of the temporary file in a folder that we made, None in any other."""
    if not _is_file(folder / _OWNER, _LONGEST_MARK):
        return None
    try:
        mark, _, stored = (folder / _OWNER).read_bytes().partition(b"\n")
    except OSError:
        return None
    name = os.fsdecode(stored)
    return name if mark == _MARK.encode().rstrip() and _stays_inside(PurePath(name)) else None


def _stays_inside(name: PurePath) -> bool:
    """Tell whether a name leads out of no folder, on a system that has drives and backslashes either."""
    return str(name) == name.name and name.name not in ("", "..")


def _remove(folder: Path, name: str | None, lock: BaseFileLock | None = None) -> None:
    # A temporary that cannot be removed is swept by the next write; it must not hide the first error.
    with contextlib.suppress(OSError):
        for file in (name, _OWNER, _LOCK):
            if file == _LOCK and lock is not None:
                lock.release()
            if file is not None:
                (folder / file).unlink(missing_ok=True)
        folder.rmdir()


@cache
def _host() -> str:
    """This machine's name in letters for file names: on a shared disk a process number is not enough."""
    return re.sub(r"[^0-9A-Za-z]", "_", socket.gethostname())[:40] or "localhost"
