"""Proof that a RAW file holds its picture: LibRaw develops what is missing to black."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs import ifd
from srnet_cli.imaging.codecs.proof.holes import check_raw_piece
from srnet_cli.imaging.codecs.proof.outcome import check_outcome
from srnet_cli.imaging.codecs.proof.page.grid import grid_of
from srnet_cli.imaging.codecs.proof.pages import is_reduced
from srnet_cli.imaging.codecs.proof.tails import (
    LEAST_RUN,
    check_band,
    check_end,
    check_sectors,
    ends_in_run,
)
from srnet_cli.imaging.raw.dng import SENSOR_COLOURS, is_dng, is_linear, sensor_pictures, stated_levels
from srnet_cli.imaging.raw.layout.leftover import check_needed, usual_bits
from srnet_cli.imaging.raw.layout.pieces import in_file_order
from srnet_cli.imaging.raw.layout.torn import check_samples_end
from srnet_cli.reading import open_input

_COMPRESSION, _PHOTOMETRIC = 259, 262
_UNCOMPRESSED, _RGB = 1, 2
#: lossless, and lossy DNG
_JPEGS = frozenset({7, 34892})
_JPEG = b"\xff\xd8\xff"
#: bytes of one value at the end of compressed data; some makers pad theirs
_LEAST_STRIP_END = 256
#: bytes behind a piece in which its end is looked for, where it has none: sectors that are there twice
_BEHIND = 1 << 16
#: and at the end of a file whose structure is unknown
_LEAST_FILE_END, _LEAST_FILE_SHARE = 4096, 0.1
#: rows that are lost in part, at both edges of a part that is lost
_ROWS_AT_EDGES = 2
#: rows without any light, of a mosaic, before they are taken for missing
_LEAST_ROWS = 8
#: and rows above the white level; one may be a line of the sensor that is broken
_LEAST_ROWS_ABOVE = 2


def check_data_end(path: Path, structure: ifd.Structure | None) -> None:
    """Refuse compressed data that ends in one value: an interrupted copy.

    Raises:
        InputError: naming the part.
    """
    bits = usual_bits(structure)
    with open_input(path) as file:
        size = file.seek(0, io.SEEK_END)
        if structure is None:
            least = max(_LEAST_FILE_END, int(size * _LEAST_FILE_SHARE))
            if ends_in_run(_end_of(file, size, least), least):
                raise InputError("is incomplete: its end holds nothing but one value, repeated", path=path)
            return
        for directory in structure.walk():
            compression = directory.integer(_COMPRESSION, _UNCOMPRESSED)
            if is_reduced(directory):
                continue
            is_raw = directory.integer(_PHOTOMETRIC, 0) in SENSOR_COLOURS and compression not in _JPEGS
            # Of scanners the samples are red, green and blue.
            if is_raw or (compression == _UNCOMPRESSED and directory.integer(_PHOTOMETRIC, 0) == _RGB):
                # Of makers' own codes rows are not known, nor of some that they call uncompressed.
                has_rows = compression == _UNCOMPRESSED and is_dng(structure)
                grid = grid_of(directory) if has_rows else None
                check_sectors(path, *directory.pieces(), grid, aligned=True)
                if compression == _UNCOMPRESSED:
                    check_samples_end(path, directory)
            if compression == _UNCOMPRESSED:
                continue
            for index, (start, length) in enumerate(zip(*directory.pieces(), strict=False)):
                file.seek(start)
                if file.read(len(_JPEG)) == _JPEG:
                    file.seek(start)
                    data = file.read(length)
                    check_raw_piece(path, data)
                    # How all coders of cameras end is not known; zeros speak for damage in theirs, too.
                    if is_dng(structure) or bytes(LEAST_RUN) in data:
                        check_needed(path, index + 1, data, file.read(_BEHIND), bits, start)
                end = _end_of(file, start + length, min(length, _LEAST_STRIP_END))
                if ends_in_run(end, _LEAST_STRIP_END):
                    raise InputError(
                        f"is incomplete: piece {index + 1} of its pixels ends in nothing", path=path
                    )


def _end_of(file: Any, end: int, length: int) -> bytes:
    file.seek(max(end - length, 0))
    return bytes(file.read(length))


def check_values(path: Path, raw: Any, structure: ifd.Structure | None) -> None:
    """Refuse values that no sensor gives, and levels between which there is no picture.

    Of a picture that was demosaicked already the lower border may be empty: panoramas, which such files are
    mostly made for, have one.

    Raises:
        InputError: with the numbers.
    """
    values, linear = raw.raw_image_visible, is_linear(structure)
    if values.ndim == 3:
        values = values[..., :3]  # of three colours the fourth is empty
    # Of those that were demosaicked, in each colour.
    if (values == values[0, 0]).all():
        said = ", ".join(map(str, np.unique(values[0, 0])))
        raise InputError(f"has no picture: all its RAW values are {said}", path=path)
    white = _checked_white(path, raw, structure)
    is_dark = not linear and min(raw.black_level_per_channel or (0,)) > 0
    # What is masked at the borders may well be empty.
    top, left = raw.sizes.top_margin, raw.sizes.left_margin
    below, right = np.subtract(raw.raw_image.shape[:2], values.shape[:2]) - (top, left)
    visible = np.pad(values, ((top, below), (left, right), *[(0, 0)] * (values.ndim - 2)), "edge")
    in_order = in_file_order(visible, structure)
    is_tiled = in_order is not visible
    may_break_off = not _is_proved(structure)
    for samples in (values, in_order) if is_tiled else (values,):
        _check_ends(path, samples, white, linear, is_dark, may_break_off)
    # The empty border of a panorama has tiles between others that are empty in part.
    for samples in (values, in_order) if is_tiled and not linear else (values,):
        _check_bands(path, samples, white, linear, is_dark)


def _check_bands(path: Path, values: NDArray[np.uint16], white: float, linear: bool, dark: bool) -> None:
    """Refuse samples in whose middle a stretch is of one value which no sensor gives."""
    rows = values.reshape(values.shape[0], -1)
    # Of a sensor with a black level, whose noise lies around it.
    check_band(path, values, (0,), impossible=dark, bars=linear)
    largest = int(rows.max())
    # Rows where the part begins and ends have such values as well; in more of them the level is wrong.
    above, whole = int((rows.max(axis=1) > white).sum()), int((rows.min(axis=1) == largest).sum())
    is_impossible = not linear and largest > white and above - whole <= _ROWS_AT_EDGES
    check_band(path, values, (largest,), impossible=is_impossible)


def _is_proved(structure: ifd.Structure | None) -> bool:
    """Return whether pixels are a DNG's pieces of codes, each of which was proved to have all its samples."""
    if structure is None or not is_dng(structure):
        return False
    return all(d.integer(_COMPRESSION, _UNCOMPRESSED) in _JPEGS for d in sensor_pictures(structure))


def _check_ends(
    path: Path, values: NDArray[np.uint16], white: float, linear: bool, dark: bool, may_break_off: bool
) -> None:
    """Refuse samples that end or begin in one value which no sensor gives, or break off.

    ``dark`` says that the sensor has a black level, around which the noise of its darkest places lies.
    """
    upright = values.reshape(values.shape[0], -1)
    for first, rows in ((False, upright), (True, upright[::-1, ::-1])):
        last, end = int(rows[-1, -1]), _constant_rows(rows)
        which = f"the {'first' if first else 'last'} {end} of {rows.shape[0]} rows hold"
        # No sensor reads exactly zero along whole rows: read noise alone prevents it.
        may_be_zero = linear or (first and not dark)
        if last == 0 and not may_be_zero and end >= max(_LEAST_ROWS, rows.shape[0] // 100):
            raise InputError(f"is incomplete: {which} no data", path=path)
        # Where others are above it, too, it is the level that is wrong; a part of a row may be the end's.
        if (
            last > white
            and _LEAST_ROWS_ABOVE <= end < rows.shape[0] - 1
            and rows[: -end - 1 : 4].max() <= white
        ):
            raise InputError(f"is incomplete: {which} nothing but {last}", path=path)
        if may_break_off:
            check_end(path, values, (last,), borders=linear, first=first)


def _checked_white(path: Path, raw: Any, structure: ifd.Structure | None) -> float:
    """Return the white level; of demosaicked pictures LibRaw's own may lack the black that was taken off."""
    stated = stated_levels(structure)
    blacks = raw.black_level_per_channel
    if not stated and blacks and raw.white_level > 0 and not is_linear(structure):
        stated = ((max(blacks), raw.white_level),)
    for black, white in stated:
        if black >= white:
            raise InputError(
                f"has no picture: its black level {black:g} is not below its white level {white:g}", path=path
            )
    return max((white for _, white in stated), default=raw.white_level)


def _constant_rows(rows: NDArray[np.uint16]) -> int:
    count = 0
    while count < rows.shape[0] and (rows[-1 - count] == rows[-1, -1]).all():
        count += 1
    return count


def check_developed(path: Path, pixels: NDArray[np.uint16]) -> None:
    """Refuse a developed picture of one colour; the values that it was made of are not all the same.

    Raises:
        InputError: saying so.
    """
    check_outcome(path, pixels, None, how="developed", remedy="are its black and white levels right?")
