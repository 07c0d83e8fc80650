"""The second decoder of AVIF, OpenCV's, which sees damage that Pillow's does not look for."""

from __future__ import annotations

import contextlib
import itertools
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs.further.boxes import box, boxes, places
from srnet_cli.imaging.codecs.proof.boxed.items import EXIF, MIME, listed_items, meta_of, places_of

#: pictures that belong to another and are looked at
_MOST_OTHERS = 32
#: a kind that no decoder knows
_UNKNOWN = b"skip"


def check_coded(path: Path, data: bytes) -> None:
    """Refuse coded pixels of an AVIF that are damaged in their middle.

    OpenCV's decoder (libaom) compares where the codes of each tile end with where they should. Its reasons
    cannot be asked for: a file whose header it takes and whose pixels it refuses is damaged.

    Raises:
        InputError: it is.
    """
    bare = _without_metadata(_with_meta_ahead(data))
    with quiet_opencv():
        if not _decodes(bare) and _is_taken(bare) and not all(map(_decodes, _apart(bare))):
            raise InputError("is damaged: its coded pixels do not end where they should", path=path)


def _with_meta_ahead(data: bytes) -> bytes:
    """Return a file with its metadata ahead of its pixels: OpenCV takes no other."""
    found = list(places(data))
    kinds = [kind for kind, _, _ in found]
    if kinds[:1] != [b"ftyp"] or b"mdat" not in kinds or b"meta" not in kinds[kinds.index(b"mdat") :]:
        return data
    index = kinds.index(b"meta")
    first, begin = found[0][2], found[index - 1][2]
    _, start, end = found[index]
    with contextlib.suppress(struct.error):  # of numbers that are too large
        added = len(_meta_for(data[start:end], 0))
        # What is behind stays as it is, the box itself as one that no decoder knows.
        behind = data[first : begin + 4] + _UNKNOWN + data[begin + 8 :]
        return data[:first] + _meta_for(data[start:end], added) + behind
    return data


def _meta_for(old: bytes, added: int) -> bytes:
    """Return a box of metadata for a file in which so many bytes are put in ahead of all pieces."""
    stored = list(boxes(old[4:]))
    items = itertools.groupby(places_of(dict(stored)), lambda place: place[:2])
    listed = [
        struct.pack(">IHHH", *number_and_method, 0, len(pieces := list(each)))
        + b"".join(
            struct.pack(">QQ", start + (0 if method else added), length)
            for _, method, start, length in pieces
        )
        for number_and_method, each in items
    ]
    iloc = struct.pack(">BxxxBBI", 2, 0x88, 0, len(listed)) + b"".join(listed)
    rest = [box(kind, iloc if kind == b"iloc" else body) for kind, body in stored]
    return box(b"meta", old[:4] + b"".join(rest))


def _without_metadata(data: bytes) -> bytes:
    """Return a file whose metadata is of an unknown kind.

    OpenCV first looks at 500 bytes alone, and takes no file whose metadata lies beyond them where these have
    all of its other boxes.
    """
    meta = meta_of(data)
    listed = meta.get(b"iinf", b"")
    start, bare = data.find(b"iinf" + listed) + 4, bytearray(data)
    for entry in listed_items(meta).values():
        if entry.kind in (EXIF, MIME):
            place = start + entry.place
            bare[place : place + len(_UNKNOWN)] = _UNKNOWN
    return bytes(bare)


def _is_taken(data: bytes) -> bool:
    """Return whether OpenCV takes the header, which it tells of files alone."""
    import cv2

    with tempfile.TemporaryDirectory(prefix="srnet-") as folder:
        copy = Path(folder) / "a.avif"
        copy.write_bytes(data)
        return cv2.imcount(str(copy)) > 0


def _decodes(data: bytes) -> bool:
    import cv2

    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED) is not None


def _apart(data: bytes) -> Iterator[bytes]:
    """Yield a file as one of its picture alone and of each that belongs to it: OpenCV has no grey with alpha.

    Where none belongs to it that is the file as it is.
    """
    meta = meta_of(data)
    primary, references = meta.get(b"pitm", b""), meta.get(b"iref", b"")
    start, at = (data.find(kind + body) + 4 for kind, body in ((b"iref", references), (b"pitm", primary)))
    alone = bytearray(data)
    alone[start : start + len(references)] = references.replace(b"auxl", b"cdsc")  # no more than a remark
    yield bytes(alone)
    found = (body for kind, body in boxes(references[4:]) if kind == b"auxl")
    length = 4 if references[:1] == b"\1" else 2
    for body in itertools.islice(found, _MOST_OTHERS):
        number = int.from_bytes(body[:length], "big")
        alone[at : at + len(primary)] = primary[:4] + number.to_bytes(len(primary) - 4, "big")
        yield bytes(alone)


@contextlib.contextmanager
def quiet_opencv() -> Iterator[None]:
    """Keep OpenCV from writing what it meets to the terminal."""
    from cv2.utils import logging

    before = logging.setLogLevel(logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        logging.setLogLevel(before)
