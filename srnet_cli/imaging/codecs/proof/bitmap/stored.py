"""Pixels that are stored as they are, in the order of the file: what a copy or a disk did not bring.

The bytes are looked at, not the colours: what is missing is zeros or ones, and these are a number of some
colour or half a pixel as well. A picture has areas like them, too, which begin where its shapes do: with a
row, or in each row where the one above has them. What is missing begins at some byte of the file, mostly
where a sector of 512 does, beside rows that go on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from srnet_cli.errors import InputError

_SECTOR = 512
#: how far beyond a sector its value may go on by chance
_BY_CHANCE = 3
#: rows that are missing before it is said where no sector begins: at an end; between, and their share of all
_LEAST_END_ROWS, _LEAST_ROWS, _LEAST_SHARE = 3, 8, 0.01
#: bytes of a row in which no shape ends by chance
_LEAST_WIDTH = 32
#: of what is beside a stretch, pixels of another value: at an end, between, and where sectors begin and end
_FULL, _FULL_BETWEEN, _FULL_OF_SECTORS = 0.9, 0.7, 0.5
#: and of eight or more pixels of one bit, which are zeros or ones more often
_FULL_OF_BITS = 0.25
#: different values beside a band of a picture, beside sectors, and where an end or a sector begins exactly
_LEAST_VALUES, _LEAST_SECTOR_VALUES, _LEAST_EXACT_VALUES = 8, 4, 2
#: bytes in which they are looked for, and pixels that are enough to tell how full a part of a row is
_BESIDE, _LEAST_PIXELS = 1024, 32
#: of all rows, those that may be missing where a row begins with a sector
_LARGE_SHARE = 0.25
_BYTE_BITS = 8
#: bytes that are compared at a time
_WINDOW = 1 << 20


@dataclass(frozen=True)
class Stored:
    """Rows of pixels from byte ``start`` of a file on: ``row_bytes`` each, of which ``used`` are no padding.

    ``bits`` are those of a pixel, or of a value where each of several planes has its own rows.
    """

    start: int
    row_bytes: int
    rows: int
    used: int
    bits: int
    planes: int = 1

    @property
    def end(self) -> int:
        return self.start + self.rows * self.row_bytes

    @property
    def padding(self) -> int:
        return self.row_bytes - self.used


@dataclass(frozen=True)
class _Stretch:
    """Bytes of one value: from which on, and up to which, from the start of the pixels."""

    value: int
    first: int
    end: int


def check_stored(path: Path, data: bytes, stored: Stored) -> None:
    """Refuse stored pixels that break off, or of which sectors, or a band of rows, are zeros or ones.

    The pixels have to be there: ``data`` goes up to the padding of the last row.

    Raises:
        InputError: saying which bytes or rows are missing.
    """
    if not stored.rows or not stored.row_bytes:
        return
    present = min(stored.end, len(data)) - stored.start
    pixels = np.frombuffer(data, np.uint8, present, stored.start)
    for value in (0, 255):
        for first, end in _long_runs(pixels, value):
            stretch = _Stretch(value, first, end)
            if stretch.end >= present - (stored.padding if value else 0):
                continue  # an end
            if _is_lost(pixels, stored, stretch):
                raise InputError(
                    f"is damaged: {end - first:,} bytes of its pixels are lost, "
                    f"from byte {stored.start + first:,} on",
                    path=path,
                )
        first = _end_of(pixels, value)
        if first < present and _breaks_off(pixels, stored, _Stretch(value, first, present)):
            missing = -(-(present - first) // stored.row_bytes)
            raise InputError(
                f"is incomplete: the last {missing} of {stored.rows} rows hold no data", path=path
            )


def is_lost_sector(pixels: NDArray[Any], stored: Stored, value: int, first: int, end: int) -> bool:
    """Return whether bytes of a value, from ``first`` to ``end`` of pixels, are sectors that were lost.

    They begin and end, in the file, where sectors do and within rows, beside rows that go on.
    """
    off = [-(stored.start + first) % _SECTOR, (stored.start + end) % _SECTOR]
    if max(off) > _BY_CHANCE or _begins_row(stored, first) or _ends_row(stored, end):
        return False
    full, values = _beside(pixels, stored, _Stretch(value, first, end))
    least = _FULL_OF_BITS if stored.bits == 1 else _FULL_OF_SECTORS
    return full >= least and values >= (_LEAST_SECTOR_VALUES if any(off) else _LEAST_EXACT_VALUES)


def _long_runs(pixels: NDArray[Any], value: int) -> Iterator[tuple[int, int]]:
    """Yield first byte and end of each stretch of a value that is as long as a sector."""
    last = -1
    for start in range(0, pixels.size, _WINDOW):
        others = np.flatnonzero(pixels[start : start + _WINDOW] != value) + start
        if not others.size:
            continue
        others = np.concatenate([[last], others])
        for index in np.flatnonzero(np.diff(others) > _SECTOR).tolist():
            yield int(others[index]) + 1, int(others[index + 1])
        last = int(others[-1])
    if pixels.size - last > _SECTOR:
        yield last + 1, pixels.size


def _end_of(pixels: NDArray[Any], value: int) -> int:
    """Return from which byte on all are of a value."""
    for end in range(pixels.size, 0, -_WINDOW):
        start = max(end - _WINDOW, 0)
        others = np.flatnonzero(pixels[start:end] != value)
        if others.size:
            return start + int(others[-1]) + 1
    return 0


def _is_lost(pixels: NDArray[Any], stored: Stored, stretch: _Stretch) -> bool:
    """Return whether a stretch in the middle was lost: sectors, or a band from within a row to within one."""
    if _covers_padding(pixels, stored, stretch):
        return True
    begins, ends = _begins_row(stored, stretch.first), _ends_row(stored, stretch.end)
    on_sectors = [(stored.start + place) % _SECTOR == 0 for place in (stretch.first, stretch.end)]
    # Where a row begins with a sector, either may be what is missing.
    if (begins and ends) or (begins and not on_sectors[0]) or (ends and not on_sectors[1]):
        return False
    # By chance it begins a little ahead of a sector, or ends a little behind one.
    off = [-(stored.start + stretch.first) % _SECTOR, (stored.start + stretch.end) % _SECTOR]
    least_rows = max(_LEAST_ROWS, stored.rows // stored.planes * _LEAST_SHARE)
    is_large = stretch.end - stretch.first >= least_rows * stored.row_bytes
    if max(off) > _BY_CHANCE and not is_large:
        return False
    full, values = _beside(pixels, stored, stretch)
    if max(off) <= _BY_CHANCE:
        least = _FULL_OF_BITS if stored.bits == 1 else _FULL_OF_SECTORS
        return full >= least and values >= (_LEAST_SECTOR_VALUES if any(off) else _LEAST_EXACT_VALUES)
    return (
        is_large
        and not (begins or ends)
        and stored.used >= _LEAST_WIDTH
        and full >= _FULL_BETWEEN
        and values >= _LEAST_VALUES
    )


def _breaks_off(pixels: NDArray[Any], stored: Stored, stretch: _Stretch) -> bool:
    """Return whether pixels end too early: within a row, or in black that begins with row and sector."""
    off = -(stored.start + stretch.first) % _SECTOR
    if _covers_padding(pixels, stored, stretch):
        return True
    plane_bytes = stored.rows // stored.planes * stored.row_bytes
    within = stretch.first % plane_bytes
    # A plane may well be of one value: what is missing is that of the one before.
    missing_of_plane = plane_bytes - within
    if stretch.first < stored.row_bytes or not within:
        return False
    full, values = _beside(pixels, stored, stretch)
    if _begins_row(stored, stretch.first):
        row = -(-stretch.first // stored.row_bytes)
        return (
            stretch.value == 0
            and (stored.start + row * stored.row_bytes) % _SECTOR == 0
            and missing_of_plane >= plane_bytes * _LARGE_SHARE
            and full >= _FULL
            and values >= _LEAST_VALUES
            and bool(pixels[stretch.first - within :][: stored.row_bytes].any())
        )
    if off <= _BY_CHANCE and missing_of_plane >= _SECTOR:
        least = _FULL_OF_BITS if stored.bits == 1 else _FULL_OF_SECTORS
        if full >= least and values >= (_LEAST_SECTOR_VALUES if off else _LEAST_EXACT_VALUES):
            return True
    is_large = missing_of_plane >= _LEAST_END_ROWS * stored.row_bytes and stored.rows >= 2 * _LEAST_ROWS
    is_wide = stored.used >= _LEAST_WIDTH
    return is_large and is_wide and full >= _FULL and values >= _LEAST_EXACT_VALUES


def _covers_padding(pixels: NDArray[Any], stored: Stored, stretch: _Stretch) -> bool:
    """Return whether ones go on through the padding of rows, which is zeros in the row ahead."""
    row = stretch.first // stored.row_bytes
    ahead = pixels[row * stored.row_bytes - stored.padding : row * stored.row_bytes]
    padding = pixels[row * stored.row_bytes + stored.used : (row + 1) * stored.row_bytes]
    is_covered = stretch.end >= (row + 1) * stored.row_bytes and bool((padding == stretch.value).all())
    return bool(stretch.value and stored.padding and row and is_covered and not ahead.any())


def _begins_row(stored: Stored, place: int) -> bool:
    """Return whether a stretch may begin with a row: ahead of it are padding or, by chance, pixels."""
    column = place % stored.row_bytes
    return column == 0 or column >= stored.used - _BY_CHANCE


def _ends_row(stored: Stored, place: int) -> bool:
    """Return whether a stretch may end with a row: behind it are padding or, by chance, pixels."""
    column = place % stored.row_bytes
    return column <= _BY_CHANCE or column >= stored.used


def _beside(pixels: NDArray[Any], stored: Stored, stretch: _Stretch) -> tuple[float, int]:
    """Return how full of other pixels the rows beside a stretch are, 0 to 1, and how many values they have.

    Of the rows above and below it counts what goes on where the stretch begins and ends, of as many rows as
    it takes to tell: a frame is of the value there. So does what is ahead of and behind it in its own rows.
    """
    top, bottom = stretch.first // stored.row_bytes, (stretch.end - 1) // stored.row_bytes
    first, end = stretch.first % stored.row_bytes, (stretch.end - 1) % stored.row_bytes + 1
    within = top == bottom
    shares, values = [], []
    rows = _rows_beside(stored, (end if within else stored.used) - first)
    above = _rows(pixels, stored, max(top - rows, 0), top + 1)
    if above.size:
        picture = _differs(above, stored, stretch.value)
        going_on, own = picture[:-1, first : end if within else None], picture[-1:, :first]
        shares += [going_on, _last_columns(going_on), *_if_large(own)]
        values.append(np.concatenate([above[:-1].ravel(), above[-1, :first]]))
    if stretch.end < pixels.size:
        rows = _rows_beside(stored, end - (first if within else 0))
        below = _rows(pixels, stored, bottom, min(bottom + 1 + rows, stored.rows))
        picture = _differs(below, stored, stretch.value)
        going_on, own = picture[1:, first if within else 0 : end], picture[:1, end:]
        shares += [going_on, _last_columns(going_on[:, ::-1]), *_if_large(own)]
        values.append(np.concatenate([below[1:].ravel(), below[0, end:]]))
    full = min((float(share.mean()) for share in shares if share.size), default=0.0)
    return full, min((np.unique(beside).size for beside in values), default=0)


def _rows_beside(stored: Stored, columns: int) -> int:
    """Return of how many rows ``columns`` bytes of each are enough to tell."""
    return max(-(-_BESIDE // stored.row_bytes), -(-_LEAST_PIXELS // max(columns, 1)))


def _last_columns(share: NDArray[Any]) -> NDArray[Any]:
    """Return the outer half of a narrow part of rows, and else all of it.

    Ahead of a frame a few pixels may be of its value by chance.
    """
    return share[:, share.shape[1] // 2 :] if share.shape[1] < 2 * _LEAST_PIXELS else share


def _if_large(share: NDArray[Any]) -> list[NDArray[Any]]:
    """Return a part of a row if it is enough to tell how full it is."""
    return [share] if share.size >= _LEAST_PIXELS else []


def _rows(pixels: NDArray[Any], stored: Stored, top: int, bottom: int) -> NDArray[Any]:
    """Return rows without their padding, of which the last may be missing."""
    part = pixels[top * stored.row_bytes : bottom * stored.row_bytes]
    part = np.pad(part, (0, (bottom - top) * stored.row_bytes - part.size))
    return part.reshape(-1, stored.row_bytes)[:, : stored.used]


def _differs(rows: NDArray[Any], stored: Stored, value: int) -> NDArray[Any]:
    """Return, for each byte of rows, whether its pixel has others than ``value``."""
    pixel = max(stored.bits // _BYTE_BITS, 1)
    others = (rows != value).reshape(rows.shape[0], -1, pixel).any(axis=2)
    return np.repeat(others, pixel, axis=1)
