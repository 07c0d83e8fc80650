"""EXIF: what is carried from the input picture to the output, and the focal length.

EXIF travels as a TIFF structure without the ``Exif\\0\\0`` prefix. Carried over are the descriptive tags, the
Exif and the GPS directory; the thumbnail is dropped (it shows the old picture), the orientation reset to 1
(pixels are turned upright on reading) and the size fields corrected on writing.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from srnet_cli.imaging.codecs import ifd
from srnet_cli.imaging.codecs.ifd import Directory, Entry
from srnet_cli.version import own_version

_ORIENTATION, _FOCAL_LENGTH, _COLOUR_SPACE, _MAKER_NOTE, _USER_COMMENT = 274, 37386, 40961, 37500, 37510
_PIXEL_WIDTH, _PIXEL_HEIGHT, _EXIF_VERSION = 40962, 40963, 36864
_DESCRIPTION = 270
_PROCESSING_SOFTWARE, _SOFTWARE, _SIGNATURE = 11, 305, "srnet "
_SRGB = 1
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


def focal_length_of(exif: bytes | None) -> float | None:
    """Return the focal length in millimetres, or None when the EXIF does not say."""
    top = _top(exif)
    return None if top is None else focal_length_in(top)


def focal_length_in(top: Directory) -> float | None:
    """Return the focal length from a top directory or its Exif directory; DNG files keep it in the first."""
    value = top.child(ifd.EXIF_POINTER).number(_FOCAL_LENGTH) or top.number(_FOCAL_LENGTH)
    return float(value) if value and 0 < value < math.inf else None


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
    exif.pop(_MAKER_NOTE, None)
    if not exif and not kept.entries and not known_top:
        return None
    exif[_COLOUR_SPACE] = ifd.entry(ifd.SHORT, _SRGB)
    children = {**kept.children, ifd.EXIF_POINTER: [Directory(exif)]}
    return _packed(Directory(ifd.merged(kept.entries, known_top), children), "<")


def signed_exif(exif: bytes | None) -> bytes:
    """Return ``exif`` with a word that this program wrote the picture, by which it knows its own results.

    The program that a camera or an editor names stays; ours stands beside it.
    """
    structure = None if exif is None else ifd.parse(exif)
    known = structure is not None and structure.directories
    top = structure.directories[0] if structure is not None and known else Directory()
    word = ifd.ascii_entry(_SIGNATURE + own_version())
    entries = {_SOFTWARE: word, **top.entries, _PROCESSING_SOFTWARE: word}
    order = structure.order if structure is not None and known else "<"
    return ifd.pack_file(Directory(entries, top.children), order)


def is_signed(exif: bytes | None) -> bool:
    """Return whether the EXIF says that this program wrote the picture."""
    top = _top(exif)
    if top is None:
        return False
    words = (top.entries[tag].text() for tag in (_PROCESSING_SOFTWARE, _SOFTWARE) if tag in top.entries)
    return any(word.startswith(_SIGNATURE) for word in words)


def exif_for_output(exif: bytes | None, height: int, width: int, limit: int | None = None) -> bytes | None:
    """Return ``exif`` with the size fields of a ``height`` × ``width`` picture.

    With ``limit`` (bytes) the maker note and then the user comment are left out until it fits; None when
    even that is too long.
    """
    structure = None if exif is None else ifd.parse(exif)
    if structure is None or not structure.directories:
        return None
    top = structure.directories[0]
    entries = dict(top.child(ifd.EXIF_POINTER).entries)
    entries.setdefault(_EXIF_VERSION, Entry(ifd.UNDEFINED, 4, b"0232"))
    entries[_PIXEL_WIDTH] = ifd.entry(ifd.LONG, width)
    entries[_PIXEL_HEIGHT] = ifd.entry(ifd.LONG, height)
    for left_out in (None, _MAKER_NOTE, _USER_COMMENT):
        if left_out is not None:
            entries.pop(left_out, None)
        exif_directory = Directory(dict(entries), top.child(ifd.EXIF_POINTER).children)
        children = {**top.children, ifd.EXIF_POINTER: [exif_directory]}
        packed = ifd.pack_file(Directory(top.entries, children), structure.order)
        if limit is None or len(packed) <= limit:
            return packed
    return None


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
    exif_entries = ifd.merged(exif.entries, moved)
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
        values = json.loads(description)
    except (ValueError, RecursionError):
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
    exif.update({tag: _ratio(value) for tag, value in ratios.items() if value})
    if shot.iso and 0 < shot.iso < 65_536:
        exif[34855] = ifd.entry(ifd.SHORT, round(shot.iso))
    return {tag: ifd.ascii_entry(text) for tag, text in top.items() if text}, exif


def _ratio(value: float) -> Entry:
    # An exposure is written the way a camera shows it: 1/125, not 8/1000.
    fraction = Fraction(1, round(1 / value)) if 0 < value < 0.3 else Fraction(value).limit_denominator(1000)
    return ifd.entry(ifd.RATIONAL, fraction.numerator, fraction.denominator)
