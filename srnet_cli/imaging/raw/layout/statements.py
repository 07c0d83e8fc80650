"""Statements of a RAW file about its pixels: whether each is there once, and may be true.

LibRaw takes what is missing for something, or for what the memory held. Tags: TIFF 6.0, TIFF/EP, DNG 1.7.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs import ifd
from srnet_cli.imaging.codecs.ifd import Directory
from srnet_cli.imaging.codecs.proof.page.agreement import check_statements
from srnet_cli.imaging.codecs.proof.page.tags import lost_numbers, wrong_types
from srnet_cli.imaging.raw.dng import MOSAIC, is_dng, sensor_pictures
from srnet_cli.imaging.raw.layout.curve import LINEAR_TABLE, check_curve

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _MAKE, _ORIENTATION = 256, 257, 258, 259, 262, 271, 274
_PATTERN_SIZE, _PATTERN, _PLANE_COLOURS, _PATTERN_LAYOUT = 33421, 33422, 50710, 50711
_COLOUR_MATRIX, _NEUTRAL, _BLACK_SIZE, _BLACK_LEVEL, _WHITE_LEVEL = 50721, 50728, 50713, 50714, 50717
_ACTIVE_AREA, _CROP_ORIGIN, _CROP_SIZE = 50829, 50719, 50720
_SAMPLES, _PLANAR, _SAMPLE_FORMAT, _FLOAT = 277, 284, 339, 3
_DEFLATE = frozenset({8, 32946})
#: of DNG 1.7, and as libtiff had it before
_JPEG_XL = frozenset({52546, 50002})
#: from its version to what came with its last edition
_TAGS_OF_DNG = range(50706, 52600)
#: types of values: with signs, and without
_SIGNED, _RATIONALS = 10, frozenset({5, 10})
#: matrix, analogue gains, neutral and exposure, and the types of their values
_COLOURS: dict[int, tuple[int, ...]] = {
    **dict.fromkeys((_COLOUR_MATRIX, 50730), (ifd.RATIONAL, _SIGNED)),
    50727: (ifd.RATIONAL, _SIGNED),
    _NEUTRAL: (ifd.SHORT, ifd.RATIONAL),
}
#: of black levels that state none
_USUAL_BLACK_SIZE = (1, 1)
#: some write the number of values of 16 bits for the last of them
_MOST_WHITE = 1 << 16
#: values of a matrix of three colours, and the least that they span, of what they would at right angles
_THREE_COLOURS, _LEAST_VOLUME = 9, 1e-3
_NUMBERS, _REALS = (ifd.SHORT, ifd.LONG), (ifd.SHORT, ifd.LONG, ifd.RATIONAL)
#: what tells what the samples are, or which of them are shown, and the types of its values
_STATEMENTS: dict[int, tuple[int, ...]] = {
    **dict.fromkeys((_PATTERN_SIZE, _PATTERN_LAYOUT, LINEAR_TABLE, _BLACK_SIZE), (ifd.SHORT,)),
    **dict.fromkeys((_PATTERN, _PLANE_COLOURS), (ifd.BYTE, ifd.UNDEFINED)),
    **dict.fromkeys((_BLACK_LEVEL, _CROP_ORIGIN, _CROP_SIZE), _REALS),
    **dict.fromkeys((_WHITE_LEVEL, _ACTIVE_AREA), _NUMBERS),
}
#: how many values an area has
_COUNTS = {_ACTIVE_AREA: 4, _CROP_ORIGIN: 2, _CROP_SIZE: 2}
_RED, _GREEN, _BLUE = 0, 1, 2
#: the colours of a mosaic that lists none
_USUAL_COLOURS = (_RED, _GREEN, _BLUE)
#: LibRaw's letters of these, cyan, magenta, yellow and white
_LETTERS = "RGBCMYW"
#: the colours of sensors: Bayer's; with emerald, white; the complements with and without green
_SENSORS = frozenset(map(frozenset, [{0, 1, 2}, {0, 1, 2, 3}, {0, 1, 2, 6}, {1, 3, 4, 5}, {3, 4, 5}]))
#: a number that is lost
_ONES = 0xFFFFFFFF
_BAYER, _XTRANS = (2, 2), (6, 6)
#: the mosaics that LibRaw develops: Bayer and Fujifilm's X-Trans, which has so many of each colour
_KNOWN_PATTERNS = frozenset({_BAYER, _XTRANS})
_XTRANS_COUNTS = (8, 20, 8)
#: compression by codes of one maker's own → how the names of those who use it begin
_MAKERS = {
    32767: ("SONY", "HASSELBLAD"),
    32770: ("SAMSUNG",),
    32772: ("SAMSUNG",),
    32773: ("PENTAX", "RICOH", "SAMSUNG", "ASAHI"),
    34713: ("NIKON",),
    65000: ("KODAK", "EASTMAN"),
    65535: ("PENTAX", "RICOH", "SAMSUNG", "ASAHI"),
}


def check_layout(path: Path, structure: ifd.Structure | None) -> None:
    """Refuse a RAW file that does not say what its samples are, says it twice, or what cannot be.

    Raises:
        InputError: naming the tag.
    """
    if structure is None:
        return
    pictures = sensor_pictures(structure)
    # Moved bytes take all of its tags: LibRaw would give what is in memory.
    if path.suffix.lower() == ".dng" and not is_dng(structure):
        raise InputError(
            "is a damaged RAW file: it does not say of which version of DNG it is",
            path=path,
            remedy="a camera's own file of another kind needs that kind's name",
        )
    if is_dng(structure):
        _check_which(path, structure, pictures)
    for directory in pictures:
        check_statements(path, directory, frozenset(_STATEMENTS), kind="RAW file")
        needed = {_COMPRESSION, _WIDTH, _HEIGHT} & set(directory.entries)
        needed = needed | {_WIDTH, _HEIGHT, _BITS} if is_dng(structure) else needed - {_COMPRESSION}
        for tag in sorted(needed):
            if directory.integer(tag, 0) < 1:
                _refuse_tag(path, tag)
        if is_dng(structure):
            _check_kind(path, directory)
            _check_levels(path, directory)
            check_curve(path, directory)
            _check_colours(path, structure, directory)
        else:
            _check_maker(path, structure, directory)
        if directory.integer(_PHOTOMETRIC, 0) == MOSAIC:
            _check_pattern(path, structure, directory)
        elif directory.integer(_SAMPLES, 1) == 1 and len(set(directory.integers(_PATTERN))) > 1:
            _refuse_tag(path, _PHOTOMETRIC)  # grey, with the colours of a mosaic


def _check_which(path: Path, structure: ifd.Structure, pictures: list[Directory]) -> None:
    """Refuse a DNG without a picture of a sensor, or in which a directory says twice what its pixels are."""
    if not pictures:
        raise InputError("is a damaged RAW file: no picture in it is one of a sensor", path=path)
    if structure.broken:
        raise InputError("is cut short: a directory lies behind the end of the file", path=path)
    for directory in structure.walk():
        for tag in sorted(
            directory.faulty & {_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _ORIENTATION}
        ):
            _refuse_tag(path, tag)


def _refuse_tag(path: Path, tag: int) -> None:
    raise InputError(f"is a damaged RAW file: tag {tag} of its directory has no clear value", path=path)


def _check_kind(path: Path, directory: Directory) -> None:
    """Refuse what LibRaw says is corrupt, or does not know, or gives as miniatures side by side."""
    compression, kind = directory.integer(_COMPRESSION, 1), None
    if compression in _DEFLATE and directory.integer(_SAMPLE_FORMAT, 1) != _FLOAT:
        kind = "deflated whole numbers"
    elif compression in _JPEG_XL:
        kind = "JPEG XL"
    elif directory.integer(_SAMPLES, 1) > 1 and directory.integer(_PLANAR, 1) != 1:
        kind = "colours in planes"
    if kind:
        raise InputError(
            f"is a DNG of a kind that is not supported ({kind})",
            path=path,
            remedy="save it as DNG of lossless JPEG, or as TIFF",
        )


def _check_levels(path: Path, directory: Directory) -> None:
    """Refuse odd types, a white level of nothing or beyond all values, black levels for another pattern."""
    for tag in sorted(wrong_types(directory, _STATEMENTS)):
        _refuse_tag(path, tag)
    for tag, count in _COUNTS.items():
        if len(directory.numbers(tag)) not in (0, count):
            _refuse_tag(path, tag)
    white, black, size = (directory.numbers(tag) for tag in (_WHITE_LEVEL, _BLACK_LEVEL, _BLACK_SIZE))
    is_float = directory.integer(_SAMPLE_FORMAT, 1) == _FLOAT
    if white and not (white[0] > 0 and (is_float or white[0] <= _MOST_WHITE)):
        _refuse_tag(path, _WHITE_LEVEL)
    if size and (len(size) != 2 or min(size) < 1):
        _refuse_tag(path, _BLACK_SIZE)
    tall, wide = size or _USUAL_BLACK_SIZE
    # Some write one level for all samples, and no pattern.
    wanted = {int(tall * wide) * directory.integer(_SAMPLES, 1)} | (set() if size else {1})
    if black and len(black) not in wanted:
        _refuse_tag(path, _BLACK_LEVEL)


def _check_colours(path: Path, structure: ifd.Structure, directory: Directory) -> None:
    """Refuse colours of a DNG that lie behind the end of the file, or of which two are the same."""
    for found in (structure.directories[0], directory):
        if any(tag in _TAGS_OF_DNG for tag in found.lost):
            raise InputError(
                "is cut short: a part of its directory lies behind the end of the file", path=path
            )
        wrong = {tag for tag in _COLOURS if tag in found.entries and _is_undefined(found.entries[tag])}
        wrong |= found.faulty & set(_COLOURS) | wrong_types(found, _COLOURS) | lost_numbers(found, _COLOURS)
        for tag in sorted(wrong):
            _refuse_tag(path, tag)
        matrix = np.array(found.numbers(_COLOUR_MATRIX))
        if matrix.size % 3:
            _refuse_tag(path, _COLOUR_MATRIX)
        if matrix.size and len(found.numbers(_NEUTRAL)) not in (0, matrix.size // 3):
            _refuse_tag(path, _NEUTRAL)
        if matrix.size == _THREE_COLOURS:
            rows = matrix.reshape(3, 3)
            if abs(np.linalg.det(rows)) <= _LEAST_VOLUME * np.prod(np.linalg.norm(rows, axis=1)):
                _refuse_tag(path, _COLOUR_MATRIX)


def _is_undefined(entry: ifd.Entry) -> bool:
    """Return whether some of rationals has no denominator: zeros or ones are there."""
    if entry.kind not in _RATIONALS:
        return False
    denominators = np.frombuffer(entry.data, "<u4")[1::2]
    return bool(((denominators == 0) | (denominators == _ONES)).any())


def _check_maker(path: Path, structure: ifd.Structure, directory: Directory) -> None:
    """Refuse codes of one maker in a file of another's: LibRaw takes whatever is there for them."""
    code = directory.integer(_COMPRESSION, 1)
    name, makers = maker_of(structure), _MAKERS.get(code)
    if name and makers and not name.startswith(makers):
        raise InputError(f"is damaged: its compression {code} is not one of {name}", path=path)


def maker_of(structure: ifd.Structure) -> str:
    """Return the name of the camera's maker in capitals, empty where there is none."""
    found = structure.directories[0].entries.get(_MAKE) if structure.directories else None
    return "" if found is None else found.text().upper()


def _check_pattern(path: Path, structure: ifd.Structure, directory: Directory) -> None:
    """Refuse mosaics that LibRaw takes for Bayer's and shows in false colours, or as grey."""
    size, pattern = directory.integers(_PATTERN_SIZE), colours_of(structure, directory)
    if is_dng(structure) and len(size) == 2 and size not in _KNOWN_PATTERNS:
        raise InputError(
            f"is a RAW file with a mosaic of {size[0]}×{size[1]} (Quad Bayer or the like)",
            path=path,
            remedy="have the camera or its maker's program write it as Bayer, linear DNG or TIFF",
        )
    if not pattern:
        if is_dng(structure):
            raise InputError("is a damaged RAW file: its mosaic has no colours", path=path)
        return
    size = size if len(size) == 2 else _BAYER
    if len(pattern) != size[0] * size[1]:
        _refuse_tag(path, _PATTERN)
    planes = directory.integers(_PLANE_COLOURS) or _USUAL_COLOURS
    if len(set(planes)) < len(planes):
        _refuse_tag(path, _PLANE_COLOURS)
    top, colours = structure.directories[0], set(planes)
    found = len(colours & set(pattern))
    # A camera without colours states none of these.
    balanced = any(
        len(d.numbers(_NEUTRAL)) > 1 or len(d.numbers(_COLOUR_MATRIX)) > 3 for d in (top, directory)
    )
    if balanced and not colours <= set(pattern):
        raise InputError(
            f"is a damaged RAW file: its mosaic has {found} of its {len(colours)} colours", path=path
        )
    if _PLANE_COLOURS in directory.entries and not set(pattern) <= colours:
        _refuse_tag(path, _PATTERN)
    is_known = set(pattern) == set(_USUAL_COLOURS) and directory.integer(_PATTERN_LAYOUT, 1) == 1
    if (is_known and not _is_of_sensor(size, pattern)) or not _is_one_of_cameras(pattern):
        raise InputError("is a damaged RAW file: its mosaic is not one of a sensor", path=path)


def colours_of(structure: ifd.Structure, directory: Directory) -> tuple[int, ...]:
    """Return the colours of a mosaic, row by row, by their numbers in TIFF/EP; empty without a statement."""
    for candidate in (directory, *structure.walk()):
        found = candidate.entries.get(_PATTERN)
        if found is not None:
            return tuple(found.data) if found.kind == ifd.UNDEFINED else candidate.integers(_PATTERN)
    return ()


def _is_of_sensor(size: tuple[int, ...], pattern: tuple[int, ...]) -> bool:
    """Return whether red, green and blue are as Bayer or Fujifilm have them."""
    if size == _BAYER:
        diagonals = (pattern[0], pattern[3]), (pattern[1], pattern[2])
        return (_GREEN, _GREEN) in diagonals and pattern.count(_GREEN) == 2
    return size != _XTRANS or tuple(map(pattern.count, _USUAL_COLOURS)) == _XTRANS_COUNTS


def _is_one_of_cameras(pattern: tuple[int, ...]) -> bool:
    """Return whether a mosaic has the colours of some sensor: one of no colours states one alone."""
    return len(set(pattern)) == 1 or frozenset(pattern) in _SENSORS


def check_taken(path: Path, raw: Any, structure: ifd.Structure | None) -> None:
    """Refuse a picture, or a mosaic, that LibRaw, whose object ``raw`` is, takes for another than is stated.

    Raises:
        InputError: with both.
    """
    pictures = [] if structure is None else sensor_pictures(structure)
    size = raw.sizes.raw_width, raw.sizes.raw_height
    if is_dng(structure) and size not in {(d.integer(_WIDTH, 0), d.integer(_HEIGHT, 0)) for d in pictures}:
        raise InputError(f"is a damaged RAW file: LibRaw takes a picture of {size[0]}×{size[1]}", path=path)
    try:
        taken = raw.raw_pattern
    except NotImplementedError as error:
        raise InputError("is a RAW file with a mosaic that is not supported", path=path) from error
    for directory in pictures:
        assert structure is not None
        stated = colours_of(structure, directory)
        # A camera without colours balances none.
        is_balanced = len(set((raw.camera_whitebalance or ())[:3])) > 1
        if len(set(stated)) == 1 and not is_dng(structure) and is_balanced:
            raise InputError("is a damaged RAW file: its mosaic has one colour", path=path)
        # Of cameras' own files LibRaw knows some better than they do.
        is_usual = len(stated) == 4 and set(stated) == set(_USUAL_COLOURS) and is_dng(structure)
        if taken is None or taken.shape != _BAYER or not is_usual:
            continue
        letters = sorted(chr(raw.color_desc[colour]) for colour in taken.ravel())
        if letters != sorted(_LETTERS[colour] for colour in stated):
            raise InputError(
                f"is a damaged RAW file: its mosaic is read as one of {''.join(letters)}", path=path
            )
