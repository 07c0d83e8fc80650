"""Pixels of a bitmap: whether they are where its header says, as many as it asks for, and whole.

Decoders take the first bytes that they need from where the header points, and leave the rest; Pillow pads
rows of runs with black.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs.proof.bitmap.beside import Stored
from srnet_cli.imaging.codecs.proof.bitmap.colours import check_colours, in_turn
from srnet_cli.imaging.codecs.proof.bitmap.header import Header, read_header
from srnet_cli.imaging.codecs.proof.bitmap.runs import check_runs, numbers_in_runs
from srnet_cli.imaging.codecs.proof.bitmap.stored import check_stored

#: bytes stated for uncompressed pixels that mean nothing, and those behind them
_MOST_PADDING, _LEAST_REST = 4096, 64
_ROW_ALIGNMENT = 4
#: of pixels whose table of colours is as large as a sector of a disk
_TABLE_BITS = 8


def check_bmp(path: Path, data: bytes) -> bool:
    """Refuse a bitmap whose pixels are not where its header says, not as many, not whole, or have no end.

    Returns whether runs leave pixels out. Pixels at byte 0 are behind the tables, for all that read bitmaps.

    Raises:
        InputError: saying which.
    """
    header = read_header(data)
    if header is None:
        return False
    if header.start < header.ahead + header.size:
        raise InputError("is damaged: its pixels would begin in its header", path=path)
    _check_table(path, data, header)
    if header.is_unpacked and header.bits and header.width:
        _check_size(path, data, header)
        check_stored(
            path,
            data,
            Stored(header.start, header.row_bytes, header.height, header.used_bytes, header.bits),
        )
    return header.is_in_runs and check_runs(path, data, header)


def _check_table(path: Path, data: bytes, header: Header) -> None:
    """Refuse colours of which a part is missing, and with it some that pixels have.

    Raises:
        InputError: saying where.
    """
    if header.bits != _TABLE_BITS:
        return
    first = header.ahead + header.size
    pixels = data[header.start :]
    if header.is_in_runs:
        numbers: NDArray[Any] = numbers_in_runs(pixels)
    else:
        rows = np.frombuffer(pixels, np.uint8)[: header.height * header.row_bytes]
        numbers = rows[np.arange(rows.size) % header.row_bytes < header.used_bytes]
    table = data[first : min(header.tables_end, header.start)]
    check_colours(path, in_turn(table, first, header.colour_bytes), numbers)


def _check_size(path: Path, data: bytes, header: Header) -> None:
    """Refuse unpacked pixels that are fewer or more than the sides ask for, or would begin among colours.

    A table may be shorter than its depth allows; then nothing is left over behind the pixels.

    Raises:
        InputError: with the numbers of bytes.
    """
    wanted = header.height * header.row_bytes
    end = header.start + wanted
    padding = header.row_bytes - header.used_bytes if header.start <= header.tables_end else 0
    if len(data) < end - padding:
        raise InputError(
            f"is cut short: its pixels have {len(data) - header.start:,} bytes, its size asks for {wanted:,}",
            path=path,
        )
    # Without compression no decoder needs that number, so that it may be any; pixels that are there count.
    is_there = header.start + header.pixel_bytes <= len(data)
    if header.is_plain and is_there and header.pixel_bytes >= wanted + max(wanted // 2, _MOST_PADDING):
        raise InputError(
            f"is damaged: its pixels have {header.pixel_bytes:,} bytes, its size asks for {wanted:,}",
            path=path,
        )
    if header.start < header.tables_end and len(data) >= header.tables_end + wanted - padding:
        raise InputError("is damaged: its pixels would begin among its colours", path=path)
    rest = _without_profile(data[end:], end, header)
    is_columns = header.height > 0 and len(rest) % (header.height * _ROW_ALIGNMENT) == 0
    least = _LEAST_REST if is_columns else max(header.row_bytes, _LEAST_REST)
    if len(rest) >= least and rest.strip(b"\0"):
        raise InputError(
            f"is damaged: {len(rest):,} bytes are behind its pixels, its size asks for none", path=path
        )


def _without_profile(rest: bytes, end: int, header: Header) -> bytes:
    """Return what is behind the end of pixels, but for the profile that a header names."""
    place, size = header.profile
    first = place - end
    return rest[:first] + rest[first + size :] if size and 0 <= first < len(rest) else rest
