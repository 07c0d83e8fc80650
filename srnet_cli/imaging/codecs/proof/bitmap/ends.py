"""The end of pixels that are stored as they are: a copy that was broken off leaves zeros or ones there.

What is missing begins, in the file, where a sector does. A shape or a border begins there, within a row and
below rows that go on in other values, by chance alone.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs.proof.bitmap.beside import (
    LEAST_END,
    LEAST_VALUES_AT,
    SECTOR,
    Stored,
    Stretch,
    begins_row,
    beside,
    is_full_at_sectors,
)
from srnet_cli.imaging.codecs.proof.page.grid import Grid
from srnet_cli.reading import open_input

#: rows above an end that tell
_ROWS = 33
_BYTE_BITS = 8
_WINDOW = 1 << 20

#: start and end in the file, and number
_Piece = tuple[int, int, int]


def check_stored_end(
    path: Path, starts: Sequence[int], lengths: Sequence[int], grid: Grid, bits: int
) -> None:
    """Refuse uncompressed pieces that end in zeros or ones which were not copied.

    ``bits`` are those of a sample.

    Raises:
        InputError: saying how many bytes.
    """
    listed = zip(starts, lengths, range(grid.count), strict=False)
    pieces = sorted((start, start + length, index) for start, length, index in listed)
    with open_input(path) as file:
        if not pieces or pieces[-1][1] > file.seek(0, io.SEEK_END):
            return
        for value in (0, 255):
            first = _lost_from(file, pieces, grid, bits, value)
            if first is not None:
                missing = f"the last {pieces[-1][1] - first:,} bytes of its pixels"
                raise InputError(f"is incomplete: {missing} hold no data", path=path)


def _lost_from(file: BinaryIO, pieces: Sequence[_Piece], grid: Grid, bits: int, value: int) -> int | None:
    """Return where an end of one value begins, if it is one that was lost."""
    reached = ((piece, end_run_begins(file, *piece[:2], value)) for piece in reversed(pieces))
    (start, end, index), first = next((each for each in reached if each[1] > each[0][0]), (pieces[0], 0))
    ahead = -first % SECTOR
    if not start < first < end or ahead > _most_ahead(grid, bits) or pieces[-1][1] - first < LEAST_END:
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
    pixel_bits = _BYTE_BITS * grid.pixel_bytes if bits > 1 else 1
    stored = Stored(top, row, pixels.size // row, row, pixel_bits)
    if begins_row(stored, first - top):
        return None
    full, values = beside(pixels, stored, Stretch(value, first - top, pixels.size))
    # A plane of one value, as alpha is, or a blank page.
    is_other = values >= LEAST_VALUES_AT or (full == 1 and not ahead)
    return first if is_other and is_full_at_sectors(full, stored.bits) else None


def _most_ahead(grid: Grid, bits: int) -> int:
    """Return how many bytes ahead of a sector may have the value of an end that was lost from there on.

    Those of one sample: an alpha has the value of ones, and a dark one of 16 bits a byte of zeros. For a
    shape that makes it likelier to begin there by chance, so of plain colours no byte may have it.
    """
    samples = grid.row_bytes * _BYTE_BITS // (grid.wide * bits)
    return 0 if bits == _BYTE_BITS and samples % 2 else max(bits // _BYTE_BITS, 1)


def _first_of_rows(pieces: Sequence[_Piece], start: int) -> int:
    """Return where the rows begin of which those of a strip go on."""
    begins = {end: begin for begin, end, _ in pieces if end > begin}
    while start in begins:
        start = begins[start]
    return start


def end_run_begins(file: BinaryIO, start: int, end: int, value: int) -> int:
    """Return from which byte of a part of the file on all are of a value; its end where the last is not."""
    while end > start:
        begin = max(end - _WINDOW, start)
        file.seek(begin)
        others = np.flatnonzero(np.frombuffer(file.read(end - begin), np.uint8) != value)
        if others.size:
            return begin + int(others[-1]) + 1
        end = begin
    return start
