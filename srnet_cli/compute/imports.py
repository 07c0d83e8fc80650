"""The cost of importing torch, which a zoom of a small picture mostly consists of."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


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
