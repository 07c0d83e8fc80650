"""Holes in the entropy-coded data of a JPEG: sectors that a disk lost, and reads as zeros.

A decoder takes zero bits for codes. What they would stand for, the tables of the file tell (ITU-T T.81,
annexes C, F and G): where that is anything but blocks without contents, or of the same gradient, no picture
has it hundreds of times.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs.proof.jpeg import check_codes
from srnet_cli.imaging.codecs.proof.segments import SOS, Segment, segments

#: bytes of zeros that count as a hole; the sectors of disks have 512 and more
_LEAST_HOLE = 64
#: libjpeg writes up to a thousand bits of corrections on end
_LEAST_OF_CORRECTIONS = 256
#: and differences of a lossless picture that fall on end
_LEAST_OF_DIFFERENCES = 256
_DHT, _DQT = 0xC4, 0xDB
#: the frame of lossless JPEG, as RAW files and DNG have it: differences between neighbours
_LOSSLESS = 0xC3
#: frames of Huffman codes: baseline, extended, progressive
_HUFFMAN = frozenset({0xC0, 0xC1, 0xC2})
#: class of the tables for everything but the means of blocks
_DETAILS = 0x10
#: values that the mean of a block may have, of 8 bits: what falls farther on end was never a picture
_MEAN_RANGE = 2048
#: coefficients of a block of a gradient, one across and one down
_MOST_OF_GRADIENT = 2
#: levels by which means of a gradient's blocks may stray, besides a step, and how many of them do not
_EVEN, _MOSTLY_EVEN = 2, 0.9
#: of a mean, as a table's steps count it
_STEPS_PER_LEVEL = 8
_ZERO, _ONE = b"\0", b"\xff"
#: what ends a run of zeros, and one of ones
_OTHERS = {_ZERO: re.compile(rb"[^\0]"), _ONE: re.compile(rb"[^\xff]")}
#: the only frame whose scans have a part of the coefficients; of others what they say of it is not heard
_PROGRESSIVE = 0xC2
#: coefficients that a scan begins and ends with, and their bits, of all of them
_WHOLE_BLOCKS = (0, 63, 0)


@dataclass(frozen=True)
class _Component:
    """A colour of the frame: blocks of it across and down in a unit of a scan of several, and its table."""

    across: int
    down: int
    table: int
    number: int = 0

    @property
    def blocks(self) -> int:
        return self.across * self.down


@dataclass
class _Tables:
    """What the segments so far have set up."""

    #: class and number of a Huffman table → symbol of the code that is all zeros, and its length
    zero_codes: dict[int, tuple[int, int]] = field(default_factory=dict)
    #: number of a quantisation table → step of the mean
    steps: dict[int, int] = field(default_factory=dict)
    components: dict[int, _Component] = field(default_factory=dict)
    #: marker of the frame, 0 for one whose data is of another kind
    frame: int = 0
    #: decoder of the means of blocks, H×W×C of luma and two chromas; None where nobody asks for gradients
    means: Callable[[], NDArray[Any]] | None = None


def check_holes(path: Path, data: bytes, means: Callable[[], NDArray[Any]] | None = None) -> None:
    """Refuse a JPEG with a hole in its pixels, or of codes in which holes do not show.

    ``means`` decodes it to an eighth, H×W×C of luma and two chromas; asked where zeros may be one.

    Raises:
        InputError: saying where.
    """
    check_codes(path, data)
    tables = _Tables(means=means)
    for segment in segments(data):
        body = segment.body
        if segment.marker == _DHT:
            tables.zero_codes.update(zero_codes(body))
        elif segment.marker == _DQT:
            tables.steps.update(_steps(path, body))
        elif segment.marker == _LOSSLESS:
            tables.frame = _LOSSLESS
        elif segment.marker in _HUFFMAN:
            tables.frame = segment.marker
            tables.components = {
                body[at]: _Component(body[at + 1] >> 4, body[at + 1] & 15, body[at + 2], number)
                for number, at in enumerate(range(6, len(body) - 2, 3))
            }
        elif segment.marker == SOS and tables.frame and len(body) >= 6:
            may_be = _may_be_flat if tables.frame == _LOSSLESS else _may_be_empty
            # Where the longest may be of the picture, so may be the others: one question, as each takes time.
            longest = max(_runs(data, segment, _ZERO), key=operator.itemgetter(1), default=None)
            if longest is not None:
                start, length = longest
                if not may_be(tables, body, length):
                    where = f"{length:,} bytes of its pixels are lost, from byte {start:,} on"
                    raise InputError(f"is damaged: {where}", path=path)
            for start, length in _runs(data, segment, _ONE):
                # Ahead of a marker they are filling, and libjpeg says what is missing there.
                if data[start + length : start + length + 1] == _ZERO:
                    where = f"{length:,} bytes of its pixels are lost, from byte {start:,} on"
                    raise InputError(f"is damaged: {where}", path=path)


def check_raw_piece(path: Path, data: bytes) -> None:
    """Refuse a piece of a RAW file's pixels that is a JPEG with a hole, be it of zeros or of ones.

    Raises:
        InputError: saying where.
    """
    check_holes(path, data)
    # Ahead of the first scan they are the steps of the lowest quality.
    ones = data.find(b"\xff" * _LEAST_HOLE, max(data.find(b"\xff\xda"), 0))
    if ones >= 0:
        lost = len(data) - ones - len(data[ones:].lstrip(b"\xff"))
        raise InputError(f"is damaged: {lost:,} bytes of its pixels are lost", path=path)


def _runs(data: bytes, scan: Segment, value: bytes) -> Iterator[tuple[int, int]]:
    """Yield place and length of each run of a value in a scan; each byte is looked at once."""
    start = scan.start
    while (start := data.find(value * _LEAST_HOLE, start, scan.end)) >= 0:
        found = _OTHERS[value].search(data, start, scan.end)
        end = scan.end if found is None else found.start()
        yield start, end - start
        start = end


def zero_codes(body: bytes) -> Iterator[tuple[int, tuple[int, int]]]:
    """Yield class and number of each Huffman table, and symbol and length of its code that is all zeros."""
    at = 0
    while at + 17 < len(body):
        counts = body[at + 1 : at + 17]
        length = next((bits for bits, count in enumerate(counts, 1) if count), None)
        if length is None:
            return
        yield body[at], (body[at + 17], length)
        at += 17 + sum(counts)


def _steps(path: Path, body: bytes) -> Iterator[tuple[int, int]]:
    """Yield number and first step of quantisation tables; a step is one or more (B.2.4.1).

    Raises:
        InputError: one is zero, which takes its pattern out of the whole picture.
    """
    while len(body) >= 65:
        wide = body[0] >> 4
        end = 129 if wide else 65
        if any(
            not any(body[at : at + 1 + bool(wide)]) for at in range(1, min(end, len(body)), 1 + bool(wide))
        ):
            raise InputError("is damaged: its table of steps holds a zero", path=path)
        yield body[0] & 15, int.from_bytes(body[1:3], "big") if wide else body[1]
        body = body[end:]


def _may_be_flat(tables: _Tables, scan: bytes, length: int) -> bool:
    """Return whether so many bytes of zeros may stand for samples that are all the same.

    The shortest code of a photograph is that of a difference, of its noise: then each would be less than the
    one before by the same number.
    """
    used = [scan[at + 1] >> 4 for at in range(1, min(1 + 2 * scan[0], len(scan) - 4), 2)]
    falls = any(tables.zero_codes.get(table, (0, 1))[0] for table in used)
    return not falls or length < _LEAST_OF_DIFFERENCES


def _may_be_empty(tables: _Tables, scan: bytes, length: int) -> bool:
    """Return whether so many bytes of zeros may stand for blocks without contents, in this scan.

    Of a scan of few coefficients the shortest code may be the last of them, or each: those of a gradient.
    """
    count = scan[0]
    first, last, approximation = scan[-3:] if tables.frame == _PROGRESSIVE else _WHOLE_BLOCKS
    has_means = first == 0 and not approximation >> 4  # a later bit of the means is written as it is
    has_details = last > 0
    if has_details and approximation >> 4 and length < _LEAST_OF_CORRECTIONS:
        return True
    bits, falls, gradient = 0, [], None
    for at in range(1, min(1 + 2 * count, len(scan) - 4), 2):
        component = tables.components.get(scan[at], _Component(1, 1, 0))
        blocks = component.blocks if count > 1 else 1
        if has_details:
            symbol, size = tables.zero_codes.get(_DETAILS | (scan[at + 1] & 15), (0, 1))
            value = symbol & 15
            codes, rest = divmod(last + 1 - max(first, 1), (symbol >> 4) + 1)
            if symbol and (not value or rest or codes > _MOST_OF_GRADIENT):
                return False  # neither the end of one block nor all of it
            bits += blocks * (size + value) * (codes if symbol else 1)
            gradient = component if symbol else gradient
        if has_means:
            category, size = tables.zero_codes.get(scan[at + 1] >> 4, (0, 1))
            bits += blocks * (size + category)
            step = tables.steps.get(component.table, 1) << (approximation & 15)
            falls.append(blocks * ((1 << category) - 1) * step)
    if gradient is not None and not _may_be_gradient(tables, gradient, 8 * length // bits):
        return False
    return not falls or 8 * length // bits * max(falls) < _MEAN_RANGE


def _may_be_gradient(tables: _Tables, component: _Component, blocks: int) -> bool:
    """Return whether so many blocks of a component on end, row by row, have means in a line."""
    if tables.means is None:
        return False
    parts = tables.components.values()
    across, down = (max(part.across for part in parts), max(part.down for part in parts))
    plane = tables.means()[:: down // component.down, :: across // component.across, component.number]
    most = _EVEN + tables.steps.get(component.table, 1) // _STEPS_PER_LEVEL
    bends = np.abs(np.diff(plane.astype(np.int16), 2)) <= most
    even = np.insert(np.pad(bends, ((0, 0), (1, 1)), constant_values=True).ravel().cumsum(), 0, 0)
    return bool(even.size > blocks and (even[blocks:] - even[:-blocks]).max() >= _MOSTLY_EVEN * blocks)
