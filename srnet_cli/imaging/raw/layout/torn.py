"""The end of samples that are stored as they are: a copy that was broken off leaves zeros or ones there.

What is missing begins, in the file, where a sector does. A sensor reads no such row, and a border that a
panorama has begins there, within a row and beside rows that go on, by chance alone.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from srnet_cli.imaging.codecs.ifd import Directory
from srnet_cli.imaging.codecs.proof.bitmap.beside import (
    LEAST_VALUES_AT,
    SECTOR,
    Stored,
    Stretch,
    begins_row,
    beside,
    is_full_at_sectors,
)
from srnet_cli.imaging.codecs.proof.bitmap.sectors import lost_bytes

_WIDTH, _HEIGHT, _TILES = 256, 257, 324
#: bits of a pixel, as they are stored: of makers' own codes they come to others
_BITS = frozenset(samples * bits for samples in (1, 3) for bits in (8, 10, 12, 14, 16))
#: rows that are looked at: where more are missing their values tell
_ROWS = 64
#: bytes of an end that tell, and how far ahead of a sector it may begin: dark samples have a byte of zeros
_LEAST, _BY_CHANCE = 8, 1


def check_stored_end(path: Path, file: Any, directory: Directory) -> None:
    """Refuse strips without compression that end, from a sector on, in zeros or ones.

    Raises:
        InputError: saying from which byte on.
    """
    starts, lengths = directory.pieces()
    rows, width = directory.integer(_HEIGHT, 0), directory.integer(_WIDTH, 0)
    if directory.integers(_TILES) or rows < 2 or width < 1 or not _follow(starts, lengths):
        return
    row, left = divmod(sum(lengths), rows)
    bits, padding = divmod(8 * row, width)
    end = starts[-1] + lengths[-1]
    if left or padding >= 8 or bits not in _BITS or file.seek(0, io.SEEK_END) < end:
        return
    stored = Stored(end - min(_ROWS, rows) * row, row, min(_ROWS, rows), row, bits)
    file.seek(stored.start)
    pixels = np.frombuffer(file.read(end - stored.start), np.uint8)
    for value in (0, 255):
        others = np.flatnonzero(pixels != value)
        first = int(others[-1]) + 1 if others.size else 0
        stretch = Stretch(value, first, pixels.size)
        if first < row or pixels.size - first < _LEAST or begins_row(stored, first):
            continue
        full, values = beside(pixels, stored, stretch)
        is_at_sector = -(stored.start + first) % SECTOR <= _BY_CHANCE
        if is_at_sector and is_full_at_sectors(full) and values >= LEAST_VALUES_AT:
            raise lost_bytes(path, stored.start + first, end)


def _follow(starts: Sequence[int], lengths: Sequence[int]) -> bool:
    """Return whether there are pieces, each of which begins where the one before ends."""
    ends = [start + length for start, length in zip(starts, lengths, strict=False)]
    return 0 < len(starts) == len(ends) and ends[:-1] == list(starts[1:])
