"""The header of a bitmap: what it asks for, and where its pixels may begin.

Format: the bitmap headers of Windows and of OS/2 1, with the file's own header of 14 bytes ahead or, in a
device-independent bitmap, without.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

_FILE_HEAD = 14
#: the header of OS/2 1, with sides of 16 bits and colours of three bytes; the least of Windows
_CORE_HEADER, _LEAST_HEADER = 12, 40
#: pixels as they are, and by masks for their colours, without and with alpha
_PLAIN, _MASKS, _ALPHA_MASKS = 0, 3, 6
#: bytes of masks that are behind a header of 40 bytes
_MASK_BYTES = {_MASKS: 12, _ALPHA_MASKS: 16}
#: bits of a pixel by the number of the compression, of those that are known: each by itself, and in runs
_UNPACKED = {_PLAIN: (1, 2, 4, 8, 16, 24, 32), _MASKS: (16, 24, 32), _ALPHA_MASKS: (16, 32)}
_RUNS = {1: 8, 2: 4}
#: pixels of so many bits are numbers of colours in a table
_MOST_TABLE_BITS = 8
_ALIGNMENT = 4
#: the header that names a profile, and where: its place, from the header on, and its size
_V5_HEADER, _PROFILE_AT = 124, 112
#: headers that only one bit of the size tells apart, the smaller first, and bytes that the larger has more
LARGER_HEADERS, ENDS_BYTES = {40: 56, 108: _V5_HEADER}, 16
_MOST_INTENT = 8
#: pixels that have five bits of each colour or, by these masks, six of green
_MASKED_BITS, SIX_OF_GREEN = 16, struct.pack("<3I", 0xF800, 0x7E0, 0x1F)
_USUAL_MASKS = (0, 0xFF, 0xFF00, 0xFF0000, 0xFF000000)


@dataclass(frozen=True)
class Header:
    """Sides in pixels, bits of one, and places in bytes, from the beginning of the file on."""

    #: bytes ahead of the bitmap's own header, 0 or 14, and of that
    ahead: int
    size: int
    width: int
    height: int
    bits: int
    compression: int
    #: what is said of the file and of the pixels in it, 0 for nothing
    file_bytes: int
    pixel_bytes: int
    #: the first byte of pixels: as said, or where the tables end
    start: int
    tables_end: int
    #: colours of the table as said, 0 for as many as the bits allow
    stated_colours: int
    #: first byte and number of bytes of a profile, 0 for none
    profile: tuple[int, int]

    @property
    def is_plain(self) -> bool:
        """Whether it has no compression, and not even masks."""
        return self.compression == _PLAIN

    @property
    def is_unpacked(self) -> bool:
        """Whether each pixel has its own bits."""
        return self.bits in _UNPACKED.get(self.compression, ())

    @property
    def is_in_runs(self) -> bool:
        return _RUNS.get(self.compression) == self.bits

    @property
    def is_without_masks(self) -> bool:
        """Whether colours of 16 bits have five each, as nothing else is said."""
        return self.compression == _PLAIN and self.bits == _MASKED_BITS

    @property
    def has_table(self) -> bool:
        """Whether pixels are numbers of colours."""
        return self.bits <= _MOST_TABLE_BITS

    @property
    def may_be_short(self) -> bool:
        """Whether there may be fewer colours than its bits allow, and it does not say so: in old bitmaps."""
        return not self.stated_colours and self.has_table and self.size in (_CORE_HEADER, _LEAST_HEADER)

    @property
    def first_colour(self) -> int:
        """The byte at which a table begins."""
        return self.ahead + self.size

    @property
    def fullest_end(self) -> int:
        """Where a table of as many colours as can be ends, or of as many as is said, where none is needed."""
        if self.has_table:
            return self.first_colour + (self.colour_bytes << self.bits)
        return self.tables_end + self.colour_bytes * self.stated_colours

    @property
    def colours(self) -> int:
        """Colours that are in the table, and end ahead of the pixels."""
        return (min(self.tables_end, self.start) - self.first_colour) // self.colour_bytes

    @property
    def colour_bytes(self) -> int:
        """Bytes of a colour in the table."""
        return 3 if self.size == _CORE_HEADER else 4

    @property
    def used_bytes(self) -> int:
        """Bytes of a row of unpacked pixels, without its padding."""
        return (self.width * self.bits + 7) // 8

    @property
    def row_bytes(self) -> int:
        """Bytes of a row of unpacked pixels; rows begin at multiples of four."""
        return -(-self.used_bytes // _ALIGNMENT) * _ALIGNMENT


def ends_header(data: bytes, end: int, size: int) -> bool:
    """Return whether the last 16 bytes ahead of ``end`` may be those of a header of ``size``, 56 or 124.

    The former ends in masks for colours, the latter in an intent, a profile's place, and a zero.
    """
    values = struct.unpack_from("<4I", data, end - ENDS_BYTES)
    if size == _V5_HEADER:
        return bool(values[0] <= _MOST_INTENT and values[3] == 0)
    return all(value in _USUAL_MASKS for value in values)


def read_header(data: bytes) -> Header | None:
    """Return what a bitmap says of itself; None where that is of another kind, or not whole."""
    ahead = _FILE_HEAD if data.startswith(b"BM") else 0
    file_bytes, start = struct.unpack_from("<I4xI", data, 2) if len(data) >= _FILE_HEAD and ahead else (0, 0)
    try:
        (size,) = struct.unpack_from("<I", data, ahead)
        if size == _CORE_HEADER:
            width, height, bits = struct.unpack_from("<HH2xH", data, ahead + 4)
            compression = pixel_bytes = colours = 0
        elif _LEAST_HEADER <= size <= len(data):
            width, height, bits, compression, pixel_bytes, colours = struct.unpack_from(
                "<ii2xHII8xI", data, ahead + 4
            )
        else:
            return None
        place, length = struct.unpack_from("<II", data, ahead + _PROFILE_AT) if size >= _V5_HEADER else (0, 0)
    except struct.error:
        return None
    table = (colours or 1 << bits) if bits <= _MOST_TABLE_BITS else 0
    masks = _MASK_BYTES.get(compression, 0) if size == _LEAST_HEADER else 0
    tables_end = ahead + size + masks + table * (3 if size == _CORE_HEADER else 4)
    return Header(
        ahead, size, abs(width), abs(height), bits, compression, file_bytes, pixel_bytes,
        start or tables_end, tables_end, colours, (ahead + place if length else 0, length),
    )  # fmt: skip
