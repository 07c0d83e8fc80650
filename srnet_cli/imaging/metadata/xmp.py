"""XMP: the packet travels as it is, but for what is no longer true of the result."""

from __future__ import annotations

import re

#: properties that describe pictures stored behind the first one, which no result has
_OF_OTHER_PICTURES = re.compile(rb"hdrgm:|Container:Directory|GCamera:(?:MicroVideo|MotionPhoto)")
#: what it has ahead in a JPEG, and in a few files of other formats, too
SPACE = b"http://ns.adobe.com/xap/1.0/\0"
#: one blank is as good as many ahead of it, of which a packet may be full
_EXTENDED = re.compile(rb"""\sxmpNote:HasExtendedXMP=(["'])[^"']*\1""")


def xmp_for_output(xmp: bytes | None, height: int, width: int) -> tuple[bytes | None, tuple[str, ...]]:
    """Return the packet for a result of this size, and notes on losses."""
    if xmp is None:
        return None, ()
    if _OF_OTHER_PICTURES.search(xmp):
        return None, ("its XMP describes further pictures in the file (HDR, motion) and was left out",)
    changed = xmp
    for name, value in (
        (b"tiff:ImageWidth", width),
        (b"tiff:ImageLength", height),
        (b"exif:PixelXDimension", width),
        (b"exif:PixelYDimension", height),
    ):
        changed = _with_number(changed, name, value)
    without, extended = _EXTENDED.subn(b"", changed)
    return without, ("the extended part of its XMP was left out",) if extended else ()


def bare_xmp(xmp: bytes | None) -> bytes | None:
    """Return the packet alone."""
    return None if xmp is None else xmp.removeprefix(SPACE) or None


def upright_xmp(xmp: bytes | None) -> bytes | None:
    """Return the packet of a picture that was turned as its EXIF says."""
    return None if xmp is None else _with_number(xmp, b"tiff:Orientation", 1)


def _with_number(xmp: bytes, name: bytes, value: int) -> bytes:
    """Return the packet with another value of a property, written as an attribute or as an element."""
    changed = re.sub(rb"(%s=[\"'])\d+" % name, rb"\g<1>%d" % value, xmp)
    return re.sub(rb"(<%s>)\s*\d+" % name, rb"\g<1>%d" % value, changed)
