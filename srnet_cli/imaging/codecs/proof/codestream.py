"""Tiles of JPEG 2000: whether all that its size asks for are there. Its decoder leaves the rest black.

Format: ISO/IEC 15444-1, A.4.2 (SOT: start of a tile-part), A.5.1 (SIZ: size of picture and tiles), A.6.1
(COD: how they are coded).
"""

from __future__ import annotations

import re
import struct
from collections import Counter
from pathlib import Path

from srnet_cli.errors import InputError

_START, _TILE_PART, _DATA, _END = b"\xff\x4f\xff\x51", 0xFF90, 0xFF93, 0xFFD9
_CODING, _CODING_OF_COMPONENT = 0xFF52, 0xFF53
#: styles of code blocks: some bits as they are, and high throughput
_PLAIN_BITS = 0x41
#: in coded data no byte of ones has so many behind it (B.10.1, C.2.2); SOP and EPH are between packets
_MARKER_IN_BODY = re.compile(rb"\xff[\x90\x93-\xff]")
#: of a SOT segment with its marker
_TILE_PART_BYTES = 12
#: parts of tiles that are looked at; pictures have a few thousand
_MOST_PARTS = 1 << 20


def check_tiles(path: Path, data: bytes) -> None:
    """Refuse a codestream that lacks tiles, or parts of a tile that says how many it has.

    What is damaged beyond that, the decoder names.

    Raises:
        InputError: saying how many there are.
    """
    start = data.find(_START)
    try:
        right, bottom, _, _, wide, tall, left, top = struct.unpack_from(">8I", data, start + 8)
        wanted = -(-(right - left) // wide) * -(-(bottom - top) // tall)
    except (struct.error, ZeroDivisionError):
        return
    if start < 0:
        return
    bodies: list[tuple[int, int]] = []
    found, stated = _parts(data, start + 2, bodies)
    if len(found) < wanted:
        raise InputError(
            f"is incomplete: it has {len(found):,} of the {wanted:,} tiles of its pixels", path=path
        )
    for tile, count in stated.items():
        if found[tile] < count:
            raise InputError(
                f"is incomplete: tile {tile + 1} of its pixels has {found[tile]} of {count} parts", path=path
            )
    _check_bodies(path, data, bodies)


def _check_bodies(path: Path, data: bytes, bodies: list[tuple[int, int]]) -> None:
    """Refuse coded data with what its coder leaves out, markers, and a codestream without its end.

    A tile-part says its own length; only the last may be said to reach to the end marker.
    """
    for start, end in bodies:
        found = _MARKER_IN_BODY.search(data, start, end)
        if found is not None:
            raise InputError(f"is damaged: what is at byte {found.start():,} is no coded pixels", path=path)
    if bodies and data[bodies[-1][1] : bodies[-1][1] + 2] != struct.pack(">H", _END):
        raise InputError("is incomplete: its pixels do not end where they should", path=path)


def most_empty_packets(data: bytes) -> int | None:
    """Return how many packets of a tile may follow one another that are a byte of zeros: all of them.

    None where that is not known: where components are coded in different ways, and where the bits of blocks
    are written as they are (or by the coder of part 15), which may be zeros of any number.
    """
    start = data.find(_START)
    end = data.find(struct.pack(">H", _TILE_PART), start)
    head = data[start:end]
    try:
        right, bottom, _, _, wide, tall, _, _, components = struct.unpack_from(">8IH", head, 8)
        position, found = 2, None
        while position < len(head):
            marker, length = struct.unpack_from(">HH", head, position)
            if marker == _CODING:
                own_precincts, layers, levels, style = struct.unpack_from(">BxHxBxxB", head, position + 4)
                sizes = head[position + 14 : position + 15 + levels] if own_precincts & 1 else b""
                parts = _most_precincts(min(right, wide), min(bottom, tall), levels, sizes)
                if not style & _PLAIN_BITS:
                    found = layers * components * parts
            elif marker == _CODING_OF_COMPONENT:
                return None
            position += 2 + length
    except struct.error:
        return None
    return found


def _most_precincts(wide: int, tall: int, levels: int, sizes: bytes) -> int:
    """Return how many precincts a component of a tile has at most, in all of its resolutions.

    ``sizes`` has their height and width for each, as powers of two; without it each is one. A tile that
    begins within a precinct has one more at each side.
    """
    if not sizes:
        return levels + 1
    return sum(
        (-(-wide >> levels - level + (size & 15)) + 1) * (-(-tall >> levels - level + (size >> 4)) + 1)
        for level, size in enumerate(sizes)
    )


def _parts(data: bytes, position: int, bodies: list[tuple[int, int]]) -> tuple[Counter[int], dict[int, int]]:
    """Count the parts of each tile from the first segment on, and those that tiles say they have.

    Start and end of each part's coded data go into ``bodies``.
    """
    found: Counter[int] = Counter()
    stated: dict[int, int] = {}
    for _ in range(_MOST_PARTS):
        if position + _TILE_PART_BYTES > len(data):
            break
        marker, length = struct.unpack_from(">HH", data, position)
        if marker in (_DATA, _END) or length < 2:
            break
        if marker != _TILE_PART:
            position += 2 + length
            continue
        tile, size = struct.unpack_from(">HI", data, position + 4)
        count = data[position + 11]
        found[tile] += 1
        if count:
            stated[tile] = count
        body = _body(data, position + _TILE_PART_BYTES)
        # Zero: to the end.
        if size < _TILE_PART_BYTES:
            end = data.rfind(struct.pack(">H", _END), body)
            bodies.append((body, len(data) if end < 0 else end))
            break
        position += size
        bodies.append((body, position))
    return found, stated


def _body(data: bytes, position: int) -> int:
    """Return where the coded data of a tile-part begins, behind its further segments."""
    while position + 4 <= len(data):
        marker, length = struct.unpack_from(">HH", data, position)
        if marker == _DATA:
            return position + 2
        position += 2 + length
    return len(data)
