"""Messages of the C libraries behind the decoders about damage: only as text, only to the process's stderr.

libjpeg fills what it cannot decode with grey, LibRaw with whatever was there, and both carry on; neither
Pillow, OpenCV nor rawpy hands the warning over. So file descriptor 2 is turned aside while they work.
"""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs.proof.holes import check_holes
from srnet_cli.imaging.codecs.proof.jpeg import check_scans

_STDERR = 2
_LIBJPEG = re.compile(
    rb"^(?:Corrupt JPEG data|Premature end of JPEG|Invalid JPEG|Inconsistent progression).*$", re.M
)
_LIBRAW = re.compile(rb"^.*: (?:data corrupted at -?\d+|Unexpected end of file)$", re.M)
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
    with _collecting() as collected:
        yield
    # LibRaw decodes some DNGs with libjpeg.
    found = _LIBRAW.search(collected.text) or _LIBJPEG.search(collected.text)
    if found:
        what = found[0].rpartition(b": ")[2].decode(errors="replace")
        raise InputError(f"is a damaged RAW file ({what})", path=path)


@contextmanager
def without_chatter() -> Iterator[None]:
    """Keep what the libraries say off the user's terminal: whatever matters becomes an error of our own."""
    with _collecting():
        yield


def check_jpeg(path: Path, data: bytes, pixels: int) -> None:
    """Decode a JPEG of so many ``pixels`` once, small and grey, to hear whether libjpeg is content with it.

    Raises:
        InputError: it is not: a part of the picture would be grey or displaced.
    """
    check_scans(path, data, pixels)
    check_holes(path, data)
    if pixels > _OPENCV_LIMIT:
        return
    import cv2

    with _collecting() as collected:
        cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_REDUCED_GRAYSCALE_8)
    for message in _LIBJPEG.findall(collected.text):
        padding = _PADDING.search(message)
        if padding is None or int(padding[1]) > _MOST_PADDING:
            raise InputError(f"is damaged ({message.decode(errors='replace')})", path=path)


@dataclass
class _Collected:
    text: bytes = b""


@contextmanager
def _collecting() -> Iterator[_Collected]:
    """Gather what is written to file descriptor 2 by others than Python, which keeps its stderr."""
    collected = _Collected()
    with _turned_aside, ExitStack() as undo:
        try:
            own = os.dup(_STDERR)
        except OSError:
            yield collected  # a process without stderr; what the libraries say is lost
            return
        undo.callback(os.close, own)
        undo.enter_context(_python_keeps(own))
        received, sent = os.pipe()
        if hasattr(os, "set_blocking"):
            os.set_blocking(sent, False)  # what does not fit is lost, but no writer waits for a reader
        os.dup2(sent, _STDERR)
        os.close(sent)
        try:
            yield collected
        finally:
            os.dup2(own, _STDERR)
            with os.fdopen(received, "rb") as file:
                collected.text = file.read()


@contextmanager
def _python_keeps(descriptor: int) -> Iterator[None]:
    """Let Python's stderr write to ``descriptor`` while 2 is something else."""
    if sys.stderr is None or not _is_on(sys.stderr, _STDERR):
        yield
        return
    sys.stderr.flush()
    encoding, errors = sys.stderr.encoding, sys.stderr.errors
    with (
        open(descriptor, "w", buffering=1, encoding=encoding, errors=errors, closefd=False) as stream,
        redirect_stderr(stream),
    ):
        yield


def _is_on(stream: TextIO, descriptor: int) -> bool:
    try:
        return stream.fileno() == descriptor
    except (OSError, ValueError):
        return False  # a stream of Python's own, such as a test's
