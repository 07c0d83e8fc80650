"""GIF: how many blocks a file has, and whether its first frame has the codes of its pixels, and no others."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs import imageio_codec
from srnet_cli.imaging.codecs.layout import Decoded, decoding, opened
from srnet_cli.imaging.codecs.pillow_read import pillow_without_limit
from srnet_cli.imaging.codecs.proof.bitmap.colours import check_colours, check_numbers, in_turn
from srnet_cli.imaging.codecs.proof.gif.blocks import END, MOST_BLOCKS, MOST_FRAMES, count, joined
from srnet_cli.imaging.codecs.proof.gif.codes import end_with_pixels
from srnet_cli.reading import read_input


def decode(path: Path, max_pixels: int) -> Decoded:
    """Read the first frame of a GIF file.

    Raises:
        InputError: it is damaged or too large, or has more blocks than there is time for.
    """
    data = read_input(path)
    found = count(path, data)
    if found.blocks > MOST_BLOCKS or found.frames > MOST_FRAMES:
        raise InputError(
            f"has more than {MOST_FRAMES:,} frames, or {MOST_BLOCKS:,} blocks of data",
            path=path,
            remedy="save its first frame as PNG",
        )
    decoded = imageio_codec.decode(path, max_pixels, ("GIF",))
    first = found.first
    image = None if first is None else _first_frame(data[: first.codes.stop])
    if first is None or image is None:
        raise InputError("is damaged: its first frame has less data than pixels", path=path)
    if not end_with_pixels(joined(data, first.codes), first.bits, first.height * first.width):
        raise InputError("is damaged: the codes of its first frame do not end with its pixels", path=path)
    with decoding(path):
        numbers, table = np.asarray(image), b"" if image.palette is None else bytes(image.palette.palette)
        if image.mode == "P" and table in data:
            check_colours(path, in_turn(table, data.index(table), 3), numbers)
            check_numbers(path, numbers[numbers != image.info.get("transparency")], len(table) // 3)
    return decoded


def _first_frame(data: bytes) -> Image.Image | None:
    """Decode a file up to the end of its first frame's codes; None where these are too few.

    Of the whole file decoders go on with the codes of the next frame.
    """
    try:
        with pillow_without_limit(), opened(io.BytesIO(data + bytes([0, END])), ("GIF",)) as image:
            image.load()
            return image
    except OSError:
        return None
