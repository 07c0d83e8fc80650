"""HEIF as phones write it (HEIC), through pillow-heif and libheif, which turns the picture upright."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs.avif_read import check_pieces, with_stated_colour
from srnet_cli.imaging.codecs.layout import Decoded, check_size, decoding
from srnet_cli.imaging.depth import from_bits
from srnet_cli.reading import read_input

_PREFIX = b"Exif\0\0"


def decode(path: Path, max_pixels: int) -> Decoded:
    """Read the main picture of a HEIF file, of 8, 10 or 12 bits.

    Raises:
        InputError: it is damaged or too large, or pillow-heif is not installed.
    """
    data = read_input(path)
    check_pieces(path, data)
    with decoding(path):
        file = _opened(path, data)
        width, height = file.size
        check_size(path, height, width, max_pixels)
        info = file.info
        bits = int(info.get("bit_depth", 8))
        values = np.atleast_3d(np.asarray(file))
    notes = ("only its main picture was read",) if len(file) > 1 else ()
    nclx = info.get("nclx_profile") or {}
    decoded = Decoded(
        from_bits(values, bits),
        info.get("icc_profile") or None,
        _exif_of(info),
        notes=notes,
        xmp=info.get("xmp") or None,
    )
    # 2 is "unspecified".
    codes = int(nclx.get("color_primaries", 2)), int(nclx.get("transfer_characteristics", 2))
    return with_stated_colour(decoded, codes)


def read_size(path: Path) -> tuple[int, int]:
    """Return height and width of the main picture, upright."""
    with decoding(path):
        width, height = _opened(path, read_input(path)).size
    return int(height), int(width)


def read_exif(path: Path) -> bytes | None:
    """Return the EXIF as a TIFF structure."""
    with decoding(path):
        return _exif_of(_opened(path, read_input(path)).info)


def _opened(path: Path, data: bytes) -> Any:
    try:
        import pillow_heif
    except ImportError as error:
        raise InputError(
            "is a HEIF picture, which needs the package pillow-heif",
            path=path,
            remedy="pip install pillow-heif",
        ) from error
    return pillow_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=False, hdr_to_16bit=False)


def _exif_of(info: dict[str, Any]) -> bytes | None:
    stored = info.get("exif")
    return stored.removeprefix(_PREFIX) or None if isinstance(stored, bytes) else None
