"""Lost sectors in the coded pixels of WebP, AVIF, HEIF and JPEG 2000.

Their decoders make a picture of anything. The coders of the first three write no long runs of one value, but
for the zeros of WebP where the picture is smooth: VP8's decision as expected is "false", which then costs
next to nothing, and the shortest code of VP8L is zeros.
Formats: RFC 9649 (WebP), RFC 6386 (VP8), ISO/IEC 23008-12 (items).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs.proof.codestream import check_tiles, most_empty_packets
from srnet_cli.imaging.codecs.proof.tails import LEAST_RUN, ends_in_run
from srnet_cli.imaging.picture import Pixels

_HOLE = re.compile(rb"\0{%d,}|\xff{%d,}" % (LEAST_RUN, LEAST_RUN))
#: bytes of zeros that VP8 may have, whatever the picture
_LEAST_VP8_HOLE = 128
#: VP8's blocks, and the levels between which a smooth one lies; zeros take no more bits for a block of these
_BLOCK, _SMOOTH, _BITS_PER_BLOCK = 16, 32, 1.0
#: of a flat area in lossless WebP: four codes of one bit
_FLAT_BLOCK, _FLAT, _BITS_PER_PIXEL = 8, 8, 4
_RIFF_HEAD, _FRAME_HEAD = 12, 16
#: bytes at the end of WebP's data, an even number, that no pixel may be in need of
_MOST_UNUSED = 32
_PACKED_ALPHA = 1
#: of JPEG 2000: what repeats in its blocks, of 64 or 32 values a side, repeats after so many
_PERIOD = 32
#: in JPEG 2000 (ISO/IEC 15444-1, annex A)
_START_OF_TILE = b"\xff\x90"


def check_webp(
    path: Path, data: bytes, decode: Callable[[], Pixels], only_alpha_for_zeros: bool = False
) -> None:
    """Refuse a WebP whose coded pixels have a hole; what it is decoded to, H×W×C, is only asked for then.

    ``only_alpha_for_zeros`` leaves holes of zeros in the rest to :func:`check_webp_end`: what is behind one
    has lost its place.

    Raises:
        InputError: saying where.
    """
    for kind, start, end in _webp_pixels(data, _RIFF_HEAD, len(data)):
        for hole in _HOLE.finditer(data, start, end):
            length = hole.end() - hole.start()
            is_judged = kind == b"ALPH" or not only_alpha_for_zeros
            if hole[0][0] or (is_judged and length > _most_zeros(kind, decode())):
                _refuse(path, hole.start(), length)


def check_webp_end(path: Path, data: bytes, decode: Callable[[bytes], object]) -> None:
    """Refuse a WebP that is decoded without its end as well: pixels lost their place, or others took it.

    Coders write a few bytes more than are needed, and decoders ask for all that are; other values mean
    another number of pixels. ``decode`` is given the first frame without the end of its data.

    Raises:
        InputError: saying so.
    """
    chunks = list(_webp_pixels(data, _RIFF_HEAD, len(data)))
    first = next((index for index, (kind, _, _) in enumerate(chunks) if kind != b"ALPH"), -1)
    for _, start, end in chunks[: first + 1]:
        if end - start < 2 * _MOST_UNUSED:
            continue
        try:
            decode(_shortened(data, start, end))
        except (ValueError, RuntimeError):
            continue
        raise InputError("is damaged: the end of its data belongs to no pixels", path=path)


def _shortened(data: bytes, start: int, end: int) -> bytes:
    """Return a WebP without the end of one of its chunks, whose content is from ``start`` to ``end``."""
    shorter = bytearray(data[: end - _MOST_UNUSED] + data[end:])
    places, position = [4, start - 4], _RIFF_HEAD
    while position + 8 <= start:
        kind, size = struct.unpack_from("<4sI", data, position)
        if kind == b"ANMF" and position + 8 + size >= end:
            places.append(position + 4)
        position += 8 + size + size % 2
    for place in places:
        (size,) = struct.unpack_from("<I", shorter, place)
        struct.pack_into("<I", shorter, place, max(size - _MOST_UNUSED, 0))
    return bytes(shorter)


def _most_zeros(kind: bytes, samples: Pixels) -> float:
    """Return how many bytes of zeros the blocks that cost next to nothing may take, all of them together."""
    if kind == b"VP8 ":
        smooth = _blocks(samples[..., 0], _BLOCK, _SMOOTH)
        return max(_LEAST_VP8_HOLE, smooth * _BITS_PER_BLOCK / 8)
    # Without references back, which quick encoders leave out, each of the pixels has codes of a few bits.
    flat = _blocks(samples[..., -1 if kind == b"ALPH" else 0], _FLAT_BLOCK, _FLAT)
    return flat * _FLAT_BLOCK**2 * _BITS_PER_PIXEL / 8


def check_extents(path: Path, data: bytes, extents: Iterable[tuple[int, int]]) -> None:
    """Refuse coded pixels, at these starts and lengths, that have a hole.

    Raises:
        InputError: saying where.
    """
    for start, length in extents:
        hole = _HOLE.search(data, start, start + length)
        if hole is not None:
            _refuse(path, hole.start(), hole.end() - hole.start())


def check_jpeg_2000(path: Path, data: bytes, decode: Callable[[], Pixels]) -> None:
    """Refuse coded pixels that lack tiles, end in one value, or hold ones, which never are neighbours.

    Zeros in the middle are empty packets, or patterns that repeat in every block: of a picture without these,
    H×W×C, they are lost. What it is decoded to is only asked for then.

    Raises:
        InputError: saying where.
    """
    if ends_in_run(data):
        raise InputError("is incomplete: its end holds nothing but one value, repeated", path=path)
    check_tiles(path, data)
    start = max(data.find(_START_OF_TILE), 0)
    ones = data.find(b"\xff" * LEAST_RUN, start)
    if ones >= 0:
        _refuse(path, ones, len(data[ones:]) - len(data[ones:].lstrip(b"\xff")))
    empty = most_empty_packets(data)
    zeros = -1 if empty is None else data.find(bytes(LEAST_RUN + empty), start)
    if zeros >= 0 and not _repeats(decode()):
        _refuse(path, zeros, len(data[zeros:]) - len(data[zeros:].lstrip(b"\0")))


def _repeats(samples: Pixels) -> bool:
    """Return whether there are patterns that repeat after so many values, flat areas left out."""
    blocks = _in_blocks(samples[..., 0], _PERIOD)
    changes = np.abs(np.diff(blocks.astype(np.int32), axis=2)).max(axis=(1, 3), initial=0)
    step = int(np.iinfo(samples.dtype).max) // 128
    return bool(((changes <= step) & (_spreads(blocks)[:, 1:] > 4 * step)).any())


def _refuse(path: Path, start: int, length: int) -> None:
    raise InputError(
        f"is damaged: {length:,} bytes of its pixels are lost, from byte {start:,} on", path=path
    )


def _webp_pixels(data: bytes, position: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, start and end of each chunk of coded pixels, those of an animation's frames as well."""
    while position + 8 <= end:
        kind, size = struct.unpack_from("<4sI", data, position)
        start, stop = position + 8, min(position + 8 + size, end)
        if kind == b"ANMF":
            yield from _webp_pixels(data, start + _FRAME_HEAD, stop)
        elif kind in (b"VP8 ", b"VP8L") or (
            kind == b"ALPH" and start < stop and data[start] & 3 == _PACKED_ALPHA
        ):
            yield kind, start, stop
        position = stop + size % 2


def _blocks(plane: Pixels, side: int, spread: int) -> int:
    """Count the blocks of so many values a side between which there is no larger difference."""
    return int(np.count_nonzero(_spreads(_in_blocks(plane, side)) <= spread))


def _in_blocks(plane: Pixels, side: int) -> NDArray[Any]:
    """Return H×W values as blocks, Y×side×X×side; what does not fill one is left out."""
    height, width = (length - length % side for length in plane.shape)
    return plane[:height, :width].reshape(height // side, side, width // side, side)


def _spreads(blocks: NDArray[Any]) -> NDArray[np.int32]:
    """Return the largest difference within each block."""
    spreads: NDArray[np.int32] = blocks.max(axis=(1, 3)).astype(np.int32) - blocks.min(axis=(1, 3))
    return spreads
