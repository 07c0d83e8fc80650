"""The chunks of a PNG file besides its pixels. Format: PNG, third edition (W3C 2025)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from srnet_cli.errors import InputError
from srnet_cli.imaging.colour import SRGB, SRGB_COLOUR, Primaries, StatedColour, colour_of_cicp

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MOST_PROFILE_BYTES = 1 << 24
_MOST_TEXT_BYTES = 1 << 22
#: of everything besides the pixels, together
_MOST_BYTES = 1 << 26
#: every one costs some microseconds; that of a large picture has tens of thousands
_MOST_CHUNKS = 1_000_000
#: what every reader needs for the pixels, besides a palette; without the rest, those that stumble over it
#: read the picture
_OF_THE_PIXELS = frozenset({b"IHDR", b"IDAT", b"IEND"})
_XMP_KEYWORD = "XML:com.adobe.xmp"
_RAW_PROFILE = "Raw profile type "
_INCH = 0.0254
_PALETTE = 3
#: a file gamma of 1/2.2 is what programs write for sRGB; older ones round it to 0.45
_SRGB_GAMMA, _GAMMA_TOLERANCE = 0.45455, 0.005


@dataclass(frozen=True)
class Colour:
    """Statement, profile, or why neither is known."""

    stated: StatedColour | None = None
    icc: bytes | None = None
    unknown: str | None = None


@dataclass(frozen=True)
class PngContents:
    """Contents of a PNG file's chunks."""

    width: int
    height: int
    bit_depth: int
    colour_type: int
    interlaced: bool
    #: of the palette
    colours: int = 0
    #: the file with nothing but the chunks that its still picture is made of
    plain: bytes = b""
    #: the compressed pixels of that picture, in pieces
    pieces: tuple[memoryview, ...] = ()
    #: body of tRNS
    transparent: bytes | None = None
    frames: int = 1
    icc: bytes | None = None
    lost_profile: str | None = None
    cicp: bytes | None = None
    has_srgb: bool = False
    gamma: float | None = None
    primaries: Primaries | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    texts: tuple[tuple[str, str], ...] = ()
    resolution: tuple[float, float] | None = None
    notes: tuple[str, ...] = ()

    def colour(self) -> Colour:
        """Return what holds for the colours, in the order of section 4.3."""
        unknown: str | None = None
        if self.cicp is not None:
            primaries, transfer, matrix, full_range = self.cicp
            stated = colour_of_cicp(primaries, transfer)
            if stated is not None and matrix == 0 and full_range == 1:
                return Colour(stated)
            codes = ", ".join(map(str, self.cicp))
            unknown = f"its colours (cICP {codes}) are of a kind that is not known and were left as they are"
        if self.icc is not None:
            return Colour(icc=self.icc)
        if unknown is not None:
            return Colour(unknown=unknown)
        if self.has_srgb:
            return Colour(SRGB_COLOUR)
        if self.gamma is None and self.primaries is None:
            return Colour(unknown=self.lost_profile)
        gamma = None
        if self.gamma is not None and abs(self.gamma - _SRGB_GAMMA) > _GAMMA_TOLERANCE:
            gamma = 1 / self.gamma
        found = self.primaries or SRGB
        if not found.usable():
            return Colour(unknown="its primaries (cHRM) are impossible and were left out")
        return Colour(StatedColour(found, gamma))


@dataclass
class _Texts:
    """Texts so far, and how much more of them is taken."""

    budget: int = _MOST_TEXT_BYTES
    whole: int = _MOST_BYTES
    plain: list[tuple[str, str]] = field(default_factory=list)
    profiles: dict[str, bytes] = field(default_factory=dict)
    xmp: bytes | None = None
    skipped: bool = False


def read_contents(path: Path, data: bytes) -> PngContents:
    """Walk all chunks of a PNG file.

    Raises:
        InputError: a chunk is cut short or its checksum is wrong, the end or a palette is missing, or what
            is there once is there twice.
    """
    contents: PngContents | None = None
    texts = _Texts()
    plain: list[bytes | memoryview] = [SIGNATURE]
    pieces: list[memoryview] = []
    colours = 0
    for count, (kind, body, whole) in enumerate(_chunks(path, data)):
        if count >= _MOST_CHUNKS:
            raise InputError(f"has more than {_MOST_CHUNKS:,} chunks", path=path)
        if contents is None:
            if kind == b"CgBI":
                raise InputError(
                    "is a PNG in Apple's own form (CgBI), which other programs cannot read",
                    path=path,
                    remedy="convert it on a Mac: xcrun pngcrush -revert-iphone-optimizations IN OUT",
                )
            if kind != b"IHDR" or len(body) != 13:
                break
            width, height, depth, colour_type, _, _, interlaced = struct.unpack(">IIBBBBB", body)
            contents = PngContents(width, height, depth, colour_type, bool(interlaced))
        elif kind == b"IHDR" or (kind == b"PLTE" and colours):
            # Readers differ on which one counts.
            raise InputError(f"is a damaged PNG file: it has {kind.decode()} twice", path=path)
        elif kind in (b"tEXt", b"zTXt", b"iTXt"):
            _add_text(texts, kind, bytes(body))
        else:
            contents = _with_chunk(contents, kind, body)
        is_table = kind == b"PLTE" or (kind == b"tRNS" and contents.colour_type == _PALETTE)
        if kind in _OF_THE_PIXELS or (is_table and not pieces):  # behind pixels it is of no use to them
            plain.append(whole)
        if kind == b"PLTE" and not pieces:
            colours = len(body) // 3
        if kind == b"IDAT":
            pieces.append(body)
            if contents.colour_type == _PALETTE and not colours:
                raise InputError("is a damaged PNG file: its palette is missing", path=path)
        if kind == b"IEND":
            contents = replace(_finished(contents, texts), colours=colours)
            return replace(contents, plain=b"".join(plain), pieces=tuple(pieces))
    raise InputError("is cut short: the end of the PNG data is missing", path=path)


def _chunks(path: Path, data: bytes) -> Iterator[tuple[bytes, memoryview, memoryview]]:
    """Yield each chunk's kind, body, and all of its bytes."""
    view, position = memoryview(data), len(SIGNATURE)
    while position + 12 <= len(data):
        length, kind = struct.unpack(">I4s", view[position : position + 8])
        end = position + 12 + length
        if end > len(data):
            return
        if zlib.crc32(view[position + 4 : end - 4]) != struct.unpack(">I", view[end - 4 : end])[0]:
            raise InputError("is a damaged PNG file: a checksum does not match", path=path)
        yield kind, view[position + 8 : end - 4], view[position:end]
        position = end


def _with_chunk(contents: PngContents, kind: bytes, body: memoryview) -> PngContents:
    size = len(body)
    if kind == b"tRNS":
        return replace(contents, transparent=bytes(body))
    if kind == b"eXIf":
        return replace(contents, exif=bytes(body).removeprefix(b"Exif\0\0") or None)
    if kind == b"acTL" and size == 8:
        return replace(contents, frames=struct.unpack(">I", body[:4])[0])
    if kind == b"iCCP" and contents.icc is None and contents.lost_profile is None:
        icc = _inflated(bytes(body).partition(b"\0")[2][1:], _MOST_PROFILE_BYTES)
        lost = "its colour profile is damaged and was left out" if icc is None else None
        return replace(contents, icc=icc, lost_profile=lost)
    if kind == b"cICP" and size == 4:
        return replace(contents, cicp=bytes(body))
    if kind == b"sRGB":
        return replace(contents, has_srgb=True)
    if kind == b"gAMA" and size == 4:
        (gamma,) = struct.unpack(">I", body)
        # Beyond these, nothing would be left of the picture.
        return replace(contents, gamma=gamma / 100_000 if 5_000 <= gamma <= 1_000_000 else None)
    if kind == b"cHRM" and size == 32:
        values = [value / 100_000 for value in struct.unpack(">8I", body)]
        white, red, green, blue = zip(values[::2], values[1::2], strict=True)
        return replace(contents, primaries=Primaries(red, green, blue, white))
    if kind == b"pHYs" and size == 9:
        across, down, unit = struct.unpack(">IIB", body)
        if unit == 1 and across and down:
            return replace(contents, resolution=(across * _INCH, down * _INCH))
    return contents


def _add_text(texts: _Texts, kind: bytes, body: bytes) -> None:
    name, _, rest = body.partition(b"\0")
    keyword = name.decode("latin-1")
    packed = kind == b"zTXt"
    if packed:
        rest = rest[1:]
    elif kind == b"iTXt":
        packed, rest = rest[:1] == b"\1", rest[2:].partition(b"\0")[2].partition(b"\0")[2]
    is_profile = keyword == _XMP_KEYWORD or keyword.startswith(_RAW_PROFILE)
    limit = min(_MOST_PROFILE_BYTES if is_profile else texts.budget, texts.whole)
    value = _inflated(rest, limit) if packed else rest if len(rest) <= limit else None
    # What was too long, or damaged at its end, cost as much.
    texts.whole -= limit if value is None else len(value)
    if value is None:
        texts.skipped = True
    elif keyword == _XMP_KEYWORD:
        texts.xmp = value
    elif keyword.startswith(_RAW_PROFILE):
        texts.profiles.setdefault(keyword.removeprefix(_RAW_PROFILE).lower(), value)
    else:
        texts.budget -= len(value)
        texts.plain.append(
            (keyword, value.decode("utf-8" if kind == b"iTXt" else "latin-1", errors="replace"))
        )


def _finished(contents: PngContents, texts: _Texts) -> PngContents:
    profiles = {
        name: found for name, text in texts.profiles.items() if (found := _raw_profile(text)) is not None
    }
    app1 = profiles.get("exif", profiles.get("app1"))
    exif = contents.exif
    if exif is None and app1 is not None and app1.startswith(b"Exif\0\0"):
        exif = app1.removeprefix(b"Exif\0\0")
    lost = ("a text in it is damaged or too long and was left out",) if texts.skipped else ()
    return replace(
        contents,
        exif=exif,
        xmp=texts.xmp or profiles.get("xmp"),
        iptc=profiles.get("iptc"),
        texts=tuple(texts.plain),
        notes=contents.notes + lost,
    )


def _raw_profile(text: bytes) -> bytes | None:
    """Return the bytes that ImageMagick and others write in hexadecimal: name, length, digits."""
    words = text.split(None, 2)
    if len(words) < 3:
        return None
    try:
        found = bytes.fromhex(words[2].decode("ascii"))
    except ValueError:
        return None
    return found or None


def _inflated(data: bytes, limit: int) -> bytes | None:
    """Return inflated data, None when it is damaged or longer than ``limit``."""
    inflate = zlib.decompressobj()
    try:
        found = inflate.decompress(data, limit + 1)
    except zlib.error:
        return None
    return found if inflate.eof and len(found) <= limit else None
