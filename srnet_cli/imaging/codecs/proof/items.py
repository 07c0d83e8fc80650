"""Where the coded pixels of an AVIF lie (ISO/IEC 14496-12, 8.11.3: iloc; 8.11.6: iinf)."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from srnet_cli.errors import InputError

#: items and pieces of one that are looked at; grids have a few hundred
_MOST = 10_000
#: frames of a still picture: one, or a few layers; a decoder works through all that are not shown
_MOST_FRAMES = 32
_FRAME_HEADER, _FRAME = 3, 6


def check_frames(path: Path, data: bytes, pieces: Iterable[tuple[int, int]]) -> None:
    """Refuse coded pixels of more frames than a still picture has (AV1, 5.3: OBUs).

    Raises:
        InputError: it has more.
    """
    for start, length in pieces:
        frames, position, end = 0, start, min(start + length, len(data))
        while position < end:
            head = data[position]
            position += 2 if head & 4 else 1
            frames += head >> 3 & 15 in (_FRAME_HEADER, _FRAME)
            if frames > _MOST_FRAMES:
                raise InputError("has more frames in one picture than it is given time for", path=path)
            if not head & 2:
                break  # it reaches to the end
            size, shift = 0, 0
            while position < end and shift < 56:
                byte = data[position]
                size |= (byte & 127) << shift
                position, shift = position + 1, shift + 7
                if not byte & 128:
                    break
            position += size


def extents(meta: Mapping[bytes, bytes]) -> Iterator[tuple[int, int]]:
    """Yield start and length, in the file, of each piece of every picture that the boxes of ``meta`` list.

    What is damaged ends it.
    """
    try:
        coded = _coded_items(meta[b"iinf"])
        yield from _located(meta[b"iloc"], coded)
    except (KeyError, IndexError, struct.error):
        return


def _coded_items(body: bytes) -> set[int]:
    """Return the numbers of the items that are AV1 pictures; the others are metadata, or made of these."""
    count, position = _short(body, 4) if body[0] == 0 else _long(body, 4)
    found = set()
    for _ in range(min(count, _MOST)):
        if position + 8 > len(body):
            break
        size, kind = struct.unpack_from(">I4s", body, position)
        version = body[position + 8]
        if kind == b"infe" and version in (2, 3):
            item, after = _short(body, position + 12) if version == 2 else _long(body, position + 12)
            if body[after + 2 : after + 6] == b"av01":
                found.add(item)
        position += max(size, 8)
    return found


def _located(body: bytes, wanted: set[int]) -> Iterator[tuple[int, int]]:
    version, sizes = body[0], struct.unpack_from(">BB", body, 4)
    offset_size, length_size, base_size = sizes[0] >> 4, sizes[0] & 15, sizes[1] >> 4
    index_size = sizes[1] & 15 if version in (1, 2) else 0
    count, position = _short(body, 6) if version < 2 else _long(body, 6)
    for _ in range(min(count, _MOST)):
        item, position = (
            (struct.unpack_from(">H", body, position)[0], position + 2)
            if version < 2
            else _long(body, position)
        )
        in_file = True
        if version in (1, 2):
            in_file = struct.unpack_from(">H", body, position)[0] & 15 == 0
            position += 2
        base = _sized(body, position + 2, base_size)
        (pieces,) = struct.unpack_from(">H", body, position + 2 + base_size)
        position += 4 + base_size
        for _ in range(pieces):
            start = _sized(body, position + index_size, offset_size)
            length = _sized(body, position + index_size + offset_size, length_size)
            position += index_size + offset_size + length_size
            if in_file and item in wanted:
                yield base + start, length


def _short(body: bytes, position: int) -> tuple[int, int]:
    return struct.unpack_from(">H", body, position)[0], position + 2


def _long(body: bytes, position: int) -> tuple[int, int]:
    return struct.unpack_from(">I", body, position)[0], position + 4


def _sized(body: bytes, position: int, size: int) -> int:
    if position + size > len(body):
        raise IndexError("a box ends early")
    return int.from_bytes(body[position : position + size], "big")
