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
#: bits of a pixel by the number of the compression into runs
_RUNS = {1: 8, 2: 4}
#: pixels of so many bits are numbers of colours in a table
_MOST_TABLE_BITS = 8
_ALIGNMENT = 4
#: the header that names a profile, and where: its place, from the header on, and its size
_V5_HEADER, _PROFILE_AT = 124, 112


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
    #: first byte and number of bytes of a profile, 0 for none
    profile: tuple[int, int]

    @property
    def is_plain(self) -> bool:
        """Whether it has no compression, and not even masks."""
        return self.compression == _PLAIN

    @property
    def is_unpacked(self) -> bool:
        """Whether each pixel has its own bits."""
        return self.compression == _PLAIN or self.compression in _MASK_BYTES

    @property
    def is_in_runs(self) -> bool:
        return _RUNS.get(self.compression) == self.bits

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
        start or tables_end, tables_end, (ahead + place if length else 0, length),
    )  # fmt: skip
