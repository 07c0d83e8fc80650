"""Lost sectors in the coded pixels of WebP, whose decoder makes a picture of anything.

Its coders write long runs of one value only where the picture is smooth: VP8's decision as expected is
"false", zeros that cost next to nothing, its prediction by three neighbours is ones, and the shortest code of
VP8L is zeros, the longest one ones. Formats: RFC 9649 (WebP), RFC 6386 (VP8).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs.proof.bitmap.beside import SECTOR
from srnet_cli.imaging.codecs.proof.coded import HOLE, in_blocks, refuse_hole, spreads
from srnet_cli.imaging.picture import Pixels

#: bytes of zeros that VP8 may have, whatever the picture, and of ones any WebP at its end
_LEAST_HOLE = 128
#: ones are VP8's prediction by three neighbours, eight bits for each block: what a smooth picture may have
_BYTES_PER_PREDICTED = 1.0
#: VP8's blocks, and the levels between which a smooth one lies; zeros take no more bits for a block of these
_BLOCK, _SMOOTH, _BITS_PER_BLOCK = 16, 32, 1.0
#: of a flat area in lossless WebP: four codes of one bit
_FLAT_BLOCK, _FLAT, _BITS_PER_PIXEL = 8, 8, 4
#: colours of lossless WebP that may be numbers in a table, and pixels that are looked at
_MOST_INDEXED, _LOOKED_AT = 256, 1 << 16
_RIFF_HEAD, _FRAME_HEAD = 12, 16
#: bytes at the end of WebP's data, an even number, that no pixel may be in need of
_MOST_UNUSED = 32
_PACKED_ALPHA = 1
#: bytes of zeros, and of ones, that WebP may end with by chance, whatever the picture: of some 500
#: photographs each two in VP8 had more zeros and none in VP8L, and of nothing the last byte was ones
_CHANCE_ZEROS, _CHANCE_ZEROS_LOSSLESS, _CHANCE_ONES = 5, 3, 3
#: zeros at the end of flat parts: bytes that one of VP8's blocks may take, whose values differ by so much;
#: and pixels without loss for each byte
_BYTES_PER_FLAT, _FLAT_END, _PIXELS_PER_BYTE = 6, 2, 2
#: of VP8 (RFC 6386, 9.1): bytes ahead of its first part, and bits ahead of the length of that
_VP8_HEAD, _VP8_TAG_BITS = 10, 5


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
        for hole in HOLE.finditer(data, start, end):
            length, is_last = hole.end() - hole.start(), hole.end() == end
            if hole[0][0]:
                least = _LEAST_HOLE if is_last else SECTOR
                is_lost = length >= least and length > _most_ones(kind, decode())
            else:
                is_judged = kind == b"ALPH" or not only_alpha_for_zeros
                is_lost = is_judged and length > _most_zeros(kind, decode())
            if is_lost:
                refuse_hole(path, hole.start(), length)


def check_webp_end(path: Path, data: bytes, decode: Callable[[bytes], object]) -> None:
    """Refuse a WebP that is decoded without its end as well: pixels lost their place, or others took it.

    Coders write a few bytes more than are needed, and decoders ask for all that are; other values mean
    another number of pixels. ``decode`` is given the first frame without the end of its data.

    Raises:
        InputError: saying so.
    """
    chunks = list(_webp_pixels(data, _RIFF_HEAD, len(data)))
    first = next((index for index, (kind, _, _) in enumerate(chunks) if kind != b"ALPH"), -1)
    for kind, start, end in chunks[: first + 1]:
        if end - start < 2 * _MOST_UNUSED:
            continue
        modes = _modes_end(data, start, end) if kind == b"VP8 " else start
        for last in (end, modes) if modes - start >= 2 * _MOST_UNUSED else (end,):
            try:
                decode(_shortened(data, start, last, end))
            except (ValueError, RuntimeError):
                continue
            raise InputError("is damaged: the end of its data belongs to no pixels", path=path)


def doubt_of_webp_end(data: bytes, samples: Pixels) -> str | None:
    """Return why the end of the first frame, decoded to ``samples``, may be lost, where that is likely.

    A few zeros or ones in the last sector of a file are decoded to about as many pixels as what was there.
    Coders hardly ever end with them, but for zeros where the lower right of the picture is flat.
    """
    chunks = _webp_pixels(data, _RIFF_HEAD, len(data))
    kind, start, end = next((chunk for chunk in chunks if chunk[0] != b"ALPH"), (b"", 0, 0))
    zeros, ones = (end - start - len(data[start:end].rstrip(value)) for value in (b"\0", b"\xff"))
    is_lossy = kind == b"VP8 "
    if ones > _CHANCE_ONES:
        return _doubt(ones, "ones")
    if zeros <= (_CHANCE_ZEROS if is_lossy else _CHANCE_ZEROS_LOSSLESS):
        return None
    # Zeros that took the place of others are decoded to what is predicted, which is hardly ever as flat.
    explained = (
        _ends_in_flat_blocks(samples[..., :3], min(-(-zeros // _BYTES_PER_FLAT), _LOOKED_AT // _BLOCK**2))
        if is_lossy
        else _ends_in_predicted(samples, min(zeros * _PIXELS_PER_BYTE, _LOOKED_AT))
    )
    return None if explained else _doubt(zeros, "zeros")


def _doubt(length: int, values: str) -> str:
    return f"the last {length:,} bytes of its pixels are {values}, which may be lost: look at its lower right"


def _ends_in_flat_blocks(samples: Pixels, count: int) -> bool:
    """Return whether the last so many of VP8's blocks, those that are cut off as well, are flat."""
    height, width = samples.shape[:2]
    across, down = -(-width // _BLOCK), -(-height // _BLOCK)
    rows = min(down, -(-count // across))
    lower = samples[(down - rows) * _BLOCK :]
    whole: NDArray[Any] = np.pad(lower, ((0, -height % _BLOCK), (0, -width % _BLOCK), (0, 0)), mode="edge")
    differences = [spreads(in_blocks(whole[..., index], _BLOCK)) for index in range(whole.shape[2])]
    return bool((np.max(differences, axis=0).ravel()[-count:] <= _FLAT_END).all())


def _ends_in_predicted(samples: Pixels, count: int) -> bool:
    """Return whether the last so many pixels differ by one number from those beside, or above."""
    width = samples.shape[1]
    lower = samples[-(-(-count // width) + 1) :].astype(np.int16)
    for axis in (0, 1):
        changes = np.diff(lower, axis=axis).reshape(-1, samples.shape[2])[-count:]
        if len(changes) and (changes == changes[-1]).all():
            return True
    return False


def _modes_end(data: bytes, start: int, end: int) -> int:
    """Return where the first part of VP8's data ends, which says how each block is predicted."""
    return min(start + _VP8_HEAD + (int.from_bytes(data[start : start + 3], "little") >> _VP8_TAG_BITS), end)


def _shortened(data: bytes, start: int, last: int, end: int) -> bytes:
    """Return a WebP with bytes left out before ``last``, in a chunk with content from ``start`` to ``end``.

    That is the end of the chunk, or of the first part of VP8's data, whose length is then stated as less.
    """
    shorter = bytearray(data[: last - _MOST_UNUSED] + data[last:])
    if last < end:
        tag = int.from_bytes(data[start : start + 3], "little") - (_MOST_UNUSED << _VP8_TAG_BITS)
        shorter[start : start + 3] = tag.to_bytes(3, "little")
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
        return max(_LEAST_HOLE, smooth * _BITS_PER_BLOCK / 8)
    # Without references back, which quick encoders leave out, each of the pixels has codes of a few bits.
    flat = _predicted(samples[..., -1 if kind == b"ALPH" else 0])
    return flat * _FLAT_BLOCK**2 * _BITS_PER_PIXEL / 8


def _most_ones(kind: bytes, samples: Pixels) -> float:
    """Return how many bytes of ones the blocks that are predicted may take, all of them together.

    Without loss they are the longest codes, which flat areas may have where there are few colours, or bands.
    """
    if kind == b"VP8 ":
        return _blocks(samples[..., 0], _BLOCK, _SMOOTH) * _BYTES_PER_PREDICTED
    colours = samples.reshape(-1, samples.shape[2])
    some = colours[:: 1 + len(colours) // _LOOKED_AT] @ 256 ** np.arange(samples.shape[2])
    return _most_zeros(kind, samples) if kind == b"ALPH" or np.unique(some).size <= _MOST_INDEXED else 0


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


def _predicted(plane: Pixels) -> int:
    """Count the blocks that filters of alpha and predictors leave next to nothing of.

    They are flat, or all of their rows, or columns, differ from their neighbours by the same number.
    """
    blocks = in_blocks(plane, _FLAT_BLOCK).astype(np.int16)
    across, down = np.diff(blocks, axis=3), np.diff(blocks, axis=1)
    flat = spreads(blocks) <= _FLAT
    return int(np.count_nonzero(flat | (spreads(across) == 0) | (spreads(down) == 0)))


def _blocks(plane: Pixels, side: int, spread: int) -> int:
    """Count the blocks of so many values a side between which there is no larger difference."""
    return int(np.count_nonzero(spreads(in_blocks(plane, side)) <= spread))
