"""Whether the codes of a GIF's frame make as many pixels as it has, and end with the last of them.

Decoders leave alone what they do not need: a sector that is there twice, say, which came in between. How many
pixels each code stands for is enough to tell; which they are is the decoder's.
Format: GIF89a, appendix F.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: of a code; and entries of the table
_MOST_BITS = 12
_MOST_ENTRIES = 1 << _MOST_BITS
#: codes that are taken in one go, of a table that begins, and at most
_AT_FIRST, _AT_ONCE = 64, 4096
#: a coder begins a table when the last one is full, and every few pixels if it does not compress
_MOST_TABLES = 300_000


def end_with_pixels(data: bytes, bits: int, pixels: int) -> bool:
    """Return whether ``data``, whose codes begin with one bit more than ``bits``, makes so many pixels.

    Behind them there is a code that says so, too little for any, or nothing but zeros. What has more tables
    than there is time for is not looked at any further.
    """
    codes, left = _Codes(data, bits), pixels
    while run := codes.take():
        made = np.cumsum(run.pixels)
        last = int(np.searchsorted(made, left))
        if last < len(made):
            return int(made[last]) == left and codes.end_at(int(run.stops[last]), run.first + last + 1)
        left -= int(made[-1])
    return codes.tables > _MOST_TABLES


@dataclass(frozen=True)
class _Run:
    """Codes on end of one table: how many pixels each stands for, where it stops, the number of the first."""

    pixels: list[int]
    stops: NDArray[np.int64]
    first: int


class _Codes:
    """Codes of data, the lowest bits first, which are longer the more entries their table has."""

    def __init__(self, data: bytes, bits: int) -> None:
        self._data = data
        self._padded = np.frombuffer(data + bytes(3), np.uint8)
        self._total = 8 * len(data)
        self._clear, self._end = 1 << bits, (1 << bits) + 1
        # The first code of a table makes no entry; when it is full they stay as long.
        entries = np.maximum(np.arange(_MOST_ENTRIES + _AT_ONCE) - 1, 0) + self._end + 1
        self._widths = np.clip(np.frexp(entries)[1], bits + 1, _MOST_BITS).astype(np.int64)
        self._place = self.tables = 0
        self._is_broken = False
        self._begin()

    def _begin(self) -> None:
        # Of the two that are no pixels it does not matter how many.
        self._lengths = [1] * (self._end + 1)
        self._previous = self._count = 0
        self._most = _AT_FIRST
        self.tables += 1

    def take(self) -> _Run | None:
        """Take the next codes; None where there are no more, or the next one makes no sense."""
        while self.tables <= _MOST_TABLES and not self._is_broken:
            first = min(self._count, _MOST_ENTRIES)
            widths = self._widths[first : first + self._most]
            stops = self._place + np.cumsum(widths)
            whole = int(np.searchsorted(stops, self._total, side="right"))
            codes = self._at(stops[:whole] - widths[:whole], widths[:whole])
            special = np.flatnonzero((codes == self._clear) | (codes == self._end))
            plain = codes[: special[0]] if len(special) else codes
            pixels = self._pixels_of(plain.tolist())
            self._is_broken = len(pixels) < len(plain)
            if pixels:
                self._place = int(stops[len(pixels) - 1])
                self._count += len(pixels)
                self._most = min(2 * self._most, _AT_ONCE)
                return _Run(pixels, stops, first)
            if not len(special) or special[0] or codes[0] == self._end:
                return None
            self._place = int(stops[0])
            self._begin()
        return None

    def _pixels_of(self, codes: list[int]) -> list[int]:
        """Return how many pixels each stands for, up to one that makes no sense, as the table grows."""
        found, lengths, previous = [], self._lengths, self._previous
        for code in codes:
            if previous and len(lengths) < _MOST_ENTRIES:
                lengths.append(previous + 1)
            if code >= len(lengths):
                break
            previous = lengths[code]
            found.append(previous)
        self._previous = previous
        return found

    def _at(self, places: NDArray[np.int64], widths: NDArray[np.int64]) -> NDArray[np.int64]:
        first = places >> 3
        three = self._padded[first[:, None] + np.arange(3)].astype(np.int64) @ np.array([1, 1 << 8, 1 << 16])
        codes: NDArray[np.int64] = three >> (places & 7) & ((1 << widths) - 1)
        return codes

    def end_at(self, place: int, number: int) -> bool:
        """Return whether the code of this number, at this bit, is the end, perhaps in a new table."""
        for count in (number, 0):
            width = self._widths[min(count, _MOST_ENTRIES)]
            if place + width > self._total:
                return True
            code = int(self._at(np.array([place]), np.array([width]))[0])
            if code == self._end:
                return True
            if code != self._clear:
                break
            place += int(width)
        byte, bit = divmod(place, 8)
        return not self._data[byte] >> bit and not any(self._data[byte + 1 :])
