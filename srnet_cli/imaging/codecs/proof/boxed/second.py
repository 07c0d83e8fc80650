"""The second decoder of AVIF, OpenCV's, which sees damage that Pillow's does not look for."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs.further.boxes import boxes
from srnet_cli.imaging.codecs.proof.boxed.items import EXIF, MIME, listed_items, meta_of

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
    bare = _without_metadata(data)
    with quiet_opencv():
        if not _decodes(bare) and _is_taken(bare) and not all(map(_decodes, _apart(bare))):
            raise InputError("is damaged: its coded pixels do not end where they should", path=path)


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


@contextmanager
def quiet_opencv() -> Iterator[None]:
    """Keep OpenCV from writing what it meets to the terminal."""
    from cv2.utils import logging

    before = logging.setLogLevel(logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        logging.setLogLevel(before)
