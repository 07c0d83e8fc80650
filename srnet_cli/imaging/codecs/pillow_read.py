"""8-bit PNG, JPEG, WebP and AVIF through Pillow itself.

imageio parses the EXIF of these while it decodes, and fails or warns where only the EXIF is damaged.
"""

from __future__ import annotations

import io
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from srnet_cli.errors import InputError
from srnet_cli.imaging import colour
from srnet_cli.imaging.codecs.layout import Decoded, check_size, decoding
from srnet_cli.imaging.codecs.native import check_jpeg
from srnet_cli.imaging.codecs.proof.tails import ends_in_run
from srnet_cli.imaging.metadata import orientation_of
from srnet_cli.imaging.picture import Pixels
from srnet_cli.reading import read_input

_TAIL_BYTES = 512
_GREY_MODES = frozenset({"1", "L", "LA", "La", "I;16", "I;16B", "I;16L", "I", "F"})
_pillow_limit = threading.Lock()


def decode_jpeg(path: Path, max_pixels: int) -> Decoded:
    """Read a JPEG file.

    Raises:
        InputError: it is damaged or too large.
    """
    data = read_input(path)

    def check(image: Image.Image) -> None:
        check_jpeg(path, data, image.height * image.width)

    return decode_image(path, data, max_pixels, check)


def decode_webp(path: Path, max_pixels: int) -> Decoded:
    """Read a WebP file; errors as :func:`decode_jpeg`."""
    data = read_input(path)
    (stated,) = struct.unpack("<I", data[4:8])
    if stated + 8 > len(data):
        raise InputError(f"is cut short: it says {stated + 8:,} bytes and has {len(data):,}", path=path)
    _check_tail(path, data)
    return decode_image(path, data, max_pixels)


def decode_avif(path: Path, max_pixels: int) -> Decoded:
    """Read an AVIF file; errors as :func:`decode_jpeg`."""
    data = read_input(path)
    _check_tail(path, data)
    return decode_image(path, data, max_pixels)


def read_exif(path: Path) -> bytes | None:
    """Return the EXIF of a JPEG, WebP or AVIF file as a TIFF structure."""
    with decoding(path), pillow_without_limit(), Image.open(io.BytesIO(read_input(path))) as image:
        return _exif_bytes(image)


def decode_image(
    path: Path,
    data: bytes,
    max_pixels: int,
    check: Callable[[Image.Image], None] | None = None,
    deep: Callable[[], Pixels] | None = None,
) -> Decoded:
    """Decode the first frame of what Pillow reads.

    ``check`` sees the header before the pixels; ``deep`` decodes what Pillow would reduce to 8 bits.

    Raises:
        InputError: it is damaged or too large.
    """
    with decoding(path):
        with pillow_without_limit():
            image = Image.open(io.BytesIO(data))
        with image:
            check_size(path, image.height, image.width, max_pixels)
            if check is not None:
                check(image)
            notes = []
            if getattr(image, "n_frames", 1) > 1 and image.format not in ("JPEG", "MPO"):
                notes.append("only its first frame was read")
            exif, icc = _exif_bytes(image), image.info.get("icc_profile")
            if deep is not None:
                return Decoded(deep(), icc, exif, tuple(notes))
            image.load()
            if image.mode == "CMYK":
                samples, more = colour.cmyk_to_srgb(image, icc)
                icc, notes = None, notes + more
            else:
                mode = full_mode(image.mode, "transparency" in image.info)
                samples = np.atleast_3d(np.asarray(image if image.mode == mode else image.convert(mode)))
            return Decoded(samples, icc, exif, tuple(notes), orientation_of(exif))


@contextmanager
def pillow_without_limit() -> Iterator[None]:
    """Lift Pillow's own limit of pixels, which is fixed; ours stands in for it."""
    with _pillow_limit:
        theirs, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = theirs


def full_mode(mode: str, transparent: bool) -> str:
    """Return the one of Pillow's modes L, LA, RGB and RGBA that holds all of a picture's channels."""
    if mode in _GREY_MODES and not (transparent and mode == "1"):
        return "LA" if mode in ("LA", "La") or transparent else "L"
    return "RGBA" if transparent or mode in ("RGBA", "RGBa", "PA") else "RGB"


def _check_tail(path: Path, data: bytes) -> None:
    """Refuse what an interrupted copy leaves: compressed data without a checksum, one value at the end."""
    if ends_in_run(data, _TAIL_BYTES):
        raise InputError("is incomplete: its end holds nothing but one value, repeated", path=path)


def _exif_bytes(image: Image.Image) -> bytes | None:
    stored = image.info.get("exif")
    return stored.removeprefix(b"Exif\0\0") or None if isinstance(stored, bytes) else None
