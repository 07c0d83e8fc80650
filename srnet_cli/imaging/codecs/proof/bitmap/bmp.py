"""Pixels of a bitmap: whether they are where its header says, as many as it asks for, and whole.

Decoders take the first bytes that they need from where the header points, and leave the rest; Pillow pads
rows of runs with black.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs.proof.bitmap.beside import Stored
from srnet_cli.imaging.codecs.proof.bitmap.colours import check_colours, check_numbers, in_turn
from srnet_cli.imaging.codecs.proof.bitmap.header import (
    ENDS_BYTES,
    LARGER_HEADERS,
    SIX_OF_GREEN,
    Header,
    ends_header,
    read_header,
)
from srnet_cli.imaging.codecs.proof.bitmap.runs import check_runs, numbers_in_runs
from srnet_cli.imaging.codecs.proof.bitmap.stored import check_stored

#: bytes stated for uncompressed pixels that mean nothing, and those behind them
_MOST_PADDING, _LEAST_REST = 4096, 64
_ROW_ALIGNMENT = 4
#: where masks are, in a header or behind one
_MASKS_AT = 40
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
    if header.start < header.first_colour:
        raise InputError("is damaged: its pixels would begin in its header", path=path)
    if not (header.is_unpacked or header.is_in_runs):
        raise InputError(
            f"is damaged: there are no pixels of {header.bits} bits of compression {header.compression}",
            path=path,
        )
    _check_places(path, data, header)
    if header.is_unpacked:
        _check_size(path, data, header)
    if header.has_table:
        _check_table(path, data, header)
    if header.is_unpacked and header.width:
        check_stored(
            path,
            data,
            Stored(header.start, header.row_bytes, header.height, header.used_bytes, header.bits),
        )
    return header.is_in_runs and check_runs(path, data, header)


def _check_places(path: Path, data: bytes, header: Header) -> None:
    """Refuse a header, a table of colours and pixels that do not follow each other.

    What lies ahead of the pixels besides may be colours that are not counted, a profile, or anything. A
    header of another size than it says leaves four colours over, and zeros, or takes some for its end.

    Raises:
        InputError: saying which.
    """
    gap = header.start - header.tables_end
    is_short = header.may_be_short and gap % header.colour_bytes == 0
    if (gap < 0 and not is_short) or (gap > 0 and gap % 2):
        raise InputError("is damaged: its pixels would begin among its colours", path=path)
    if header.is_without_masks and data[: header.start].startswith(SIX_OF_GREEN, header.ahead + _MASKS_AT):
        raise InputError("is damaged: its header has masks for colours, and says that it has none", path=path)
    if not header.has_table:
        return
    larger, end = LARGER_HEADERS.get(header.size), header.first_colour
    if larger is None:
        is_wrong = header.size in LARGER_HEADERS.values() and not ends_header(data, end, header.size)
    else:
        colours, more = data[header.tables_end :][:ENDS_BYTES], data[header.tables_end : header.start]
        left_over = gap >= ENDS_BYTES and any(colours) and not (any(colours[3::4]) or any(more[ENDS_BYTES:]))
        is_wrong = left_over and ends_header(data, end + ENDS_BYTES, larger)
    if is_wrong:
        raise InputError(f"is damaged: its header does not end after {header.size} bytes", path=path)


def _check_table(path: Path, data: bytes, header: Header) -> None:
    """Refuse colours of which a part is missing, and with it some that pixels have.

    Raises:
        InputError: saying where.
    """
    colours = header.colours
    if header.bits == _TABLE_BITS or colours < 1 << header.bits:
        numbers = _numbers(data, header)
        check_numbers(path, numbers, colours)
        if header.bits == _TABLE_BITS:
            first, size = header.first_colour, header.colour_bytes
            check_colours(path, in_turn(data[first : first + colours * size], first, size), numbers)


def _numbers(data: bytes, header: Header) -> NDArray[np.uint8]:
    """Return the numbers of colours that pixels have, each once."""
    if header.is_in_runs:
        return np.unique(numbers_in_runs(data[header.start :], header.bits))
    rows = np.frombuffer(
        data, np.uint8, min(header.height * header.row_bytes, len(data) - header.start), header.start
    )
    whole, rest = divmod(header.width * header.bits, 8)
    # The padding of the last row may be missing.
    last = rows[(header.height - 1) * header.row_bytes :][: header.used_bytes]
    rows = rows[: (header.height - 1) * header.row_bytes].reshape(-1, header.row_bytes)
    bytes_ = np.union1d(np.unique(rows[:, :whole]), last[:whole])
    parts = [bytes_ >> shift & (1 << header.bits) - 1 for shift in range(0, 8, header.bits)]
    if rest:
        ends = np.append(rows[:, whole], last[whole:])
        parts += [ends >> shift & (1 << header.bits) - 1 for shift in range(8 - rest, 8, header.bits)]
    return np.unique(np.concatenate(parts))


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
    # Of pixels that are said to begin ahead of their place as many are left over.
    is_moved = header.start < header.fullest_end == header.start + len(rest)
    is_unknown = is_moved and header.start > header.tables_end
    if is_unknown or ((is_moved or len(rest) >= least) and rest.strip(b"\0")):
        raise InputError(
            f"is damaged: {len(rest):,} bytes are behind its pixels, its size asks for none", path=path
        )


def _without_profile(rest: bytes, end: int, header: Header) -> bytes:
    """Return what is behind the end of pixels, but for the profile that a header names."""
    place, size = header.profile
    first = place - end
    return rest[:first] + rest[first + size :] if size and 0 <= first < len(rest) else rest
