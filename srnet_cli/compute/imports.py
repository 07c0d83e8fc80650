"""How modules are imported: at what cost, which a small zoom mostly consists of, and from where."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

#: a variable of Python's
_SAFE_PATH = "PYTHONSAFEPATH"
#: another: folders of modules, an empty one of which is the current folder
_MODULE_PATH = "PYTHONPATH"
#: the system's: folders of libraries and of programs, an empty one of which is the current folder
_LIBRARY_PATH, _PROGRAM_PATH = "LD_LIBRARY_PATH", "PATH"
#: matplotlib's settings, and the folder of its own ones
_SETTINGS, _SHIPPED = "matplotlibrc", "mpl-data"
#: a variable of matplotlib's: what shows its figures, as a notebook states for all that it starts
_BACKEND = "MPLBACKEND"


@contextmanager
def without_collecting() -> Iterator[None]:
    """Import large libraries with the garbage collector off, and have it pass over what they made.

    Modules are no garbage. To look for some in torch takes an eighth of the time of importing it, and half a
    second when the process ends.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()


def keep_out_current_folder() -> None:
    """Keep programs, modules and libraries of the current folder out of all that is started from here on.

    One of ``multiprocessing`` looks there first, before it is told where else to look: perhaps in a folder
    of a stranger's pictures, with a ``signal.py`` among them. And OpenCV, when it is imported, puts its own
    folder before the libraries' path and leaves an empty entry behind where there was none. Programs are
    started by the libraries that we use: matplotlib's asks for fonts, torch's compiles.
    """
    os.environ[_SAFE_PATH] = "1"
    if _MODULE_PATH in os.environ:
        stated = os.environ[_MODULE_PATH].split(os.pathsep)
        os.environ[_MODULE_PATH] = os.pathsep.join(filter(None, stated))
    os.environ[_LIBRARY_PATH] = _whole_paths(os.environ.get(_LIBRARY_PATH, ""))
    if _PROGRAM_PATH in os.environ:  # the system's own folders otherwise
        os.environ[_PROGRAM_PATH] = _whole_paths(os.environ[_PROGRAM_PATH])


def _whole_paths(stated: str) -> str:
    """Leave the entries out that are relative to the current folder, an empty one too.

    What is left is never empty, which is the current folder as well, or what OpenCV would make into it for
    libraries: in this package's own folder there are none of either.
    """
    return os.pathsep.join(filter(os.path.isabs, stated.split(os.pathsep))) or str(Path(__file__).parent)


@contextmanager
def current_folder_kept_out() -> Iterator[None]:
    """Do so while the block lasts: the environment of a program that uses this package is its own."""
    before = {name: os.environ.get(name) for name in (_SAFE_PATH, _MODULE_PATH, _LIBRARY_PATH, _PROGRAM_PATH)}
    keep_out_current_folder()
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def plain_matplotlib() -> Iterator[None]:
    """Draw with matplotlib as it is shipped while the block (or the function that this decorates) runs.

    Its settings are looked for in the current folder first, perhaps one of a stranger's pictures, when it is
    imported: they may have every text set by LaTeX, which executes what the file says, or be no text at all.
    A program that uses this package and has imported it gets its own settings back. What is to show figures
    does not matter to ours, which are files.
    """
    if "matplotlib" not in sys.modules:
        _import_matplotlib()
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()
        yield


def _import_matplotlib() -> None:
    """Import matplotlib so that it finds none of its settings but those beside itself."""
    there, named = os.path.exists, os.environ.get(_SETTINGS.upper())

    def shipped(path: Any) -> bool:
        is_foreign = isinstance(path, str) and (
            path == named or (Path(path).name == _SETTINGS and Path(path).parent.name != _SHIPPED)
        )
        return there(path) and not is_foreign

    # It cannot be imported where this names what is not installed beside it.
    backend = os.environ.pop(_BACKEND, None)
    # It has no other way in: the current folder comes before any variable. No other file is called so.
    os.path.exists = shipped
    try:
        import matplotlib as mpl
        import matplotlib.cm
    finally:
        os.path.exists = there
        if backend is not None:
            os.environ[_BACKEND] = backend
    if backend:
        # Of a program that shows figures of its own; nothing that it names is imported before one is.
        with suppress(ValueError, RuntimeError):
            mpl.rcParams["backend"] = backend
