"""What an AVIF or HEIF holds, and where it lies (ISO/IEC 14496-12, 8.11.3: iloc; 8.11.6: iinf)."""

from __future__ import annotations

import contextlib
import itertools
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs.further.boxes import boxes, places

#: items that are looked at, and pieces of all of them; grids have a few hundred
_MOST, _MOST_PIECES = 10_000, 100_000
#: items that are coded pictures, by their coding; the others are metadata, or made of these
AV1, _GRID = b"av01", b"grid"
IN_NAL_UNITS = frozenset({b"hvc1", b"hev1", b"avc1", b"vvc1"})
CODED = IN_NAL_UNITS | {AV1}
#: metadata; the second is of any kind, as its description says
EXIF, MIME = b"Exif", b"mime"
#: what places count from: the start of the file, or of a box of its own
_IN_FILE, _IN_BOX = 0, 1


@dataclass(frozen=True)
class Item:
    """A picture or metadata: its kind in four letters, and start and length of its pieces in the file."""

    kind: bytes
    pieces: tuple[tuple[int, int], ...]
    #: what stands behind the kind: a name and, of ``MIME``, type and encoding, a zero behind each
    described: bytes = b""

    def data(self, file: bytes) -> bytes:
        """Return what it is coded to."""
        return b"".join(file[start : start + length] for start, length in self.pieces)


@dataclass(frozen=True)
class Entry:
    """What the list of items says of one."""

    kind: bytes
    described: bytes
    #: of the letters of its kind, in the list's content
    place: int


def meta_of(data: bytes) -> dict[bytes, bytes]:
    """Return the boxes that describe the items; none where the file is damaged."""
    return dict(boxes(next((body for kind, body in boxes(data) if kind == b"meta"), b"")[4:]))


def stored_items(path: Path, data: bytes, meta: Mapping[bytes, bytes]) -> dict[int, Item]:
    """Find the items that lie in the file, by their numbers; what is damaged in ``meta`` ends it.

    Raises:
        InputError: they are in more pieces than there is time for, or their pieces overlap.
    """
    entries, origins = listed_items(meta), _origins(data)
    pieces: dict[int, list[tuple[int, int]]] = {}
    total = 0
    for count, (item, method, start, length) in enumerate(places_of(meta)):
        if count == _MOST_PIECES:
            raise InputError("has its pixels in more pieces than it is given time for", path=path)
        # Of what lies in other items nothing is looked at.
        if item in entries and method in origins:
            pieces.setdefault(item, []).append((origins[method] + start, length))
            total += length
    # A picture and what is made of it may share their data.
    if total > 4 * len(data):
        raise InputError("is damaged: its pieces overlap", path=path)
    return {
        item: Item(entries[item].kind, tuple(found), entries[item].described)
        for item, found in pieces.items()
    }


def _origins(data: bytes) -> dict[int, int]:
    """Return where in the file places count from, for each way of counting."""
    start, end = next(((start + 4, end) for kind, start, end in places(data) if kind == b"meta"), (0, 0))
    within = next((at for kind, at, _ in places(data[start:end]) if kind == b"idat"), None)
    return {_IN_FILE: 0} if within is None else {_IN_FILE: 0, _IN_BOX: start + within}


def located_items(meta: Mapping[bytes, bytes]) -> frozenset[int]:
    """Return the numbers of all items that lie anywhere."""
    return frozenset(item for item, *_ in itertools.islice(places_of(meta), _MOST_PIECES))


def places_of(meta: Mapping[bytes, bytes]) -> Iterator[tuple[int, int, int, int]]:
    """Yield number, what its places count from, start and length of each piece, up to what is damaged."""
    # That the decoder names.
    with contextlib.suppress(KeyError, IndexError, struct.error):
        yield from _located(meta[b"iloc"])


def grid_size(item: Item, file: bytes) -> tuple[int, int] | None:
    """Return height and width of what an item puts together of tiles; None where it is no grid."""
    if item.kind != _GRID:
        return None
    body = item.data(file)
    try:
        width, height = struct.unpack_from(">II" if body[1] & 1 else ">HH", body, 4)
    except (IndexError, struct.error):
        return None
    return height, width


def listed_items(meta: Mapping[bytes, bytes]) -> dict[int, Entry]:
    """Return what is listed, by the numbers of the items, up to what is damaged."""
    found: dict[int, Entry] = {}
    with contextlib.suppress(KeyError, IndexError, struct.error):
        body = meta[b"iinf"]
        count, position = _short(body, 4) if body[0] == 0 else _long(body, 4)
        for _ in range(min(count, _MOST)):
            size, kind = struct.unpack_from(">I4s", body, position)
            version, end = body[position + 8], position + max(size, 8)
            if kind == b"infe" and version in (2, 3):
                item, after = _short(body, position + 12) if version == 2 else _long(body, position + 12)
                found[item] = Entry(body[after + 2 : after + 6], body[after + 6 : end], after + 2)
            position = end
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
