"""One table of all formats: how each is told, read and written. A further format is one row.

Only names, numbers and small tests are here; the codecs are imported when a picture is read or written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from srnet_cli.errors import InputError
from srnet_cli.reading import open_input

if TYPE_CHECKING:
    from srnet_cli.imaging.codecs.layout import Decoded, Encoder, Layout

#: bytes from the start of a file that :attr:`Format.matches` is given
HEAD_BYTES = 32


def _never(head: bytes) -> bool:
    return False


def _nothing() -> None:
    """Say that nothing is missing."""


@dataclass(frozen=True)
class Format:
    """One row: a format of pictures."""

    #: as --format takes it
    name: str
    #: as people write it
    title: str
    #: file names that belong to it; the first is that of new files
    suffixes: tuple[str, ...]
    #: whether the first bytes of a file are of this format
    matches: Callable[[bytes], bool] = _never
    #: from a file and the most pixels allowed to the stored pixels; None for camera RAW
    decode: Callable[[Path, int], Decoded] | None = None
    #: the EXIF of a file, without its pixels
    read_exif: Callable[[Path], bytes | None] | None = None
    #: height and width of a file, upright, without its pixels; None: Pillow knows its header
    read_size: Callable[[Path], tuple[int, int]] | None = None
    #: what Pillow calls it then
    pillow: tuple[str, ...] = ()
    #: from an open file and what will come to something that takes rows; None for what is only read
    encode: Callable[[BinaryIO, Layout], Encoder] | None = None
    #: the format of its results where it is not written itself, or is RAW
    result: str = "png"
    #: suffixes of variants of it that are read, but not written
    read_suffixes: tuple[str, ...] = ()
    #: the most bits that a written sample has
    depth: int = 8
    has_alpha: bool = True
    #: whether grey is stored as one channel
    has_grey: bool = True
    longest_side: int = 2**31 - 1
    most_pixels: int | None = None
    #: 1..100 where none is asked for; None: the format loses nothing
    quality: int | None = None
    exif_limit: int | None = None
    #: whether EXIF is one block, and not spread over the file
    has_exif_block: bool = True
    #: whether the orientation stands elsewhere; Pillow packs the EXIF of AVIF again when it is in there
    turns_outside_exif: bool = False
    xmp_limit: int | None = None
    #: the most bytes of IPTC; 0: it has no place
    iptc_limit: int = 0
    #: whether texts with keywords have a place
    has_texts: bool = False
    #: whether it holds a colour profile; where it does not, colours are brought to sRGB
    has_profile: bool = True
    #: what pip has to install before it can be written, None when it can
    missing: Callable[[], str | None] = _nothing
    #: whether it holds camera colours, and so only what was RAW
    holds_camera_colours: bool = False

    @property
    def is_raw(self) -> bool:
        """Return whether its files are camera RAW, read by developing them."""
        return self.decode is None


def _codec(module: str, name: str) -> Callable[..., Any]:
    """Return ``name`` of a module of codecs, imported on the first call."""

    def call(*arguments: Any) -> Any:
        return getattr(import_module(f"srnet_cli.imaging.codecs.{module}"), name)(*arguments)

    return call


def _has_brand(head: bytes, *brands: bytes) -> bool:
    """Return whether a file begins with a box of brands, of a length that can be."""
    return head[:2] == b"\0\0" and head[4:8] == b"ftyp" and any(brand in head[8:] for brand in brands)


def _is_heif(head: bytes) -> bool:
    return _has_brand(head, b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


def _is_bmp(head: bytes) -> bool:
    """Return a .dib may lack the file header and start with that of the bitmap (40 bytes)."""
    return head.startswith(b"BM") or (head[:4] == b"\x28\0\0\0" and head[12:14] == b"\1\0")


FORMATS: dict[str, Format] = {}


def register(row: Format) -> None:
    """Add a format to the table.

    Raises:
        ValueError: its name or one of its suffixes is taken.
    """
    taken = {suffix for other in FORMATS.values() for suffix in other.suffixes + other.read_suffixes}
    if row.name in FORMATS or taken & {*row.suffixes, *row.read_suffixes}:
        raise ValueError(f"format {row.name!r} or a suffix of it is registered already")
    FORMATS[row.name] = row


for _row in (
    Format(
        "png", "PNG", (".png",),
        matches=lambda head: head.startswith(b"\x89PNG\r\n\x1a\n"),
        decode=_codec("png_read", "decode"),
        read_exif=_codec("png_read", "read_exif"), pillow=("PNG",),
        encode=_codec("png_write", "PngEncoder"),
        read_suffixes=(".apng",),
        depth=16,
        iptc_limit=1 << 20,
        has_texts=True,
        longest_side=1_000_000,
    ),
    Format(
        "tiff", "TIFF", (".tif", ".tiff"),
        matches=lambda head: head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
        decode=_codec("tiff_read", "decode"),
        read_exif=_codec("tiff_read", "read_exif"),
        encode=_codec("tiff_write", "TiffEncoder"),
        read_suffixes=(".tf8", ".btf"),
        depth=16,
        has_exif_block=False,
        iptc_limit=1 << 20,
    ),
    Format(
        "jpeg", "JPEG", (".jpg", ".jpeg", ".jpe", ".jfif"),
        matches=lambda head: head.startswith(b"\xff\xd8\xff"),
        decode=_codec("pillow_read", "decode_jpeg"),
        read_exif=_codec("pillow_read", "read_exif"), pillow=("JPEG",),
        encode=_codec("imageio_codec", "encode_jpeg"),
        read_suffixes=(".mpo", ".jps", ".jif", ".jfi"),
        has_alpha=False,
        longest_side=65_500,
        quality=95,
        # one segment of 65,533 bytes each
        exif_limit=65_533 - len(b"Exif\0\0"),
        xmp_limit=65_533 - len(b"http://ns.adobe.com/xap/1.0/\0"),
        iptc_limit=65_533 - 32,
    ),
    Format(
        "webp", "WebP", (".webp",),
        matches=lambda head: head[:4] == b"RIFF" and head[8:12] == b"WEBP",
        decode=_codec("pillow_read", "decode_webp"),
        read_exif=_codec("pillow_read", "read_exif"), pillow=("WEBP",),
        encode=_codec("imageio_codec", "encode_webp"),
        has_grey=False,
        longest_side=16_383,
        quality=90,
    ),
    Format(
        "avif", "AVIF", (".avif",),
        matches=lambda head: _has_brand(head, b"avif", b"avis"),
        decode=_codec("avif_read", "decode"),
        read_exif=_codec("pillow_read", "read_exif"), pillow=("AVIF",),
        encode=_codec("imageio_codec", "encode_avif"),
        has_grey=False,
        longest_side=32_768,
        most_pixels=16_384 * 16_384,  # what libavif's decoders take by default
        quality=80,
        turns_outside_exif=True,
    ),
    Format(
        "heif", "HEIC", (".heic", ".heif", ".hif"),
        matches=_is_heif,
        decode=_codec("further.heif", "decode"),
        read_exif=_codec("further.heif", "read_exif"),
        read_size=_codec("further.heif", "read_size"),
        result="jpeg",
    ),
    Format(
        "jxl", "JPEG XL", (".jxl",),
        matches=lambda head: head[:2] == b"\xff\x0a" or head[:12] == b"\0\0\0\x0cJXL \r\n\x87\n",
        decode=_codec("further.jpeg_xl", "decode"),
        read_exif=_codec("further.jpeg_xl", "read_exif"),
        read_size=_codec("further.jpeg_xl", "read_size"),
        encode=_codec("further.jpeg_xl", "encode"),
        depth=16,
        quality=90,
        has_profile=False,
        missing=_codec("further.jpeg_xl", "missing"),
    ),
    Format(
        "jp2", "JPEG 2000", (".jp2", ".j2k", ".jpx", ".j2c", ".jpf"),
        matches=lambda head: head[:12] == b"\0\0\0\x0cjP  \r\n\x87\n" or head[:4] == b"\xff\x4f\xff\x51",
        decode=_codec("further.jpeg_2000", "decode"),
        read_size=_codec("further.jpeg_2000", "read_size"),
    ),
    Format(
        "psd", "PSD", (".psd",),
        matches=lambda head: head[:4] == b"8BPS",
        decode=_codec("further.psd", "decode"), pillow=("PSD",),
        result="tiff",
    ),
    Format(
        "bmp", "BMP", (".bmp", ".dib"),
        matches=_is_bmp,
        decode=_codec("imageio_codec", "decode_bmp"), pillow=("BMP", "DIB"),
    ),
    Format(
        "gif", "GIF", (".gif",),
        matches=lambda head: head[:6] in (b"GIF87a", b"GIF89a"),
        decode=_codec("further.gif", "decode"), pillow=("GIF",),
    ),
    Format(
        "dng", "DNG", (".dng",),
        encode=_codec("dng.encoder", "DngEncoder"),
        result="tiff",
        depth=16,
        has_alpha=False,
        # what developers take: Adobe's at most 65,000 pixels a side, and no classic TIFF is above 4 GB
        longest_side=65_000,
        most_pixels=2**32 // 6 * 99 // 100,
        has_exif_block=False,
        holds_camera_colours=True,
    ),
    Format(
        "raw", "RAW",
        (
            ".3fr", ".ari", ".arw", ".bay", ".cap", ".cr2", ".cr3", ".crw", ".dcr", ".dcs", ".drf", ".eip",
            ".erf", ".fff", ".gpr", ".iiq", ".k25", ".kdc", ".mdc", ".mef", ".mos", ".mrw", ".nef",
            ".nrw", ".orf", ".pef", ".ptx", ".pxn", ".r3d", ".raf", ".raw", ".rw2", ".rwl", ".rwz", ".sr2",
            ".srf", ".srw", ".x3f",
        ),
        depth=16,
        result="tiff",
    ),
):  # fmt: skip
    register(_row)


def format_of(path: Path | str) -> Format | None:
    """Return the format that the name of a file stands for, or None.

    Example:
        >>> format_of("photo.JPG").title
        'JPEG'
    """
    suffix = Path(path).suffix.lower()
    return next((f for f in FORMATS.values() if suffix in f.suffixes + f.read_suffixes), None)


def is_raw_path(path: Path | str) -> bool:
    """Return whether the name is that of a camera RAW file.

    Example:
        >>> is_raw_path("DSC01.ARW"), is_raw_path("DSC01.JPG")
        (True, False)
    """
    found = format_of(path)
    return found is not None and found.is_raw


def content_format(head: bytes) -> Format | None:
    """Return the format that the first bytes of a file show, or None.

    Example:
        >>> content_format(b"GIF89a").name
        'gif'
    """
    return next((f for f in FORMATS.values() if f.matches(head)), None)


def format_in(path: Path) -> Format | None:
    """Return the format that the content of a file shows, or None; its name says nothing.

    Raises:
        InputError: it is empty, missing or not a regular file.
    """
    with open_input(path) as file:
        head = file.read(HEAD_BYTES)
    if not head:
        raise InputError("is empty", path=path)
    return content_format(head)


#: how files begin that people take for pictures, and what they are
_FOREIGN = {
    b"%PDF": "a PDF document",
    b"%!PS": "a PostScript document",
    b"\x76\x2f\x31\x01": "an OpenEXR picture",
    b"#?RADIANCE": "a Radiance picture",
    b"<svg": "an SVG drawing",
    b"<?xml": "an XML file, or an SVG drawing",
    b"PK\x03\x04": "a ZIP archive",
    b"gimp xcf": "a GIMP picture",
    b"\x1a\x45\xdf\xa3": "a film",
}


def foreign_kind(head: bytes) -> str | None:
    """Return what a file is by its first bytes where it is no picture that is read, or None.

    Example:
        >>> foreign_kind(b"%PDF-1.7")
        'a PDF document'
    """
    if head[4:8] == b"ftyp":
        return "a film"
    return next((kind for start, kind in _FOREIGN.items() if head.startswith(start)), None)


def written_formats() -> tuple[Format, ...]:
    """Return the formats that pictures are written in."""
    return tuple(f for f in FORMATS.values() if f.encode is not None)


def written_format_of(path: Path | str) -> Format | None:
    """Return the format that a file of this name is written in, or None."""
    suffix = Path(path).suffix.lower()
    return next((f for f in written_formats() if suffix in f.suffixes), None)


def joined(words: Iterable[str], last: str = "or") -> str:
    """Return words as a list in a sentence.

    Example:
        >>> joined(["PNG", "TIFF", "JPEG"])
        'PNG, TIFF or JPEG'
    """
    *first, final = words
    return f"{', '.join(first)} {last} {final}" if first else final
