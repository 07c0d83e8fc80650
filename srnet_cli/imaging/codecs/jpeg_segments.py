"""The segments of a JPEG file (ITU-T T.81, annex B): its kind, and what is no damage though libjpeg warns."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

_EOI = b"\xff\xd9"
_DHT, _DQT, _SOS, _END = 0xC4, 0xDB, 0xDA, 0xD9
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_KINDS = {0xC3: "lossless", 0xC5: "hierarchical", 0xC6: "hierarchical", 0xC7: "hierarchical", 0xF7: "JPEG-LS"}
_RESTARTS = frozenset(range(0xD0, 0xD8))
_COEFFICIENTS = 64
#: frames whose coefficients come in several scans
_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
#: padding is this many bytes that repeat, and of them this many stay, in case some belong to the last block
_LEAST_PADDING, _KEPT_PADDING, _LONGEST_PERIOD = 64, 8, 4


@dataclass
class _Walk:
    """The file so far, without stray bytes, and what its scans have told."""

    kept: bytearray
    bits: int = 8
    kind: str | None = None
    progressive: bool = False
    #: for each component the precision (successive approximation) of every coefficient, -1 while missing
    scanned: dict[int, list[int]] = field(default_factory=dict)
    ended: bool = False

    def complete(self) -> bool:
        return bool(self.scanned) and all(set(levels) == {0} for levels in self.scanned.values())


def unsupported_kind(data: bytes) -> str | None:
    """Return what kind of JPEG a file is if it is none that is read, else None."""
    walk = _walk(data)
    if walk.kind is not None:
        return walk.kind
    return f"{walk.bits} bits a sample" if walk.bits != 8 else None


def tidied(data: bytes) -> bytes:
    """Return a file without stray bytes between its segments, and with its end if only that was missing."""
    walk = _walk(data)
    if walk.ended or walk.complete():
        return bytes(walk.kept) + (b"" if walk.ended else _EOI)
    return data


def lacks_scans(data: bytes) -> bool:
    """Return whether a file has its end, but not all of its scans: it would come out blurred."""
    walk = _walk(data)
    return walk.ended and bool(walk.scanned) and not walk.complete()


def without_padding(data: bytes) -> bytes | None:
    """Return a file without the repeated bytes ahead of its end marker; None if there are none."""
    end = data.rfind(_EOI)
    for period in range(1, _LONGEST_PERIOD + 1):
        pattern, start = data[end - period : end], end
        while start >= period and data[start - period : start] == pattern:
            start -= period
        if end - start > _LEAST_PADDING:
            return data[: start + _KEPT_PADDING] + data[end:]
    return None


def _walk(data: bytes) -> _Walk:
    """Read segments until the end marker, or until one makes no sense."""
    walk, position = _Walk(bytearray(data[:2])), 2
    while True:
        marked = data.find(b"\xff", position)
        while 0 <= marked < len(data) - 1 and data[marked + 1] in (0x00, 0xFF):
            marked = data.find(b"\xff", marked + 1)
        if marked < 0 or marked + 2 > len(data):
            return walk
        marker, start = data[marked + 1], marked + 2
        if marker == _END:
            walk.ended = True
            walk.kept += data[marked:]
            return walk
        length = struct.unpack(">H", data[start : start + 2])[0] if start + 2 <= len(data) else 0
        body = data[start + 2 : start + length]
        if length < 2 or len(body) != length - 2 or not _makes_sense(marker, body):
            return walk
        position = start + length
        _note(walk, marker, body)
        if marker == _SOS:
            position = _end_of_scan(data, position)
        walk.kept += data[marked:position]


def _makes_sense(marker: int, body: bytes) -> bool:
    """Return whether a segment is as long as its contents: what follows may be its own otherwise."""
    if marker in (_DQT, _DHT):
        while body:
            # 64 entries of 8 or 16 bits; 16 counts and as many symbols as they sum up to.
            size = (129 if body[0] >> 4 else 65) if marker == _DQT else 17 + sum(body[1:17])
            if len(body) < size:
                return False
            body = body[size:]
        return True
    if marker in _FRAMES:
        return len(body) >= 6 and len(body) == 6 + 3 * body[5]
    return marker != _SOS or (len(body) >= 4 and len(body) == 4 + 2 * body[0])


def _note(walk: _Walk, marker: int, body: bytes) -> None:
    if marker in _KINDS:
        walk.kind = _KINDS[marker]
    if marker in _FRAMES:
        walk.bits = body[0]
        walk.progressive = marker in _PROGRESSIVE
        walk.scanned = {body[6 + 3 * i]: [-1] * _COEFFICIENTS for i in range(body[5])}
    elif marker == _SOS:
        first, last, approximation = body[-3:]
        for i in range(body[0]):
            levels = walk.scanned.get(body[1 + 2 * i])
            if levels is not None and not walk.progressive:
                levels[:] = [0] * _COEFFICIENTS  # whatever it says of a part of them
            elif levels is not None and first <= last < _COEFFICIENTS:
                levels[first : last + 1] = [approximation & 15] * (last + 1 - first)


def _end_of_scan(data: bytes, position: int) -> int:
    """Return where the next marker stands that ends the entropy-coded data."""
    while True:
        position = data.find(b"\xff", position)
        if position < 0 or position + 1 >= len(data):
            return len(data)
        if data[position + 1] != 0 and data[position + 1] not in _RESTARTS and data[position + 1] != 0xFF:
            return position
        position += 1
