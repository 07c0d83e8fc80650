"""JPEG 2000 through imagecodecs (OpenJPEG). Format: ISO/IEC 15444-1, annexes A (codestream) and I (boxes)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs.further.boxes import boxes
from srnet_cli.imaging.codecs.layout import Decoded, check_size, decoding
from srnet_cli.imaging.codecs.proof.coded import check_jpeg_2000
from srnet_cli.reading import read_input

#: start of a codestream and of its first segment, which states the size
_CODESTREAM = b"\xff\x4f\xff\x51"
_ICC_PROFILE = 2
_MOST_SAMPLES = 4


@dataclass(frozen=True)
class _Header:
    height: int
    width: int
    components: int
    bits: int
    signed: bool


def decode(path: Path, max_pixels: int) -> Decoded:
    """Read a JPEG 2000 file (.jp2, .j2k) of up to 16 bits.

    Raises:
        InputError: it is damaged, too large, or of a kind that is not supported.
    """
    import imagecodecs

    data = read_input(path)
    header = _header(path, data)
    check_size(path, header.height, header.width, max_pixels)
    if header.signed or header.bits > 16 or header.components > _MOST_SAMPLES:
        raise InputError("is a JPEG 2000 picture of a kind that is not supported", path=path, remedy="TIFF")
    with decoding(path):
        values = np.atleast_3d(imagecodecs.jpeg2k_decode(data))
    check_jpeg_2000(path, data, lambda: values)
    from srnet_cli.imaging.depth import from_bits

    return Decoded(from_bits(values, header.bits), _profile(data))


def read_size(path: Path) -> tuple[int, int]:
    """Return height and width."""
    header = _header(path, read_input(path))
    return header.height, header.width


def _header(path: Path, data: bytes) -> _Header:
    start = data.find(_CODESTREAM)
    try:
        right, bottom, left, top = struct.unpack_from(">4I", data, start + 8)
        (components,) = struct.unpack_from(">H", data, start + 40)
        depth = data[start + 42]
    except (struct.error, IndexError) as error:
        raise InputError("is cut short: its header is not whole", path=path) from error
    if start < 0:
        raise InputError("is damaged: it has no codestream", path=path)
    return _Header(bottom - top, right - left, components, (depth & 0x7F) + 1, bool(depth & 0x80))


def _profile(data: bytes) -> bytes | None:
    header = next((body for kind, body in boxes(data) if kind == b"jp2h"), b"")
    for kind, body in boxes(header):
        if kind == b"colr" and body[:1] == bytes([_ICC_PROFILE]):
            return body[3:] or None
    return None
