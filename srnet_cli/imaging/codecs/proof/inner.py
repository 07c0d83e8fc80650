"""Pictures inside of a TIFF's strips and tiles: each states a size of its own, which decoders allocate.

Formats: ITU-T T.81, B.2.2 (JPEG); ISO/IEC 18181-1, D.2 (JPEG XL); Pillow reads the headers of the others.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs.further.jpeg_xl_header import Header, codestream, read_header
from srnet_cli.imaging.codecs.layout import decoding, opened
from srnet_cli.imaging.codecs.proof.jpeg_xl.sections import check_sections
from srnet_cli.imaging.codecs.proof.segments import FRAMES, segments

JPEG = frozenset({6, 7, 33007, 34892})
_JPEG_XL = frozenset({50002, 52546})
#: JPEG 2000 under its four numbers, WebP and PNG
_BY_PILLOW = frozenset({33003, 33004, 33005, 34712, 34927, 50001, 34933})
#: what Pillow calls them
_DECODERS = ("JPEG2000", "WEBP", "PNG")
PICTURES = JPEG | _JPEG_XL | _BY_PILLOW
_PNG, _WEBP = 34933, frozenset({34927, 50001})
#: where PNG's header has its bits
_PNG_BITS = 24
_LOSSLESS = frozenset({0xC3, 0xC7, 0xCB, 0xCF})
#: of any of these pictures
_LEAST_BITS = 8
#: what other codecs may add to fill their blocks, at each side
_MOST_PADDING = 64
#: whose first form states what a decoder makes of it
_OLD_JPEG = 6
#: channels of a JPEG XL besides its colours, more of which no page has
_MOST_FURTHER_CHANNELS = 16


def check_inner(path: Path, page: Any, pieces: Sequence[bytes]) -> None:
    """Refuse pieces whose own size is larger than their place, or does not fill it; of JPEG XL, damaged ones.

    Raises:
        InputError: naming the piece.
    """
    kind, (tall, wide) = int(page.compression), page.chunks[-3:-1] if len(page.chunks) > 2 else page.chunks
    across = -(-page.imagewidth // wide)
    down = -(-page.imagelength // tall)
    for index, data in enumerate(pieces):
        row, column = divmod(index % (down * across), across)
        with decoding(path):
            height, width = _size(kind, data)
            bits = _jpeg_bits(data) if kind in JPEG else _stated_bits(kind, data)
        if (bits or page.bitspersample) != page.bitspersample or page.bitspersample < _LEAST_BITS:
            raise InputError(
                f"is damaged: piece {index + 1} of its pixels is a picture of {bits or _LEAST_BITS} bits, "
                f"in the place of one of {page.bitspersample}",
                path=path,
            )
        rows, columns = min(tall, page.imagelength - row * tall), min(wide, page.imagewidth - column * wide)
        spare = 0 if kind in JPEG - {_OLD_JPEG} else _MOST_PADDING
        fills = rows <= height <= tall + spare and columns <= width <= wide + spare
        if kind != _OLD_JPEG and not page.is_tiled:
            # Strips are as wide as the picture; only the last of several may have the rows of the others.
            fills = width == columns and (height == rows or (down > 1 and height == tall))
        if not fills:
            raise InputError(
                f"is damaged: piece {index + 1} of its pixels is a picture of {width}×{height}, "
                f"in the place of one of {columns}×{rows}",
                path=path,
            )
        if kind in _JPEG_XL:
            check_sections(path, codestream(data), (height, width), page.bitspersample)


def _size(kind: int, data: bytes) -> tuple[int, int]:
    """Return height and width that a piece states.

    Raises:
        ValueError: it states none.
    """
    if kind in JPEG:
        for segment in segments(data):
            if segment.marker in FRAMES and len(segment.body) >= 5:
                return int.from_bytes(segment.body[1:3], "big"), int.from_bytes(segment.body[3:5], "big")
        raise ValueError("a piece of JPEG data has no size")
    if kind in _JPEG_XL:
        header = _jpeg_xl_header(data)
        return header.height, header.width
    with opened(io.BytesIO(data), _DECODERS) as image:
        return image.height, image.width


def _jpeg_bits(data: bytes) -> int | None:
    """Return how many bits a sample of a JPEG has; lossless ones may fill up a part of what is stated."""
    for segment in segments(data):
        if segment.marker in FRAMES and segment.body:
            return None if segment.marker in _LOSSLESS else segment.body[0]
    return None


def _stated_bits(kind: int, data: bytes) -> int | None:
    """Return how many bits a sample of PNG, WebP or JPEG XL has; None for other kinds."""
    if kind in _JPEG_XL:
        return _jpeg_xl_header(data).bits
    if kind == _PNG and len(data) > _PNG_BITS:
        return data[_PNG_BITS]
    return _LEAST_BITS if kind in _WEBP else None


def _jpeg_xl_header(data: bytes) -> Header:
    stream = codestream(data)
    if len(stream) < 12:
        raise ValueError("a piece of JPEG XL data has no size")
    return read_header(stream, _MOST_FURTHER_CHANNELS)
