"""The segments of a JPEG file (ITU-T T.81, annex B): its kind, and what is no damage though libjpeg warns."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field

from srnet_cli.imaging.codecs.proof.segments import FRAMES, MOST_SEGMENTS, end_of_scan

_EOI = b"\xff\xd9"
_DHT, _DQT, _SOS, _END = 0xC4, 0xDB, 0xDA, 0xD9
_KINDS = {0xC3: "lossless", 0xC5: "hierarchical", 0xC6: "hierarchical", 0xC7: "hierarchical", 0xF7: "JPEG-LS"}
#: between segments, what is not a stuffed zero, a fill byte or a marker without a length
_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]")
#: bytes between segments, every one of which costs a decoder a microsecond
_MOST_STRAY_BYTES = 1_000_000
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
    segments: int = 0
    stray_bytes: int = 0

    def complete(self) -> bool:
        return bool(self.scanned) and all(set(levels) == {0} for levels in self.scanned.values())


def unsupported_kind(data: bytes) -> str | None:
    """Return what kind of JPEG a file is if it is none that is read, else None."""
    walk = _walk(data)
    if walk.segments > MOST_SEGMENTS or walk.stray_bytes > _MOST_STRAY_BYTES:
        return f"more than {MOST_SEGMENTS:,} segments, or {_MOST_STRAY_BYTES:,} bytes between them"
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
    """Read segments until the end marker, or until one makes no sense, or there are too many."""
    walk, position = _Walk(bytearray(data[:2])), 2
    while walk.segments <= MOST_SEGMENTS:
        found = _MARKER.search(data, position)
        walk.stray_bytes += (len(data) if found is None else found.start()) - position
        if found is None:
            return walk
        walk.segments += 1
        (marked, start), marker = found.span(), found[0][1]
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
            position = end_of_scan(data, position)
        walk.kept += data[marked:position]
    return walk


def _makes_sense(marker: int, body: bytes) -> bool:
    """Return whether a segment is as long as its contents: what follows may be its own otherwise."""
    if marker in (_DQT, _DHT):
        at = 0
        while at < len(body):
            # 64 entries of 8 or 16 bits; 16 counts and as many symbols as they sum up to.
            wide = 129 if body[at] >> 4 else 65
            at += wide if marker == _DQT else 17 + sum(body[at + 1 : at + 17])
        return at == len(body)
    if marker in FRAMES:
        return len(body) >= 6 and len(body) == 6 + 3 * body[5]
    return marker != _SOS or (len(body) >= 4 and len(body) == 4 + 2 * body[0])


def _note(walk: _Walk, marker: int, body: bytes) -> None:
    if marker in _KINDS:
        walk.kind = _KINDS[marker]
    if marker in FRAMES:
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
