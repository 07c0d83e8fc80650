"""Work that is done once for each item of a data set, and its outcome. torch is not needed for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from srnet_cli.data.sources import Problem
from srnet_cli.errors import DataError
from srnet_cli.reading import check_input

_REMEDY = "prepare the data again"

#: called with (items done, items in all, name of the last)
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Prepared:
    """The part of a pair that is kept: ``arrays`` by name (lr, hr, mosaic), figures for the manifest, and
    texts that go beside the arrays as files."""

    arrays: Mapping[str, NDArray[Any]]
    report: Mapping[str, Any]
    texts: Mapping[str, str] = field(default_factory=dict)


class PreparationJob(Protocol):
    """One item that the cache prepares. Must pickle; ``run`` depends on the inputs and parameters only."""

    @property
    def name(self) -> str:
        """Unique in its set; also the item's folder in the cache."""

    @property
    def group(self) -> str:
        """Items of one group share work and are prepared by one process."""

    @property
    def scene(self) -> str:
        """Items of one scene are never split between training and validation."""

    def inputs(self) -> tuple[Path, ...]:
        """The files that the result depends on."""

    def parameters(self) -> Mapping[str, Any]:
        """Everything else that it depends on, as JSON values."""

    def run(self) -> Prepared:
        """Do the work; DataError when the item is not usable."""


@dataclass(frozen=True)
class Item:
    """A prepared pair."""

    name: str
    scene: str
    folder: Path
    #: array name → shape
    shapes: Mapping[str, tuple[int, ...]]
    #: figures about it, see ``preparation``
    report: Mapping[str, Any]

    def open(self, array: str) -> NDArray[Any]:
        """Map the array from its file: only what is looked at is read.

        Raises:
            DataError: when it is gone or damaged.
        """
        path = self.folder / f"{array}.npy"
        try:
            found = _mapped(str(path), path.stat().st_mtime_ns)
        except (OSError, ValueError, EOFError) as error:
            raise DataError(f"cannot be read: {error}", path=path, remedy=_REMEDY) from error
        if found.shape != self.shapes[array]:
            raise DataError("is not the array that was prepared", path=path, remedy=_REMEDY)
        return found


# Mapping a file costs more than reading a patch from it; a map holds no memory of its own.
@lru_cache(maxsize=8192)
def _mapped(path: str, _modified: int) -> NDArray[Any]:
    check_input(Path(path), DataError)
    found = np.load(path, mmap_mode="r", allow_pickle=False)
    if not isinstance(found, np.ndarray):
        raise ValueError("it is an archive, not one array")
    return np.asanyarray(found)


@dataclass(frozen=True)
class PreparationReport:
    """The outcome of preparing a data set."""

    items: tuple[Item, ...]
    #: what is not used, and why
    left_out: tuple[Problem, ...]
    #: pairs that were made now; the others were in the cache
    made: int
    folder: Path
    #: what is used although something is unusual about it
    notes: tuple[Problem, ...] = ()
