"""Pictures into files: whole or in strips, in any supported format, whole or not at all."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal, Protocol, get_args

import numpy as np
from PIL import Image

from srnet_cli.errors import OutputError, UsageError
from srnet_cli.files import atomic_path
from srnet_cli.imaging import colour
from srnet_cli.imaging.codecs.png_write import PngEncoder
from srnet_cli.imaging.codecs.tiff_write import TiffEncoder
from srnet_cli.imaging.depth import to_bit_depth
from srnet_cli.imaging.metadata import JPEG_EXIF_LIMIT, exif_for_output
from srnet_cli.imaging.picture import Metadata, Picture, Pixels

Format = Literal["png", "tiff", "jpeg", "webp", "avif"]

FORMAT_OF_SUFFIX: dict[str, Format] = {
    ".png": "png",
    ".tif": "tiff",
    ".tiff": "tiff",
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".jpe": "jpeg",
    ".webp": "webp",
    ".avif": "avif",
}
#: the longest side: what the format or its common encoder and decoders take
_LONGEST_SIDE = {"png": 1_000_000, "tiff": 2**31 - 1, "jpeg": 65_500, "webp": 16_383, "avif": 32_768}
#: decoders of AVIF refuse larger pictures (libavif's default limit)
_AVIF_MAX_PIXELS = 16_384 * 16_384
_DEEP_FORMATS = frozenset({"png", "tiff"})
_DEFAULT_QUALITY = {"jpeg": 95, "webp": 90, "avif": 80}
#: from here on JPEG keeps the colour of every pixel
_FULL_CHROMA_QUALITY = 90
_ROWS_AT_ONCE = 256


@dataclass(frozen=True)
class WriteOptions:
    """How a picture is stored."""

    #: None goes by the suffix of the path
    format: Format | None = None
    #: bits per channel, 8 or 16; None keeps the picture's own where the format holds it
    bit_depth: int | None = None
    #: 1..100 for JPEG, WebP (100 is lossless) and AVIF; None is 95, 90 and 80
    quality: int | None = None

    def __post_init__(self) -> None:
        if self.format is not None and self.format not in get_args(Format):
            raise UsageError(
                f"--format cannot be {self.format!r}", remedy=f"one of {', '.join(get_args(Format))}"
            )
        if self.bit_depth not in (None, 8, 16):
            raise UsageError(f"--bit-depth cannot be {self.bit_depth}", remedy="8 or 16")
        if self.quality is not None and not 1 <= self.quality <= 100:
            raise UsageError(f"--quality cannot be {self.quality}", remedy="1 to 100")


class _Encoder(Protocol):
    def write(self, rows: Pixels) -> None: ...

    def finish(self) -> None: ...

    def close(self) -> None: ...


def write_picture(
    picture: Picture,
    path: Path,
    options: WriteOptions = WriteOptions(),
    overwrite: bool = False,
) -> tuple[str, ...]:
    """Write a picture with its profile, EXIF and alpha; the file appears whole or not at all.

    Returns what the user should know about it, one sentence each (as :func:`check_output`).

    Raises:
        OutputError: the format cannot hold the picture, the file exists, or the disk refuses.
    """
    channels = (1 if picture.grey else 3) + (picture.alpha is not None)
    with open_strip_writer(
        path,
        picture.height,
        picture.width,
        channels,
        options,
        picture.metadata,
        source_depth=picture.bit_depth,
        overwrite=overwrite,
    ) as writer:
        for start in range(0, picture.height, _ROWS_AT_ONCE):
            rows = slice(start, start + _ROWS_AT_ONCE)
            colours = picture.pixels[rows, :, :1] if picture.grey else picture.pixels[rows]
            if picture.alpha is None:
                writer.write_rows(colours)
            else:
                writer.write_rows(np.concatenate([colours, picture.alpha[rows, :, None]], axis=2))
    return writer.notes


def output_format(path: Path, options: WriteOptions = WriteOptions()) -> Format:
    """The format that ``path`` will be written in.

    Raises:
        OutputError: neither options nor suffix name a format that can be written.
    """
    found = options.format or FORMAT_OF_SUFFIX.get(Path(path).suffix.lower())
    if found is None:
        raise OutputError(
            f"cannot be written: {Path(path).suffix or 'no suffix'} names no format",
            path=path,
            remedy="use .png, .tif, .jpg, .webp or .avif, or --format",
        )
    return found


def holds_16_bits(path: Path, options: WriteOptions = WriteOptions()) -> bool:
    """Whether the format that ``path`` will be written in has 16 bits per channel.

    Raises:
        OutputError: as :func:`output_format`.
    """
    return output_format(path, options) in _DEEP_FORMATS


def check_output(
    path: Path,
    height: int,
    width: int,
    options: WriteOptions = WriteOptions(),
    *,
    alpha: bool = False,
    source_depth: int = 8,
) -> tuple[str, ...]:
    """Whether a picture of this size can be written to ``path``; meant to be asked before the work starts.

    Returns what will be lost, one sentence each.

    Raises:
        OutputError: the format is unknown, too small for the picture, or cannot hold the bit depth asked for.
    """
    kind = output_format(path, options)
    name = kind.upper() if kind != "webp" else "WebP"
    longest = _LONGEST_SIDE[kind]
    if max(height, width) > longest or (kind == "avif" and height * width > _AVIF_MAX_PIXELS):
        limit = (
            f"{longest:,} pixels a side" if max(height, width) > longest else f"{_AVIF_MAX_PIXELS:,} pixels"
        )
        raise OutputError(
            f"cannot be written: {width}×{height} pixels, and {name} holds at most {limit}",
            path=path,
            remedy="choose PNG or TIFF, or a smaller scale",
        )
    if options.bit_depth == 16 and kind not in _DEEP_FORMATS:
        raise OutputError(
            f"cannot be written: {name} is written with 8 bits", path=path, remedy="choose PNG or TIFF for 16"
        )
    notes = []
    if alpha and kind == "jpeg":
        notes.append("JPEG holds no transparency: the picture was laid on white")
    if source_depth == 16 and options.bit_depth is None and kind not in _DEEP_FORMATS:
        notes.append(f"{name} is written with 8 bits, the picture has 16")
    if options.quality is not None and kind in _DEEP_FORMATS:
        notes.append(f"quality has no meaning for {name}, which loses nothing")
    return tuple(notes)


class StripWriter:
    """Takes a picture's rows from top to bottom."""

    def __init__(
        self, encoder: _Encoder, height: int, width: int, channels: int, bit_depth: int, opaque: bool
    ) -> None:
        self._encoder = encoder
        self._height, self._width, self._channels = height, width, channels
        self._bit_depth, self._opaque = bit_depth, opaque
        self._written = 0
        #: what the user should know about the file, one sentence each
        self.notes: tuple[str, ...] = ()

    def write_rows(self, rows: Pixels) -> None:
        """Add rows: h×W×C uint8 or uint16 (h×W when there is one channel), any h, RGB order."""
        rows = rows.reshape(rows.shape[0], rows.shape[1], -1)
        if rows.shape[1:] != (self._width, self._channels):
            raise ValueError(f"rows are {rows.shape[1:]}, the picture {(self._width, self._channels)}")
        if self._written + rows.shape[0] > self._height:
            raise ValueError(f"more than the picture's {self._height} rows")
        converted = to_bit_depth(rows, self._bit_depth)
        self._encoder.write(_on_white(converted) if self._opaque else converted)
        self._written += rows.shape[0]

    def finish(self) -> None:
        """End the file; every row must have come."""
        if self._written != self._height:
            raise ValueError(f"only {self._written} of {self._height} rows were written")
        self._encoder.finish()


@contextmanager
def open_strip_writer(
    path: Path,
    height: int,
    width: int,
    channels: int,
    options: WriteOptions = WriteOptions(),
    metadata: Metadata = Metadata(),  # noqa: B008
    *,
    source_depth: int = 8,
    overwrite: bool = False,
) -> Iterator[StripWriter]:
    """Open a file for rows from top to bottom: PNG and TIFF stream to the disk, other formats wait in memory.

    ``channels`` is 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha; ``source_depth`` the bits of what will
    come, kept where options and format allow. The file appears when the block ends without an error.

    Raises:
        OutputError: as :func:`check_output`, the file exists, or the disk refuses.
    """
    path = Path(path)
    has_alpha = channels in (2, 4)
    notes = list(check_output(path, height, width, options, alpha=has_alpha, source_depth=source_depth))
    kind = output_format(path, options)
    deep = (options.bit_depth or source_depth) == 16 and kind in _DEEP_FORMATS
    opaque = has_alpha and kind == "jpeg"
    stored_channels = channels - opaque
    bit_depth = 16 if deep else 8
    icc, exif = _fitting_metadata(kind, metadata, height, width, stored_channels, notes)
    with atomic_path(path, overwrite=overwrite) as temporary, temporary.open("wb") as file:
        encoder: _Encoder
        if kind == "png":
            encoder = PngEncoder(file, height, width, stored_channels, bit_depth, icc, exif)
        elif kind == "tiff":
            encoder = TiffEncoder(file, height, width, stored_channels, bit_depth, icc, exif)
        else:
            encoder = _WholeEncoder(
                file, path, kind, (height, width, stored_channels), options.quality, icc, exif
            )
        try:
            writer = StripWriter(encoder, height, width, channels, bit_depth, opaque)
            writer.notes = tuple(notes)
            yield writer
            writer.finish()
        finally:
            encoder.close()


def _on_white(rows: Pixels) -> Pixels:
    """Colours of 8 bits laid on white by their alpha, which is the last channel."""
    colours, alpha = rows[..., :-1].astype(np.uint32), rows[..., -1:].astype(np.uint32)
    return ((colours * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


def _fitting_metadata(
    kind: Format, metadata: Metadata, height: int, width: int, channels: int, notes: list[str]
) -> tuple[bytes | None, bytes | None]:
    """The profile and the EXIF that the file can hold."""
    icc = metadata.icc
    # WebP and AVIF store grey as RGB, for which a profile of grey means nothing.
    stored_grey = channels < 3 and kind not in ("webp", "avif")
    space = colour.profile_space(icc)
    if icc is not None and space != ("GRAY" if stored_grey else "RGB "):
        notes.append("its colour profile does not fit the stored channels and was left out")
        icc = None
    exif = exif_for_output(metadata.exif, height, width, JPEG_EXIF_LIMIT if kind == "jpeg" else None)
    if metadata.exif is not None and exif is None:
        notes.append("its EXIF is damaged or too long for JPEG and was left out")
    return icc, exif


class _WholeEncoder:
    """Collects all rows, then encodes with Pillow."""

    def __init__(
        self,
        file: BinaryIO,
        path: Path,
        kind: Format,
        shape: tuple[int, int, int],
        quality: int | None,
        icc: bytes | None,
        exif: bytes | None,
    ) -> None:
        self._file, self._path, self._kind = file, path, kind
        self._quality, self._icc, self._exif = quality or _DEFAULT_QUALITY[kind], icc, exif
        self._pixels = np.empty(shape, np.uint8)
        self._filled = 0

    def write(self, rows: Pixels) -> None:
        self._pixels[self._filled : self._filled + rows.shape[0]] = rows
        self._filled += rows.shape[0]

    def finish(self) -> None:
        channels = self._pixels.shape[2]
        image = Image.fromarray(self._pixels[..., 0] if channels == 1 else self._pixels)
        if self._kind in ("webp", "avif") and channels < 3:
            image = image.convert("RGBA" if channels == 2 else "RGB")
        encoded = io.BytesIO()
        try:
            image.save(encoded, **self._parameters())
        except (OSError, ValueError, RuntimeError) as error:
            # In memory: no disk is involved, so this is the encoder's refusal.
            raise OutputError(
                f"cannot be encoded as {self._kind.upper()}: {error}", path=self._path
            ) from error
        self._file.write(encoded.getbuffer())

    def close(self) -> None:
        self._pixels = np.empty((0, 0, 0), np.uint8)

    def _parameters(self) -> dict[str, Any]:
        exif = b"" if self._exif is None else b"Exif\0\0" + self._exif
        common: dict[str, Any] = {"format": self._kind.upper(), "quality": self._quality, "exif": exif}
        if self._icc is not None:
            common["icc_profile"] = self._icc
        if self._kind == "jpeg":
            return {**common, "subsampling": 0 if self._quality >= _FULL_CHROMA_QUALITY else 2}
        if self._kind == "webp":
            return {**common, "lossless": self._quality == 100, "method": 4}
        return {**common, "subsampling": "4:4:4" if self._quality >= _FULL_CHROMA_QUALITY else "4:2:0"}
