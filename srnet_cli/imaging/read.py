"""Pictures from files: any supported format in, one :class:`Picture` out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from srnet_cli.errors import InputError
from srnet_cli.imaging import colour
from srnet_cli.imaging.codecs.layout import Decoded, decoding, opened
from srnet_cli.imaging.codecs.pillow_read import exif_in, pillow_without_limit
from srnet_cli.imaging.codecs.proof.pages import chosen_page
from srnet_cli.imaging.codecs.tiff_read import read_structure
from srnet_cli.imaging.colour.hdr import to_sdr
from srnet_cli.imaging.depth import to_8_bit
from srnet_cli.imaging.formats import (
    FORMATS,
    HEAD_BYTES,
    Format,
    foreign_kind,
    format_in,
    is_raw_path,
    joined,
)
from srnet_cli.imaging.metadata import (
    MAKER_NOTE_LOST,
    carried_exif,
    colour_space_of,
    focal_length_of,
    maker_note_lost,
    orientation_of,
    states_orientation,
)
from srnet_cli.imaging.metadata.iptc import bare_iptc
from srnet_cli.imaging.metadata.xmp import bare_xmp, upright_xmp
from srnet_cli.imaging.orientation import upright, upright_size
from srnet_cli.imaging.picture import Metadata, Picture, Pixels
from srnet_cli.imaging.raw import (
    MosaicUse,
    RawOptions,
    develop,
    is_raw_structure,
    raw_focal_length,
    raw_size,
    read_camera_colours,
)
from srnet_cli.reading import open_input

#: twice what a 100-megapixel camera takes, and half of what fits into memory comfortably
DEFAULT_MAX_PIXELS = 250_000_000


def read_picture(
    path: Path | str,
    raw: RawOptions = RawOptions(),  # noqa: B008
    max_pixels: int = DEFAULT_MAX_PIXELS,
    *,
    camera_colours: bool = False,
    mosaic: MosaicUse = "none",
) -> Picture:
    """Read a camera RAW file or a picture in any format of the table, turned upright.

    A RAW file is known by its suffix, any other format by its content. 16-bit pictures stay 16-bit; CMYK
    and CIE Lab become sRGB; of several pages or frames the first is read, with a note. With
    ``camera_colours`` a RAW file is demosaicked and not developed, to be written as DNG again; with
    ``mosaic`` ("beside" or "alone") a developed one has its mosaic too, if a network can take it.

    Example:
        >>> picture = read_picture(Path("photo.jpg"))
        >>> picture.pixels.shape, picture.bit_depth
        ((3456, 5184, 3), 8)

    Raises:
        InputError: there is no such file, it is none of these, damaged, cut short, has NaN or infinite
            values, or more than ``max_pixels`` pixels; or its camera colours are wanted and it is not RAW.
    """
    path = Path(path)
    found = _format(path)
    if found is FORMATS["tiff"] and is_raw_structure(read_structure(path)):
        found = FORMATS["raw"]
    if found.decode is None:
        if camera_colours:
            return read_camera_colours(path, raw, max_pixels)
        return develop(path, raw, max_pixels, mosaic)
    if camera_colours:
        raise _finished_already(path, found)
    return _finished(path, found.decode(path, max_pixels))


def read_8_bit(path: Path) -> NDArray[np.uint8]:
    """Read a picture to be measured or trained with: upright H×W×3, sRGB, 8 bit.

    Raises:
        InputError: as :func:`read_picture`; or it may be damaged, which nobody would see.
    """
    picture = read_picture(path)
    if picture.metadata.doubt is not None:
        raise InputError(picture.metadata.doubt, path=path)
    return to_8_bit(picture.pixels)


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


def read_size(path: Path, *, camera_colours: bool = False) -> tuple[int, int]:
    """Return height and width of a picture as it is upright, from its header; pixels are not decoded.

    ``camera_colours`` says that they will be wanted of it.

    Example:
        >>> read_size(Path("photo.jpg"))
        (3456, 5184)

    Raises:
        InputError: the file cannot be read, or its header is damaged; or its camera colours are wanted and it
            is not RAW.
    """
    path = Path(path)
    found = _format(path)
    if found is FORMATS["tiff"]:
        structure = read_structure(path)
        if not is_raw_structure(structure):
            if camera_colours:
                raise _finished_already(path, found)
            page = chosen_page(path, structure)[1]
            turn = structure.directories[0].integer(274, 1)
            return upright_size(page.integer(257, 0), page.integer(256, 0), turn)
        found = FORMATS["raw"]
    if found.decode is None:
        return raw_size(path)
    if camera_colours:
        raise _finished_already(path, found)
    if found.read_size is not None:
        return found.read_size(path)
    # Of thousands of pictures only the headers are read.
    with (
        decoding(path),
        open_input(path) as file,
        pillow_without_limit(),
        opened(file, found.pillow) as image,
    ):
        height, width, exif = image.height, image.width, exif_in(image)
    if exif is None and found is FORMATS["png"] and found.read_exif is not None:
        exif = found.read_exif(path)  # it may stand behind the pixels
    return upright_size(height, width, orientation_of(exif))


def _finished_already(path: Path, found: Format) -> InputError:
    """Tell that a picture has no camera colours."""
    return InputError(
        f"is {found.title}, a finished picture: what its sensor saw, and a DNG holds, is not in it",
        path=path,
        remedy="write it as TIFF or PNG, or zoom the RAW file",
    )


def _format(path: Path) -> Format:
    """Return the format of a file; one that is missing, empty or not a regular file is refused."""
    found = format_in(path)
    if is_raw_path(path):
        found = FORMATS["raw"]
    if found is None:
        with open_input(path) as file:
            foreign = foreign_kind(file.read(HEAD_BYTES))
        what = (
            "is not a picture in a supported format"
            if foreign is None
            else f"is {foreign}, which is not read"
        )
        readable = joined(row.title for row in FORMATS.values() if not row.holds_camera_colours)
        raise InputError(what, path=path, remedy=readable)
    return found


def _finished(path: Path, decoded: Decoded) -> Picture:
    """Turn upright, split off alpha, keep the profile if it fits."""
    notes = [*([decoded.doubt] if decoded.doubt else []), *decoded.notes]
    stored: NDArray[Any] = upright(decoded.samples, decoded.orientation)
    coloured, icc, colour_known = _coloured(stored, decoded, notes)
    samples: NDArray[Any] = coloured
    grey = samples.shape[2] < 3
    alpha = None
    if samples.shape[2] in (2, 4):
        alpha = np.ascontiguousarray(samples[..., -1])
        if alpha.min() == np.iinfo(alpha.dtype).max:
            alpha = None
    pixels = np.ascontiguousarray(samples[..., [0, 0, 0]] if grey else samples[..., :3])
    if maker_note_lost(decoded.exif):
        notes.append(MAKER_NOTE_LOST)
    xmp = bare_xmp(decoded.xmp)
    metadata = Metadata(
        icc=icc,
        colour_known=colour_known,
        exif=carried_exif(decoded.exif),
        # Where the EXIF says nothing of it, the orientation in the XMP still holds: pixels were not turned.
        xmp=upright_xmp(xmp) if states_orientation(decoded.exif) else xmp,
        iptc=bare_iptc(decoded.iptc),
        texts=decoded.texts,
        resolution=decoded.resolution,
        focal_length=focal_length_of(decoded.exif),
        notes=tuple(notes),
        doubt=decoded.doubt,
    )
    return Picture(pixels, alpha, grey=grey, source=path, metadata=metadata)


def _coloured(samples: Pixels, decoded: Decoded, notes: list[str]) -> tuple[Pixels, bytes | None, bool]:
    """Return samples, the profile that holds for them (None is sRGB), and whether their colours are known."""
    grey, stated = samples.shape[2] < 3, decoded.colour
    if decoded.icc is not None:
        icc = _fitting_profile(decoded.icc, grey, notes)
        return samples, icc, icc is not None
    if stated is None:
        space = colour_space_of(decoded.exif)
        if space != "Adobe RGB" or not decoded.colour_known:
            return samples, None, decoded.colour_known and space != "other"
        stated = colour.ADOBE_RGB
    if stated.high_range is not None:
        notes.append(
            f"its high dynamic range ({stated.high_range}) was brought to sRGB, highlights compressed"
        )
        return to_sdr(samples, stated), None, True
    return samples, None if stated.is_srgb() else colour.stated_profile(stated, grey), True


def _fitting_profile(icc: bytes, grey: bool, notes: list[str]) -> bytes | None:
    space = colour.profile_space(icc)
    if space is None:
        notes.append("its colour profile is damaged and was left out")
        return None
    if space != ("GRAY" if grey else "RGB "):
        notes.append(f"its colour profile is for {space.strip()} and does not fit; it was left out")
        return None
    return icc
