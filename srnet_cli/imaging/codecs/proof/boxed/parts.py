"""Whether the parts of an AVIF or HEIF are there and where its boxes say, before a decoder sees them.

Bytes that were lost or put in move all that is behind them; no decoder looks for it.
"""

from __future__ import annotations

import itertools
import re
from pathlib import Path

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs.further.boxes import boxes, places
from srnet_cli.imaging.codecs.proof.boxed import av1, units
from srnet_cli.imaging.codecs.proof.boxed.alpha import check_alpha
from srnet_cli.imaging.codecs.proof.boxed.av1 import check_frames
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
#: how TIFF begins, and where writers have it but for the stated place: behind four bytes, six letters, both
_TIFF = (b"II*\0", b"MM\0*")
_USUAL_PLACES = (0, 4, 6, 10)
#: the six letters with what they have ahead of them in a JPEG, and nothing behind them, or TIFF
_LETTERS = re.compile(rb"(?:\xff\xe1..)?Exif\0\0(?:II\*\0|MM\0\*|\0*\Z)", re.DOTALL)
#: values of which padding is made, of one alone
_PADDING = b"\0\xff \t\r\n\x1a"
_BLANKS = b" \t\r\n"
#: what phones add behind a picture, if it is no box: Samsung, OnePlus and vivo, by how it ends or begins
_ADDED = re.compile(
    rb"\0\0...\0\0\0\w.*\0\0SEFT|.*(?:QDIOBS|jxrs...\0|\xff{4}\x1b\*9HWfu\x84\x93\xa2\xb1)"
    rb"|streamdata.*|[A-Za-z]{0,16}\{.*\}",
    re.DOTALL,
)
#: how a video begins, whose first box is small, and what it goes on with; and how often it is looked for
_VIDEO = re.compile(rb"\0\0\0.ftyp", re.DOTALL)
_IN_VIDEO = frozenset({b"moov", b"moof", b"mdat", b"free", b"skip", b"wide", b"uuid"})
_MOST_VIDEOS = 16
#: what Samsung has ahead of it, but for the eight bytes that begin an entry
_AHEAD_OF_VIDEO = re.compile(rb".{0,8}MotionPhoto_Data", re.DOTALL)
#: boxes of nothing
_EMPTY = frozenset({b"free", b"skip"})
#: bytes ahead of a box's content, the first of which are its size; zeros say: to the end of the file
_HEAD, _SIZE = 8, 4

#: kind, start of the content and end of each box of a file
_Places = list[tuple[bytes, int, int]]


def check_pieces(path: Path, data: bytes) -> dict[int, Item]:
    """Refuse a file whose data has holes, breaks off or has moved, or takes too long, or has lost its alpha.

    Returns its items.

    Raises:
        InputError: it does.
    """
    found = list(places(data))
    if ends_in_run(data[: _end_of_content(data, found)]):
        raise InputError("is incomplete: its end holds nothing but one value, repeated", path=path)
    meta = meta_of(data)
    items, properties = stored_items(path, data, meta), properties_of(meta)
    end = 0
    for number, item in items.items():
        end = max(end, *(start + length for start, length in item.pieces))
        if end > len(data):
            raise InputError(f"is incomplete: {end - len(data):,} bytes of its parts are missing", path=path)
        content = item.data(data)
        if item.kind in CODED:
            check_extents(path, data, item.pieces)
        if item.kind == AV1:
            check_frames(path, content)
        if not _is_whole(item, content, properties.get(number, [])):
            raise InputError("is damaged: a picture or metadata in it is not where its boxes say", path=path)
    if not _holds_video(data, found, end):
        _check_behind(path, data[max(end, _end_of_stated(data, found, end)) :])
    check_alpha(path, meta, properties)
    return items


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
    if item.kind == MIME and item.described.split(b"\0")[1:3] in ([_XMP], [_XMP, b""]):
        return content.removeprefix(SPACE).lstrip(_AHEAD)[:1] in (b"<", b"")
    return True


def _check_behind(path: Path, rest: bytes) -> None:
    """Refuse what lies behind all parts, and is neither padding nor what phones add there.

    Raises:
        InputError: it is something else, as the end of a part that moved is.
    """
    is_padding = not rest.strip(rest[:1]) and not rest[:1].strip(_PADDING)
    if not is_padding and rest.strip(_BLANKS) and not _ADDED.fullmatch(rest):
        raise InputError(
            f"is damaged: its last {len(rest):,} bytes belong to none of its parts, which may have moved",
            path=path,
        )


def _holds_video(data: bytes, found: _Places, end: int) -> bool:
    """Return whether a video is added to the parts, which end there; phones add texts behind it, too.

    It begins where a box ends, or behind the name of Samsung's entry: behind the end of a part that moved
    there is neither.
    """
    ends = {stop for _, _, stop in found}
    for match in itertools.islice(_VIDEO.finditer(data, end), _MOST_VIDEOS):
        start = match.start()
        if start in ends or any(_AHEAD_OF_VIDEO.fullmatch(data, stop, start) for stop in ends):
            kinds = [kind for kind, _ in itertools.islice(boxes(data[start:]), 2)]
            if len(kinds) == 2 and kinds[1] in _IN_VIDEO:
                return True
    return False


def _end_of_stated(data: bytes, found: _Places, end: int) -> int:
    """Return where the last box that is whole ends; of one without a size that holds parts nothing says so.

    Frames of a film may be in it that are no items.
    """
    last, content, stop = found[-1] if found else (b"", 0, 0)
    start = content - _HEAD
    has_size = start < 0 or data[start:content] != bytes(_SIZE) + last
    if content < end and not has_size and not any(kind == b"moov" for kind, _, _ in found):
        return start
    return stop


def _end_of_content(data: bytes, found: _Places) -> int:
    """Return where a file ends but for boxes of nothing behind the others."""
    if not found or found[-1][2] != len(data):
        return len(data)
    content = itertools.dropwhile(lambda each: each[0] in _EMPTY, reversed(found))
    return next((end for _, _, end in content), 0)
