"""What lies behind the parts of an AVIF or HEIF: padding, what phones add, or the end of a part that moved.

Where what phones add begins is found from its own words, and has to be where a box ends: a part that got
longer has its own end there, one that got shorter has taken in what was added.
Format: ExifTool's modules Trailer and Samsung, which read what phones add to a JPEG.
"""

from __future__ import annotations

import enum
import itertools
import re
from collections.abc import Sequence
from pathlib import Path

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs.further.boxes import boxes

#: kind, start of the content and end of each box of a file
Places = Sequence[tuple[bytes, int, int]]

#: values of which padding is made, of one alone
_PADDING = b"\0\xff \t\r\n\x1a"
_BLANKS = b" \t\r\n"
#: what the phones of Samsung and vivo add, if it is no box
_ADDED = re.compile(rb"\0\0...\0\0\0\w.*\0\0SEFT|(?:streamdata|vivo\{).*", re.DOTALL)
#: how those of vivo, OnePlus and Oppo end
_ENDS_AS_ADDED = re.compile(rb"jxrs...\0\Z|\xff{4}\x1b\*9HWfu\x84\x93\xa2\xb1\Z", re.DOTALL)
_LONGEST_END = 15
#: OnePlus and Oppo end what they add in a list, this word, and the length of both; places count from the list
_ONEPLUS = re.compile(rb"jxrs...\0", re.DOTALL)
_PLACE = re.compile(rb'"offset"\s*:\s*(\d{1,10})(?!\d)')
_MOST_LIST = 1 << 16
#: how a video begins, whose first box is small, and what it goes on with; and how often it is looked for
_VIDEO = re.compile(rb"\0\0\0.ftyp", re.DOTALL)
_IN_VIDEO = frozenset({b"moov", b"moof", b"mdat", b"free", b"skip", b"wide", b"uuid"})
_MOST_VIDEOS = 16
#: what Samsung has ahead of it: a kind, and the length of a name with the name
_AHEAD_OF_VIDEO = re.compile(rb"\0\0..\x10\0\0\0MotionPhoto_Data", re.DOTALL)
#: bytes ahead of a box's content: a size, of which zeros say "to the end of the file", and a kind
_HEAD, _SIZE = 8, 4
_KIND = re.compile(rb"[A-Za-z0-9 ]{4}")


class Ending(enum.Enum):
    """What shows that the last part has moved: something else, or its last byte, which may be no zero."""

    CHECKED, NO_ZERO, ANY = range(3)


def end_of_parts(data: bytes, found: Places, end: int) -> int:
    """Return where a file ends but for whole boxes behind its parts, which end at ``end``."""
    if not found or found[-1][2] != len(data):
        return len(data)
    return _end_of_box(data, found, end)


def _end_of_box(data: bytes, found: Places, end: int) -> int:
    """Return where the box ends that the last part is in."""
    return next((stop for _, content, stop in reversed(found) if content < end), len(data))


def check_behind(path: Path, data: bytes, found: Places, end: int, ending: Ending) -> str | None:
    """Refuse what lies behind all parts, which end at ``end``, and is neither padding nor known.

    Unless it shows otherwise whether the last part has moved, a note is returned of padding that may be its
    end, and of what ends as phones do, but begins otherwise: not all of them may be known.

    Raises:
        InputError: it is something else, as the end of a part that moved is.
    """
    if _holds_video(data, found, end):
        return None
    start = max(end, _end_of_stated(data, found, end))
    own = _end_of_box(data, found, end)
    is_checked = ending is Ending.CHECKED
    is_head, is_padding = _is_head(data, own) or _is_head(data, start), _is_padding(data[start:])
    # What has moved ends with the part, or behind it in its box, with as much padding pushed out.
    is_longer = not is_checked and own == start and any(data[end:own])
    is_sure = not is_longer and _is_surely(data[start:], data[end - 1 : end], ending)
    if not is_head and (
        start == len(data)
        or (is_padding and is_sure)
        or _ADDED.fullmatch(data, start)
        or _is_added_by_oneplus(data, start)
    ):
        return None
    left = f"its last {len(data) - start:,} bytes belong to none of its parts, which may have moved"
    ends_as_added = _ENDS_AS_ADDED.search(data, max(start, len(data) - _LONGEST_END))
    if not ends_as_added and (is_head or not is_padding):
        raise InputError(f"is damaged: {left}", path=path)
    return None if is_checked else f"{left}: look at it"


def _is_padding(rest: bytes) -> bool:
    """Return whether what is behind all parts is blank, or of one value as padding is."""
    first = rest[:1]
    return not rest.strip(_BLANKS) or not (rest.strip(first) or first.strip(_PADDING))


def _is_surely(rest: bytes, last: bytes, ending: Ending) -> bool:
    """Return whether padding is none of a part that got longer, or has got into one that got shorter."""
    is_zero = not rest.strip(b"\0")
    return ending is Ending.CHECKED or (ending is Ending.NO_ZERO and is_zero and last != b"\0")


def _is_head(data: bytes, start: int) -> bool:
    """Return whether the bytes ahead are the head of a box that goes on from there: a part took it in."""
    head = data[max(start - _HEAD, 0) : start]
    size = int.from_bytes(head[:_SIZE], "big")
    return _KIND.fullmatch(head[_SIZE:]) is not None and _HEAD < size <= len(data) - start + _HEAD


def _is_added_by_oneplus(data: bytes, start: int) -> bool:
    """Return whether what these phones add begins there, or behind zeros."""
    if not _ONEPLUS.fullmatch(data, len(data) - _HEAD):
        return False
    listed = len(data) - int.from_bytes(data[-_SIZE:], "little")
    if not len(data) - _MOST_LIST <= listed < len(data) - _HEAD:
        return False
    offsets = [int(found) for found in _PLACE.findall(data, listed)]
    begins = listed - max(offsets, default=0)
    return begins >= start and not any(data[start:begins])


def _holds_video(data: bytes, found: Places, end: int) -> bool:
    """Return whether a video is added to the parts, which end there; phones add texts behind it, too.

    It begins where a box ends, or behind the head of Samsung's entry: behind the end of a part that moved
    there is neither.
    """
    ends = {stop for _, _, stop in found if stop >= end and not _is_head(data, stop)}
    for match in itertools.islice(_VIDEO.finditer(data, end), _MOST_VIDEOS):
        start = match.start()
        if start in ends or any(_AHEAD_OF_VIDEO.fullmatch(data, stop, start) for stop in ends):
            kinds = [kind for kind, _ in itertools.islice(boxes(data[start:]), 2)]
            if len(kinds) == 2 and kinds[1] in _IN_VIDEO:
                return True
    return False


def _end_of_stated(data: bytes, found: Places, end: int) -> int:
    """Return where the last box that is whole ends; of one without a size that holds parts nothing says so.

    Frames of a film may be in it that are no items.
    """
    last, content, stop = found[-1] if found else (b"", 0, 0)
    start = content - _HEAD
    has_size = start < 0 or data[start:content] != bytes(_SIZE) + last
    if content < end and not has_size and not any(kind == b"moov" for kind, _, _ in found):
        return start
    return stop
