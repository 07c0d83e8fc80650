"""DNG written as its picture comes: camera colours as the sensor saw them, linear, compressed without loss.

Of the compressions that DNG has for whole numbers of 16 bits, lossless JPEG is the one that every reader
knows. The directory with the preview lies at the end, so that nothing but the tiles' positions is kept.
Source: Adobe, Digital Negative Specification 1.7.
"""

from __future__ import annotations

import struct
from functools import partial
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from srnet_cli.imaging.codecs import ifd
from srnet_cli.imaging.codecs.dng.preview import Preview
from srnet_cli.imaging.codecs.ifd import Directory, Entry, entry
from srnet_cli.imaging.codecs.layout import Layout
from srnet_cli.imaging.codecs.workers import OrderedWorkers
from srnet_cli.imaging.depth import to_16_bit
from srnet_cli.imaging.picture import Pixels
from srnet_cli.version import own_version

#: pixels a side; a row of tiles waits in memory
TILE = 256
_PEAK = 65_535
_JPEG, _LINEAR_RAW, _YCBCR, _REDUCED = 7, 34892, 6, 1
_VERSION, _READABLE_FROM = (1, 4, 0, 0), (1, 1, 0, 0)
_COLOUR_SPACE, _SRGB = 40961, 2


class DngEncoder:
    """Encoder that takes camera colours (:class:`CameraColours`) from top to bottom."""

    def __init__(self, file: BinaryIO, layout: Layout) -> None:
        assert layout.camera is not None
        self._file, self._layout, self._camera = file, layout, layout.camera
        self._channels = len(layout.camera.gains)
        # LibRaw takes the rows of a tile that is wider than the whole picture for shorter: strips then.
        self._tiled = layout.width >= TILE
        self._width = -(-layout.width // TILE) * TILE if self._tiled else layout.width
        self._band = np.zeros((TILE, self._width, self._channels), np.uint16)
        self._filled = 0
        self._preview = Preview(layout.height, layout.width)
        self._starts: list[int] = []
        self._lengths: list[int] = []
        self._workers = OrderedWorkers(self._append_tile)
        # The directory's place is filled in at the end.
        file.write(struct.pack("<2sHI", b"II", 42, 0))
        self._position = file.tell()

    def write(self, rows: Pixels) -> None:
        """Add rows, h×W×1 or h×W×6 uint16."""
        start = 0
        while start < rows.shape[0]:
            part = rows[start : start + TILE - self._filled]
            target = self._band[self._filled : self._filled + len(part), : self._layout.width]
            target[...] = self._camera.to_sensor(to_16_bit(part))
            start += len(part)
            self._filled += len(part)
            if self._filled == TILE:
                self._submit()

    def finish(self) -> None:
        """Write the last tiles, the preview and the directories."""
        if self._filled:
            # What lies beyond the picture repeats its border, which costs the least.
            self._band[self._filled :] = self._band[self._filled - 1]
            self._submit()
        self._workers.drain()
        preview, size = self._preview.jpeg(self._camera)
        start = self._position
        self._append(preview)
        self._append(b"\0" * (self._position % 2))
        self._file.write(ifd.pack(self._directory(start, len(preview), size), self._position))
        self._file.seek(4)
        self._file.write(struct.pack("<I", self._position))

    def close(self) -> None:
        """Stop the threads, whether finished or not."""
        self._workers.__exit__(None, None, None)

    def _submit(self) -> None:
        width = self._layout.width
        self._band[:, width:] = self._band[:, width - 1 : width]
        self._preview.add(self._band)
        rows = TILE if self._tiled else self._filled
        for left in range(0, self._width, TILE):
            self._workers.submit(partial(_compressed, self._band[:rows, left : left + TILE].copy()))
        self._filled = 0

    def _append_tile(self, data: bytes) -> None:
        self._starts.append(self._position)
        self._lengths.append(len(data))
        self._append(data + b"\0" * (len(data) % 2))

    def _append(self, data: bytes) -> None:
        self._file.write(data)
        self._position += len(data)

    def _directory(self, start: int, length: int, size: tuple[int, int]) -> Directory:
        """Return the top directory, of the preview and of all metadata; that of the picture is below it."""
        height, width = size
        layout = {
            254: entry(ifd.LONG, _REDUCED),
            256: entry(ifd.LONG, width),
            257: entry(ifd.LONG, height),
            258: entry(ifd.SHORT, 8, 8, 8),
            259: entry(ifd.SHORT, _JPEG),
            262: entry(ifd.SHORT, _YCBCR),
            273: entry(ifd.LONG, start),
            274: entry(ifd.SHORT, 1),
            277: entry(ifd.SHORT, 3),
            278: entry(ifd.LONG, height),
            279: entry(ifd.LONG, length),
            284: entry(ifd.SHORT, 1),
            529: entry(ifd.RATIONAL, 299, 1000, 587, 1000, 114, 1000),
            530: entry(ifd.SHORT, 2, 2),
            531: entry(ifd.SHORT, 1),
            532: entry(ifd.RATIONAL, 0, 1, 255, 1, 128, 1, 255, 1, 128, 1, 255, 1),
            50706: entry(ifd.BYTE, *_VERSION),
            50707: entry(ifd.BYTE, *_READABLE_FROM),
            50966: ifd.ascii_entry("srnet"),
            50967: ifd.ascii_entry(own_version()),
            50970: entry(ifd.LONG, _SRGB),
            **self._camera.tags,
        }
        if self._layout.xmp is not None:
            layout[700] = Entry(ifd.BYTE, len(self._layout.xmp), self._layout.xmp)
        usual = {282: entry(ifd.RATIONAL, 72, 1), 283: entry(ifd.RATIONAL, 72, 1), 296: entry(ifd.SHORT, 2)}
        structure = None if self._layout.exif is None else ifd.parse(self._layout.exif)
        top = structure.directories[0] if structure is not None and structure.directories else Directory()
        exif = top.child(ifd.EXIF_POINTER)
        # Nothing is sRGB yet.
        kept = {tag: value for tag, value in exif.entries.items() if tag != _COLOUR_SPACE}
        children = {**top.children, ifd.SUB_DIRECTORIES: [self._picture()]}
        if kept:
            children[ifd.EXIF_POINTER] = [Directory(kept, exif.children)]
        return Directory({**usual, **top.entries, **layout}, children)

    def _picture(self) -> Directory:
        height, width, channels = self._layout.height, self._layout.width, self._channels
        starts, lengths = entry(ifd.LONG, *self._starts), entry(ifd.LONG, *self._lengths)
        side = entry(ifd.LONG, TILE)
        tiles = {322: side, 323: side, 324: starts, 325: lengths}
        return Directory(
            {
                254: entry(ifd.LONG, 0),
                256: entry(ifd.LONG, width),
                257: entry(ifd.LONG, height),
                258: entry(ifd.SHORT, *[16] * channels),
                259: entry(ifd.SHORT, _JPEG),
                262: entry(ifd.SHORT, _LINEAR_RAW),
                277: entry(ifd.SHORT, channels),
                284: entry(ifd.SHORT, 1),
                **(tiles if self._tiled else {273: starts, 278: side, 279: lengths}),
                50713: entry(ifd.SHORT, 1, 1),
                50714: entry(ifd.SHORT, *[0] * channels),
                50717: entry(ifd.LONG, *[_PEAK] * channels),
                50718: entry(ifd.RATIONAL, 1, 1, 1, 1),
                50719: entry(ifd.LONG, 0, 0),
                50720: entry(ifd.LONG, width, height),
                50780: entry(ifd.RATIONAL, 1, 1),
                50829: entry(ifd.LONG, 0, 0, height, width),
            }
        )


def _compressed(tile: NDArray[Any]) -> bytes:
    """Return lossless JPEG (ITU-T T.81, process 14) with the left neighbour as prediction."""
    import imagecodecs

    whole = np.ascontiguousarray(tile[..., 0] if tile.shape[2] == 1 else tile)
    return bytes(imagecodecs.jpeg_encode(whole, lossless=True, predictor=1, bitspersample=16))
