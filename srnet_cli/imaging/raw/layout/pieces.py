"""The pieces of a RAW file's pixels: whether each is what the directory says, and has its place to itself.

LibRaw lets the samples of a piece flow into its place whatever its own size is, and leaves the rest as the
memory was. Layout: TIFF 6.0, sections 3 and 15; lossless JPEG: ITU-T T.81, annex H.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import numpy as np
from numpy.typing import NDArray

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs import ifd
from srnet_cli.imaging.codecs.ifd import Directory
from srnet_cli.imaging.codecs.proof.page.grid import Grid, Region, grid_of
from srnet_cli.imaging.codecs.proof.segments import FRAMES, segments
from srnet_cli.imaging.codecs.proof.tiff import listed_pieces
from srnet_cli.imaging.raw.dng import MOSAIC, is_dng, sensor_pictures
from srnet_cli.imaging.raw.layout.apart import check_apart
from srnet_cli.imaging.raw.layout.plain import camera_problem, plain_problem
from srnet_cli.imaging.raw.layout.statements import maker_of
from srnet_cli.reading import open_input

_WIDTH, _HEIGHT, _COMPRESSION, _PHOTOMETRIC, _SAMPLES, _TILES = 256, 257, 259, 262, 277, 324
_UNCOMPRESSED, _JPEG, _LOSSY = 1, 7, 34892
_DEFLATE = frozenset({8, 32946})
_START_OF_JPEG = b"\xff\xd8"
#: makers that call their own codes uncompressed, or have LibRaw read them by more than the directory
_OWN_CODES = (
    *("OLYMPUS", "OM ", "CLAUSS", "PHASE", "LEAF", "MAMIYA", "HASSELBLAD", "IMACON", "SINAR"),
    *("KODAK", "EASTMAN", "PANASONIC", "LEICA", "FUJI", "CANON"),
)
#: frames whose samples LibRaw lets flow on: extended, as Blackmagic's cameras have it, and lossless
_FLOWING = frozenset({0xC1, 0xC3})
#: rows that a coder may add at the bottom of a picture
_MOST_ROWS = 16
#: decoded bytes that are counted at a time
_AT_ONCE = 1 << 20


def check_pieces(path: Path, structure: ifd.Structure | None) -> None:
    """Refuse a RAW file whose pieces are not what its size, bits and compression ask for, or lie in others.

    Raises:
        InputError: naming the piece.
    """
    if structure is None:
        return
    with open_input(path) as file:
        for directory in sensor_pictures(structure):
            if is_dng(structure):
                _check_exact(path, file, structure, directory)
            elif directory.integer(_WIDTH, 0) and directory.integer(_PHOTOMETRIC, 0) == MOSAIC:
                _check_camera(path, file, structure, directory)


def _check_exact(path: Path, file: BinaryIO, structure: ifd.Structure, directory: Directory) -> None:
    """Refuse pieces of a DNG, which states all that they are."""
    pieces = list(zip(*listed_pieces(path, directory), strict=False))
    check_apart(path, structure, directory, pieces)
    compression = directory.integer(_COMPRESSION, _UNCOMPRESSED)
    if compression == _UNCOMPRESSED:
        wrong = plain_problem(directory, pieces)
        if wrong is not None:
            _refuse(path, *wrong)
    if compression not in (_JPEG, _LOSSY, *_DEFLATE):
        return
    check, grid = _check_deflated if compression in _DEFLATE else _check_jpeg, grid_of(directory)
    for index, (start, length) in enumerate(pieces):
        file.seek(start)
        problem = check(file.read(length), grid, index, directory)
        if problem:
            _refuse(path, index + 1, problem)


def _check_camera(path: Path, file: BinaryIO, structure: ifd.Structure, directory: Directory) -> None:
    """Refuse pieces of another RAW file, whose maker states less: JPEGs, and what is uncompressed."""
    pieces = list(zip(*directory.pieces(), strict=False))
    if directory.integer(_COMPRESSION, _UNCOMPRESSED) == _JPEG:
        for index, (start, _) in enumerate(pieces):
            file.seek(start)
            if file.read(len(_START_OF_JPEG)) != _START_OF_JPEG:
                _refuse(path, index + 1, "is no JPEG")
    problem = None if maker_of(structure).startswith(_OWN_CODES) else camera_problem(directory, pieces)
    if problem:
        _refuse(path, 1, problem)


def _refuse(path: Path, number: int, problem: str) -> NoReturn:
    raise InputError(f"is damaged: piece {number} of its pixels {problem}", path=path)


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
    grid = grid_of(main)
    order = sorted(range(grid.count), key=dict(enumerate(main.pieces()[0])).__getitem__)
    return np.concatenate(
        [_padded(values, grid.region(index), min(grid.wide, grid.width)) for index in order]
    )


def _padded(values: NDArray[Any], region: Region, wide: int) -> NDArray[Any]:
    """Cut a tile out; what of it lies beyond the picture repeats its border."""
    tile = values[region.top : region.bottom, region.left : region.right]
    missing = ((0, 0), (0, wide - tile.shape[1]), *[(0, 0)] * (tile.ndim - 2))
    return np.pad(tile, missing, "edge")


def _main(structure: ifd.Structure, values: NDArray[Any]) -> Directory | None:
    size = values.shape[:2]
    for directory in sensor_pictures(structure):
        if size == (directory.integer(_HEIGHT, 0), directory.integer(_WIDTH, 0)):
            return directory
    return None


def _check_jpeg(data: bytes, grid: Grid, index: int, directory: Directory) -> str | None:
    """Say what is wrong with a piece that is a JPEG."""
    frame = next((found for found in segments(data) if found.marker in FRAMES), None)
    if frame is None or len(frame.body) < 6 or not data.startswith(_START_OF_JPEG):
        return "is no JPEG"
    region = grid.region(index)
    rows, columns = region.bottom - region.top, region.right - region.left
    height, width = (int.from_bytes(frame.body[at : at + 2], "big") for at in (1, 3))
    components, samples = frame.body[5], directory.integer(_SAMPLES, 1)
    said = f"is a picture of {width}×{height}×{components} in the place of one of {grid.wide}×{grid.tall}"
    said += f"×{samples}"
    if frame.marker not in _FLOWING or directory.integer(_COMPRESSION, _JPEG) != _JPEG:
        # LibRaw puts its rows and columns where they are, one beyond the place into that of the next.
        return None if height in (rows, grid.tall) and width in (columns, grid.wide) else said
    if samples > 1 and components != samples:
        return said
    # Of a mosaic two or four columns are coded as components, and several rows may be one.
    wide = min(grid.wide, grid.width)
    times, rest = divmod(width * (components if samples == 1 else 1), wide)
    most = grid.tall + (_MOST_ROWS if region.bottom == grid.height else times - 1)
    return None if times and not rest and rows <= height * times <= most else said


def _check_deflated(data: bytes, grid: Grid, index: int, directory: Directory) -> str | None:
    """Say what is wrong with a deflated piece; a strip may have all its rows, or those that it needs."""
    region = grid.region(index)
    whole, wanted = grid.tall * grid.row_bytes, (region.bottom - region.top) * grid.row_bytes
    found = _count_inflated(data, whole)
    if found in (wanted, whole):
        return None
    return f"unpacks to {'at least ' if found > whole else ''}{found:,} bytes, its place asks for {wanted:,}"


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
