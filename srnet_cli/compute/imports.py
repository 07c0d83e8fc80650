"""How modules are imported: at what cost, which a small zoom mostly consists of, and from where."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager

#: a variable of Python's
_SAFE_PATH = "PYTHONSAFEPATH"


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
    """Have Python processes that are started from here on take no modules from the current folder.

    One of ``multiprocessing`` looks there first, before it is told where else to look: perhaps in a folder
    of a stranger's pictures, with a ``signal.py`` among them.
    """
    os.environ.setdefault(_SAFE_PATH, "1")


@contextmanager
def current_folder_kept_out() -> Iterator[None]:
    """Do so while the block lasts: the environment of a program that uses this package is its own."""
    before = os.environ.get(_SAFE_PATH)
    keep_out_current_folder()
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(_SAFE_PATH, None)
