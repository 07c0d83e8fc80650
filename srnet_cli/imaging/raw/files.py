"""RAW files opened with LibRaw, checked before and after their pixels are unpacked."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs import ifd
from srnet_cli.imaging.codecs.layout import check_size
from srnet_cli.imaging.codecs.native import refusing_damaged_raw
from srnet_cli.imaging.codecs.proof.pages import is_reduced, refuse_small
from srnet_cli.imaging.codecs.proof.tiff import check_places, check_surplus, listed_pieces
from srnet_cli.imaging.formats import format_in
from srnet_cli.imaging.raw.dng import (
    SENSOR_COLOURS,
    bring_to_full_range,
    check_areas,
    check_steps,
    correct_floats,
    is_dng,
)
from srnet_cli.imaging.raw.layout.pieces import check_pieces
from srnet_cli.imaging.raw.layout.statements import check_layout, check_taken
from srnet_cli.imaging.raw.proof import check_data_end, check_values
from srnet_cli.reading import check_input, open_input

_DNG_VERSION, _ORIENTATION = 50706, 274
_WIDTH, _HEIGHT, _COMPRESSION, _PHOTOMETRIC = 256, 257, 259, 262
_UNCOMPRESSED = 1
#: cameras store samples of 10 to 14 bits so, whatever they state
_WORD_BITS = 16
#: no RAW format packs a photograph below this; what does lacks its pixels
_LEAST_BITS_PER_PIXEL = 0.1
#: LibRaw's flips (bit 0 mirrors columns, 1 rows, 2 transposes) as EXIF orientations
_ORIENTATION_OF_FLIP = (1, 2, 4, 3, 5, 8, 6, 7)


@contextmanager
def opened(path: Path, structure: ifd.Structure | None, max_pixels: int) -> Iterator[Any]:
    """Yield LibRaw's object with the pixels unpacked and checked."""
    rawpy = import_rawpy(path)
    with explained_errors(path), rawpy.RawPy() as raw:
        with refusing_damaged_raw(path):
            open_file(raw, path)
            sizes = raw.sizes
            if min(sizes.height, sizes.width) < 1:
                raise InputError("is a RAW file without pixels", path=path)
            check_size(
                path, max(sizes.raw_height, sizes.height), max(sizes.raw_width, sizes.width), max_pixels
            )
            check_layout(path, structure)
            _check_extent(path, structure, sizes)
            check_areas(path, structure)
            check_steps(path, structure)
            check_pieces(path, structure)
            check_data_end(path, structure)
            raw.unpack()
        check_taken(path, raw, structure)
        _check_version(path, raw, structure)
        correct_floats(path, raw, structure)
        check_values(path, raw, structure)
        bring_to_full_range(raw, structure)
        yield raw


def structure_of(path: Path) -> ifd.Structure | None:
    with open_input(path) as file:
        return ifd.parse(file)


def is_raw_structure(structure: ifd.Structure) -> bool:
    """Return whether a TIFF structure is that of a RAW file (a DNG under another name, for one).

    The tag of DNG alone says nothing of a page in full size: some programs keep it when they convert.
    """
    return any(
        directory.integer(_PHOTOMETRIC, 0) in SENSOR_COLOURS
        or (_DNG_VERSION in directory.entries and is_reduced(directory))
        for directory in structure.walk()
    )


def orientation_of(raw: Any, structure: ifd.Structure | None) -> int:
    directories = [] if structure is None else structure.walk()
    stated = [d.integer(_ORIENTATION, 0) for d in directories if _ORIENTATION in d.entries]
    if stated and not any(1 <= value <= 8 for value in stated):
        return 1  # LibRaw turns by the last three bits of it
    return _ORIENTATION_OF_FLIP[raw.sizes.flip & 7]


def crop_box(sizes: Any) -> tuple[int, int, int, int]:
    """Return top, left, height and width of what the camera shows, in the visible area.

    Sensors read a few more rows and columns than the camera shows; makers put no trust in them.
    """
    top, left = sizes.crop_top_margin - sizes.top_margin, sizes.crop_left_margin - sizes.left_margin
    height, width = sizes.crop_height, sizes.crop_width
    inside = top >= 0 and left >= 0 and top + height <= sizes.height and left + width <= sizes.width
    # A crop of much more is a digital zoom of the camera or damage, not a border.
    if inside and height >= 0.9 * sizes.height and width >= 0.9 * sizes.width:
        return top, left, height, width
    return 0, 0, sizes.height, sizes.width


def import_rawpy(path: Path) -> Any:
    try:
        import rawpy
    except ModuleNotFoundError as error:
        raise InputError(
            "RAW files need the rawpy package, which is not installed", path=path, remedy="pip install rawpy"
        ) from error
    except ImportError as error:  # LibRaw's library does not load: built for another system, or no memory
        raise InputError(f"the rawpy package cannot be loaded: {error}", path=path) from error
    return rawpy


@contextmanager
def explained_errors(path: Path) -> Iterator[None]:
    rawpy = import_rawpy(path)
    try:
        yield
    except rawpy.LibRawFileUnsupportedError as error:
        _refuse_other_format(path)
        raise InputError("is not a RAW file that LibRaw knows, or it is damaged", path=path) from error
    except rawpy.LibRawIOError as error:
        raise InputError("is cut short: its RAW data ends too early", path=path) from error
    except rawpy.NotSupportedError as error:
        raise InputError(f"is a RAW file of a kind that cannot be developed ({error})", path=path) from error
    except rawpy.LibRawError as error:
        text = error.args[0] if error.args else error
        text = text.decode(errors="replace") if isinstance(text, bytes) else text
        raise InputError(f"is a damaged RAW file ({text})", path=path) from error


def _refuse_other_format(path: Path) -> None:
    """Name what a file is that only the name of makes a RAW file; TIFF is what many of them are made of."""
    found = format_in(path)
    if found is not None and found.name != "tiff":
        raise InputError(
            f"is a {found.title} picture, not RAW as its name says", path=path, remedy="rename it"
        )


def open_file(raw: Any, path: Path) -> None:
    check_input(path)
    name = os.fsencode(path)
    if name == str(path).encode(errors="replace"):
        raw.open_file(str(path))
        return
    # rawpy takes names in UTF-8 only.
    with open_input(path) as file:
        raw.open_buffer(file)


def _check_version(path: Path, raw: Any, structure: ifd.Structure | None) -> None:
    """Refuse colours that LibRaw took from a small version: the directory of the picture cannot be read.

    A mosaic is none of those; of some cameras LibRaw knows it without a directory.
    """
    full, small = ({_size(d) for d in found} for found in _pictures(structure))
    size = raw.sizes.raw_width, raw.sizes.raw_height
    if raw.raw_pattern is None and size in small - full:
        refuse_small(path)


def _pictures(structure: ifd.Structure | None) -> tuple[list[ifd.Directory], list[ifd.Directory]]:
    """Return the directories of pictures in full size, and of small versions."""
    found = [d for d in ([] if structure is None else structure.walk()) if d.integer(_WIDTH, 0)]
    return [d for d in found if not is_reduced(d)], [d for d in found if is_reduced(d)]


def _size(directory: ifd.Directory) -> tuple[int, int]:
    return directory.integer(_WIDTH, 0), directory.integer(_HEIGHT, 0)


def _check_extent(path: Path, structure: ifd.Structure | None, sizes: Any) -> None:
    """Refuse files that end before the pixels which their own directory lists; LibRaw shows these black."""
    present = path.stat().st_size
    if present * 8 < _LEAST_BITS_PER_PIXEL * sizes.raw_height * sizes.raw_width:
        raise InputError("has no pixel data: the file is far too small for its picture", path=path)
    full, small = _pictures(structure)
    if structure is not None and small and not full and structure.lacks_directories:
        refuse_small(path)
    for directory in full:
        pieces = directory.pieces()
        if directory.integer(_PHOTOMETRIC, 0) in SENSOR_COLOURS:
            if is_dng(structure):
                pieces = listed_pieces(path, directory)
            if directory.integer(_COMPRESSION, _UNCOMPRESSED) == _UNCOMPRESSED:
                check_surplus(path, directory, _WORD_BITS)
        check_places(path, pieces[0])
        end = max((start + length for start, length in zip(*pieces, strict=False)), default=0)
        if end > present:
            raise InputError(
                f"is cut short: its pixels end at byte {end:,}, the file at byte {present:,}", path=path
            )
