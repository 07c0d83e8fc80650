"""Pictures for the fault tests, whole and damaged, as bytes."""

from __future__ import annotations

import io
import struct
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from srnet_cli.errors import InputError
from srnet_cli.imaging import read_picture
from tests.captures import Capture, write_arw, write_dng, write_dng_mosaic

HEIGHT, WIDTH = 24, 36
CAPTURE = Capture()


def scene(height: int = HEIGHT, width: int = WIDTH, dtype: str = "uint8") -> NDArray[Any]:
    """H×W×3: a gradient with noise, so that damage anywhere would show."""
    y, x = np.mgrid[:height, :width]
    smooth = np.stack([x / width, y / height, (x + y) / (width + height)], axis=2)
    noisy = smooth + np.random.default_rng(5).normal(0, 0.05, smooth.shape)
    return np.asarray(np.rint(np.clip(noisy, 0, 1) * np.iinfo(dtype).max)).astype(dtype)


def encoded(kind: str, picture: NDArray[Any] | Image.Image | None = None, **options: Any) -> bytes:
    """A picture in one of Pillow's formats."""
    file = io.BytesIO()
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(_or_scene(picture))
    image.save(file, kind, **options)
    return file.getvalue()


def _or_scene(pixels: NDArray[Any] | None) -> NDArray[Any]:
    return scene() if pixels is None else pixels


def encoded_png16(pixels: NDArray[np.uint16]) -> bytes:
    return bytes(cv2.imencode(".png", pixels[..., ::-1] if pixels.ndim == 3 else pixels)[1].tobytes())


def encoded_tiff(pixels: NDArray[Any], **options: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, **options)
    return file.getvalue()


def encoded_dng(capture: Capture = CAPTURE, height: int = HEIGHT, width: int = WIDTH) -> bytes:
    return _from_file(lambda path: write_dng(path, scene(height, width) / 255, capture))


def encoded_arw(capture: Capture = CAPTURE, height: int = 64, width: int = 96) -> bytes:
    return _from_file(lambda path: write_arw(path, scene(height, width) / 255, capture))


def empty_dng() -> bytes:
    """Well-formed, but all its values are zero."""
    return _from_file(lambda path: write_dng_mosaic(path, np.zeros((64, 96), np.uint16)))


def png_that_claims(width: int, height: int) -> bytes:
    """A small PNG whose header, with a right checksum, states another size."""
    data = bytearray(encoded("PNG"))
    data[16:24] = struct.pack(">II", width, height)
    data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    return bytes(data)


def jpeg_that_claims(width: int, height: int) -> bytes:
    data = bytearray(encoded("JPEG"))
    start = data.index(b"\xff\xc0")
    data[start + 5 : start + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def with_a_hole(data: bytes, fill: bytes = b"\0") -> bytes:
    """A sector in the middle lost, the end intact."""
    start = len(data) // 2
    hole = min(512, len(data) // 4)
    return data[:start] + fill * hole + data[start + hole :]


def passes(path: Path, data: bytes) -> bool:
    """Return whether a file of these bytes, written to ``path``, is read."""
    path.write_bytes(data)
    try:
        read_picture(path)
    except InputError:
        return False
    return True


def passes_unsaid(path: Path, data: bytes) -> bool:
    """Return whether such a file is read, and nothing is said of damage."""
    path.write_bytes(data)
    try:
        return read_picture(path).metadata.doubt is None
    except InputError:
        return False


def _from_file(write: Callable[[Path], None]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "capture.dng")
        write(path)
        return path.read_bytes()
