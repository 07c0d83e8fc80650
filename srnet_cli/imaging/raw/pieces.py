"""The pieces of a DNG's pixels: whether each is a picture of the size of its place, and no two lie in one.

LibRaw lets the samples of a piece flow into its place whatever its own size is, and leaves the rest as the
memory was. Layout: TIFF 6.0, sections 3 and 15; lossless JPEG: ITU-T T.81, annex H.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs import ifd
from srnet_cli.imaging.codecs.ifd import Directory
from srnet_cli.imaging.codecs.proof.pages import is_reduced
from srnet_cli.imaging.codecs.proof.segments import segments
from srnet_cli.imaging.codecs.proof.tiff import listed_pieces
from srnet_cli.imaging.raw.dng import SENSOR_COLOURS, is_dng
from srnet_cli.reading import open_input

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_SAMPLES, _ROWS_PER_STRIP, _TILE_WIDTH, _TILE_HEIGHT, _TILES = 277, 278, 322, 323, 324
_SAMPLE_FORMAT, _FLOAT = 339, 3
#: cameras store samples of 10 to 14 bits so, whatever they state
_WORD_BITS = 16
_UNCOMPRESSED, _JPEG, _LOSSY = 1, 7, 34892
_DEFLATE = frozenset({8, 32946})
#: frames whose samples LibRaw lets flow on: extended, as Blackmagic's cameras have it, and lossless
_FLOWING = frozenset({0xC1, 0xC3})
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
#: rows that a coder may add at the bottom of a picture, and lossy JPEG at any side of a piece
_MOST_ROWS, _MOST_PADDING = 16, 64
#: decoded bytes that are counted at a time
_AT_ONCE = 1 << 20

#: start and length of each
_Pieces = Sequence[tuple[int, int]]


@dataclass(frozen=True)
class _Place:
    """Place of a piece in the picture, in pixels."""

    top: int
    left: int
    #: of the piece, as the directory says
    height: int
    width: int
    #: of them within the picture
    rows: int
    columns: int
    is_last: bool


def check_pieces(path: Path, structure: ifd.Structure | None) -> None:
    """Refuse a DNG with pieces that are of another size than their places, or that lie in one another.

    Raises:
        InputError: naming the piece.
    """
    if structure is None or not is_dng(structure):
        return
    with open_input(path) as file:
        for directory in structure.walk():
            if is_reduced(directory) or directory.integer(_PHOTOMETRIC, 0) not in SENSOR_COLOURS:
                continue
            pieces = list(zip(*listed_pieces(path, directory), strict=False))
            _check_apart(path, structure, pieces)
            compression = directory.integer(_COMPRESSION, _UNCOMPRESSED)
            if compression == _UNCOMPRESSED and directory.integer(_SAMPLE_FORMAT, 1) != _FLOAT:
                _check_plain_strips(path, directory, pieces)
            if compression not in (_JPEG, _LOSSY, *_DEFLATE):
                continue
            check = _check_deflated if compression in _DEFLATE else _check_jpeg
            for index, ((start, length), place) in enumerate(zip(pieces, _places(directory), strict=False)):
                file.seek(start)
                problem = check(file.read(length), place, directory)
                if problem:
                    raise InputError(f"is damaged: piece {index + 1} of its pixels {problem}", path=path)


def in_file_order(values: NDArray[Any], structure: ifd.Structure | None) -> NDArray[Any]:
    """Return the samples of an uncompressed tiled DNG in the order of the file, others as they are.

    Args:
        values: H×W or H×W×C, all of the sensor.
    """
    main = None if structure is None or not is_dng(structure) else _main(structure, values)
    if main is None or main.integer(_COMPRESSION, _UNCOMPRESSED) != _UNCOMPRESSED:
        return values
    if not main.integers(_TILES):
        return values
    places = list(_places(main))
    order = sorted(zip(main.pieces()[0], places, strict=False), key=lambda one: one[0])
    wide = min(places[0].width, values.shape[1])
    return np.concatenate([_padded(values, place, wide) for _, place in order])


def _padded(values: NDArray[Any], place: _Place, wide: int) -> NDArray[Any]:
    """Cut a tile out; what of it lies beyond the picture repeats its border."""
    tile = values[place.top : place.top + place.rows, place.left : place.left + place.columns]
    missing = ((0, 0), (0, wide - tile.shape[1]), *[(0, 0)] * (tile.ndim - 2))
    return np.pad(tile, missing, "edge")


def _main(structure: ifd.Structure, values: NDArray[Any]) -> Directory | None:
    size = values.shape[:2]
    for directory in structure.walk():
        is_sensor = directory.integer(_PHOTOMETRIC, 0) in SENSOR_COLOURS and not is_reduced(directory)
        if is_sensor and size == (directory.integer(_HEIGHT, 0), directory.integer(_WIDTH, 0)):
            return directory
    return None


def _check_apart(path: Path, structure: ifd.Structure, pieces: _Pieces) -> None:
    """Refuse pieces that share bytes with another, or with a directory."""
    spans = [(start, start + length, index + 1) for index, (start, length) in enumerate(pieces)]
    tables = [(*found.extents[0], 0) for found in structure.walk() if found.extents]
    last = (0, 0, 0)
    for start, end, index in sorted(spans + tables):
        if start < last[1] and (index or last[2]):
            where = f"that of piece {min(index, last[2])}" if index and last[2] else "its directory"
            raise InputError(
                f"is damaged: piece {max(index, last[2])} of its pixels lies in {where}", path=path
            )
        last = max(last, (start, end, index), key=lambda one: one[1])


def _check_plain_strips(path: Path, directory: Directory, pieces: _Pieces) -> None:
    """Refuse uncompressed strips with gaps between them or their rows: LibRaw reads on from the first."""
    if directory.integers(_TILES):
        return
    bits = directory.integer(_BITS, 1)
    for index, ((start, length), place) in enumerate(zip(pieces, _places(directory), strict=False)):
        problem = None
        rows = [_row_bytes(place, directory, stored) for stored in (bits, _WORD_BITS)]
        # Rows too many, of the last strip, do no harm.
        fits = any(length % row == 0 if place.is_last else length == place.rows * row for row in rows)
        surplus = [length - place.rows * row for row in rows]
        if 0 < length < place.rows * min(rows):
            problem = f"has {length:,} bytes, its size asks for {place.rows * min(rows):,}"
        elif length and not fits and any(more % place.rows == 0 for more in surplus):
            problem = "has rows of another length than its size asks for"
        elif index and start != sum(pieces[index - 1]):
            problem = "does not lie behind the one before it"
        if problem:
            raise InputError(f"is damaged: piece {index + 1} of its pixels {problem}", path=path)


def _row_bytes(place: _Place, directory: Directory, bits: int) -> int:
    return (place.width * directory.integer(_SAMPLES, 1) * bits + 7) // 8


def _places(directory: Directory) -> Iterator[_Place]:
    height, width = directory.integer(_HEIGHT, 0), directory.integer(_WIDTH, 0)
    if directory.integers(_TILES):
        tall, wide = directory.integer(_TILE_HEIGHT, 0), directory.integer(_TILE_WIDTH, 0)
    else:
        tall, wide = min(directory.integer(_ROWS_PER_STRIP, height), height), width
    if min(tall, wide) < 1:
        return
    for top in range(0, height, tall):
        rows = min(tall, height - top)
        for left in range(0, width, wide):
            columns = min(wide, width - left)
            yield _Place(top, left, tall, wide, rows, columns, top + tall >= height)


def _check_jpeg(data: bytes, place: _Place, directory: Directory) -> str | None:
    """Say what is wrong with a piece that is a JPEG."""
    frame = next((found for found in segments(data) if found.marker in _FRAMES), None)
    if frame is None or len(frame.body) < 6 or not data.startswith(b"\xff\xd8"):
        return "is no JPEG"
    height, width = (int.from_bytes(frame.body[at : at + 2], "big") for at in (1, 3))
    components, samples = frame.body[5], directory.integer(_SAMPLES, 1)
    said = (
        f"is a picture of {width}×{height}×{components} in the place of one of {place.width}×{place.height}"
    )
    said += f"×{samples}"
    if frame.marker not in _FLOWING or directory.integer(_COMPRESSION, _JPEG) != _JPEG:
        fits = place.rows <= height <= place.height + _MOST_PADDING
        return None if fits and place.columns <= width <= place.width + _MOST_PADDING else said
    if samples > 1 and components != samples:
        return said
    # Of a mosaic two or four columns are coded as components, and several rows may be one.
    wide = min(place.width, directory.integer(_WIDTH, 0))
    times, rest = divmod(width * (components if samples == 1 else 1), wide)
    most = place.height + (_MOST_ROWS if place.is_last else times - 1)
    return None if times and not rest and place.rows <= height * times <= most else said


def _check_deflated(data: bytes, place: _Place, directory: Directory) -> str | None:
    """Say what is wrong with a deflated piece; a strip may have all its rows, or those that it needs."""
    row = _row_bytes(place, directory, directory.integer(_BITS, 1))
    found = _count_inflated(data, place.height * row)
    if found in (place.rows * row, place.height * row):
        return None
    more = "at least " if found > place.height * row else ""
    return f"unpacks to {more}{found:,} bytes, its place asks for {place.rows * row:,}"


def _count_inflated(data: bytes, most: int) -> int:
    """Count the bytes that a zlib stream unpacks to, up to a little over ``most``; of a damaged one none."""
    stream, count, left = zlib.decompressobj(), 0, data
    try:
        while left and count <= most and not stream.eof:
            found = len(stream.decompress(left, _AT_ONCE))
            count, left = count + found, stream.unconsumed_tail
    except zlib.error:
        return 0
    return count
