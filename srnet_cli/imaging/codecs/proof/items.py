"""Where the coded pixels of an AVIF or HEIF lie (ISO/IEC 14496-12, 8.11.3: iloc; 8.11.6: iinf)."""

from __future__ import annotations

import contextlib
import itertools
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from srnet_cli.errors import InputError

#: items that are looked at, and pieces of all of them; grids have a few hundred
_MOST, _MOST_PIECES = 10_000, 100_000
#: items that are coded pictures, by their coding; the others are metadata, or made of these
AV1 = b"av01"
_GRID = b"grid"
_CODED = frozenset({AV1, b"hvc1", b"hev1", b"avc1", b"vvc1"})
#: what places count from: the start of the file, or of a box of its own
_IN_FILE, _IN_BOX = 0, 1


@dataclass(frozen=True)
class Item:
    """A coded picture: the four letters of its coding, and start and length of its pieces in the file."""

    kind: bytes
    pieces: tuple[tuple[int, int], ...]

    def data(self, file: bytes) -> bytes:
        """Return what it is coded to."""
        return b"".join(file[start : start + length] for start, length in self.pieces)


def coded_items(path: Path, data: bytes, meta: Mapping[bytes, bytes]) -> dict[int, Item]:
    """Find the pictures that the boxes of ``meta`` list, by their numbers; what is damaged ends it.

    Raises:
        InputError: they are in more pieces than there is time for, or their pieces overlap.
    """
    kinds: dict[int, bytes] = {}
    pieces: dict[int, list[tuple[int, int]]] = {}
    count = total = 0
    # What is damaged in the boxes, the decoder names.
    with contextlib.suppress(KeyError, IndexError, struct.error):
        kinds = _kinds(meta[b"iinf"])
    with contextlib.suppress(KeyError, IndexError, struct.error):
        for item, method, start, length in _located(meta[b"iloc"]):
            count += 1
            if count > _MOST_PIECES:
                raise InputError("has its pixels in more pieces than it is given time for", path=path)
            # Of what lies elsewhere (in a box of its own) nothing is looked at.
            if item in kinds and method == _IN_FILE:
                pieces.setdefault(item, []).append((start, length))
                total += length
    # A picture and what is made of it may share their data.
    if total > 4 * len(data):
        raise InputError("is damaged: its pieces overlap", path=path)
    return {item: Item(kinds[item], tuple(found)) for item, found in pieces.items()}


def grid_size(data: bytes, meta: Mapping[bytes, bytes], number: int) -> tuple[int, int] | None:
    """Return height and width of what an item puts together of tiles; None where it is no grid."""
    with contextlib.suppress(KeyError, IndexError, struct.error):
        if _kinds(meta[b"iinf"], frozenset({_GRID})).get(number) != _GRID:
            return None
        for item, method, start, _ in itertools.islice(_located(meta[b"iloc"]), _MOST_PIECES):
            if item == number and method in (_IN_FILE, _IN_BOX):
                body = data if method == _IN_FILE else meta[b"idat"]
                width, height = struct.unpack_from(">II" if body[start + 1] & 1 else ">HH", body, start + 4)
                return height, width
    return None


def _kinds(body: bytes, wanted: frozenset[bytes] = _CODED) -> dict[int, bytes]:
    """Return the kind of each item that is of one of those; without them, a coded picture."""
    count, position = _short(body, 4) if body[0] == 0 else _long(body, 4)
    found = {}
    for _ in range(min(count, _MOST)):
        if position + 8 > len(body):
            break
        size, kind = struct.unpack_from(">I4s", body, position)
        version = body[position + 8]
        if kind == b"infe" and version in (2, 3):
            item, after = _short(body, position + 12) if version == 2 else _long(body, position + 12)
            if body[after + 2 : after + 6] in wanted:
                found[item] = body[after + 2 : after + 6]
        position += max(size, 8)
    return found


def _located(body: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Yield the number of an item, what its places count from, start and length for each piece."""
    version, sizes = body[0], struct.unpack_from(">BB", body, 4)
    offset_size, length_size, base_size = sizes[0] >> 4, sizes[0] & 15, sizes[1] >> 4
    index_size = sizes[1] & 15 if version in (1, 2) else 0
    count, position = _short(body, 6) if version < 2 else _long(body, 6)
    for _ in range(count):
        item, position = (
            (struct.unpack_from(">H", body, position)[0], position + 2)
            if version < 2
            else _long(body, position)
        )
        method = _IN_FILE
        if version in (1, 2):
            method = struct.unpack_from(">H", body, position)[0] & 15
            position += 2
        base = _sized(body, position + 2, base_size)
        (pieces,) = struct.unpack_from(">H", body, position + 2 + base_size)
        position += 4 + base_size
        for _ in range(pieces):
            start = _sized(body, position + index_size, offset_size)
            length = _sized(body, position + index_size + offset_size, length_size)
            position += index_size + offset_size + length_size
            yield item, method, base + start, length


def _short(body: bytes, position: int) -> tuple[int, int]:
    return struct.unpack_from(">H", body, position)[0], position + 2


def _long(body: bytes, position: int) -> tuple[int, int]:
    return struct.unpack_from(">I", body, position)[0], position + 4


def _sized(body: bytes, position: int, size: int) -> int:
    if position + size > len(body):
        raise IndexError("a box ends early")
    return int.from_bytes(body[position : position + size], "big")
