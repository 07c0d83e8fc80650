"""The segments of the first picture in a JPEG file, read as a decoder does (ITU-T T.81, annex B)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

SOS, EOI, RESTARTS = 0xDA, 0xD9, range(0xD0, 0xD8)
_WITHOUT_LENGTH = frozenset({0x01, 0xD8, *RESTARTS})
#: in the data of a scan, a marker other than a stuffed zero, a fill byte and a restart
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


@dataclass(frozen=True)
class Segment:
    """A segment with a length, and, behind the header of a scan, the coded data from ``start`` to ``end``."""

    marker: int
    body: bytes
    start: int
    end: int


def segments(data: bytes) -> Iterator[Segment]:
    """Yield segments up to the end marker, which is one of them; rubbish between them is stepped over."""
    position = 2
    while position + 2 <= len(data):
        if data[position] != 0xFF:
            position = data.find(b"\xff", position)
            if position < 0:
                return
            continue
        marker = data[position + 1]
        if marker == 0xFF:
            position += 1
        elif marker in _WITHOUT_LENGTH or marker == 0:
            position += 2
        elif marker == EOI:
            yield Segment(EOI, b"", position, position + 2)
            return
        else:
            start = position + 2 + int.from_bytes(data[position + 2 : position + 4], "big")
            end = start
            if marker == SOS:
                found = _NEXT_MARKER.search(data, start)
                end = len(data) if found is None else found.start()
            yield Segment(marker, data[position + 4 : start], start, end)
            position = max(end, position + 2)
