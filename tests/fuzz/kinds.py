"""Kinds of files for a night: those of every test run, and some that take longer to read."""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping

import imagecodecs
import numpy as np
from PIL import Image

from tests.faults.fuzz.targets import KINDS, Kind, read_and_write
from tests.faults.pictures import encoded, encoded_tiff, scene


def _avifs() -> list[bytes]:
    small = scene(24, 20)
    return [
        encoded("AVIF", small, speed=10),
        encoded("AVIF", np.dstack([small, small[..., 0]]), speed=10),
    ]


def _pieces() -> list[bytes]:
    """TIFFs whose strips or tiles are pictures, or packed by newer means."""
    small = scene(40, 36)
    tiled, stripped = {"tile": (16, 16)}, {"rowsperstrip": 16}
    return [
        encoded_tiff(small, photometric="rgb", compression="jpeg", **tiled),
        encoded_tiff(small, photometric="rgb", compression="webp", **stripped),
        encoded_tiff(small, photometric="rgb", compression="jpeg2000"),
        encoded_tiff(small, photometric="rgb", compression="png", **tiled),
        encoded_tiff(small, photometric="rgb", compression="zstd", **stripped),
        encoded("TIFF", small, compression="jpeg"),
    ]


def _heifs() -> list[bytes]:
    try:
        import pillow_heif
    except ImportError:
        return []
    stored = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(scene(40, 36))).save(stored, quality=80)
    return [stored.getvalue()]


def _jpeg_xls() -> list[bytes]:
    small, frames = scene(24, 20), np.stack([scene(24, 20)] * 3)
    return [
        bytes(imagecodecs.jpegxl_encode(small, distance=1.0, effort=3)),
        bytes(imagecodecs.jpegxl_encode(small, lossless=True, effort=1, usecontainer=True)),
        bytes(imagecodecs.jpegxl_encode(frames, effort=1)),
    ]


def _gifs() -> list[bytes]:
    first, second = (Image.fromarray(scene(24, 20)[::step]).convert("P") for step in (1, -1))
    return [encoded("GIF", first), encoded("GIF", first, save_all=True, append_images=[second])]


def _psds() -> list[bytes]:
    """A head, three empty sections, and the picture of plain bytes."""
    planes = scene(24, 20).transpose(2, 0, 1).tobytes()
    return [b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, 24, 20, 8, 3) + bytes(12) + bytes(2) + planes]


NIGHT: Mapping[str, Kind] = {
    **KINDS,
    "avif": Kind(".avif", _avifs, read_and_write),
    "pieces": Kind(".tif", _pieces, read_and_write),
    "heif": Kind(".heic", _heifs, read_and_write),
    "jxl": Kind(".jxl", _jpeg_xls, read_and_write),
    "jp2": Kind(".jp2", lambda: [encoded("JPEG2000", scene(40, 36))], read_and_write),
    "gif": Kind(".gif", _gifs, read_and_write),
    "bmp": Kind(".bmp", lambda: [encoded("BMP", scene(24, 20))], read_and_write),
    "psd": Kind(".psd", _psds, read_and_write),
}
