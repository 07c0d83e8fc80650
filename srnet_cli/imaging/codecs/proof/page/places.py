"""Places of a TIFF's pieces in its file: apart from each other and from its directories.

Writers let blank tiles share one place; nothing else shares its bytes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs.ifd import SUB_DIRECTORIES, Directory, Structure
from srnet_cli.imaging.codecs.proof.page.grid import Grid, grid_of

_WIDTH, _HEIGHT, _COMPRESSION, _UNCOMPRESSED = 256, 257, 259, 1
#: of a classic TIFF, and of a BigTIFF
_HEAD, _BIG_HEAD = 8, 16
#: of the range of values, between which a tile is blank; JPEG rounds
_BLANK = 1 / 100


def check_apart(
    path: Path, structure: Structure, page: Directory, starts: Sequence[int], lengths: Sequence[int]
) -> None:
    """Refuse pieces of ``page`` that overlap each other or those of another page partly, or lie in the header
    or a directory of pixels.

    ``lengths`` are those that are needed: what follows uncompressed rows may be anything.

    Raises:
        InputError: naming the first.
    """
    ends: dict[int, int] = {}
    for start, length in zip(starts, lengths, strict=True):
        ends[start] = max(start + length, ends.get(start, 0))
    taken = [(0, _BIG_HEAD if structure.big else _HEAD, "in its directory")]
    for found in _of_pixels(structure, page):
        taken += [(start, end, "in its directory") for start, end in found.extents]
        # Blank tiles may be those of another page, too.
        others = [] if found is page else _spans(found)
        taken += [(start, end, "in another page") for start, end in others if start not in ends]
    farthest, last = 0, "in its directory"
    for start, end, what in sorted([*taken, *((start, end, "") for start, end in ends.items())]):
        if start < farthest and not (what and last):
            where = f"lie {what or last}" if what or last else "overlap"
            raise InputError(f"is a damaged TIFF file: its pieces {where}, at byte {start:,}", path=path)
        if end > farthest:
            farthest, last = end, what


def _spans(page: Directory) -> Iterator[tuple[int, int]]:
    """Yield start and end of a page's pieces; of uncompressed ones, of the rows that they need."""
    grid, is_plain = grid_of(page), page.integer(_COMPRESSION, _UNCOMPRESSED) == _UNCOMPRESSED
    for index, (start, length) in enumerate(zip(*page.pieces(), strict=False)):
        if index < grid.count:
            yield start, start + (min(length, grid.bytes_of(index)) if is_plain else length)


def _of_pixels(structure: Structure, page: Directory) -> Iterator[Directory]:
    """Yield the directories that have pixels; what else is pointed to may be no directory at all."""
    for top in structure.directories:
        for directory in (top, *top.children.get(SUB_DIRECTORIES, ())):
            if directory is page or (directory.integer(_WIDTH, 0) and directory.integer(_HEIGHT, 0)):
                yield directory


def check_shared(path: Path, grid: Grid, starts: Sequence[int], samples: NDArray[Any]) -> None:
    """Refuse a piece with a picture in it that stands for several places of H×W×C ``samples``.

    Raises:
        InputError: naming the first.
    """
    if len(set(starts)) == len(starts):
        return
    places: dict[int, list[int]] = defaultdict(list)
    for index, start in enumerate(starts):
        places[start].append(index)
    peak = 1.0 if samples.dtype.kind == "f" else float(np.iinfo(samples.dtype).max)
    for indices in places.values():
        for index in indices if len(indices) > 1 else ():
            part = grid.part_of(samples, index)
            spread = part.max(axis=(0, 1)).astype(np.float64) - part.min(axis=(0, 1))
            if not (spread <= peak * _BLANK).all():
                raise InputError(
                    f"is damaged: pieces {indices[0] + 1} and {indices[1] + 1} of its pixels are the same",
                    path=path,
                )
