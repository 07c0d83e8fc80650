"""Pixels that are stored as they are, in the order of the file: what a copy or a disk did not bring.

The bytes are looked at, not the colours: what is missing is zeros or ones, and these are a number of some
colour or half a pixel as well. A picture has areas like them, too, which begin where its shapes do: with a
row, or in each row where the one above has them. What is missing begins at some byte of the file, mostly
where a sector of 512 does, beside rows that go on.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs.proof.bitmap.beside import (
    BY_CHANCE,
    LEAST_END,
    LEAST_VALUES_AT,
    LEAST_VALUES_NEAR,
    SECTOR,
    Stored,
    Stretch,
    begins_row,
    beside,
    ends_row,
    is_full_at_sectors,
)
from srnet_cli.imaging.codecs.proof.bitmap.ends import end_run_begins
from srnet_cli.imaging.codecs.proof.bitmap.sectors import first_lost, long_runs, lost_bytes

#: rows that are missing before it is said where no sector begins: at an end; between, and their share of all
_LEAST_END_ROWS, _LEAST_ROWS, _LEAST_SHARE = 3, 8, 0.01
#: bytes of a row in which no shape ends by chance
_LEAST_WIDTH = 32
#: of what is beside a stretch, pixels of another value: at an end, and between
_FULL, _FULL_BETWEEN = 0.9, 0.7
#: different values beside a band of a picture
_LEAST_VALUES = 8
#: of all rows, those that may be missing where a row begins with a sector
_LARGE_SHARE = 0.25


def check_stored(path: Path, data: bytes, stored: Stored) -> None:
    """Refuse stored pixels that break off, or of which sectors, or a band of rows, are zeros or ones.

    The pixels have to be there: ``data`` goes up to the padding of the last row.

    Raises:
        InputError: saying which bytes or rows are missing.
    """
    if not stored.rows or not stored.row_bytes:
        return
    end = min(stored.end, len(data))
    present = end - stored.start
    pixels, file = np.frombuffer(data, np.uint8, present, stored.start), io.BytesIO(data)
    lost = first_lost(file, [(stored.start, end)], stored)
    if lost is not None:
        raise lost_bytes(path, *lost)
    for value in (0, 255):
        # Those to the very end are looked at below.
        for run in long_runs(file, stored.start, end, end, value):
            stretch = Stretch(value, max(run[0] - stored.start, 0), run[1] - stored.start)
            is_end = stretch.end >= present - (stored.padding if value else 0)
            if not is_end and stretch.end - stretch.first >= SECTOR and _is_lost(pixels, stored, stretch):
                raise lost_bytes(path, stored.start + stretch.first, run[1])
        first = end_run_begins(file, stored.start, end, value) - stored.start
        if first < present and _breaks_off(pixels, stored, Stretch(value, first, present)):
            missing = -(-(present - first) // stored.row_bytes)
            raise InputError(
                f"is incomplete: the last {missing} of {stored.rows} rows hold no data", path=path
            )


def _is_lost(pixels: NDArray[Any], stored: Stored, stretch: Stretch) -> bool:
    """Return whether a stretch in the middle was lost: a band from within a row to within one."""
    if _covers_padding(pixels, stored, stretch):
        return True
    least_rows = max(_LEAST_ROWS, stored.rows // stored.planes * _LEAST_SHARE)
    is_within = not (begins_row(stored, stretch.first) or ends_row(stored, stretch.end))
    if not is_within or stretch.end - stretch.first < least_rows * stored.row_bytes:
        return False
    full, values = beside(pixels, stored, stretch)
    return stored.used >= _LEAST_WIDTH and full >= _FULL_BETWEEN and values >= _LEAST_VALUES


def _breaks_off(pixels: NDArray[Any], stored: Stored, stretch: Stretch) -> bool:
    """Return whether pixels end too early: within a row, or in black that begins with row and sector."""
    off = -(stored.start + stretch.first) % SECTOR
    if _covers_padding(pixels, stored, stretch):
        return True
    plane_bytes = stored.rows // stored.planes * stored.row_bytes
    within = stretch.first % plane_bytes
    # A plane may well be of one value: what is missing is that of the one before.
    missing_of_plane = plane_bytes - within
    if stretch.first < stored.row_bytes or not within:
        return False
    full, values = beside(pixels, stored, stretch)
    if begins_row(stored, stretch.first):
        row = -(-stretch.first // stored.row_bytes)
        return (
            stretch.value == 0
            and (stored.start + row * stored.row_bytes) % SECTOR == 0
            and missing_of_plane >= plane_bytes * _LARGE_SHARE
            and full >= _FULL
            and values >= _LEAST_VALUES
            and bool(pixels[stretch.first - within :][: stored.row_bytes].any())
        )
    if off <= BY_CHANCE and missing_of_plane >= (SECTOR if off else LEAST_END):
        least = LEAST_VALUES_NEAR if off else LEAST_VALUES_AT
        if is_full_at_sectors(full, stored.bits) and values >= least:
            return True
        # A plane of one value, as alpha is, or a blank page.
        if not off and full == 1:
            return True
    is_large = missing_of_plane >= _LEAST_END_ROWS * stored.row_bytes and stored.rows >= 2 * _LEAST_ROWS
    is_wide = stored.used >= _LEAST_WIDTH
    return is_large and is_wide and full >= _FULL and values >= _LEAST_VALUES


def _covers_padding(pixels: NDArray[Any], stored: Stored, stretch: Stretch) -> bool:
    """Return whether ones go on through the padding of rows, which is zeros in the row ahead."""
    row = stretch.first // stored.row_bytes
    ahead = pixels[row * stored.row_bytes - stored.padding : row * stored.row_bytes]
    padding = pixels[row * stored.row_bytes + stored.used : (row + 1) * stored.row_bytes]
    is_covered = stretch.end >= (row + 1) * stored.row_bytes and bool((padding == stretch.value).all())
    return bool(stretch.value and stored.padding and row and is_covered and not ahead.any())
