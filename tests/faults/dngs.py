"""DNGs whose pixels are in pieces of any kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from srnet_cli.imaging.codecs import ifd
from srnet_cli.imaging.codecs.ifd import Directory, Entry, entry
from tests.captures import Capture, mosaic
from tests.faults.pictures import encoded_dng, scene

HEIGHT, WIDTH = 100, 152
CAPTURE = Capture(read_noise=4.0)


def values() -> NDArray[np.uint16]:
    """Sensor values of 14 bits, H×W."""
    return mosaic((scene(HEIGHT, WIDTH) / 255.0 * 0.9 + 0.02) ** 2.2, CAPTURE)


def dng_of(pieces: Sequence[bytes], tags: Mapping[int, Entry], tiled: bool = False) -> bytes:
    """A DNG with these pieces in a row behind its directory, and these tags beside those of a plain one."""
    parsed = ifd.parse(encoded_dng(CAPTURE, HEIGHT, WIDTH))
    assert parsed is not None
    top = parsed.directories[0]
    kept = {tag: value for tag, value in top.entries.items() if tag not in (273, 278, 279)}

    def head(start: int) -> bytes:
        starts = [start + sum(map(len, pieces[:index])) for index in range(len(pieces))]
        places = entry(ifd.LONG, *starts), entry(ifd.LONG, *map(len, pieces))
        listed = dict(zip((324, 325) if tiled else (273, 279), places, strict=True))
        return ifd.pack_file(Directory({**kept, **tags, **listed}, top.children))

    return head(len(head(0))) + b"".join(pieces)


def tiles_of(pixels: NDArray[np.uint16], tall: int, wide: int) -> list[NDArray[np.uint16]]:
    """Tiles from left to right and from top to bottom; what lies beyond the picture repeats its border."""
    height, width = pixels.shape
    whole = np.pad(pixels, ((0, -height % tall), (0, -width % wide)), "edge")
    rows, columns = range(0, whole.shape[0], tall), range(0, whole.shape[1], wide)
    return [np.ascontiguousarray(whole[y : y + tall, x : x + wide]) for y in rows for x in columns]


def short(*numbers: int) -> Entry:
    return entry(ifd.SHORT, *numbers)


def lossless(pixels: NDArray[np.uint16]) -> bytes:
    """Lossless JPEG of 14 bits and one component."""
    return bytes(imagecodecs.ljpeg_encode(pixels, bitspersample=14))
