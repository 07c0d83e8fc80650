"""The end of pixels that are stored as they are: a copy that was broken off leaves zeros or ones there.

What is missing begins, in the file, where a sector does. A shape or a border begins there, within a row and
below rows that go on in other values, by chance alone.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import BinaryIO

import numpy as np

from srnet_cli.imaging.codecs.proof.bitmap.beside import (
    LEAST_VALUES_AT,
    SECTOR,
    Stored,
    Stretch,
    begins_row,
    beside,
    is_full_at_sectors,
)
from srnet_cli.imaging.codecs.proof.page.grid import Grid

#: bytes of an end that tell, and rows above it that do
_LEAST, _ROWS = 8, 33
_BYTE_BITS = 8
#: bits of samples of which one byte may well have the value of an end
_MAY_BE_AHEAD = (1, 16)
_WINDOW = 1 << 20

#: start and end in the file, and number
_Piece = tuple[int, int, int]


def lost_end(
    file: BinaryIO, starts: Sequence[int], lengths: Sequence[int], grid: Grid, bits: int
) -> tuple[int, int] | None:
    """Return from where to where in a file the end of uncompressed pieces was lost; None if it was not.

    ``bits`` are those of a sample.
    """
    size = file.seek(0, io.SEEK_END)
    listed = zip(starts, lengths, range(grid.count), strict=False)
    pieces = sorted((start, start + length, index) for start, length, index in listed)
    if not pieces or pieces[-1][1] > size:
        return None
    for value in (0, 255):
        first = _lost_from(file, pieces, grid, bits, value)
        if first is not None:
            return first, pieces[-1][1]
    return None


def _lost_from(file: BinaryIO, pieces: Sequence[_Piece], grid: Grid, bits: int, value: int) -> int | None:
    """Return where an end of one value begins, if it is one that was lost."""
    reached = ((piece, _end_of(file, *piece[:2], value)) for piece in reversed(pieces))
    (start, end, index), first = next((each for each in reached if each[1] > each[0][0]), (pieces[0], 0))
    # A dark sample of 16 bits has a byte of zeros ahead of what is missing, and eight dark pixels are one.
    is_at_sector = -first % SECTOR <= (bits in _MAY_BE_AHEAD)
    if not start < first < end or not is_at_sector or pieces[-1][1] - first < _LEAST:
        return None
    if grid.padding_end(index, first - start) != first - start:
        return None
    row = grid.row_bytes
    least = start if grid.tiled else _first_of_rows(pieces, start)
    top = max(start + ((first - start) // row - _ROWS) * row, least)
    bottom = start + ((first - start) // row + 1) * row
    if first - top < row:
        return None
    file.seek(top)
    pixels = np.frombuffer(file.read(bottom - top).ljust(bottom - top, bytes([value])), np.uint8)
    pixel = row // grid.wide if row % grid.wide == 0 else 1
    stored = Stored(top, row, pixels.size // row, row, _BYTE_BITS * pixel if bits > 1 else 1)
    if begins_row(stored, first - top):
        return None
    full, values = beside(pixels, stored, Stretch(value, first - top, pixels.size))
    return first if is_full_at_sectors(full, stored.bits) and values >= LEAST_VALUES_AT else None


def _first_of_rows(pieces: Sequence[_Piece], start: int) -> int:
    """Return where the rows begin of which those of a strip go on."""
    begins = {end: begin for begin, end, _ in pieces if end > begin}
    while start in begins:
        start = begins[start]
    return start


def _end_of(file: BinaryIO, start: int, end: int, value: int) -> int:
    """Return from which byte of a part of the file on all are of a value."""
    while end > start:
        begin = max(end - _WINDOW, start)
        file.seek(begin)
        others = np.flatnonzero(np.frombuffer(file.read(end - begin), np.uint8) != value)
        if others.size:
            return begin + int(others[-1]) + 1
        end = begin
    return start
