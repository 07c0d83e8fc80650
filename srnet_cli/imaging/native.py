"""What the C libraries behind the decoders say about damage: only as text, only to the process's stderr.

libjpeg fills what it cannot decode with grey, LibRaw with whatever was there, and both carry on; neither
Pillow, OpenCV nor rawpy hands the warning over. So file descriptor 2 is turned aside while they work.
"""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from srnet_cli.errors import InputError

_STDERR = 2
_JPEG_LINE = rb"(?:Corrupt JPEG data|Premature end of JPEG|Invalid JPEG|Inconsistent progression).*"
_RAW_LINE = rb".*: (?:data corrupted at -?\d+|Unexpected end of file)"
_LIBJPEG = re.compile(rb"^%s$" % _JPEG_LINE, re.M)
#: LibRaw decodes some DNGs with libjpeg
_LIBRAW = re.compile(rb"^(?:%s|%s)$" % (_RAW_LINE, _JPEG_LINE), re.M)
_PADDING = re.compile(rb"(\d+) extraneous bytes before marker 0xd9")
#: bytes behind the last pixel that some cameras write; more of them are pixels that lost their place
_MOST_PADDING = 64
#: OpenCV decodes no larger pictures
_OPENCV_LIMIT = 1 << 30
_turned_aside = threading.RLock()


@contextmanager
def refusing_damaged_raw(path: Path) -> Iterator[None]:
    """Run LibRaw; what it only warns about on stderr becomes an error at the end of the block.

    Raises:
        InputError: LibRaw met damaged or missing data.
    """
    messages: list[bytes] = []
    with _collecting(_LIBRAW, messages):
        yield
    if messages:
        what = messages[0].rpartition(b": ")[2].decode(errors="replace")
        raise InputError(f"is a damaged RAW file ({what})", path=path)


def check_jpeg(path: Path, data: bytes, pixels: int) -> None:
    """Decode a JPEG of so many ``pixels`` once, small and grey, to hear whether libjpeg is content with it.

    Raises:
        InputError: it is not: a part of the picture would be grey or displaced.
    """
    if pixels > _OPENCV_LIMIT:
        return
    import cv2

    messages: list[bytes] = []
    with _collecting(_LIBJPEG, messages):
        cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_REDUCED_GRAYSCALE_8)
    for message in messages:
        padding = _PADDING.search(message)
        if padding is None or int(padding[1]) > _MOST_PADDING:
            raise InputError(f"is damaged ({message.decode(errors='replace')})", path=path)


@contextmanager
def _collecting(pattern: re.Pattern[bytes], messages: list[bytes]) -> Iterator[None]:
    """Keep lines of ``pattern`` off stderr and add them to ``messages``; everything else is printed after."""
    with _turned_aside:
        try:
            own = os.dup(_STDERR)
        except OSError:
            yield  # a process without stderr; the library's warning goes nowhere then
            return
        received, sent = os.pipe()
        if hasattr(os, "set_blocking"):
            os.set_blocking(sent, False)  # what does not fit is lost, but nobody waits for a reader
        _flush()
        os.dup2(sent, _STDERR)
        os.close(sent)
        try:
            yield
        finally:
            _flush()
            os.dup2(own, _STDERR)
            os.close(own)
            messages += _sorted_out(pattern, received)


def _sorted_out(pattern: re.Pattern[bytes], received: int) -> list[bytes]:
    with open(received, "rb") as file:  # a descriptor, not a path
        text = file.read()
    others = pattern.sub(b"", text).lstrip(b"\n")
    if others:
        os.write(_STDERR, others)
    return pattern.findall(text)


def _flush() -> None:
    if sys.stderr is not None:
        sys.stderr.flush()
