"""Messages of the C libraries behind the decoders about damage: only as text, only to the process's stderr.

libjpeg fills what it cannot decode with grey, LibRaw with whatever was there, and both carry on; neither
Pillow, OpenCV nor rawpy hands the warning over. So file descriptor 2 is turned aside while they work.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from srnet_cli.compute.chatter import collecting
from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs.proof.holes import check_holes
from srnet_cli.imaging.codecs.proof.jpeg import check_scans
from srnet_cli.imaging.codecs.proof.segments import EOI, segments

_LIBJPEG = re.compile(
    rb"^(?:Corrupt JPEG data|Premature end of JPEG|Invalid JPEG|Inconsistent progression).*$", re.M
)
_LIBRAW = re.compile(rb"^.*: (?:data corrupted at -?\d+|Unexpected end of file)$", re.M)
_PADDING = re.compile(rb"(\d+) extraneous bytes before marker 0xd9")
#: bytes behind the last pixel that some cameras write, of one value or two that alternate; more of them, or
#: of other values, are pixels that lost their place
_MOST_PADDING, _MOST_VALUES = 64, 2
#: OpenCV decodes no larger pictures
_OPENCV_LIMIT = 1 << 30


@contextmanager
def refusing_damaged_raw(path: Path) -> Iterator[None]:
    """Run LibRaw; what it only warns about on stderr becomes an error at the end of the block.

    Raises:
        InputError: LibRaw met damaged or missing data.
    """
    with collecting() as collected:
        yield
    # LibRaw decodes some DNGs with libjpeg.
    found = _LIBRAW.search(collected.text) or _LIBJPEG.search(collected.text)
    if found:
        what = found[0].rpartition(b": ")[2].decode(errors="replace")
        raise InputError(f"is a damaged RAW file ({what})", path=path)


@contextmanager
def without_chatter() -> Iterator[None]:
    """Keep what the libraries say off the user's terminal: whatever matters becomes an error of our own."""
    with collecting():
        yield


def check_jpeg(path: Path, data: bytes, pixels: int) -> None:
    """Decode a JPEG of so many ``pixels`` once, small and grey, to hear whether libjpeg is content with it.

    Raises:
        InputError: it is not: a part of the picture would be grey or displaced.
    """
    check_scans(path, data, pixels)
    check_holes(path, data, cache(partial(_means, data)))
    if pixels > _OPENCV_LIMIT:
        return
    import cv2

    with collecting() as collected:
        cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_REDUCED_GRAYSCALE_8)
    for message in _LIBJPEG.findall(collected.text):
        padding = _PADDING.search(message)
        if padding is None or not _is_padding(data, int(padding[1])):
            raise InputError(f"is damaged ({message.decode(errors='replace')})", path=path)


def _means(data: bytes) -> NDArray[Any]:
    """Return a JPEG in an eighth of its size, as luma and two chromas."""
    import cv2

    with collecting():
        flags = cv2.IMREAD_REDUCED_COLOR_8 | cv2.IMREAD_IGNORE_ORIENTATION
        small = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    if small is None:
        return np.zeros((0, 0, 3), np.uint8)
    return cv2.cvtColor(small, cv2.COLOR_BGR2YCrCb)[..., [0, 2, 1]]


def _is_padding(data: bytes, count: int) -> bool:
    """Return whether so many bytes ahead of the first picture's end marker repeat."""
    end = next((segment.start for segment in segments(data) if segment.marker == EOI), len(data))
    found = data[end - count : end]
    return count <= _MOST_PADDING and found[_MOST_VALUES:] == found[:-_MOST_VALUES]
