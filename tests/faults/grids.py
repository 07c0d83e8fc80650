"""AVIF put together of tiles, box by box (ISO/IEC 23008-12, 6.6.2.3)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from tests.faults.pictures import encoded


def grid_of(
    tiles: Sequence[NDArray[Any]], size: tuple[int, int], tile: tuple[int, int], said: tuple[int, int]
) -> bytes:
    """An AVIF of four tiles, two by two; ``size`` is the grid's, ``said`` what it says; height first."""
    stored = [encoded("AVIF", pixels, speed=10) for pixels in tiles]
    coded = [data[data.index(b"mdat") + 4 :] for data in stored]
    grid = struct.pack(">4BHH", 0, 0, 1, 1, size[1], size[0])
    number, blobs = len(coded) + 1, [*coded, grid]
    kinds = [b"av01"] * len(coded) + [b"grid"]
    entries = [
        _full(b"infe", struct.pack(">HH4sx", index, 0, kind), 2) for index, kind in enumerate(kinds, start=1)
    ]
    references = struct.pack(f">HH{len(coded)}H", number, len(coded), *range(1, number))
    properties = b"".join(_property(stored[0], kind) for kind in (b"av1C", b"pixi"))
    properties += b"".join(_full(b"ispe", struct.pack(">II", *side[::-1])) for side in (tile, said))
    of_tiles = b"".join(struct.pack(">H4B", index, 3, 0x81, 2, 3) for index in range(1, number))
    associations = struct.pack(">I", number) + of_tiles + struct.pack(">H3B", number, 2, 2, 4)
    described = b"".join(
        (
            _full(b"hdlr", struct.pack(">I4s12xx", 0, b"pict")),
            _full(b"pitm", struct.pack(">H", number)),
            _full(b"iinf", struct.pack(">H", number) + b"".join(entries)),
            _full(b"iref", _box(b"dimg", references)),
            _box(b"iprp", _box(b"ipco", properties) + _full(b"ipma", associations)),
        )
    )
    head = _box(b"ftyp", b"avif" + bytes(4) + b"avifmif1miaf")
    start = len(head) + len(_described(described, blobs, 0)) + 8
    return head + _described(described, blobs, start) + _box(b"mdat", b"".join(blobs))


def _described(boxes: bytes, blobs: Sequence[bytes], start: int) -> bytes:
    places = b""
    for index, blob in enumerate(blobs, start=1):
        places += struct.pack(">3HII", index, 0, 1, start, len(blob))
        start += len(blob)
    return _full(b"meta", boxes + _full(b"iloc", struct.pack(">BBH", 0x44, 0, len(blobs)) + places))


def _property(data: bytes, kind: bytes) -> bytes:
    start = data.index(kind) - 4
    return data[start : start + struct.unpack_from(">I", data, start)[0]]


def _box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", 8 + len(body)) + kind + body


def _full(kind: bytes, body: bytes, version: int = 0) -> bytes:
    return _box(kind, struct.pack(">I", version << 24) + body)
