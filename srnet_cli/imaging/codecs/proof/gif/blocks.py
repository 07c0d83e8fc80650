"""The blocks of a GIF up to its first frame's codes, and how many there are.

Format: GIF89a, sections 15 to 26; what applications store: ICC.1, B.5, and XMP part 3, 1.1.2.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from srnet_cli.errors import InputError

#: of up to 255 bytes, every one of which costs a decoder a microsecond or two: 250 MB of pixels
MOST_BLOCKS = 1_000_000
#: that are counted for a note
MOST_FRAMES = 100_000
_HEAD, _TABLE = 13, 0x80
_EXTENSION, _IMAGE, END = 0x21, 0x2C, 0x3B
#: of codes, which grow from there to 12 bits; some coders begin beyond the 8 that pixels have
_IMAGE_HEAD, _MOST_BITS = 10, 11
#: kinds of extensions, of which the first has eight bytes; and how long one is that holds a frame, too
_CONTROL, _COMMENT, _APPLICATION = 0xF9, 0xFE, 0xFF
_LEAST = 32
#: names of applications: of a profile, a text as it is, and how often an animation is shown
_PROFILE, _XMP, _LOOPS = b"ICCRGBG1012", b"XMP DataXMP", (b"NETSCAPE2.0", b"ANIMEXTS1.0")
_MOST_LOOP_BYTES = 64
#: behind a text, so that reading it as blocks ends, too; and how far from the end
_BEHIND_XMP = bytes(range(255, 0, -1))
_NEAR = 260
#: bytes that no text has, and of how many others there may be one
_NO_TEXT = bytes({*range(32)} - {*b"\0\t\n\f\r\x1a\x1b"})
_RARE = 64


@dataclass(frozen=True)
class Frame:
    """A frame's size, where its codes begin and end, and how many bits its pixels have there."""

    height: int
    width: int
    bits: int
    codes: slice


@dataclass(frozen=True)
class Found:
    """How many frames and blocks there are, and the first frame."""

    frames: int
    blocks: int
    first: Frame | None


def count(path: Path, data: bytes) -> Found:
    """Count up to the end, or until something makes no sense, or there is too much.

    Raises:
        InputError: codes of the first frame have no bits, or too many, or there is something else ahead.
    """
    first, frames, blocks = None, 0, 0
    position = tables = _HEAD + _table_bytes(data, _HEAD - 3)
    while position < len(data) and blocks <= MOST_BLOCKS and frames <= MOST_FRAMES:
        begins, kind = position, data[position]
        if kind == _IMAGE:
            frames += 1
            position += _IMAGE_HEAD + _table_bytes(data, position + _IMAGE_HEAD - 1) + 1
            if frames == 1 and position <= len(data) and not 0 < data[position - 1] <= _MOST_BITS:
                raise InputError(f"is damaged: no codes begin with {data[position - 1]} bits", path=path)
        elif kind == _EXTENSION:
            position += 2
        elif kind == END:
            break
        elif not frames and (kind or position == tables):
            # Behind a block a zero is one end more; behind the colours it is the last of them, which moved.
            raise InputError("is damaged: what is ahead of its first frame is no block", path=path)
        else:
            # Decoders step over it.
            blocks += 1
            position += 1
            continue
        start = position
        while position < len(data) and data[position] and blocks <= MOST_BLOCKS:
            blocks += 1
            position += 1 + data[position]
        if kind == _EXTENSION and not frames and not _is_whole(data, begins, position):
            raise InputError("is damaged: a block ahead of its first frame goes on into others", path=path)
        if kind == _IMAGE and first is None and start <= len(data):
            width, height = struct.unpack_from("<HH", data, begins + 5)
            first = Frame(height, width, data[start - 1], slice(start, position))
        position += 1
    return Found(frames, blocks, first)


def joined(data: bytes, place: slice) -> bytes:
    """Return the content of the blocks there."""
    position, found = place.start, bytearray()
    while position < min(place.stop, len(data)):
        found += data[position + 1 : position + 1 + data[position]]
        position += 1 + data[position]
    return bytes(found)


def _is_whole(data: bytes, begins: int, end: int) -> bool:
    """Return whether an extension, whose blocks end there, ends where it should.

    One that lost bytes at its end goes on into a frame, up to the end of its codes; then a decoder takes the
    next frame for the first.
    """
    if end - begins < _LEAST:
        return True
    kind, content = data[begins + 1], joined(data, slice(begins + 2, end))
    if kind == _CONTROL or b"\x2c\0\0\0\0" + data[6:10] in data[begins:end]:
        return False
    if kind == _COMMENT:
        return _is_text(content)
    name, content = content[:11], content[11:]
    if kind != _APPLICATION:
        return True
    if name == _PROFILE:
        return len(content) <= int.from_bytes(content[:4], "big") + 255
    if name == _XMP:
        return _BEHIND_XMP in data[max(end - _NEAR, begins) : end] or _is_text(content)
    return name not in _LOOPS or len(content) <= _MOST_LOOP_BYTES


def _is_text(content: bytes) -> bool:
    return (len(content) - len(content.translate(None, _NO_TEXT))) * _RARE <= max(len(content), 4 * _RARE)


def _table_bytes(data: bytes, position: int) -> int:
    """Return how long the table of colours is that a byte of flags speaks of."""
    flags = data[position] if position < len(data) else 0
    return 3 << (flags & 7) + 1 if flags & _TABLE else 0
