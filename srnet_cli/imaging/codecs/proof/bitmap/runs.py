"""Runs of a bitmap's pixels: BI_RLE8 and BI_RLE4.

They may leave pixels out, by a row that ends early or a step. These are the background, the first colour.
Zeros are rows without any, so that such a picture is only whole where it says that it ends, within its rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs.proof.bitmap.header import Header

#: what follows a zero: the end of a row, of the picture, a step elsewhere; else so many pixels as they are
_END_OF_ROW, _END, _STEP = 0, 1, 2
#: some encoders pack the padding of a row, too, up to a multiple of so many bits
_ROW_BITS = 32
#: bytes that padding, or an end that is left out, may make of difference to the number stated
_SLACK = 4
#: rows that end early where bytes were replaced, at both of their ends, and full ones for each
_MOST_TORN, _LEAST_FULL = 2, 16
#: bytes behind the end that mean nothing
_LEAST_REST = 64


@dataclass(frozen=True)
class _Runs:
    """What runs of pixels come to: whether they leave any out, end in a mark within the rows, and where."""

    gaps: bool
    ended: bool
    end: int
    #: few rows end early while the others are full, and there are no steps
    torn: bool
    #: width and height where many rows are equally long, one behind the other
    size: tuple[int, int] | None


def check_runs(path: Path, data: bytes, header: Header) -> bool:
    """Refuse runs that have no end, leave the picture, or are not as many bytes as are said.

    Returns whether they leave pixels out.

    Raises:
        InputError: saying which.
    """
    runs = _walked(path, data, header)
    if runs.gaps and not runs.ended:
        raise InputError("is damaged: its runs of pixels do not end with its rows", path=path)
    if runs.size is not None and runs.gaps:
        raise InputError(
            f"is damaged: its runs of pixels are {runs.size[0]}x{runs.size[1]}, "
            f"its size is {header.width}x{header.height}",
            path=path,
        )
    if runs.torn:
        raise InputError("is damaged: a row of its runs of pixels ends early, and others do not", path=path)
    stated = header.pixel_bytes
    if stated and abs(runs.end - header.start - stated) > _SLACK:
        raise InputError(
            f"is damaged: its runs of pixels end after {runs.end - header.start:,} bytes, "
            f"{stated:,} are stated",
            path=path,
        )
    if len(data) + _SLACK < header.file_bytes:
        raise InputError(
            f"is cut short: it says {header.file_bytes:,} bytes and has {len(data):,}", path=path
        )
    rest = data[runs.end :]
    if len(rest) >= _LEAST_REST and rest.strip(b"\0"):
        raise InputError(f"is damaged: {len(rest):,} bytes are behind its runs of pixels", path=path)
    return runs.gaps


def numbers_in_runs(data: bytes, bits: int) -> NDArray[np.uint8]:
    """Return the numbers of colours, of 8 or 4 bits, that runs have: once for each run."""
    position, numbers, halves = 0, bytearray(), bytearray()
    while position < len(data) - 1:
        count, value = data[position], data[position + 1]
        position += 2
        if count:
            # A single pixel of 4 bits is the upper half.
            (halves if count == 1 else numbers).append(value)
        elif value > _STEP:
            size = value * bits // 8
            numbers += data[position : position + size]
            halves += data[position + size : position + size + value * bits % 8 // 4]
            position += (value * bits + 15) // 16 * 2
        elif value == _END:
            break
        elif value == _STEP:
            position += 2
    whole, half = np.frombuffer(bytes(numbers), np.uint8), np.frombuffer(bytes(halves), np.uint8)
    return np.concatenate([whole, half] if bits == 8 else [whole >> 4, whole & 15, half >> 4])


def _walked(path: Path, data: bytes, header: Header) -> _Runs:
    """Follow runs of pixels to their end.

    Raises:
        InputError: a row is longer than the picture is wide, or a step leads nowhere.
    """
    width, height, bits = header.width, header.height, header.bits
    most = -(-width * bits // _ROW_BITS) * _ROW_BITS // bits
    position, last = header.start, len(data) - 2
    row = column = 0
    gaps = ended = steps = False
    short = full = 0
    lengths = set()
    while position <= last:
        count, value = data[position], data[position + 1]
        position += 2
        if count or value > _STEP:
            if row >= height:
                position -= 2
                break
            column += count or value
            if not count:
                position += (value * bits + 15) // 16 * 2
        elif value == _END_OF_ROW:
            gaps |= column < width
            short += 0 < column < width
            full += column >= width
            lengths.add(column)
            row, column = row + 1, 0
        elif value == _END:
            ended = row <= height
            break
        elif position <= last:
            across, down = data[position], data[position + 1]
            if not across and not down:
                raise InputError("is damaged: a step among its runs of pixels leads nowhere", path=path)
            gaps = steps = True
            row, column = row + down, column + across
            position += 2
        # Beyond its width a row ends with all of its padding.
        is_long = column > most or (width < column < most and data[position : position + 2] == b"\0\0")
        if is_long or row > height:
            where = f"row {row + 1}" if is_long else "a row"
            raise InputError(
                f"is damaged: its runs of pixels leave the picture of {width}x{height} in {where}", path=path
            )
    gaps |= row < height - 1 or (row == height - 1 and column < width)
    torn = not steps and 0 < short <= _MOST_TORN and full >= _LEAST_FULL * short
    rows = row + (column > 0)
    even = lengths | {column} - {0} if not steps and rows >= _LEAST_FULL else set()
    size = (even.pop(), rows) if len(even) == 1 else None
    return _Runs(gaps, ended, min(position, len(data)), torn, size)
