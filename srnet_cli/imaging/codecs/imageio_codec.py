"""Formats through imageio: BMP and GIF are read, JPEG, WebP and AVIF written by its Pillow plugin.

A further format that it knows takes one row in the table with :func:`decode` and :func:`encoder`.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import imageio.v3 as imageio
import numpy as np
from numpy.typing import NDArray

from srnet_cli.errors import InputError
from srnet_cli.imaging.codecs.further.whole import whole
from srnet_cli.imaging.codecs.layout import Decoded, Encoder, Layout, check_size, decoding, opened
from srnet_cli.imaging.codecs.pillow_read import full_mode, pillow_without_limit
from srnet_cli.imaging.codecs.proof.bitmap.bmp import check_bmp
from srnet_cli.imaging.codecs.proof.bitmap.header import read_header
from srnet_cli.imaging.codecs.proof.boxed.second import quiet_opencv
from srnet_cli.imaging.codecs.proof.outcome import check_outcome
from srnet_cli.imaging.metadata.iptc import as_resource
from srnet_cli.imaging.picture import Pixels
from srnet_cli.reading import read_input

#: from here on JPEG and AVIF keep the colour of every pixel
_FULL_CHROMA_QUALITY = 90
_BMP_HEAD = 64
_METRES_PER_INCH = 0.0254
#: compression in the header of a bitmap: colours, and colours and alpha, by masks
_BIT_FIELDS = (3, 6)
_JPEG_OR_PNG = (4, 5)
#: what Pillow calls bitmaps, the latter without the file's own header
_BITMAPS = ("BMP", "DIB")
_BMP_DEPTHS = (1, 4, 8, 16, 24, 32)
_BMP_HEADERS = (40, 52, 56, 64, 108, 124)


def decode(path: Path, max_pixels: int, formats: tuple[str, ...]) -> Decoded:
    """Read the first frame of a file with 8 bits a sample, which Pillow knows by one of ``formats``.

    Raises:
        InputError: it is damaged or too large.
    """
    with decoding(path):
        data = read_input(path)
        with pillow_without_limit():
            # imageio has Pillow try all of its decoders.
            opened(io.BytesIO(data), formats).close()
            file: Any = imageio.imopen(data, "r", plugin="pillow")
        with file:
            frames, height, width = file.properties(index=...).shape[:3]
            check_size(path, height, width, max_pixels)
            about = file.metadata(index=0)
            samples = file.read(index=0, mode=full_mode(about["mode"], "transparency" in about))
    samples = np.atleast_3d(samples)
    check_outcome(path, samples, partial(_as_stored, path, data, formats))
    notes = ("only its first frame was read",) if frames > 1 else ()
    dpi, comment = about.get("dpi"), about.get("comment")
    return Decoded(
        samples,
        notes=notes,
        resolution=dpi if dpi is not None and min(dpi) > 0 else None,
        texts=(("Comment", comment.decode("latin-1")),) if isinstance(comment, bytes) else (),
    )


def _as_stored(path: Path, data: bytes, formats: tuple[str, ...]) -> NDArray[Any]:
    """Return the numbers of colours where there are such."""
    with decoding(path), pillow_without_limit(), opened(io.BytesIO(data), formats) as image:
        return np.asarray(image)


def decode_bmp(path: Path, max_pixels: int) -> Decoded:
    """Read a BMP file; errors as :func:`decode`."""
    data = read_input(path)
    header = read_header(data)
    if header is not None:
        check_size(path, header.height, header.width, max_pixels)
    checked = False
    try:
        gaps = check_bmp(path, data)
        checked = True
        return _decode_gaps(path, data, max_pixels) if gaps else decode(path, max_pixels, _BITMAPS)
    except InputError as error:
        kind = _unusual_bmp(data[14:_BMP_HEAD] if data.startswith(b"BM") else data[:_BMP_HEAD], checked)
        if kind is None:
            raise
        raise InputError(
            f"is a BMP file {kind}, which is not supported, or damaged",
            path=path,
            remedy="save it with 24 bits, or as PNG",
        ) from error


def _decode_gaps(path: Path, data: bytes, max_pixels: int) -> Decoded:
    """Decode a bitmap whose runs leave pixels out by OpenCV; Pillow forgets rows without any."""
    import cv2

    width, height = struct.unpack_from("<ii", data, 18)
    check_size(path, abs(height), width, max_pixels)
    with decoding(path), quiet_opencv():
        values = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if values is None or values.shape[:2] != (abs(height), width):
        raise InputError("is damaged: its runs of pixels cannot be decoded", path=path)
    samples = np.atleast_3d(values)[..., :3]
    check_outcome(path, samples, partial(_as_stored, path, data, _BITMAPS))
    across, down = (per_metre * _METRES_PER_INCH for per_metre in struct.unpack_from("<ii", data, 38))
    return Decoded(
        np.ascontiguousarray(samples[..., ::-1], np.uint8),
        resolution=(across, down) if min(across, down) > 0 else None,
    )


def _unusual_bmp(header: bytes, masks: bool) -> str | None:
    """Say what is unusual about a bitmap's header, None when nothing is; masks if asked."""
    if len(header) < 40 or header[:4] == b"\x0c\0\0\0" or any(header[1:4]):
        return None
    bits, compression = struct.unpack_from("<HI", header, 14)
    (colours,) = struct.unpack_from("<I", header, 32)
    if masks and compression in _BIT_FIELDS:
        return "with bit fields of a kind"
    if compression in _JPEG_OR_PNG:
        return "with another format inside"
    if header[0] not in _BMP_HEADERS:
        return f"with a header of {header[0]} bytes"
    if bits not in _BMP_DEPTHS:
        return f"of {bits} bits a pixel"
    return f"with a palette of {colours} colours" if bits <= 8 and colours > 1 << bits else None


def encoder(
    suffix: str, parameters: Callable[[Layout], dict[str, Any]] = lambda layout: {}, grey: bool = True
) -> Callable[[BinaryIO, Layout], Encoder]:
    """Return what encodes whole pictures into the format of ``suffix``.

    ``parameters`` are those of Pillow for the format; without ``grey`` grey is stored as RGB.
    """

    def encoded(pixels: Pixels, layout: Layout) -> bytes:
        if pixels.shape[2] == 1:
            pixels = pixels[..., 0]
        options = {"extension": suffix, "plugin": "pillow", **parameters(layout)}
        stored: bytes = imageio.imwrite("<bytes>", pixels, is_batch=False, **options)
        return stored

    return whole(suffix.removeprefix(".").upper(), encoded, grey)


def _common(layout: Layout) -> dict[str, Any]:
    exif = b"" if layout.exif is None else b"Exif\0\0" + layout.exif
    icc = {} if layout.icc is None else {"icc_profile": layout.icc}
    xmp = {} if layout.xmp is None else {"xmp": layout.xmp}
    return {"quality": layout.quality, "exif": exif, **icc, **xmp}


def _jpeg(layout: Layout) -> dict[str, Any]:
    more: dict[str, Any] = {}
    if layout.resolution is not None:
        more["dpi"] = tuple(min(max(round(value), 1), 65_535) for value in layout.resolution)
    if layout.iptc is not None:
        body = b"Photoshop 3.0\0" + as_resource(layout.iptc)
        more["extra"] = b"\xff\xed" + struct.pack(">H", len(body) + 2) + body
    return {**_common(layout), "subsampling": 0 if layout.quality >= _FULL_CHROMA_QUALITY else 2, **more}


def _webp(layout: Layout) -> dict[str, Any]:
    return {**_common(layout), "lossless": layout.quality == 100, "method": 4}


def _avif(layout: Layout) -> dict[str, Any]:
    full = layout.quality >= _FULL_CHROMA_QUALITY
    return {**_common(layout), "subsampling": "4:4:4" if full else "4:2:0"}


encode_jpeg = encoder(".jpg", _jpeg)
encode_webp = encoder(".webp", _webp, grey=False)
encode_avif = encoder(".avif", _avif, grey=False)
