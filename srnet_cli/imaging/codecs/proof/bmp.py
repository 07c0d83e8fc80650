"""Pixels of a bitmap: whether they are where its header says, and as many. Pillow pads rows with black.

Format: the bitmap headers of Windows, from that of 40 bytes on; runs: BI_RLE8 and BI_RLE4.
"""

from __future__ import annotations

import struct
from pathlib import Path

from srnet_cli.errors import InputError

_FILE_HEAD, _LEAST_HEADER = 14, 40
_PLAIN = 0
#: bits of a pixel by the number of the compression into runs
_RUNS = {1: 8, 2: 4}
#: what follows a zero: the end of a row, of the picture, a step elsewhere; else so many pixels as they are
_END_OF_ROW, _END, _STEP = 0, 1, 2
#: bytes behind uncompressed pixels that mean nothing
_MOST_PADDING = 4096


def check_bmp(path: Path, data: bytes) -> None:
    """Refuse pixels that would begin in the header, are far more than it says, or leave gaps in their rows.

    Raises:
        InputError: saying which.
    """
    if not data.startswith(b"BM") or len(data) < _FILE_HEAD + _LEAST_HEADER:
        return
    start, header = struct.unpack_from("<II", data, 10)
    if start < _FILE_HEAD + header:
        raise InputError("is damaged: its pixels would begin in its header", path=path)
    if header < _LEAST_HEADER:
        return
    width, height, _, bits, compression, size = struct.unpack_from("<iiHHII", data, 18)
    wanted = abs(height) * ((abs(width) * bits + 31) // 32 * 4)
    # Without compression no decoder needs that number, so that it may be any; pixels that are there count.
    is_there = start + size <= len(data)
    if compression == _PLAIN and is_there and size >= wanted + max(wanted // 2, _MOST_PADDING):
        raise InputError(
            f"is damaged: its pixels have {size:,} bytes, its size asks for {wanted:,}", path=path
        )
    if _RUNS.get(compression) == bits and _has_gaps(data, start, width, abs(height), bits):
        raise InputError(
            "is a BMP file with gaps in its rows, which is not supported",
            path=path,
            remedy="save it with 24 bits, or as PNG",
        )


def _has_gaps(data: bytes, position: int, width: int, height: int, bits: int) -> bool:
    """Return whether runs of pixels leave some out; what is cut short, the decoder names."""
    row = column = 0
    while position + 2 <= len(data) and row < height:
        count, value = data[position], data[position + 1]
        position += 2
        if count:
            column += count
        elif value == _END_OF_ROW:
            if column < width:
                return True
            row, column = row + 1, 0
        elif value == _END:
            return row < height - 1 or column < width
        elif value == _STEP:
            return True
        else:
            column += value
            position += (value * bits + 15) // 16 * 2
    return False
