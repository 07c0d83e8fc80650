"""Pieces of a TIFF that are packed as bytes: whether they unpack to what the size asks for.

Decoders stop where they have enough, so that a smaller size than that of the pixels would pass; where there
is too little they leave the rest black.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs.layout import decoding
from srnet_cli.imaging.codecs.proof import packbits
from srnet_cli.imaging.codecs.proof.page.grid import Grid

#: LZW, deflate under its two numbers, PackBits, LZMA, Zstandard under its two
BYTE_PACKINGS = frozenset({5, 8, 32946, 32773, 34925, 34926, 50000})
_LZW, _PACKBITS, _REVERSED_BITS = 5, 32773, 2
#: bytes of zeros in which a code of LZW ends and another one, of a zero, follows
_MOST_ZEROS = 3


def check_unpacked(path: Path, page: Any, grid: Grid, segments: Sequence[bytes]) -> frozenset[int]:
    """Refuse pieces that unpack to fewer or more bytes than their part of the picture has, or to lost ones.

    Returns the last strips that have the rows of the others.

    The last strip of a plane may have the rows of the others; the bits behind the last code of LZW may be
    taken for more. Less than one pixel a row is no other size. ``page`` is tifffile's, ``grid`` that of its
    pieces.

    Raises:
        InputError: naming the first.
    """
    import imagecodecs
    import tifffile

    pixel_bits = page.bitspersample * (1 if grid.planes > 1 else page.samplesperpixel)
    whole, spare = grid.tall * grid.row_bytes, max(pixel_bits // 8, 1)
    unpack = tifffile.TIFF.DECOMPRESSORS[page.compression]
    is_reversed = page.fillorder == _REVERSED_BITS
    pieces = [bytes(imagecodecs.bitorder_decode(data)) if is_reversed else data for data in segments]

    def length(packed: bytes) -> int:
        with decoding(path):
            return len(unpack(packed, out=whole + grid.tall * spare))

    padded = set()
    for index, packed in enumerate(pieces):
        wanted = grid.bytes_of(index)
        found = length(packed)
        if page.compression == _LZW and _is_lost(packed, wanted, length):
            raise _lost_end(path, index)
        if found < wanted:
            raise InputError(
                f"is incomplete: piece {index + 1} of its pixels has {found:,} of {wanted:,} bytes", path=path
            )
        rows = wanted // grid.row_bytes
        if wanted < whole <= found:
            padded.add(index)
        if found >= wanted + rows * spare and not whole <= found < whole + grid.tall * spare:
            raise InputError(
                f"is damaged: piece {index + 1} of its pixels has {found:,} bytes or more, "
                f"its size asks for {wanted:,}",
                path=path,
            )
    if page.compression == _PACKBITS:
        sizes = [grid.bytes_of(index) for index in range(len(pieces))]
        if (lost := packbits.first_lost(pieces, sizes, grid.row_bytes)) is not None:
            raise _lost_end(path, lost)
    return frozenset(padded)


def _is_lost(packed: bytes, wanted: int, length: Callable[[bytes], int]) -> bool:
    """Return whether zeros or ones at the end of LZW are taken for pixels.

    The code of the end, behind all pixels, has ones and zeros. Where a coder left it out, the last codes may
    be zeros: of one pixel, as the second one in a row has a longer code.
    """
    kept = len(packed.rstrip(packed[-1:])) + _MOST_ZEROS
    return packed[-1:] in (b"\0", b"\xff") and kept < len(packed) and length(packed[:kept]) < wanted


def _lost_end(path: Path, index: int) -> InputError:
    return InputError(f"is damaged: piece {index + 1} of its pixels holds no data at its end", path=path)
