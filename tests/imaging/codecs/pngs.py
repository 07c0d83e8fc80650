"""PNG files of every colour type, depth and interlace, made from the specification alone."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
CHANNELS = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGBA: 4}
_ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def lines(values: NDArray[Any], depth: int) -> bytes:
    """Rows as they are deflated, without filters; ``values`` is H×W×C."""
    if values.size == 0:
        return b""
    rows = values.reshape(values.shape[0], -1)
    if depth == 16:
        packed = rows.astype(">u2").view(np.uint8)
    else:
        bits = np.unpackbits(rows.astype(np.uint8)[..., None], axis=2)[..., 8 - depth :]
        packed = np.packbits(bits.reshape(rows.shape[0], -1), axis=1)
    return np.concatenate([np.zeros((rows.shape[0], 1), np.uint8), packed], axis=1).tobytes()


def idat(values: NDArray[Any], depth: int, interlaced: bool = False) -> bytes:
    """The deflated pixels."""
    passes = [values[y::dy, x::dx] for y, x, dy, dx in _ADAM7] if interlaced else [values]
    return zlib.compress(b"".join(lines(part, depth) for part in passes))


def png(
    values: NDArray[Any], colour_type: int, depth: int, ahead: bytes = b"", interlaced: bool = False
) -> bytes:
    """A whole file; ``ahead`` are the chunks between header and pixels."""
    height, width = values.shape[:2]
    values = values.reshape(height, width, -1)
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, interlaced)
    pixels = chunk(b"IDAT", idat(values, depth, interlaced))
    return SIGNATURE + chunk(b"IHDR", header) + ahead + pixels + chunk(b"IEND", b"")
