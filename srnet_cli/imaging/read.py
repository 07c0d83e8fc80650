"""Pictures from files: any supported format in, one :class:`Picture` out."""

from __future__ import annotations

import io
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from srnet_cli.errors import InputError
from srnet_cli.imaging import colour
from srnet_cli.imaging.codecs import ifd, png_read, tiff_read
from srnet_cli.imaging.codecs.native import check_jpeg
from srnet_cli.imaging.depth import to_8_bit
from srnet_cli.imaging.formats import content_format, is_raw_path
from srnet_cli.imaging.metadata import carried_exif, focal_length_of, orientation_of
from srnet_cli.imaging.orientation import upright
from srnet_cli.imaging.picture import Metadata, Picture, Pixels
from srnet_cli.imaging.raw import RawOptions, develop, is_raw_structure, raw_focal_length

#: twice what a 100-megapixel camera takes, and half of what fits into memory comfortably
DEFAULT_MAX_PIXELS = 250_000_000
_HEAD_BYTES = 32
_ZERO_TAIL_BYTES = 512
_PILLOW_NAMES = {"png": "PNG", "jpeg": "JPEG", "tiff": "TIFF", "webp": "WEBP", "avif": "AVIF", "bmp": "BMP"}
_GREY_MODES = frozenset({"1", "L", "LA", "La", "I;16", "I;16B", "I;16L", "I", "F"})
_pillow_limit = threading.Lock()


@dataclass(frozen=True)
class _Decoded:
    """Pixels as stored, before they are turned: H×W×C with C = 1, 2 (grey), 3 or 4 (RGB)."""

    samples: Pixels
    icc: bytes | None = None
    exif: bytes | None = None
    notes: tuple[str, ...] = ()
    #: EXIF orientation 1..8 in which the samples are
    orientation: int = 1


def read_picture(path: Path, raw: RawOptions = RawOptions(), max_pixels: int = DEFAULT_MAX_PIXELS) -> Picture:  # noqa: B008
    """Read a camera RAW file or a PNG, JPEG, TIFF, WebP, AVIF or BMP picture, turned upright.

    A RAW file is known by its suffix, any other format by its content. 16-bit pictures stay 16-bit; CMYK
    and CIE Lab become sRGB; of several pages or frames the first is read, with a note.

    Raises:
        InputError: there is no such file, it is none of these, damaged, cut short, has NaN or infinite
            values, or more than ``max_pixels`` pixels.
    """
    path = Path(path)
    kind = _content(path)
    if is_raw_path(path):
        return develop(path, raw, max_pixels)
    if kind is None:
        raise InputError(
            "is no picture in a supported format", path=path, remedy="RAW, PNG, JPEG, TIFF, WebP, AVIF or BMP"
        )
    if kind == "tiff":
        structure = _tiff_structure(path)
        if is_raw_structure(structure):
            return develop(path, raw, max_pixels)
        return _finished(path, _tiff(path, structure, max_pixels))
    return _finished(path, _other(path, kind, max_pixels))


def read_focal_length(path: Path) -> float | None:
    """The focal length in millimetres that a RAW or RGB file records, None if it records none.

    Raises:
        InputError: the file cannot be read.
    """
    path = Path(path)
    kind = _content(path)
    if is_raw_path(path):
        return raw_focal_length(path)
    if kind is None:
        raise InputError("is no picture in a supported format", path=path)
    if kind == "tiff":
        return focal_length_of(_tiff_exif(_tiff_structure(path)))
    data = path.read_bytes()
    if kind == "png":
        return focal_length_of(png_read.read_header(path, data).exif)
    with _decoding(path), _pillow(data, kind) as image:
        return focal_length_of(_exif_bytes(image))


def _content(path: Path) -> str | None:
    """The format that the content shows; a missing or empty file is refused."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except FileNotFoundError:
        raise InputError("there is no such file", path=path) from None
    except IsADirectoryError:
        raise InputError("is a folder, not a picture", path=path) from None
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path=path) from error
    if not head:
        raise InputError("is empty", path=path)
    return content_format(head)


def _finished(path: Path, decoded: _Decoded) -> Picture:
    """Turn upright, split off alpha, keep the profile if it fits."""
    samples: NDArray[Any] = upright(decoded.samples, decoded.orientation)
    grey = samples.shape[2] < 3
    alpha = None
    if samples.shape[2] in (2, 4):
        alpha = np.ascontiguousarray(samples[..., -1])
        if alpha.min() == np.iinfo(alpha.dtype).max:
            alpha = None
    pixels = np.ascontiguousarray(samples[..., [0, 0, 0]] if grey else samples[..., :3])
    notes = list(decoded.notes)
    icc = _fitting_profile(decoded.icc, grey, notes)
    metadata = Metadata(
        icc=icc,
        exif=carried_exif(decoded.exif),
        focal_length=focal_length_of(decoded.exif),
        notes=tuple(notes),
    )
    return Picture(pixels, alpha, grey=grey, source=path, metadata=metadata)


def _fitting_profile(icc: bytes | None, grey: bool, notes: list[str]) -> bytes | None:
    if not icc:
        return None
    space = colour.profile_space(icc)
    if space is None:
        notes.append("its colour profile is damaged and was left out; the picture is taken as sRGB")
        return None
    if space != ("GRAY" if grey else "RGB "):
        notes.append(f"its colour profile is for {space.strip()} and does not fit; it was left out")
        return None
    return icc


@contextmanager
def _decoding(path: Path) -> Iterator[None]:
    """Decoders meet damage with every kind of exception; all of them mean a file that cannot be read."""
    try:
        yield
    except (InputError, MemoryError):
        raise
    except UnidentifiedImageError as error:
        raise InputError("is damaged: its header cannot be read", path=path) from error
    except Exception as error:
        reason = "is cut short" if "truncated" in str(error) else "is damaged"
        raise InputError(
            f"{reason} ({' '.join(str(error).split()) or type(error).__name__})", path=path
        ) from error


@contextmanager
def _pillow(data: bytes | Path, kind: str) -> Iterator[Image.Image]:
    """Pillow's image of one kind only; our own limit of pixels stands in for Pillow's, which is fixed."""
    with _pillow_limit:
        theirs, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            source = io.BytesIO(data) if isinstance(data, bytes) else data
            image = Image.open(source, formats=(_PILLOW_NAMES[kind],))
        finally:
            Image.MAX_IMAGE_PIXELS = theirs
    with image:
        yield image


def _check_size(path: Path, height: int, width: int, max_pixels: int) -> None:
    if height < 1 or width < 1:
        raise InputError("has no pixels", path=path)
    if height * width > max_pixels:
        raise InputError(
            f"has {width}×{height} pixels, more than the limit of {max_pixels:,}",
            path=path,
            remedy="--max-pixels raises the limit",
        )


def _other(path: Path, kind: str, max_pixels: int) -> _Decoded:
    data = path.read_bytes()
    if kind == "webp":
        _check_riff(path, data)
    if kind in ("webp", "avif"):
        _check_tail(path, data)
    with _decoding(path):
        header = png_read.read_header(path, data) if kind == "png" else None
        if header is not None:
            # Before Pillow, which sets up buffers of the claimed size.
            _check_size(path, header.height, header.width, max_pixels)
        with _pillow(data, kind) as image:
            _check_size(path, image.height, image.width, max_pixels)
            if kind == "jpeg":
                check_jpeg(path, data, image.height * image.width)
            notes = (
                []
                if getattr(image, "n_frames", 1) == 1 or kind == "jpeg"
                else ["only its first frame was read"]
            )
            # Pillow gives the EXIF of a PNG only after decoding, when it lies behind the pixels.
            exif = _exif_bytes(image) if header is None else header.exif
            icc = image.info.get("icc_profile")
            if header is not None and header.bit_depth == 16:
                samples: Pixels = png_read.decode_deep(path, data, header)
            else:
                samples, icc = _samples(image, icc, notes)
            return _Decoded(samples, icc, exif, tuple(notes), orientation_of(exif))


def _check_riff(path: Path, data: bytes) -> None:
    (stated,) = struct.unpack("<I", data[4:8])
    if stated + 8 > len(data):
        raise InputError(f"is cut short: it says {stated + 8:,} bytes and has {len(data):,}", path=path)


def _check_tail(path: Path, data: bytes) -> None:
    """Refuse what an interrupted copy leaves: compressed data without a checksum, zeros at the end."""
    if len(data) > _ZERO_TAIL_BYTES and not any(data[-_ZERO_TAIL_BYTES:]):
        raise InputError("is incomplete: its end holds nothing but zeros", path=path)


def _exif_bytes(image: Image.Image) -> bytes | None:
    """EXIF as a TIFF structure."""
    stored = image.info.get("exif")
    if not isinstance(stored, bytes):
        return None
    return stored.removeprefix(b"Exif\0\0") or None


def _samples(image: Image.Image, icc: bytes | None, notes: list[str]) -> tuple[Pixels, bytes | None]:
    """The picture's samples with 8 bits, grey or RGB, and the profile that still holds for them."""
    image.load()
    if image.mode == "CMYK":
        if colour.profile_space(icc) != "CMYK":
            notes.append("is CMYK without a usable profile: its colours are approximate")
        return np.asarray(colour.cmyk_to_srgb(image, icc)), None
    if image.mode == "LAB":
        return np.asarray(colour.lab_to_srgb(image)), None
    transparent = "transparency" in image.info
    if image.mode in _GREY_MODES and not (transparent and image.mode == "1"):
        mode = "LA" if image.mode in ("LA", "La") or transparent else "L"
    else:
        mode = "RGBA" if transparent or image.mode in ("RGBA", "RGBa", "PA") else "RGB"
    converted = image if image.mode == mode else image.convert(mode)
    return np.atleast_3d(np.asarray(converted)), icc


def _tiff_structure(path: Path) -> ifd.Structure:
    with path.open("rb") as file:
        structure = ifd.parse(file)
    if structure is None or not structure.directories:
        raise InputError("is a damaged TIFF file: it has no directory", path=path)
    return structure


def _tiff_exif(structure: ifd.Structure) -> bytes:
    """The descriptive part of a TIFF file in the form of EXIF."""
    top = structure.directories[0]
    small = {tag: value for tag, value in top.entries.items() if len(value.data) <= 1 << 16}
    return ifd.pack_file(ifd.Directory(small, top.children), structure.order)


def _tiff(path: Path, structure: ifd.Structure, max_pixels: int) -> _Decoded:
    index, page = tiff_read.chosen_page(path, structure.directories)
    _check_size(path, *tiff_read.page_size(page), max_pixels)
    tiff_read.check_page(path, page)
    notes = ["only its first page was read"] if len(structure.directories) > 1 else []
    icc, exif = tiff_read.icc_of(page), _tiff_exif(structure)
    with _decoding(path):
        if not tiff_read.is_deep(page):
            with _pillow(path, "tiff") as image:
                image.seek(index)
                upright_samples, icc = _samples(image, icc, notes)
                # Pillow turns a TIFF while loading it and then drops the tag.
                return _Decoded(upright_samples, icc, exif, tuple(notes), int(image.getexif().get(274, 1)))
        deep, is_cmyk, more = tiff_read.read_deep(path, structure, index, page)
        notes += more
        samples: Pixels = deep
        if is_cmyk:
            notes.append("16-bit CMYK was read with 8 bits")
            samples, icc = _samples(Image.fromarray(to_8_bit(deep), "CMYK"), icc, notes)
        return _Decoded(samples, icc, exif, tuple(notes), orientation_of(exif))
