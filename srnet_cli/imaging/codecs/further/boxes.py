"""Boxes of ISO/IEC 14496-12, of which JPEG 2000 and JPEG XL files are made, too."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

_MOST_BOXES = 10_000
#: kinds that a box may have which goes on to the end of the file: zeros begin other things, too
_OPEN = re.compile(rb"[A-Za-z0-9 ]{4}")


def boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield kind and content of the boxes in ``data``; they end where one is damaged."""
    for kind, start, end in places(data):
        yield kind, data[start:end]


def places(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, start of the content and end of each box; they end where one is damaged."""
    position = 0
    for _ in range(_MOST_BOXES):
        if position + 8 > len(data):
            return
        size, kind = struct.unpack_from(">I4s", data, position)
        head = 8
        if size == 1 and position + 16 <= len(data):
            (size,) = struct.unpack_from(">Q", data, position + 8)
            head = 16
        end = len(data) if size == 0 and _OPEN.fullmatch(kind) else position + size
        if end > len(data) or end < position + head:
            return
        yield kind, position + head, end
        position = end


def box(kind: bytes, content: bytes) -> bytes:
    """Return a box of a kind (four letters)."""
    size = 8 + len(content)
    if size < 1 << 32:
        return struct.pack(">I4s", size, kind) + content
    return struct.pack(">I4sQ", 1, kind, size + 8) + content
