"""PNG: proof that the file is whole, and its true bit depth, which imageio and Pillow reduce to 8."""

from __future__ import annotations

import os
import struct
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs.layout import Decoded, check_size
from srnet_cli.imaging.codecs.pillow_read import decode_image
from srnet_cli.imaging.codecs.png_chunks import SIGNATURE, PngContents, read_contents
from srnet_cli.imaging.codecs.proof.png import check_stream
from srnet_cli.imaging.metadata import orientation_of
from srnet_cli.imaging.picture import Pixels
from srnet_cli.reading import open_input, read_input

_GREY, _RGB, _PALETTE, _GREY_ALPHA, _RGBA = 0, 2, 3, 4, 6


def decode(path: Path, max_pixels: int) -> Decoded:
    """Read a PNG file of any depth; of an animated one the still picture.

    Raises:
        InputError: it is damaged, cut short or too large.
    """
    data = read_input(path)
    contents = read_contents(path, data)
    # Before Pillow, which sets up buffers of the claimed size.
    check_size(path, contents.height, contents.width, max_pixels)
    check_stream(path, contents)
    deep = partial(_decode_deep, path, contents) if contents.bit_depth == 16 else None
    check = partial(_check_palette, path, contents)
    decoded = decode_image(path, contents.plain, max_pixels, ("PNG",), check, deep)
    colour = contents.colour()
    animated = ("only its first frame was read",) if contents.frames > 1 else ()
    unknown = () if colour.unknown is None else (colour.unknown,)
    return Decoded(
        _with_transparent_colour(decoded.samples, contents),
        colour.icc,
        contents.exif,
        (*animated, *unknown, *contents.notes),
        orientation_of(contents.exif),
        colour.stated,
        not unknown,
        contents.xmp,
        contents.iptc,
        contents.texts,
        contents.resolution,
    )


def _check_palette(path: Path, contents: PngContents, image: Image.Image) -> None:
    """Refuse pixels of colours that the palette does not have, which decoders make black.

    Raises:
        InputError: with the numbers.
    """
    if contents.colour_type != _PALETTE:
        return
    highest = int(np.asarray(image).max())
    if highest >= contents.colours:
        raise InputError(
            f"is damaged: its pixels are of {highest + 1} colours, its palette of {contents.colours}",
            path=path,
        )


def read_exif(path: Path) -> bytes | None:
    """Return the EXIF of a PNG file as a TIFF structure; the chunks of the pixels are passed over unread."""
    with open_input(path) as file:
        file.seek(len(SIGNATURE))
        while len(head := file.read(8)) == 8:
            length, kind = struct.unpack(">I4s", head)
            if kind == b"eXIf":
                return file.read(length).removeprefix(b"Exif\0\0")
            file.seek(length + 4, os.SEEK_CUR)
    return None


def _decode_deep(path: Path, contents: PngContents, _: Image.Image) -> NDArray[np.uint16]:
    """Decode a 16-bit PNG by OpenCV: H×W×C, C = 1 or 2 for grey, 3 or 4 for RGB."""
    # Not through imageio: its plugin for OpenCV would read a file again, not the bytes that were checked.
    import cv2

    decoded = cv2.imdecode(np.frombuffer(contents.plain, np.uint8), cv2.IMREAD_UNCHANGED)
    size = (contents.height, contents.width)
    if decoded is None or decoded.dtype != np.uint16 or decoded.shape[:2] != size:
        raise InputError("is a damaged PNG file", path=path)
    pixels: NDArray[np.uint16] = np.atleast_3d(decoded.astype(np.uint16, copy=False))
    # OpenCV turns grey with alpha into four channels.
    channels = {_GREY: [0], _GREY_ALPHA: [0, 3], _RGB: [2, 1, 0], _RGBA: [2, 1, 0, 3]}[contents.colour_type]
    return pixels[..., channels]


def _with_transparent_colour(pixels: Pixels, contents: PngContents) -> Pixels:
    """Add the alpha of the one colour of grey or RGB that tRNS makes transparent; a palette has its own."""
    stored, count = contents.transparent, 1 if contents.colour_type == _GREY else 3
    if stored is None or contents.colour_type not in (_GREY, _RGB) or len(stored) != 2 * count:
        return pixels
    peak, levels = int(np.iinfo(pixels.dtype).max), (1 << contents.bit_depth) - 1
    colour = (np.frombuffer(stored, ">u2").astype(np.int64) & levels) * peak // levels
    alpha = np.where((pixels[..., :count] == colour).all(axis=2), 0, peak).astype(pixels.dtype)
    return np.concatenate([pixels[..., :count], alpha[..., None]], axis=2)
