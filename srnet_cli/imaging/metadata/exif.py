"""EXIF: what is carried from the input picture to the output, and the focal length.

EXIF travels as a TIFF structure without the ``Exif\\0\\0`` prefix. Carried over are the descriptive tags, the
Exif and the GPS directory; the thumbnail is dropped (it shows the old picture), the orientation reset to 1
(pixels are turned upright on reading) and the size fields corrected on writing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from typing import Literal

from srnet_cli.imaging.codecs import ifd
from srnet_cli.imaging.codecs.ifd import Directory, Entry
from srnet_cli.reading import parse_json

_ORIENTATION, _FOCAL_LENGTH, _COLOUR_SPACE, _USER_COMMENT = 274, 37386, 40961, 37510
_EQUIVALENT_FOCAL_LENGTH = 41989
_PIXEL_WIDTH, _PIXEL_HEIGHT, _EXIF_VERSION = 40962, 40963, 36864
_DESCRIPTION, _SOFTWARE = 270, 305
_X_RESOLUTION, _Y_RESOLUTION, _RESOLUTION_UNIT, _INCH = 282, 283, 296, 2
#: how maker notes begin whose offsets count from their own start (exiftool, MakerNotes.pm)
_STANDING_ALONE = (b"Nikon\0\2", b"OLYMPUS\0", b"OM SYSTEM\0", b"FUJIFILM", b"Apple iOS\0", b"PENTAX \0")
MAKER_NOTE_LOST = "its maker note was left out: what it points to would not be found in the result"
_SRGB, _ADOBE_RGB, _UNCALIBRATED = 1, 2, 0xFFFF
_INTEROP_INDEX = 1
_LITTLE: ifd.ByteOrder = "<"
#: between them a rational of 32 bits whose denominator is up to 1000 has room
_LEAST_RATIO, _LARGEST_RATIO = 1e-9, 4_000_000.0
#: the tags of the top directory that describe the picture and not the layout of its file
_DESCRIPTIVE = frozenset(
    {270, 271, 272, 282, 283, 296, 305, 306, 315, 316, 33432, 18246, 18249, 40091, 40092, 40093, 40094, 40095}
)
#: tags of the Exif directory that DNG and TIFF/EP files keep in the top one
_EXIF_TAGS = frozenset(
    {33434, 33437, 34850, 34852, 34855, 34864, 34865, 34866, 36867, 36868, 36880, 36881, 36882, 37520, 37521}
    | {37522, 41486, 41487, 41488, 41492, 41493, 41495, 41728, 41729, 41730, *range(37377, 37387)}
    | {*range(41985, 41997), *range(42032, 42038)}
)


@dataclass(frozen=True)
class Shot:
    """Knowledge of a RAW decoder about the exposure, whatever the file's own structure; None is unknown."""

    make: str | None = None
    model: str | None = None
    lens: str | None = None
    artist: str | None = None
    taken: datetime | None = None
    exposure_time: float | None = None
    aperture: float | None = None
    iso: float | None = None
    focal_length: float | None = None


def orientation_of(exif: bytes | None) -> int:
    """Return the EXIF orientation, 1..8; 1 when it is missing or nonsense."""
    top = _top(exif)
    value = 0 if top is None else top.integer(_ORIENTATION, 0)
    return value if 1 <= value <= 8 else 1


def states_orientation(exif: bytes | None) -> bool:
    """Return whether the EXIF says how the picture is to be turned."""
    top = _top(exif)
    return top is not None and 1 <= top.integer(_ORIENTATION, 0) <= 8


def software_of(exif: bytes | None) -> str:
    """Return the entry Software, empty when there is none."""
    top = _top(exif)
    entry = None if top is None else top.entries.get(_SOFTWARE)
    return "" if entry is None else entry.text()


def focal_length_of(exif: bytes | None) -> float | None:
    """Return the focal length in millimetres, or None when the EXIF does not say."""
    top = _top(exif)
    return None if top is None else focal_length_in(top)


def focal_length_in(top: Directory) -> float | None:
    """Return the focal length from a top directory or its Exif directory; DNG files keep it in the first."""
    value = top.child(ifd.EXIF_POINTER).number(_FOCAL_LENGTH) or top.number(_FOCAL_LENGTH)
    return float(value) if value and 0 < value < math.inf else None


def equivalent_focal_length_of(exif: bytes | None) -> float | None:
    """Return the millimetres that give this view on 35-mm film; None when the EXIF does not say."""
    top = _top(exif)
    value = 0 if top is None else top.child(ifd.EXIF_POINTER).integer(_EQUIVALENT_FOCAL_LENGTH, 0)
    return float(value) if value > 0 else None


def colour_space_of(exif: bytes | None) -> Literal["sRGB", "Adobe RGB", "other"] | None:
    """Return what the EXIF says about the colours (DCF 2.0, 3.3.2), None when it says nothing."""
    top = _top(exif)
    directory = Directory() if top is None else top.child(ifd.EXIF_POINTER)
    space = directory.integer(_COLOUR_SPACE, 0)
    index = directory.child(ifd.INTEROP_POINTER).entries.get(_INTEROP_INDEX)
    if space == _ADOBE_RGB or (space == _UNCALIBRATED and index is not None and index.text() == "R03"):
        return "Adobe RGB"
    return {_SRGB: "sRGB", _UNCALIBRATED: "other"}.get(space)  # type: ignore[return-value]


def carried_exif(exif: bytes | None) -> bytes | None:
    """Return the EXIF that an output keeps of its input's; None when nothing is worth it or it is damaged."""
    structure = None if exif is None else ifd.parse(exif)
    if structure is None or not structure.directories:
        return None
    return _packed(_carried(structure.directories[0]), structure.order)


def developed_exif(top: Directory | None, shot: Shot) -> bytes | None:
    """Return EXIF for a developed RAW: the file's own tags, and the decoder's knowledge for the rest.

    The colour space becomes sRGB, whatever the camera was set to, and the maker note is left out: it holds
    offsets into the RAW file.
    """
    kept = Directory() if top is None else _carried(top)
    known_top, known_exif = _entries_of(shot)
    exif = ifd.merged(kept.child(ifd.EXIF_POINTER).entries, known_exif)
    exif.pop(ifd.MAKER_NOTE, None)
    if not exif and not kept.entries and not known_top:
        return None
    exif[_COLOUR_SPACE] = ifd.entry(ifd.SHORT, _SRGB)
    children = {**kept.children, ifd.EXIF_POINTER: [Directory(exif)]}
    return _packed(Directory(ifd.merged(kept.entries, known_top), children), "<")


@dataclass(frozen=True)
class ExifPlace:
    """Requirements on the EXIF of a result, and the space that the format gives it."""

    height: int
    width: int
    software: str
    resolution: tuple[float, float] | None = None
    #: value of text tags of the top directory that the input's EXIF may lack
    texts: tuple[tuple[int, str], ...] = ()
    comment: str | None = None
    limit: int | None = None
    #: whether it stays one block, in which a maker note keeps its place
    in_one_block: bool = True
    has_orientation: bool = True
    #: whether the resolution holds whatever the input's EXIF says
    own_resolution: bool = False
    #: whether the colours were brought to sRGB
    as_srgb: bool = False


def exif_for_output(exif: bytes | None, place: ExifPlace) -> tuple[bytes, tuple[str, ...]]:
    """Return EXIF of a result: that of its input with the new size and the software, and notes on losses.

    Where it gets too long, the maker note and then the user comment are left out.
    """
    structure = None if exif is None else ifd.parse(exif)
    notes: list[str] = []
    top, order = Directory(), _LITTLE
    if structure is not None and structure.directories:
        top, order = structure.directories[0], structure.order
    elif exif is not None:
        notes.append("its EXIF is damaged and was left out")
    top_entries = ifd.merged(_top_entries(top, place), top.entries)
    if not place.has_orientation:
        top_entries.pop(_ORIENTATION, None)
    entries = dict(top.child(ifd.EXIF_POINTER).entries)
    entries.setdefault(_EXIF_VERSION, Entry(ifd.UNDEFINED, 4, b"0232"))
    entries[_PIXEL_WIDTH] = ifd.entry(ifd.LONG, place.width)
    entries[_PIXEL_HEIGHT] = ifd.entry(ifd.LONG, place.height)
    if place.as_srgb:
        entries[_COLOUR_SPACE] = ifd.entry(ifd.SHORT, _SRGB)
    if place.comment is not None and _USER_COMMENT not in entries:
        entries[_USER_COMMENT] = _comment_entry(place.comment, order)
    note = entries.get(ifd.MAKER_NOTE)
    if note is not None and not place.in_one_block and not _stands_alone(note):
        del entries[ifd.MAKER_NOTE]
        notes.append(MAKER_NOTE_LOST)
    for left_out in (None, ifd.MAKER_NOTE, _USER_COMMENT):
        if left_out is not None and entries.pop(left_out, None) is not None:
            notes.append(MAKER_NOTE_LOST if left_out == ifd.MAKER_NOTE else "its EXIF comment is too long")
        exif_directory = Directory(dict(entries), top.child(ifd.EXIF_POINTER).children)
        children = {**top.children, ifd.EXIF_POINTER: [exif_directory]}
        packed = ifd.pack_file(Directory(top_entries, children), order)
        if place.limit is None or len(packed) <= place.limit:
            return packed, tuple(notes)
    own = {_SOFTWARE: ifd.ascii_entry(place.software)}
    return ifd.pack_file(Directory(own)), ("its EXIF is too long for this format and was left out",)


def _top_entries(top: Directory, place: ExifPlace) -> dict[int, Entry]:
    """Return the entries that a result has whatever its input had."""
    entries = {_SOFTWARE: ifd.ascii_entry(place.software)}
    for tag, text in place.texts:
        if tag not in top.entries and text:
            data = text.encode() + b"\0"
            entries.setdefault(tag, Entry(ifd.ASCII, len(data), data))
    stated = not place.own_resolution and {_X_RESOLUTION, _Y_RESOLUTION} & set(top.entries)
    if place.resolution is not None and not stated:
        across, down = map(_ratio, place.resolution)
        if across is not None and down is not None:
            unit = ifd.entry(ifd.SHORT, _INCH)
            entries.update({_X_RESOLUTION: across, _Y_RESOLUTION: down, _RESOLUTION_UNIT: unit})
    return entries


def _comment_entry(text: str, order: ifd.ByteOrder) -> Entry:
    """Return a user comment, with its code ahead (EXIF 2.32, 4.6.5)."""
    if text.isascii():
        data = b"ASCII\0\0\0" + text.encode()
    else:
        data = b"UNICODE\0" + text.encode("utf-16-le" if order == "<" else "utf-16-be", errors="replace")
    return Entry(ifd.UNDEFINED, len(data), data)


def _stands_alone(note: Entry) -> bool:
    """Return whether a maker note means the same anywhere: its offsets count from its own start."""
    return note.data.startswith(_STANDING_ALONE)


def maker_note_lost(exif: bytes | None) -> bool:
    """Return whether :func:`carried_exif` leaves a maker note out."""
    top = _top(exif)
    return top is not None and with_kept_note(top.child(ifd.EXIF_POINTER))[1]


def with_kept_note(exif: Directory) -> tuple[Directory, bool]:
    """Return an Exif directory with its maker note if it stays true, and whether it is lost."""
    note = exif.entries.get(ifd.MAKER_NOTE)
    if note is None:
        return exif, False
    kept = _kept_note(note)
    entries = {tag: value for tag, value in exif.entries.items() if tag != ifd.MAKER_NOTE}
    if kept is not None:
        entries[ifd.MAKER_NOTE] = kept
    return replace(exif, entries=entries), kept is None


def _kept_note(note: Entry) -> Entry | None:
    """Return a maker note that can come to lie where it lay, or anywhere; None for any other."""
    if _stands_alone(note) and note.at > ifd.FARTHEST_NOTE:
        return replace(note, at=0)
    return note if note.at <= ifd.FARTHEST_NOTE else None


def _top(exif: bytes | None) -> Directory | None:
    structure = None if exif is None else ifd.parse(exif)
    return structure.directories[0] if structure is not None and structure.directories else None


def _carried(top: Directory) -> Directory:
    entries = {tag: value for tag, value in top.entries.items() if tag in _DESCRIPTIVE}
    if _DESCRIPTION in entries and _states_layout(entries[_DESCRIPTION].text()):
        del entries[_DESCRIPTION]
    moved = {tag: value for tag, value in top.entries.items() if tag in _EXIF_TAGS}
    exif = top.child(ifd.EXIF_POINTER)
    children = {}
    exif_entries = ifd.merged(with_kept_note(exif)[0].entries, moved)
    if exif_entries:
        interop = (
            {ifd.INTEROP_POINTER: exif.children[ifd.INTEROP_POINTER]}
            if ifd.INTEROP_POINTER in exif.children
            else {}
        )
        children[ifd.EXIF_POINTER] = [Directory(exif_entries, interop)]
    if ifd.GPS_POINTER in top.children:
        children[ifd.GPS_POINTER] = top.children[ifd.GPS_POINTER]
    return Directory(entries, children)


def _states_layout(description: str) -> bool:
    """Return whether a description is a program's note on the shape of the pixels, wrong after a resize.

    Those of tifffile (JSON, before that ``shape=(…)``), ImageJ and OME; readers believe them.
    """
    if description.startswith(("ImageJ=", "shape=(")) or "<OME" in description:
        return True
    try:
        values = parse_json(description)
    except ValueError:
        return False
    return isinstance(values, dict) and "shape" in values


def _packed(directory: Directory, order: ifd.ByteOrder) -> bytes | None:
    if not directory.entries and not directory.children:
        return None
    upright = {**directory.entries, _ORIENTATION: ifd.entry(ifd.SHORT, 1)}
    return ifd.pack_file(Directory(upright, directory.children), order)


def _entries_of(shot: Shot) -> tuple[dict[int, Entry], dict[int, Entry]]:
    """Return entries of the top and of the Exif directory."""
    date = None if shot.taken is None else shot.taken.strftime("%Y:%m:%d %H:%M:%S")
    top = {271: shot.make, 272: shot.model, 315: shot.artist, 306: date}
    texts = {42036: shot.lens, 36867: date}
    ratios = {33434: shot.exposure_time, 33437: shot.aperture, _FOCAL_LENGTH: shot.focal_length}
    exif = {tag: ifd.ascii_entry(text) for tag, text in texts.items() if text}
    exif.update({tag: ratio for tag, value in ratios.items() if (ratio := _ratio(value)) is not None})
    if shot.iso and 0 < shot.iso < 65_536:
        exif[34855] = ifd.entry(ifd.SHORT, round(shot.iso))
    return {tag: ifd.ascii_entry(text) for tag, text in top.items() if text}, exif


def _ratio(value: float | None) -> Entry | None:
    """Return a rational of two 32-bit numbers; None for a value that none of them is near."""
    if value is None or not _LEAST_RATIO <= value <= _LARGEST_RATIO:
        return None
    # An exposure is written the way a camera shows it: 1/125, not 8/1000.
    fraction = Fraction(1, round(1 / value)) if value < 0.3 else Fraction(value).limit_denominator(1000)
    return ifd.entry(ifd.RATIONAL, fraction.numerator, fraction.denominator)
