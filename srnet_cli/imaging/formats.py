"""One table of all formats: how each is told, read and written. A further format is one row.

Only names, numbers and small tests are here; the codecs are imported when a picture is read or written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from srnet_cli.imaging.codecs.layout import Decoded, Encoder, Layout

#: bytes from the start of a file that :attr:`Format.matches` is given
HEAD_BYTES = 32


def _never(head: bytes) -> bool:
    return False


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
    #: from an open file and what will come to something that takes rows; None for what is only read
    encode: Callable[[BinaryIO, Layout], Encoder] | None = None
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
    #: whether the orientation stands elsewhere; Pillow packs the EXIF of AVIF anew when it is in there
    turns_outside_exif: bool = False
    xmp_limit: int | None = None
    #: the most bytes of IPTC; 0: it has no place
    iptc_limit: int = 0
    #: whether texts with keywords have a place
    has_texts: bool = False
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


def _is_avif(head: bytes) -> bool:
    return head[4:8] == b"ftyp" and any(brand in head[8:] for brand in (b"avif", b"avis"))


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
        read_exif=_codec("png_read", "read_exif"),
        encode=_codec("png_write", "PngEncoder"),
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
        depth=16,
        has_exif_block=False,
        iptc_limit=1 << 20,
    ),
    Format(
        "jpeg", "JPEG", (".jpg", ".jpeg", ".jpe", ".jfif"),
        matches=lambda head: head.startswith(b"\xff\xd8\xff"),
        decode=_codec("pillow_read", "decode_jpeg"),
        read_exif=_codec("pillow_read", "read_exif"),
        encode=_codec("imageio_codec", "encode_jpeg"),
        read_suffixes=(".mpo",),
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
        read_exif=_codec("pillow_read", "read_exif"),
        encode=_codec("imageio_codec", "encode_webp"),
        has_grey=False,
        longest_side=16_383,
        quality=90,
    ),
    Format(
        "avif", "AVIF", (".avif",),
        matches=_is_avif,
        decode=_codec("avif_read", "decode"),
        read_exif=_codec("pillow_read", "read_exif"),
        encode=_codec("imageio_codec", "encode_avif"),
        has_grey=False,
        longest_side=32_768,
        most_pixels=16_384 * 16_384,  # what libavif's decoders take by default
        quality=80,
        turns_outside_exif=True,
    ),
    Format(
        "bmp", "BMP", (".bmp", ".dib"),
        matches=_is_bmp,
        decode=_codec("imageio_codec", "decode_bmp"),
    ),
    Format(
        "gif", "GIF", (".gif",),
        matches=lambda head: head[:6] in (b"GIF87a", b"GIF89a"),
        decode=_codec("imageio_codec", "decode"),
    ),
    Format(
        "dng", "DNG", (".dng",),
        encode=_codec("dng.encoder", "DngEncoder"),
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
