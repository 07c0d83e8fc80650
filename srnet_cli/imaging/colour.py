"""Colour profiles: which can be kept, and the way from CMYK to sRGB."""

from __future__ import annotations

import io
import struct
from functools import cache
from typing import Literal

from PIL import Image, ImageCms

ProfileSpace = Literal["RGB ", "GRAY", "CMYK", "Lab "]

_HEADER_BYTES = 128
_BLACK_POINT_COMPENSATION = 0x2000


def profile_space(icc: bytes | None) -> str | None:
    """The colour space that a profile is for (``"RGB "``, ``"GRAY"``, ``"CMYK"``), None if it is damaged."""
    if icc is None or len(icc) < _HEADER_BYTES:
        return None
    if struct.unpack(">I", icc[:4])[0] > len(icc) or icc[36:40] != b"acsp":
        return None
    try:
        ImageCms.ImageCmsProfile(io.BytesIO(icc))
    except (OSError, ImageCms.PyCMSError):
        return None
    return icc[16:20].decode("latin-1")


def cmyk_to_srgb(image: Image.Image, icc: bytes | None) -> Image.Image:
    """A CMYK picture in sRGB: through its profile, or by the plain formula when it has none."""
    if profile_space(icc) != "CMYK" or icc is None:
        return image.convert("RGB")
    converted = ImageCms.profileToProfile(
        image,
        ImageCms.ImageCmsProfile(io.BytesIO(icc)),
        ImageCms.createProfile("sRGB"),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        outputMode="RGB",
        flags=ImageCms.Flags(_BLACK_POINT_COMPENSATION),
    )
    return converted if converted is not None else image.convert("RGB")


def lab_to_srgb(image: Image.Image) -> Image.Image:
    """A CIE L*a*b* picture in sRGB."""
    converted = ImageCms.profileToProfile(
        image, ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), outputMode="RGB"
    )
    return converted if converted is not None else image.convert("RGB")


@cache
def srgb_profile() -> bytes:
    """The sRGB profile that developed RAW files carry, the same bytes on every run."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    # The date of creation would differ on every run (ICC.1:2010, 7.2.8).
    profile[24:36] = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)
    return bytes(profile)
