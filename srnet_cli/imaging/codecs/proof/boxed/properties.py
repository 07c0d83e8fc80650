"""Properties of the items of an AVIF or HEIF (ISO/IEC 23008-12, 9.3: iprp)."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping

from srnet_cli.imaging.codecs.further.boxes import boxes

_MOST_ITEMS = 10_000
#: of an item that are looked at; pictures have about ten
_MOST_PROPERTIES = 32

#: kind and content of each property of an item
Properties = list[tuple[bytes, bytes]]


def properties_of(meta: Mapping[bytes, bytes]) -> dict[int, Properties]:
    """Return the properties of all items that have any, by their numbers; none where they are damaged."""
    try:
        stored = list(boxes(meta[b"iprp"]))
        listed = list(boxes(dict(stored)[b"ipco"]))
        found: dict[int, Properties] = {}
        # One for each version and width of numbers that is needed.
        for item, indices in (each for kind, body in stored if kind == b"ipma" for each in _associated(body)):
            properties = (listed[index - 1] for index in indices if 0 < index <= len(listed))
            found.setdefault(item, []).extend(properties)
        return found
    except (KeyError, struct.error, IndexError):
        return {}


def _associated(body: bytes) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Yield each item, and the numbers of its first properties, from 1 on."""
    version, wide = body[0], body[3] & 1
    (count,) = struct.unpack(">I", body[4:8])
    position = 8
    for _ in range(min(count, _MOST_ITEMS)):
        identity = struct.unpack_from(">I" if version else ">H", body, position)[0]
        position += 4 if version else 2
        number = body[position]
        layout = f">{number}{'H' if wide else 'B'}"
        found = struct.unpack_from(layout, body, position + 1)
        position += 1 + struct.calcsize(layout)
        yield identity, tuple(value & (0x7FFF if wide else 0x7F) for value in found[:_MOST_PROPERTIES])
