"""Places of a RAW file's pixels: in nothing else's, and nothing else in theirs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs import ifd
from srnet_cli.imaging.codecs.ifd import Directory
from srnet_cli.imaging.codecs.proof.pages import is_reduced

#: where a small JPEG lies, and how long it is (EXIF 2.3)
_JPEG_PLACE, _JPEG_LENGTH = 513, 514


def check_apart(
    path: Path, structure: ifd.Structure, directory: Directory, pieces: list[tuple[int, int]]
) -> None:
    """Refuse pieces (start and length) that share bytes with another, a directory or a small version.

    Raises:
        InputError: naming the piece.
    """
    spans = [(start, start + length, index + 1) for index, (start, length) in enumerate(pieces)]
    last, name = (0, 0, 0), ""
    others = [(start, end, 0, what) for start, end, what in _others(structure, directory)]
    for start, end, index, what in sorted([*((*span, "") for span in spans), *others]):
        if start < last[1] and (index or last[2]):
            where = f"that of piece {min(index, last[2])}" if index and last[2] else what or name
            raise InputError(
                f"is damaged: piece {max(index, last[2])} of its pixels lies in {where}", path=path
            )
        if end > last[1]:
            last, name = (start, end, index), what


def _others(structure: ifd.Structure, directory: Directory) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and name of what else a file is known to hold."""
    for found in structure.walk():
        # What makers say of the length of their notes is not always so.
        for start, end in found.extents if found.pieces()[0] else found.extents[:1]:
            yield start, end, "its directory"
        if found is directory:
            continue
        places, what = [found.pieces()], "another picture"
        if is_reduced(found):
            places.append((found.integers(_JPEG_PLACE), found.integers(_JPEG_LENGTH)))
            what = "a small version of it"
        for starts, lengths in places:
            for start, length in zip(starts, lengths, strict=False):
                yield start, start + length, what
