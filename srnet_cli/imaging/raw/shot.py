"""Exposure and camera of a RAW file, as EXIF."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from srnet_cli.imaging import colour, metadata
from srnet_cli.imaging.codecs import ifd
from srnet_cli.imaging.codecs.native import refusing_damaged_raw
from srnet_cli.imaging.orientation import upright_size
from srnet_cli.imaging.picture import Metadata
from srnet_cli.imaging.raw.files import (
    crop_box,
    explained_errors,
    import_rawpy,
    open_file,
    orientation_of,
    structure_of,
)

if TYPE_CHECKING:
    from datetime import datetime

T = TypeVar("T")


def raw_focal_length(path: Path) -> float | None:
    """Return the focal length in millimetres that a RAW file records, or None."""
    with _header(path) as raw:
        other = _stated(lambda: raw.other)
        value = 0.0 if other is None else float(other.focal_length)
    if 0 < value < math.inf:
        return value
    structure = structure_of(path)
    directories = [] if structure is None else structure.directories
    return next((found for top in directories if (found := metadata.focal_length_in(top))), None)


def raw_size(path: Path) -> tuple[int, int]:
    """Return height and width of the upright picture that a RAW file is developed to, from its header."""
    with _header(path) as raw:
        _, _, height, width = crop_box(raw.sizes)
        return upright_size(height, width, orientation_of(raw, structure_of(path)))


def raw_exif(path: Path) -> bytes | None:
    """Return the EXIF that the picture gets which a RAW file is developed to.

    Raises:
        InputError: it cannot be read.
    """
    with _header(path) as raw:
        return describe_shot(raw, structure_of(path)).exif


@contextmanager
def _header(path: Path) -> Iterator[Any]:
    """Open a RAW file for what it says; nothing of its pixels is read.

    Raises:
        InputError: it cannot be read.
    """
    rawpy = import_rawpy(path)
    with explained_errors(path), rawpy.RawPy() as raw, refusing_damaged_raw(path):
        open_file(raw, path)
        yield raw


def describe_shot(raw: Any, structure: ifd.Structure | None) -> Metadata:
    top = (
        structure.directories[0]
        if structure is not None and structure.directories
        else _preview_directory(raw)
    )
    shot = _shot(raw)
    exif = metadata.developed_exif(top, shot)
    focal_length = shot.focal_length or metadata.focal_length_of(exif)
    return Metadata(icc=colour.srgb_profile(), exif=exif, focal_length=focal_length)


def _preview_directory(raw: Any) -> ifd.Directory | None:
    """Return the EXIF of the embedded JPEG: where RAW files other than TIFF keep it."""
    import rawpy

    try:
        preview = raw.extract_thumb()
    except rawpy.LibRawError:
        # No preview, or a damaged one: the developed picture does not depend on it.
        return None
    if preview.format != rawpy.ThumbFormat.JPEG:
        return None
    start = bytes(preview.data[:64]).find(b"Exif\0\0")
    structure = None if start < 0 else ifd.parse(bytes(preview.data[start + 6 :]))
    return structure.directories[0] if structure is not None and structure.directories else None


def _shot(raw: Any) -> metadata.Shot:
    other, lens = _stated(lambda: raw.other), _stated(lambda: raw.lens)
    shot = metadata.Shot(lens=None if lens is None else str(lens.model) or None)
    if other is None:
        return shot
    return replace(
        shot,
        artist=str(other.artist) or None,
        taken=_known_date(other.timestamp),
        exposure_time=_positive(other.shutter_speed),
        aperture=_positive(other.aperture),
        iso=_positive(other.iso_speed),
        focal_length=_positive(other.focal_length),
    )


def _stated(ask: Callable[[], T]) -> T | None:
    """Return what LibRaw says about a picture, which does not depend on it; None where it cannot be said.

    The year may be 99999, and a name in no encoding.
    """
    try:
        return ask()
    except (ValueError, OverflowError, OSError):
        return None


def _positive(value: float) -> float | None:
    # LibRaw keeps float32; what a camera writes has far fewer digits.
    return float(f"{value:.6g}") if np.isfinite(value) and value > 0 else None


def _known_date(taken: datetime) -> datetime | None:
    # LibRaw gives the start of 1970 for "unknown".
    return taken if taken.year > 1970 else None
