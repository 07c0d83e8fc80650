"""Compiled functions, whose code is kept where nobody else can put any."""

from __future__ import annotations

import os
import re
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch

from srnet_cli.compute.measurements import user_cache
from srnet_cli.errors import OutputError

#: names the folder in which torch keeps what it compiles; what lies there is loaded and run
CODE_FOLDER = "TORCHINDUCTOR_CACHE_DIR"
#: what linkers take for one
_LIBRARY = re.compile(r"lib.*\.(a|so)(\.|$)|ld-.*\.so")
#: headers are compiled for the next program in a folder that the variable does not move
_SHARED_HEADERS = "cpp_cache_precompile_headers"


def compiled(function: Any, backend: str = "inductor", dynamic: bool | None = None) -> Callable[..., Any]:
    """Let ``function``, or a module, compile itself by ``torch.compile`` when it is called.

    Raises:
        OutputError: as :func:`keep_code_private`; or the current folder has a library for the linker.
    """
    options: dict[str, Any] | None = None
    if backend == "inductor":
        keep_code_private()
        _refuse_strange_library()
        from torch._inductor import list_options

        if _SHARED_HEADERS in list_options():
            options = {_SHARED_HEADERS: False}
    found: Callable[..., Any] = torch.compile(function, backend=backend, dynamic=dynamic, options=options)
    return found


def keep_code_private() -> None:
    """Have torch keep compiled code in the user's cache, unless the environment names another folder.

    By itself it takes a folder of a foreseeable name among everybody's temporary files, does not ask whose it
    is, and writes that name into the environment, where it is not the user's word.

    Raises:
        OutputError: there is no place for it, or somebody else may write there.
    """
    named = os.environ.get(CODE_FOLDER)
    if named and not _is_unasked(Path(named)):
        return
    cache = user_cache()
    if cache is None:
        raise OutputError("no home directory to keep compiled code in", remedy=_remedy())
    folder = cache / "compiled"
    _make_private(folder)
    os.environ[CODE_FOLDER] = str(folder.absolute())


@contextmanager
def code_kept_nowhere() -> Iterator[None]:
    """Have torch look for nothing and keep nothing: in a new folder of the user's own, for the time being.

    Its exporter, too, asks the folder what to do, and writes there through any link.
    """
    named = os.environ.get(CODE_FOLDER)
    with tempfile.TemporaryDirectory(prefix="srnet-") as folder:
        os.environ[CODE_FOLDER] = folder
        try:
            yield
        finally:
            os.environ.pop(CODE_FOLDER)
            if named is not None:
                os.environ[CODE_FOLDER] = named


def _is_unasked(folder: Path) -> bool:
    """Tell whether a folder is one that torch takes unasked; with an empty variable it is the current one."""
    shared = (Path(tempfile.gettempdir()).absolute(), Path("/var/tmp"))
    return folder == Path.cwd() or (folder.name.startswith("torchinductor_") and folder.parent in shared)


def _refuse_strange_library() -> None:
    """Refuse to compile where a linker finds a library that it looks for in the current folder.

    gcc's own and those of the system are named without a place in scripts for linkers (libgcc_s.so.1, on
    others libgcc.a), and old ones look there first; Triton starts them there.
    """
    remedy = "start in another folder, or move it away"
    try:
        found = next((path for path in Path().iterdir() if _LIBRARY.match(path.name)), None)
    except OSError as error:
        raise OutputError(
            "may have libraries that would be linked, and cannot be looked through", path=".", remedy=remedy
        ) from error
    if found is not None:
        raise OutputError(
            "may be linked into compiled code, as linkers look in the current folder",
            path=found,
            remedy=remedy,
        )


def _make_private(folder: Path) -> None:
    """Make a folder that nobody else may enter, or find it to be one, in one that is ours as well.

    That above is closed to the user's group, which may have other members, where it is not.
    """
    above = folder.parent
    try:
        above.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            above.mkdir(mode=0o700)
        if os.name != "nt":  # where a user's profile is closed to others
            # First, as who may write there could put another in the folder's place.
            found = above.stat()
            _refuse_others(above, found.st_mode & ~0o020, found.st_uid, above.lstat().st_uid)
            if found.st_mode & 0o020:
                above.chmod(stat.S_IMODE(found.st_mode) & ~0o020)
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode):
            raise OutputError("is no folder to keep compiled code in", path=folder, remedy=_remedy())
        if os.name != "nt":
            _refuse_others(folder, found.st_mode, found.st_uid)
    except OSError as error:
        raise OutputError(
            f"cannot keep compiled code: {error.strerror}", path=folder, remedy=_remedy()
        ) from error


def _refuse_others(folder: Path, mode: int, *owners: int) -> None:
    if {*owners} != {os.geteuid()}:
        raise OutputError(
            "belongs to somebody else: compiled code in it is not trusted", path=folder, remedy=_remedy()
        )
    if mode & 0o022:
        raise OutputError(
            "may be written by others: compiled code in it is not trusted",
            path=folder,
            remedy=f"close it to them, or {_remedy()}",
        )


def _remedy() -> str:
    return f"set {CODE_FOLDER} to a folder of your own"
