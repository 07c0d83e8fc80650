"""PNG: proof that the file is whole, and its true bit depth, which imageio and Pillow reduce to 8."""

from __future__ import annotations

import os
import struct
import zlib
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs.layout import Decoded, check_size
from srnet_cli.imaging.codecs.pillow_read import decode_image
from srnet_cli.imaging.metadata import orientation_of

_SIGNATURE_BYTES = 8
_GREY, _RGB, _PALETTE, _GREY_ALPHA, _RGBA = 0, 2, 3, 4, 6


@dataclass(frozen=True)
class PngHeader:
    """The fields of IHDR that matter, the colour that tRNS makes transparent, and the EXIF."""

    width: int
    height: int
    bit_depth: int
    colour_type: int
    transparent: bytes | None = None
    exif: bytes | None = None


def decode(path: Path, max_pixels: int) -> Decoded:
    """Read a PNG file of any depth.

    Raises:
        InputError: it is damaged, cut short or too large.
    """
    data = path.read_bytes()
    header = read_header(path, data)
    # Before Pillow, which sets up buffers of the claimed size.
    check_size(path, header.height, header.width, max_pixels)
    deep = partial(decode_deep, path, data, header) if header.bit_depth == 16 else None
    decoded = decode_image(path, data, max_pixels, deep=deep)
    # Pillow gives the EXIF of a PNG only after decoding, when it lies behind the pixels.
    return replace(decoded, exif=header.exif, orientation=orientation_of(header.exif))


def read_exif(path: Path) -> bytes | None:
    """Return the EXIF of a PNG file as a TIFF structure; the chunks of the pixels are passed over unread."""
    with path.open("rb") as file:
        file.seek(_SIGNATURE_BYTES)
        while len(head := file.read(8)) == 8:
            length, kind = struct.unpack(">I4s", head)
            if kind == b"eXIf":
                return file.read(length).removeprefix(b"Exif\0\0")
            file.seek(length + 4, os.SEEK_CUR)
    return None


def read_header(path: Path, data: bytes) -> PngHeader:
    """Walk all chunks of a PNG file.

    Raises:
        InputError: a chunk is cut short or its checksum is wrong, or the end is missing.
    """
    header: PngHeader | None = None
    position = _SIGNATURE_BYTES
    view = memoryview(data)
    while position + 12 <= len(data):
        length, kind = struct.unpack(">I4s", view[position : position + 8])
        end = position + 12 + length
        if end > len(data):
            break
        body = view[position + 8 : end - 4]
        if zlib.crc32(view[position + 4 : end - 4]) != struct.unpack(">I", view[end - 4 : end])[0]:
            raise InputError("is a damaged PNG file: a checksum does not match", path=path)
        if kind == b"IHDR" and length == 13:
            width, height, depth, colour = struct.unpack(">IIBB", body[:10])
            header = PngHeader(width, height, depth, colour)
        elif header is None:
            break
        elif kind == b"tRNS":
            header = replace(header, transparent=bytes(body))
        elif kind == b"eXIf":
            header = replace(header, exif=bytes(body).removeprefix(b"Exif\0\0"))
        elif kind == b"IEND":
            return header
        position = end
    raise InputError("is cut short: the end of the PNG data is missing", path=path)


def decode_deep(path: Path, data: bytes, header: PngHeader) -> NDArray[np.uint16]:
    """Decode a 16-bit PNG by OpenCV: H×W×C, C = 1 or 2 for grey, 3 or 4 for RGB."""
    # Not through imageio: its plugin for OpenCV would read a file again, not the bytes that were checked.
    import cv2

    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if decoded is None or decoded.dtype != np.uint16 or decoded.shape[:2] != (header.height, header.width):
        raise InputError("is a damaged PNG file", path=path)
    pixels: NDArray[np.uint16] = np.atleast_3d(decoded.astype(np.uint16, copy=False))
    if header.colour_type in (_GREY, _GREY_ALPHA):
        # OpenCV turns grey with alpha into four channels.
        channels = [0] if header.colour_type == _GREY else [0, 3]
    else:
        channels = [2, 1, 0] if header.colour_type == _RGB else [2, 1, 0, 3]
    pixels = pixels[..., channels] if max(channels) < pixels.shape[2] else pixels
    return _with_transparent_colour(pixels, header)


def _with_transparent_colour(pixels: NDArray[np.uint16], header: PngHeader) -> NDArray[np.uint16]:
    if header.transparent is None or header.colour_type not in (_GREY, _RGB):
        return pixels
    count = 1 if header.colour_type == _GREY else 3
    if len(header.transparent) != 2 * count:
        return pixels
    colour = np.frombuffer(header.transparent, ">u2").astype(np.uint16)
    alpha = np.where((pixels[..., :count] == colour).all(axis=2), 0, 65_535).astype(np.uint16)
    return np.concatenate([pixels[..., :count], alpha[..., None]], axis=2)
