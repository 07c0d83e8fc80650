"""Pixels of a bitmap: whether they are where its header says, and as many. Pillow pads rows with black.

Runs may leave pixels out, by a row that ends early or a step: these are the background, the first colour.
Zeros are rows without any, so that such a picture is only whole where it says that it ends, within its rows.

Format: the bitmap headers of Windows, from that of 40 bytes on; runs: BI_RLE8 and BI_RLE4.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs.proof.tails import check_sectors

_FILE_HEAD, _LEAST_HEADER = 14, 40
_PLAIN = 0
#: pixels as they are, by masks for their colours, too
_UNPACKED = frozenset({0, 3, 6})
#: bits of a pixel by the number of the compression into runs
_RUNS = {1: 8, 2: 4}
#: what follows a zero: the end of a row, of the picture, a step elsewhere; else so many pixels as they are
_END_OF_ROW, _END, _STEP = 0, 1, 2
#: bytes stated for uncompressed pixels that mean nothing, and those behind them
_MOST_PADDING, _LEAST_REST = 4096, 64
_ROW_ALIGNMENT = 4
#: the header that names a profile, and where: its place, from the header on, and its size
_V5_HEADER, _PROFILE_AT = 124, 112


def check_bmp(path: Path, data: bytes) -> bool:
    """Refuse pixels that would begin in the header, are more than it says, or runs that have no end.

    Returns whether runs leave pixels out. Pixels at byte 0 are behind the header, for all that read bitmaps.

    Raises:
        InputError: saying which.
    """
    if not data.startswith(b"BM") or len(data) < _FILE_HEAD + _LEAST_HEADER:
        return False
    start, header = struct.unpack_from("<II", data, 10)
    if 0 < start < _FILE_HEAD + header:
        raise InputError("is damaged: its pixels would begin in its header", path=path)
    if header < _LEAST_HEADER:
        return False
    width, height, _, bits, compression, size = struct.unpack_from("<iiHHII", data, 18)
    wanted = abs(height) * ((abs(width) * bits + 31) // 32 * 4)
    # Without compression no decoder needs that number, so that it may be any; pixels that are there count.
    is_there = start + size <= len(data)
    if compression == _PLAIN and is_there and size >= wanted + max(wanted // 2, _MOST_PADDING):
        raise InputError(
            f"is damaged: its pixels have {size:,} bytes, its size asks for {wanted:,}", path=path
        )
    if compression in _UNPACKED:
        row_bytes = wanted // max(abs(height), 1)
        _check_rest(path, data, (start or _FILE_HEAD + header) + wanted, row_bytes, abs(height))
        check_sectors(path, (start or _FILE_HEAD + header,), (min(wanted, len(data)),), row_bytes)
    if _RUNS.get(compression) != bits:
        return False
    (colours,) = struct.unpack_from("<I", data, 46)
    runs = _walked(data, start or _FILE_HEAD + header + 4 * (colours or 1 << bits), width, abs(height), bits)
    if runs.gaps and not runs.ended:
        raise InputError("is damaged: its runs of pixels do not end with its rows", path=path)
    return runs.gaps


def _check_rest(path: Path, data: bytes, end: int, row_bytes: int, rows: int) -> None:
    """Refuse a row or more behind the end of pixels, but for the profile that a header names, and zeros.

    So is what makes all of the rows longer, whose bytes are a multiple of four.

    Raises:
        InputError: with the number of bytes.
    """
    rest = data[end:]
    (header,) = struct.unpack_from("<I", data, _FILE_HEAD)
    if header >= _V5_HEADER and len(data) >= _FILE_HEAD + header:
        place, size = struct.unpack_from("<II", data, _FILE_HEAD + _PROFILE_AT)
        first = _FILE_HEAD + place - end
        if size and 0 <= first < len(rest):
            rest = rest[:first] + rest[first + size :]
    is_columns = rows > 0 and len(rest) % (rows * _ROW_ALIGNMENT) == 0
    if len(rest) >= (_LEAST_REST if is_columns else max(row_bytes, _LEAST_REST)) and rest.strip(b"\0"):
        raise InputError(
            f"is damaged: {len(rest):,} bytes are behind its pixels, its size asks for none", path=path
        )


@dataclass(frozen=True)
class _Runs:
    """What runs of pixels come to: whether they leave any out, and end in a mark within the rows."""

    gaps: bool
    ended: bool


def _walked(data: bytes, position: int, width: int, height: int, bits: int) -> _Runs:
    """Follow runs of pixels; those beyond the end of a row count for nothing, as decoders have it."""
    row = column = 0
    gaps = ended = False
    while position + 2 <= len(data):
        count, value = data[position], data[position + 1]
        position += 2
        if count or value > _STEP:
            if row >= height:
                break
            column += count or value
            position += 0 if count else (value * bits + 15) // 16 * 2
        elif value == _END_OF_ROW:
            gaps |= column < width
            row, column = row + 1, 0
        elif value == _END:
            ended = row <= height
            break
        elif position + 2 <= len(data):
            gaps = True
            row, column = row + data[position + 1], column + data[position]
            position += 2
    return _Runs(gaps or row < height - 1 or (row == height - 1 and column < width), ended)
