"""PNG, JPEG, WebP and AVIF of 8 bits through Pillow itself.

imageio parses the EXIF of these while it decodes, and fails or warns where only the EXIF is damaged.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from srnet_cli.errors import InputError
from srnet_cli.imaging import colour
from srnet_cli.imaging.codecs.jpeg_segments import lacks_scans, tidied, unsupported_kind, without_padding
from srnet_cli.imaging.codecs.layout import Decoded, check_size, decoding, opened
from srnet_cli.imaging.codecs.native import check_jpeg
from srnet_cli.imaging.codecs.proof.jpeg import check_codes, check_start, check_tail
from srnet_cli.imaging.codecs.proof.outcome import check_outcome
from srnet_cli.imaging.codecs.proof.webp.coded import check_webp, check_webp_end, doubt_of_webp_end
from srnet_cli.imaging.codecs.proof.webp.sizes import check_webp_length, check_webp_names, check_webp_sizes
from srnet_cli.imaging.metadata import orientation_of
from srnet_cli.imaging.picture import Pixels
from srnet_cli.reading import open_input, read_input

#: the number of IPTC-IIM among the resources of Photoshop
_IPTC_RESOURCE = 0x0404
_GREY_MODES = frozenset({"1", "L", "LA", "La", "I;16", "I;16B", "I;16L", "I", "F"})
#: previews, and layers that are in the picture already
_WITHOUT_FRAMES = ("JPEG", "MPO", "PSD")
#: of whose files :func:`read_exif` is asked
_WITH_EXIF = ("JPEG", "WEBP", "AVIF")
_JPEG_START = b"\xff\xd8"
_pillow_limit = threading.Lock()


def decode_jpeg(path: Path, max_pixels: int) -> Decoded:
    """Read a JPEG file.

    Raises:
        InputError: it is damaged or too large.
    """
    data = read_input(path)
    # Behind a lost header there are no segments, and that is no kind of its own.
    check_start(path, data)
    kind = unsupported_kind(data)
    if kind is not None:
        raise InputError(
            f"is a JPEG file of a kind that is not supported ({kind})",
            path=path,
            remedy="save it as TIFF or PNG in the program that wrote it",
        )
    check_codes(path, data)
    if lacks_scans(data):
        raise InputError("is cut short: some scans of its pixels are missing", path=path)
    check_tail(path, data)
    stored, data = data, tidied(data)

    def check(image: Image.Image) -> None:
        pixels = image.height * image.width
        try:
            check_jpeg(path, data, pixels)
        except InputError as error:
            if data[-2:] == b"\xff\xd9" != stored[-2:]:
                raise InputError("is cut short: the end of its pixels is missing", path=path) from error
            shorter = without_padding(data)
            if shorter is None:
                raise
            check_jpeg(path, shorter, pixels)

    return decode_image(path, data, max_pixels, ("JPEG",), check)


def decode_webp(path: Path, max_pixels: int) -> Decoded:
    """Read a WebP file; errors as :func:`decode_jpeg`."""
    data = read_input(path)
    doubt = check_webp_length(path, data)
    check_webp_names(path, data)
    check_webp_sizes(path, data)
    decoded = decode_image(path, data, max_pixels, ("WEBP",), deep=partial(_first_frame, path, data))
    check_webp(path, data, lambda: decoded.samples, only_alpha_for_zeros=True)
    return replace(decoded, doubt=doubt or doubt_of_webp_end(data, decoded.samples))


def _first_frame(path: Path, data: bytes, image: Image.Image) -> Pixels:
    """Decode WebP in the memory of its pixels; Pillow's decoder, made for animations, takes five times it."""
    import imagecodecs

    alpha = image.mode == "RGBA"
    # Of an animation the first frame may cover a part only.
    samples = np.zeros((image.height, image.width, 4 if alpha else 3), np.uint8)
    decode = partial(imagecodecs.webp_decode, index=0, hasalpha=alpha, out=samples)
    check_webp_end(path, data, decode)
    samples.fill(0)
    decode(data)
    return samples


def read_exif(path: Path) -> bytes | None:
    """Return the EXIF of a JPEG, WebP or AVIF file as a TIFF structure."""
    with decoding(path), pillow_without_limit(), open_input(path) as file:
        # Of JPEG no more is read than the head: there may be thousands. The others take all of a file.
        whole = file.read(len(_JPEG_START)) != _JPEG_START
        file.seek(0)
        with opened(io.BytesIO(read_input(path)) if whole else file, _WITH_EXIF) as image:
            return exif_in(image)


def decode_image(
    path: Path,
    data: bytes,
    max_pixels: int,
    formats: tuple[str, ...],
    check: Callable[[Image.Image], None] | None = None,
    deep: Callable[[Image.Image], Pixels] | None = None,
) -> Decoded:
    """Decode the first frame of a file that Pillow reads by the decoders named in ``formats``.

    ``check`` sees the header before the pixels; ``deep`` decodes in its place, what it would
    reduce to 8 bits or takes too much memory for.

    Raises:
        InputError: it is damaged or too large.
    """
    with decoding(path):
        with pillow_without_limit():
            image = opened(io.BytesIO(data), formats)
        with image:
            check_size(path, image.height, image.width, max_pixels)
            if check is not None:
                check(image)
            notes = []
            if getattr(image, "n_frames", 1) > 1 and image.format not in _WITHOUT_FRAMES:
                notes.append("only its first frame was read")
            about = _about(image)
            if deep is not None:
                return replace(about, samples=deep(image), notes=tuple(notes))
            image.load()
            icc, stated = about.icc, None
            if image.mode == "CMYK":
                samples, more = colour.cmyk_to_srgb(path, image, icc)
                icc, stated, notes = None, colour.SRGB_COLOUR, notes + more
            else:
                mode = full_mode(image.mode, "transparency" in image.info)
                samples = np.atleast_3d(np.asarray(image if image.mode == mode else image.convert(mode)))
            check_outcome(path, samples, partial(np.asarray, image))
            return replace(about, samples=samples, icc=icc, colour=stated, notes=tuple(notes))


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


def _about(image: Image.Image) -> Decoded:
    """Return what a file says besides its pixels."""
    info, exif = image.info, exif_in(image)
    unit, density = info.get("jfif_unit"), info.get("jfif_density")
    resolution = None
    if unit in (1, 2) and density is not None and min(density) > 0:
        per_inch = 1.0 if unit == 1 else 2.54
        resolution = (density[0] * per_inch, density[1] * per_inch)
    photoshop, comment, xmp = info.get("photoshop"), info.get("comment"), info.get("xmp")
    iptc = photoshop.get(_IPTC_RESOURCE) if isinstance(photoshop, dict) else None
    texts = (("Comment", comment.decode("utf-8", errors="replace")),) if isinstance(comment, bytes) else ()
    return Decoded(
        np.empty((0, 0, 1), np.uint8),
        info.get("icc_profile"),
        exif,
        orientation=orientation_of(exif),
        xmp=xmp if isinstance(xmp, bytes) and xmp else None,
        iptc=iptc if isinstance(iptc, bytes) and iptc else None,
        texts=texts,
        resolution=resolution,
    )


def exif_in(image: Image.Image) -> bytes | None:
    """Return the EXIF that Pillow found in the header, as a TIFF structure."""
    stored = image.info.get("exif")
    return stored.removeprefix(b"Exif\0\0") or None if isinstance(stored, bytes) else None
