"""JPEG XL through imagecodecs (libjxl); its profile through the extra ``jxl``.

Format: ISO/IEC 18181-1 (codestream), 18181-2 (boxes).
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass, replace
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
_HEAD_BYTES = 64
#: channels besides the colours (alpha, depth, black): a decoder makes them all, of hundreds, too
_MOST_FURTHER_CHANNELS = 4
_MOST_BITS = 16


@dataclass(frozen=True)
class _Header:
    height: int
    width: int
    #: EXIF orientation, which the decoder undoes
    orientation: int = 1
    bits: int = 8
    floating: bool = False
    further_channels: int = 0
    animated: bool = False


def decode(path: Path, max_pixels: int) -> Decoded:
    """Read a JPEG XL file of up to 16 bits, turned upright.

    Raises:
        InputError: it is damaged, too large or of floating-point values.
    """
    import imagecodecs

    data = read_input(path)
    header = _header(path, data)
    check_size(path, header.height, header.width, max_pixels)
    if header.floating or header.bits > _MOST_BITS or header.further_channels > _MOST_FURTHER_CHANNELS:
        kind = "floating-point values" if header.floating else f"{header.bits} bits"
        if header.further_channels > _MOST_FURTHER_CHANNELS:
            kind = f"{header.further_channels} channels besides its colours"
        raise InputError(f"is a JPEG XL picture of {kind}", path=path, remedy="save it as TIFF")
    with decoding(path):
        # All frames of an animation would be decoded otherwise.
        values = imagecodecs.jpegxl_decode(data, index=0)
    notes = ["only its first frame was read"] if header.animated else []
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
    header = _Header(*bits.size())
    if bits.take(1):  # all that follows is as usual
        return header
    if bits.take(1):
        header = replace(header, orientation=1 + bits.take(3))
        if bits.take(1):
            bits.size()
        if bits.take(1):
            bits.preview_size()
        if bits.take(1):
            header = replace(header, animated=True)
            bits.animation()
    floating = bool(bits.take(1))
    depth = bits.number(
        *(((0, 32), (0, 16), (0, 24), (6, 1)) if floating else ((0, 8), (0, 10), (0, 12), (6, 1)))
    )
    if floating:
        bits.take(4)
    bits.take(1)
    further = bits.number((0, 0), (0, 1), (4, 2), (12, 1))
    return replace(header, floating=floating, bits=depth, further_channels=further)


class _Bits:
    """Reader of a codestream's bits, the lowest of each byte first."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "little")

    def take(self, count: int) -> int:
        found = self._value & ((1 << count) - 1)
        self._value >>= count
        return found

    def number(self, *choices: tuple[int, int]) -> int:
        """Read one of four forms of a number: so many bits, and what is added to them."""
        count, offset = choices[self.take(2)]
        return offset + self.take(count)

    def size(self) -> tuple[int, int]:
        """Read height and width."""
        small = self.take(1)

        def side() -> int:
            return 8 * (self.take(5) + 1) if small else self.number(*((bits, 1) for bits in _SIDE_BITS))

        height = side()
        return height, self._width(height) or side()

    def preview_size(self) -> None:
        eighths = self.take(1)
        forms = ((0, 16), (0, 32), (5, 1), (9, 33)) if eighths else ((6, 1), (8, 65), (10, 321), (12, 1345))
        height = self.number(*forms)
        if not self._width(height):
            self.number(*forms)

    def animation(self) -> None:
        """Read how fast an animation runs, and how often."""
        self.number((0, 100), (0, 1000), (10, 1), (30, 1))
        self.number((0, 1), (0, 1001), (8, 1), (10, 1))
        self.number((0, 0), (3, 0), (16, 0), (32, 0))
        self.take(1)

    def _width(self, height: int) -> int:
        """Read the ratio of a size, and return the width that it gives; 0 where the width follows."""
        across, down = _RATIOS.get(self.take(3), (0, 1))
        return height * across // down


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
