"""Coded pictures of HEVC, AVC and VVC as they are stored in items: units, each behind its length.

Their decoders say nothing of most damage.
Format: ISO/IEC 14496-15 (units in samples), H.265 (7.4.2: what no unit holds).
"""

from __future__ import annotations

import re

from srnet_cli.imaging.codecs.proof.boxed.properties import Properties

#: a coder puts a three before the last of these bytes; a unit may end in zeros, ahead of another
_NEVER_WITHIN = re.compile(rb"\0\0[\0-\2]")
#: no last unit ends in a zero, and none in so many ones but by damage: the rest of a sector that is lost
_NEVER_LAST = (b"\0", b"\xff" * 8)


def is_whole(coded: bytes, properties: Properties) -> bool:
    """Return whether a coded picture is units from end to end; else it, or what is before it, has moved."""
    wide = _length_size(properties)
    if wide is None:
        return True
    position, end, stored = 0, len(coded.rstrip(b"\0")), b""
    while position < end:
        start = position + wide
        position = start + int.from_bytes(coded[position:start], "big")
        stored = coded[start:position]
        unit = stored.rstrip(b"\0")
        if position > len(coded) or not unit or unit[0] & 0x80 or _NEVER_WITHIN.search(unit):
            return False
    return not stored.endswith(_NEVER_LAST)


def _length_size(properties: Properties) -> int | None:
    """Return how many bytes a length takes; None where nothing says so."""
    for kind, body in properties:
        if kind == b"hvcC" and len(body) > 21:
            return (body[21] & 3) + 1
        if kind == b"avcC" and len(body) > 4:
            return (body[4] & 3) + 1
        if kind == b"vvcC" and len(body) > 4:
            return (body[4] >> 1 & 3) + 1
    return None
