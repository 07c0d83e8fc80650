"""Bytes that a packing stores as they are, or nearly, where it finds nothing to pack: a run may be pixels.

Formats: RFC 8878 (Zstandard), section 3.1.1; xz 1.1 with LZMA2, whose chunks are described in its source.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

_ZSTD, _XZ = b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\0"
#: of the header of a Zstandard frame, by its flag: bytes for the number of a dictionary, and for its size
_DICTIONARY_BYTES, _SIZE_BYTES = (0, 1, 2, 4), (0, 2, 4, 8)
#: kinds of blocks, and of literals in one, of Zstandard
_RAW, _REPEATED, _COMPRESSED, _WITH_LAST_CODES = 0, 1, 2, 3
#: what literals that are hardly packed have left of their bytes
_HARDLY = 7 / 8
#: the part of a block that Zstandard has to gain; long runs, and the bytes beside them that show their place
_LEAST_GAIN = 64
_LONG_RUN, _AROUND = re.compile(rb"\0{512,}"), 16
#: bytes of a pixel at the edge of a row that are zeros, or left to a predictor
_BY_CHANCE = 8
_XZ_HEAD = 12
#: chunks of LZMA2: the end, and the least of those that are packed
_LAST, _LEAST_PACKED, _LEAST_WITH_PROPERTIES = 0, 0x80, 0xC0


def stored_parts(data: bytes) -> list[tuple[int, int]]:
    """Return start and end of the parts of Zstandard or xz data that hold bytes as they are, or nearly.

    Data is followed as far as it can be; other data has none.
    """
    parts = _of_zstd(data) if data.startswith(_ZSTD) else _of_xz(data) if data.startswith(_XZ) else ()
    return [(start, min(end, len(data))) for start, end in parts if start < min(end, len(data))]


def coded_parts(data: bytes) -> Iterator[bytes]:
    """Yield what is between the stored parts."""
    last = 0
    for start, end in stored_parts(data):
        yield data[last:start]
        last = end
    yield data[last:]


def without_small_gains(data: bytes, unpack: Callable[[], bytes], row_bytes: int) -> bytes:
    """Return data without the rows of zeros in stored parts of Zstandard that are too few to pack.

    It packs a block, or its literals, only where it gains a share of them; less is stored, be it zeros. These
    are padding or lines of the picture, so that they begin or end with a row in what ``unpack`` gives.
    """
    kept, last, unpacked = [], 0, b""
    for start, end in stored_parts(data) if data.startswith(_ZSTD) else ():
        part = data[start:end]
        runs = list(_LONG_RUN.finditer(part))
        if not runs or sum(len(run[0]) for run in runs) > len(part) // _LEAST_GAIN:
            continue
        unpacked = unpacked or unpack()
        for run in runs:
            first = max(run.start() - _AROUND, 0)
            place = unpacked.find(part[first : run.end() + _AROUND]) + run.start() - first
            edges = place % row_bytes, (place + len(run[0])) % row_bytes
            if any(min(edge, row_bytes - edge) <= _BY_CHANCE for edge in edges):
                kept.append(data[last : start + run.start()])
                last = start + run.end()
    return b"".join([*kept, data[last:]])


def _of_zstd(data: bytes) -> Iterator[tuple[int, int]]:
    flags = data[4] if len(data) > 4 else 0
    single = flags >> 5 & 1
    size = _SIZE_BYTES[flags >> 6] or single
    at = 5 + (not single) + _DICTIONARY_BYTES[flags & 3] + size
    is_last = False
    while not is_last and at + 3 <= len(data):
        head = int.from_bytes(data[at : at + 3], "little")
        is_last, kind, length = bool(head & 1), head >> 1 & 3, head >> 3
        at += 3
        if kind == _RAW:
            yield at, at + length
        elif kind == _COMPRESSED:
            yield from _loose_literals(data, at)
        elif kind != _REPEATED:
            return
        at += 1 if kind == _REPEATED else length


def _loose_literals(data: bytes, at: int) -> Iterator[tuple[int, int]]:
    """Yield the literals of a block where they are stored as they are, or hardly packed.

    Hardly packed ones are codes of about as many bits, of which one is all zeros.
    """
    head = int.from_bytes(data[at : at + 5], "little")
    kind, form = head & 3, head >> 2 & 3
    if kind == _RAW:
        size, shift, bits = ((1, 3, 5), (2, 4, 12), (1, 3, 5), (3, 4, 20))[form]
        yield at + size, at + size + (head >> shift & (1 << bits) - 1)
    elif kind in (_COMPRESSED, _WITH_LAST_CODES):
        size, bits = ((3, 10), (3, 10), (4, 14), (5, 18))[form]
        whole, packed = (head >> shift & (1 << bits) - 1 for shift in (4, 4 + bits))
        if packed >= whole * _HARDLY:
            yield at + size, at + size + packed


def _of_xz(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield the stored chunks of the first block, which is all that encoders of TIFF write."""
    if len(data) <= _XZ_HEAD:
        return
    at = _XZ_HEAD + 4 * (data[_XZ_HEAD] + 1)
    while at < len(data) and data[at] != _LAST:
        control = data[at]
        if control >= _LEAST_PACKED:
            properties = control >= _LEAST_WITH_PROPERTIES
            at += 5 + properties + int.from_bytes(data[at + 3 : at + 5], "big") + 1
        elif control <= 2:
            start = at + 3
            at = start + int.from_bytes(data[at + 1 : start], "big") + 1
            yield start, at
        else:
            return
