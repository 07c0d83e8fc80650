"""The segments of the first picture in a JPEG file, read as a decoder does (ITU-T T.81, annex B)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

SOS, EOI = 0xDA, 0xD9
#: markers of frames, which say how large a picture is
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
#: every one costs some microseconds; a long profile is in a few hundred
MOST_SEGMENTS = 10_000
#: frames of arithmetic codes, whose decoders make a picture of anything, and never say that data ended
ARITHMETIC = frozenset({0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF})
#: markers of segments: behind bytes of rubbish or filling, and markers without a length
_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd8\xff]")
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
    """Yield segments up to the end marker, which is one of them; rubbish between them is stepped over.

    Behind :data:`MOST_SEGMENTS` nothing is read.
    """
    found = _MARKER.search(data, 2)
    for _ in range(MOST_SEGMENTS):
        if found is None:
            return
        position, marker = found.start(), data[found.start() + 1]
        if marker == EOI:
            yield Segment(EOI, b"", position, position + 2)
            return
        start = position + 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        end = end_of_scan(data, start) if marker == SOS else start
        yield Segment(marker, data[position + 4 : start], start, end)
        found = _MARKER.search(data, max(end, position + 2))


def end_of_scan(data: bytes, start: int) -> int:
    """Return where the next marker stands that ends the coded data of a scan."""
    found = _NEXT_MARKER.search(data, start)
    return len(data) if found is None else found.start()
