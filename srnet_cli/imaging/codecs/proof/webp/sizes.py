"""Sizes that a WebP states: of its canvas, of each frame, and of the picture that is in one.

Formats: RFC 9649 (WebP, VP8L), RFC 6386, 9.1 (VP8).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from srnet_cli.errors import InputError

_RIFF_HEAD, _CHUNK_HEAD, _FRAME_HEAD, _CANVAS = 12, 8, 16, 10
_ANIMATED, _WITH_ALPHA = 0x02, 0x10
_VP8_START, _VP8L_START = b"\x9d\x01\x2a", b"\x2f"
_SIDE = 0x3FFF
#: bytes of a name; what a transfer may add, two at least; and zeros
_NAME, _BLANKS, _LEAST_PADDING = 4, b" \t\r\n", 4
#: of the characters of a name, the first and the last (RFC 9649, 2.3)
_PRINTABLE = 0x20, 0x7E
_LOSSY, _ALPHA, _FRAME = b"VP8 ", b"ALPH", b"ANMF"
_CODED = frozenset({_LOSSY, b"VP8L"})
_NAMES = _CODED | {_ALPHA, _FRAME, b"VP8X", b"ICCP", b"ANIM", b"EXIF", b"XMP "}


def check_webp_sizes(path: Path, data: bytes) -> None:
    """Refuse pictures of another size than their frame, or, in a file without any, than the canvas.

    Raises:
        InputError: with both sizes.
    """
    canvas: tuple[int, int] | None = None
    for kind, start, end in _chunks(data, _RIFF_HEAD, len(data)):
        size = _size(kind, data[start : start + _CANVAS])
        if kind == b"VP8X" and end - start >= _CANVAS and not data[start] & _ANIMATED:
            canvas = _three(data, start + 4), _three(data, start + 7)
        elif kind == b"ANMF" and end - start >= _FRAME_HEAD:
            frame = _three(data, start + 6), _three(data, start + 9)
            for inner, place, _ in _chunks(data, start + _FRAME_HEAD, end):
                _check(path, _size(inner, data[place : place + _CANVAS]), frame)
        else:
            _check(path, size, canvas)


def check_webp_names(path: Path, data: bytes) -> None:
    """Refuse chunks whose name is damaged: decoders pass over them, and the first frame, or alpha, is lost.

    Chunks without a known name are allowed; none of them is a frame, nor lies in the place of the alpha that
    the file says it has.

    Raises:
        InputError: naming the chunk.
    """
    flags, parts = 0, (_RIFF_HEAD, len(data))
    for kind, start, end in _chunks(data, *parts):
        if kind == b"VP8X" and start < end:
            flags = data[start]
        elif kind == _FRAME:
            parts = start + _FRAME_HEAD, end
            break
        elif kind not in _NAMES and flags & _ANIMATED and _is_frame(data, start, end):
            _refuse_name(path, kind)
    kinds = [kind for kind, _, _ in _chunks(data, *parts)]
    coded = next((index for index, kind in enumerate(kinds) if kind in _CODED), None)
    if coded is None and flags & _ANIMATED:
        raise InputError("is damaged: its first frame has no picture", path=path)
    before = kinds[:coded][-1:]
    if flags & _WITH_ALPHA and kinds[coded or 0 :][:1] == [_LOSSY] and not _NAMES.issuperset(before):
        _refuse_name(path, before[0])


def check_webp_length(path: Path, data: bytes) -> str | None:
    """Refuse a file with more behind its stated end than padding, or that fills up with other values.

    A file that got longer has its own end there, or in the byte that makes a length even; one that got
    shorter and was padded has no chunk where the next should be. Returns why it may have moved, where there
    is padding behind a picture.

    Raises:
        InputError: it is longer or shorter than it says.
    """
    end = _RIFF_HEAD - _NAME + int.from_bytes(data[_NAME : _RIFF_HEAD - _NAME], "little")
    if end > len(data):
        raise InputError(f"is cut short: it says {end:,} bytes and has {len(data):,}", path=path)
    filling = b"".join(data[at:stop] for at, stop in _fillings(data, end))
    rest = data[end:]
    # One zero makes an odd length even; a few may be the last of the picture's own.
    is_padding = not rest.strip(b"\0") and (len(rest) >= _LEAST_PADDING or len(rest) in (0, end % 2))
    is_blank = len(rest) > 1 and not rest.strip(_BLANKS)
    if filling.strip(b"\0") or not (is_padding or is_blank):
        raise InputError("is damaged: it does not end where it says, and parts may have moved", path=path)
    _check_places(path, data, _RIFF_HEAD, end)
    kinds = []
    for kind, start, stop in _chunks(data, _RIFF_HEAD, end):
        kinds.append(kind)
        if kind == _FRAME:
            _check_places(path, data, start + _FRAME_HEAD, stop)
    # Metadata behind a picture would have moved with it.
    may_be_moved = bool(rest) and bool(kinds) and kinds[-1] in _CODED | {_FRAME}
    return (
        f"{len(rest):,} bytes are behind its end, which may have moved: look at it" if may_be_moved else None
    )


def _check_places(path: Path, data: bytes, position: int, end: int) -> None:
    """Refuse what is no chunk in the place of one: a picture ahead of it lost bytes, and took some of it.

    Each has a name of four printable characters, and ends no later than what it is in.
    """
    for kind, start, size in _stated_chunks(data, position, end):
        if start + size > end or not all(_PRINTABLE[0] <= value <= _PRINTABLE[1] for value in kind):
            at = start - _CHUNK_HEAD
            raise InputError(
                f"is damaged: at byte {at:,} there is no part of it, and parts may have moved", path=path
            )


def _fillings(data: bytes, end: int) -> Iterator[tuple[int, int]]:
    """Yield start and end of what makes the length of each chunk even."""
    for _, start, stop in _chunks(data, _RIFF_HEAD, end):
        yield stop, min(stop + (stop - start) % 2, end)


def _is_frame(data: bytes, start: int, end: int) -> bool:
    """Return whether a chunk begins as a frame of an animation does, with its place and a picture."""
    inner = next(_chunks(data, start + _FRAME_HEAD, end), None)
    return inner is not None and inner[0] in _CODED | {_ALPHA}


def _refuse_name(path: Path, kind: bytes) -> None:
    name = ascii(kind.decode("latin-1"))
    raise InputError(f"is damaged: a part of its picture has the name {name}, which is none", path=path)


def _check(path: Path, size: tuple[int, int] | None, stated: tuple[int, int] | None) -> None:
    if size is not None and stated is not None and size != stated:
        raise InputError(
            f"is damaged: a picture of {size[0]}×{size[1]} is in the place of one of {stated[0]}×{stated[1]}",
            path=path,
        )


def _chunks(data: bytes, position: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, start and end of the content of each chunk."""
    for kind, start, size in _stated_chunks(data, position, end):
        yield kind, start, min(start + size, end)


def _stated_chunks(data: bytes, position: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, start and stated length of the content of each chunk, which may lead beyond the end."""
    while position + _CHUNK_HEAD <= end:
        kind, size = struct.unpack_from("<4sI", data, position)
        start = position + _CHUNK_HEAD
        yield kind, start, size
        position = start + size + size % 2


def _size(kind: bytes, head: bytes) -> tuple[int, int] | None:
    """Return width and height of coded pixels; None for what states none."""
    if kind == b"VP8 " and head[3:6] == _VP8_START and len(head) == _CANVAS:
        width, height = struct.unpack_from("<HH", head, 6)
        return width & _SIDE, height & _SIDE
    if kind == b"VP8L" and head.startswith(_VP8L_START) and len(head) >= 5:
        (bits,) = struct.unpack_from("<I", head, 1)
        return (bits & _SIDE) + 1, (bits >> 14 & _SIDE) + 1
    return None


def _three(data: bytes, position: int) -> int:
    """Return a length that is stored as one less, in three bytes."""
    return int.from_bytes(data[position : position + 3], "little") + 1
