"""Photoshop's own format through Pillow: the whole picture that the program stores beside the layers."""

from __future__ import annotations

import struct
from pathlib import Path

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs.layout import Decoded
from srnet_cli.imaging.codecs.pillow_read import decode_image
from srnet_cli.reading import read_input

#: bitmap, grey, palette, RGB, CMYK
_MODES = (0, 1, 2, 3, 4)
_HEAD_BYTES = 26


def decode(path: Path, max_pixels: int) -> Decoded:
    """Read a PSD file of 8 bits.

    Raises:
        InputError: it is damaged, too large, or of a kind that is not supported.
    """
    data = read_input(path)
    if len(data) < _HEAD_BYTES:
        raise InputError("is cut short: its header is not whole", path=path)
    version, depth, mode = struct.unpack_from(">H16xHH", data, 4)
    if version != 1 or depth not in (1, 8) or mode not in _MODES:
        raise InputError(
            f"is a Photoshop file of a kind that is not supported ({depth} bits)",
            path=path,
            remedy="save it as TIFF",
        )
    return decode_image(path, data, max_pixels)
