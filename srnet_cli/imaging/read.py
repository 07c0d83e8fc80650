"""Pictures from files: any supported format in, one :class:`Picture` out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from srnet_cli.errors import InputError, SrnetError
from srnet_cli.imaging import colour
from srnet_cli.imaging.codecs.layout import Decoded
from srnet_cli.imaging.codecs.tiff_read import read_structure
from srnet_cli.imaging.formats import FORMATS, HEAD_BYTES, Format, content_format, is_raw_path, joined
from srnet_cli.imaging.metadata import carried_exif, focal_length_of, is_signed
from srnet_cli.imaging.orientation import upright
from srnet_cli.imaging.picture import Metadata, Picture
from srnet_cli.imaging.raw import RawOptions, develop, is_raw_structure, raw_focal_length

#: twice what a 100-megapixel camera takes, and half of what fits into memory comfortably
DEFAULT_MAX_PIXELS = 250_000_000


def read_picture(path: Path, raw: RawOptions = RawOptions(), max_pixels: int = DEFAULT_MAX_PIXELS) -> Picture:  # noqa: B008
    """Read a camera RAW file or a picture in any format of the table, turned upright.

    A RAW file is known by its suffix, any other format by its content. 16-bit pictures stay 16-bit; CMYK
    and CIE Lab become sRGB; of several pages or frames the first is read, with a note.

    Example:
        >>> picture = read_picture(Path("photo.jpg"))
        >>> picture.pixels.shape, picture.bit_depth
        ((3456, 5184, 3), 8)

    Raises:
        InputError: there is no such file, it is none of these, damaged, cut short, has NaN or infinite
            values, or more than ``max_pixels`` pixels.
    """
    path = Path(path)
    found = _format(path)
    if found is FORMATS["tiff"] and is_raw_structure(read_structure(path)):
        found = FORMATS["raw"]
    if found.decode is None:
        return develop(path, raw, max_pixels)
    return _finished(path, found.decode(path, max_pixels))


def read_focal_length(path: Path) -> float | None:
    """Return the focal length in millimetres that a RAW or RGB file records, None if it records none.

    Example:
        >>> read_focal_length(Path("photo.jpg"))
        85.0

    Raises:
        InputError: the file cannot be read.
    """
    path = Path(path)
    found = _format(path)
    if found.decode is None:
        return raw_focal_length(path)
    return None if found.read_exif is None else focal_length_of(found.read_exif(path))


def is_own_result(path: Path) -> bool:
    """Return whether a file says that this program wrote it; False for one that cannot be read.

    Example:
        >>> is_own_result(Path("photo_x4.png"))
        True
    """
    try:
        found = _format(path)
        return found.read_exif is not None and is_signed(found.read_exif(path))
    except (SrnetError, OSError, ValueError):
        return False


def _format(path: Path) -> Format:
    """Return the format of a file; a missing or empty one is refused."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except FileNotFoundError:
        raise InputError("there is no such file", path=path) from None
    except IsADirectoryError:
        raise InputError("is a folder, not a picture", path=path) from None
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path=path) from error
    if not head:
        raise InputError("is empty", path=path)
    found = FORMATS["raw"] if is_raw_path(path) else content_format(head)
    if found is None:
        raise InputError(
            "is not a picture in a supported format",
            path=path,
            remedy=joined(row.title for row in FORMATS.values()),
        )
    return found


def _finished(path: Path, decoded: Decoded) -> Picture:
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
