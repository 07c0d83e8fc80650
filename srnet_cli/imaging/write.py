"""Pictures into files: whole or in strips, in any supported format, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from srnet_cli.errors import OutputError, UsageError
from srnet_cli.files import atomic_path
from srnet_cli.imaging import colour
from srnet_cli.imaging.codecs.layout import Encoder, Layout
from srnet_cli.imaging.depth import to_bit_depth
from srnet_cli.imaging.formats import FORMATS, Format, joined, written_format_of, written_formats
from srnet_cli.imaging.metadata.outgoing import with_metadata
from srnet_cli.imaging.picture import Metadata, Picture, Pixels

_ROWS_AT_ONCE = 256


@dataclass(frozen=True)
class WriteOptions:
    """Options of storing a picture."""

    #: None goes by the suffix of the path
    format: str | None = None
    #: bits per channel, 8 or 16; None keeps the picture's own where the format holds it
    bit_depth: int | None = None
    #: 1..100 (100 is lossless in WebP and JPEG XL); None is what the format's row says
    quality: int | None = None

    def __post_init__(self) -> None:
        names = [row.name for row in written_formats()]
        if self.format is not None and self.format not in names:
            raise UsageError(f"--format cannot be {self.format!r}", remedy=f"one of {joined(names)}")
        if self.bit_depth not in (None, 8, 16):
            raise UsageError(f"--bit-depth cannot be {self.bit_depth}", remedy="8 or 16")
        if self.quality is not None and not 1 <= self.quality <= 100:
            raise UsageError(f"--quality cannot be {self.quality}", remedy="1 to 100")


def write_picture(
    picture: Picture,
    path: Path | str,
    options: WriteOptions = WriteOptions(),
    overwrite: bool = False,
) -> tuple[str, ...]:
    """Write a picture with its profile, EXIF and alpha; the file appears whole or not at all.

    Returns what the user should know about it, one sentence each (as :func:`check_output`).

    Example:
        >>> write_picture(picture, Path("a.jpg"), WriteOptions(quality=80))
        ('JPEG is written with 8 bits, the picture has 16',)

    Raises:
        OutputError: the format cannot hold the picture, the file exists, or the disk refuses.
    """
    channels = stored_channels(picture)
    with open_strip_writer(
        Path(path),
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
            if picture.alpha is not None:
                colours = np.concatenate([colours, picture.alpha[rows, :, None]], axis=2)
            if picture.light is not None:
                colours = np.concatenate([colours, picture.light[rows]], axis=2)
            writer.write_rows(colours)
    return writer.notes


def stored_channels(picture: Picture) -> int:
    """Return how many channels the rows of a picture have: colours, then alpha or light."""
    return (1 if picture.grey else 3) + (picture.alpha is not None) + 3 * (picture.light is not None)


def output_format(path: Path, options: WriteOptions = WriteOptions()) -> Format:
    """Return the format that ``path`` will be written in.

    Example:
        >>> output_format(Path("a.jpg")).title
        'JPEG'

    Raises:
        OutputError: neither options nor suffix name a format that can be written.
    """
    found = FORMATS[options.format] if options.format is not None else written_format_of(path)
    if found is None:
        raise OutputError(
            f"cannot be written: {Path(path).suffix or 'no suffix'} names no format",
            path=path,
            remedy=f"use {joined(row.suffixes[0] for row in written_formats())}, or --format",
        )
    return found


def holds_16_bits(path: Path, options: WriteOptions = WriteOptions()) -> bool:
    """Return whether the format that ``path`` will be written in has 16 bits per channel.

    Raises:
        OutputError: as :func:`output_format`.
    """
    return output_format(path, options).depth == 16


def check_output(
    path: Path,
    height: int,
    width: int,
    options: WriteOptions = WriteOptions(),
    *,
    alpha: bool = False,
    source_depth: int = 8,
) -> tuple[str, ...]:
    """Refuse what cannot be written to ``path``; meant to be asked before the work starts.

    Returns what will be lost, one sentence each.

    Example:
        >>> check_output(Path("a.webp"), 3000, 4000, source_depth=16)
        ('WebP is written with 8 bits, the picture has 16',)

    Raises:
        OutputError: the format is unknown, too small for the picture, cannot hold the bit depth asked for, or
            its library is missing.
    """
    row = output_format(path, options)
    needed = row.missing()
    if needed is not None:
        raise OutputError(
            f"cannot be written: {row.title} needs a package that is not installed, or not whole",
            path=path,
            remedy=f"pip install {needed}, or choose another format",
        )
    deep = joined(
        other.title for other in written_formats() if other.depth == 16 and not other.holds_camera_colours
    )
    limit = None
    if max(height, width) > row.longest_side:
        limit = f"{row.longest_side:,} pixels a side"
    elif row.most_pixels is not None and height * width > row.most_pixels:
        limit = f"{row.most_pixels:,} pixels"
    if limit is not None:
        raise OutputError(
            f"cannot be written: {width}×{height} pixels, and {row.title} holds at most {limit}",
            path=path,
            remedy=f"choose {deep}, or a smaller scale",
        )
    if options.bit_depth == 16 and row.depth < 16:
        raise OutputError(
            f"cannot be written: {row.title} is written with 8 bits",
            path=path,
            remedy=f"choose {deep} for 16",
        )
    if options.bit_depth == 8 and row.holds_camera_colours:
        raise OutputError(
            f"cannot be written: 8 bits are too few for the linear values of {row.title}",
            path=path,
            remedy="leave out --bit-depth",
        )
    notes = []
    if alpha and not row.has_alpha:
        notes.append(f"{row.title} holds no transparency: the picture was laid on white")
    if source_depth == 16 and options.bit_depth is None and row.depth < 16:
        notes.append(f"{row.title} is written with 8 bits, the picture has 16")
    if options.quality is not None and row.quality is None:
        notes.append(f"quality has no meaning for {row.title}, which loses nothing")
    return tuple(notes)


class StripWriter:
    """Writer that takes a picture's rows from top to bottom."""

    def __init__(
        self,
        encoder: Encoder,
        height: int,
        width: int,
        channels: int,
        bit_depth: int,
        opaque: bool,
        converted_from: bytes | None = None,
    ) -> None:
        self._encoder = encoder
        self._height, self._width, self._channels = height, width, channels
        self._bit_depth, self._opaque, self._converted_from = bit_depth, opaque, converted_from
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
        if self._converted_from is not None:
            rows = _in_srgb(rows, self._converted_from)
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

    ``channels`` is 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha, 6 camera colours and their light;
    ``source_depth`` the bits of what will come, kept where options and format allow. The file appears when
    the block ends without an error.

    Example:
        >>> with open_strip_writer(Path("a.tif"), height, width, 3) as writer:
        ...     writer.write_rows(rows)

    Raises:
        OutputError: as :func:`check_output`, the file exists, or the disk refuses.
    """
    path = Path(path)
    has_alpha = channels in (2, 4)
    notes = list(check_output(path, height, width, options, alpha=has_alpha, source_depth=source_depth))
    row = output_format(path, options)
    assert row.encode is not None
    _check_colours(path, row, metadata)
    opaque = has_alpha and not row.has_alpha
    bit_depth = min(options.bit_depth or source_depth, row.depth)
    quality = options.quality or row.quality or 100
    layout = Layout(path, height, width, channels - opaque, bit_depth, quality, camera=metadata.camera)
    layout = _with_profile(layout, row, metadata, notes)
    converted_from = None if row.has_profile else layout.icc
    if not row.has_profile:
        layout = replace(layout, icc=None)
    layout = with_metadata(layout, row, metadata, notes, as_srgb=converted_from is not None)
    with atomic_path(path, overwrite=overwrite) as temporary, temporary.open("wb") as file:
        encoder = row.encode(file, layout)
        try:
            writer = StripWriter(encoder, height, width, channels, bit_depth, opaque, converted_from)
            writer.notes = tuple(notes)
            yield writer
            writer.finish()
        finally:
            encoder.close()


def _check_colours(path: Path, row: Format, metadata: Metadata) -> None:
    """Refuse finished pictures where camera colours belong, and the other way round.

    Raises:
        OutputError: saying which it is.
    """
    if row.holds_camera_colours == (metadata.camera is not None):
        return
    if row.holds_camera_colours:
        raise OutputError(
            f"cannot be written: {row.title} holds what a sensor saw, and this is a finished picture",
            path=path,
            remedy="read a RAW file with camera_colours, or write another format",
        )
    raise OutputError(
        f"cannot be written: these are camera colours, and {row.title} holds finished pictures",
        path=path,
        remedy="write DNG, or read the RAW file without camera_colours",
    )


def _on_white(rows: Pixels) -> Pixels:
    """Return colours of 8 bits laid on white by their alpha, which is the last channel."""
    colours, alpha = rows[..., :-1].astype(np.uint32), rows[..., -1:].astype(np.uint32)
    return ((colours * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


def _in_srgb(rows: Pixels, icc: bytes) -> Pixels:
    """Return rows of a profile in sRGB; alpha behind the colours stays."""
    colours = 1 if rows.shape[2] < 3 else 3
    return np.concatenate([colour.to_srgb(rows[..., :colours], icc), rows[..., colours:]], axis=2)


def _with_profile(layout: Layout, row: Format, metadata: Metadata, notes: list[str]) -> Layout:
    """Return the layout with the profile that fits its channels; none that says what a file without says."""
    icc, colour_known = metadata.icc, metadata.colour_known
    # Where grey is stored as RGB, a profile of grey means nothing.
    stored_grey = layout.channels < 3 and row.has_grey
    if icc is not None and colour.profile_space(icc) != ("GRAY" if stored_grey else "RGB "):
        notes.append("its colour profile does not fit the stored channels and was left out")
        icc, colour_known = None, False
    if icc is not None and not row.has_profile:
        try:
            if colour.is_srgb(icc):
                icc = None
            else:
                notes.append(
                    f"{row.title} is written without a colour profile: its colours were brought to sRGB"
                )
        except ValueError:
            notes.append("its colour profile is damaged and was left out")
            icc, colour_known = None, False
    if not (row.has_profile or colour_known):
        notes.append(f"{row.title} calls all colours sRGB; what these are is not known")
    return replace(layout, icc=icc, colour_known=colour_known)
