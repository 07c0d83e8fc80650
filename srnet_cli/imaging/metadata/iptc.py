"""IPTC-IIM: bare, or among the resources of Photoshop, in which most formats keep it."""

from __future__ import annotations

import struct

_RESOURCE, _NUMBER = b"8BIM", 0x0404
_RECORD = b"\x1c"


def bare_iptc(data: bytes | None) -> bytes | None:
    """Return the records, from resources or from themselves; None when there are none."""
    if data is None or data.startswith(_RECORD):
        return data
    if data[3:4] == _RECORD and len(data) % 4 == 0:  # stored in TIFF as numbers of the other byte order
        return struct.pack(f"<{len(data) // 4}I", *struct.unpack(f">{len(data) // 4}I", data))
    data = data.removeprefix(b"Photoshop 3.0\0")
    position = 0
    while data[position : position + 4] == _RESOURCE and position + 12 <= len(data):
        (number,) = struct.unpack_from(">H", data, position + 4)
        name = (data[position + 6] + 2) // 2 * 2
        if position + 10 + name > len(data):
            return None
        (size,) = struct.unpack_from(">I", data, position + 6 + name)
        start = position + 10 + name
        if number == _NUMBER:
            return data[start : start + size] or None
        position = start + (size + 1) // 2 * 2
    return None


def as_resource(iptc: bytes) -> bytes:
    """Return the records as a resource of Photoshop."""
    return _RESOURCE + struct.pack(">HHI", _NUMBER, 0, len(iptc)) + iptc + b"\0" * (len(iptc) % 2)
