"""HEIF as phones write it (HEIC), through pillow-heif and libheif, which turns the picture upright."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs.avif_read import with_stated_colour
from srnet_cli.imaging.codecs.layout import Decoded, check_size, decoding
from srnet_cli.imaging.codecs.proof.boxed.parts import check_pieces
from srnet_cli.imaging.depth import from_bits
from srnet_cli.reading import read_input

_PREFIX = b"Exif\0\0"
#: how TIFF begins; there may be more ahead of it, as of the marker of a JPEG
_TIFF = re.compile(rb"II\*\0|MM\0\*")
_MOST_AHEAD = 16
#: weights of red and blue in luma: BT.601, BT.709, BT.2020
_LUMA = ((0.299, 0.114), (0.2126, 0.0722), (0.2627, 0.0593))
#: side of the blocks that are looked at, and how many may be of the colour that nothing decodes to
_BLOCK, _MOST_EMPTY = 8, 3
#: of the peak: how far rounding may move a colour
_ROUNDING = 1.5 / 255


def decode(path: Path, max_pixels: int) -> Decoded:
    """Read the main picture of a HEIF file, of 8, 10 or 12 bits.

    Raises:
        InputError: it is damaged or too large, or pillow-heif is not installed.
    """
    data = read_input(path)
    parts = check_pieces(path, data)
    with decoding(path):
        file = _opened(path, data)
        width, height = file.size
        check_size(path, height, width, max_pixels)
        info = file.info
        bits = int(info.get("bit_depth", 8))
        values = np.atleast_3d(np.asarray(file))
    _check_decoded(path, values, (1 << bits) - 1)
    notes = ("only its main picture was read",) if len(file) > 1 else ()
    nclx = info.get("nclx_profile") or {}
    decoded = Decoded(
        from_bits(values, bits),
        info.get("icc_profile") or None,
        _exif_of(info),
        notes=notes,
        doubt=parts.doubt,
        xmp=info.get("xmp") or None,
    )
    # 2 is "unspecified".
    codes = int(nclx.get("color_primaries", 2)), int(nclx.get("transfer_characteristics", 2))
    return with_stated_colour(decoded, codes)


def _check_decoded(path: Path, values: NDArray[Any], peak: int) -> None:
    """Refuse blocks that were never decoded: where its data breaks off the decoder leaves luma and chroma 0.

    That is a green without red and blue, far out of what coders make of colours, which differs by matrix and
    range, and is the same in every pixel; green light in a photograph is not. A graphic may have
    that green, or one a step beside it; it is refused, too.

    Raises:
        InputError: saying how much is missing.
    """
    if values.shape[2] < 3:
        return
    height, width = (length // _BLOCK for length in values.shape[:2])
    pixels = values[: height * _BLOCK, : width * _BLOCK, :3]
    blocks = pixels.reshape(height, _BLOCK, width, _BLOCK, 3).swapaxes(1, 2)
    # Most blocks are told by one pixel; the others would take a copy of the picture.
    first = blocks[:, :, 0, 0]
    suspects = ~first[..., [0, 2]].any(axis=2)
    suspects &= np.any([np.abs(first[..., 1] / peak - green) <= _ROUNDING for green in _greens()], axis=0)
    found = blocks[suspects]
    flat = found[(found == found[:, :1, :1]).all(axis=(1, 2, 3)), 0, 0, 1]
    empty = int(np.unique(flat, return_counts=True)[1].max(initial=0))
    if empty > _MOST_EMPTY:
        share = empty / (height * width)
        raise InputError(f"is incomplete: {share:.1%} of its pixels cannot be decoded", path=path)


def _greens() -> Iterator[float]:
    """Yield the greens, 0..1, of luma and chroma 0, in full and in limited range."""
    for red, blue in _LUMA:
        chroma = 128 * 2 * (blue * (1 - blue) + red * (1 - red)) / (1 - red - blue)
        yield chroma / 255
        yield (chroma * 255 / 224 - 16 * 255 / 219) / 255


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
    if not isinstance(stored, bytes):
        return None
    begin = _TIFF.search(stored, 0, _MOST_AHEAD)
    return stored[begin.start() :] if begin else stored.removeprefix(_PREFIX) or None
