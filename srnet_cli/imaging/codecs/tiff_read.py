"""TIFF of every depth and layout through tifffile and imagecodecs.

imageio's plugin is tifffile too, and hides the page: extra samples, palette and profile would be lost.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from srnet_cli.errors import InputError
from srnet_cli.imaging import colour
from srnet_cli.imaging.codecs import ifd
from srnet_cli.imaging.codecs.ifd import Directory
from srnet_cli.imaging.codecs.layout import Decoded, check_size, decoding
from srnet_cli.imaging.codecs.native import check_jpeg
from srnet_cli.imaging.codecs.proof.bitmap.colours import check_colours, in_planes
from srnet_cli.imaging.codecs.proof.inner import JPEG, PICTURES, check_inner
from srnet_cli.imaging.codecs.proof.jpeg import has_end
from srnet_cli.imaging.codecs.proof.outcome import check_outcome
from srnet_cli.imaging.codecs.proof.page.agreement import check_agreement
from srnet_cli.imaging.codecs.proof.page.assembly import assembled, read_pieces
from srnet_cli.imaging.codecs.proof.page.fax import FAX, check_fax
from srnet_cli.imaging.codecs.proof.page.grid import Grid, grid_of
from srnet_cli.imaging.codecs.proof.page.order import check_order
from srnet_cli.imaging.codecs.proof.page.places import check_apart, check_shared
from srnet_cli.imaging.codecs.proof.page.statements import COLOURS_LOST, lost_statements, stated_colour
from srnet_cli.imaging.codecs.proof.page.stretch import check_stretches
from srnet_cli.imaging.codecs.proof.page.tables import check_tables, shared_tables
from srnet_cli.imaging.codecs.proof.page.tags import COLOURS
from srnet_cli.imaging.codecs.proof.pages import check_page, chosen_page, is_reduced
from srnet_cli.imaging.codecs.proof.tails import check_end
from srnet_cli.imaging.codecs.proof.tiff import check_compressed, listed_pieces
from srnet_cli.imaging.codecs.proof.unpacked import BYTE_PACKINGS, check_unpacked
from srnet_cli.imaging.depth import from_bits, to_8_bit, to_16_bit
from srnet_cli.imaging.metadata import MAKER_NOTE_LOST, orientation_of, with_kept_note
from srnet_cli.imaging.picture import Pixels
from srnet_cli.reading import open_input

_WIDTH, _HEIGHT, _COLOUR_MAP, _INK_SET = 256, 257, 320, 332
_WHITE_IS_ZERO, _RGB, _PALETTE, _CMYK, _YCBCR, _CIELAB, _ICCLAB = 0, 2, 3, 5, 6, 8, 9
_WHOLE, _FLOAT = 1, 3
#: by kind of picture and format of its samples their bits; of whole ones tifffile confuses those between
_GREY_BITS: dict[int, Sequence[int]] = {_WHOLE: (*range(1, 17), 32, 64), _FLOAT: (16, 24, 32, 64)}
_BITS = dict.fromkeys((_WHITE_IS_ZERO, 1, _RGB, _CMYK), _GREY_BITS)
_BITS |= {_PALETTE: {_WHOLE: range(1, 17)}, _YCBCR: {_WHOLE: range(1, 17)}}
_BITS |= {_CIELAB: {_WHOLE: (8, 16), _FLOAT: (32, 64)}, _ICCLAB: {_WHOLE: (8, 16)}}
_XMP, _IPTC = 700, 33723
_ASSOCIATED_ALPHA, _ALPHA, _PLANES = 1, 2, 2
_UNCOMPRESSED, _JPEG = 1, 7
#: fax, LZW, deflate, PackBits, LZMA, Zstandard, and pictures; of others it is not known what they allocate
_COMPRESSIONS = PICTURES | {1, 2, 3, 4, 5, 8, 32773, 32946, 34925, 34926, 50000}
#: colours, alpha, and a few that are left out; a header that claims more would only cost memory
_MOST_SAMPLES = 16
_REMEDY = "save it as TIFF of 8 or 16 bits, RGB or grey"
# It logs every oddity; what matters raises.
_QUIET = logging.NullHandler()


def decode(path: Path, max_pixels: int) -> Decoded:
    """Read the first page of a TIFF file in its full size, with 8 bits or with 16.

    Raises:
        InputError: it is damaged, cut short, too large, has NaN or infinite values, or is of a kind that
            is not supported.
    """
    structure = read_structure(path)
    index, directory = chosen_page(path, structure)
    height, width = directory.integer(_HEIGHT, 0), directory.integer(_WIDTH, 0)
    check_size(path, height, width, max_pixels)
    check_page(path, directory, max_pixels)
    notes = ["only its first page was read"] if len(structure.directories) > 1 else []
    if is_reduced(directory):
        notes.append("it says that it is a small version of another picture, which is not in the file")
    exif = exif_of(structure)
    import tifffile

    logging.getLogger("tifffile").addHandler(_QUIET)
    with decoding(path), tifffile.TiffFile(path, _multifile=False) as file:
        page: Any = file.pages[index]
        _check_kind(path, page, directory)
        check_agreement(path, directory, page)
        if page.compression == _UNCOMPRESSED:
            page.predictor = 1  # which only belongs to compressions, and libtiff leaves alone
        samples = _samples(path, file.filehandle, page, structure, directory)
        if page.compression == _UNCOMPRESSED:
            grid = grid_of(directory)
            in_order = grid.planes == 1 and grid.across == 1
            check_end(path, samples, None if in_order else (0, _peak(samples)))
        pixels, icc, more = _in_colour(path, page, directory, samples)
        check_outcome(path, pixels, lambda: samples[..., : COLOURS[int(page.photometric)]])
    top, stated = structure.directories[0], stated_colour(directory)
    lost = lost_statements(top, directory, colours_known=bool(icc or stated))
    if with_kept_note(top.child(ifd.EXIF_POINTER))[1]:
        notes.append(MAKER_NOTE_LOST)
    return Decoded(
        pixels,
        icc,
        exif,
        tuple(notes + more + lost),
        orientation_of(exif),
        stated,
        COLOURS_LOST not in lost,
        xmp=_bytes_of(top, _XMP),
        iptc=_bytes_of(top, _IPTC),
    )


def _bytes_of(directory: Directory, tag: int) -> bytes | None:
    entry = directory.entries.get(tag)
    return None if entry is None else entry.data or None


def read_exif(path: Path) -> bytes:
    """Return the descriptive part of a TIFF file in the form of EXIF."""
    return exif_of(read_structure(path))


def read_structure(path: Path) -> ifd.Structure:
    """Read the directories of a TIFF file.

    Raises:
        InputError: it has none.
    """
    with open_input(path) as file:
        structure = ifd.parse(file)
    if structure is None or not structure.directories:
        raise InputError("is a damaged TIFF file: it has no directory", path=path)
    return structure


def exif_of(structure: ifd.Structure) -> bytes:
    """Return the descriptive part of a TIFF structure in the form of EXIF."""
    top = structure.directories[0]
    small = {tag: value for tag, value in top.entries.items() if len(value.data) <= 1 << 16}
    exif, _ = with_kept_note(top.child(ifd.EXIF_POINTER))
    children = (
        {**top.children, ifd.EXIF_POINTER: [exif]} if ifd.EXIF_POINTER in top.children else top.children
    )
    return ifd.pack_file(Directory(small, children), structure.order)


def _check_kind(path: Path, page: Any, directory: Directory) -> None:
    """Refuse a valid page that cannot be read for what it is.

    Raises:
        InputError: with a remedy.
    """
    import tifffile

    colours, reason = COLOURS.get(int(page.photometric)), None
    if colours is None or not colours <= page.samplesperpixel <= _MOST_SAMPLES:
        reason = f"{page.samplesperpixel} channels, photometric {int(page.photometric)}"
    elif page.samplesperpixel > colours + 1 and not page.extrasamples:
        reason = f"{page.samplesperpixel} channels, photometric {int(page.photometric)}, the others not named"
    elif page.photometric == _CMYK and directory.integer(_INK_SET, 1) != 1:
        reason = "inks other than CMYK"
    elif page.imagedepth > 1:
        reason = "a volume"
    elif page.dtype is None or page.bitspersample not in _BITS[int(page.photometric)].get(
        page.sampleformat, ()
    ):
        reason = f"photometric {int(page.photometric)}, {page.bitspersample} bits, format {page.sampleformat}"
    elif page.is_subsampled and (page.compression not in JPEG or page.planarconfig == _PLANES):
        reason = "subsampled colour without JPEG compression, or in planes"
    elif _holds_luma(page) and page.bitspersample != 8:
        reason = f"YCbCr of {page.bitspersample} bits"
    elif page.compression not in _COMPRESSIONS or (
        page.compression != _UNCOMPRESSED and page.compression not in tifffile.TIFF.DECOMPRESSORS
    ):
        reason = f"compression {int(page.compression)}"
    elif page.compression in FAX and (page.bitspersample, page.samplesperpixel) != (1, 1):
        reason = f"fax of {page.bitspersample} bits"
    elif page.predictor != 1 and page.predictor not in tifffile.TIFF.UNPREDICTORS:
        reason = f"predictor {int(page.predictor)}"
    if reason is not None:
        raise InputError(
            f"is a TIFF file of a kind that is not supported ({reason})", path=path, remedy=_REMEDY
        )


def _samples(
    path: Path, file: Any, page: Any, structure: ifd.Structure, directory: Directory
) -> NDArray[Any]:
    """Return H×W×C samples as they are stored, from pieces that are proved first."""
    starts, lengths = listed_pieces(path, directory)
    grid = grid_of(directory)

    def tile(index: int) -> NDArray[Any]:
        data = next(read_pieces(file, starts[index : index + 1], lengths[index : index + 1]))
        whole: NDArray[Any] = page.decode(data, index)[0][0]
        return whole

    if page.compression == _UNCOMPRESSED:
        # The length of a single piece may be missing, and what is behind the rows of one be anything.
        whole = [grid.bytes_of(index) for index in range(grid.count)]
        lengths = tuple(map(min, whole, lengths)) if lengths else tuple(whole)
        check_apart(path, structure, directory, starts, lengths)
        samples = assembled(page, grid, read_pieces(file, starts, lengths))
        peak = () if samples.dtype.kind == "f" else ((1 << page.bitspersample) - 1,)
        check_order(path, grid, starts, samples, (0, *peak), tile)
        check_stretches(path, grid, starts, samples, (0, *peak))
    else:
        check_apart(path, structure, directory, starts, lengths)
        pieces = list(read_pieces(file, starts, lengths))
        padded = _check_compressed(path, page, grid, starts, pieces)
        samples = assembled(page, grid, iter(pieces), padded)
    check_shared(path, grid, starts, samples)
    return samples


def _peak(samples: NDArray[Any]) -> int:
    return int(np.iinfo(samples.dtype).max) if samples.dtype.kind in "ui" else 1


def _check_compressed(
    path: Path, page: Any, grid: Grid, starts: Sequence[int], pieces: list[bytes]
) -> frozenset[int]:
    """Refuse damaged data that decoders fill with grey or white; return the strips that are padded."""
    padded: frozenset[int] = frozenset()
    if page.compression in PICTURES:
        check_inner(path, page, pieces)
    if page.compression in FAX:
        check_fax(path, page, starts, pieces)
    check_compressed(path, page, grid, pieces)
    if page.compression in BYTE_PACKINGS:
        padded = check_unpacked(path, page, grid, pieces)
    tables = shared_tables(path, page)
    for data in dict.fromkeys([tables, *pieces]) if page.compression in JPEG else ():
        check_tables(path, data)
    if page.compression != _JPEG or page.bitspersample != 8:
        return padded
    for data in pieces:
        if not has_end(data):
            raise InputError("is cut short: a piece of its JPEG data has no end", path=path)
        check_jpeg(path, tables + data[2:] if tables else data, page.imagewidth * page.imagelength)
    return padded


def _in_colour(
    path: Path, page: Any, directory: Directory, values: NDArray[Any]
) -> tuple[Pixels, bytes | None, list[str]]:
    """Return grey or RGB of 8 or 16 bits, alpha behind it, with the profile that holds for it and notes."""
    kind, icc, colours = int(page.photometric), page.iccprofile, COLOURS[int(page.photometric)]
    if page.sampleformat == _FLOAT and not np.isfinite(values).all():
        raise InputError(
            "has NaN or infinite values", path=path, remedy="replace them in the program that wrote it"
        )
    if kind == _PALETTE:
        stored = directory.entries[_COLOUR_MAP]
        check_colours(path, in_planes(stored.data, stored.at, 2), values[..., 0])
        return _from_palette(page.colormap, values[..., 0]), icc, []
    if kind in (_CIELAB, _ICCLAB):
        return _from_lab(values[..., :3], kind, page.bitspersample), None, []
    samples, notes = _full_range(path, page, values)
    extra = _alpha_kind(page, colours)
    samples = samples[..., : colours + (extra is not None)]
    if extra == _ASSOCIATED_ALPHA:
        samples = _unassociated(samples)
    if kind == _WHITE_IS_ZERO:
        samples = np.concatenate([np.iinfo(samples.dtype).max - samples[..., :1], samples[..., 1:]], axis=2)
    if _holds_luma(page):
        rgb = np.asarray(Image.fromarray(np.ascontiguousarray(samples[..., :3]), "YCbCr").convert("RGB"))
        samples = np.concatenate([rgb, samples[..., 3:]], axis=2)
    if kind != _CMYK:
        return samples, icc, notes
    if samples.dtype == np.uint16:
        notes.append("16-bit CMYK was read with 8 bits")
    inks = to_8_bit(samples)
    rgb, more = colour.cmyk_to_srgb(path, Image.fromarray(np.ascontiguousarray(inks[..., :4]), "CMYK"), icc)
    return np.concatenate([rgb, inks[..., 4:]], axis=2), None, notes + more


def _full_range(path: Path, page: Any, values: NDArray[Any]) -> tuple[Pixels, list[str]]:
    """Scale samples to 8 or 16 bits from black at 0 to white at the peak."""
    if page.sampleformat == _WHOLE:
        return from_bits(values, page.bitspersample), []
    real = values.astype(np.float32)
    beyond = float(np.mean((real < 0) | (real > 1)))
    if beyond > 0.5:
        raise InputError(
            "has floating-point values outside 0..1 in most places",
            path=path,
            remedy="scale it so that white is 1",
        )
    notes = [f"{beyond:.1%} of its values lie outside 0..1 and were clipped"] if beyond > 0 else []
    return np.rint(np.clip(real, 0, 1) * np.float32(65_535)).astype(np.uint16), notes


def _holds_luma(page: Any) -> bool:
    """Return whether the decoded samples are YCbCr; decoders of whole pictures, such as JPEG's, give RGB."""
    import tifffile

    is_rgb = page.compression in tifffile.TIFF.IMAGE_COMPRESSIONS and page.planarconfig != _PLANES
    return bool(page.photometric == _YCBCR and not is_rgb)


def _alpha_kind(page: Any, colours: int) -> int | None:
    """Return the kind of alpha that the first further channel is, or None."""
    if page.samplesperpixel == colours:
        return None
    if not page.extrasamples:
        # Not stated: some programs write alpha so.
        return _ALPHA if page.samplesperpixel == colours + 1 else None
    return int(page.extrasamples[0]) if page.extrasamples[0] in (_ASSOCIATED_ALPHA, _ALPHA) else None


def _unassociated(samples: Pixels) -> Pixels:
    """Undo the multiplication of colours by alpha."""
    peak = np.iinfo(samples.dtype).max
    colours, alpha = samples[..., :-1].astype(np.float32), samples[..., -1:].astype(np.float32)
    plain = np.divide(colours * np.float32(peak), alpha, out=np.zeros_like(colours), where=alpha > 0)
    result = samples.copy()
    result[..., :-1] = np.rint(np.minimum(plain, peak)).astype(samples.dtype)
    return result


def _from_palette(palette: NDArray[np.uint16], indices: NDArray[Any]) -> Pixels:
    """Look colours up in a palette; they have 8 bits where they say no more."""
    high = (palette >> 8).astype(np.uint8)
    if palette.max() < 256:  # some programs store 8 bits
        return np.take(palette.astype(np.uint8).T, indices, axis=0)
    if (palette & 255 == 0).all() or (palette == to_16_bit(high)).all():
        return np.take(high.T, indices, axis=0)
    return np.take(palette.astype(np.uint16).T, indices, axis=0)


def _from_lab(values: NDArray[Any], kind: int, bits: int) -> Pixels:
    """Convert CIE L*a*b* to sRGB: the two chromas are signed, or offset by their half (ICC).

    Floating-point values are L* of 0..100 and the chromas as they are.
    """
    deep, is_float, unit = bits > 8, values.dtype.kind == "f", 256.0 if bits > 8 else 1.0
    chroma = values[..., 1:]
    white = 100.0 if is_float else 65_535.0 if deep else 255.0
    if kind == _ICCLAB:
        chroma = chroma / np.float32(unit) - 128
        white = 65_280.0 if deep else 255.0
    elif not is_float:
        chroma = chroma.astype(np.int16 if deep else np.int8).astype(np.float32) / np.float32(unit)
    lightness = values[..., :1].astype(np.float32) * np.float32(100 / white)
    rgb = colour.lab_to_srgb(np.concatenate([lightness, chroma.astype(np.float32)], axis=2))
    return np.rint(rgb * 65_535).astype(np.uint16) if deep else np.rint(rgb * 255).astype(np.uint8)
