"""Samples of EXIF as in the collections of ianare, Metadata Extractor and ExifTool: cameras' JPEGs.

Orientations in every format, maker notes as each maker lays them out, segments in unusual orders, directories
that are damaged or point to themselves. The pixels are right whatever is wrong with the EXIF.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from srnet_cli.imaging.codecs import ifd
from tests.collections.entries import Entry, gradient

_HEIGHT, _WIDTH = 48, 64
_MAKERS: dict[str, bytes] = {
    # Offsets from the start of the EXIF, no header.
    "Canon": b"",
    "Panasonic": b"Panasonic\0\0\0",
    "SONY": b"SONY DSC \0\0\0",
    "Minolta": b"",
    "CASIO": b"",
    "CASIO2": b"QVC\0\0\0",
    "SANYO": b"SANYO\0\x01\0",
    "Ricoh": b"RICOH\0\0\0",
    "Samsung": b"",
    "Leica": b"LEICA\0\0\0",
    "SIGMA": b"SIGMA\0\0\0\x01\0",
    "NIKON1": b"Nikon\0\1\0",
    "OLYMPUS1": b"OLYMP\0\1\0",
    "PENTAX1": b"AOC\0MM",
    "Kyocera": b"KYOCERA            \0\0\0",
}
#: offsets from the start of the note
_ALONE: dict[str, bytes] = {
    "NIKON": b"Nikon\0\2\x10\0\0",
    "OLYMPUS": b"OLYMPUS\0",
    "FUJIFILM": b"FUJIFILM",
    "Apple": b"Apple iOS\0\0\1",
    "PENTAX": b"PENTAX \0",
}


def entries() -> Iterator[Entry]:
    yield from _orientations()
    yield from _makers()
    yield from _segments()
    yield from _kinds()
    yield from _directories()
    yield from _damaged()


def _pixels(mode: str = "RGB") -> NDArray[np.uint8]:
    channels = {"L": 1, "RGB": 3, "CMYK": 4}[mode]
    return (gradient(_HEIGHT, _WIDTH, channels, 200) + 20).astype(np.uint8)


def _encoded(kind: str = "JPEG", mode: str = "RGB", **options: Any) -> bytes:
    file = io.BytesIO()
    options = {"quality": 95, **options} if kind != "PNG" else options
    Image.fromarray(_pixels(mode).squeeze(), mode).save(file, kind, **options)
    return file.getvalue()


def _decoded(data: bytes) -> NDArray[Any]:
    with Image.open(io.BytesIO(data)) as image:
        return np.atleast_3d(np.asarray(image))


def _exif(
    top: dict[int, ifd.Entry] | None = None,
    inside: dict[int, ifd.Entry] | None = None,
    order: ifd.ByteOrder = "<",
    maker: str = "Maker",
) -> bytes:
    entries = {271: ifd.ascii_entry(maker), 272: ifd.ascii_entry("Model 1"), **(top or {})}
    details = {36867: ifd.ascii_entry("2020:01:02 03:04:05"), 33434: ifd.entry(ifd.RATIONAL, 1, 125)}
    exif = ifd.Directory({**details, **(inside or {})})
    return ifd.pack_file(ifd.Directory(entries, {ifd.EXIF_POINTER: [exif]}), order)


def _segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def _app1(exif: bytes) -> bytes:
    return _segment(0xE1, b"Exif\0\0" + exif)


def _entry(name: str, ahead: bytes = b"", base: bytes | None = None, **tags: str) -> Entry:
    """A JPEG with segments put behind its start."""
    base = _encoded() if base is None else base
    return Entry(name, base[:2] + ahead + base[2:], _decoded(base), 0, tags)


_TAGS = {"Make": "Maker", "Model": "Model 1", "DateTimeOriginal": "2020:01:02 03:04:05"}


def _orientations() -> Iterator[Entry]:
    for kind in ("JPEG", "PNG", "WEBP", "TIFF"):
        for orientation in range(9):
            for order, mark in (("<", "le"), (">", "be")):
                exif = _exif({274: ifd.entry(ifd.SHORT, orientation)}, order=order)  # type: ignore[arg-type]
                options: dict[str, Any] = {"lossless": True} if kind == "WEBP" else {}
                if kind == "TIFF":
                    options, tags = {"tiffinfo": {274: orientation}}, {}
                    if order == ">":
                        continue
                else:
                    options["exif"], tags = b"Exif\0\0" + exif, dict(_TAGS)
                data = _encoded(kind, **options)
                # Pillow itself turns TIFF.
                stored = _pixels() if kind == "TIFF" else _decoded(data)
                name = f"orientation-{orientation}-{mark}.{kind.lower()}"
                yield Entry(name, data, _turned(stored, orientation), 0, tags)


def _turned(values: NDArray[Any], orientation: int) -> NDArray[Any]:
    if orientation >= 5:
        values = values.transpose(1, 0, 2)
    flips = {2: (1, -1), 3: (-1, -1), 4: (-1, 1), 6: (1, -1), 7: (-1, -1), 8: (-1, 1)}
    down, right = flips.get(orientation, (1, 1))
    return values[::down, ::right]


def _makers() -> Iterator[Entry]:
    for maker, head in {**_MAKERS, **_ALONE}.items():
        for order, mark in (("<", "le"), (">", "be")):
            # A directory of one text that lies behind it, in the maker's own sense of an offset.
            text = b"value of the note\0"
            if maker == "FUJIFILM":  # always little-endian, and counted from its own start
                body = head + struct.pack("<IHHHIII", 12, 1, 0x1000, 2, len(text), 30, 0) + text
            elif maker in _ALONE:
                body = head + (b"II*\0" if order == "<" else b"MM\0*") + bytes(8) + text
            else:
                body = head + struct.pack(f"{order}HHHII", 1, 6, 2, len(text), 0x3F3F3F3F) + bytes(4) + text
            exif = _exif(inside={37500: ifd.Entry(ifd.UNDEFINED, len(body), body)}, order=order, maker=maker)  # type: ignore[arg-type]
            at = exif.index(body) + len(body) - len(text)
            exif = exif.replace(b"????", struct.pack(f"{order}I", at))
            yield _entry(f"maker-{maker}-{mark}.jpg", _app1(exif), **{**_TAGS, "Make": maker})


def _segments() -> Iterator[Entry]:
    exif = _app1(_exif())
    jfif = _segment(0xE0, b"JFIF\0\1\2\1\0\x48\0\x48\0\0")
    xmp = _segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:x='adobe:ns:meta/'/>")
    photoshop = _segment(0xED, b"Photoshop 3.0\08BIM\4\4\0\0\0\0\0\x08\x1c\2\5\0\3abc")
    comment = _segment(0xFE, b"a comment")
    icc = _icc()
    half = len(icc) // 2
    profile = b"".join(
        _segment(0xE2, b"ICC_PROFILE\0" + bytes([number, 2]) + part)
        for number, part in ((1, icc[:half]), (2, icc[half:]))
    )
    mpf = _segment(0xE2, b"MPF\0II*\0\x08\0\0\0\0\0\0\0\0\0")
    orders = {
        "exif-first": exif + jfif,
        "exif-last": jfif + xmp + photoshop + comment + exif,
        "exif-behind-xmp": xmp + exif,
        "exif-twice": exif + exif,
        "profile-in-two": exif + profile,
        "profile-turned-round": exif + profile[len(profile) // 2 :] + profile[: len(profile) // 2],
        "with-mpf": exif + mpf,
        "fill-bytes": b"\xff\xff\xff" + exif,
        "app0-unknown": exif + _segment(0xE0, b"OTHER\0anything"),
        "app14-of-adobe": exif + _segment(0xEE, b"Adobe\0\x64\0\0\0\0\1"),
        "app12-of-picture-info": exif + _segment(0xEC, b"PictureInfo\0[picture info]"),
        "thumbnail-in-jfif": _segment(0xE0, b"JFIF\0\1\2\0\0\1\0\1\2\2" + bytes(12)) + exif,
    }
    for name, ahead in orders.items():
        yield _entry(f"{name}.jpg", ahead, **_TAGS)
    base = _encoded()
    right = _decoded(base)
    for name, data in (
        ("trailer", base + b"\0" * 3000 + base),
        ("trailer-of-text", base + b"any bytes behind the end"),
        ("stray-bytes-before-a-segment", base[:20] + b"\0\x12" + base[20:]),
        ("stray-bytes-before-the-end", base[:-2] + bytes(7) + base[-2:]),
        ("much-padding-before-the-end", base[:-2] + b"\x55\xaa" * 200 + base[-2:]),
        ("no-end", base[:-2]),
    ):
        yield Entry(f"{name}.jpg", data, right)


def _icc() -> bytes:
    from PIL import ImageCms

    return bytes(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())


def _kinds() -> Iterator[Entry]:
    for name, options in (
        ("progressive", {"progressive": True}),
        ("optimised", {"optimize": True}),
        ("restarts", {"restart_marker_rows": 1}),
        ("subsampled-420", {"subsampling": 2}),
        ("subsampled-422", {"subsampling": 1}),
        ("subsampled-444", {"subsampling": 0}),
        ("kept-rgb", {"keep_rgb": True}),
        ("coarse", {"quality": 5}),
    ):
        yield _entry(f"{name}.jpg", _app1(_exif()), _encoded(**options), **_TAGS)
    yield _entry("grey.jpg", _app1(_exif()), _encoded(mode="L"), **_TAGS)
    cmyk = _encoded(mode="CMYK")
    with Image.open(io.BytesIO(cmyk)) as image:
        right = np.asarray(image.convert("RGB"))
    yield Entry("cmyk-of-adobe.jpg", cmyk, right, 1)


def _directories() -> Iterator[Entry]:
    """EXIF that is odd or damaged: the picture is read all the same."""
    plain = _exif()
    second = struct.unpack("<I", plain[4:8])[0]
    loop = bytearray(plain)
    (count,) = struct.unpack_from("<H", loop, second)
    struct.pack_into("<I", loop, second + 2 + 12 * count, second)
    far = bytearray(plain)
    struct.pack_into("<I", far, second + 2 + 8, 0x7FFFFFFF)
    many = bytearray(plain)
    struct.pack_into("<H", many, second, 0xFFFF)
    for name, exif in (
        ("loop", bytes(loop)),
        ("offset-behind-the-end", bytes(far)),
        ("too-many-entries", bytes(many)),
        ("cut", plain[: len(plain) // 2]),
        ("empty", b""),
        ("only-head", plain[:8]),
        ("nonsense", b"II*\0" + b"\xff" * 200),
        ("zero-denominator", _exif(inside={33437: ifd.entry(ifd.RATIONAL, 1, 0)})),
        ("text-without-end", _exif({305: ifd.Entry(ifd.ASCII, 4, b"abcd")})),
        ("unicode-comment", _exif(inside={37510: ifd.Entry(ifd.UNDEFINED, 12, b"UNICODE\0a\0b\0")})),
        ("orientation-as-long", _exif({274: ifd.entry(ifd.LONG, 1)})),
        ("orientation-of-nonsense", _exif({274: ifd.entry(ifd.SHORT, 700)})),
        ("resolution-of-nothing", _exif({282: ifd.entry(ifd.RATIONAL, 0, 0)})),
    ):
        yield _entry(f"exif-{name}.jpg", _app1(exif))


def _damaged() -> Iterator[Entry]:
    base = _encoded()
    scan = base.rindex(b"\xff\xda") + 14
    middle = scan + (len(base) - scan) // 2
    for name, data in (
        ("cut-in-the-header", base[: scan - 100]),
        ("cut-in-the-scan", base[:middle]),
        ("zeros-in-the-scan", base[:middle] + bytes(len(base) - middle)),
        ("other-marker-in-the-scan", base[:middle] + b"\xff\xc4\0\x03\0" + base[middle + 5 :]),
        ("only-the-start", base[:3]),
    ):
        yield Entry(f"{name}.jpg", data, None)
