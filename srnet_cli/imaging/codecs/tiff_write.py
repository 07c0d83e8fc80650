"""TIFF written strip by strip, deflated in parallel; BigTIFF when the classic form could not hold it.

Deflate with the horizontal predictor is the compression that every viewer reads (TIFF 6.0, section 14, and
TIFF Technical Note 3). The directory lies at the end, so that nothing but the strips' positions is kept.
"""

from __future__ import annotations

import struct
from functools import partial
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from srnet_cli.imaging.codecs import ifd
from srnet_cli.imaging.codecs.deflate import zlib_stream
from srnet_cli.imaging.codecs.ifd import Directory, Entry, entry
from srnet_cli.imaging.codecs.layout import Layout
from srnet_cli.imaging.codecs.workers import OrderedWorkers
from srnet_cli.imaging.picture import Pixels

_STRIP_BYTES = 1 << 20
#: deflate can make noise a little larger; beyond this the classic form's 4 GiB might not be enough
_CLASSIC_LIMIT = int(0.99 * 2**32)
_ADOBE_DEFLATE, _HORIZONTAL_PREDICTOR, _UNASSOCIATED_ALPHA = 8, 2, 2
_BLACK_IS_ZERO, _RGB = 1, 2


def needs_big(height: int, width: int, channels: int, bit_depth: int) -> bool:
    """Return whether a picture of this size is written as BigTIFF."""
    return height * width * channels * bit_depth // 8 > _CLASSIC_LIMIT


class TiffEncoder:
    """Encoder that takes rows from top to bottom, writes strips as they are ready."""

    def __init__(self, file: BinaryIO, layout: Layout) -> None:
        height, width, channels, bit_depth = layout.height, layout.width, layout.channels, layout.bit_depth
        self._file, self._layout = file, layout
        self._big = needs_big(height, width, channels, bit_depth)
        self._strip_rows = min(height, max(1, _STRIP_BYTES // (width * channels * bit_depth // 8)))
        self._pending: list[Pixels] = []
        self._pending_rows = 0
        self._starts: list[int] = []
        self._lengths: list[int] = []
        self._workers = OrderedWorkers(self._append)
        # The directory's place is filled in at the end.
        file.write(
            struct.pack("<2sHHHQ", b"II", 43, 8, 0, 0) if self._big else struct.pack("<2sHI", b"II", 42, 0)
        )
        self._position = file.tell()

    def write(self, rows: Pixels) -> None:
        """Add rows, h×W×C uint8 or uint16."""
        start = 0
        while start < rows.shape[0]:
            # Copied: the caller may reuse its buffer.
            part = rows[start : start + self._strip_rows - self._pending_rows].copy()
            start += part.shape[0]
            self._pending.append(part)
            self._pending_rows += part.shape[0]
            if self._pending_rows == self._strip_rows:
                self._submit()

    def finish(self) -> None:
        """Write the last strip and the directory."""
        if self._pending:
            self._submit()
        self._workers.drain()
        self._append(b"" if self._position % 2 == 0 else b"\0", listed=False)
        self._file.write(ifd.pack(self._directory(), self._position, big=self._big))
        self._file.seek(8 if self._big else 4)
        self._file.write(struct.pack("<Q" if self._big else "<I", self._position))

    def close(self) -> None:
        """Stop the threads, whether finished or not."""
        self._workers.__exit__(None, None, None)

    def _submit(self) -> None:
        strip: NDArray[Any] = self._pending[0] if len(self._pending) == 1 else np.concatenate(self._pending)
        self._pending, self._pending_rows = [], 0
        self._workers.submit(partial(_deflated_strip, strip))

    def _append(self, data: bytes, listed: bool = True) -> None:
        if listed:
            self._starts.append(self._position)
            self._lengths.append(len(data))
        self._file.write(data)
        self._position += len(data)

    def _directory(self) -> Directory:
        height, width, channels = self._layout.height, self._layout.width, self._layout.channels
        offsets = ifd.LONG8 if self._big else ifd.LONG
        layout = {
            254: entry(ifd.LONG, 0),
            256: entry(ifd.LONG, width),
            257: entry(ifd.LONG, height),
            258: entry(ifd.SHORT, *[self._layout.bit_depth] * channels),
            259: entry(ifd.SHORT, _ADOBE_DEFLATE),
            262: entry(ifd.SHORT, _RGB if channels > 2 else _BLACK_IS_ZERO),
            273: entry(offsets, *self._starts),
            274: entry(ifd.SHORT, 1),
            277: entry(ifd.SHORT, channels),
            278: entry(ifd.LONG, self._strip_rows),
            279: entry(offsets, *self._lengths),
            284: entry(ifd.SHORT, 1),
            317: entry(ifd.SHORT, _HORIZONTAL_PREDICTOR),
        }
        if channels in (2, 4):
            layout[338] = entry(ifd.SHORT, _UNASSOCIATED_ALPHA)
        if self._layout.icc is not None:
            layout[34675] = Entry(ifd.UNDEFINED, len(self._layout.icc), self._layout.icc)
        for tag, data in ((700, self._layout.xmp), (33723, self._layout.iptc)):
            if data is not None:
                layout[tag] = Entry(ifd.BYTE, len(data), data)
        # A baseline TIFF states a resolution; 72 per inch stands for "unknown", as in EXIF.
        usual = {282: entry(ifd.RATIONAL, 72, 1), 283: entry(ifd.RATIONAL, 72, 1), 296: entry(ifd.SHORT, 2)}
        structure = None if self._layout.exif is None else ifd.parse(self._layout.exif)
        if structure is None or not structure.directories:
            return Directory({**usual, **layout})
        top = structure.directories[0]
        return Directory({**usual, **top.entries, **layout}, top.children)


def _deflated_strip(strip: NDArray[Any]) -> bytes:
    return zlib_stream(_predicted(strip))


def _predicted(strip: NDArray[Any]) -> bytes:
    """Return each sample less its left neighbour of the same channel, in little-endian order."""
    difference: NDArray[Any] = strip.astype("<u2" if strip.dtype == np.uint16 else np.uint8)
    difference[:, 1:] -= strip[:, :-1]
    return difference.tobytes()
