"""GIF: how many blocks a file has, and whether its first frame needs all of its codes.

Format: GIF89a, sections 15 to 26.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs import imageio_codec
from srnet_cli.imaging.codecs.layout import Decoded, decoding, opened
from srnet_cli.imaging.codecs.pillow_read import pillow_without_limit
from srnet_cli.imaging.codecs.proof.bitmap.colours import check_colours, check_numbers, in_turn
from srnet_cli.reading import read_input

#: of up to 255 bytes, every one of which costs a decoder a microsecond or two: 250 MB of pixels
_MOST_BLOCKS = 1_000_000
#: that are counted for a note
_MOST_FRAMES = 100_000
_HEAD, _TABLE = 13, 0x80
_EXTENSION, _IMAGE, _END = 0x21, 0x2C, 0x3B
#: of codes, which grow from there to 12 bits; some coders begin beyond the 8 that pixels have
_IMAGE_HEAD, _MOST_BITS = 10, 11
_LONGEST_BLOCK = 255
#: bytes of codes that may be left over
_MOST_LEFT = 32


def decode(path: Path, max_pixels: int) -> Decoded:
    """Read the first frame of a GIF file.

    Raises:
        InputError: it is damaged or too large, or has more blocks than there is time for.
    """
    data = read_input(path)
    found = _count(path, data)
    if found.blocks > _MOST_BLOCKS or found.frames > _MOST_FRAMES:
        raise InputError(
            f"has more than {_MOST_FRAMES:,} frames, or {_MOST_BLOCKS:,} blocks of data",
            path=path,
            remedy="save its first frame as PNG",
        )
    decoded = imageio_codec.decode(path, max_pixels, ("GIF",))
    image = _first_frame(data[: found.codes.stop])
    if image is None:
        raise InputError("is damaged: its first frame has less data than pixels", path=path)
    _check_end(path, data, found.codes)
    with decoding(path):
        numbers, table = np.asarray(image), b"" if image.palette is None else bytes(image.palette.palette)
        if image.mode == "P" and table in data:
            check_colours(path, in_turn(table, data.index(table), 3), numbers)
            check_numbers(path, numbers[numbers != image.info.get("transparency")], len(table) // 3)
    return decoded


def _first_frame(data: bytes) -> Image.Image | None:
    """Decode a file up to the end of its first frame's codes; None where these are too few.

    Of the whole file decoders go on with the codes of the next frame.
    """
    try:
        with pillow_without_limit(), opened(io.BytesIO(data + bytes([0, _END])), ("GIF",)) as image:
            image.load()
            return image
    except OSError:
        return None


@dataclass(frozen=True)
class _Found:
    """Frames and blocks; and where the codes of the first frame begin, and end with an empty block."""

    frames: int
    blocks: int
    codes: slice


def _count(path: Path, data: bytes) -> _Found:
    """Count up to the end, or until something makes no sense, or there is too much.

    Raises:
        InputError: codes of the first frame have no bits, or too many, or there is something else ahead.
    """
    frames = blocks = 0
    codes = slice(0, 0)
    position = _HEAD + _table_bytes(data, _HEAD - 3)
    while position < len(data) and blocks <= _MOST_BLOCKS and frames <= _MOST_FRAMES:
        if data[position] == _IMAGE:
            frames += 1
            position += _IMAGE_HEAD + _table_bytes(data, position + _IMAGE_HEAD - 1) + 1
            if frames == 1 and position <= len(data) and not 0 < data[position - 1] <= _MOST_BITS:
                raise InputError(f"is damaged: no codes begin with {data[position - 1]} bits", path=path)
        elif data[position] == _EXTENSION:
            position += 2
        elif data[position] == _END:
            break
        elif data[position] and not frames:
            raise InputError("is damaged: what is ahead of its first frame is no block", path=path)
        else:
            # Decoders step over it.
            blocks += 1
            position += 1
            continue
        start = position
        while position < len(data) and data[position] and blocks <= _MOST_BLOCKS:
            blocks += 1
            position += 1 + data[position]
        if frames == 1 and not codes.stop:
            codes = slice(start, position)
        position += 1
    return _Found(frames, blocks, codes)


def _check_end(path: Path, data: bytes, place: slice) -> None:
    """Refuse a file whose first frame is decoded without the end of its codes as well, but for padding.

    Decoders leave alone what they do not need: a sector that is there twice, say, which came in between.

    Raises:
        InputError: it is.
    """
    position, codes = place.start, bytearray()
    while position < place.stop:
        codes += data[position + 1 : position + 1 + data[position]]
        position += 1 + data[position]
    needed = bytes(codes).rstrip(b"\0")[:-_MOST_LEFT]
    parts = (needed[at : at + _LONGEST_BLOCK] for at in range(0, len(needed), _LONGEST_BLOCK))
    blocks = b"".join(bytes([len(part)]) + part for part in parts)
    if needed and _first_frame(data[: place.start] + blocks) is not None:
        raise InputError("is damaged: its first frame has more data than pixels", path=path)


def _table_bytes(data: bytes, position: int) -> int:
    """Return how long the table of colours is that a byte of flags speaks of."""
    flags = data[position] if position < len(data) else 0
    return 3 << (flags & 7) + 1 if flags & _TABLE else 0
