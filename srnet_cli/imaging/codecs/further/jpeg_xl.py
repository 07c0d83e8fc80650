"""JPEG XL through imagecodecs (libjxl); its profile through the extra ``jxl``.

Format: ISO/IEC 18181-1 (codestream), 18181-2 (boxes).
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs.further.boxes import boxes
from srnet_cli.imaging.codecs.layout import Decoded, check_size, decoding
from srnet_cli.reading import read_input

_CODESTREAM = b"\xff\x0a"
#: width over height by the number of the ratio
_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}
_SIDE_BITS = (9, 13, 18, 30)
_HEAD_BYTES = 32


@dataclass(frozen=True)
class _Header:
    height: int
    width: int
    #: EXIF orientation, which the decoder undoes
    orientation: int


def decode(path: Path, max_pixels: int) -> Decoded:
    """Read a JPEG XL file of up to 16 bits, turned upright.

    Raises:
        InputError: it is damaged, too large or of floating-point values.
    """
    import imagecodecs

    data = read_input(path)
    header = _header(path, data)
    check_size(path, header.height, header.width, max_pixels)
    with decoding(path):
        values = imagecodecs.jpegxl_decode(data)
    if values.dtype not in (np.uint8, np.uint16):
        raise InputError(
            f"is a JPEG XL picture of {values.dtype} values", path=path, remedy="save it as TIFF"
        )
    notes = []
    if values.ndim == 4:
        notes.append("only its first frame was read")
        values = values[0]
    icc = _profile(data)
    if icc is None:
        notes.append("its colours are taken as sRGB; the extra 'jxl' reads a profile")
    exif = next((body[4:] for kind, body in boxes(data) if kind == b"Exif"), None)
    xmp = next((body for kind, body in boxes(data) if kind == b"xml "), None)
    return Decoded(
        np.atleast_3d(values), icc, exif or None, notes=tuple(notes), colour_known=icc is not None, xmp=xmp
    )


def read_size(path: Path) -> tuple[int, int]:
    """Return height and width, upright."""
    header = _header(path, read_input(path))
    turned = header.orientation >= 5
    return (header.width, header.height) if turned else (header.height, header.width)


def _header(path: Path, data: bytes) -> _Header:
    stream = data
    if not data.startswith(_CODESTREAM):
        pieces = dict(reversed(list(boxes(data))))
        stream = pieces.get(b"jxlc") or pieces.get(b"jxlp", b"")[4:]
    if not stream.startswith(_CODESTREAM) or len(stream) < 8:
        raise InputError("is cut short: its header is not whole", path=path)
    bits = _Bits(stream[2:_HEAD_BYTES])
    small = bits.take(1)
    height = 8 * (bits.take(5) + 1) if small else bits.side()
    ratio = bits.take(3)
    if ratio:
        across, down = _RATIOS[ratio]
        width = height * across // down
    else:
        width = 8 * (bits.take(5) + 1) if small else bits.side()
    usual = bits.take(1)
    orientation = 1 + bits.take(3) if not usual and bits.take(1) else 1
    return _Header(height, width, orientation)


class _Bits:
    """Reader of a codestream's bits, the lowest of each byte first."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "little")

    def take(self, count: int) -> int:
        found = self._value & ((1 << count) - 1)
        self._value >>= count
        return found

    def side(self) -> int:
        return 1 + self.take(_SIDE_BITS[self.take(2)])


def _profile(data: bytes) -> bytes | None:
    try:
        import pillow_jxl  # noqa: F401  registers itself with Pillow
    except ImportError:
        return None
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as image:
            found = image.info.get("icc_profile")
    except (OSError, ValueError, RuntimeError, struct.error):
        return None  # imagecodecs has decoded it; only the profile is missing
    return found if isinstance(found, bytes) and found else None
