"""JPEG XL through imagecodecs (libjxl); a profile is read through the extra ``jxl``, and not written.

Format: ISO/IEC 18181-1 (codestream), 18181-2 (boxes).
"""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs.further.boxes import box, boxes
from srnet_cli.imaging.codecs.further.jpeg_xl_header import (
    CODESTREAM,
    FIRST_PIECE,
    Header,
    codestream,
    read_header,
    with_srgb_curve,
)
from srnet_cli.imaging.codecs.further.whole import whole
from srnet_cli.imaging.codecs.layout import Decoded, Layout, check_size, decoding, opened
from srnet_cli.imaging.codecs.proof.jpeg_xl.behind import behind_boxes
from srnet_cli.imaging.codecs.proof.jpeg_xl.sections import check_sections
from srnet_cli.imaging.codecs.workers import thread_count
from srnet_cli.imaging.depth import from_bits
from srnet_cli.imaging.picture import Pixels
from srnet_cli.imaging.srgb import srgb_to_linear
from srnet_cli.reading import read_input

#: of 1..9. Of photographs the next one takes 1.7 times as long for no smaller files, and without loss
#: 3 times as long for a hundredth less
_EFFORT, _LOSSLESS_EFFORT = 5, 3
#: channels besides the colours (alpha, depth, black): a decoder makes them all, of hundreds, too
_MOST_FURTHER_CHANNELS = 4
_MOST_BITS = 16


def decode(path: Path, max_pixels: int) -> Decoded:
    """Read a JPEG XL file of up to 16 bits, turned upright.

    Raises:
        InputError: it is damaged, too large or of floating-point values.
    """
    import imagecodecs

    data = read_input(path)
    stream = codestream(data)
    header = _header(path, stream)
    check_size(path, header.height, header.width, max_pixels)
    if header.floating or header.bits > _MOST_BITS or header.further_channels > _MOST_FURTHER_CHANNELS:
        kind = "floating-point values" if header.floating else f"{header.bits} bits"
        if header.further_channels > _MOST_FURTHER_CHANNELS:
            kind = f"{header.further_channels} channels besides its colours"
        raise InputError(f"is a JPEG XL picture of {kind}", path=path, remedy="save it as TIFF")
    with decoding(path):
        # All frames of an animation would be decoded otherwise.
        values = imagecodecs.jpegxl_decode(data, index=0)
    behind, doubt = 0 if stream is data else behind_boxes(path, data), None
    if not header.animated:
        doubt = check_sections(path, stream, (header.height, header.width), header.bits, behind)
    notes = ["only its first frame was read"] if header.animated else []
    icc = None if header.colour is not None else _profile(data)
    known = icc is not None or header.colour is not None
    if not known:
        notes.append("its colours are taken as sRGB; the extra 'jxl' reads a profile")
    xmp = next((body for kind, body in boxes(data) if kind == b"xml "), None)
    return Decoded(
        # The decoder leaves them on the scale of their own bits.
        from_bits(np.atleast_3d(values), header.bits),
        icc,
        _exif(data),
        notes=tuple(notes),
        doubt=doubt,
        colour=header.colour,
        colour_known=known,
        xmp=xmp,
    )


def read_size(path: Path) -> tuple[int, int]:
    """Return height and width, upright."""
    header = _header(path, codestream(read_input(path)))
    turned = header.orientation >= 5
    return (header.width, header.height) if turned else (header.height, header.width)


def read_exif(path: Path) -> bytes | None:
    """Return the EXIF as a TIFF structure."""
    return _exif(read_input(path))


def missing() -> str | None:
    """Return what pip has to install before JPEG XL can be written, None when it can.

    A package that was built on the machine may lack libjxl, which its wheel has.
    """
    import imagecodecs

    return None if imagecodecs.JPEGXL.available else "--force-reinstall --only-binary imagecodecs imagecodecs"


def _encoded(pixels: Pixels, layout: Layout) -> bytes:
    import imagecodecs

    lossless, deep = layout.quality == 100, layout.bit_depth > 8
    if deep and not lossless:
        pixels = _in_linear_light(pixels)
    stored = bytes(
        imagecodecs.jpegxl_encode(
            pixels,
            None if lossless else layout.quality,
            effort=_LOSSLESS_EFFORT if lossless else _EFFORT,
            lossless=lossless,
            usecontainer=True,
            numthreads=thread_count(),
        )
    )
    pieces = list(boxes(stored))
    first = next(place for place, (kind, _) in enumerate(pieces) if kind in FIRST_PIECE)
    kind, body = pieces[first]
    if deep:  # imagecodecs calls all that has more than 8 bits linear light
        ahead = FIRST_PIECE[kind]
        pieces[first] = kind, body[:ahead] + with_srgb_curve(body[ahead:])
    # In front of the pixels: a file that is cut short is noticed.
    carried = [(b"Exif", bytes(4) + layout.exif)] if layout.exif is not None else []
    if layout.xmp is not None:
        carried.append((b"xml ", layout.xmp))
    return b"".join(box(*piece) for piece in (*pieces[:first], *carried, *pieces[first:]))


def _in_linear_light(pixels: Pixels) -> Pixels:
    """Return 16-bit samples of sRGB in linear light; alpha stays."""
    colours = 1 if pixels.shape[2] < 3 else 3
    light = np.rint(srgb_to_linear(np.arange(65_536) / 65_535) * 65_535).astype(np.uint16)
    return np.concatenate([light[pixels[..., :colours]], pixels[..., colours:]], axis=2)


encode = whole("JPEG XL", _encoded)


def _exif(data: bytes) -> bytes | None:
    stored = next((body for kind, body in boxes(data) if kind == b"Exif"), b"")
    return stored[4:] or None


def _header(path: Path, stream: bytes) -> Header:
    if not stream.startswith(CODESTREAM) or len(stream) < 8:
        raise InputError("is cut short: its header is not whole", path=path)
    return read_header(stream, _MOST_FURTHER_CHANNELS)


def _profile(data: bytes) -> bytes | None:
    try:
        import pillow_jxl  # noqa: F401  registers itself with Pillow
    except ImportError:
        return None
    try:
        with opened(io.BytesIO(data), ("JXL",)) as image:
            found = image.info.get("icc_profile")
    except (OSError, ValueError, RuntimeError, struct.error):
        return None  # imagecodecs has decoded it; only the profile is missing
    return found if isinstance(found, bytes) and found else None
