"""The markers of a JPEG, read before it is decoded: how many scans it has, and whether its data goes on.

A progressive JPEG may have any number of scans, each of which costs the decoder a pass over the whole picture
(ITU-T T.81, annex G). And a decoder takes the zeros that an interrupted copy leaves for codes.
"""

from __future__ import annotations

import itertools
import re
from collections import deque
from pathlib import Path

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs.proof.segments import ARITHMETIC, EOI, FRAMES, SOS, segments

#: passes over pixels that a decoder may be asked for, in all; ten seconds of a slow computer
_MOST_WORK = 2_000_000_000
#: scans that any picture may have: encoders make some ten of a progressive one
_MOST_SCANS_OF_LARGE, _MOST_SCANS = 16, 500
#: bytes of one value at the end of a file that has no end marker: Huffman codes of a picture are not so long
_LEAST_TAIL = 64
#: and of zeros, as the last codes are filled up with ones
_LEAST_ZEROS = 3
_FILLING = b"\xff"
#: bytes ahead of a frame that belong to no segment: a few hundred are read, more are what is left of some;
#: and filling that may be the end of such
_MOST_STRAY, _LEAST_TORN = 512, 64
#: the start marker of a picture, and what is behind it: in other bytes it has no meaning
_START = re.compile(rb"\xff\xd8(?=\xff)")
#: starts ahead of a frame that are looked at, the last of them, and segments behind each
_MOST_STARTS, _MOST_HEADER = 100, 2000
#: the marker of a segment, with some filling ahead of it
_SEGMENT = re.compile(rb"\xff{1,64}([\xc0-\xcf\xda-\xfe])")
_JPEG_LS = 0xF7
#: bytes of the shortest table of codes
_LEAST_TABLE = 19
#: how tables of steps begin, of which every picture has some ahead of its frame
_TABLES = re.compile(rb"\xff\xdb\0")


def check_start(path: Path, data: bytes) -> None:
    """Refuse a JPEG that lost the start of its picture: decoders go on to one behind it, as a gain map.

    Behind the start marker there are segments, a frame and a scan, ahead of any other start or end but those
    of small versions in segments. What lies between segments may be what is left of damaged ones.

    Raises:
        InputError: saying so.
    """
    end, has_frame, torn, stray = 2, False, False, 0
    for segment in segments(data):
        head = segment.start - (0 if segment.marker == EOI else len(segment.body) + 4)
        gap = data[end:head]
        is_filling = not gap.strip(_FILLING)
        torn = torn or (len(gap) >= _LEAST_TORN if is_filling else bool(gap))
        stray += len(gap) if not is_filling or len(gap) >= _MOST_STRAY else 0
        if _START.search(data, end, head + 1) or segment.marker == EOI:
            break
        if not has_frame and (segment.marker == SOS or _is_headless(gap[: _MOST_STRAY + 1])):
            break
        if segment.marker in FRAMES or segment.marker == _JPEG_LS:
            if not has_frame and (stray > _MOST_STRAY or (torn and _is_of_another(data, head))):
                break
            has_frame = True
        if segment.marker == SOS:
            if torn and _goes_on(data, segment.end):
                break
            return
        end = segment.end
    else:
        return
    raise InputError("is damaged: the header of its picture is lost", path=path)


def _is_of_another(data: bytes, frame: int) -> bool:
    """Return whether a picture that begins within the file has its frame at this place.

    A segment whose length is wrong may reach into the next picture.
    """
    starts = deque(_START.finditer(data, 2, frame), _MOST_STARTS)
    return any(_frame_behind(data, start.end()) == frame for start in starts)


def _goes_on(data: bytes, at: int) -> bool:
    """Return whether behind the end of a picture another frame follows without a start: that of the file.

    The picture is a small version then, whose own start is lost with the head of its segment.
    """
    own_end = data.find(b"\xff\xd9", at)
    if own_end < 0:
        return False
    at = own_end + 2
    for found in itertools.islice(_TABLES.finditer(data, at), _MOST_STARTS):
        place = found.start()
        # Small versions in segments begin and end.
        if _frame_behind(data, place) is not None and (
            data.count(b"\xff\xd8\xff", at, place) <= data.count(b"\xff\xd9", at, place)
        ):
            return True
    return False


def _is_headless(stray: bytes) -> bool:
    """Return whether this is a segment without its marker, which the one before took in for a lost byte."""
    return any(
        len(each) >= _LEAST_TABLE and int.from_bytes(each[:2], "big") == len(each)
        for each in (stray, stray[1:])
    )


def _frame_behind(data: bytes, at: int) -> int | None:
    """Return where the frame of a picture stands whose first segment is here; None if its header is torn."""
    for _ in range(_MOST_HEADER):
        found = _SEGMENT.match(data, at)
        if found is None:
            return None
        place, marker = found.start(1), found[1][0]
        if marker in FRAMES:
            return place - 1
        at = place + 1 + int.from_bytes(data[place + 1 : place + 3], "big")
    return None


def check_codes(path: Path, data: bytes) -> None:
    """Refuse a JPEG, or a piece of one in another file, of arithmetic codes: damage in them does not show.

    Raises:
        InputError: it is one.
    """
    ahead = itertools.takewhile(lambda segment: segment.marker != SOS, segments(data))
    if any(segment.marker in ARITHMETIC for segment in ahead):
        raise InputError(
            "holds JPEG data of arithmetic codes, which are not supported",
            path=path,
            remedy="jpegtran turns such a JPEG file into a usual one, without loss",
        )


def has_end(data: bytes) -> bool:
    """Return whether the end marker of a JPEG is there."""
    return _count(data)[1]


def check_scans(path: Path, data: bytes, pixels: int) -> None:
    """Refuse a JPEG of so many ``pixels`` that takes too long, or whose data ends in nothing.

    Raises:
        InputError: with the reason.
    """
    scans, end = _count(data)
    most = min(max(_MOST_SCANS_OF_LARGE, _MOST_WORK // max(pixels, 1)), _MOST_SCANS)
    if scans > most:
        raise InputError(
            f"has {scans} scans, more than the {most} that a picture of its size is given time for",
            path=path,
            remedy="save it as a JPEG of one scan",
        )
    if not end and scans:
        _check_tail(path, data)


def check_tail(path: Path, data: bytes) -> None:
    """Refuse a JPEG without its end marker whose data ends in nothing: before one is added, which hides it.

    Raises:
        InputError: saying so.
    """
    if not has_end(data):
        _check_tail(path, data)


def _check_tail(path: Path, data: bytes) -> None:
    least = _LEAST_TAIL if data[-1:].strip(b"\0") else _LEAST_ZEROS
    if len(data) - len(data.rstrip(data[-1:])) >= least:
        raise InputError("is incomplete: its end holds nothing but one value, repeated", path=path)


def _count(data: bytes) -> tuple[int, bool]:
    """Return the number of scans of the first picture, and whether its end marker is there."""
    markers = [segment.marker for segment in segments(data)]
    return markers.count(SOS), markers[-1:] == [EOI]
