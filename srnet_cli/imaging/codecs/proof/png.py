"""The pixels of a PNG as they are compressed: whether there are as many as its header claims.

libpng and Pillow leave black what is missing, without an error, when the compressed data ends early.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs.png_chunks import PngContents

_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
#: first row and column, and the steps, of Adam7's seven passes
_PASSES = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
_PIECE = 1 << 20
#: bytes behind the pixels that mean nothing, besides those of a row, which some writers have too many
_MOST_PADDING = 64


def check_stream(path: Path, contents: PngContents) -> None:
    """Refuse a PNG, whole as a file, whose compressed pixels are fewer than its header claims, or more.

    Raises:
        InputError: saying how many are there.
    """
    bits = contents.bit_depth * _CHANNELS.get(contents.colour_type, 1)
    wanted = _bytes_of(contents.height, contents.width, bits, contents.interlaced)
    surplus = 1 + (contents.width * bits + 7) // 8 + _MOST_PADDING
    found = _inflated(path, contents.pieces, wanted + surplus)
    if found < wanted:
        raise InputError(
            f"is incomplete: its compressed data has {found / wanted:.0%} of its pixels", path=path
        )
    if found >= wanted + surplus:
        raise InputError("is damaged: its compressed data has more pixels than its size", path=path)


def _bytes_of(height: int, width: int, bits: int, interlaced: bool) -> int:
    def rows(tall: int, wide: int) -> int:
        return tall * (1 + (wide * bits + 7) // 8) if wide > 0 else 0

    if not interlaced:
        return rows(height, width)
    return sum(
        rows(-(-(height - top) // down), -(-(width - left) // right)) for top, left, down, right in _PASSES
    )


def _inflated(path: Path, pieces: Sequence[memoryview], most: int) -> int:
    """Count the bytes in a stream, up to ``most``, without keeping them."""
    stream, count = zlib.decompressobj(), 0
    try:
        for piece in pieces:
            waiting: bytes | memoryview = piece
            while len(waiting) and count < most:
                count += len(stream.decompress(waiting, _PIECE))
                waiting = stream.unconsumed_tail
                if stream.eof:
                    return count
    except zlib.error as error:
        raise InputError(f"is a damaged PNG file: {error}", path=path) from error
    return count
