"""Whether the parts of an AVIF or HEIF are there and where its boxes say, before a decoder sees them.

Bytes that were lost or put in move all that is behind them; no decoder looks for it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs.further.boxes import places
from srnet_cli.imaging.codecs.proof.boxed import av1, units
from srnet_cli.imaging.codecs.proof.boxed.alpha import check_alpha
from srnet_cli.imaging.codecs.proof.boxed.av1 import check_frames
from srnet_cli.imaging.codecs.proof.boxed.behind import Ending, check_behind, end_of_parts
from srnet_cli.imaging.codecs.proof.boxed.items import (
    AV1,
    CODED,
    EXIF,
    IN_NAL_UNITS,
    MIME,
    Item,
    meta_of,
    stored_items,
)
from srnet_cli.imaging.codecs.proof.boxed.properties import Properties, properties_of
from srnet_cli.imaging.codecs.proof.coded import check_extents
from srnet_cli.imaging.codecs.proof.tails import ends_in_run
from srnet_cli.imaging.metadata.xmp import SPACE

_XMP = b"application/rdf+xml"
#: what may stand ahead of a text: a byte order mark, blanks, or the mark as text in UTF-8 once more
_AHEAD = b"\xef\xbb\xbf\xfe\xff\0 \t\r\n\xc2\xc3\xaf\xbe"
#: how the text begins, in one byte or two for each letter; and ahead of a mark that may be in it
_START = re.compile(rb"<\0?[?!A-Za-z][\0\t\n\r\x20-\x7e]*")
_LONGEST_START = 14
#: how TIFF begins, and where writers have it but for the stated place: behind four bytes, six letters, both
_TIFF = (b"II*\0", b"MM\0*")
_USUAL_PLACES = (0, 4, 6, 10)
#: the six letters with what they have ahead of them in a JPEG, and nothing behind them, or TIFF
_LETTERS = re.compile(rb"(?:\xff\xe1..)?Exif\0\0(?:II\*\0|MM\0\*|\0*\Z)", re.DOTALL)


@dataclass(frozen=True)
class Parts:
    """The items of a file by their numbers, and why they may have moved."""

    items: Mapping[int, Item]
    doubt: str | None


def check_pieces(path: Path, data: bytes) -> Parts:
    """Refuse a file whose data has holes, breaks off or has moved, or takes too long, or has lost its alpha.

    Raises:
        InputError: it does.
    """
    meta = meta_of(data)
    items, properties = stored_items(path, data, meta), properties_of(meta)
    end = max((start + length for item in items.values() for start, length in item.pieces), default=0)
    if end > len(data):
        raise InputError(f"is incomplete: {end - len(data):,} bytes of its parts are missing", path=path)
    found = list(places(data))
    last = [item for item in items.values() if any(sum(piece) == end for piece in item.pieces)]
    # Metadata may end in zeros; of a picture ahead of it they are looked for, too.
    if not (last and all(map(_is_metadata, last))) and ends_in_run(data[: end_of_parts(data, found, end)]):
        raise InputError("is incomplete: its end holds nothing but one value, repeated", path=path)
    for number, item in items.items():
        content = item.data(data)
        if item.kind in CODED:
            check_extents(path, data, item.pieces)
        if item.kind == AV1:
            check_frames(path, content)
        if not _is_whole(item, content, properties.get(number, [])):
            raise InputError("is damaged: a picture or metadata in it is not where its boxes say", path=path)
    doubt = check_behind(path, data, found, end, _ending(data, last))
    check_alpha(path, meta, properties)
    return Parts(items, doubt)


def _ending(data: bytes, last: Sequence[Item]) -> Ending:
    """Tell what shows whether the last parts have moved."""
    if all(item.kind == AV1 or _begins_exactly(item, item.data(data)) for item in last):
        return Ending.CHECKED
    return Ending.NO_ZERO if all(item.kind in IN_NAL_UNITS for item in last) else Ending.ANY


def _begins_exactly(item: Item, content: bytes) -> bool:
    """Return whether metadata begins where it says, or without anything ahead: then it has not moved."""
    if item.kind == EXIF:
        place = 4 + int.from_bytes(content[:4], "big")
        return content.startswith(_TIFF, place) or _LETTERS.match(content, place) is not None
    return _is_metadata(item) and content.startswith((b"<", b"\xef\xbb\xbf<", SPACE))


def _is_metadata(item: Item) -> bool:
    """Return whether an item is EXIF or XMP, of which it is known how they begin."""
    is_xmp = item.kind == MIME and item.described.split(b"\0")[1:3] in ([_XMP], [_XMP, b""])
    return item.kind == EXIF or is_xmp


def _is_whole(item: Item, content: bytes, properties: Properties) -> bool:
    """Return whether an item begins, and if coded goes on, as its kind does.

    Metadata may be blank; what is packed or of another kind may be anything.
    """
    if item.kind == AV1:
        return av1.is_whole(content)
    if item.kind in IN_NAL_UNITS:
        return units.is_whole(content, properties)
    if item.kind == EXIF:
        stated = 4 + int.from_bytes(content[:4], "big")
        is_there = any(content.startswith(_TIFF, place) for place in (stated, *_USUAL_PLACES))
        in_letters = any(_LETTERS.match(content, place) for place in (stated, 0, 4))
        return is_there or in_letters or not content.strip(b"\0")
    if _is_metadata(item):
        begins = content.removeprefix(SPACE).lstrip(_AHEAD)[:_LONGEST_START]
        return not begins or _START.fullmatch(begins) is not None
    return True
