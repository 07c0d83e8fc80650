"""What is beside a stretch of zeros or ones in stored pixels: rows that go on, or do not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: bytes of a disk's sector, and how far beyond one, or a row, the value of a stretch may go on by chance
SECTOR, BY_CHANCE = 512, 3
#: bytes at an end from a sector on that tell; a few pixels of a corner may well be black or white
LEAST_END = 32
#: of what is beside a stretch at sectors, pixels of another value; of one bit, which agree more often
_FULL_AT_SECTORS, _FULL_OF_BITS = 0.5, 0.25
#: different values beside a stretch near sectors, and exactly at them
LEAST_VALUES_NEAR, LEAST_VALUES_AT = 4, 2
#: bytes in which other values are looked for, and pixels that are enough to tell how full a part of a row is
_BESIDE, _LEAST_PIXELS = 1024, 32
_BYTE_BITS = 8


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
class Stretch:
    """Bytes of one value from ``first`` to ``end``, from the start of the pixels or beyond these."""

    value: int
    first: int
    end: int


def begins_row(stored: Stored, place: int) -> bool:
    """Return whether a stretch may begin with a row: ahead of it are padding or, by chance, pixels."""
    column = place % stored.row_bytes
    return column == 0 or column >= stored.used - BY_CHANCE


def ends_row(stored: Stored, place: int) -> bool:
    """Return whether a stretch may end with a row: behind it are padding or, by chance, pixels."""
    column = place % stored.row_bytes
    return column <= BY_CHANCE or column >= stored.used


def beside(pixels: NDArray[Any], stored: Stored, stretch: Stretch) -> tuple[float, int]:
    """Return how full of other pixels the rows beside a stretch are, 0 to 1, and how many values they have.

    Of the rows above and below it counts what goes on where the stretch begins and ends, of as many rows as
    it takes to tell: a frame is of the value there. So does what is ahead of and behind it in its own rows.
    """
    top, bottom = max(stretch.first, 0) // stored.row_bytes, (stretch.end - 1) // stored.row_bytes
    first, end = max(stretch.first, 0) % stored.row_bytes, (stretch.end - 1) % stored.row_bytes + 1
    within, pixel = top == bottom, max(stored.bits // _BYTE_BITS, 1)
    shares, values = [], []
    rows = _rows_beside(stored, (end if within else stored.used) - first)
    if stretch.first > 0:
        above = _rows(pixels, stored, max(top - rows, 0), top + 1)
        picture = differs(above, stretch.value, pixel)
        going_on, own = picture[:-1, first : end if within else None], picture[-1:, :first]
        shares += [going_on, _last_columns(going_on), *_if_large(own)]
        values.append(np.concatenate([above[:-1].ravel(), above[-1, :first]]))
    if stretch.end < pixels.size:
        rows = _rows_beside(stored, end - (first if within else 0))
        below = _rows(pixels, stored, bottom, min(bottom + 1 + rows, stored.rows))
        picture = differs(below, stretch.value, pixel)
        going_on, own = picture[1:, first if within else 0 : end], picture[:1, end:]
        shares += [going_on, _last_columns(going_on[:, ::-1]), *_if_large(own)]
        values.append(np.concatenate([below[1:].ravel(), below[0, end:]]))
    full = min((float(share.mean()) for share in shares if share.size), default=0.0)
    return full, min((np.unique(part).size for part in values), default=0)


def is_full_at_sectors(full: float, bits: int = 8) -> bool:
    """Return whether enough beside a stretch at sectors, of pixels of ``bits``, has other values."""
    return full >= (_FULL_OF_BITS if bits == 1 else _FULL_AT_SECTORS)


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


def differs(rows: NDArray[Any], value: int, pixel: int) -> NDArray[np.bool_]:
    """Return, for each byte or sample of rows, whether its pixel, of so many, has others than ``value``.

    One of its colours may be 0 in all of a picture, or its alpha the largest value.
    """
    others: NDArray[np.bool_] = rows != value
    if pixel == 1:
        return others
    return np.repeat(others.reshape(rows.shape[0], -1, pixel).any(axis=2), pixel, axis=1)
